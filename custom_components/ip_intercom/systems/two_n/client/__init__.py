"""Client for the HTTP API of 2N intercoms, access units and indoor units (manual 2.38, and known parts of 3.x)."""

from .client import TwoNClient
from .directory import Directory, MobileKeys
from .discovery import find_device
from .doors import AccessPoints, Automation, Io, Lift, Lpr, Switch
from .log import Log
from .media import Audio, Camera, Display, Email
from .phone import Call, Phone
from .system import Capture, Config, Firmware, System

__all__ = ["TwoNClient", "TwoNDevice", "find_device"]


class TwoNDevice:
    """All functions of the HTTP API, grouped as in chapter 5 of its manual."""

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
