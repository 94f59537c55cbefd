"""TLS to devices: accepts any certificate or a pinned one, and outdated TLS on request."""

import asyncio
from functools import cache
import hashlib
import ssl
from typing import override

from .errors import NotReached, TlsRefused

CONNECT_TIMEOUT = 5.0


class OtherCertificate(ssl.SSLCertVerificationError):
    """The certificate differs from the pinned one; both are SHA-256."""

    def __init__(self, pinned: bytes, shown: bytes) -> None:
        super().__init__("another certificate")
        self.pinned = pinned
        self.shown = shown


def tls_context(*, legacy: bool = False, fingerprint: bytes | None = None) -> ssl.SSLContext:
    """Return a context that verifies neither authority nor host name.

    Args:
        legacy: Also accept TLS 1.0 and short keys: old Akuvox devices use Diffie-Hellman with 1024 bits (E18).
        fingerprint: SHA-256 of the only accepted certificate; nothing is sent to another one.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if legacy:
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
    if fingerprint is not None:
        context.sslobject_class = _pinned_ssl_object(fingerprint)
    return context


def _pinned_ssl_object(fingerprint: bytes) -> type[ssl.SSLObject]:
    class PinnedSslObject(ssl.SSLObject):
        """Closes the connection before anything is sent if the certificate is not the pinned one."""

        @override
        def do_handshake(self) -> None:
            super().do_handshake()
            shown = hashlib.sha256(self.getpeercert(binary_form=True) or b"").digest()
            if shown != fingerprint:
                raise OtherCertificate(fingerprint, shown)

    return PinnedSslObject


class _HandshakeReset(NotReached):
    """The connection was reset during the TLS handshake, as some devices do if the TLS version is too new for them."""


@cache
def _probe_context(legacy: bool) -> ssl.SSLContext:
    """Return the context to look at certificates with; to make one takes as long as a handshake."""
    return tls_context(legacy=legacy)


async def any_certificate_fingerprint(host: str, port: int) -> tuple[bytes, bool]:
    """Return the SHA-256 of a certificate, and whether the device supports only outdated TLS.

    Raises:
        ConnectionFailed: As ``certificate_fingerprint``.
    """
    try:
        return await certificate_fingerprint(host, port), False
    except TlsRefused, _HandshakeReset:
        return await certificate_fingerprint(host, port, legacy=True), True


async def certificate_fingerprint(host: str, port: int, *, legacy: bool = False) -> bytes:
    """Return the SHA-256 of the certificate at ``host``:``port``, whether it is self-signed or not.

    Args:
        port: Its TLS port.
        legacy: Also accept the outdated TLS of old devices.

    Raises:
        TlsRefused: The port is open, but not with a supported TLS version.
        NotReached: The port is closed, or does not respond.
    """
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            _, writer = await asyncio.open_connection(host, port, ssl=_probe_context(legacy))
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
