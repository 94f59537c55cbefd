"""The entities of an entry for snapshots, without values that differ from run to run."""

from datetime import datetime
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er

# The name is in the line already, and addresses of pictures hold tokens.
LEFT_OUT = {"access_token", "entity_picture", "friendly_name"}


def entities(hass: HomeAssistant, entry: ConfigEntry) -> list[str]:
    """Return the entities of an entry by their ids: device, name, category, class, state, and attributes."""
    registry, devices = er.async_get(hass), dr.async_get(hass)
    lines = []
    for entity in sorted(er.async_entries_for_config_entry(registry, entry.entry_id), key=lambda item: item.entity_id):
        device = devices.async_get(entity.device_id or "")
        state = hass.states.get(entity.entity_id)
        parts = {
            "device": None if device is None else device.name,
            "name": entity.original_name,
            "key": entity.translation_key,
            "category": entity.entity_category and entity.entity_category.value,
            "class": entity.original_device_class,
            "disabled": entity.disabled_by and entity.disabled_by.value,
            "state": None if state is None else _steady(state.state),
        }
        attributes = {} if state is None else state.attributes
        parts |= {name: _steady(value) for name, value in attributes.items() if name not in LEFT_OUT}
        shown = ", ".join(f"{name}: {value}" for name, value in parts.items() if value is not None)
        lines.append(f"{entity.entity_id} - {shown}")
    return lines


def _steady(value: Any) -> Any:
    """Return a value for a snapshot: a time differs from run to run, and a set has no order."""
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    if isinstance(value, list | tuple):
        return [_steady(item) for item in value]
    if isinstance(value, datetime):
        return "<time>"
    try:
        datetime.fromisoformat(str(value))
    except ValueError:
        return str(value)
    return "<time>" if len(str(value)) > len("2026-11-29") else str(value)
