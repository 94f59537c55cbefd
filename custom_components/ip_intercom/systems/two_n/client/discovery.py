"""Find a device at an entered address: scheme, certificate, and whether it is a 2N."""

from functools import partial

import aiohttp
from yarl import URL

from ...common.decode import decode_reply
from ...common.discovery import (
    Answers,
    FoundDevice,
    candidates,
    first_answer,
    first_right,
    parse_address,
    parse_path,
    redirected_base,
    shown_certificate,
)
from ...common.errors import (
    AuthenticationFailed,
    ConnectionFailed,
    IntercomError,
    NoIdentity,
    Redirected,
    SecureConnectionRequired,
    ServiceDisabled,
    Throttled,
    UnsupportedProduct,
    WrongDevice,
)
from ...common.http import HttpTransport
from ...common.messages import Reply, Request
from ...common.parse import decode_json, fields, integer, text
from .client import TwoNClient
from .protocol import SYSTEM_INFO, result
from .system import System, SystemInfo

_INDOOR_TOUCH_STATUS = "/api/v1/status"
_AUTHORISATION_REQUIRED = 9
MAX_REDIRECTS = 3


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
    """Find the 2N device at ``address``: over HTTPS if the device supports it, else over HTTP.

    Args:
        address: Host or IP address, with or without scheme, port and path.
        username: Account, for a device that requires a login to identify itself.
        password: Password of the account; sent to a 2N only.
        verify: Verify the certificate against the system's authorities.
        pinned: SHA-256 of the only accepted certificate; None accepts any.
        answers: What the device has answered without a login, which is not requested again.

    Raises:
        ConnectionFailed: No response.
        CertificateChanged: The certificate is not ``pinned``.
        WrongDevice: Another device responds.
        Redirected: The device redirects to another host.
        UnsupportedProduct: An Indoor Touch, which has another API.
        AuthenticationFailed: A 2N that requires an account and rejects this one.
        ServiceDisabled: A 2N whose System API is disabled.
        SecureConnectionRequired: A 2N that requires HTTPS was requested over HTTP.
        ValueError: The address has no host.
    """
    path = parse_path(address)

    async def ask(base: URL) -> FoundDevice[SystemInfo]:
        reach = partial(
            _reach, session, answers or Answers(), username=username, password=password, verify=verify, pinned=pinned
        )
        return await first_right((base.with_path(path), base) if path else (base,), reach)

    return await first_answer(candidates(parse_address(address)), ask, verify=verify)


async def _reach(
    session: aiohttp.ClientSession,
    answers: Answers,
    base: URL,
    username: str,
    password: str,
    *,
    verify: bool,
    pinned: bytes | None,
) -> FoundDevice[SystemInfo]:
    """Identify the device; follow redirects to its own host."""
    for _ in range(MAX_REDIRECTS + 1):
        known = answers.get(base, SYSTEM_INFO.path, pinned, verify=verify)
        if known is not None and (identity := _identity(known[1])) is not None:
            return FoundDevice(base, known[0].fingerprint, known[0].legacy, identity)
        certificate = await shown_certificate(base, pinned, verify=verify)
        transport = certificate.transport(session, base, verify=verify, below=True)
        try:
            info = await _identify(transport, username, password)
        except Redirected as err:
            base = _next(base, err.location)
        else:
            return FoundDevice(base, certificate.fingerprint, certificate.legacy, info)
    raise WrongDevice(f"{base.host} redirects endlessly")


def _next(base: URL, location: str) -> URL:
    """Return the address to try after a redirect; a redirect to a page of the same address is rejected."""
    there = redirected_base(base, SYSTEM_INFO.path, location)
    if there is None:
        raise WrongDevice(f"{base.host} returned an HTML page")
    return there


async def _identify(transport: HttpTransport, username: str, password: str) -> SystemInfo:
    host = transport.base.host
    try:
        info = await System(TwoNClient(transport)).info()
    except ConnectionFailed, Redirected, ServiceDisabled, SecureConnectionRequired, Throttled:
        raise
    except AuthenticationFailed as err:
        if not await _refuses_as_two_n(transport):
            raise WrongDevice(f"{host} does not respond as a 2N") from err
        info = await System(TwoNClient(transport, username, password)).info()
    except IntercomError as err:
        await _refuse_indoor_touch(transport)
        raise WrongDevice(f"{host} does not respond as a 2N") from err
    if info.serial is None and info.mac is None:
        raise NoIdentity(f"{host} reports neither serial number nor MAC address")
    return info


def _identity(reply: Reply) -> SystemInfo | None:
    """Return the identity in a reply without a login; None if it is not in there."""
    try:
        info = decode_reply(SystemInfo, result(SYSTEM_INFO, reply), SYSTEM_INFO.path)
    except IntercomError:
        return None  # another request shows why
    return None if info.serial is None and info.mac is None else info


async def _refuses_as_two_n(transport: HttpTransport) -> bool:
    """Return whether a rejection is from a 2N: HTTP status 401 with its error object (HTTP API 2.3, code 9)."""
    reply = await transport.request(Request("GET", SYSTEM_INFO.path))
    error = fields(fields(decode_json(reply.body)).get("error"))
    return integer(error.get("code")) == _AUTHORISATION_REQUIRED


async def _refuse_indoor_touch(transport: HttpTransport) -> None:
    try:
        reply = await transport.request(Request("GET", _INDOOR_TOUCH_STATUS))
    except IntercomError:
        return
    document = fields(decode_json(reply.body))
    product = text(fields(fields(document.get("data")).get("device")).get("model"))
    if product is not None:
        raise UnsupportedProduct(product)
