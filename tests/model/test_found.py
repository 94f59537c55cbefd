"""What showed itself is remembered for the next life, and the device's own lists know better."""

import json

from custom_components.ip_intercom.found import Found
from custom_components.ip_intercom.model import Alarm, Bell, Port, State

STATE = State(
    bells={"1": Bell("1", "Alice", 1)},
    ports={
        "input1": Port("input1", output=False, on=True),
        "virtual_input_1": Port("virtual_input_1", output=False, on=True, virtual=True),
    },
    alarms={Alarm.MOTION: True},
    alarm_parts={(Alarm.MOTION, "2"): True},
)


def test_it_survives_the_store() -> None:
    found = Found.in_state(STATE, {"7": Bell("7", button=7)})
    assert found.ports == {"virtual_input_1"}
    assert Found.from_store(json.loads(json.dumps(found.as_store()))) == found


def test_a_store_of_an_earlier_version_holds_bells_only() -> None:
    assert Found.from_store({"cursor": None, "bells": [["3", 3]]}) == Found({"3": Bell("3", button=3)})
    assert Found.from_store({"alarm_parts": [["gone", "1"]]}) == Found({})


def test_it_is_added_where_the_state_does_not_know_better() -> None:
    found = Found(
        {"1": Bell("1", button=1), "7": Bell("7", button=7)},
        frozenset({"virtual_output_2"}),
        frozenset({(Alarm.MOTION, "2"), (Alarm.MOTION, "3"), (Alarm.LOCKDOWN, "entry")}),
    )
    state = found.added_to(STATE)
    assert state.bells == {"1": Bell("1", "Alice", 1), "7": Bell("7", button=7)}
    assert state.ports["virtual_output_2"] == Port("virtual_output_2", output=False, virtual=True)
    # Of an alarm that the device does not have any more, nothing is kept.
    assert state.alarm_parts == {(Alarm.MOTION, "2"): True, (Alarm.MOTION, "3"): None}
