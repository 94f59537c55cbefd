"""TLS with devices: their certificates, of which any or exactly one is accepted, and old TLS on request."""

import asyncio
import hashlib
import ssl
from typing import override

from .errors import NotReached, TlsRefused

CONNECT_TIMEOUT = 5.0


class OtherCertificate(ssl.SSLCertVerificationError):
    """The device shows another certificate than the one that is insisted on; both are SHA-256."""

    def __init__(self, pinned: bytes, shown: bytes) -> None:
        super().__init__("another certificate")
        self.pinned = pinned
        self.shown = shown


def tls_context(*, legacy: bool = False, fingerprint: bytes | None = None) -> ssl.SSLContext:
    """Return a context that checks no authority and no name.

    Args:
        legacy: Take TLS 1.0 and short keys as well: old Akuvox have 1024 bits of Diffie-Hellman (E18).
        fingerprint: SHA-256 of the only certificate to talk to; with another one nothing is sent.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if legacy:
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
    if fingerprint is not None:
        context.sslobject_class = _insisting_on(fingerprint)
    return context


def _insisting_on(fingerprint: bytes) -> type[ssl.SSLObject]:
    class Insisting(ssl.SSLObject):
        """Ends a connection before anything is sent where the certificate is another one."""

        @override
        def do_handshake(self) -> None:
            super().do_handshake()
            shown = hashlib.sha256(self.getpeercert(binary_form=True) or b"").digest()
            if shown != fingerprint:
                raise OtherCertificate(fingerprint, shown)

    return Insisting


class _HandshakeReset(NotReached):
    """The connection was reset during the TLS handshake: as some devices do to a TLS that is too new for them."""


async def any_certificate_fingerprint(host: str, port: int) -> tuple[bytes, bool]:
    """Return the SHA-256 of a certificate, and whether only the TLS of old devices brought it to light.

    Raises:
        ConnectionFailed: As ``certificate_fingerprint``.
    """
    try:
        return await certificate_fingerprint(host, port), False
    except TlsRefused, _HandshakeReset:
        return await certificate_fingerprint(host, port, legacy=True), True


async def certificate_fingerprint(host: str, port: int, *, legacy: bool = False) -> bytes:
    """Return the SHA-256 of the certificate shown at ``host``:``port``, whether or not it is signed.

    Args:
        host: Whom to ask.
        port: Where.
        legacy: Take the TLS of old devices as well.

    Raises:
        TlsRefused: The port is open, but not with a supported TLS version.
        NotReached: The port is closed, or does not respond.
    """
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            _, writer = await asyncio.open_connection(host, port, ssl=tls_context(legacy=legacy))
    except ssl.SSLError as err:
        raise TlsRefused(f"no TLS with port {port}: {err.reason}") from err
    except (ConnectionAbortedError, ConnectionResetError) as err:
        raise _HandshakeReset(f"no TLS with port {port}: {type(err).__name__}") from err
    except (OSError, TimeoutError) as err:
        raise NotReached(f"no TLS at port {port}: {type(err).__name__}") from err
    try:
        certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    finally:
        writer.transport.abort()
    return hashlib.sha256(certificate).digest()
