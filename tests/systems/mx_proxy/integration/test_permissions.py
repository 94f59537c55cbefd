"""Who may do what with an extension, and hear its voicemails."""

from http import HTTPStatus
from typing import Any

from homeassistant.auth.models import User
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator, WebSocketGenerator

from tests.common import entity_id
from tests.simulators.mx_proxy import Simulator
from tests.users import ENTITY, MAY, NEEDS, READ, access_token, make_user, refused_actions

from .conftest import BEN, add

HEARD = "82"


@pytest.fixture
async def user(
    hass: HomeAssistant, request: pytest.FixtureRequest, local_url: str, sim: Simulator, entry: ConfigEntry
) -> User:
    """A user of the kind that the parameter names; another device is Ben's extension."""
    other = await add(hass, sim, BEN)
    return await make_user(
        hass,
        request.param,
        device=entry.runtime_data.coordinator.device_id,
        light=entity_id(hass, entry, "sensor", "voicemails"),
        other=other.runtime_data.coordinator.device_id,
    )


@pytest.mark.parametrize("user", ["nothing", "another device", "looks"], indirect=True)
async def test_each_action_checks_the_permission_for_an_extension(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, user: User
) -> None:
    may = MAY[str(user.name)]
    before = {request.function for request in sim.requests}
    refused = await refused_actions(hass, user, entry.runtime_data.coordinator.device_id)
    assert refused == {action for action, need in NEEDS.items() if need not in may | {ENTITY}}
    sent = {request.function for request in sim.requests} - before
    assert sent <= {"voicemail_list", "contacts", "services"}, "a forbidden command was sent"


@pytest.mark.parametrize("user", MAY, indirect=True)
async def test_voicemails_are_for_users_who_may_see_the_extension(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, user: User,
    hass_client_no_auth: ClientSessionGenerator, hass_ws_client: WebSocketGenerator,
) -> None:  # fmt: skip
    may = READ in MAY[str(user.name)]
    token = await access_token(hass, user)
    client = await hass_client_no_auth()
    path = f"/api/ip_intercom/voicemail/{entry.entry_id}/{HEARD}"
    response = await client.get(path, headers={"Authorization": f"Bearer {token}"})
    assert response.status == (HTTPStatus.OK if may else HTTPStatus.FORBIDDEN)
    assert (b"RIFF" in await response.read()) is may
    websocket = await hass_ws_client(hass, token)

    async def ask(what: str, identifier: str) -> Any:
        wanted = f"media-source://ip_intercom/{identifier}".rstrip("/")
        await websocket.send_json_auto_id({"type": f"media_source/{what}", "media_content_id": wanted})
        return await websocket.receive_json()

    root = await ask("browse_media", "")
    shown = [child["media_content_id"].rpartition("/")[2] for child in root["result"]["children"]]
    assert (entry.entry_id in shown) is may
    assert (await ask("browse_media", entry.entry_id))["success"] is may
    resolved = await ask("resolve_media", f"{entry.entry_id}/{HEARD}")
    assert resolved["success"] is may
    if may:  # the link is signed for this user
        assert (await client.get(resolved["result"]["url"])).status == HTTPStatus.OK
    heard = [request.function for request in sim.requests].count("voicemail_file")
    assert heard == (2 if may else 0)


@pytest.mark.parametrize("user", ["looks"], indirect=True)
async def test_a_signed_link_checks_the_permission_of_its_user(
    hass: HomeAssistant, entry: ConfigEntry, user: User,
    hass_client_no_auth: ClientSessionGenerator, hass_ws_client: WebSocketGenerator,
) -> None:  # fmt: skip
    websocket = await hass_ws_client(hass, await access_token(hass, user))
    wanted = f"media-source://ip_intercom/{entry.entry_id}/{HEARD}"
    await websocket.send_json_auto_id({"type": "media_source/resolve_media", "media_content_id": wanted})
    url = (await websocket.receive_json())["result"]["url"]
    await hass.auth.async_update_user(user, group_ids=[])
    assert (await (await hass_client_no_auth()).get(url)).status == HTTPStatus.FORBIDDEN
