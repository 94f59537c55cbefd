"""The neutral model: what any intercom is, whoever made it.

Plain frozen data. One ``State`` per device or account; the coordinator alone replaces it, entities
only look. Mappings in it are never changed in place.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

type DoorId = str
type PortId = str
type BellId = str
type CameraId = str
type LineId = str
type SessionId = int


class Alarm(StrEnum):
    """Conditions that last and that somebody may want to know of."""

    DOOR_OPEN = "door_open"
    DOOR_FORCED = "door_forced"
    DOOR_HELD_OPEN = "door_held_open"
    LOCKDOWN = "lockdown"
    MOTION = "motion"
    NOISE = "noise"
    SWITCHES_BLOCKED = "switches_blocked"
    TAMPER = "tamper"


class Direction(StrEnum):
    """Who began a call, seen from the intercom: a visitor's ring goes out."""

    INCOMING = "incoming"
    OUTGOING = "outgoing"


class CallState(StrEnum):
    """Where a call stands."""

    CONNECTING = "connecting"
    RINGING = "ringing"
    CONNECTED = "connected"
    TERMINATED = "terminated"


class Control(StrEnum):
    """What an account may command, as far as accounts differ in it."""

    DOORS = "doors"
    OUTPUTS = "outputs"
    CALLS = "calls"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a device is. ``id`` is its MAC with colons, or its serial number where it tells no MAC."""

    id: str
    mac: str | None
    serial: str | None
    manufacturer: str
    model: str | None
    name: str
    firmware: str | None
    hardware: str | None

    @property
    def names(self) -> frozenset[str]:
        """Everything that this device may have been known by."""
        return frozenset(name for name in (self.id, self.mac, self.serial) if name)


@dataclass(frozen=True, slots=True)
class Door:
    """A relay that drives a strike or a gate.

    ``released`` is its state now. A ``latching`` one stays where it was put, any other falls back
    by itself. None in ``held_open`` or ``blocked`` where the device cannot tell; blocked prevails.
    """

    id: DoorId
    released: bool
    latching: bool = False
    held_open: bool | None = None
    hold_until: datetime | None = None
    blocked: bool | None = None


@dataclass(frozen=True, slots=True)
class Port:
    """A logic input or output."""

    id: PortId
    output: bool
    on: bool | None = None


@dataclass(frozen=True, slots=True)
class Bell:
    """A button that rings, or, without ``button``, a call that a visitor makes in another way."""

    id: BellId
    name: str | None = None
    button: int | None = None


@dataclass(frozen=True, slots=True)
class Camera:
    """A video source and the sizes (width, height) it can be asked for, smallest first."""

    id: CameraId
    sizes: tuple[tuple[int, int], ...]


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
class State:
    """Everything that is known of a device now. ``own_calls`` were dialled from Home Assistant: they ring nothing."""

    doors: Mapping[DoorId, Door] = field(default_factory=dict)
    ports: Mapping[PortId, Port] = field(default_factory=dict)
    alarms: Mapping[Alarm, bool | None] = field(default_factory=dict)
    bells: Mapping[BellId, Bell] = field(default_factory=dict)
    cameras: Mapping[CameraId, Camera] = field(default_factory=dict)
    lines: Mapping[LineId, Line] = field(default_factory=dict)
    calls: Mapping[SessionId, CallSession] = field(default_factory=dict)
    own_calls: frozenset[SessionId] = frozenset()
    last_access: Access | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """Something a device has or might have, out of reach, and the words of its page for what to tick.

    ``kind`` is ``service`` (switched off), ``privilege`` (not given to the account) or ``secure``
    (over HTTPS only).
    """

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Description:
    """What connecting to a device found: who it is, its state, and what the account may do.

    ``peers`` tells which bell rings when a number is called. ``pushes`` tells that events come by
    themselves, so that polling is only a safety net.
    """

    identity: Identity
    state: State
    controls: frozenset[Control]
    missing: frozenset[Missing] = frozenset()
    peers: Mapping[str, BellId] = field(default_factory=dict)
    reports_access: bool = False
    has_phone: bool = False
    pushes: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """The parts of a state that one poll brought; None for what it could not ask for."""

    doors: Mapping[DoorId, Door] | None = None
    ports: Mapping[PortId, Port] | None = None
    alarms: Mapping[Alarm, bool | None] | None = None
    lines: Mapping[LineId, Line] | None = None
    calls: Mapping[SessionId, CallSession] | None = None


def with_bell(state: State, bell: Bell) -> State:
    """Return ``state`` with a bell that was not known before."""
    return state if bell.id in state.bells else replace(state, bells={**state.bells, bell.id: bell})


# The device counts a hold down in whole seconds: a smaller move of its end is no change.
_HOLD_JITTER = timedelta(seconds=3)


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
        ports=state.ports if reading.ports is None else reading.ports,
        alarms=state.alarms if reading.alarms is None else {**state.alarms, **reading.alarms},
        lines=state.lines if reading.lines is None else reading.lines,
        calls=state.calls if reading.calls is None else reading.calls,
    )


def _steady(door: Door, before: Door | None) -> Door:
    if before is None or door.hold_until is None or before.hold_until is None:
        return door
    if abs(door.hold_until - before.hold_until) < _HOLD_JITTER:
        return replace(door, hold_until=before.hold_until)
    return door
