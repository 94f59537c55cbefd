"""States that move and no event that tells of it: then events are kept from the account."""

from dataclasses import replace
from datetime import UTC, datetime

from custom_components.ip_intercom.helpers.issues import Silence
from custom_components.ip_intercom.model.events import DoorReleased, Event, PortChanged
from custom_components.ip_intercom.model.parts import Door, Port
from custom_components.ip_intercom.model.state import State

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SHUT = State(doors={"1": Door("1", released=False)}, ports={"input1": Port("input1", output=False, on=False)})
OPEN = replace(SHUT, doors={"1": Door("1", released=True)})
ON = replace(SHUT, ports={"input1": Port("input1", output=False, on=True)})
HEARD = Event("any", NOW, facts=(DoorReleased("1", True),))


def test_a_move_that_no_event_tells_of_is_evidence_the_second_time() -> None:
    silence = Silence()
    for state in (OPEN, ON):
        assert not silence.certain
        silence.count_unheard(silence.moved(SHUT, state))
    assert silence.certain


def test_an_event_that_comes_a_little_later_is_no_silence() -> None:
    silence = Silence()
    for _ in range(3):
        moved = silence.moved(SHUT, OPEN)
        silence.heard(HEARD)
        silence.count_unheard(moved)
    assert not silence.certain


def test_an_event_ends_the_suspicion() -> None:
    silence = Silence()
    for _ in range(2):
        silence.count_unheard(silence.moved(SHUT, OPEN))
    silence.heard(Event("any", NOW, facts=(PortChanged("virtual_input_1", True, virtual=True),)))
    assert silence.certain  # that one needs no privilege
    silence.heard(HEARD)
    assert not silence.certain


def test_what_was_unknown_has_not_moved() -> None:
    unknown = replace(SHUT, ports={"input1": Port("input1", output=False)}, doors={})
    assert Silence().moved(unknown, OPEN) == frozenset()
    assert Silence().moved(SHUT, SHUT) == frozenset()
