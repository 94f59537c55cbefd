"""How events change the state: pure functions, no I/O."""

from collections.abc import Mapping
from dataclasses import replace
from functools import singledispatch

from .events import (
    AccessDecided,
    AccessPointBlocked,
    AlarmChanged,
    BellRings,
    CallChanged,
    CallLogged,
    DoorMode,
    DoorReleased,
    Event,
    EventsLost,
    Fact,
    FloorsOpened,
    LineChanged,
    MessagesCounted,
    PortChanged,
    PushesCame,
    RecordingsListed,
    Restarted,
    VoicemailReceived,
    VoicemailsListed,
)
from .parts import MANY_PARTS, AccessPoint, Alarm, CallSession, CallState, Direction, Port
from .state import State


def reduce(state: State, event: Event) -> State:
    """Return the state after an event; the same event again changes nothing."""
    for fact in event.facts:
        state = _fold(fact, state)
    return state


@singledispatch
def _fold(fact: Fact, state: State) -> State:
    """Return the state after a fact; the default is no change."""
    return state


@_fold.register
def _door_released(fact: DoorReleased, state: State) -> State:
    if (door := state.doors.get(fact.door)) is None:
        return state
    return replace(state, doors={**state.doors, door.id: replace(door, released=fact.released)})


@_fold.register
def _door_mode(fact: DoorMode, state: State) -> State:
    if (door := state.doors.get(fact.door)) is None:
        return state
    changed = replace(door, blocked=door.blocked if fact.blocked is None else fact.blocked)
    if fact.held_open is not None:
        changed = replace(changed, held_open=fact.held_open, hold_until=fact.hold_until if fact.held_open else None)
    return replace(state, doors={**state.doors, door.id: changed})


@_fold.register
def _port_changed(fact: PortChanged, state: State) -> State:
    port = state.ports.get(fact.port)
    if port is None and fact.virtual:
        port = Port(fact.port, output=False, virtual=True)  # the device has no list of these
    if port is None:
        return state
    return replace(state, ports={**state.ports, port.id: replace(port, on=fact.on)})


@_fold.register
def _alarm_changed(fact: AlarmChanged, state: State) -> State:
    if fact.part is None:
        # The end of the alarm ends its parts; its beginning says nothing about them.
        parts = {key: on and (fact.on or key[0] is not fact.alarm) for key, on in state.alarm_parts.items()}
        return replace(state, alarms={**state.alarms, fact.alarm: fact.on}, alarm_parts=parts)
    parts = {**state.alarm_parts, (fact.alarm, fact.part): fact.on}
    whole = any(on for (alarm, _), on in parts.items() if alarm is fact.alarm)
    return replace(state, alarms={**state.alarms, fact.alarm: whole}, alarm_parts=_limited(parts, fact.alarm))


def _limited(parts: Mapping[tuple[Alarm, str], bool | None], alarm: Alarm) -> Mapping[tuple[Alarm, str], bool | None]:
    """Limit the parts of an alarm to the first and the active ones: some firmware uses a new id each time."""
    extra = [key for key in parts if key[0] is alarm][MANY_PARTS:]
    over = {key for key in extra if not parts[key]}
    return {key: on for key, on in parts.items() if key not in over} if over else parts


@_fold.register
def _bell_rings(fact: BellRings, state: State) -> State:
    return replace(state, ringing={**state.ringing, fact.bell: fact.on})


@_fold.register
def _messages_counted(fact: MessagesCounted, state: State) -> State:
    return replace(state, unread_messages=fact.unread)


@_fold.register
def _recordings_listed(fact: RecordingsListed, state: State) -> State:
    return replace(state, recordings=fact.recordings)


@_fold.register
def _pushes_came(fact: PushesCame, state: State) -> State:
    return replace(state, pushes=fact.pushes)


@_fold.register
def _line_changed(fact: LineChanged, state: State) -> State:
    if (line := state.lines.get(fact.line)) is None:
        return state
    return replace(state, lines={**state.lines, line.id: replace(line, registered=fact.registered)})


@_fold.register
def _access_decided(fact: AccessDecided, state: State) -> State:
    # The last one in the order of the log, not by time: the device's clock may have been set back.
    return replace(state, last_access=fact.access)


@_fold.register
def _access_point_blocked(fact: AccessPointBlocked, state: State) -> State:
    if fact.access_point not in state.access_points:
        return state
    point = AccessPoint(fact.access_point, fact.blocked)
    return replace(state, access_points={**state.access_points, point.id: point})


@_fold.register
def _floors_opened(fact: FloorsOpened, state: State) -> State:
    return replace(state, public_floors=fact.floors)


@_fold.register
def _call_changed(fact: CallChanged, state: State) -> State:
    known = state.calls.get(fact.session)
    others = {session: call for session, call in state.calls.items() if session != fact.session}
    if known is None and (fact.state is CallState.TERMINATED or fact.direction is None):
        return state
    legs = dict(known.legs) if known is not None else {}
    if fact.leg is not None:
        legs[fact.leg] = fact.state
    whole = _whole_call(legs) if fact.leg is not None else fact.state
    if whole is CallState.TERMINATED:
        return replace(state, calls=others, dialed_calls=state.dialed_calls - {fact.session})
    direction = fact.direction or (known.direction if known is not None else Direction.OUTGOING)
    before = known.peer if known is not None else None
    peer = fact.peer or before if fact.state is CallState.CONNECTED else before or fact.peer
    call = CallSession(fact.session, direction, whole, peer, legs, fact.bell)
    # Session numbers are reused: an incoming call is not the one that was dialed earlier.
    is_another = known is None and direction is Direction.INCOMING
    dialed = state.dialed_calls - {fact.session} if is_another else state.dialed_calls
    if fact.from_house and direction is Direction.OUTGOING:
        dialed |= {fact.session}
    return replace(state, calls={**others, fact.session: call}, dialed_calls=dialed)


@_fold.register
def _call_logged(fact: CallLogged, state: State) -> State:
    return replace(state, last_call=fact.record, missed_calls=fact.missed)


@_fold.register
def _voicemail_received(fact: VoicemailReceived, state: State) -> State:
    return replace(state, voicemails={**(state.voicemails or {}), fact.voicemail.id: fact.voicemail})


@_fold.register
def _voicemails_listed(fact: VoicemailsListed, state: State) -> State:
    return replace(state, voicemails=fact.voicemails)


def _whole_call(legs: Mapping[int, CallState]) -> CallState:
    """Return the state of a group call: the most advanced state of its parties."""
    for state in (CallState.CONNECTED, CallState.RINGING, CallState.CONNECTING):
        if state in legs.values():
            return state
    return CallState.TERMINATED


@_fold.register
def _events_lost(_: EventsLost, state: State) -> State:
    return _forget(state, dict.fromkeys(state.alarms))


@_fold.register
def _restarted(_: Restarted, state: State) -> State:
    # Blocked switches stay blocked across a restart (HTTP API 5.10.4, SwitchesBlocked).
    alarms = {alarm: on if alarm is Alarm.SWITCHES_BLOCKED else None for alarm, on in state.alarms.items()}
    return replace(_forget(state, alarms), calls={}, dialed_calls=frozenset(), ringing={})


def _forget(state: State, alarms: Mapping[Alarm, bool | None]) -> State:
    """Return a state with ``alarms`` and without other values that only events report."""
    ports = {port.id: replace(port, on=None) if port.virtual else port for port in state.ports.values()}
    return replace(state, ports=ports, alarms=alarms, alarm_parts=dict.fromkeys(state.alarm_parts))
