"""States that move and no event that tells of it: then events are kept from the account."""

from dataclasses import replace
from datetime import UTC, datetime

from custom_components.ip_intercom.helpers.issues import MissingEvents
from custom_components.ip_intercom.model.events import DoorReleased, Event, PortChanged
from custom_components.ip_intercom.model.parts import Door, Port
from custom_components.ip_intercom.model.state import State

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SHUT = State(doors={"1": Door("1", released=False)}, ports={"input1": Port("input1", output=False, on=False)})
OPEN = replace(SHUT, doors={"1": Door("1", released=True)})
ON = replace(SHUT, ports={"input1": Port("input1", output=False, on=True)})
HEARD = Event("any", NOW, facts=(DoorReleased("1", True),))


def test_a_move_that_no_event_tells_of_is_evidence_the_second_time() -> None:
    missing_events = MissingEvents()
    for state in (OPEN, ON):
        assert not missing_events.certain
        missing_events.count_unreported(missing_events.changes(SHUT, state))
    assert missing_events.certain


def test_an_event_that_comes_a_little_later_is_no_silence() -> None:
    missing_events = MissingEvents()
    for _ in range(3):
        moved = missing_events.changes(SHUT, OPEN)
        missing_events.record(HEARD)
        missing_events.count_unreported(moved)
    assert not missing_events.certain


def test_an_event_ends_the_suspicion() -> None:
    missing_events = MissingEvents()
    for _ in range(2):
        missing_events.count_unreported(missing_events.changes(SHUT, OPEN))
    missing_events.record(Event("any", NOW, facts=(PortChanged("virtual_input_1", True, virtual=True),)))
    assert missing_events.certain  # that one needs no privilege
    missing_events.record(HEARD)
    assert not missing_events.certain


def test_what_was_unknown_has_not_moved() -> None:
    unknown = replace(SHUT, ports={"input1": Port("input1", output=False)}, doors={})
    assert MissingEvents().changes(unknown, OPEN) == frozenset()
    assert MissingEvents().changes(SHUT, SHUT) == frozenset()
