"""Automations run for their events only."""

from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Event, HomeAssistant
from homeassistant.setup import async_setup_component

from tests.common import entity_id, state_of, until
from tests.simulators.two_n import Simulator

PLAIN, RANG, RECEIVED = "plain state", "doorbell.rang", "event.received"


def triggers(bell: str) -> dict[str, dict[str, Any]]:
    """Return ways to trigger by a bell."""
    return {
        # Across a reload, only a guard distinguishes it from an event.
        PLAIN: {"trigger": "state", "entity_id": bell, "not_from": "unavailable", "not_to": "unavailable"},
        RANG: {"trigger": "doorbell.rang", "target": {"entity_id": bell}},
        RECEIVED: {"trigger": "event.received", "target": {"entity_id": bell}, "options": {"event_type": ["ring"]}},
    }


async def test_automations_run_for_each_ring_and_for_nothing_else(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    bell = entity_id(hass, entry, "event", "bell_1")
    config = [
        {
            "alias": name,
            "triggers": [trigger],
            "actions": [{"event": "ran", "event_data": {"by": name}}],
            "mode": "queued",
        }
        for name, trigger in triggers(bell).items()
    ]
    assert await async_setup_component(hass, "automation", {"automation": config})
    await hass.async_block_till_done()
    ran: list[str] = []

    def note(event: Event) -> None:
        ran.append(event.data["by"])

    hass.bus.async_listen("ran", note)

    async def ring(times: int) -> None:
        sim.press("%1", call=False)
        await until(lambda: len(ran) == 3 * times, f"ring {times}")
        assert sorted(ran) == sorted([PLAIN, RANG, RECEIVED] * times)

    await ring(1)
    sim.lose_connection()
    await until(lambda: state_of(hass, entry, "binary_sensor", "connectivity") == "off", "the loss")
    await sim.restore_connection()
    await until(lambda: state_of(hass, entry, "binary_sensor", "connectivity") == "on", "the return")
    sim.rename_entry("Alice Gruberová", "Karel Čapek")
    await until(lambda: entry.runtime_data.coordinator.data.bells["1"].name == "Karel Čapek", "the name")
    await hass.async_block_till_done()
    assert len(ran) == 3
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    await sim.wait_for_pull()
    assert len(ran) == 3
    await ring(2)
