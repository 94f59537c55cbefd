"""A ring: the doorbell, the duration, and the visitor."""

from http import HTTPStatus
from io import BytesIO
import json
from typing import Any

from homeassistant.components.camera import async_get_image, async_get_stream_source
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.setup import async_setup_component
from PIL import Image
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from tests.common import capture_changes, capture_log_events, entity_id, state_of, until
from tests.entity_states import entity_state, wait_for_state
from tests.simulators.smartyard import Simulator, cameras
from tests.simulators.smartyard.video import one_frame


def requests(sim: Simulator, function: str) -> list[Any]:
    return [request for request in sim.requests if request.path.startswith(f"/mobile{function}")]


async def test_a_pushed_ring_shows_its_caller_and_apartment(
    hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry
) -> None:
    events = capture_log_events(hass)
    secret = sim.ring(21)
    await wait_for_state(hass, pushed, "binary_sensor", "bell_21_ringing", "on")
    rang = entity_state(hass, pushed, "event", "bell_21")
    assert rang.attributes["event_type"] == "ring"
    assert (rang.attributes["caller"], rang.attributes["flat"]) == ("Подъезд 1", "7")
    assert state_of(hass, pushed, "event", "bell_22") == "unknown"
    assert state_of(hass, pushed, "binary_sensor", "bell_22_ringing") == "off"
    assert secret not in json.dumps([event.data for event in events], default=str)
    assert all(secret not in str(state.attributes) for state in hass.states.async_all())


async def test_a_bell_stops_ringing_after_its_time(hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry) -> None:
    sim.set_push_ttl(1)
    sim.ring(22)
    await wait_for_state(hass, pushed, "binary_sensor", "bell_22_ringing", "on")
    await wait_for_state(hass, pushed, "binary_sensor", "bell_22_ringing", "off")


async def test_callers_are_not_recorded(hass: HomeAssistant, entry: ConfigEntry) -> None:
    component: Any = hass.data["event"]
    bell, message = (component.get_entity(entity_id(hass, entry, "event", key)) for key in ("bell_21", "message"))
    assert {"caller", "flat"} <= bell._Entity__combined_unrecorded_attributes
    assert {"id", "title", "text"} <= message._Entity__combined_unrecorded_attributes


async def test_the_picture_of_the_ring_is_fetched_at_once(
    hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry, hass_client_no_auth: ClientSessionGenerator
) -> None:
    assert state_of(hass, pushed, "image", "bell_21_last_visitor") == "unknown"
    secret = sim.ring(21)
    await until(lambda: state_of(hass, pushed, "image", "bell_21_last_visitor") != "unknown", "the picture")
    image = entity_state(hass, pushed, "image", "bell_21_last_visitor")
    assert [request.status for request in requests(sim, "/call/camshot/")] == [HTTPStatus.OK]
    client = await hass_client_no_auth()
    response = await client.get(image.attributes["entity_picture"])
    assert response.status == HTTPStatus.OK
    assert Image.open(BytesIO(await response.read())).format == "JPEG"
    assert secret not in image.attributes["entity_picture"]
    assert state_of(hass, pushed, "image", "bell_22_last_visitor") == "unknown"


async def test_a_ring_without_a_picture_gets_a_current_one(
    hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry
) -> None:
    sim.refuse(f"/call/camshot/{sim.ring(21)}", 404, None)
    await until(lambda: state_of(hass, pushed, "image", "bell_21_last_visitor") != "unknown", "the picture")
    assert [request.status for request in requests(sim, "/call/live/")] == [HTTPStatus.OK]
    assert not any(request.host == "flussonic" for request in sim.requests)


async def test_a_ring_without_pictures_gets_one_of_the_camera(
    hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry
) -> None:
    sim.make_thumbnails()
    ring = sim.ring(21)
    for name in ("camshot", "live"):
        sim.refuse(f"/call/{name}/{ring}", 404, None)
    await until(lambda: state_of(hass, pushed, "image", "bell_21_last_visitor") != "unknown", "the picture")
    assert any(request.host == "flussonic" for request in sim.requests)


async def test_a_visitor_without_any_picture_still_rings(
    hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry
) -> None:
    sim.refuse_camera(45, 100)
    ring = sim.ring(22)
    for name in ("camshot", "live"):
        sim.refuse(f"/call/{name}/{ring}", 404, None)
    await wait_for_state(hass, pushed, "binary_sensor", "bell_22_ringing", "on")
    await until(lambda: requests(sim, "/call/camshot/"), "the picture to be asked for")
    # Twice, since the token may have been too old.
    await until(lambda: sum(request.host == "forpost" for request in sim.requests) > 1, "the camera to be asked")
    await hass.async_block_till_done(wait_background_tasks=False)
    assert entity_state(hass, pushed, "event", "bell_22").attributes["event_type"] == "ring"
    assert state_of(hass, pushed, "image", "bell_22_last_visitor") == "unknown"


async def test_cameras_stream_and_show_stills(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    camera = entity_id(hass, entry, "camera", "camera_43")
    assert entity_state(hass, entry, "camera", "camera_43").attributes["supported_features"] == 2
    assert (await async_get_image(hass, camera)).content.startswith(b"\xff\xd8")
    address = await async_get_stream_source(hass, camera)
    assert address is not None
    assert address.startswith("http://127.0.0.1:")


async def streaming(hass: HomeAssistant, entry: ConfigEntry) -> Any:
    """Return a camera whose stream Home Assistant can begin."""
    assert await async_setup_component(hass, "stream", {})
    component: Any = hass.data["camera"]
    return component.get_entity(entity_id(hass, entry, "camera", "camera_42"))


async def test_a_stream_gets_another_address_when_its_token_has_ended(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    camera = await streaming(hass, entry)

    def token() -> str:
        found = sim.town.camera(42)
        assert found is not None
        return found.token

    stream = await camera.async_create_stream()
    assert token() in stream.source
    sim.renew_camera_token(42)
    assert token() not in stream.source
    assert await camera.async_create_stream() is stream
    assert token() in stream.source
    stream.add_provider("hls")  # a client watches
    try:
        sim.renew_camera_token(42)
        asked = len(sim.requests)
        assert await camera.async_create_stream() is stream
        assert len(sim.requests) == asked
        sim.refuse("cctv/all", 555)
        for _ in range(2):
            stream._async_update_state(False)  # as its worker does where it broke off
        await until(lambda: token() in stream.source, "the new address")
    finally:
        await stream.stop()


async def test_a_stream_that_outlives_its_camera_asks_for_no_address(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    camera = await streaming(hass, entry)
    stream = await camera.async_create_stream()
    assert await hass.config_entries.async_unload(entry.entry_id)
    asked = len(sim.requests)
    stream._async_update_state(False)  # as its worker does where it broke off
    await hass.async_block_till_done(wait_background_tasks=True)
    assert len(sim.requests) == asked


async def test_a_still_is_made_of_a_preview_film(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    """Nimble has only films, and Flussonic makes JPEGs only if configured."""
    sim.make_thumbnails(False)
    for key in ("camera_42", "camera_intercom_21"):
        still = Image.open(BytesIO((await async_get_image(hass, entity_id(hass, entry, "camera", key))).content))
        assert still.format == "JPEG"
        assert min(still.size) >= 100
    assert any(request.path.endswith("preview.mp4") for request in sim.requests)


async def test_an_invalid_preview_film_is_an_error(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cameras, "one_frame", lambda jpeg: one_frame(jpeg)[:100])
    with pytest.raises(HomeAssistantError) as failed:
        await async_get_image(hass, entity_id(hass, entry, "camera", "camera_42"))
    assert failed.value.translation_key == "unexpected_reply"


async def test_stills_are_streamed_without_motion_jpeg(
    hass: HomeAssistant, entry: ConfigEntry, hass_client: ClientSessionGenerator
) -> None:
    client = await hass_client()
    response = await client.get(f"/api/camera_proxy_stream/{entity_id(hass, entry, 'camera', 'camera_43')}")
    assert response.status == HTTPStatus.OK
    assert b"\xff\xd8" in await response.content.readexactly(500)
    response.close()


async def test_a_stream_of_stills_ends_with_the_first_failure(
    hass: HomeAssistant,
    entry: ConfigEntry,
    hass_client: ClientSessionGenerator,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(cameras, "one_frame", lambda jpeg: one_frame(jpeg)[:100])
    client = await hass_client()
    response = await client.get(f"/api/camera_proxy_stream/{entity_id(hass, entry, 'camera', 'camera_42')}")
    assert response.status == HTTPStatus.OK
    assert await response.read() == b""
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(("outcome", "expected"), [("answer", "answered"), ("open", "opened"), ("walk away", "missed")])
async def test_the_history_sets_the_outcome_of_a_visit(
    hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry, outcome: str, expected: str
) -> None:
    visitor = entity_id(hass, pushed, "event", "door_21_0_visitor")
    changes = capture_changes(hass, pushed, "event")
    ring = sim.ring(21)
    await until(lambda: changes, "the ring")
    if outcome == "walk away":
        sim.walk_away(ring)
    else:
        sim.answer(ring, opened=outcome == "open")
    await until(lambda: visitor in changes, "the record")
    state = hass.states.get(visitor)
    assert state is not None
    assert state.attributes["event_type"] == expected
    assert changes.count(visitor) == 1
