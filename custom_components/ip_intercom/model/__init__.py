"""The neutral model: what an intercom is, independent of its maker.

Plain frozen data. One ``State`` per device or account; the coordinator alone replaces it, entities
only look. Mappings in it are never changed in place.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Place:
    """What people see as a device of its own within an entry: a house, an entrance, a gate, a flat, a camera.

    ``kind`` is a word for people. ``parent`` is where it is, None for right at the entry's own device.
    """

    id: PlaceId
    name: str
    kind: str
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


@dataclass(frozen=True, slots=True)
class State:
    """Everything that is known of a device now.

    ``own_calls`` were dialled from Home Assistant: they ring nothing. ``alarm_parts`` tells where an
    alarm comes from, where the device says so (a motion profile, an access point): the alarm is on
    while any part of it is.
    """

    doors: Mapping[DoorId, Door] = field(default_factory=dict)
    ports: Mapping[PortId, Port] = field(default_factory=dict)
    alarms: Mapping[Alarm, bool | None] = field(default_factory=dict)
    alarm_parts: Mapping[tuple[Alarm, str], bool | None] = field(default_factory=dict)
    bells: Mapping[BellId, Bell] = field(default_factory=dict)
    cameras: Mapping[CameraId, Camera] = field(default_factory=dict)
    lines: Mapping[LineId, Line] = field(default_factory=dict)
    calls: Mapping[SessionId, CallSession] = field(default_factory=dict)
    own_calls: frozenset[SessionId] = frozenset()
    access_points: Mapping[AccessPointId, AccessPoint] = field(default_factory=dict)
    displays: Mapping[DisplayId, Display] = field(default_factory=dict)
    public_floors: tuple[int, ...] | None = None
    clock: Clock | None = None
    firmware: Firmware | None = None
    last_access: Access | None = None
    last_call: CallRecord | None = None
    extension: str | None = None
    missed_calls: int | None = None
    voicemails: Mapping[VoicemailId, Voicemail] | None = None
    conferences: Mapping[ConferenceId, Conference] | None = None
    call_mode: CallMode | None = None
    places: Mapping[PlaceId, Place] = field(default_factory=dict)
    ringing: Mapping[BellId, bool] = field(default_factory=dict)
    settings: Mapping[SettingId, Setting] = field(default_factory=dict)
    door_codes: Mapping[PlaceId, str | None] = field(default_factory=dict, repr=False)
    unread_messages: int | None = None
    pushes: Pushes | None = None
    # Those that were asked for, and whether each is ready.
    recordings: Mapping[str, bool] | None = None


# The kind of what did not answer, and is to be asked for again.
UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True)
class Missing:
    """Something a device has or might have, out of reach, and the words of its page for what to tick.

    ``kind`` is ``service`` (switched off), ``privilege`` (not given to the account), ``secure`` (over
    HTTPS only), ``stream_login`` (pictures want another login), ``event_log`` or ``event_source`` (events cannot be read), ``unanswered`` (a function fails alone), or one of the ``push_`` kinds: the address
    that it should push to is unknown, taken by a different system, refused, or never reached, or the push service
    refuses the key. Without a ``vital`` one Home Assistant does not see what happens; the others are extras,
    or commands that an account need not have.
    """

    kind: str
    name: str
    vital: bool = True


@dataclass(frozen=True, slots=True)
class Description:
    """What connecting to a device found: who it is, its state, and what the account may do.

    ``peers`` tells which bell rings when a number is called. ``pushes`` tells that events come by
    themselves, so that polling is only a safety net. ``visitors`` tells that calls which go out are
    their wish to be let in; a monitor in the house calls as well, but is not a ring. ``occurrences`` are
    those that the device can tell of, ``outcomes`` what it writes down of calls as they end;
    ``state_events`` is what to tick where states move and no event tells of it. ``messages`` tells that the user
    receives messages. ``unlisted`` are the kinds of places (``Place.kind``) which are not listed now:
    those that were there before may be there still. ``nothing`` is the repair to show where the account has nothing yet.
    ``has_link`` tells that it is a server in front of an exchange, which may be out of reach by itself.
    """

    identity: Identity
    state: State
    controls: frozenset[Control]
    missing: frozenset[Missing] = frozenset()
    peers: Mapping[str, BellId] = field(default_factory=dict)
    reports_access: bool = False
    has_phone: bool = False
    has_link: bool = False
    visitors: bool = True
    pushes: bool = False
    occurrences: frozenset[Occurrence] = frozenset()
    outcomes: frozenset[CallOutcome] = frozenset()
    state_events: Missing | None = None
    messages: bool = False
    unlisted: frozenset[str] = frozenset()
    nothing: Missing | None = None
    # Parts of the state that could not be read: what is known of them stays.
    unread: frozenset[str] = frozenset()
    # The bells are still being read: they come later.
    bells_pending: bool = False
    # Seconds for which a function that did not answer asks not to be asked again.
    wish: float = 0.0

    @property
    def unanswered(self) -> frozenset[str]:
        """Return the functions that did not answer, and are to be asked again."""
        return frozenset(missing.name for missing in self.missing if missing.kind == UNANSWERED)


@dataclass(frozen=True, slots=True)
class Reading:
    """The parts of a state that one poll brought; None for what it could not ask for."""

    doors: Mapping[DoorId, Door] | None = None
    ports: Mapping[PortId, Port] | None = None
    alarms: Mapping[Alarm, bool | None] | None = None
    lines: Mapping[LineId, Line] | None = None
    calls: Mapping[SessionId, CallSession] | None = None
    access_points: Mapping[AccessPointId, AccessPoint] | None = None
    clock: Clock | None = None
    voicemails: Mapping[VoicemailId, Voicemail] | None = None
    conferences: Mapping[ConferenceId, Conference] | None = None
    last_call: CallRecord | None = None
    settings: Mapping[SettingId, Setting] | None = None
    door_codes: Mapping[PlaceId, str | None] | None = field(default=None, repr=False)
    unread_messages: int | None = None
    pushes: Pushes | None = None


def with_bell(state: State, bell: Bell) -> State:
    """Return ``state`` with a bell that was not known before."""
    return state if bell.id in state.bells else replace(state, bells={**state.bells, bell.id: bell})


def with_door(state: State, door: Door) -> State:
    """Return ``state`` with a door as it was read by itself."""
    return replace(state, doors={**state.doors, door.id: _steady(door, state.doors.get(door.id))})


# The device counts a hold down in whole seconds: a smaller move of its end is no change.
_HOLD_JITTER = timedelta(seconds=3)
# Rounding on both sides, and the way of the answer.
_DRIFT_JITTER = 1


# Parts that take the place of what was there.
_AS_READ = (
    "access_points", "calls", "conferences", "door_codes", "last_call", "lines", "pushes", "settings", "unread_messages",
    "voicemails",
)  # fmt: skip


def merge(state: State, reading: Reading) -> State:
    """Return ``state`` with what a poll read in its place; what was not read stays."""
    doors = (
        state.doors
        if reading.doors is None
        else {door.id: _steady(door, state.doors.get(door.id)) for door in reading.doors.values()}
    )
    return replace(
        state,
        doors=doors,
        ports=state.ports if reading.ports is None else {**_virtual(state.ports), **reading.ports},
        alarms=state.alarms if reading.alarms is None else {**state.alarms, **reading.alarms},
        clock=state.clock if reading.clock is None else _steady_clock(reading.clock, state.clock),
        **{part: value for part in _AS_READ if (value := getattr(reading, part)) is not None},
    )


def described(before: State, fresh: State, unread: frozenset[str] = frozenset()) -> State:
    """Return the state of a fresh description, with what only earlier events reported.

    ``unread`` are parts of the state that could not be read: what is in ``fresh`` tells no more than what there is.
    """
    fresh = replace(fresh, **{name: _kept_part(getattr(before, name), getattr(fresh, name)) for name in unread})
    merged = merge(
        before,
        Reading(
            doors=fresh.doors,
            ports=fresh.ports,
            lines=fresh.lines,
            calls=fresh.calls,
            access_points=fresh.access_points,
            clock=fresh.clock,
            voicemails=fresh.voicemails,
            conferences=fresh.conferences,
            settings=fresh.settings,
            door_codes=fresh.door_codes,
            unread_messages=fresh.unread_messages,
        ),
    )
    staged = before.firmware if before.firmware is not None and fresh.firmware is not None else Firmware(None)
    return replace(
        merged,
        alarms={alarm: before.alarms.get(alarm) if on is None else on for alarm, on in fresh.alarms.items()},
        alarm_parts={part: on for part, on in before.alarm_parts.items() if part[0] in fresh.alarms},
        bells={**_kept(before, fresh), **fresh.bells},
        cameras=fresh.cameras,
        displays=fresh.displays,
        places=fresh.places,
        ringing={**fresh.ringing, **before.ringing},
        firmware=None if fresh.firmware is None else replace(staged, version=fresh.firmware.version),
        last_call=fresh.last_call,
        extension=fresh.extension,
        missed_calls=fresh.missed_calls,
        pushes=fresh.pushes,
        recordings=fresh.recordings,
    )


def _kept_part(known: Any, found: Any) -> Any:
    """Return a part of the state that could not be read: as it is known, as far as it is there."""
    if not isinstance(found, Mapping):
        return known
    return {key: known.get(key, part) for key, part in found.items()} if found else known


def _kept(before: State, fresh: State) -> dict[BellId, Bell]:
    """Return the previous bells that stay: a button that rang does, also with a new owner, unless its place is gone."""
    return {bell.id: bell for bell in before.bells.values() if bell.place is None or bell.place in fresh.places}


def _virtual(ports: Mapping[PortId, Port]) -> dict[PortId, Port]:
    """Return the ports that only events tell of."""
    return {port.id: port for port in ports.values() if port.virtual}


def _steady_clock(clock: Clock, before: Clock | None) -> Clock:
    """Return a clock that moves only when it really does: devices tell their time in whole seconds."""
    if before is None or abs(clock.drift - before.drift) > _DRIFT_JITTER:
        return clock
    return replace(clock, drift=before.drift)


def _steady(door: Door, before: Door | None) -> Door:
    if before is None or door.hold_until is None or before.hold_until is None:
        return door
    if abs(door.hold_until - before.hold_until) < _HOLD_JITTER:
        return replace(door, hold_until=before.hold_until)
    return door
