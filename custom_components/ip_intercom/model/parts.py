"""Parts of a device or an account: doors and their commands, ports, bells, cameras, calls, places."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

type DoorId = str
type PortId = str
type BellId = str
type CameraId = str
type LineId = str
type SessionId = int
type AccessPointId = str
type DisplayId = str
type VoicemailId = str
type ConferenceId = str
type PlaceId = str
type SettingId = str


# Longest name of a device or part: with a longer one, the recorder would drop the attributes of its entities.
_LONGEST_NAME = 100


def one_line(name: str) -> str:
    """Return a name without line breaks and extra spaces."""
    return " ".join(name.split())


def short_name(*names: str | None) -> str:
    """Return the first name that is not blank, on one line, with an ellipsis if it is too long."""
    name = next((found for name in names if name is not None and (found := one_line(name))), "")
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


# Longest list of parts of one alarm: some firmware uses a new id for each motion.
MANY_PARTS = 16


class Alarm(StrEnum):
    """Lasting conditions that a device reports."""

    ACCESS_LIMITED = "access_limited"
    DEVICE_ERROR = "device_error"
    DOOR_OPEN = "door_open"
    DOOR_FORCED = "door_forced"
    DOOR_HELD_OPEN = "door_held_open"
    LIFT = "lift"
    LOCKDOWN = "lockdown"
    MOTION = "motion"
    NOISE = "noise"
    RESCUE = "rescue"
    SWITCHES_BLOCKED = "switches_blocked"
    TAMPER = "tamper"


class Occurrence(StrEnum):
    """Momentary events other than rings, accesses, and calls."""

    AUDIO_TEST = "audio_test"
    EXIT_BUTTON = "exit_button"
    LOGIN_BLOCKED = "login_blocked"
    SILENT_ALARM = "silent_alarm"
    TONE = "tone"
    TOUCH = "touch"


class Direction(StrEnum):
    """The direction of a call, seen from the intercom: a visitor's call is outgoing."""

    INCOMING = "incoming"
    OUTGOING = "outgoing"


class CallState(StrEnum):
    """The state of a call."""

    CONNECTING = "connecting"
    RINGING = "ringing"
    CONNECTED = "connected"
    HELD = "held"
    TERMINATED = "terminated"


class CallOutcome(StrEnum):
    """The outcome of a call in the call log of a phone system."""

    ANSWERED = "answered"
    MISSED = "missed"
    PLACED = "placed"
    VOICEMAIL = "voicemail"


class VisitOutcome(StrEnum):
    """What became of a visitor, in ascending order of relevance."""

    MISSED = "missed"
    ANSWERED = "answered"
    OPENED = "opened"


class Control(StrEnum):
    """Controls that accounts may or may not use."""

    ACCESS_POINTS = "access_points"
    CALLS = "calls"
    DOORS = "doors"
    MAINTENANCE = "maintenance"
    OUTPUTS = "outputs"


@dataclass(frozen=True, slots=True)
class Identity:
    """The identity of a device. ``id`` is its MAC address with colons, or its serial number without one.

    ``has_page``: the device has a web page. ``mark`` distinguishes its places from equally named places of other
    entries.
    """

    id: str
    mac: str | None
    serial: str | None
    manufacturer: str
    model: str | None
    name: str
    firmware: str | None
    hardware: str | None
    has_page: bool = True
    mark: str = ""

    @property
    def names(self) -> frozenset[str]:
        """All ids by which this device may be known."""
        return frozenset(name for name in (self.id, self.mac, self.serial) if name)

    @property
    def model_name(self) -> str | None:
        """The model without the manufacturer, which Home Assistant shows separately."""
        return None if self.model is None else self.model.removeprefix(f"{self.manufacturer} ")


@dataclass(frozen=True, slots=True)
class Place:
    """A separate device within an entry: a house, an entrance, a gate, an apartment, a camera.

    ``parent`` is the place that contains it; None for the entry's own device.
    """

    id: PlaceId
    name: str
    parent: PlaceId | None = None


@dataclass(frozen=True, slots=True)
class Door:
    """A relay that drives a strike or a gate.

    ``released`` is its current state. A ``latching`` relay keeps its state, any other turns off by itself. None in
    ``released``, ``held_open``, or ``blocked``: the device does not report it. A block takes precedence; without
    ``blockable``, only other systems can change it. ``name`` is the name configured on the device; ``place`` is its
    place, None for the entry's own device.
    """

    id: DoorId
    released: bool | None
    latching: bool = False
    held_open: bool | None = None
    hold_until: datetime | None = None
    blocked: bool | None = None
    name: str | None = None
    blockable: bool = True
    place: PlaceId | None = None


@dataclass(frozen=True, slots=True)
class Port:
    """A logic input or output; a virtual one exists only in the device's automation."""

    id: PortId
    output: bool
    on: bool | None = None
    virtual: bool = False


@dataclass(frozen=True, slots=True)
class Bell:
    """A doorbell button; without ``button``, the source of calls that visitors make in other ways.

    ``place`` is its place; None for the entry's own device.
    """

    id: BellId
    name: str | None = None
    button: int | None = None
    place: PlaceId | None = None


@dataclass(frozen=True, slots=True)
class Camera:
    """A video source and its available sizes (width, height), smallest first.

    ``place`` is its place; None for the entry's own device.
    """

    id: CameraId
    sizes: tuple[tuple[int, int], ...] = ()
    name: str | None = None
    place: PlaceId | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A SIP account; ``registered`` is None for an account that does not register."""

    id: LineId
    number: str | None
    registered: bool | None
    enabled: bool = True


# The reason of a call that ended because another phone answered it (``events.CallChanged``).
ANSWERED_ELSEWHERE = "answered_elsewhere"


@dataclass(frozen=True, slots=True)
class CallSession:
    """A call in progress: the state of the whole call, and of each called party by its leg.

    ``bell`` is that of its visitor; None if the entry has one door, or the call comes from none.
    """

    id: SessionId
    direction: Direction
    state: CallState
    peer: str | None = None
    legs: Mapping[int, CallState] = field(default_factory=dict)
    bell: BellId | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """A granted or denied access. ``name`` is None if the user turned names off."""

    time: datetime
    granted: bool
    name: str | None = None
    method: str | None = None
    reason: str | None = None
    entrance: str | None = None


@dataclass(frozen=True, slots=True)
class AccessPoint:
    """An access point, ``entry`` or ``exit``; a blocked one denies all access."""

    id: AccessPointId
    blocked: bool


@dataclass(frozen=True, slots=True)
class Display:
    """A display for images, with its size in pixels."""

    id: DisplayId
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class CallRecord:
    """An entry of the device's call log. ``type`` is the device's word; ``duration`` is in seconds.

    ``name`` is the name of the other party, or its number; ``number`` is set if the log has both.
    """

    id: str
    type: str | None
    time: datetime | None
    name: str | None = None
    duration: int | None = None
    number: str | None = None


@dataclass(frozen=True, slots=True)
class Voicemail:
    """A voicemail; ``duration`` is in seconds. ``name`` is None if the user turned names off."""

    id: VoicemailId
    received: datetime
    duration: int
    number: str | None = None
    name: str | None = None
    read: bool = False
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Conference:
    """A scheduled conference with dial-in.

    ``access_code`` gives access, so only actions return it. ``own`` is False for a conference of a different user.
    """

    id: ConferenceId
    name: str
    start: datetime
    duration: timedelta
    access_code: int = field(repr=False)
    own: bool = True
    wait_for_owner: bool = False
    ends_with_owner: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """A user setting of the system: on or off, or, with ``options``, one of several.

    ``place`` is its apartment or house; None for the account. Kinds of an apartment: ``cms`` (the handset rings),
    ``voip`` (apps ring), ``white_rabbit`` (minutes, as options), ``open_for_guests``, ``allow_door_code``,
    ``hidden_log``, ``disable_log``, ``frs_disabled``, ``lprs_disabled``, ``paranoid``, and ``paper_bill``. Kinds of the
    account: ``text_messages`` and ``money_messages``.
    """

    id: SettingId
    kind: str
    value: bool | str | None
    options: tuple[str, ...] = ()
    place: PlaceId | None = None


@dataclass(frozen=True, slots=True)
class CallMode:
    """The phones that ring: the desk phone only, or with ``remote`` a second phone as well.

    ``device`` is the number of the second phone. ``ring_delay`` and ``voicemail_delay`` are the seconds until it rings
    and until voicemail answers.
    """

    remote: bool
    device: str | None = None
    ring_delay: int | None = None
    voicemail_delay: int | None = None


@dataclass(frozen=True, slots=True)
class Clock:
    """The device's clock: ``drift`` is the number of seconds ahead of the system clock, ``source`` its time source.

    A clock that is not ``set`` counts from 1970 or a similar year.
    """

    drift: int
    source: str | None = None
    automatic: bool | None = None
    set: bool = True


@dataclass(frozen=True, slots=True)
class StagedFirmware:
    """A firmware file on the device that is ready to install; the device discards it at ``expires``, if set.

    ``certain``: the device itself reported the version of the file.
    """

    version: str
    downgrade: bool
    note: str | None
    expires: datetime | None
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Firmware:
    """The running version, the staged file, and the transfer in progress; ``progress`` is its percentage or None."""

    version: str | None
    staged: StagedFirmware | None = None
    busy: bool = False
    progress: int | None = None


class Pushes(StrEnum):
    """The arrival of pushes that a server sends to push services, and a forwarder to Home Assistant.

    Only these pushes report rings. ``OFF``: not configured. ``EXPECTED``: configured, but no recent push.
    """

    OFF = "off"
    EXPECTED = "expected"
    ARRIVING = "arriving"


class DoorCommand(StrEnum):
    """A command of a user for a door, or a step that is sent to the door."""

    OPEN = "open"
    CLOSE = "close"
    HOLD = "hold"
    END_HOLD = "end_hold"
    BLOCK = "block"
    UNBLOCK = "unblock"


# Commands after which a visitor can come in.
OPENING = frozenset({DoorCommand.OPEN, DoorCommand.HOLD})
