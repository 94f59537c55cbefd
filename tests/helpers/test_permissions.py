"""Who may do what with a 2N: every action and picture, asked for by each kind of user."""

from collections.abc import AsyncGenerator
from http import HTTPStatus

from homeassistant.auth.models import User
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.ip_intercom.const import DOMAIN
from tests.common import add_intercom, entity_id, state_of, until
from tests.simulators.two_n import Simulator
from tests.users import ENTITY, MAY, NEEDS, access_token, call_data, described, is_refused, make_user


@pytest.fixture
async def other(hass: HomeAssistant, sockets: None) -> AsyncGenerator[ConfigEntry]:
    """Another intercom."""
    async with Simulator("access_unit") as simulator:
        yield await add_intercom(hass, simulator)


@pytest.fixture
async def user(hass: HomeAssistant, request: pytest.FixtureRequest, entry: ConfigEntry, other: ConfigEntry) -> User:
    """A user of the kind that the parameter names."""
    return await make_user(
        hass,
        request.param,
        device=entry.runtime_data.coordinator.device_id,
        light=entity_id(hass, entry, "sensor", "call_state"),
        other=other.runtime_data.coordinator.device_id,
    )


def commands(sim: Simulator) -> int:
    return sum(request.path != "/api/log/pull" for request in sim.requests)


def test_every_action_has_a_row(hass: HomeAssistant) -> None:
    assert set(NEEDS) == set(described())


async def test_every_registered_action_has_a_row(hass: HomeAssistant, entry: ConfigEntry) -> None:
    assert set(hass.services.async_services_for_domain(DOMAIN)) == set(NEEDS)


@pytest.mark.parametrize("user", MAY, indirect=True)
async def test_each_action_checks_the_permission_of_the_user(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, user: User
) -> None:
    may = MAY[str(user.name)]
    entities = {
        "open_door": entity_id(hass, entry, "lock", "door_1_door"),
        "snapshot": entity_id(hass, entry, "camera", "camera_internal"),
    }
    refused = {}
    for action in NEEDS:
        data = call_data(action, entry.runtime_data.coordinator.device_id)
        if action in entities:
            del data["device_id"]
            data["entity_id"] = entities[action]
        before = commands(sim)
        refused[action] = await is_refused(hass, action, data, user)
        assert not refused[action] or commands(sim) == before, f"{action} was refused, and the device was asked"
    assert refused == {action: need not in may for action, need in NEEDS.items()}


@pytest.mark.parametrize("user", MAY, indirect=True)
async def test_pictures_are_for_users_who_may_see_their_entities(
    local_url: str, hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, user: User,
    hass_client_no_auth: ClientSessionGenerator,
) -> None:  # fmt: skip
    sim.press("%1")
    await until(lambda: state_of(hass, entry, "image", "last_visitor") != "unknown", "the picture")
    image, camera = entity_id(hass, entry, "image", "last_visitor"), entity_id(hass, entry, "camera", "camera_internal")
    client = await hass_client_no_auth()
    headers = {"Authorization": f"Bearer {await access_token(hass, user)}"}
    may = ENTITY in MAY[str(user.name)] or user.name == "looks"
    for path in (f"/api/image_proxy/{image}", f"/api/camera_proxy/{camera}"):
        response = await client.get(path, headers=headers)
        assert response.status == (HTTPStatus.OK if may else HTTPStatus.FORBIDDEN), path
        assert ((await response.read())[:2] == b"\xff\xd8") is may
    for path in (
        f"/api/image_proxy_stream/{image}",
        f"/api/camera_proxy_stream/{camera}",
        f"/api/camera_proxy_stream/{camera}?interval=1",
    ):
        async with client.get(path, headers=headers) as response:
            told = b""
            while b"\xff\xd8" not in told and (piece := await response.content.readany()):
                told += piece
            assert (b"\xff\xd8" in told) is may, path
