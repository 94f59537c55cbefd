"""States and events of entities in tests."""

from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, State

from tests.common import entity_id, state_of, until


def entity_state(hass: HomeAssistant, entry: ConfigEntry, platform: str, key: str) -> State:
    """Return the state of an entity with its attributes."""
    state = hass.states.get(entity_id(hass, entry, platform, key))
    assert state is not None
    return state


async def wait_for_state(hass: HomeAssistant, entry: ConfigEntry, platform: str, key: str, wanted: str) -> None:
    """Wait until an entity shows a state."""
    await until(lambda: state_of(hass, entry, platform, key) == wanted, f"{key} to be {wanted}")


async def wait_for_event(hass: HomeAssistant, entry: ConfigEntry, key: str, event_type: str) -> dict[str, Any]:
    """Wait until an event entity has a new event, and return its attributes."""
    await until(lambda: entity_state(hass, entry, "event", key).attributes["event_type"] == event_type, event_type)
    return dict(entity_state(hass, entry, "event", key).attributes)
