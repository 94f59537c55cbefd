"""System health: what the page of Home Assistant shows of a simulated 2N."""

import asyncio
from datetime import datetime
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import get_system_health_info

from custom_components.ip_intercom.const import DOMAIN
from custom_components.ip_intercom.system_health import _info
from tests.common import capture_log_events, state_of, until
from tests.repository.repository_rules import translations
from tests.simulators.two_n import Simulator
from tests.test_triggers import settle


@pytest.fixture(autouse=True)
async def page(hass: HomeAssistant) -> None:
    """The page of system health."""
    assert await async_setup_component(hass, "system_health", {})


async def shown(hass: HomeAssistant) -> dict[str, Any]:
    """Return what the page shows."""
    info: dict[str, Any] = await get_system_health_info(hass, DOMAIN)
    assert set(info) <= set(translations()["system_health"]["info"])
    return info


async def test_devices_and_events_are_counted(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    await hass.async_block_till_done()
    events = capture_log_events(hass)
    before = (await shown(hass))["events_last_hour"]
    for _ in range(5):
        sim.enter_code("9999", valid=False)
    await settle(hass, sim, entry)
    info = await shown(hass)
    assert info["events_last_hour"] == before + len(events) > before + 5
    del info["events_last_hour"]
    assert info == {"devices": 1, "devices_available": 1, "event_channels": 1, "event_channels_open": 1}
    await asyncio.sleep(3700)
    assert (await shown(hass))["events_last_hour"] < len(events)


async def test_an_interruption_of_events_is_shown(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    await settle(hass, sim, entry)
    sim.lose_connection()
    await until(lambda: state_of(hass, entry, "binary_sensor", "connectivity") == "off", "the loss")
    info = await shown(hass)
    assert (info["devices_available"], info["event_channels_open"]) == (0, 0)
    assert isinstance(info["last_gap"], datetime)
    await asyncio.sleep(60)
    await sim.restore_connection()
    await until(lambda: state_of(hass, entry, "binary_sensor", "event_log") == "on", "the return")
    info = await shown(hass)
    assert (info["devices_available"], info["event_channels_open"]) == (1, 1)
    length = info["last_gap_seconds"]
    assert 60 <= length < 200
    await asyncio.sleep(30)
    assert (await shown(hass))["last_gap_seconds"] == length, "the gap no longer grows"


async def test_an_entry_that_is_not_loaded_counts_as_unavailable(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert _info(hass) == {"devices": 1, "devices_available": 0, "event_channels": 0, "event_channels_open": 0}
