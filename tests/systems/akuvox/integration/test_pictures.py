"""Pictures and streams of a door phone, with the login of RTSP."""

from http import HTTPStatus

from homeassistant.components.camera import async_get_image, async_get_stream_source
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.ip_intercom.const import DOMAIN
from tests.common import entity_id, until
from tests.simulators.akuvox.camera import Broken

from .conftest import Start, add


@pytest.mark.parametrize("dialect", ["e18", "e16c", "r29"])
async def test_each_camera_has_a_snapshot_and_a_stream_address(
    hass: HomeAssistant, device: Start, dialect: str
) -> None:
    sim = await device(dialect)
    entry = await add(hass, sim)
    for camera in ("main", "sub"):
        image = await async_get_image(hass, entity_id(hass, entry, "camera", f"camera_{camera}"))
        assert image.content.startswith(b"\xff\xd8")
    addresses = [
        await async_get_stream_source(hass, entity_id(hass, entry, "camera", f"camera_{camera}"))
        for camera in ("main", "sub")
    ]
    assert addresses == [f"rtsp://admin:admin@127.0.0.1:554/live/ch00_{stream}" for stream in (0, 1)]


@pytest.mark.parametrize("how", list(Broken))
async def test_an_invalid_snapshot_is_an_error(hass: HomeAssistant, device: Start, how: Broken) -> None:
    """Newer firmware answers every path with its web page and status 200."""
    sim = await device("e16c")
    entry = await add(hass, sim)
    camera = entity_id(hass, entry, "camera", "camera_main")
    sim.break_snapshots(how)
    with pytest.raises(HomeAssistantError):
        await async_get_image(hass, camera)
    assert (await async_get_image(hass, camera)).content.startswith(b"\xff\xd8")


async def test_the_device_streams_motion_jpeg_only_while_it_is_watched(
    hass: HomeAssistant, device: Start, hass_client: ClientSessionGenerator
) -> None:
    sim = await device("r29")
    entry = await add(hass, sim)
    client = await hass_client()
    camera = entity_id(hass, entry, "camera", "camera_main")
    async with client.get(f"/api/camera_proxy_stream/{camera}") as response:
        assert response.status == HTTPStatus.OK
        assert b"\xff\xd8" in await response.content.read(4096)
        assert sim.camera.streams == 1
    await until(lambda: sim.camera.streams == 0, "the stream to be closed")


async def test_a_missing_picture_login_is_a_repair(hass: HomeAssistant, device: Start) -> None:
    sim = await device("r29")
    entry = await add(hass, sim, stream_username="", stream_password="")
    issues = [issue.translation_key for issue in ir.async_get(hass).issues.values() if issue.domain == DOMAIN]
    assert issues == ["stream_login"]
    hass.config_entries.async_update_entry(
        entry, options={**entry.options, "stream_username": "admin", "stream_password": "admin"}
    )
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert not [issue for issue in ir.async_get(hass).issues.values() if issue.domain == DOMAIN]


async def test_a_press_updates_the_last_visitor_picture(
    hass: HomeAssistant, device: Start, hass_client: ClientSessionGenerator
) -> None:
    sim = await device("e16c")
    entry = await add(hass, sim)
    client = await hass_client()
    image = entity_id(hass, entry, "image", "last_visitor")
    await until(lambda: any(request.function == "call/status" for request in sim.requests))
    before = hass.states.get(image)
    assert sim.press()
    await until(lambda: hass.states.get(image) != before, "the picture")
    async with client.get(f"/api/image_proxy/{image}") as response:
        assert (await response.read()).startswith(b"\xff\xd8")
