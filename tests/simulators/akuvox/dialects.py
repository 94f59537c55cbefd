"""Five devices as data (field notes 3, captures/action_urls_by_model.txt, captures/r29_vs_e18c_matrix.md)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum


class Auth(StrEnum):
    """`Config.DoorSetting.APIFCGI.AuthMode`; the numbers of the two reserved modes are not known."""

    NONE = "0"
    BASIC = "1"
    WHITELIST = "2"
    DIGEST_SERVER = "3"
    DIGEST = "4"
    BASIC_DIGEST = "5"
    NORMAL = "6"
    TOKEN = "7"


class RelayReading(StrEnum):
    """What `relay/trig` does to a relay that is open, which the manual does not say (field notes 10).

    A: `level` decides; the wrong contact closes. B: a trigger on an auto-close relay opens it or begins its window
    again, in mode 1 it toggles; a bistable relay toggles at any trigger. B_ENDS: as B, but any trigger closes what mode 1
    keeps open ("resets upon triggering again", R20Kv3 guide p. 53). C: as B, but a bistable relay toggles in mode 0 and
    only closes in mode 1. C_OPENS: as C, but mode 0 opens and never closes.
    """

    A = "a"
    B = "b"
    B_ENDS = "b_ends"
    C = "c"
    C_OPENS = "c_opens"


class RelayNames(StrEnum):
    """How relays are called in `relay/status` and in Action URL keys, by the name of the first one.

    A094 and A095 have the second and the third (captures/action_urls_by_model.txt).
    """

    RELAY_LETTER = "RelayA"
    RELAY_NUMBER = "Relay1"
    DOOR_NUMBER = "Door1"

    def of(self, letter: str) -> str:
        """Name a relay; security relays have one name."""
        if letter.startswith("S") or self is RelayNames.RELAY_LETTER:
            return f"Relay{letter}"
        return f"{self[:-1]}{'ABCD'.index(letter) + 1}"


class Redirect(StrEnum):
    """Where plain HTTP is sent."""

    NOWHERE = "nowhere"
    HTTPS = "https"
    WEB_APP = "web_app"


class Root(StrEnum):
    """What is under `/`."""

    WEB_APP = "web_app"
    LOGIN = "login"
    NAMELESS_APP = "nameless_app"
    REDIRECT = "redirect"
    FORBIDDEN = "forbidden"


class Keys(StrEnum):
    """How the configuration keys of relays and inputs are called."""

    MANUAL = "manual"
    LIVE = "live"
    DELAY = "delay"


class Opening(StrEnum):
    """What `/fcgi/do?action=OpenDoor` answers."""

    HTML = "html"
    NEW_INTERFACE = "new_interface"
    MISSING = "missing"


MANUAL_TARGETS = frozenset(
    {
        "system", "firmware", "config", "relay", "input", "publiccode", "privatekey", "rfkey", "contact", "group",
        "call", "sip", "dialreplace", "log", "calllog", "doorlog", "pcap", "user",
    }
)  # fmt: skip
COMMON_VARIABLES = frozenset({"mac", "ip", "model", "firmware", "active_url", "active_user"})
CODES = ("ValidCodeEntered", "InvalidCodeEntered", "ValidCardEntered", "InvalidCardEntered")
FACES = ("ValidFaceRecognition", "InvalidFaceRecognition")
CALLS = ("MakeCall", "HangUp")
# Confirmed on an E18 and an E16C; what the four logs and InputAlarm are sent for is not known.
LIVE_EXTRAS = ("InputBreakIn", "InputAlarm", "AlarmLog", "CallLog", "Card", "DoorLog")


def _states(kind: str, letters: str) -> tuple[str, ...]:
    return tuple(f"{kind}{letter}{end}" for letter in letters for end in ("Triggered", "Closed"))


def _status(kind: str, letters: str) -> set[str]:
    return {f"{kind}{number}status" for number, _ in enumerate(letters, 1)}


@dataclass(frozen=True, slots=True)
class Dialect:
    """How devices differ."""

    model: str
    firmware: str
    hardware: str
    mac: str
    targets: frozenset[str]
    # What it says to a target that it does not know.
    lacks_text: str
    auth: Auth
    relays: str
    inputs: str
    security_relays: str = ""
    relay_names: RelayNames = RelayNames.RELAY_LETTER
    keys: Keys = Keys.MANUAL
    # Keys of Config.Features.ACTIONURL, and what may stand in their URLs.
    action_urls: tuple[str, ...] = ()
    variables: frozenset[str] = COMMON_VARIABLES
    posts_action_urls: bool = False
    # RelayATriggered is also sent for a door that a code or card opened.
    relay_url_after_code: bool = True
    redirect: Redirect = Redirect.NOWHERE
    old_tls: bool = False
    # Where it identifies itself without a login (field notes 10).
    identity_path: str = ""
    # Replies are corrupted when requests come closer than this, in real seconds.
    gap: float = 0.0
    trailing: bytes = b""
    # A name from the factory or the web page; a surrogate is a byte that is no UTF-8.
    location: str = "Front Door"
    # Nothing more comes over a connection after an answer.
    closes: bool = False
    # More requests at once than this get 503.
    most_parallel: int = 0
    # More requests than this within a second are throttled.
    throttle: int = 0
    # config/set refuses POST and takes GET, one key a request.
    sets_by_get: bool = False
    group_del: bool = True
    get_adds_contact: bool = False
    paging: bool = False
    # user/add, set and del answer with their number.
    counts_users: bool = False
    # user/set erases what is left out.
    replaces_users: bool = False
    schedule_fields: tuple[str, ...] = ("ScheduleRelay",)
    # Words of a door log: successful, failed, of an unknown person; and whether the type is a word.
    succeeded: str = "0"
    failed: str = "1"
    unknown: str = ""
    typed: bool = False
    picture_field: str | None = None
    bare_relay_get: bool = False
    opening: Opening = Opening.MISSING
    # `/fcgi/OpenDoor` is there, and 503 as long as it is not enabled.
    open_door: bool = False
    open_door_503: bool = False
    camera: bool = True
    camera_tls: bool = False
    # Other paths of port 8080 show the web app instead of 404.
    camera_web_app: bool = False
    # Config.DoorSetting.RTSP.MJPEGAuthorization and AuthenticationType: none, basic or digest.
    camera_auth: str = "none"

    def of(self, names: RelayNames, more_action_urls: Iterable[str]) -> Dialect:
        """Return the same device with other names of its relays and with more Action URLs."""
        keys = (
            key.replace(f"Relay{key[5]}", names.of(key[5]), 1) if key.startswith("Relay") else key
            for key in self.action_urls
        )
        return replace(self, relay_names=names, action_urls=(*keys, *more_action_urls))


DIALECTS: Mapping[str, Dialect] = {
    # The manual, which says "applicable to A01/A02/A03/A05"; these have no camera and no calls (field notes 7).
    "a_series": Dialect(
        model="A02",
        firmware="101.30.10.221",
        hardware="101.0.2.0",
        mac="0C:11:05:28:F6:82",
        targets=MANUAL_TARGETS - {"call"},
        lacks_text="unsupport action",
        auth=Auth.DIGEST,
        relays="ABC",
        inputs="ABC",
        action_urls=(*_states("Relay", "A"), *_states("Input", "AB"), *CODES, "AlarmTriggered"),
        variables=COMMON_VARIABLES | _status("relay", "A") | _status("input", "AB") | {"code", "card_sn", "alarmstatus"},
        group_del=False,
        get_adds_contact=True,
        counts_users=True,
        camera=False,
    ),
    "e18": Dialect(
        model="E18",
        firmware="18.30.10.118",
        hardware="18.0.1.0",
        mac="0C:11:05:1D:60:E5",
        targets=MANUAL_TARGETS - {"privatekey", "rfkey"},
        lacks_text="Api unsupported",
        auth=Auth.DIGEST,
        relays="AB",
        inputs="ABC",
        security_relays="A",
        keys=Keys.LIVE,
        action_urls=(
            *CALLS, *_states("Relay", "AB"), *_states("Input", "ABC"), *CODES, *FACES, "AlarmTriggered", *LIVE_EXTRAS,
        ),
        # A URL with $alarmstatus was dropped by a device of this firmware's time.
        variables=COMMON_VARIABLES
        | _status("relay", "AB")
        | _status("input", "ABC")
        | {"remote", "code", "card_sn", "unlocktype"},
        relay_url_after_code=False,
        gap=0.25,
        trailing=b"\r\n\x00\xff\xfe",
        location="Eingang S\udcfcd",
        closes=True,
        # pylocal-akuvox, which its author runs against an E18, reads lists page by page until one is empty.
        paging=True,
        counts_users=True,
        succeeded="Succ",
        failed="Failed",
        typed=True,
        open_door=True,
        camera_tls=True,
        old_tls=True,
        identity_path="/web/status/get",
    ),
    "e16c": Dialect(
        model="E16C",
        firmware="216.30.10.141",
        hardware="216.2.0.0",
        mac="0C:11:05:26:8D:E8",
        targets=MANUAL_TARGETS - {"privatekey", "rfkey"},
        lacks_text="Api unsupported",
        auth=Auth.BASIC,
        relays="A",
        inputs="A",
        keys=Keys.LIVE,
        action_urls=(
            *CALLS, *_states("Relay", "A"), *_states("Input", "A"), *CODES, *FACES, "AlarmTriggered", *LIVE_EXTRAS,
        ),
        variables=COMMON_VARIABLES
        | {"remote", "relay1status", "input1status", "code", "card_sn", "unlocktype", "alarmstatus"},
        redirect=Redirect.HTTPS,
        most_parallel=2,
        sets_by_get=True,
        paging=True,
        replaces_users=True,
        succeeded="Success",
        failed="Failed",
        unknown="Unknown",
        typed=True,
        picture_field="Picture",
        open_door=True,
        camera_tls=True,
        camera_auth="basic",
    ),
    "r29": Dialect(
        model="R29C",
        firmware="29.30.10.128",
        hardware="29.3.4.0",
        mac="0C:11:05:34:ED:7C",
        targets=MANUAL_TARGETS,
        lacks_text="No hanlders for this request",
        auth=Auth.WHITELIST,
        relays="ABC",
        inputs="ABC",
        security_relays="AB",
        keys=Keys.DELAY,
        action_urls=(
            *CALLS, *_states("Relay", "ABC"), *_states("Input", "ABC"), *CODES, *FACES, "InputBreakIn",
        ),
        variables=COMMON_VARIABLES
        | _status("relay", "ABC")
        | _status("input", "ABC")
        | {"remote", "code", "card_sn", "unlocktype"},
        posts_action_urls=True,
        redirect=Redirect.WEB_APP,
        throttle=10,
        identity_path="/api/web/system/info",
        paging=True,
        schedule_fields=("Schedule-Relay", "Schedule"),
        succeeded="Succ",
        failed="Failed",
        typed=True,
        picture_field="PicUrl",
        bare_relay_get=True,
        opening=Opening.NEW_INTERFACE,
        open_door=True,
        open_door_503=True,
        camera_web_app=True,
        camera_auth="digest",
    ),
    # An indoor monitor. Which other targets it has is a guess.
    "it83": Dialect(
        model="IT83",
        firmware="83.30.10.4",
        hardware="83.0.1.0",
        mac="0C:11:05:32:20:7B",
        targets=frozenset({"system", "firmware", "config", "contact", "group", "call", "sip", "log", "calllog", "pcap"}),
        lacks_text="No hanlders for this request",
        auth=Auth.NONE,
        relays="AB",
        inputs="",
        keys=Keys.LIVE,
        opening=Opening.HTML,
        camera=False,
    ),
}  # fmt: skip
