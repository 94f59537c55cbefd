"""Recordings of cameras: what there is, making one ready, saving it."""

from pathlib import Path
import re
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.util import dt as dt_util
import pytest

from tests.common import capture_log_events, command, refusal, state_of, until
from tests.mx_proxy.looking import shown, tells
from tests.simulators.smartyard import Dialect, Simulator

from .conftest import Start, add
from .test_flats import flat_command


def span(hours: int = 1) -> dict[str, Any]:
    """Return a while of this day."""
    end = dt_util.utcnow().replace(microsecond=0)
    start = end.timestamp() - 3600 * hours
    return {"start": dt_util.utc_from_timestamp(start).isoformat(), "end": end.isoformat()}


async def test_what_there_is_of_a_camera(hass: HomeAssistant, entry: ConfigEntry) -> None:
    found = await flat_command(hass, entry, "archive_ranges", "camera_42")
    ((recorded),) = found["ranges"]
    start, end = (dt_util.parse_datetime(recorded[key]) for key in ("start", "end"))
    assert start is not None
    assert end is not None
    assert (end - start).days == 7
    assert found["camera"] == "42"


async def test_the_device_says_which_camera(hass: HomeAssistant, entry: ConfigEntry) -> None:
    assert (await flat_command(hass, entry, "archive_ranges", "door_21_0"))["camera"] == "intercom_21"
    with pytest.raises(ServiceValidationError, match="intercom_21"):
        await flat_command(hass, entry, "archive_ranges", "flat_51")
    assert (await flat_command(hass, entry, "archive_ranges", "flat_51", camera="43"))["camera"] == "43"
    assert (await command(hass, entry, "archive_ranges", camera="Парковка"))["camera"] == "43"
    with pytest.raises(ServiceValidationError, match=re.escape("Парковка (43)")):
        await command(hass, entry, "archive_ranges")
    assert await refusal(hass, entry, "archive_ranges", camera="99") == "which_camera"


async def test_a_recording_is_saved_by_what_its_message_tells(
    hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry, files: Path
) -> None:
    await flat_command(hass, pushed, "archive_prepare", "camera_42", **span())
    sim.finish_films()
    told = await tells(hass, pushed, "message", "video_ready")
    target = files / "yard.mp4"
    saved = await command(hass, pushed, "archive_download", recording=told["text"], filename=str(target))
    assert saved == {"size": target.stat().st_size}


async def test_a_recording_is_saved_by_its_id(
    hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry, files: Path
) -> None:
    assert state_of(hass, pushed, "sensor", "recordings") == "none"
    recording = (await flat_command(hass, pushed, "archive_prepare", "camera_42", **span()))["recording"]
    assert shown(hass, pushed, "sensor", "recordings").attributes["preparing"] == [recording]
    assert state_of(hass, pushed, "sensor", "recordings") == "preparing"
    target = files / "yard.mp4"
    data = {"recording": recording, "filename": str(target)}
    assert await refusal(hass, pushed, "archive_download", **data) == "recording_not_ready"
    # The link lasts over a reload before the message, and over one after it.
    assert await hass.config_entries.async_reload(pushed.entry_id)
    await hass.async_block_till_done()
    assert state_of(hass, pushed, "sensor", "recordings") == "preparing"
    sim.finish_films()
    told = await tells(hass, pushed, "message", "video_ready")
    assert told["prepared"] == recording
    assert state_of(hass, pushed, "sensor", "recordings") == "ready"
    assert await hass.config_entries.async_reload(pushed.entry_id)
    await hass.async_block_till_done()
    saved = await command(hass, pushed, "archive_download", **data)
    assert saved == {"size": target.stat().st_size}


async def test_recordings_that_are_made_side_by_side_are_not_confused(
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
