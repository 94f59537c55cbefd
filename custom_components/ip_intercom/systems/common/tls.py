"""TLS with devices that have self-signed certificates: accept any, or exactly one, and old TLS on request."""

import hashlib
import ssl
from typing import override


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
