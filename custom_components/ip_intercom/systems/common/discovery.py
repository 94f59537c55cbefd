"""The search for a device or server at an address that a person typed: scheme, port, and certificate."""

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

# The scheme to prefer, each with the ports to try; None is its usual one.
HTTPS_FIRST: Final[tuple[tuple[str, int | None], ...]] = (("https", None), ("http", None))


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a server shows.

    Attributes:
        fingerprint: SHA-256 of its certificate, None for http.
        legacy: Whether it speaks the TLS of old devices only.
    """

    fingerprint: bytes | None
    legacy: bool = False

    def transport(
        self, session: aiohttp.ClientSession, base: URL, *, verify: bool, below: bool = False
    ) -> HttpTransport:
        """Return a connection to ``base`` that insists on this certificate; ``verify`` and ``below`` as there."""
        return HttpTransport(
            session, base, fingerprint=self.fingerprint, verify=verify, legacy=self.legacy, below=below
        )


def candidates(typed: URL, preferred: Iterable[tuple[str, int | None]] = HTTPS_FIRST) -> tuple[URL, ...]:
    """Return the addresses to try, the best one first.

    Args:
        typed: What a person typed; a scheme or port in it decides.
        preferred: Schemes and ports to try where they were not typed.
    """
    assert typed.host is not None
    found = (
        URL.build(scheme=scheme, host=typed.host, port=typed.explicit_port or port)
        for scheme, port in preferred
        if typed.scheme in {"", scheme}
    )
    return tuple(dict.fromkeys(found))


async def shown_certificate(base: URL, pinned: bytes | None, *, verify: bool, legacy: bool = True) -> Certificate:
    """Return the certificate that is shown at an address.

    Args:
        base: The address; with http there is none.
        pinned: SHA-256 of the only certificate to accept; None accepts any.
        verify: It is to be verified, which the TLS of old devices does not allow.
        legacy: Take the TLS of old devices as well.

    Raises:
        CertificateChanged: It is not the pinned one.
        CertificateInvalid: The device has only old TLS, and the certificate is to be verified.
        ConnectionFailed: As ``tls.certificate_fingerprint``; also for http where a certificate is pinned.
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
    """Return the first answer of ``ask`` at one of several addresses.

    Args:
        bases: The addresses, the best one first.
        ask: Asks one of them.
        verify: Certificates are to be verified: an address that fails to pass is not left for one without TLS.

    Raises:
        CertificateChanged: Another certificate than the pinned one is shown at one of them.
        Overloaded: One is there, and cannot answer now.
        WrongDevice: Something else answers.
        SecureConnectionRequired: It is to be asked over HTTPS.
        ConnectionFailed: No response; the reason of the first address, which tells most.
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
