"""Changes of the state by facts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from custom_components.ip_intercom.model.events import (
    AccessDecided,
    AccessPointBlocked,
    AlarmChanged,
    ButtonPressed,
    CallChanged,
    CallLogged,
    CapabilitiesChanged,
    DirectoryChanged,
    DoorMode,
    DoorReleased,
    Event,
    EventsLost,
    Fact,
    FloorsOpened,
    LineChanged,
    Occurred,
    PortChanged,
    Restarted,
    VoicemailReceived,
    VoicemailsListed,
)
from custom_components.ip_intercom.model.parts import (
    Access,
    AccessPoint,
    Alarm,
    Bell,
    CallMode,
    CallOutcome,
    CallRecord,
    CallSession,
    CallState,
    Camera,
    Clock,
    Conference,
    Direction,
    Door,
    Firmware,
    Line,
    Occurrence,
    Place,
    Port,
    StagedFirmware,
    Voicemail,
)
from custom_components.ip_intercom.model.reducer import reduce
from custom_components.ip_intercom.model.state import Reading, State, described, merge, with_bell

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
OUT, IN = Direction.OUTGOING, Direction.INCOMING
CONNECTING, RINGING, CONNECTED, HELD, TERMINATED = CallState
STATE = State(
    doors={
        "1": Door("1", released=False, held_open=False, blocked=False),
        "2": Door("2", released=True, latching=True),
    },
    ports={"input1": Port("input1", output=False, on=False)},
    alarms={Alarm.TAMPER: False, Alarm.MOTION: None, Alarm.SWITCHES_BLOCKED: True},
    lines={"1": Line("1", "5207", True)},
    calls={3: CallSession(3, OUT, RINGING, "sip:a", {1: RINGING, 2: RINGING})},
)


def after(*facts: Fact, state: State = STATE) -> State:
    for fact in facts:
        state = reduce(state, Event("any", NOW, facts=(fact,)))
    return state


DOOR = STATE.doors["1"]


@pytest.mark.parametrize(
    ("facts", "door"),
    [
        ([DoorReleased("1", True)], replace(DOOR, released=True)),
        ([DoorMode("1", held_open=True)], replace(DOOR, held_open=True)),
        ([DoorMode("1", held_open=True, hold_until=LATER)], replace(DOOR, held_open=True, hold_until=LATER)),
        ([DoorMode("1", held_open=True, hold_until=LATER), DoorMode("1", held_open=False)], DOOR),
        (
            # Blocking a door that is held does not end the hold.
            [DoorMode("1", held_open=True, hold_until=LATER), DoorMode("1", blocked=True)],
            replace(DOOR, held_open=True, hold_until=LATER, blocked=True),
        ),
        ([DoorMode("1", blocked=True), DoorMode("1")], replace(DOOR, blocked=True)),
        ([DoorMode("9", blocked=True), DoorReleased("9", True)], DOOR),
    ],
)
def test_door_facts_change_the_door(facts: list[Fact], door: Door) -> None:
    assert after(*facts) == replace(STATE, doors={**STATE.doors, "1": door})


def test_facts_change_known_ports_lines_and_alarms() -> None:
    assert after(PortChanged("input1", True)).ports["input1"].on is True
    assert after(PortChanged("nowhere", True)) == STATE
    assert after(LineChanged("1", False)).lines["1"].registered is False
    assert after(LineChanged("7", False)) == STATE
    assert after(AlarmChanged(Alarm.MOTION, True)).alarms[Alarm.MOTION] is True


def test_facts_without_a_state_leave_the_state_unchanged() -> None:
    assert after(ButtonPressed("1", 1), DirectoryChanged()) == STATE


def test_a_restart_ends_calls_and_makes_alarms_unknown() -> None:
    """Blocked switches stay blocked (HTTP API 5.10.4, SwitchesBlocked)."""
    state = after(Restarted())
    assert state.calls == {}
    assert state.alarms == {Alarm.TAMPER: None, Alarm.MOTION: None, Alarm.SWITCHES_BLOCKED: True}
    assert (state.doors, state.lines) == (STATE.doors, STATE.lines)


def test_the_last_access_is_the_last_of_the_log() -> None:
    """The clock of the device may have been set back in between."""
    first, second = Access(LATER, True, "Alice"), Access(NOW, False)
    assert after(AccessDecided(first)).last_access == first
    assert after(AccessDecided(first), AccessDecided(second)).last_access == second


@pytest.mark.parametrize(
    ("facts", "whole", "peer"),
    [
        ([], RINGING, "sip:a"),
        ([CallChanged(3, OUT, TERMINATED, "sip:a", 1)], RINGING, "sip:a"),
        ([CallChanged(3, OUT, CONNECTED, "sip:b", 2)], CONNECTED, "sip:b"),
        ([CallChanged(3, OUT, CONNECTED, None, 2)], CONNECTED, "sip:a"),
        ([CallChanged(3, OUT, CONNECTED, "sip:b", 2), CallChanged(3, OUT, TERMINATED, "sip:a", 1)], CONNECTED, "sip:b"),
        ([CallChanged(3, OUT, TERMINATED, "sip:a", leg) for leg in (1, 2)], None, None),
        ([CallChanged(3, None, TERMINATED)], None, None),
        ([CallChanged(3, None, CONNECTED)], CONNECTED, "sip:a"),
        ([CallChanged(8, None, TERMINATED), CallChanged(9, OUT, TERMINATED, "sip:z", 1)], RINGING, "sip:a"),
        ([CallChanged(8, None, RINGING)], RINGING, "sip:a"),
    ],
)
def test_a_group_call_is_as_far_as_its_furthest_party(
    facts: list[Fact], whole: CallState | None, peer: str | None
) -> None:
    state = after(*facts)
    assert set(state.calls) <= {3}
    call = state.calls.get(3)
    assert (call and call.state, call and call.peer) == (whole, peer)


def test_a_call_from_its_beginning_to_its_end() -> None:
    state = after(CallChanged(4, IN, RINGING, "sip:x", 9), state=State())
    assert state.calls == {4: CallSession(4, IN, RINGING, "sip:x", {9: RINGING})}
    state = after(CallChanged(4, IN, CONNECTED, "sip:x", 9), state=state)
    assert state.calls[4].state is CONNECTED
    assert after(CallChanged(4, IN, TERMINATED, "sip:x", 9), state=state) == State()
    assert after(CallChanged(5, OUT, CONNECTING, None, None), state=State()).calls[5].legs == {}


ALL_FACTS: tuple[Fact, ...] = (
    DoorReleased("1", True),
    DoorMode("1", held_open=True, hold_until=LATER),
    DoorMode("2", blocked=True),
    PortChanged("input1", True),
    AlarmChanged(Alarm.TAMPER, True),
    ButtonPressed("1", 1),
    CallChanged(3, OUT, CONNECTED, "sip:b", 2),
    CallChanged(3, OUT, TERMINATED, "sip:a", 1),
    CallChanged(3, None, TERMINATED),
    CallChanged(5, IN, RINGING, "sip:y", 3),
    LineChanged("1", False),
    AccessDecided(Access(NOW, True)),
    DirectoryChanged(),
    Restarted(),
)


@pytest.mark.parametrize("fact", ALL_FACTS, ids=lambda fact: type(fact).__name__)
def test_the_same_event_again_changes_nothing(fact: Fact) -> None:
    once = after(fact)
    assert after(fact, state=once) == once


def test_reduce_does_not_mutate_the_state() -> None:
    before = repr(STATE)
    after(*ALL_FACTS)
    assert repr(STATE) == before


# -- polls -------------------------------------------------------------------------------------------


def test_a_poll_that_finds_nothing_new_makes_an_equal_state() -> None:
    reading = Reading(STATE.doors, STATE.ports, {Alarm.TAMPER: False}, STATE.lines, STATE.calls)
    assert merge(STATE, reading) == STATE
    assert merge(STATE, Reading()) == STATE


def test_a_poll_replaces_what_it_read_and_nothing_else() -> None:
    read = Reading(doors={"1": replace(DOOR, released=True)}, alarms={Alarm.TAMPER: True}, calls={})
    state = merge(STATE, read)
    assert state.doors == {"1": replace(DOOR, released=True)}
    assert state.alarms == {**STATE.alarms, Alarm.TAMPER: True}
    assert (state.calls, state.ports, state.lines) == ({}, STATE.ports, STATE.lines)


@pytest.mark.parametrize(
    ("moved", "steady"), [(0, True), (1, True), (-2.9, True), (3, False), (-3, False), (None, False)]
)
def test_the_end_of_a_hold_ignores_changes_below_3_seconds(moved: float | None, steady: bool) -> None:
    held = after(DoorMode("1", held_open=True, hold_until=LATER))
    until = None if moved is None else LATER + timedelta(seconds=moved)
    read = replace(held.doors["1"], hold_until=until)
    merged = merge(held, Reading(doors={**held.doors, "1": read}))
    assert merged.doors["1"].hold_until == (LATER if steady else until)
    assert (merged == held) is steady


def test_an_unknown_bell_is_added_and_a_named_bell_is_kept() -> None:
    bell = Bell("7", button=7)
    assert with_bell(STATE, bell).bells == {"7": bell}
    named = State(bells={"7": Bell("7", "Novák", 7)})
    assert with_bell(named, bell) is named


# -- what came with the whole API ---------------------------------------------------------------------


def test_an_alarm_with_parts_is_on_while_any_part_is() -> None:
    state = after(AlarmChanged(Alarm.MOTION, True, "1"), AlarmChanged(Alarm.MOTION, True, "2"))
    assert (state.alarms[Alarm.MOTION], state.alarm_parts) == (
        True,
        {(Alarm.MOTION, "1"): True, (Alarm.MOTION, "2"): True},
    )
    state = after(AlarmChanged(Alarm.MOTION, False, "1"), state=state)
    assert state.alarms[Alarm.MOTION] is True
    state = after(AlarmChanged(Alarm.MOTION, False, "2"), state=state)
    assert state.alarms[Alarm.MOTION] is False


def test_the_end_of_an_alarm_ends_its_parts() -> None:
    state = after(AlarmChanged(Alarm.MOTION, True, "1"), AlarmChanged(Alarm.LOCKDOWN, True, "entry"))
    state = after(AlarmChanged(Alarm.MOTION, False), state=state)
    assert state.alarm_parts == {(Alarm.MOTION, "1"): False, (Alarm.LOCKDOWN, "entry"): True}
    state = after(AlarmChanged(Alarm.LOCKDOWN, True), state=state)
    assert state.alarm_parts[Alarm.LOCKDOWN, "entry"] is True


def test_a_restart_makes_alarms_unknown_and_their_parts_too() -> None:
    state = after(AlarmChanged(Alarm.MOTION, True, "1"), Restarted())
    assert (state.alarms[Alarm.MOTION], state.alarm_parts) == (None, {(Alarm.MOTION, "1"): None})


def test_an_event_adds_its_virtual_port() -> None:
    state = after(PortChanged("virtual_input_1", True, virtual=True), PortChanged("unknown", True))
    assert state.ports["virtual_input_1"] == Port("virtual_input_1", output=False, on=True, virtual=True)
    assert "unknown" not in state.ports
    read = merge(state, Reading(ports={"input1": Port("input1", output=False, on=True)}))
    assert set(read.ports) == {"input1", "virtual_input_1"}


def test_only_a_known_access_point_is_blocked() -> None:
    known = replace(STATE, access_points={"entry": AccessPoint("entry", False)})
    state = after(AccessPointBlocked("entry", True), AccessPointBlocked("exit", True), state=known)
    assert state.access_points == {"entry": AccessPoint("entry", True)}


def test_public_floors_are_those_of_the_last_event() -> None:
    assert after(FloorsOpened((1, 4)), FloorsOpened(())).public_floors == ()


def test_an_occurrence_changes_no_state() -> None:
    assert after(Occurred(Occurrence.TONE, "entered"), CapabilitiesChanged()) == STATE


@pytest.mark.parametrize(("drift", "shown"), [(5, 5), (6, 5), (4, 5), (7, 7), (-90, -90)])
def test_the_clock_ignores_small_changes(drift: int, shown: int) -> None:
    state = merge(STATE, Reading(clock=Clock(5, "ntp", True)))
    assert merge(state, Reading(clock=Clock(drift, "api", False))).clock == Clock(shown, "api", False)


def test_a_new_description_keeps_event_only_states() -> None:
    staged = StagedFirmware("3.0", False, None, LATER)
    before = replace(
        after(
            AlarmChanged(Alarm.MOTION, True, "1"),
            AlarmChanged(Alarm.TAMPER, True),
            PortChanged("virtual_input_1", True, virtual=True),
        ),
        bells={"7": Bell("7", button=7)},
        dialed_calls=frozenset({3}),
        firmware=Firmware("2.5", staged, progress=40),
        last_access=Access(NOW, True),
    )
    fresh = State(
        doors={"1": Door("1", released=True)},
        ports={"relay9": Port("relay9", output=True, on=False)},
        alarms={Alarm.MOTION: None, Alarm.NOISE: None},
        bells={"1": Bell("1", "Alice", 1)},
        firmware=Firmware("2.6"),
        cameras={"internal": Camera("internal", ())},
    )
    state = described(before, fresh)
    assert set(state.doors) == {"1"} and state.doors["1"].released
    assert set(state.ports) == {"relay9", "virtual_input_1"}
    assert state.alarms == {Alarm.MOTION: True, Alarm.NOISE: None}
    assert state.alarm_parts == {(Alarm.MOTION, "1"): True}
    assert set(state.bells) == {"1", "7"}
    assert state.firmware == Firmware("2.6", staged, progress=40)
    assert (state.dialed_calls, state.last_access) == (before.dialed_calls, before.last_access)
    assert described(before, replace(fresh, firmware=None)).firmware is None


def test_a_bell_is_removed_with_its_place() -> None:
    gate, yard = Place("gate", "Gate"), Place("yard", "Yard")
    before = State(
        places={"gate": gate, "yard": yard},
        bells={"1": Bell("1", place="gate"), "2": Bell("2", place="yard"), "7": Bell("7", button=7)},
    )
    fresh = State(places={"gate": gate}, bells={"1": Bell("1", place="gate")})
    assert set(described(before, fresh).bells) == {"1", "7"}


def test_a_call_is_held_and_resumed() -> None:
    talking = after(CallChanged(7, IN, RINGING, "3190"), CallChanged(7, None, CONNECTED))
    waiting = after(CallChanged(7, None, HELD), state=talking)
    assert waiting.calls[7] == CallSession(7, IN, HELD, "3190")
    assert after(CallChanged(7, None, CONNECTED), state=waiting) == talking


def test_a_call_that_is_written_down_is_the_last_one() -> None:
    record = CallRecord("973", "incoming", NOW, "Front door", None, "3190")
    state = after(CallLogged(record, CallOutcome.MISSED, 3))
    assert (state.last_call, state.missed_calls) == (record, 3)


def test_voicemails_are_added_by_events_and_replaced_by_lists() -> None:
    old, new = Voicemail("82", NOW, 4, "3108", read=True), Voicemail("89", LATER, 2, "12025550142")
    state = after(VoicemailsListed({"82": old}), VoicemailReceived(new))
    assert state.voicemails == {"82": old, "89": new}
    heard = replace(new, read=True)
    assert after(VoicemailsListed({"89": heard}), state=state).voicemails == {"89": heard}


def test_a_poll_without_conferences_or_voicemails_keeps_them() -> None:
    conference = Conference("1", "Weekly", NOW, timedelta(minutes=30), 47281964)
    voicemail = Voicemail("82", NOW, 4)
    known = State(conferences={"1": conference}, voicemails={"82": voicemail}, call_mode=CallMode(remote=True))
    assert merge(known, Reading()) == known
    assert merge(known, Reading(conferences={}, voicemails={})) == State(
        conferences={}, voicemails={}, call_mode=CallMode(remote=True)
    )
    assert described(known, State(voicemails={})).call_mode == CallMode(remote=True)


def test_the_repr_of_a_conference_hides_its_access_code() -> None:
    assert "47281964" not in repr(Conference("1", "Weekly", NOW, timedelta(minutes=30), 47281964))


@pytest.mark.parametrize("fact", [Restarted(), EventsLost()])
def test_event_only_states_are_unknown_after_a_gap(fact: Fact) -> None:
    begun = (AlarmChanged(Alarm.MOTION, True, "1"), PortChanged("virtual_input_1", True, virtual=True))
    state = after(*begun, AlarmChanged(Alarm.SWITCHES_BLOCKED, True), fact)
    assert state.alarms[Alarm.MOTION] is state.alarm_parts[Alarm.MOTION, "1"] is None
    assert state.ports["virtual_input_1"].on is None
    assert state.alarms[Alarm.SWITCHES_BLOCKED] is (True if fact == Restarted() else None)


def test_the_number_of_alarm_parts_is_limited() -> None:
    facts: list[Fact] = []
    for number in range(100):
        facts += [AlarmChanged(Alarm.MOTION, on, str(number)) for on in (True, False)]
    state = after(*facts, AlarmChanged(Alarm.MOTION, True, "1000"))
    assert state.alarms[Alarm.MOTION] is True
    assert [part for _, part in state.alarm_parts] == [*map(str, range(16)), "1000"]
    state = after(*facts, AlarmChanged(Alarm.MOTION, True, "1000"), AlarmChanged(Alarm.MOTION, False, "1000"))
    assert state.alarms[Alarm.MOTION] is False
    assert len(state.alarm_parts) == 16
