"""The picture: snapshot, motion JPEG, stream, last visitor."""

from http import HTTPStatus
from io import BytesIO
import json
from pathlib import Path
from typing import Any

from homeassistant.components.camera import async_get_image, async_get_stream_source
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from PIL import Image
import probatio as vol
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from tests.common import act, add_intercom, entity_id, state_of, until
from tests.simulators.two_n import Simulator


def snapshots(sim: Simulator) -> list[dict[str, str]]:
    return [request.query for request in sim.requests if request.path == "/api/camera/snapshot"]


@pytest.mark.parametrize(
    ("asked", "size"), [((None, None), (1280, 960)), ((300, 200), (320, 240)), ((5000, 5000), (1280, 960))]
)
async def test_a_snapshot_has_a_size_that_the_device_has(
    hass: HomeAssistant,
    sim: Simulator,
    entry: ConfigEntry,
    asked: tuple[int | None, int | None],
    size: tuple[int, int],
) -> None:
    image = await async_get_image(
        hass, entity_id(hass, entry, "camera", "camera_internal"), width=asked[0], height=asked[1]
    )
    assert image.content_type == "image/jpeg"
    query = snapshots(sim)[-1]
    assert (int(query["width"]), int(query["height"])) == size
    assert query["source"] == "internal"


async def test_each_source_is_a_camera(hass: HomeAssistant, sockets: None) -> None:
    async with Simulator("vario") as sim:
        entry = await add_intercom(hass, sim)
        await async_get_image(hass, entity_id(hass, entry, "camera", "camera_external"))
        assert snapshots(sim)[-1]["source"] == "external"


async def test_a_broken_picture_is_an_error(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    sim.garbage("camera/snapshot", "html")
    with pytest.raises(HomeAssistantError):
        await async_get_image(hass, entity_id(hass, entry, "camera", "camera_internal"))


async def test_the_device_streams_motion_jpeg_only_while_it_is_watched(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, hass_client: ClientSessionGenerator
) -> None:
    client = await hass_client()
    camera = entity_id(hass, entry, "camera", "camera_internal")
    response = await client.get(f"/api/camera_proxy_stream/{camera}")
    assert response.status == HTTPStatus.OK
    assert response.content_type == "multipart/x-mixed-replace"
    assert b"\xff\xd8" in await response.content.readexactly(2000)
    assert sim.camera.streams == 1
    response.close()
    await until(lambda: sim.camera.streams == 0, "the device's stream to end")


async def test_a_motion_jpeg_stream_that_fails_is_a_bad_gateway(
    hass: HomeAssistant,
    sim: Simulator,
    entry: ConfigEntry,
    hass_client: ClientSessionGenerator,
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = await hass_client()
    sim.disable("camera")
    response = await client.get(f"/api/camera_proxy_stream/{entity_id(hass, entry, 'camera', 'camera_internal')}")
    assert response.status == HTTPStatus.BAD_GATEWAY
    assert "Traceback" not in caplog.text


async def test_the_stream_uses_the_stream_account(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    camera = entity_id(hass, entry, "camera", "camera_internal")
    state = hass.states.get(camera)
    assert state is not None
    assert state.attributes["supported_features"] == 0

    options = {"stream_username": "viewer", "stream_password": "p@ss/w", "stream_path": "h264_stream?x=1"}
    hass.config_entries.async_update_entry(entry, options=options)
    await hass.config_entries.async_reload(entry.entry_id)
    await sim.wait_for_pull()
    address = await async_get_stream_source(hass, camera)
    assert address == "rtsp://viewer:p%40ss%2Fw@127.0.0.1:554/h264_stream?x=1"
    state = hass.states.get(camera)
    assert state is not None
    assert state.attributes["supported_features"] == 2
    assert "p@ss" not in str(state.attributes)


async def test_the_last_visitor_is_pictured(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, hass_client: ClientSessionGenerator
) -> None:
    assert state_of(hass, entry, "image", "last_visitor") == "unknown"
    client = await hass_client()
    image = entity_id(hass, entry, "image", "last_visitor")
    sim.press("%2")
    await until(lambda: state_of(hass, entry, "image", "last_visitor") != "unknown")
    response = await client.get(f"/api/image_proxy/{image}")
    assert response.status == HTTPStatus.OK
    assert Image.open(BytesIO(await response.read())).size == (1280, 960)


async def test_a_visitor_without_a_picture_still_rings(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    sim.disable("camera")
    sim.press("%1")
    await until(lambda: state_of(hass, entry, "event", "bell_1") != "unknown")
    await until(lambda: any(request.path == "/api/camera/snapshot" for request in sim.requests))
    await hass.async_block_till_done(wait_background_tasks=False)
    assert state_of(hass, entry, "image", "last_visitor") == "unknown"


def facts(picture: bytes) -> dict[str, Any]:
    """Return what the simulated camera wrote into a picture."""
    told: dict[str, Any] = json.loads(Image.open(BytesIO(picture)).info["comment"])
    return told


async def test_the_visitor_image_is_from_the_time_of_the_press(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, hass_client: ClientSessionGenerator
) -> None:
    sim.emit("UserActionActivated", id=1, state="in")  # a prompt event shows how old others are
    await until(lambda: any(request.path == "/api/log/pull" for request in sim.requests))
    await sim.wait_for_pull()
    image = entity_id(hass, entry, "image", "last_visitor")
    pressed_at = sim.clock.utc()
    # The news of it is three seconds on its way.
    uptime = sim.clock.uptime
    sim.log.append("KeyPressed", {"key": "%2"}, sim.clock.stamp(uptime() - 3))
    await until(lambda: state_of(hass, entry, "image", "last_visitor") != "unknown")
    client = await hass_client()
    picture = await (await client.get(f"/api/image_proxy/{image}")).read()
    assert abs(facts(picture)["utcTime"] - (pressed_at - 3)) <= 1
    assert int(snapshots(sim)[-1]["time"]) in {-2, -3}


async def test_a_prompt_ring_takes_the_current_picture(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    sim.press("%1")
    await until(lambda: state_of(hass, entry, "image", "last_visitor") != "unknown")
    assert "time" not in snapshots(sim)[-1]


async def test_a_snapshot_is_saved_to_a_file(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, files: Path
) -> None:
    camera = entity_id(hass, entry, "camera", "camera_internal")
    path = files / "door.jpg"
    answer = await act(
        hass, "ip_intercom.snapshot", True, entity_id=camera, filename=str(path), seconds_back=10, width=600, height=400
    )
    assert answer == {camera: {"size": path.stat().st_size}}
    assert snapshots(sim)[-1] == {"source": "internal", "width": "640", "height": "480", "time": "-10"}
    assert abs(facts(path.read_bytes())["utcTime"] - (sim.clock.utc() - 10)) <= 1
    with pytest.raises(HomeAssistantError) as failed:
        await act(hass, "ip_intercom.snapshot", True, entity_id=camera, filename="/etc/door.jpg")
    assert failed.value.translation_key == "path_not_allowed"
    with pytest.raises(vol.Invalid):
        await act(hass, "ip_intercom.snapshot", True, entity_id=camera, filename=str(path), seconds_back=31)
