"""Visitors are stored with their pictures: over restarts, within the limits, and for permitted users."""

import asyncio
import base64
from copy import deepcopy
from datetime import timedelta
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from typing import Any

from homeassistant.auth.models import User
from homeassistant.components import media_source
from homeassistant.components.image import DATA_COMPONENT
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from homeassistant.util import dt as dt_util
from PIL import Image
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator, WebSocketGenerator
from yarl import URL

from custom_components.ip_intercom.const import DOMAIN
from custom_components.ip_intercom.image import LastVisitorImage
from custom_components.ip_intercom.model.visitors import Visitor, visitor_id
from custom_components.ip_intercom.runtime import visitor_store as store
from custom_components.ip_intercom.runtime.event_stream import EventStream
from tests.common import PASSWORD, USERNAME, add_intercom, choose, entity_id, state_of, until
from tests.kills import kill
from tests.simulators.two_n import Account, Simulator
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


def rows(entry: ConfigEntry) -> list[Visitor]:
    """Return the stored visitors, newest first."""
    visitors: list[Visitor] = entry.runtime_data.visitors.newest_first
    return visitors


async def shown(hass: HomeAssistant, entry: ConfigEntry) -> bytes | None:
    """Return what the image of the last visitor shows."""
    image = hass.data[DATA_COMPONENT].get_entity(entity_id(hass, entry, "image", "last_visitor"))
    assert image is not None
    return await image.async_image()


async def test_every_ring_stores_its_picture(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, folder: Path
) -> None:
    for _ in range(30):
        session = await ring(hass, sim, entry)
        assert session is not None
        sim.terminate(session)
        await until(lambda: all(visitor.outcome for visitor in rows(entry)), "the outcome")
    before = rows(entry)
    assert len(before) == 30
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert rows(entry) == before
    pictures = [await entry.runtime_data.visitors.async_picture(visitor.id) for visitor in before]
    assert all(picture is not None and picture.startswith(b"\xff\xd8") for picture in pictures)
    assert len(list(folder.iterdir())) == 30
    assert await shown(hass, entry) == pictures[0]


async def test_visitors_go_with_the_entry(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, folder: Path, hass_storage: dict[str, Any]
) -> None:
    await ring(hass, sim, entry)
    await until(lambda: not entry.runtime_data.visitors._unwritten, "the file")
    assert list(folder.iterdir())
    assert folder.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())
    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()
    assert not folder.exists()
    assert f"{DOMAIN}.{entry.entry_id}.visitors" not in hass_storage


async def test_a_picture_is_taken_only_after_the_ring_is_sent(
    hass: HomeAssistant,
    sim: Simulator,
    entry: ConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
    hass_storage: dict[str, Any],
) -> None:
    sent = asyncio.Event()

    async def wait(_: EventStream) -> None:
        await sent.wait()

    monkeypatch.setattr(EventStream, "async_let_ring_pass", wait)
    sim.requests.clear()
    sim.press("%1", call=False)
    await until(lambda: state_of(hass, entry, "event", "bell_1") != "unknown", "the ring")
    await hass.async_block_till_done(wait_background_tasks=False)
    assert f"{DOMAIN}.{entry.entry_id}.visitors" not in hass_storage
    assert not [request for request in sim.requests if request.path == "/api/camera/snapshot"]
    sent.set()
    await until(lambda: rows(entry)[0].taken, "the picture")


async def test_a_visitor_and_its_outcome_survive_a_kill(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, hass_storage: dict[str, Any]
) -> None:
    key = f"{DOMAIN}.{entry.entry_id}.visitors"
    session = await ring(hass, sim, entry)
    assert session is not None
    await until(lambda: hass_storage.get(key, {}).get("data", {}).get("visitors", [{}])[0].get("taken"), "the row")
    index = deepcopy(hass_storage[key])
    await kill(hass, entry, hass_storage)
    hass_storage[key] = index
    sim.answer(session)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await sim.wait_for_pull()
    sim.terminate(session)
    await until(lambda: rows(entry)[0].outcome, "the outcome")
    assert len(rows(entry)) == 1
    assert rows(entry)[0].taken is not None


async def test_an_unstored_ring_before_a_kill_is_listed_once(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, hass_storage: dict[str, Any]
) -> None:
    key = f"{DOMAIN}.{entry.entry_id}.visitors"
    cursor = deepcopy(hass_storage[f"{DOMAIN}.{entry.entry_id}"])
    session = await ring(hass, sim, entry)
    assert session is not None
    await kill(hass, entry, hass_storage, cursor)
    hass_storage.pop(key, None)  # the picture exists, but nothing shows of which visitor
    assert await hass.config_entries.async_setup(entry.entry_id)
    await sim.wait_for_pull()
    sim.terminate(session)
    await until(lambda: rows(entry)[0].outcome, "the outcome")
    visitor, *others = rows(entry)
    assert others == []
    assert visitor.bell == "1"
    assert visitor.taken is not None


async def test_a_late_visitor_has_no_current_picture(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    sim.set_input("input1", True)
    await until(lambda: state_of(hass, entry, "binary_sensor", "port_input1") == "on", "an event")
    assert await hass.config_entries.async_unload(entry.entry_id)
    session = sim.press("%1")
    assert session is not None
    sim.terminate(session)
    sim.pass_time(120)
    sim.requests.clear()
    assert await hass.config_entries.async_setup(entry.entry_id)
    await until(lambda: rows(entry) and rows(entry)[0].outcome, "the late visitor")
    await hass.async_block_till_done(wait_background_tasks=False)
    visitor = rows(entry)[0]
    assert (visitor.late, visitor.outcome, visitor.taken) == (True, "missed", None)
    assert dt_util.utcnow() - visitor.time > timedelta(seconds=100)  # by the age: the clock of the device is ahead
    assert not [request for request in sim.requests if request.path == "/api/camera/snapshot"]
    assert state_of(hass, entry, "event", "bell_1") == "unknown"
    assert state_of(hass, entry, "image", "last_visitor") == "unknown"
    await ring(hass, sim, entry)
    assert [visitor.late for visitor in rows(entry)] == [False, True]


async def test_a_late_visitor_gets_a_past_picture_from_the_camera(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, hass_storage: dict[str, Any]
) -> None:
    """A ring seconds before a kill is late, and a 2N keeps its images for half a minute."""
    sim.set_input("input1", True)
    await until(lambda: state_of(hass, entry, "binary_sensor", "port_input1") == "on", "an event")
    assert await hass.config_entries.async_unload(entry.entry_id)
    hass_storage[f"{DOMAIN}.{entry.entry_id}"]["data"].pop("ended")
    sim.press("%1", call=False)
    sim.pass_time(10)
    sim.requests.clear()
    assert await hass.config_entries.async_setup(entry.entry_id)
    await until(lambda: rows(entry) and rows(entry)[0].taken, "the picture")
    assert rows(entry)[0].late is True
    asked = [request.query for request in sim.requests if request.path == "/api/camera/snapshot"]
    assert [int(query["time"]) for query in asked][0] <= -9  # devices tell whole seconds
    assert state_of(hass, entry, "image", "last_visitor") == "unknown"


async def test_a_past_picture_that_expired_is_not_taken(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, hass_storage: dict[str, Any]
) -> None:
    """Past pictures are requested one by one: that of the second visitor has expired."""
    sim.set_input("input1", True)
    await until(lambda: state_of(hass, entry, "binary_sensor", "port_input1") == "on", "an event")
    assert await hass.config_entries.async_unload(entry.entry_id)
    hass_storage[f"{DOMAIN}.{entry.entry_id}"]["data"].pop("ended")
    sim.press("%1", call=False)
    sim.press("%2", call=False)
    sim.pass_time(25)
    sim.delay(8, "/api/camera/snapshot")
    assert await hass.config_entries.async_setup(entry.entry_id)
    await until(lambda: any(visitor.taken for visitor in rows(entry)), "the first picture")
    await asyncio.sleep(60)
    assert sorted(visitor.taken is not None for visitor in rows(entry)) == [False, True]


@pytest.mark.parametrize(
    ("options", "kept"),
    [({"visitor_days": 14}, [1, 10]), ({"visitor_days": 5}, [1]), ({"visitor_days": 0}, [1])],
)
async def test_old_visitors_are_removed(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, folder: Path, hass_storage: dict[str, Any],
    options: dict[str, int], kept: list[int],
) -> None:  # fmt: skip
    for _ in range(3):
        await ring(hass, sim, entry, call=False)
    assert await hass.config_entries.async_unload(entry.entry_id)
    now = dt_util.utcnow()
    for row, days in zip(
        hass_storage[f"{DOMAIN}.{entry.entry_id}.visitors"]["data"]["visitors"], (1, 10, 20), strict=True
    ):
        row["time"] = row["taken"] = (now - timedelta(days=days)).isoformat()
        row["outcome"] = "missed"
    hass.config_entries.async_update_entry(entry, options=options)
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert [(now - visitor.time).days for visitor in rows(entry)] == kept
    assert len(list(folder.iterdir())) == len(kept)
    assert len(hass_storage[f"{DOMAIN}.{entry.entry_id}.visitors"]["data"]["visitors"]) == len(kept)


async def test_pictures_above_the_limit_are_removed_at_the_next_ring(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, folder: Path
) -> None:
    await choose(hass, entry, {"visitor_storage": 1})
    await sim.wait_for_pull()
    first = await entry_with_large_pictures(entry, 3)
    await ring(hass, sim, entry, call=False)
    await until(lambda: len(rows(entry)) == 3 and not entry.runtime_data.visitors._unwritten, "the removal")
    assert first not in {visitor.id for visitor in rows(entry)}
    assert {path.stem for path in folder.iterdir()} == {visitor.id for visitor in rows(entry)}
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 1024 * 1024


async def entry_with_large_pictures(entry: ConfigEntry, count: int) -> str:
    """Add visitors whose pictures have 400 KiB each, and return the oldest one."""
    visitors = entry.runtime_data.visitors
    for number in range(count):
        name = visitor_id(f"old {number}")
        visitors._visitors[name] = Visitor(name, dt_util.utcnow() - timedelta(hours=9 - number), "1")
        await visitors.async_put_picture(name, b"\xff\xd8" + bytes(400 * 1024), dt_util.utcnow())
    return visitor_id("old 0")


async def test_visitors_of_a_day_ago_are_removed_without_a_ring(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ring(hass, sim, entry, call=False)
    await ring(hass, sim, entry, call=False)
    visitors = entry.runtime_data.visitors
    later = dt_util.utcnow() + timedelta(days=15)
    monkeypatch.setattr(dt_util, "utcnow", lambda: later)
    await visitors._async_check(later)
    assert len(rows(entry)) == 1


async def test_the_picture_of_an_earlier_version_is_kept(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, folder: Path, hass_storage: dict[str, Any]
) -> None:
    key = f"{DOMAIN}.{entry.entry_id}.visitors"
    assert await hass.config_entries.async_unload(entry.entry_id)
    picture, taken = b"\xff\xd8picture\xff\xd9", "2026-11-29T20:00:00+00:00"
    stored = {"last_visitor": [taken, base64.b64encode(picture).decode()]}
    stored["bell_7_last_visitor"] = ["2026-11-28T20:00:00+00:00", base64.b64encode(b"gone").decode()]
    hass_storage[key] = {"version": 1, "minor_version": 1, "key": key, "data": stored}
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert state_of(hass, entry, "image", "last_visitor") == taken
    assert await shown(hass, entry) == picture
    assert hass_storage[key]["data"].keys() == {"visitors"}
    assert sorted(path.read_bytes() for path in folder.iterdir()) == sorted([picture, b"gone"])
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert await shown(hass, entry) == picture


async def test_pictures_outlive_a_spoiled_index(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, folder: Path, hass_storage: dict[str, Any]
) -> None:
    key = f"{DOMAIN}.{entry.entry_id}.visitors"
    await ring(hass, sim, entry)
    before = await shown(hass, entry)
    assert await hass.config_entries.async_unload(entry.entry_id)
    hass_storage[key]["data"] = {"visitors": "spoiled"}
    (folder / "note.txt").write_text("of a person")
    (folder / "name.jpg").write_bytes(b"of a person")
    (folder / "tmpabc").write_bytes(b"of a write that a kill interrupted")
    (folder / f"{'1' * 32}.jpg").write_bytes(b"")  # after a power cut
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert await shown(hass, entry) == before
    assert len(rows(entry)) == 1
    assert {path.name for path in folder.iterdir()} == {"note.txt", "name.jpg", f"{rows(entry)[0].id}.jpg"}
    assert ir.async_get(hass).async_get_issue(DOMAIN, f"stored_data_{key}") is not None


async def test_an_invalid_stored_visitor_is_dropped(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, hass_storage: dict[str, Any]
) -> None:
    key = f"{DOMAIN}.{entry.entry_id}.visitors"
    await ring(hass, sim, entry)
    before = rows(entry)
    assert await hass.config_entries.async_unload(entry.entry_id)
    spoiled = deepcopy(hass_storage[key]["data"]["visitors"][0])
    for change in ({"id": "../../secrets"}, {"id": 7}, {"time": "yesterday"}, {"outcome": "eaten"}, {"size": "1"}):
        hass_storage[key]["data"]["visitors"].append(spoiled | {"id": "0" * 32} | change)
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert rows(entry) == before


async def test_a_missing_picture_file_shows_the_placeholder(
    hass: HomeAssistant,
    local_url: str,
    sim: Simulator,
    entry: ConfigEntry,
    folder: Path,
    hass_client: ClientSessionGenerator,
) -> None:
    await ring(hass, sim, entry)
    await until(lambda: not entry.runtime_data.visitors._unwritten, "the file")
    for path in folder.iterdir():
        path.unlink()
    client = await hass_client()
    response = await client.get(f"/api/{DOMAIN}/visitor/{entry.entry_id}/{rows(entry)[0].id}")
    assert response.status == HTTPStatus.NOT_FOUND
    placeholder = await shown(hass, entry)
    assert placeholder is not None
    assert placeholder.startswith(b"\xff\xd8")
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert [visitor.taken for visitor in rows(entry)] == [None]
    assert state_of(hass, entry, "image", "last_visitor") == "unknown"


async def test_a_picture_that_cannot_be_stored_is_still_shown(
    hass: HomeAssistant,
    sim: Simulator,
    entry: ConfigEntry,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(store, "_write", fail)
    for _ in range(10):
        await ring(hass, sim, entry, call=False)
    assert (await shown(hass, entry) or b"").startswith(b"\xff\xd8")
    assert "could not store the picture of a visitor: no space left" in caplog.text
    assert not folder.exists()
    assert len(entry.runtime_data.visitors._unwritten) <= store._MOST_UNWRITTEN


async def test_a_picture_that_could_not_be_stored_is_stored_before_a_reload(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as full:
        full.setattr(store, "_write", fail)
        await ring(hass, sim, entry, call=False)
        before = await shown(hass, entry)
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert await shown(hass, entry) == before
    assert rows(entry)[0].taken is not None


async def test_a_folder_that_cannot_be_read_does_not_prevent_the_setup(
    hass: HomeAssistant,
    sim: Simulator,
    entry: ConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(_: Path) -> None:
        raise PermissionError("not allowed")

    await ring(hass, sim, entry, call=False)
    before = rows(entry)
    monkeypatch.setattr(store, "_files", fail)
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert "could not read the pictures of visitors: not allowed" in caplog.text
    assert [visitor.id for visitor in rows(entry)] == [visitor.id for visitor in before]
    assert [visitor.taken for visitor in rows(entry)] == [visitor.taken for visitor in before]


async def test_a_failed_write_of_the_visitor_index_loses_no_ring(
    hass: HomeAssistant,
    sim: Simulator,
    entry: ConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(entry.runtime_data.visitors._store, "async_save", fail)
    await ring(hass, sim, entry, call=False)
    await ring(hass, sim, entry, call=False)
    assert "could not store the visitors: no space left" in caplog.text
    assert len(rows(entry)) == 2


async def test_the_image_is_a_placeholder_before_the_first_visitor(
    hass: HomeAssistant, local_url: str, entry: ConfigEntry, hass_client: ClientSessionGenerator
) -> None:
    client = await hass_client()
    response = await client.get(f"/api/image_proxy/{entity_id(hass, entry, 'image', 'last_visitor')}")
    assert response.status == HTTPStatus.OK
    assert Image.open(BytesIO(await response.read())).size == (640, 480)
    assert state_of(hass, entry, "image", "last_visitor") == "unknown"


@pytest.mark.parametrize("picture", [b"<script>", b"\x89PNG\r\n", b"RIFF....WEBP"])
async def test_a_stored_file_that_is_no_picture_is_sent_as_download(
    hass: HomeAssistant,
    local_url: str,
    sim: Simulator,
    entry: ConfigEntry,
    folder: Path,
    hass_client: ClientSessionGenerator,
    picture: bytes,
) -> None:
    await ring(hass, sim, entry)
    await until(lambda: not entry.runtime_data.visitors._unwritten, "the file")
    next(folder.iterdir()).write_bytes(picture)
    client = await hass_client()
    response = await client.get(f"/api/{DOMAIN}/visitor/{entry.entry_id}/{rows(entry)[0].id}")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert (response.content_type == "application/octet-stream") is picture.startswith(b"<")


async def browse(hass: HomeAssistant, identifier: str = "") -> Any:
    return await media_source.async_browse_media(hass, media_source.generate_media_source_id(DOMAIN, identifier))


async def test_the_media_browser_lists_visitors(
    hass: HomeAssistant,
    local_url: str,
    sim: Simulator,
    entry: ConfigEntry,
    hass_client: ClientSessionGenerator,
    hass_ws_client: WebSocketGenerator,
) -> None:
    await hass.config.async_set_time_zone("Europe/Berlin")
    session = await ring(hass, sim, entry)
    assert session is not None
    sim.terminate(session)
    await until(lambda: rows(entry)[0].outcome, "the outcome")
    root = await browse(hass)
    assert root.title == "Visitors"
    assert [child.title for child in root.children] == [entry.title]
    device = await browse(hass, root.children[0].identifier)
    at = dt_util.as_local(rows(entry)[0].time)
    assert [child.title for child in device.children] == [f"{at:%Y-%m-%d}"]
    day = await browse(hass, device.children[0].identifier)
    visitor = day.children[0]
    assert visitor.title.startswith(f"{at:%H:%M} ")
    assert visitor.title.endswith(" - Missed")
    client = await hass_client()
    assert (await client.get(visitor.thumbnail)).status == HTTPStatus.OK
    websocket = await hass_ws_client()
    wanted = media_source.generate_media_source_id(DOMAIN, visitor.identifier)
    response = await asked(websocket, type="media_source/resolve_media", media_content_id=wanted)
    assert response["result"]["mime_type"] == "image/jpeg"
    assert (await client.get(response["result"]["url"])).status == HTTPStatus.OK


@pytest.mark.parametrize("missing", ["visitors/unknown", "visitors/unknown/2026-11-30", "visitors/unknown/x/y"])
async def test_unknown_visitors_are_not_in_the_media_browser(
    hass: HomeAssistant, local_url: str, entry: ConfigEntry, missing: str
) -> None:
    with pytest.raises(media_source.MediaSourceError):
        await browse(hass, missing)
    for identifier in (missing, f"visitors/{entry.runtime_data.coordinator.device_id}/2026-11-30/unknown", "visitors"):
        with pytest.raises(media_source.Unresolvable):
            await media_source.async_resolve_media(hass, f"media-source://{DOMAIN}/{identifier}", None)
    assert (await browse(hass, "visitors")).children == []


@pytest.mark.parametrize("kind", MAY)
async def test_the_media_browser_checks_the_permission_for_visitors(
    local_url: str, hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, kind: str,
    hass_ws_client: WebSocketGenerator,
) -> None:  # fmt: skip
    device = entry.runtime_data.coordinator.device_id
    light = entity_id(hass, entry, "sensor", "call_state")
    user: User = await make_user(hass, kind, device=device, light=light, other="unknown")
    await ring(hass, sim, entry)
    may = kind in {"looks", "the device", "user", "administrator"}
    client = await hass_ws_client(hass, await access_token(hass, user))
    wanted = f"media-source://{DOMAIN}/visitors"
    response = await asked(client, type="media_source/browse_media", media_content_id=wanted)
    assert bool(response["result"]["children"]) is may
    response = await asked(client, type="media_source/browse_media", media_content_id=f"{wanted}/{device}")
    assert response["success"] is may
    one = f"{wanted}/{device}/2026-11-30/{rows(entry)[0].id}"
    response = await asked(client, type="media_source/resolve_media", media_content_id=one)
    assert response["success"] is may


async def test_the_visitor_options_are_stored(hass: HomeAssistant, entry: ConfigEntry) -> None:
    form: Any = await hass.config_entries.options.async_init(entry.entry_id)
    fields = {str(key): key for key in form["data_schema"].schema}
    assert fields["visitor_days"].default() == 14
    assert fields["visitor_storage"].default() == 200
    chosen = {"visitor_days": 3.0, "visitor_storage": 50.0, "stream": {}}
    result: Any = await hass.config_entries.options.async_configure(form["flow_id"], chosen)
    await hass.async_block_till_done()
    assert result["type"] == "create_entry"
    assert (entry.options["visitor_days"], entry.options["visitor_storage"]) == (3, 50)


async def test_a_visitor_does_not_concern_the_images_of_other_devices(
    hass: HomeAssistant, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With many devices, each visitor would be checked by the images of all of them."""
    told: list[str] = []
    tell = LastVisitorImage._async_visitors_changed

    def noted(image: LastVisitorImage, *arguments: str) -> None:
        told.append(image.entity_id)
        tell(image, *arguments)

    monkeypatch.setattr(LastVisitorImage, "_async_visitors_changed", callback(noted))
    identity = {"macAddr": "7C-1E-B3-00-00-77", "serialNumber": "50-0000-0077"}
    async with Simulator("verso", accounts=[Account(USERNAME, PASSWORD)], identity=identity) as other:
        entry = await add_intercom(hass, sim)
        await add_intercom(hass, other)
        await ring(hass, sim, entry)
        await until(lambda: told, "the image")
        await hass.async_block_till_done()
        assert {er.async_get(hass).entities[image].config_entry_id for image in told} == {entry.entry_id}


async def test_the_visitor_event_has_the_time_of_the_row(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    """The clock of the device may be wrong."""
    sim.advance_clock(-7200)
    await sim.wait_for_pull()
    session = sim.press("%1")
    assert session is not None
    sim.terminate(session)
    await until(lambda: state_of(hass, entry, "event", "visitor") != "unknown", "the outcome")
    state = hass.states.get(entity_id(hass, entry, "event", "visitor"))
    assert state is not None
    assert state.attributes["rang"] == rows(entry)[0].time.isoformat()
    assert dt_util.utcnow() - rows(entry)[0].time < timedelta(minutes=1)
