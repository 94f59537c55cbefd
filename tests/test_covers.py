"""Covers: gates and garage doors that a relay of a simulated 2N drives."""

from typing import Any

from homeassistant.components.cover import CoverEntityFeature
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import ServiceNotSupported
from homeassistant.helpers import entity_registry as er
import pytest

from tests.common import act, choose, entity_id, state_of, until
from tests.simulators.two_n import Simulator
from tests.test_doors import commands, relay_of


async def select(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, **options: list[str]) -> None:
    """Change the options, and wait until events are followed again."""
    await choose(hass, entry, options)
    await sim.wait_for_pull()
    sim.clear_requests()


def attributes(hass: HomeAssistant, cover: str) -> tuple[Any, ...]:
    state = hass.states.get(cover)
    assert state is not None
    names = ("device_class", "assumed_state", "supported_features")
    return (state.state, *(state.attributes.get(name) for name in names))


async def test_a_pulse_only_opens_a_gate(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    await select(hass, sim, entry, gates=["1"])
    gate = entity_id(hass, entry, "cover", "door_1_gate")
    assert attributes(hass, gate) == ("unknown", "gate", True, CoverEntityFeature.OPEN)
    await act(hass, "cover.open_cover", entity_id=gate)
    assert commands(sim) == [{"switch": "1", "action": "on"}]
    with pytest.raises(ServiceNotSupported):
        await act(hass, "cover.close_cover", entity_id=gate)
    assert commands(sim) == [{"switch": "1", "action": "on"}]


async def test_a_latching_relay_opens_and_closes_a_garage_door(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    await select(hass, sim, entry, garage_doors=["2"])
    cover = entity_id(hass, entry, "cover", "door_2_garage_door")
    both = CoverEntityFeature.OPEN | CoverEntityFeature.CLOSE
    assert attributes(hass, cover) == ("closed", "garage", None, both)
    await act(hass, "cover.open_cover", entity_id=cover)
    assert relay_of(sim, 2) == (True, False, False)
    await until(lambda: state_of(hass, entry, "cover", "door_2_garage_door") == "open", "the gate")
    await act(hass, "cover.close_cover", entity_id=cover)
    assert relay_of(sim, 2) == (False, False, False)
    await until(lambda: state_of(hass, entry, "cover", "door_2_garage_door") == "closed", "the gate")


async def test_the_only_gate_has_the_door_contact(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    others = sorted(set(entry.runtime_data.coordinator.data.doors) - {"1"})
    await select(hass, sim, entry, gates=["1"], plain_switches=others)
    sim.door(True)
    await until(lambda: state_of(hass, entry, "cover", "door_1_gate") == "open", "the contact")
    gate = entity_id(hass, entry, "cover", "door_1_gate")
    assert attributes(hass, gate) == ("open", "gate", None, CoverEntityFeature.OPEN)
    sim.door(False)
    await until(lambda: state_of(hass, entry, "cover", "door_1_gate") == "closed", "the contact")


async def test_a_gate_replaces_the_lock_and_lets_visitors_in(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    lock = entity_id(hass, entry, "lock", "door_1_door")
    await select(hass, sim, entry, gates=["1"])
    assert er.async_get(hass).async_get(lock) is None
    assert hass.states.get(entity_id(hass, entry, "switch", "door_1_hold_open")) is not None
    sim.press("%1")
    await until(lambda: state_of(hass, entry, "sensor", "call_state") == "ringing", "the call")
    await act(hass, "cover.open_cover", entity_id=entity_id(hass, entry, "cover", "door_1_gate"))
    await until(lambda: state_of(hass, entry, "event", "visitor") != "unknown", "the visitor")
    visitor = hass.states.get(entity_id(hass, entry, "event", "visitor"))
    assert visitor is not None
    assert visitor.attributes["event_type"] == "opened"
    gate = entity_id(hass, entry, "cover", "door_1_gate")
    await select(hass, sim, entry)
    assert er.async_get(hass).async_get(gate) is None
    assert entity_id(hass, entry, "lock", "door_1_door")


async def test_a_relay_is_selected_once(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    form: Any = await hass.config_entries.options.async_init(entry.entry_id)
    chosen: dict[str, Any] = {"gates": ["1"], "garage_doors": ["1"], "stream": {}}
    form = await hass.config_entries.options.async_configure(form["flow_id"], chosen)
    assert form["errors"] == {"base": "relay_selected_twice"}
    done: Any = await hass.config_entries.options.async_configure(form["flow_id"], chosen | {"garage_doors": ["2"]})
    assert done["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    assert entity_id(hass, entry, "cover", "door_1_gate")
    assert entity_id(hass, entry, "cover", "door_2_garage_door")
