"""Diagnostics contain the facts to find a fault, without private data."""

import json
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.components.diagnostics import get_diagnostics_for_config_entry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from tests.common import state_of, until
from tests.simulators.two_n import Simulator


async def test_diagnostics_contain_no_private_values(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, hass_client: ClientSessionGenerator
) -> None:
    sim.swipe_card("4BD9E903")
    sim.incoming_call("sip:4711@192.168.1.99")
    await until(lambda: state_of(hass, entry, "sensor", "call_state") == "ringing")
    diagnostics: Any = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    text = json.dumps(diagnostics, ensure_ascii=False)
    info = sim.model.info
    private = ("ha-pass", sim.https_address, "Alice", "4711", "5207", info["serialNumber"], entry.unique_id, "Front")
    for word in private:
        assert word is not None
        assert word not in text, word
    assert diagnostics["identity"]["model"] == "2N IP Verso"
    assert diagnostics["state"]["doors"]["1"]["latching"] is False
    assert diagnostics["controls"] == ["access_points", "calls", "doors", "maintenance", "outputs"]
    assert "firmware" in diagnostics["features"]
    assert diagnostics["examined"]["functions"]["noiseDetection"] == "active,licensed"
    assert diagnostics["examined"]["uptime"] >= 190_000


async def test_diagnostics_report_an_unreachable_device(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, hass_client: ClientSessionGenerator
) -> None:
    sim.lose_connection()
    diagnostics: Any = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    assert diagnostics["examined"] == {"unreachable": "cannot_connect"}


async def test_diagnostics_of_an_unloaded_entry_contain_only_the_entry(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, hass_client: ClientSessionGenerator
) -> None:
    await hass.config_entries.async_unload(entry.entry_id)
    diagnostics: Any = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    assert set(diagnostics) == {"entry"}
