"""The state of a device, what it is described as, and how reads are merged."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from typing import Any

from .parts import (
    Access,
    AccessPoint,
    AccessPointId,
    Alarm,
    Bell,
    BellId,
    CallMode,
    CallOutcome,
    CallRecord,
    CallSession,
    Camera,
    CameraId,
    Clock,
    Conference,
    ConferenceId,
    Control,
    Display,
    DisplayId,
    Door,
    DoorId,
    Firmware,
    Identity,
    Line,
    LineId,
    Occurrence,
    Place,
    PlaceId,
    Port,
    PortId,
    Pushes,
    SessionId,
    Setting,
    SettingId,
    Voicemail,
    VoicemailId,
)


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


_PARTS = tuple(part.name for part in fields(State))


def changed_parts(before: State, now: State) -> frozenset[str]:
    """Return the names of the parts that differ."""
    return frozenset(name for name in _PARTS if getattr(before, name) != getattr(now, name))


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
    receives messages. ``unlisted`` are the beginnings of the ids of places which are not listed now:
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
