"""Changed states without events reveal a missing privilege of the account."""

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


def test_a_second_change_without_an_event_is_evidence() -> None:
    missing_events = MissingEvents()
    for state in (OPEN, ON):
        assert not missing_events.certain
        missing_events.count_unreported(missing_events.changes(SHUT, state))
    assert missing_events.certain


def test_a_change_followed_by_its_event_is_no_evidence() -> None:
    missing_events = MissingEvents()
    for _ in range(3):
        moved = missing_events.changes(SHUT, OPEN)
        missing_events.record(HEARD)
        missing_events.count_unreported(moved)
    assert not missing_events.certain


def test_an_event_that_needs_the_privilege_clears_the_evidence() -> None:
    missing_events = MissingEvents()
    for _ in range(2):
        missing_events.count_unreported(missing_events.changes(SHUT, OPEN))
    missing_events.record(Event("any", NOW, facts=(PortChanged("virtual_input_1", True, virtual=True),)))
    assert missing_events.certain  # that one needs no privilege
    missing_events.record(HEARD)
    assert not missing_events.certain


def test_an_unknown_value_that_becomes_known_is_no_change() -> None:
    unknown = replace(SHUT, ports={"input1": Port("input1", output=False)}, doors={})
    assert MissingEvents().changes(unknown, OPEN) == frozenset()
    assert MissingEvents().changes(SHUT, SHUT) == frozenset()
