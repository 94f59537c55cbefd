"""One account of SmartYard: its client and the groups of methods of the API."""

from ...common.http import HttpTransport
from .address import Address
from .cameras import Cameras, Films
from .client import SmartYardClient
from .ext import Ext
from .images import Images
from .inbox import Inbox
from .login import Logins
from .recognition import Recognition
from .sip import Sip
from .user import User

# System, version, vendor and model, as the apps have it.
SYSTEM_INFO = "Linux,1,Home Assistant,IP Intercom"


class SmartYard:
    """Every method of the API, grouped as in the field notes.

    Args:
        transport: The connection to the server; its base address has the path below which the methods are.
        token: What a login has given, empty or None before it.
        language: The language of the server's texts for people, such as ``en``.
        system_info: Who asks: system, version, vendor and model, with commas between.
    """

    def __init__(
        self, transport: HttpTransport, token: str | None, *, language: str = "en", system_info: str = SYSTEM_INFO
    ) -> None:
        self.transport = transport
        client = SmartYardClient(transport, token or "", language, system_info)
        self.client = client
        self.login = Logins(client)
        self.user = User(client)
        self.address = Address(client)
        self.cameras = Cameras(client)
        self.inbox = Inbox(client)
        self.sip = Sip(client)
        self.ext = Ext(client)
        self.recognition = Recognition(client)
        self.images = Images(transport)
        self.films = Films(transport)
