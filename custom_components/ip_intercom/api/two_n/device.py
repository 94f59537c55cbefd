"""One 2N device: its client and the groups of functions of the API."""

from .camera import Camera
from .client import TwoNClient
from .directory import Directory
from .io import Io
from .log import Log
from .phone import Call, Phone
from .switch import Switch
from .system import System


class TwoNDevice:
    """Every function of the HTTP API that is known here, grouped as in its chapter 5."""

    def __init__(self, client: TwoNClient) -> None:
        """Use ``client`` for all requests."""
        self.client = client
        self.system = System(client)
        self.switch = Switch(client)
        self.io = Io(client)
        self.phone = Phone(client)
        self.call = Call(client)
        self.camera = Camera(client)
        self.log = Log(client)
        self.directory = Directory(client)
