"""States that are known only from events are restored after a restart, unless the device reports others."""

from datetime import UTC, datetime
import json

import pytest

from custom_components.ip_intercom.helpers.storage import RestoredState
from custom_components.ip_intercom.model.features import Bells
from custom_components.ip_intercom.model.parts import Access, Alarm, Bell, Port
from custom_components.ip_intercom.model.state import State

ACCESS = Access(datetime(2026, 11, 28, 8, 30, tzinfo=UTC), granted=True, name="Alice", method="card", entrance="entry")
STATE = State(
    bells={"1": Bell("1", "Alice", 1)},
    ports={
        "input1": Port("input1", output=False, on=True),
        "virtual_input_1": Port("virtual_input_1", output=False, on=True, virtual=True),
    },
    alarms={Alarm.MOTION: True, Alarm.DOOR_OPEN: False, Alarm.NOISE: None},
    alarm_parts={(Alarm.MOTION, "2"): True, (Alarm.MOTION, "1"): None},
    last_access=ACCESS,
    public_floors=(1, 3),
)
DIRECTORY = Bells({"1": Bell("1", "Alice", 1), "2": Bell("2", button=2)}, {"101": "1"})
FRESH = State(alarms=dict.fromkeys(STATE.alarms))


def kept(state: State, *, names: bool = True) -> RestoredState:
    """Return the restored state after the next start."""
    return RestoredState.from_store(
        json.loads(json.dumps(RestoredState.in_state(state, {}, DIRECTORY).as_store())), names=names
    )


def test_the_restored_state_survives_a_round_trip_to_json() -> None:
    found = RestoredState.in_state(STATE, {"7": Bell("7", button=7)}, DIRECTORY)
    assert found.directory == DIRECTORY
    assert RestoredState.from_store(json.loads(json.dumps(found.as_store()))) == found


def test_event_only_states_are_restored() -> None:
    state = kept(STATE).added_to(FRESH)
    assert state.alarms == STATE.alarms
    assert state.alarm_parts == STATE.alarm_parts
    assert state.ports == {"virtual_input_1": STATE.ports["virtual_input_1"]}
    assert (state.last_access, state.public_floors) == (ACCESS, (1, 3))


@pytest.mark.parametrize(("told", "part"), [(None, True), (True, True), (False, None)])
def test_values_that_the_device_reports_win(told: bool | None, part: bool | None) -> None:
    state = kept(STATE).added_to(State(alarms={Alarm.MOTION: told}))
    assert state.alarms == {Alarm.MOTION: True if told is None else told}
    assert state.alarm_parts[Alarm.MOTION, "2"] is part


def test_names_are_not_restored_when_the_option_is_off() -> None:
    found = kept(STATE, names=False).last_access
    assert found is not None and (found.name, found.method) == (None, "card")


def test_stores_of_earlier_versions_are_read() -> None:
    assert RestoredState.from_store({"cursor": None, "bells": [["3", 3]]}) == RestoredState({"3": Bell("3", button=3)})
    earlier = RestoredState.from_store({"ports": ["virtual_input_1"], "alarm_parts": [["motion", "1"], ["gone", "1"]]})
    assert earlier == RestoredState({}, ports={"virtual_input_1": None}, alarm_parts={(Alarm.MOTION, "1"): None})


def test_the_restored_state_fills_only_unknown_values() -> None:
    found = RestoredState(
        {"1": Bell("1", button=1), "7": Bell("7", button=7)},
        {"virtual_output_2": None},
        {Alarm.LOCKDOWN: True},
        {(Alarm.MOTION, "2"): False, (Alarm.MOTION, "3"): None, (Alarm.LOCKDOWN, "entry"): True},
    )
    state = found.added_to(STATE)
    assert state.bells == {"1": Bell("1", "Alice", 1), "7": Bell("7", button=7)}
    assert state.ports["virtual_output_2"] == Port("virtual_output_2", output=False, virtual=True)
    assert state.alarm_parts == {(Alarm.MOTION, "2"): True, (Alarm.MOTION, "3"): None, (Alarm.MOTION, "1"): None}
    # Of an alarm that the device does not have any more, nothing is kept.
    assert Alarm.LOCKDOWN not in state.alarms
