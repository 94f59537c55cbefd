"""The TLS of old devices: an RSA key, TLS 1.2, and 1024 bits for Diffie-Hellman (field notes 4.1)."""

from functools import cache
from pathlib import Path
import ssl
import tempfile
from typing import override

from cryptography.hazmat.primitives.asymmetric import rsa

from tests.simulators.common.network import Certificate, self_signed

# The second group of RFC 2409, 6.2.
PARAMETERS = """\
-----BEGIN DH PARAMETERS-----
MIGHAoGBAP//////////yQ/aoiFowjTExmKLgNwc0SkCTgiKZ8x0Agu+pjsTmyJR
Sgh5jjQE3e+VGbPNOkMbMCsKbfJfFDdP4TVtbVHCReSFtXZiXn7G9ExC6aY37WsL
/1y29Aa37e44a/taiZ+lrp8kEXxLH+ZJKGZR7OZTgf//////////AgEC
-----END DH PARAMETERS-----
"""


@cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


class OldCertificate(Certificate):
    """Clients of today refuse it unless they lower their level of security to 1."""

    @override
    def _context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "dh.pem")
            path.write_text(PARAMETERS)
            context.load_dh_params(str(path))
        return context

    @override
    def _certificate(self) -> bytes:
        return self_signed(self._name, _key())
