"""Client for the HTTP API of Akuvox door phones and access controllers (manual 2.0, and field notes)."""

from .camera import MAIN_STREAM, SUB_STREAM, AkuvoxCamera
from .client import AkuvoxClient
from .config import Config
from .directory import Contacts, Users, cards, groups, private_keys, replacements
from .discovery import find_device, is_akuvox, refusal
from .doors import Input, Opening, PublicCode, Relay
from .logs import CallLog, DoorLog
from .phone import Call, Sip
from .system import Capture, Firmware, Log, System

__all__ = [
    "MAIN_STREAM",
    "SUB_STREAM",
    "AkuvoxCamera",
    "AkuvoxClient",
    "AkuvoxDevice",
    "find_device",
    "is_akuvox",
    "refusal",
]


class AkuvoxDevice:
    """All functions of the HTTP API, grouped as in the manual."""

    def __init__(self, client: AkuvoxClient) -> None:
        self.client = client
        self.system = System(client)
        self.firmware = Firmware(client)
        self.config = Config(client)
        self.relay = Relay(client)
        self.input = Input(client)
        self.public_code = PublicCode(client)
        self.private_keys = private_keys(client)
        self.cards = cards(client)
        self.contacts = Contacts(client)
        self.groups = groups(client)
        self.call = Call(client)
        self.sip = Sip(client)
        self.replacements = replacements(client)
        self.log = Log(client)
        self.call_log = CallLog(client)
        self.door_log = DoorLog(client)
        self.capture = Capture(client)
        self.users = Users(client)
        self.opening = Opening(client)
