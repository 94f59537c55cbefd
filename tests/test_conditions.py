"""Conditions of automations follow the state of the device."""

from collections.abc import Callable
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers.condition import (
    async_from_config,
    async_get_all_descriptions,
    async_validate_condition_config,
)
from homeassistant.setup import async_setup_component
import pytest

from custom_components.ip_intercom.condition import CONDITIONS
from custom_components.ip_intercom.const import DOMAIN
from tests.common import entity_id, until
from tests.simulators.two_n import Simulator


async def check(hass: HomeAssistant, key: str, target: dict[str, Any]) -> Callable[[], bool | None]:
    """Return a function that tests a condition."""
    config = {"condition": f"{DOMAIN}.{key}", "target": target, "options": {"behavior": "any"}}
    condition = await async_from_config(hass, await async_validate_condition_config(hass, config))
    return lambda: condition.async_check(variables={})


async def test_a_visit_sets_the_ringing_and_call_conditions(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    target = {"device_id": entry.runtime_data.coordinator.device_id}
    is_ringing = await check(hass, "is_ringing", target)
    is_in_call = await check(hass, "is_in_call", target)
    assert (is_ringing(), is_in_call()) == (False, False)
    session = sim.press("%1")
    assert session is not None
    await until(lambda: (is_ringing(), is_in_call()) == (True, False), "the ring")
    sim.answer(session)
    await until(lambda: (is_ringing(), is_in_call()) == (False, True), "the answer")
    sim.terminate(session)
    await until(lambda: (is_ringing(), is_in_call()) == (False, False), "the end")


@pytest.mark.parametrize(("key", "switch"), [("is_held_open", "hold_open"), ("is_blocked", "block")])
async def test_each_door_mode_sets_only_its_condition(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, key: str, switch: str
) -> None:
    others = CONDITIONS.keys() - {key}
    target = {"device_id": entry.runtime_data.coordinator.device_id}
    is_true = await check(hass, key, target)
    of_the_others = [await check(hass, other, target) for other in others]
    assert is_true() is False
    entity = entity_id(hass, entry, "switch", f"door_1_{switch}")
    await hass.services.async_call("switch", "turn_on", {"entity_id": entity}, blocking=True)
    await until(is_true, key)
    assert not any(other() for other in of_the_others)
    await hass.services.async_call("switch", "turn_off", {"entity_id": entity}, blocking=True)
    await until(lambda: is_true() is False, "the end")


async def test_the_editor_offers_each_condition(hass: HomeAssistant, entry: ConfigEntry) -> None:
    assert await async_setup_component(hass, "automation", {})
    descriptions = await async_get_all_descriptions(hass)
    assert {key.partition(".")[2] for key in descriptions if key.startswith(f"{DOMAIN}.")} == CONDITIONS.keys()
