"""Triggers of an account."""

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr

from tests.automating import automate, counts
from tests.common import until
from tests.simulators.smartyard import Simulator


async def test_a_visitor_and_a_message_fire_their_triggers(
    hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry
) -> None:
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), pushed.entry_id)
    runs = await automate(hass, {"device_id": [device.id for device in devices]})
    sim.walk_away(sim.ring(21))
    sim.text_push("inbox", "Water", "No water tomorrow")
    await until(lambda: counts(runs).keys() >= {"visitor_missed", "message_received"}, "the record")
    assert counts(runs) == {"doorbell_rang": 1, "visitor_missed": 1, "message_received": 1}


async def test_a_key_fires_only_the_trigger_for_cards(hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry) -> None:
    device = pushed.runtime_data.coordinator.device_id
    runs = await automate(hass, {"device_id": device}, access_granted={"method": ["card"]})
    sim.happen("app", 22)
    sim.happen("key", 22)
    await until(lambda: counts(runs), "the record")
    assert counts(runs) == {"access_granted": 1}
