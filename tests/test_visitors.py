"""Visitors are kept with their pictures: over restarts, within the limits, and for those who may see them."""

from http import HTTPStatus
from pathlib import Path
from typing import Any

from homeassistant.auth.models import User
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator, WebSocketGenerator
from yarl import URL

from custom_components.ip_intercom.const import DOMAIN
from tests.common import entity_id, until
from tests.simulators.two_n import Simulator
from tests.users import MAY, access_token, make_user


async def ring(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, *, call: bool = True) -> int | None:
    """Press a button, and wait for the picture."""
    visitors = entry.runtime_data.visitors
    before = sum(visitor.taken is not None for visitor in visitors.newest_first)
    session = sim.press("%1", call=call)
    await until(lambda: sum(visitor.taken is not None for visitor in visitors.newest_first) > before, "the picture")
    return session


@pytest.fixture
def folder(hass: HomeAssistant, entry: ConfigEntry) -> Path:
    """Return the folder of the pictures."""
    return Path(hass.config.path(".storage", f"{DOMAIN}.{entry.entry_id}.pictures"))


async def asked(client: Any, **fields: Any) -> Any:
    """Send a websocket command, and return the response."""
    await client.send_json_auto_id(fields)
    return await client.receive_json()


async def test_the_last_visitors_are_listed(
    local_url: str,
    hass: HomeAssistant,
    sim: Simulator,
    entry: ConfigEntry,
    hass_ws_client: WebSocketGenerator,
    hass_client_no_auth: ClientSessionGenerator,
) -> None:
    client = await hass_ws_client(hass)
    device = entry.runtime_data.coordinator.device_id
    assert (await asked(client, type=f"{DOMAIN}/visitors", device_id=device))["result"] == {"visitors": []}
    session = await ring(hass, sim, entry)
    assert session is not None
    sim.answer(session)
    await until(lambda: entry.runtime_data.visitors.newest_first[0].outcome, "the answer")
    sim.terminate(session)
    await until(lambda: not entry.runtime_data.coordinator.data.calls)
    await ring(hass, sim, entry, call=False)
    response = await asked(client, type=f"{DOMAIN}/visitors", device_id=device)
    newest, oldest = response["result"]["visitors"]
    assert oldest.keys() == {"id", "time", "bell", "outcome", "late", "picture"}
    assert (newest["outcome"], oldest["outcome"]) == (None, "answered")
    assert newest["time"] > oldest["time"]
    assert newest["late"] is oldest["late"] is False
    browser = await hass_client_no_auth()
    picture = await browser.get(newest["picture"])
    assert picture.status == HTTPStatus.OK
    assert picture.headers["Cache-Control"].startswith("private")
    assert picture.content_type == "image/jpeg"
    assert (await picture.read()).startswith(b"\xff\xd8")
    assert (await browser.get(newest["picture"].partition("?")[0])).status == HTTPStatus.UNAUTHORIZED
    image = entity_id(hass, entry, "image", "last_visitor")
    limited = await asked(client, type=f"{DOMAIN}/visitors", entity_id=image, limit=1)
    assert [visitor["id"] for visitor in limited["result"]["visitors"]] == [newest["id"]]


async def test_a_subscription_reports_changes_over_a_reload(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, hass_ws_client: WebSocketGenerator
) -> None:
    client = await hass_ws_client(hass)
    device = entry.runtime_data.coordinator.device_id
    assert (await asked(client, type=f"{DOMAIN}/visitors/subscribe", device_id=device))["success"]
    assert (await client.receive_json())["event"] == {"visitors": []}
    session = await ring(hass, sim, entry)
    assert session is not None
    event = (await client.receive_json())["event"]["visitors"]
    while not event[0]["picture"]:
        event = (await client.receive_json())["event"]["visitors"]
    address = event[0]["picture"]
    assert await hass.config_entries.async_reload(entry.entry_id)
    await sim.wait_for_pull()
    sim.terminate(session)
    while not event[0]["outcome"]:
        event = (await client.receive_json())["event"]["visitors"]
    assert [(visitor["outcome"], visitor["picture"]) for visitor in event] == [("missed", address)]


@pytest.mark.parametrize("fields", [{}, {"device_id": "unknown"}, {"entity_id": "image.unknown"}])
@pytest.mark.parametrize("command", ["visitors", "visitors/subscribe"])
async def test_an_unknown_device_has_no_visitors(
    hass: HomeAssistant, entry: ConfigEntry, hass_ws_client: WebSocketGenerator, command: str, fields: dict[str, str]
) -> None:
    response = await asked(await hass_ws_client(hass), type=f"{DOMAIN}/{command}", **fields)
    assert response["error"]["code"] == "not_found"


@pytest.mark.parametrize("kind", MAY)
async def test_visitors_are_for_users_who_may_see_their_image(
    local_url: str,
    hass: HomeAssistant,
    sim: Simulator,
    entry: ConfigEntry,
    kind: str,
    hass_ws_client: WebSocketGenerator,
    hass_client_no_auth: ClientSessionGenerator,
) -> None:
    device = entry.runtime_data.coordinator.device_id
    light = entity_id(hass, entry, "sensor", "call_state")
    user: User = await make_user(hass, kind, device=device, light=light, other="unknown")
    await ring(hass, sim, entry)
    may = kind in {"looks", "the device", "user", "administrator"}
    token = await access_token(hass, user)
    client = await hass_ws_client(hass, token)
    for command in ("visitors", "visitors/subscribe"):
        response = await asked(client, type=f"{DOMAIN}/{command}", device_id=device)
        assert response["success"] is may, command
        assert may or response["error"]["code"] == "unauthorized"
        if may and command == "visitors/subscribe":
            await client.receive_json()
    browser = await hass_client_no_auth()
    headers = {"Authorization": f"Bearer {token}"}
    visitor = entry.runtime_data.visitors.newest_first[0].id
    path = f"/api/{DOMAIN}/visitor/{entry.entry_id}"
    response = await browser.get(f"{path}/{visitor}", headers=headers)
    assert response.status == (HTTPStatus.OK if may else HTTPStatus.FORBIDDEN)
    for wrong in ("0" * 32, f"{visitor}.jpg", "%2e%2e%2f%2e%2e%2fsecrets.yaml"):
        response = await browser.get(URL(f"{path}/{wrong}", encoded=True), headers=headers)
        refusals = {HTTPStatus.NOT_FOUND if may else HTTPStatus.FORBIDDEN, HTTPStatus.BAD_REQUEST}
        assert response.status in refusals, wrong
    response = await browser.get(f"/api/{DOMAIN}/visitor/unknown/{visitor}", headers=headers)
    assert response.status == HTTPStatus.NOT_FOUND
