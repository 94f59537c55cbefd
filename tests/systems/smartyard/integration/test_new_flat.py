"""An apartment that is found after the setup: its entities belong to its device."""

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from custom_components.ip_intercom.model.parts import Bell, Camera, Door, Setting
from tests.common import entity_id, until
from tests.simulators.smartyard import PHONE, Simulator

from .test_devices import place

FLAT = "flat_52"


def found(hass: HomeAssistant, entry: ConfigEntry) -> set[str]:
    """Return the entities of the apartment, by unique id."""
    entities = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    return {entity.unique_id.removeprefix(f"{entry.unique_id}_") for entity in entities if FLAT in entity.unique_id}


async def test_a_new_apartment_gets_entities_on_its_device(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    sim.move_in(PHONE, 52)
    await entry.runtime_data.coordinator.async_refresh()
    assert entry.runtime_data.coordinator.data.settings["flat_52_cms"].place == FLAT
    await until(lambda: found(hass, entry), "the apartment")
    await hass.async_block_till_done()
    registry = er.async_get(hass)
    device = place(hass, entry, FLAT)
    for platform, key in (
        ("switch", f"setting_{FLAT}_cms"),
        ("select", f"setting_{FLAT}_white_rabbit"),
        ("button", f"new_door_code_{FLAT}"),
    ):
        entity = registry.async_get(entity_id(hass, entry, platform, key))
        assert entity is not None
        assert entity.device_id == device.id, key
        assert "kv_42" in entity.entity_id


async def test_entities_of_a_place_wait_for_its_device(hass: HomeAssistant, entry: ConfigEntry) -> None:
    coordinator = entry.runtime_data.coordinator
    state, registry = coordinator.data, er.async_get(hass)
    before = {entity.entity_id for entity in er.async_entries_for_config_entry(registry, entry.entry_id)}
    coordinator.async_change(
        doors={**state.doors, "new": Door("new", None, blocked=False, blockable=False, place="door_new")},
        bells={**state.bells, "new": Bell("new", place="door_new")},
        cameras={**state.cameras, "new": Camera("new", place="door_new")},
        door_codes={**state.door_codes, "flat_new": "1"},
        settings={
            **state.settings,
            "new": Setting("new", "cms", True, place="flat_new"),
            "rabbit": Setting("rabbit", "white_rabbit", "1", ("0", "1"), place="flat_new"),
        },
    )
    await hass.async_block_till_done()
    after = {entity.entity_id for entity in er.async_entries_for_config_entry(registry, entry.entry_id)}
    assert after == before
