"""The state and the description of a device, and how reads are merged."""

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
    """The current state of a device.

    ``dialed_calls`` are calls that Home Assistant or a different system dialed: they are no rings. ``alarm_parts`` are
    the sources of an alarm if the device reports them (a motion profile, an access point): the alarm is on while any
    part is.
    """

    doors: Mapping[DoorId, Door] = field(default_factory=dict)
    ports: Mapping[PortId, Port] = field(default_factory=dict)
    alarms: Mapping[Alarm, bool | None] = field(default_factory=dict)
    alarm_parts: Mapping[tuple[Alarm, str], bool | None] = field(default_factory=dict)
    bells: Mapping[BellId, Bell] = field(default_factory=dict)
    cameras: Mapping[CameraId, Camera] = field(default_factory=dict)
    lines: Mapping[LineId, Line] = field(default_factory=dict)
    calls: Mapping[SessionId, CallSession] = field(default_factory=dict)
    dialed_calls: frozenset[SessionId] = frozenset()
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
    # The requested recordings, and whether each is ready.
    recordings: Mapping[str, bool] | None = None


_PARTS = tuple(part.name for part in fields(State))


def changed_parts(before: State, now: State) -> frozenset[str]:
    """Return the names of the parts that differ."""
    return frozenset(name for name in _PARTS if getattr(before, name) != getattr(now, name))


# The kind of functions that did not respond, and are retried.
UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True)
class Missing:
    """A function that is not accessible; ``name`` is the name of the missing option on the device's web page.

    ``kind`` is ``service`` (disabled), ``privilege`` (the account lacks it), ``secure`` (requires HTTPS),
    ``stream_login`` (images require a different login), ``event_log`` or ``event_source`` (events cannot be read),
    ``unanswered`` (a single function does not respond), or one of the ``push_`` kinds: the push address is unknown,
    used by a different system, rejected, or never reached, or the push service rejects the key. The ``button_`` kinds
    are about numbers of Home Assistant that a button does not take, or keeps. Without a ``vital``
    one, Home Assistant misses events; the others are optional functions and commands.
    """

    kind: str
    name: str
    vital: bool = True


@dataclass(frozen=True, slots=True)
class Description:
    """The identity, state, and capabilities of a device.

    Attributes:
        identity: The identity.
        state: The state.
        controls: The controls that the account may use.
        missing: Functions that are not accessible.
        peers: The bell for each called number.
        reports_access: Whether events report granted and denied access.
        has_phone: Whether the device makes and receives calls.
        has_link: Whether it is a server in front of a phone exchange, which may be unreachable separately.
        visitors: Whether outgoing calls come from visitors; those of an indoor monitor do not.
        pushes: Whether events arrive as they happen, so that a slow poll is enough.
        occurrences: The momentary events that the device reports.
        outcomes: The outcomes of calls that events report.
        records_visits: Whether events report the outcomes of visits (``events.VisitRecorded``) after a while.
        state_events: The issue to report if states change without an event.
        messages: Whether the user receives messages.
        unlisted: Id prefixes of places whose list could not be read; such places may still exist.
        nothing: The issue to report if the account has no devices yet.
        unread: Parts of the state that could not be read; they keep their previous value.
        bells_pending: Whether the bells are still being read.
        incomplete: Whether ``System.complete`` has to read the rest.
        retry_after: Seconds of back-off that a function without a response requested.
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
    records_visits: bool = False
    state_events: Missing | None = None
    messages: bool = False
    unlisted: frozenset[str] = frozenset()
    nothing: Missing | None = None
    unread: frozenset[str] = frozenset()
    bells_pending: bool = False
    incomplete: bool = False
    retry_after: float = 0.0

    @property
    def unanswered(self) -> frozenset[str]:
        """Return the functions that did not respond, and are retried."""
        return frozenset(missing.name for missing in self.missing if missing.kind == UNANSWERED)


@dataclass(frozen=True, slots=True)
class Reading:
    """The parts of a state that one poll read; None for parts that it did not read.

    ``outdated``: the description is no longer valid, for example because the account may no longer read a part.
    """

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
    outdated: bool = False


def with_bell(state: State, bell: Bell) -> State:
    """Return the state with a bell, if that is new."""
    return state if bell.id in state.bells else replace(state, bells={**state.bells, bell.id: bell})


def with_door(state: State, door: Door) -> State:
    """Return the state with a door that was read on its own."""
    return replace(state, doors={**state.doors, door.id: _steady(door, state.doors.get(door.id))})


# The device counts a hold down in whole seconds: a smaller difference of its end is no change.
_HOLD_JITTER = timedelta(seconds=3)
# Seconds of clock drift due to rounding and latency.
_DRIFT_JITTER = 1


# Parts that replace their previous value as a whole.
_AS_READ = (
    "access_points", "calls", "conferences", "door_codes", "last_call", "lines", "pushes", "settings", "unread_messages",
    "voicemails",
)  # fmt: skip


def merge(state: State, reading: Reading) -> State:
    """Return the state with the parts that a poll read; other parts keep their value."""
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
    """Return the state of a new description, with the values that only earlier events reported.

    ``unread`` are parts of the state that could not be read: ``fresh`` has at most their keys.
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
    """Return a part of the state that could not be read: previous values, limited to the current keys if known."""
    if not isinstance(found, Mapping):
        return known
    return {key: known.get(key, part) for key, part in found.items()} if found else known


def _kept(before: State, fresh: State) -> dict[BellId, Bell]:
    """Return the previous bells whose place still exists: bells that rang may not be in the directory."""
    return {bell.id: bell for bell in before.bells.values() if bell.place is None or bell.place in fresh.places}


def _virtual(ports: Mapping[PortId, Port]) -> dict[PortId, Port]:
    """Return the ports that only events report."""
    return {port.id: port for port in ports.values() if port.virtual}


def _steady_clock(clock: Clock, before: Clock | None) -> Clock:
    """Return the clock without drift changes from rounding: devices report whole seconds."""
    if before is None or abs(clock.drift - before.drift) > _DRIFT_JITTER:
        return clock
    return replace(clock, drift=before.drift)


def _steady(door: Door, before: Door | None) -> Door:
    if before is None or door.hold_until is None or before.hold_until is None:
        return door
    if abs(door.hold_until - before.hold_until) < _HOLD_JITTER:
        return replace(door, hold_until=before.hold_until)
    return door
