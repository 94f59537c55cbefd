"""Actions for captures of network packets."""

from homeassistant.util.json import JsonObjectType
import probatio as vol

from ..entity import require_feature
from ..model.functions import Capture, Download
from ..runtime import IntercomRuntime
from .base import Action, Data, Needs
from .files import ATTR_FILENAME, ATTR_OVERWRITE, TARGET, check_writable, save

ATTR_DURATION = "duration"

_DAY = 86400


def _capture(runtime: IntercomRuntime) -> Capture:
    return require_feature(runtime.coordinator, runtime.coordinator.features.capture, "no_capture")


async def async_save(runtime: IntercomRuntime, download: Download, data: Data) -> JsonObjectType:
    """Write what a device sends to the file that an action names (``TARGET``) and return its size in bytes."""
    path, overwrite = data[ATTR_FILENAME], data[ATTR_OVERWRITE]
    await check_writable(runtime.coordinator.hass, path, overwrite)
    with runtime.coordinator.translating():
        async with download as stream:
            return {"size": await save(runtime.coordinator.hass, path, stream, overwrite)}


async def _download(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    return await async_save(runtime, _capture(runtime).download(), data)


async def _live(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    return await async_save(runtime, _capture(runtime).live(data[ATTR_DURATION]), data)


async def _stop_live(runtime: IntercomRuntime, data: Data) -> None:
    await runtime.coordinator.async_command(_capture(runtime).stop_live())


async def _stats(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    stats = await runtime.coordinator.async_command(_capture(runtime).stats())
    return {"running": stats.running, "bytes": stats.bytes_sent, "packets": stats.packets_sent}


async def _restart(runtime: IntercomRuntime, data: Data) -> None:
    await runtime.coordinator.async_command(_capture(runtime).restart())


async def _stop(runtime: IntercomRuntime, data: Data) -> None:
    await runtime.coordinator.async_command(_capture(runtime).stop())


ACTIONS = (
    Action("capture_download", _download, Needs.ADMIN, TARGET),
    Action(
        "capture_live",
        _live,
        Needs.ADMIN,
        {**TARGET, vol.Required(ATTR_DURATION): vol.All(vol.Coerce(int), vol.Range(min=1, max=_DAY))},
    ),
    Action("capture_live_stop", _stop_live, Needs.ADMIN),
    Action("capture_stats", _stats, Needs.ADMIN),
    Action("capture_restart", _restart, Needs.ADMIN),
    Action("capture_stop", _stop, Needs.ADMIN),
)
