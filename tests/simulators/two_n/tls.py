"""The TLS of old units: 1.1 at the most (field notes 10)."""

import ssl
from typing import override

from tests.simulators.common.network import Certificate


class Tls11Certificate(Certificate):
    """Clients of today refuse it unless they lower their level of security to 0."""

    @override
    def _context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        return context
