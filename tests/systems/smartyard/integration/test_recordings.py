"""Recordings of cameras: listing, preparing, and saving them."""

from pathlib import Path
import re
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.util import dt as dt_util
import pytest

from tests.common import capture_log_events, command, refusal, state_of, until
from tests.entity_states import entity_state, wait_for_event
from tests.simulators.smartyard import Dialect, Simulator

from .conftest import Start, add
from .test_flats import flat_command


def span(hours: int = 1) -> dict[str, Any]:
    """Return a period of this day."""
    end = dt_util.utcnow().replace(microsecond=0)
    start = end.timestamp() - 3600 * hours
    return {"start": dt_util.utc_from_timestamp(start).isoformat(), "end": end.isoformat()}


async def test_the_archive_ranges_of_a_camera_are_returned(hass: HomeAssistant, entry: ConfigEntry) -> None:
    found = await flat_command(hass, entry, "archive_ranges", "camera_42")
    ((recorded),) = found["ranges"]
    start, end = (dt_util.parse_datetime(recorded[key]) for key in ("start", "end"))
    assert start is not None
    assert end is not None
    assert (end - start).days == 7
    assert found["camera"] == "42"


async def test_the_target_device_selects_the_camera(hass: HomeAssistant, entry: ConfigEntry) -> None:
    assert (await flat_command(hass, entry, "archive_ranges", "door_21_0"))["camera"] == "intercom_21"
    with pytest.raises(ServiceValidationError, match="intercom_21"):
        await flat_command(hass, entry, "archive_ranges", "flat_51")
    assert (await flat_command(hass, entry, "archive_ranges", "flat_51", camera="43"))["camera"] == "43"
    assert (await command(hass, entry, "archive_ranges", camera="Парковка"))["camera"] == "43"
    with pytest.raises(ServiceValidationError, match=re.escape("Парковка (43)")):
        await command(hass, entry, "archive_ranges")
    assert await refusal(hass, entry, "archive_ranges", camera="99") == "which_camera"


async def test_a_recording_is_saved_by_the_id_of_its_message(
    hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry, files: Path
) -> None:
    await flat_command(hass, pushed, "archive_prepare", "camera_42", **span())
    sim.finish_films()
    told = await wait_for_event(hass, pushed, "message", "video_ready")
    target = files / "yard.mp4"
    saved = await command(hass, pushed, "archive_download", recording=told["text"], filename=str(target))
    assert saved == {"size": target.stat().st_size}


async def test_a_recording_is_saved_by_its_id(
    hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry, files: Path
) -> None:
    assert state_of(hass, pushed, "sensor", "recordings") == "none"
    recording = (await flat_command(hass, pushed, "archive_prepare", "camera_42", **span()))["recording"]
    assert entity_state(hass, pushed, "sensor", "recordings").attributes["preparing"] == [recording]
    assert state_of(hass, pushed, "sensor", "recordings") == "preparing"
    target = files / "yard.mp4"
    data = {"recording": recording, "filename": str(target)}
    assert await refusal(hass, pushed, "archive_download", **data) == "recording_not_ready"
    # The link lasts over a reload before the message, and over one after it.
    assert await hass.config_entries.async_reload(pushed.entry_id)
    await hass.async_block_till_done()
    assert state_of(hass, pushed, "sensor", "recordings") == "preparing"
    sim.finish_films()
    told = await wait_for_event(hass, pushed, "message", "video_ready")
    assert told["prepared"] == recording
    assert state_of(hass, pushed, "sensor", "recordings") == "ready"
    assert await hass.config_entries.async_reload(pushed.entry_id)
    await hass.async_block_till_done()
    saved = await command(hass, pushed, "archive_download", **data)
    assert saved == {"size": target.stat().st_size}


async def test_parallel_recordings_without_description_need_their_id(
    hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry, files: Path
) -> None:
    events, target = capture_log_events(hass), {"filename": str(files / "yard.mp4"), "overwrite": True}
    both = [
        (await flat_command(hass, pushed, "archive_prepare", camera, **span()))["recording"]
        for camera in ("camera_42", "camera_43")
    ]
    sim.finish_films()
    await until(lambda: state_of(hass, pushed, "sensor", "recordings") == "ready", "both messages")
    for recording in both:
        assert await refusal(hass, pushed, "archive_download", recording=recording, **target) == "recording_unclear"
    films = [item.data["data"]["recording"] for item in events if item.data["type"] == "Message"]
    assert len(set(films)) == 2
    for film in films:
        assert (await command(hass, pushed, "archive_download", recording=film, **target))["size"]
    # The next one is clear again.
    alone = (await flat_command(hass, pushed, "archive_prepare", "camera_42", **span(2)))["recording"]
    sim.finish_films()
    await until(lambda: state_of(hass, pushed, "sensor", "recordings") == "ready", "its message")
    assert (await command(hass, pushed, "archive_download", recording=alone, **target))["size"]


async def test_a_recording_is_saved(hass: HomeAssistant, device: Start, files: Path) -> None:
    sim = await device(dialect=Dialect.AXIOS)
    entry = await add(hass, sim)
    recording = (await flat_command(hass, entry, "archive_prepare", "camera_42", **span()))["recording"]
    target = files / "yard.mp4"
    data = {"recording": recording, "filename": str(target)}
    assert await refusal(hass, entry, "archive_download", **data) == "recording_not_ready"
    assert not target.exists()
    sim.finish_films()
    saved = await command(hass, entry, "archive_download", **data)
    assert saved == {"size": target.stat().st_size}
    assert target.stat().st_size
    assert await refusal(hass, entry, "archive_download", recording=recording, filename="/etc/yard.mp4") == (
        "path_not_allowed"
    )


async def test_a_recording_has_a_length(hass: HomeAssistant, entry: ConfigEntry) -> None:
    with pytest.raises(ServiceValidationError) as failed:
        await flat_command(hass, entry, "archive_prepare", "camera_42", **span(0))
    assert failed.value.translation_key == "recording_without_length"


# -- messages about other recordings ----------------------------------------------------------------


async def ordered_elsewhere(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, camera: int = 43
) -> tuple[str, str, str]:
    """Return the id of a recording that is in preparation, its uuid, and that of one that the app has asked for."""
    recording = (await flat_command(hass, entry, "archive_prepare", "camera_42", **span()))["recording"]
    now = sim.clock.utc()
    return recording, sim.cctv.films[-1].uuid, sim.order_film(camera, now - 7200, now - 5400)


async def films_told(hass: HomeAssistant, events: list[Any], count: int) -> None:
    await until(lambda: len([item for item in events if item.data["type"] == "Message"]) == count, "the messages")


async def saved(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, recording: str, files: Path) -> str:
    """Save a recording, and return the one that was requested from the server."""
    target = {"filename": str(files / "yard.mp4"), "overwrite": True}
    await command(hass, entry, "archive_download", recording=recording, **target)
    return [request for request in sim.requests if request.function == "/cctv/download/{uuid}"][-1].path.rpartition(
        "/"
    )[2]


async def test_a_later_message_corrects_the_assigned_recording(
    hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry, files: Path
) -> None:
    events = capture_log_events(hass)
    recording, ours, other = await ordered_elsewhere(hass, sim, pushed)
    for count, film in enumerate((other, ours), 1):
        sim.finish_film(film)
        await films_told(hass, events, count)
    assert await saved(hass, sim, pushed, recording, files) == ours


@pytest.mark.parametrize("order", ["first", "last"])
@pytest.mark.parametrize("camera", [42, 43])
async def test_the_text_of_a_message_identifies_its_recording(
    hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry, files: Path, order: str, camera: int
) -> None:
    sim.describe_films()
    events = capture_log_events(hass)
    recording, ours, other = await ordered_elsewhere(hass, sim, pushed, camera)
    films = (ours, other) if order == "first" else (other, ours)
    sim.finish_film(films[0])
    await films_told(hass, events, 1)
    is_ready = state_of(hass, pushed, "sensor", "recordings") == "ready"
    assert is_ready is (order == "first")
    sim.finish_film(films[1])
    await films_told(hass, events, 2)
    assert await saved(hass, sim, pushed, recording, files) == ours
    told = [item.data["data"] for item in events if item.data["type"] == "Message"]
    prepared = {one["recording"]: one.get("prepared") for one in told}
    assert prepared == {ours: recording, other: None}
    assert await hass.config_entries.async_reload(pushed.entry_id)
    assert await saved(hass, sim, pushed, recording, files) == ours


async def test_parallel_recordings_are_identified_by_their_cameras(
    hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry, files: Path
) -> None:
    sim.describe_films()
    events, when = capture_log_events(hass), span()
    made = [
        (await flat_command(hass, pushed, "archive_prepare", camera, **when))["recording"]
        for camera in ("camera_42", "camera_43")
    ]
    films = [film.uuid for film in sim.cctv.films]
    sim.finish_films()
    await films_told(hass, events, 2)
    assert [await saved(hass, sim, pushed, recording, files) for recording in made] == films


async def test_a_download_address_of_another_host_is_ignored(
    hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry, files: Path
) -> None:
    events = capture_log_events(hass)
    recording, ours, other = await ordered_elsewhere(hass, sim, pushed)
    sim.message(f"Скачать: https://elsewhere.example/mobile/cctv/download/{other}", "Видео готово")
    await films_told(hass, events, 1)
    assert "recording" not in events[0].data["data"]
    assert state_of(hass, pushed, "sensor", "recordings") == "preparing"
    sim.finish_film(ours)
    await films_told(hass, events, 2)
    assert await saved(hass, sim, pushed, recording, files) == ours
