"""`docs/entities.md` and `docs/events.md` describe what there is, and nothing else."""

from datetime import UTC, datetime

import pytest

from custom_components.ip_intercom.model.events import Event
from custom_components.ip_intercom.runtime import event_stream
from tests.reference import entities, events, inventory


def test_every_kind_of_entity_is_shown_by_a_simulated_device() -> None:
    assert set(entities.shown()) == set(entities.kinds())


def test_every_kind_of_entity_is_described() -> None:
    assert set(entities.described()) == set(entities.kinds())


def test_variants_of_a_name_are_one_kind() -> None:
    assert entities.kind_of("lock.door_numbered") == "lock.door"
    assert entities.kind_of("event.exit_button") == "event.exit_button"


def test_the_fields_of_the_bus_event_are_described() -> None:
    sent = event_stream._bus_data("1", Event("Ring", datetime.now(UTC), {}))
    assert tuple(sent) == events.BUS_FIELDS
    assert all(f"| `{field}` |" in events.HEAD for field in sent)


@pytest.mark.parametrize("system", inventory.SYSTEMS)
def test_the_events_of_a_system_are_described(system: str) -> None:
    described = set(events.of_the_integration(system))
    known = described | {event["type"] for event in events.of_the_manual(system)}
    assert events.constants(system) <= known
    assert described <= events.words(system)
