"""SIP support of the operator (field notes 5, ``sip``)."""

from dataclasses import dataclass, field

from ...common.errors import UnexpectedReply
from ...common.parse import integer, text
from .client import SmartYardClient
from .endpoints import SIP_HELP


@dataclass(frozen=True, slots=True)
class SipCredentials:
    """With what a SIP phone registers, and whom it calls.

    Attributes:
        server: Host of the registrar.
        port: Its port, None for the usual.
        transport: ``udp``, ``tcp`` or ``tls``.
        extension: User name.
        password: The password of it.
        dial: Number to call.
        stun: Server that tells our address, as ``stun:host:port``.
    """

    server: str
    port: int | None
    transport: str | None
    extension: str = field(repr=False)
    password: str = field(repr=False)
    dial: str | None = None
    stun: str | None = None


class Sip:
    """``/sip``."""

    def __init__(self, client: SmartYardClient) -> None:
        self._client = client

    async def credentials(self) -> SipCredentials:
        """Return how to call for help.

        Raises:
            UnexpectedReply: The server does not tell.
        """
        found = await self._client.record(SIP_HELP)
        server, extension, password = (text(found.get(name)) for name in ("server", "extension", "pass"))
        if server is None or extension is None or password is None:
            raise UnexpectedReply(f"{SIP_HELP.path} answered without credentials")
        return SipCredentials(
            server,
            integer(found.get("port")),
            text(found.get("transport")),
            extension,
            password,
            text(found.get("dial")),
            text(found.get("stun")),
        )
