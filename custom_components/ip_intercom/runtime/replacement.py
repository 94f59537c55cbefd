"""Replacing a unit: the new unit takes over the entry.

All ids change to those of the new unit, so that discovery recognizes it, and the old unit can be added again elsewhere
after a repair.
"""

from contextlib import suppress
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er

from ..const import DOMAIN
from ..model.parts import Identity
from .call_buttons import async_recheck_button_numbers
from .cursor_store import CursorStore
from .door_commands import hold_store
from .temporary_codes import async_resend_codes


async def async_replace_unit(hass: HomeAssistant, entry: ConfigEntry[Any], identity: Identity) -> None:
    """Move the devices and entities of an entry to a new unit; entity ids, names, areas, and history stay.

    The caller changes the unique id of the entry, and reloads it.

    Args:
        entry: The entry of the replaced unit.
    """
    if entry.state is ConfigEntryState.LOADED:
        await hass.config_entries.async_unload(entry.entry_id)
    _async_rename_devices(hass, entry, identity)
    _async_rename_entities(hass, entry, identity)
    # The new unit counts its events from 1, holds no door open, has no codes, and only perhaps a restored directory.
    events = CursorStore(hass, entry.entry_id, entry.title)
    await events.async_end({**await events.async_load(), "cursor": None})
    await hold_store(hass, entry.entry_id).async_remove()
    await async_resend_codes(hass, entry)
    async_recheck_button_numbers(hass, entry)


@callback
def _async_rename_devices(hass: HomeAssistant, entry: ConfigEntry[Any], identity: Identity) -> None:
    registry, old = dr.async_get(hass), entry.unique_id or ""
    for device in dr.async_entries_for_config_entry(registry, entry.entry_id):
        if (DOMAIN, old) in device.identifiers:
            registry.async_update_device(device.id, new_identifiers={(DOMAIN, identity.id)}, new_connections=set())
            with suppress(dr.DeviceConnectionCollisionError):  # another integration may know the new unit already
                mac = {(dr.CONNECTION_NETWORK_MAC, identity.mac)} if identity.mac is not None else set()
                registry.async_update_device(device.id, new_connections=mac)


@callback
def _async_rename_entities(hass: HomeAssistant, entry: ConfigEntry[Any], identity: Identity) -> None:
    registry, prefix = er.async_get(hass), f"{entry.unique_id}_"
    for entity in er.async_entries_for_config_entry(registry, entry.entry_id):
        if entity.unique_id.startswith(prefix):
            new_id = f"{identity.id}_{entity.unique_id.removeprefix(prefix)}"
            registry.async_update_entity(entity.entity_id, new_unique_id=new_id)
