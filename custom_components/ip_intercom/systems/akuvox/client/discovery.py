"""Find a device at an address: scheme, certificate, TLS version, and whether it is an Akuvox."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
import logging
import re
from urllib.parse import parse_qsl

import aiohttp
from yarl import URL

from ...common.discovery import (
    Answers,
    Certificate,
    FoundDevice,
    candidates,
    own_address,
    parse_address,
    parse_path,
    redirected_base,
    shown_certificate,
)
from ...common.errors import (
    AddressRefused,
    AuthenticationFailed,
    CertificateChanged,
    ConnectionFailed,
    IntercomError,
    NoIdentity,
    NotReached,
    Overloaded,
    Redirected,
    Throttled,
    WrongDevice,
)
from ...common.http import HttpTransport
from ...common.login import Login, challenges
from ...common.messages import Reply, Request, overload
from ...common.parse import decode_json
from .client import AkuvoxClient
from .exchange import GAP
from .protocol import SYSTEM_INFO, TIMEOUTS, Patience, any_case, read, result, retcode
from .system import System, SystemInfo, system_info

_LOGGER = logging.getLogger(__name__)

MAX_REDIRECTS = 2
# The manual has the realm HTTPAPI, devices send "HTTP API".
_REALM = "httpapi"
_NAME = b"akuvox"
# Field of all JSON responses of the API.
_RETCODE = "retcode"
# Paths that identify a device without a login, and patterns that only an Akuvox returns there.
_IDENTITY = (
    ("/api/web/system/info", re.compile(rb'(?i)"retcode"|akuvox|0c:?11:?05')),
    ("/web/status/get?session=&web=1", re.compile(rb'(?i)"retcode"|akuvox|0c:?11:?05')),
    ("/fcgi/do?action=GetSnapshot", re.compile(rb"(?i)hcSingleResult|please use new interface")),
)
_TAG = re.compile(rb"(?s)<(?:style|script)\b.*?</(?:style|script)>|<[^>]*>")
_WORD = re.compile(rb"[a-z]+")
# Words of generic error pages, which do not identify a product.
_GENERIC_WORDS = frozenset(
    b"a access action allowed an are be client denied do does error exist for forbidden from have html http info is "
    b"lighttpd message nginx not of on or permission refused request requested resource retcode server status t that "
    b"the this to unauthorized you your".split()
)


@dataclass(frozen=True, slots=True)
class _Route:
    """A connection to a device, and its response to an identification request without a login."""

    transport: HttpTransport
    certificate: Certificate
    reply: Reply

    @property
    def basic_only(self) -> bool:
        """Whether the password would be sent in plain text."""
        offered = challenges(self.reply.challenge)
        return bool(offered) and all(challenge.scheme == "basic" for challenge in offered)


async def find_device(
    session: aiohttp.ClientSession,
    address: str,
    *,
    username: str = "",
    password: str = "",
    verify: bool = False,
    pinned: bytes | None = None,
    answers: Answers | None = None,
) -> FoundDevice[SystemInfo]:
    """Find the Akuvox device at ``address``.

    HTTPS is preferred. If the device has only insecure old TLS, HTTP is used unless it redirects or would send the
    password in plain text.

    Args:
        address: Host or IP address, with or without scheme and port.
        username: Account of *HTTP API*; empty if the device requires none.
        password: Password of the account; sent to an Akuvox only.
        verify: Verify the certificate against the system's authorities.
        pinned: SHA-256 of the only accepted certificate; None accepts any.
        answers: What the device has answered to ``is_akuvox``, which is not requested again.

    Raises:
        ConnectionFailed: No response.
        CertificateChanged: The certificate is not ``pinned``.
        WrongDevice: Another device responds.
        Redirected: The device redirects to another host.
        AddressRefused: The device rejects this address: its API is disabled, or its allow-list lacks the address.
        LoginRefused: The device requires an account and rejects this one.
        ValueError: The address has no host.
    """
    route = await _connect(session, address, answers or Answers(), verify=verify, pinned=pinned)
    login = Login(username, password)
    login.take(route.reply.challenge, "")  # the next request answers it
    info = await _identify(route, login)
    return FoundDevice(route.transport.base, route.certificate.fingerprint, route.certificate.legacy, info, login)


async def is_akuvox(
    session: aiohttp.ClientSession, address: str, *, likely: bool = False, answers: Answers | None = None
) -> bool:
    """Return whether an Akuvox responds at ``address``, even if it rejects requests; sends no password.

    Args:
        address: Host or IP address, with or without scheme and port.
        likely: The MAC address is from the maker: a generic rejection is then sufficient.
        answers: Keeps what the device answers.
    """
    try:
        # Nothing was requested before.
        route = await _connect(session, address, answers or Answers(), pause=0.0)
        if _is_api(route.reply) or await _identifies_itself(route):
            return True
        return likely and _rejects_all(route.reply) and _is_generic(route.reply)
    except IntercomError, ValueError:
        return False


async def refusal(session: aiohttp.ClientSession, address: str) -> AddressRefused | None:
    """Return the rejection if a device at ``address`` rejects all requests from this address.

    A factory-new Akuvox does so and may not identify itself: its allow-list is enabled and empty.
    """
    try:
        route = await _connect(session, address, Answers())
    except IntercomError, ValueError:
        return None
    return await _rejection(route) if _rejects_all(route.reply) else None


async def _connect(
    session: aiohttp.ClientSession,
    address: str,
    answers: Answers,
    *,
    verify: bool = False,
    pinned: bytes | None = None,
    pause: float | None = None,
) -> _Route:
    """Choose the connection to the device: the first that leads to its API, else the first one at all.

    Waits ``pause`` seconds before the first request; None for the usual time.
    """
    failure: IntercomError | None = None
    legacy_route: _Route | None = None
    other: _Route | None = None
    typed, path = parse_address(address), parse_path(address)
    one_port = typed.explicit_port is not None
    for base in candidates(typed):
        try:
            route = await _probe_with_path(session, base, path, answers, verify=verify, pinned=pinned, pause=pause)
        except CertificateChanged, Overloaded:
            raise
        except (ConnectionFailed, WrongDevice) as err:
            failure, pause = failure or err, None
            # With certificate verification, do not fall back to HTTP. A given port has only one protocol.
            if (one_port and isinstance(err, WrongDevice)) or (verify and not isinstance(err, NotReached)):
                break
            continue
        pause = None
        if not _may_be_api(route.reply):
            other = other or route
        elif not route.certificate.legacy:
            return legacy_route if legacy_route is not None and route.basic_only else route
        else:
            legacy_route = route
        if verify or one_port:
            break
    if (fallback := legacy_route or other) is not None:
        return fallback
    assert failure is not None
    raise failure


async def _probe_with_path(
    session: aiohttp.ClientSession,
    base: URL,
    path: str,
    answers: Answers,
    *,
    verify: bool,
    pinned: bytes | None,
    pause: float | None,
) -> _Route:
    """Probe an address, and below the entered path if the API does not respond at the address itself.

    The path may be that of a device behind a reverse proxy, or only that of a page of the device.
    """
    if not path:
        return await _probe(session, base, answers, verify=verify, pinned=pinned, pause=pause)
    route: _Route | None = None
    with suppress(WrongDevice, Redirected):
        route = await _probe(session, base, answers, verify=verify, pinned=pinned, pause=pause)
        if _is_api(route.reply):
            return route
    try:
        below = await _probe(session, base.with_path(path), answers, verify=verify, pinned=pinned, pause=None)
    except WrongDevice, Redirected:
        if route is None:
            raise
        return route
    return below if route is None or _is_api(below.reply) else route


async def _probe(
    session: aiohttp.ClientSession,
    base: URL,
    answers: Answers,
    *,
    verify: bool,
    pinned: bytes | None,
    pause: float | None,
) -> _Route:
    """Send an identification request without a login; follow redirects to the same host."""
    for _ in range(MAX_REDIRECTS + 1):
        if (known := answers.get(base, SYSTEM_INFO.path, pinned, verify=verify)) is not None:
            certificate, reply = known
            transport = certificate.transport(session, base, verify=verify, below=True)
        else:
            certificate = await shown_certificate(base, pinned, verify=verify)
            transport = certificate.transport(session, base, verify=verify, below=True)
            reply, pause = await _ask(transport, SYSTEM_INFO.path, pause), None
            answers.add(base, SYSTEM_INFO.path, certificate, reply)
        if (busy := overload(SYSTEM_INFO.path, reply)) is not None:
            raise busy
        if not HTTPStatus.MULTIPLE_CHOICES <= reply.status < HTTPStatus.BAD_REQUEST:
            return _Route(transport, certificate, reply)
        base = _redirected(base, reply.location)
    raise WrongDevice(f"{base.host} redirects endlessly")


async def _ask(transport: HttpTransport, path: str, pause: float | None = None) -> Reply:
    await asyncio.sleep(GAP if pause is None else pause)  # pace requests: the capacity of the device is not known yet
    plain, _, query = path.partition("?")
    params = dict(parse_qsl(query, keep_blank_values=True)) or None
    request = Request("GET", plain, params, timeout=TIMEOUTS[Patience.USUAL])
    return await transport.request(request, headers={"Connection": "close"})


def _redirected(base: URL, location: str) -> URL:
    """Return the target of a redirect: another port or path of the same host, and never from HTTPS to HTTP."""
    there = redirected_base(base, SYSTEM_INFO.path, location)
    if there is None:
        raise WrongDevice(f"{base.host} does not respond as an Akuvox")
    return there


async def _identify(route: _Route, login: Login) -> SystemInfo:
    transport = route.transport
    host = transport.base.host
    if _rejects_all(route.reply):
        raise await _rejection(route)
    if not _is_api(route.reply) and not await _identifies_itself(route):
        raise WrongDevice(f"{host} does not respond as an Akuvox")
    try:
        if route.reply.status == HTTPStatus.OK:
            info = system_info(result(SYSTEM_INFO, read(SYSTEM_INFO.path, route.reply.body).content))
        else:
            await asyncio.sleep(GAP)
            info = await System(AkuvoxClient(transport, login=login)).info()
    except ConnectionFailed, AuthenticationFailed, AddressRefused, Throttled:
        raise
    except IntercomError as err:
        raise WrongDevice(f"{host} does not respond as an Akuvox") from err
    if info.mac is None and info.model is None:
        raise WrongDevice(f"{host} reports neither model nor MAC address")
    if info.mac is None:
        raise NoIdentity(f"{host} does not report its MAC address")
    return info


def _may_be_api(reply: Reply) -> bool:
    """Return whether a response is from the API, or a rejection."""
    return reply.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN} or _is_api(reply)


def _is_api(reply: Reply) -> bool:
    """Return whether a response is from the API: its JSON, or a rejection with its realm.

    2N has the same path and the same realm, but its rejections are JSON objects of its own API.
    """
    if reply.status == HTTPStatus.UNAUTHORIZED:
        if _is_foreign_json(reply):
            return False
        realms = {re.sub(r"[^a-z]", "", challenge.realm.lower()) for challenge in challenges(reply.challenge)}
        return any(_REALM in realm for realm in realms)
    try:
        return reply.status == HTTPStatus.OK and retcode(read(SYSTEM_INFO.path, reply.body).content) is not None
    except IntercomError:
        return False


def _is_foreign_json(reply: Reply) -> bool:
    """Return whether a response is a JSON object that is not of the API of an Akuvox."""
    content = decode_json(reply.body)
    return isinstance(content, dict) and _RETCODE not in any_case(content)


def _rejects_all(reply: Reply) -> bool:
    """Return whether a response is a rejection that no login can resolve."""
    return reply.status == HTTPStatus.FORBIDDEN and not reply.challenge


def _is_generic(reply: Reply) -> bool:
    """Return whether a rejection is generic; one with a custom page is from another product."""
    words = _WORD.findall(_TAG.sub(b" ", reply.body).lower())
    return all(word in _GENERIC_WORDS for word in words)


async def _rejection(route: _Route) -> AddressRefused:
    base = route.transport.base
    assert base.host is not None
    assert base.port is not None
    return AddressRefused(await own_address(base.host, base.port))


async def _identifies_itself(route: _Route) -> bool:
    """Return whether a device that rejects requests identifies itself as an Akuvox on other paths."""
    if route.reply.status not in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return False
    if _NAME in (await _first_page(route.transport)).body.lower():
        return True
    # Some identify themselves outside the API, where the allow-list does not apply (field notes 10).
    for path, sign in _IDENTITY if _rejects_all(route.reply) else ():
        try:
            reply = await _ask(route.transport, path)
        except IntercomError as err:
            _LOGGER.debug("%s: %s", path, err)
            continue
        if reply.status == HTTPStatus.OK and sign.search(reply.body) is not None:
            return True
    return False


async def _first_page(transport: HttpTransport) -> Reply:
    """Return the page at ``/``; follow redirects to the same origin."""
    page = await _ask(transport, "/")
    for _ in range(MAX_REDIRECTS):
        if not HTTPStatus.MULTIPLE_CHOICES <= page.status < HTTPStatus.BAD_REQUEST:
            break
        try:
            to = transport.base.join(URL(page.location))
        except ValueError:
            break
        if to.origin() != transport.base.origin():
            break
        page = await _ask(transport, to.path.removeprefix(transport.base.path.rstrip("/")))
    return page
