"""Addresses that users enter, and the search for a device there: scheme, port, and certificate."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv6Address
import re
from typing import Final

import aiohttp
from yarl import URL

from .errors import (
    CertificateChanged,
    CertificateInvalid,
    ConnectionFailed,
    IntercomError,
    NotReached,
    Overloaded,
    Redirected,
    SecureConnectionRequired,
    TlsRefused,
    WrongDevice,
)
from .http import HttpTransport
from .login import Login
from .messages import Reply
from .tls import any_certificate_fingerprint, certificate_fingerprint

# Schemes in order of preference, each with the port to try; None is the default port.
HTTPS_FIRST: Final[tuple[tuple[str, int | None], ...]] = (("https", None), ("http", None))

_MAC_DIGITS = 12
# Longest host, and longest part of it between dots.
_MAX_HOST, _MAX_LABEL = 253, 63
# Part of a host name between dots; underscores are not allowed there, but are in use.
_LABEL = re.compile(r"[A-Za-z0-9_-]+")
# A scheme with a typing error; without this, it would be taken for the name of a host.
_BROKEN_SCHEME = re.compile(r"(?i)https?:?/")


def parse_address(address: str) -> URL:
    """Return the scheme, host, and port of an entered address; the scheme is empty if it was not entered.

    Raises:
        ValueError: The address contains no host.
    """
    typed = address.strip()
    if "://" not in typed:
        typed = f"//[{typed}]" if _is_ipv6(typed) else f"//{typed}"
    try:
        url = URL(typed)
    except ValueError:
        url = URL()
    mistyped = "://" not in address and _BROKEN_SCHEME.match(address.strip())
    known = url.scheme in {"", "http", "https"}
    if mistyped or not known or not _is_host(url.raw_host or "") or url.user or url.password:
        raise ValueError("not an address")  # the input may contain a password
    # Servers compare the name of the request with theirs, which has no dot at its end.
    return URL.build(scheme=url.scheme, host=(url.host or "").rstrip("."), port=url.explicit_port)


def parse_path(address: str) -> str:
    """Return the path of an entered address, without a trailing slash."""
    typed = address.strip()
    try:
        return URL(typed if "://" in typed else f"//{typed}").path.rstrip("/")
    except ValueError:
        # A bare IPv6 address has no path.
        return ""


def redirected(base: URL, location: str) -> URL:
    """Return the target of a redirect on the same host.

    Args:
        base: The requested URL, with its path.
        location: The ``Location`` header.

    Raises:
        Redirected: The target is another host, or a downgrade from HTTPS to HTTP.
    """
    try:
        to = base.join(URL(location))
    except ValueError:
        to = URL()
    if to.scheme not in {"http", "https"} or to.host != base.host or (base.scheme, to.scheme) == ("https", "http"):
        raise Redirected(location)
    return to


def redirected_base(base: URL, path: str, location: str) -> URL | None:
    """Return the base URL to which a request for ``path`` below ``base`` is redirected; None if it is the same.

    Raises:
        Redirected: As ``redirected``.
    """
    prefix = base.path.rstrip("/")
    to = redirected(base.with_path(prefix + path), location)
    if to.path.endswith(path):
        prefix = to.path.removesuffix(path)
    there = URL.build(scheme=to.scheme, host=to.host or "", port=to.explicit_port).with_path(prefix)
    return None if there == base.with_path(base.path.rstrip("/")) else there


def _is_host(host: str) -> bool:
    """Return whether a text is an IP address, or a name with the characters and length of the DNS (RFC 1035, 2.3)."""
    if _is_ipv6(host):
        return True
    labels = host.rstrip(".").split(".")
    return len(host) <= _MAX_HOST and all(
        len(label) <= _MAX_LABEL and _LABEL.fullmatch(label) is not None for label in labels
    )


def _is_ipv6(host: str) -> bool:
    try:
        IPv6Address(host)
    except ValueError:
        return False
    return True


def normalize_mac(address: str | None) -> str | None:
    """Return a MAC address in lower case with colons; None if it is invalid."""
    digits = re.sub(r"[^0-9a-f]", "", (address or "").lower())
    if len(digits) != _MAC_DIGITS or int(digits, 16) in {0, 0xFFFFFFFFFFFF}:
        return None
    return ":".join(digits[place : place + 2] for place in range(0, _MAC_DIGITS, 2))


async def own_address(host: str, port: int) -> str:
    """Return the local address of the route to a host, ``""`` without a route; nothing is sent."""
    loop = asyncio.get_running_loop()
    try:
        transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=(host, port))
    except OSError:
        return ""
    try:
        address: str = transport.get_extra_info("sockname")[0]
    finally:
        transport.close()
    return address


@dataclass(frozen=True, slots=True)
class Certificate:
    """The certificate of a server.

    Attributes:
        fingerprint: SHA-256 of the certificate, None for HTTP.
        legacy: Whether the server supports only outdated TLS.
    """

    fingerprint: bytes | None
    legacy: bool = False

    def transport(
        self, session: aiohttp.ClientSession, base: URL, *, verify: bool, below: bool = False
    ) -> HttpTransport:
        """Return a transport to ``base`` with this certificate pinned; arguments as in ``HttpTransport``."""
        return HttpTransport(
            session, base, fingerprint=self.fingerprint, verify=verify, legacy=self.legacy, below=below
        )


@dataclass(frozen=True, slots=True)
class FoundDevice[Info]:
    """A device that responded.

    Attributes:
        base: Scheme, host, port, and path prefix of its API.
        fingerprint: SHA-256 of its certificate, None for HTTP.
        legacy: Whether it supports only the TLS of old devices.
        info: Identity of the device.
        login: The login that it accepted, with its last challenge; None if there was none, or it is not to be continued.
    """

    base: URL
    fingerprint: bytes | None
    legacy: bool
    info: Info
    login: Login | None = None


class Answers:
    """What addresses answered without a login during one search, so that no other system asks them the same."""

    def __init__(self) -> None:
        self._known: dict[tuple[URL, str], tuple[Certificate, Reply]] = {}

    def add(self, base: URL, path: str, certificate: Certificate, reply: Reply) -> None:
        """Keep the reply to a GET request, and the certificate that was shown."""
        self._known[base, path] = certificate, reply

    def get(self, base: URL, path: str, pinned: bytes | None, *, verify: bool) -> tuple[Certificate, Reply] | None:
        """Return what is known; None if the certificate is to be verified, or not the ``pinned`` one."""
        certificate, reply = self._known.get((base, path), (None, None))
        if certificate is None or reply is None or verify or pinned not in {None, certificate.fingerprint}:
            return None
        return certificate, reply


def candidates(typed: URL, preferred: Iterable[tuple[str, int | None]] = HTTPS_FIRST) -> tuple[URL, ...]:
    """Return the addresses to try, in order of preference.

    Args:
        typed: The entered address; a scheme or port in it is kept.
        preferred: Schemes and ports to try if none was entered.
    """
    assert typed.host is not None
    found = (
        URL.build(scheme=scheme, host=typed.host, port=typed.explicit_port or port)
        for scheme, port in preferred
        if typed.scheme in {"", scheme}
    )
    return tuple(dict.fromkeys(found))


async def shown_certificate(base: URL, pinned: bytes | None, *, verify: bool, legacy: bool = True) -> Certificate:
    """Return the certificate at an address.

    Args:
        base: The address; HTTP has no certificate.
        pinned: SHA-256 of the only certificate to accept; None accepts any.
        verify: The certificate will be verified, which outdated TLS does not allow.
        legacy: Also accept the outdated TLS of old devices.

    Raises:
        CertificateChanged: The certificate is not the pinned one.
        CertificateInvalid: The device supports only outdated TLS, and verification is required.
        ConnectionFailed: As ``tls.certificate_fingerprint``; also for HTTP if a certificate is pinned.
    """
    if base.scheme == "http":
        if pinned is not None:
            raise NotReached("a certificate is pinned: HTTPS is required")
        return Certificate(None)
    assert base.host is not None
    assert base.port is not None
    if legacy:
        found = Certificate(*await any_certificate_fingerprint(base.host, base.port))
    else:
        found = Certificate(await certificate_fingerprint(base.host, base.port))
    if verify and found.legacy:
        raise CertificateInvalid("the device's TLS is too old for its certificate to be verified")
    if pinned is not None and found.fingerprint != pinned:
        assert found.fingerprint is not None
        raise CertificateChanged(pinned, found.fingerprint)
    return found


async def first_right[T](bases: Iterable[URL], ask: Callable[[URL], Awaitable[T]]) -> T:
    """Return the result of ``ask`` at the first of several addresses where the right device responds.

    An entered path may be that of a device behind a reverse proxy, or only that of a page of the device.

    Raises:
        IntercomError: As ``ask``; ``WrongDevice`` only at the last address.
    """
    *others, last = bases
    for base in others:
        with suppress(WrongDevice):
            return await ask(base)
    return await ask(last)


async def first_answer[T](bases: Iterable[URL], ask: Callable[[URL], Awaitable[T]], *, verify: bool) -> T:
    """Return the result of ``ask`` at the first of several addresses that responds.

    Args:
        bases: The addresses, in order of preference.
        ask: Sends the request to one address.
        verify: Certificates are verified: after a failed verification, HTTP is not tried.

    Raises:
        CertificateChanged: One address has another certificate than the pinned one.
        Overloaded: One address responded with 503.
        WrongDevice: Another device responded.
        SecureConnectionRequired: The device requires HTTPS.
        ConnectionFailed: No address responded; the error of the first address, which is the most specific.
    """
    unreachable: IntercomError | None = None
    other: IntercomError | None = None
    for base in bases:
        try:
            return await ask(base)
        except CertificateChanged, Overloaded:
            raise
        except ConnectionFailed as err:
            if verify and not isinstance(err, NotReached | TlsRefused):
                raise
            unreachable = unreachable or err
        except (WrongDevice, SecureConnectionRequired) as err:
            other = other or err
    failure = other or unreachable
    assert failure is not None
    raise failure
