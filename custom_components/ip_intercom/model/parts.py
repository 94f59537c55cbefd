"""What a device or an account has: doors, ports, bells, cameras, calls, places."""

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


# Parts of one alarm that are told apart: some firmware gives each motion an id of its own.
MANY_PARTS = 16


class Alarm(StrEnum):
    """Conditions that last and that a user may want to know of."""

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
    """What happens and is over, beside rings, accesses and calls."""

    AUDIO_TEST = "audio_test"
    EXIT_BUTTON = "exit_button"
    LOGIN_BLOCKED = "login_blocked"
    SILENT_ALARM = "silent_alarm"
    TONE = "tone"
    TOUCH = "touch"


class Direction(StrEnum):
    """Who began a call, seen from the intercom: a visitor's ring goes out."""

    INCOMING = "incoming"
    OUTGOING = "outgoing"


class CallState(StrEnum):
    """Where a call stands."""

    CONNECTING = "connecting"
    RINGING = "ringing"
    CONNECTED = "connected"
    HELD = "held"
    TERMINATED = "terminated"


class CallOutcome(StrEnum):
    """What became of a call, as a phone system writes it down."""

    ANSWERED = "answered"
    MISSED = "missed"
    PLACED = "placed"
    VOICEMAIL = "voicemail"


class Control(StrEnum):
    """What an account may command, as far as accounts differ in it."""

    ACCESS_POINTS = "access_points"
    CALLS = "calls"
    DOORS = "doors"
    MAINTENANCE = "maintenance"
    OUTPUTS = "outputs"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a device is. ``id`` is its MAC with colons, or its serial number where it tells no MAC.

    ``has_page`` tells that a person finds something to look at under its address. ``mark`` tells its places from those of
    the same name of another entry.
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
        """Everything that this device may have been known by."""
        return frozenset(name for name in (self.id, self.mac, self.serial) if name)

    @property
    def model_name(self) -> str | None:
        """The model without the manufacturer, which Home Assistant shows in front of it."""
        return None if self.model is None else self.model.removeprefix(f"{self.manufacturer} ")


@dataclass(frozen=True, slots=True)
class Place:
    """What people see as a device of its own within an entry: a house, an entrance, a gate, a flat, a camera.

    ``parent`` is where it is, None for right at the entry's own device.
    """

    id: PlaceId
    name: str
    parent: PlaceId | None = None


@dataclass(frozen=True, slots=True)
class Door:
    """A relay that drives a strike or a gate.

    ``released`` is its state now. A ``latching`` one stays where it was put, any other falls back
    by itself. None in ``released``, ``held_open`` or ``blocked`` where the device cannot tell; blocked
    prevails, and where it is not ``blockable``, that is for others to end. ``name`` is what a user called it at
    the device; ``place`` is where it is, None for the entry's own device.
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
    """A logic input or output; a virtual one exists in the device's own automation only."""

    id: PortId
    output: bool
    on: bool | None = None
    virtual: bool = False


@dataclass(frozen=True, slots=True)
class Bell:
    """A button that rings, or, without ``button``, a call that a visitor makes in another way.

    ``place`` is where it is, None for the entry's own device.
    """

    id: BellId
    name: str | None = None
    button: int | None = None
    place: PlaceId | None = None


@dataclass(frozen=True, slots=True)
class Camera:
    """A video source and the sizes (width, height) it can be asked for, smallest first.

    ``name`` is what it is called where it has a name, ``place`` where it is, None for the entry's own device.
    """

    id: CameraId
    sizes: tuple[tuple[int, int], ...] = ()
    name: str | None = None
    place: PlaceId | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A SIP account; ``registered`` is None where it does not register."""

    id: LineId
    number: str | None
    registered: bool | None
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class CallSession:
    """A call in progress: the state of each called party by its leg, and the state of the whole."""

    id: SessionId
    direction: Direction
    state: CallState
    peer: str | None = None
    legs: Mapping[int, CallState] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Access:
    """Who came in, or was refused. Names are absent where the user wants none kept."""

    time: datetime
    granted: bool
    name: str | None = None
    method: str | None = None
    reason: str | None = None
    entrance: str | None = None


@dataclass(frozen=True, slots=True)
class AccessPoint:
    """An access point, ``entry`` or ``exit``; a blocked one denies access to all people."""

    id: AccessPointId
    blocked: bool


@dataclass(frozen=True, slots=True)
class Display:
    """A display that pictures can be sent to, with its size in pixels."""

    id: DisplayId
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class CallRecord:
    """An entry of the device's call log. ``type`` is the device's own word; ``duration`` in seconds.

    ``name`` is who the other party is, its number where unknown; ``number`` where the log tells both.
    """

    id: str
    type: str | None
    time: datetime | None
    name: str | None = None
    duration: int | None = None
    number: str | None = None


@dataclass(frozen=True, slots=True)
class Voicemail:
    """A message that a caller left; ``duration`` in seconds. The name is absent where the user wants none kept."""

    id: VoicemailId
    received: datetime
    duration: int
    number: str | None = None
    name: str | None = None
    read: bool = False
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Conference:
    """A conference that people dial into at a time.

    ``access_code`` gives access to it: it is returned on request only. ``own`` is False for one of a different owner.
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
    """Something that people set at the system: on or off, or, with ``options``, one of several.

    ``kind`` says which it is; ``place`` of which flat or house, None for the whole account. Of a flat: ``cms`` (the
    handset rings), ``voip`` (apps ring), ``white_rabbit`` (minutes, as options), ``open_for_guests``,
    ``allow_door_code``, ``hidden_log``, ``disable_log``, ``frs_disabled``, ``lprs_disabled``, ``paranoid`` and
    ``paper_bill``. Of the account: ``text_messages`` and ``money_messages``.
    """

    id: SettingId
    kind: str
    value: bool | str | None
    options: tuple[str, ...] = ()
    place: PlaceId | None = None


@dataclass(frozen=True, slots=True)
class CallMode:
    """Where calls ring: at the desk, or, where ``remote``, at another phone as well.

    ``device`` is that phone's number. ``ring_delay`` and ``voicemail_delay`` in seconds: when it begins to ring,
    and when the voicemail takes the call.
    """

    remote: bool
    device: str | None = None
    ring_delay: int | None = None
    voicemail_delay: int | None = None


@dataclass(frozen=True, slots=True)
class Clock:
    """How far the device's clock is ahead of ours in whole seconds, and where its time comes from.

    One that is not ``set`` counts from 1970 or another year long ago.
    """

    drift: int
    source: str | None = None
    automatic: bool | None = None
    set: bool = True


@dataclass(frozen=True, slots=True)
class StagedFirmware:
    """A firmware file that waits on the device to be installed, until ``expires`` where it does not wait for ever.

    ``certain`` tells whether the device itself said which version is in it.
    """

    version: str
    downgrade: bool
    note: str | None
    expires: datetime | None
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Firmware:
    """What runs, what waits, and what goes on: ``progress`` is the percentage of a transfer or None."""

    version: str | None
    staged: StagedFirmware | None = None
    busy: bool = False
    progress: int | None = None


class Pushes(StrEnum):
    """Whether a forwarder sends to Home Assistant what a server sends to push services only; nothing else rings.

    ``OFF`` is not set up; ``EXPECTED`` is set up, but none has come lately.
    """

    OFF = "off"
    EXPECTED = "expected"
    ARRIVING = "arriving"
