"""The mailbox: its entities, the actions, and the media browser."""

from http import HTTPStatus
from pathlib import Path
from typing import Any

from aiohttp import ClientPayloadError
from aiohttp.test_utils import TestClient
from homeassistant.components import media_source
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.typing import (
    ClientSessionGenerator,
    MockHAClientWebSocket,
    WebSocketGenerator,
)

from custom_components.ip_intercom.const import DOMAIN
from custom_components.ip_intercom.media import views
from tests.common import command, entity_id, refusal, state_of
from tests.entity_states import entity_state, wait_for_event, wait_for_state
from tests.simulators.mx_proxy import LOGIN, Simulator
from tests.simulators.mx_proxy.voicemail import wave

from .conftest import BEN, add

HEARD, UNHEARD = "82", "89"


async def test_voicemails_are_shown_as_a_sensor_and_an_event(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    unread = entity_state(hass, entry, "sensor", "voicemails")
    assert (unread.state, unread.attributes["total"]) == ("1", 2)
    assert state_of(hass, entry, "event", "voicemail") == "unknown"
    mail = sim.leave_voicemail("12025550142", 3, "Parcel service")
    told = await wait_for_event(hass, entry, "voicemail", "received")
    assert {key: told[key] for key in ("id", "number", "name", "duration")} == {
        "id": mail,
        "number": "12025550142",
        "name": "Parcel service",
        "duration": 3,
    }
    await wait_for_state(hass, entry, "sensor", "voicemails", "2")


async def test_callers_of_voicemails_are_not_recorded(hass: HomeAssistant, entry: ConfigEntry) -> None:
    entity = entity_id(hass, entry, "event", "voicemail")
    component: Any = hass.data["event"]
    assert {"name", "number"} <= component.get_entity(entity)._Entity__combined_unrecorded_attributes


async def test_messages_are_listed_newest_first(hass: HomeAssistant, entry: ConfigEntry) -> None:
    listed = (await command(hass, entry, "voicemail_query"))["voicemails"]
    assert [message["id"] for message in listed] == [UNHEARD, HEARD]
    assert listed[1] == {
        "id": HEARD,
        "received": "2026-09-21T11:26:40+00:00",
        "duration": 4,
        "number": "3108",
        "name": "Ben Osei",
        "read": True,
        "note": "call back",
    }


async def test_a_changed_voicemail_updates_the_sensor_at_once(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    await command(hass, entry, "voicemail_update", voicemail=UNHEARD, read=True, note="the bell is broken")
    assert state_of(hass, entry, "sensor", "voicemails") == "0"
    mail = sim.extensions[LOGIN].mailbox.mails[UNHEARD]
    assert (mail.read, mail.note) == (True, "the bell is broken")
    await command(hass, entry, "voicemail_update", voicemail=HEARD, read=False)
    assert state_of(hass, entry, "sensor", "voicemails") == "1"
    assert sim.extensions[LOGIN].mailbox.mails[HEARD].note == "call back"
    await command(hass, entry, "voicemail_delete", voicemail=UNHEARD)
    assert entity_state(hass, entry, "sensor", "voicemails").attributes["total"] == 1
    assert list(sim.extensions[LOGIN].mailbox.mails) == [HEARD]
    assert await refusal(hass, entry, "voicemail_update", voicemail=UNHEARD, read=True) == "no_data"


async def test_a_message_is_saved(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, files: Path) -> None:
    target = files / "message.wav"
    saved = await command(hass, entry, "voicemail_download", voicemail=HEARD, filename=str(target))
    assert target.read_bytes() == wave(4)
    assert saved == {"size": len(wave(4))}
    assert await refusal(hass, entry, "voicemail_download", voicemail=HEARD, filename="/etc/message.wav") == (
        "path_not_allowed"
    )


# ---- the media browser ----


async def browse(hass: HomeAssistant, identifier: str = "") -> Any:
    wanted = media_source.generate_media_source_id(DOMAIN, identifier)
    return await media_source.async_browse_media(hass, wanted)


@pytest.fixture
async def browser(hass: HomeAssistant, local_url: str) -> None:
    """The media browser; Home Assistant listens."""
    assert await async_setup_component(hass, "media_source", {})


async def test_the_media_browser_lists_voicemails(hass: HomeAssistant, browser: None, entry: ConfigEntry) -> None:
    await hass.config.async_set_time_zone("Europe/Berlin")
    root = await browse(hass)
    assert root.title == "Voicemails"
    assert [child.title for child in root.children] == ["MX 63107 extension 3107"]
    device = await browse(hass, root.children[0].identifier)
    assert [(message.title, message.can_play) for message in device.children] == [
        ("Parcel service · 2026-09-21 16:20 · 0:02", True),
        ("Ben Osei · 2026-09-21 13:26 · 0:04 · call back", True),
    ]


async def test_each_extension_has_its_messages(hass: HomeAssistant, browser: None, sim: Simulator) -> None:
    for account in ({}, BEN):
        await add(hass, sim, account)
    root = await browse(hass)
    assert len(root.children) == 2
    assert [len((await browse(hass, child.identifier)).children) for child in root.children] == [2, 0]


@pytest.mark.parametrize("identifier", ["nobody", "nobody/82"])
async def test_unknown_voicemails_are_not_in_the_media_browser(
    hass: HomeAssistant, browser: None, entry: ConfigEntry, identifier: str
) -> None:
    with pytest.raises(media_source.MediaSourceError):
        await browse(hass, identifier)
    for missing in (identifier, f"{entry.entry_id}/999", entry.entry_id):
        with pytest.raises(media_source.Unresolvable):
            await media_source.async_resolve_media(hass, media_source.generate_media_source_id(DOMAIN, missing), None)


async def resolve(websocket: MockHAClientWebSocket, entry: ConfigEntry, voicemail: str) -> Any:
    wanted = media_source.generate_media_source_id(DOMAIN, f"{entry.entry_id}/{voicemail}")
    await websocket.send_json_auto_id({"type": "media_source/resolve_media", "media_content_id": wanted})
    answer = await websocket.receive_json()
    assert answer["success"], answer
    return answer["result"]


async def test_a_message_is_played(
    browser: None, entry: ConfigEntry, hass_ws_client: WebSocketGenerator, hass_client_no_auth: ClientSessionGenerator
) -> None:
    found = await resolve(await hass_ws_client(), entry, HEARD)
    assert found["mime_type"] == "audio/wav"
    # The link is signed: the player need not log in.
    player = await hass_client_no_auth()
    response = await player.get(found["url"])
    assert response.status == HTTPStatus.OK
    assert await response.read() == wave(4)
    assert response.headers["Content-Type"] == "audio/wave"
    assert response.headers["Content-Disposition"] == "inline"
    assert response.headers["Cache-Control"] == "private, no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.fixture
async def player(browser: None, entry: ConfigEntry, hass_client: ClientSessionGenerator) -> TestClient[Any, Any]:
    """A logged-in user."""
    client: TestClient[Any, Any] = await hass_client()
    return client


def path(entry: ConfigEntry, voicemail: str = HEARD) -> str:
    return f"/api/ip_intercom/voicemail/{entry.entry_id}/{voicemail}"


@pytest.mark.parametrize(
    ("wanted", "start", "stop"),
    [("bytes=0-1", 0, 2), ("bytes=100-", 100, 32044), ("bytes=-10", 32034, 32044), ("bytes=32000-99999", 32000, 32044)],
)
async def test_a_player_may_request_ranges(
    entry: ConfigEntry, player: TestClient[Any, Any], wanted: str, start: int, stop: int
) -> None:
    response = await player.get(path(entry), headers={"Range": wanted})
    assert response.status == HTTPStatus.PARTIAL_CONTENT
    assert response.headers["Content-Range"] == f"bytes {start}-{stop - 1}/32044"
    assert await response.read() == wave(4)[start:stop]


async def test_an_invalid_range_is_rejected(entry: ConfigEntry, player: TestClient[Any, Any]) -> None:
    beyond = await player.get(path(entry), headers={"Range": "bytes=99999-"})
    assert beyond.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
    assert beyond.headers["Content-Range"] == "bytes */32044"
    several = await player.get(path(entry), headers={"Range": "bytes=0-1,5-6"})
    assert (several.status, await several.read()) == (HTTPStatus.OK, wave(4))


async def test_voicemails_need_a_login_and_a_loaded_entry(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, player: TestClient[Any, Any],
    hass_client_no_auth: ClientSessionGenerator,
) -> None:  # fmt: skip
    stranger = await hass_client_no_auth()
    asked = len(sim.requests)
    assert (await stranger.get(path(entry))).status == HTTPStatus.UNAUTHORIZED
    for wrong in (path(entry, "999"), path(entry).replace(entry.entry_id, "nobody")):
        assert (await player.get(wrong)).status == HTTPStatus.NOT_FOUND
    assert "voicemail_file" not in [request.function for request in list(sim.requests)[asked:]]
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert (await player.get(path(entry))).status == HTTPStatus.NOT_FOUND


async def test_a_deleted_voicemail_is_not_found(
    sim: Simulator, entry: ConfigEntry, player: TestClient[Any, Any]
) -> None:
    sim.refuse("voicemail_file", "not found")
    assert (await player.get(path(entry))).status == HTTPStatus.NOT_FOUND
    sim.ignore("voicemail_file")
    assert (await player.get(path(entry))).status == HTTPStatus.BAD_GATEWAY


async def test_a_voicemail_above_the_size_limit_is_cut_off(
    entry: ConfigEntry, player: TestClient[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "MAX_SIZE", 20_000)
    response = await player.get(path(entry))
    with pytest.raises(ClientPayloadError):  # it does not look whole
        await response.read()
    assert (await player.get(path(entry), headers={"Range": "bytes=0-1"})).status == HTTPStatus.BAD_GATEWAY
    assert len(await (await player.get(path(entry, UNHEARD))).read()) == len(wave(2))


async def test_only_audio_files_are_played(sim: Simulator, entry: ConfigEntry, player: TestClient[Any, Any]) -> None:
    sim.extensions[LOGIN].mailbox.media_type = "image/svg+xml"
    response = await player.get(path(entry))
    assert (response.status, response.headers["Content-Type"]) == (HTTPStatus.OK, "application/octet-stream")
    sim.extensions[LOGIN].mailbox.media_type = "text/html; charset=utf-8"
    assert (await player.get(path(entry))).status == HTTPStatus.BAD_GATEWAY
