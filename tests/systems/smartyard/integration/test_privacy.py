"""Private data: not in diagnostics, not in the log."""

import json
import logging
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.components.diagnostics import get_diagnostics_for_config_entry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from tests.common import act, entity_id
from tests.entity_states import wait_for_state
from tests.simulators.smartyard import PHONE, Simulator

from .test_flats import flat_command

OURS = "custom_components.ip_intercom"


async def test_diagnostics_contain_no_secrets(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, hass_client: ClientSessionGenerator
) -> None:
    sim.happen("key", 21, flat=51, ago=30)
    await entry.runtime_data.coordinator.async_refresh()
    diagnostics: Any = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    text = json.dumps(diagnostics, ensure_ascii=False)
    tokens = [value for key, value in entry.data.items() if "token" in key]
    assert len(tokens) >= 2
    for word in (PHONE, PHONE[1:], *tokens, "40374", "62596", "0000001A2B3C4D", "Садовая", "Подъезд"):
        assert word not in text, word
    assert diagnostics["state"]["settings"]["flat_51_cms"]["value"] is True
    assert {"account_settings", "flat_codes", "messages", "visitors"} <= set(diagnostics["features"])


async def test_actions_log_no_secrets(
    hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = sim.ring(21)
    await wait_for_state(hass, pushed, "binary_sensor", "bell_21_ringing", "on")
    await act(hass, "lock.open", entity_id=entity_id(hass, pushed, "lock", "door_21:0_door"))
    code = (await flat_command(hass, pushed, "renew_door_code"))["code"]
    account = await flat_command(hass, pushed, "sip_account")
    said = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith(OURS))
    tokens = [value for key, value in pushed.data.items() if "token" in key]
    for word in (secret, code, account["password"], PHONE, *tokens):
        assert word not in said, word
