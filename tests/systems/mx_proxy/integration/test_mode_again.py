"""The other phone is remembered while calls ring at the desk."""

from homeassistant.core import HomeAssistant

from tests.common import act, command, entity_id
from tests.simulators.mx_proxy import Simulator

from .conftest import BEN, add


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
