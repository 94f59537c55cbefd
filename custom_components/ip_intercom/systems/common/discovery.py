"""Search for a device or server at an entered address: scheme, port, and certificate."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
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
    SecureConnectionRequired,
    TlsRefused,
    WrongDevice,
)
from .http import HttpTransport
from .tls import any_certificate_fingerprint, certificate_fingerprint

# Schemes in order of preference, each with the port to try; None is the default port.
HTTPS_FIRST: Final[tuple[tuple[str, int | None], ...]] = (("https", None), ("http", None))


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
