"""Who may do what with an Akuvox."""

from homeassistant.core import HomeAssistant
import pytest

from tests.users import ENTITY, MAY, NEEDS, make_user, refused_actions

from .conftest import Start, add


@pytest.mark.parametrize("kind", ["nothing", "another device", "looks"])
async def test_each_action_checks_the_permission_for_a_door_phone(
    hass: HomeAssistant, device: Start, kind: str
) -> None:
    sim, other = await device("a_series"), await device("e16c")
    entry, another = await add(hass, sim), await add(hass, other)
    user = await make_user(
        hass,
        kind,
        device=entry.runtime_data.coordinator.device_id,
        light="light.none",
        other=another.runtime_data.coordinator.device_id,
    )
    refused = await refused_actions(hass, user, entry.runtime_data.coordinator.device_id)
    assert refused == {action for action, need in NEEDS.items() if need not in MAY[kind] | {ENTITY}}
