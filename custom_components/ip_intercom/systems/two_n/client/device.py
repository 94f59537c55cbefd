"""One 2N device: its client and the groups of functions of the API."""

from .access import AccessPoints
from .audio import Audio
from .automation import Automation
from .camera import Camera
from .capture import Capture
from .client import TwoNClient
from .config import Config
from .directory import Directory
from .display import Display
from .email import Email
from .firmware import Firmware
from .io import Io
from .lift import Lift
from .log import Log
from .lpr import Lpr
from .mobilekey import MobileKeys
from .phone import Call, Phone
from .switch import Switch
from .system import System


class TwoNDevice:
    """Every function of the HTTP API, grouped as in its chapter 5."""

    def __init__(self, client: TwoNClient) -> None:
        self.client = client
        self.system = System(client)
        self.firmware = Firmware(client)
        self.config = Config(client)
        self.switch = Switch(client)
        self.io = Io(client)
        self.phone = Phone(client)
        self.call = Call(client)
        self.camera = Camera(client)
        self.display = Display(client)
        self.log = Log(client)
        self.audio = Audio(client)
        self.email = Email(client)
        self.capture = Capture(client)
        self.directory = Directory(client)
        self.mobilekey = MobileKeys(client)
        self.lpr = Lpr(client)
        self.access = AccessPoints(client)
        self.lift = Lift(client)
        self.automation = Automation(client)
