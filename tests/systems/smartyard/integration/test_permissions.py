"""Who may do what with the account of a flat: each place is a device of its own."""

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
import pytest

from tests.simulators.smartyard import Simulator
from tests.users import ENTITY, MAY, NEEDS, make_user, refused_actions

from .test_devices import place


@pytest.mark.parametrize("kind", ["nothing", "another device", "looks"])
async def test_each_action_checks_the_permission_for_an_apartment(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, kind: str
) -> None:
    user = await make_user(
        hass,
        kind,
        device=place(hass, entry, "flat_51").id,
        light="light.none",
        other=place(hass, entry, "door_24_0").id,
    )
    for device_id in (entry.runtime_data.coordinator.device_id, place(hass, entry, "flat_51").id):
        refused = await refused_actions(hass, user, device_id)
        assert refused == {action for action, need in NEEDS.items() if need not in MAY[kind] | {ENTITY}}


async def test_permission_for_one_place_does_not_cover_all_doors(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    device_id = place(hass, entry, "flat_51").id
    user = await make_user(
        hass, "the device", device=device_id, light="light.none", other=place(hass, entry, "door_24_0").id
    )
    refused = await refused_actions(hass, user, device_id)
    assert "let_guests_in" in refused
    assert sim.town.flat(51).auto_open.startswith("1970")
