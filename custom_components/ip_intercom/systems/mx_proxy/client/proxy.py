"""One account at an MX Proxy: its client and the groups of requests of the API."""

from ...common.http import HttpTransport
from .calls import Calls
from .client import MxClient
from .conferences import Conferences
from .directory import Directory
from .login import Credentials
from .session import Session
from .tokens import Tokens
from .voicemails import Voicemails


class MxProxy:
    """Every request of the API, grouped as in the manual.

    Args:
        transport: The connection to the server.
        credentials: Who logs in, which happens when it is needed.
    """

    def __init__(self, transport: HttpTransport, credentials: Credentials) -> None:
        self.transport = transport
        client = MxClient(transport, credentials)
        self.client = client
        self.session = Session(client)
        self.directory = Directory(client)
        self.calls = Calls(client)
        self.voicemails = Voicemails(client)
        self.conferences = Conferences(client)
        self.tokens = Tokens(client)
