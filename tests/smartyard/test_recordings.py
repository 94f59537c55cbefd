"""Recordings of cameras: what there is, making one ready, saving it."""

from pathlib import Path
import re
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.util import dt as dt_util
import pytest

from tests.common import command, refusal
from tests.mx_proxy.looking import tells
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


async def test_a_recording_is_saved(hass: HomeAssistant, device: Start, files: Path) -> None:
    sim = await device(dialect=Dialect.AXIOS)
    entry = await add(hass, sim)
    recording = (await flat_command(hass, entry, "archive_prepare", "camera_42", **span()))["recording"]
    target = files / "yard.mp4"
    data = {"recording": recording, "filename": str(target)}
    assert await refusal(hass, entry, "archive_download", **data) == "no_data"
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
