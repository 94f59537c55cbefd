"""Recordings of cameras."""

from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonObjectType
import probatio as vol

from ..entity import require_feature
from ..helpers.errors import request_refused
from ..model.residence import Archive
from ..runtime import IntercomRuntime
from .base import Action, Data, Fields, Needs
from .capture import async_save
from .files import TARGET
from .targets import ATTR_CAMERA, async_camera

ATTR_END = "end"
ATTR_RECORDING = "recording"
ATTR_START = "start"

_CAMERA: Fields = {vol.Optional(ATTR_CAMERA): cv.string}


def _archive(runtime: IntercomRuntime) -> Archive:
    return require_feature(runtime.coordinator, runtime.coordinator.features.archive, "no_archive")


async def _ranges(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    archive, camera = _archive(runtime), async_camera(runtime.coordinator, data)
    ranges = await runtime.coordinator.async_command(archive.ranges(camera))
    return {
        ATTR_CAMERA: camera,
        "ranges": [{ATTR_START: start.isoformat(), ATTR_END: end.isoformat()} for start, end in ranges],
    }


async def _prepare(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    archive, camera = _archive(runtime), async_camera(runtime.coordinator, data)
    start, end = dt_util.as_utc(data[ATTR_START]), dt_util.as_utc(data[ATTR_END])
    if end <= start:
        raise request_refused("recording_without_length")
    recording = await runtime.coordinator.async_command(archive.prepare(camera, start, end))
    runtime.coordinator.async_change(recordings=archive.recordings)
    return {ATTR_RECORDING: recording}


async def _download(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    return await async_save(runtime, _archive(runtime).download(data[ATTR_RECORDING]), data)


# A file may be read by others: for administrators.
ACTIONS = (
    Action("archive_ranges", _ranges, Needs.READ, _CAMERA),
    Action(
        "archive_prepare",
        _prepare,
        Needs.ADMIN,
        {**_CAMERA, vol.Required(ATTR_START): cv.datetime, vol.Required(ATTR_END): cv.datetime},
    ),
    Action(
        "archive_download",
        _download,
        Needs.ADMIN,
        {vol.Required(ATTR_RECORDING): cv.string, **TARGET},
    ),
)
