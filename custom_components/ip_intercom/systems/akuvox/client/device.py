"""One Akuvox device: its client and the groups of functions of the API."""

from .capture import Capture
from .client import AkuvoxClient
from .config import Config
from .door import Input, PublicCode, Relay
from .firmware import Firmware
from .items import Contacts, cards, groups, private_keys, replacements
from .logs import CallLog, DoorLog, Log
from .opening import Opening
from .phone import Call, Sip
from .system import System
from .users import Users


class AkuvoxDevice:
    """Every function of the HTTP API, grouped as in the manual."""

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
