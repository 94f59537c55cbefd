"""The call mode is not reported, so the last one that Home Assistant set is shown."""

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
import pytest

from tests.common import act, command, entity_id, refusal, state_of
from tests.entity_states import entity_state
from tests.simulators.mx_proxy import LOGIN, Simulator

from .conftest import BEN, add

MOBILE = "12025550107"


async def choose(hass: HomeAssistant, entry: ConfigEntry, mode: str) -> None:
    await act(hass, "select.select_option", entity_id=entity_id(hass, entry, "select", "call_mode"), option=mode)


async def test_the_mode_is_unknown_until_it_is_set(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    state = entity_state(hass, entry, "select", "call_mode")
    assert (state.state, state.attributes["assumed_state"]) == ("unknown", True)
    await choose(hass, entry, "remote")
    # The number is the one that the address book has of this person.
    assert sim.extensions[LOGIN].mode == {"remote": True, "device": MOBILE, "ringDelay": 1, "vmDelay": 30}
    state = entity_state(hass, entry, "select", "call_mode")
    told = {key: state.attributes[key] for key in ("device", "ring_delay", "voicemail_delay")}
    assert (state.state, told) == ("remote", {"device": MOBILE, "ring_delay": 1, "voicemail_delay": 30})
    await choose(hass, entry, "local")
    assert sim.extensions[LOGIN].mode["remote"] is False
    assert state_of(hass, entry, "select", "call_mode") == "local"


async def test_the_mode_is_remembered(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    delays = {"ring_delay": {"seconds": 5}, "voicemail_delay": "00:00:20"}
    answer = await command(hass, entry, "set_call_mode", mode="remote", device="+12025550199", **delays)
    assert answer == {"mode": "remote", "device": "+12025550199", "ring_delay": 5, "voicemail_delay": 20}
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    state = entity_state(hass, entry, "select", "call_mode")
    assert state.state == "remote"
    assert (state.attributes["device"], state.attributes["ring_delay"]) == ("+12025550199", 5)
    assert not [request for request in sim.requests if request.function == "call_mode"][1:], (
        "the call mode is read once"
    )


async def test_the_options_set_the_number_and_the_delays(hass: HomeAssistant, sim: Simulator) -> None:
    entry = await add(hass, sim, mobile_number="12025550123", ring_delay=4, voicemail_delay=25)
    await choose(hass, entry, "remote")
    assert sim.extensions[LOGIN].mode == {"remote": True, "device": "12025550123", "ringDelay": 4, "vmDelay": 25}


async def test_an_unknown_mobile_number_is_an_error(hass: HomeAssistant, sim: Simulator) -> None:
    for contact in sim.contacts:
        contact.pop("cellPhone", None)
    entry = await add(hass, sim)
    with pytest.raises(ServiceValidationError, match="Enter the mobile number in the options"):
        await choose(hass, entry, "remote")
    assert await refusal(hass, entry, "set_call_mode", mode="remote") == "no_mobile_number"
    assert state_of(hass, entry, "select", "call_mode") == "unknown"
    await command(hass, entry, "set_call_mode", mode="remote", device="12025550177")
    # Once it was named, it need not be named again.
    await command(hass, entry, "set_call_mode", mode="remote", ring_delay=9)
    assert sim.extensions[LOGIN].mode == {"remote": True, "device": "12025550177", "ringDelay": 9, "vmDelay": 30}


async def test_a_rejected_call_mode_is_not_shown(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    await choose(hass, entry, "local")
    sim.refuse("call_mode")
    assert await refusal(hass, entry, "set_call_mode", mode="remote") == "command_failed"
    assert state_of(hass, entry, "select", "call_mode") == "local"


async def test_the_remote_mode_reuses_the_last_number(hass: HomeAssistant, sim: Simulator) -> None:
    sim.contacts[:] = [{key: value for key, value in row.items() if key != "cellPhone"} for row in sim.contacts]
    entry = await add(hass, sim, BEN)
    await command(hass, entry, "set_call_mode", mode="remote", device="12025550142")
    select = entity_id(hass, entry, "select", "call_mode")
    await act(hass, "select.select_option", entity_id=select, option="local")
    await act(hass, "select.select_option", entity_id=select, option="remote")
    state = hass.states.get(select)
    assert state is not None
    assert (state.state, state.attributes["device"]) == ("remote", "12025550142")
