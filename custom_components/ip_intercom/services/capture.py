"""Packet captures: for administrators only, because they contain all traffic of the device."""

from homeassistant.util.json import JsonObjectType
import probatio as vol

from ..coordinator import IntercomCoordinator
from ..entity import require_feature
from ..model.functions import Capture, Download
from .base import Action, Data, Needs
from .files import ATTR_FILENAME, ATTR_OVERWRITE, TARGET, check_writable, save

ATTR_DURATION = "duration"

_DAY = 86400


def _capture(coordinator: IntercomCoordinator) -> Capture:
    return require_feature(coordinator, coordinator.features.capture, "no_capture")


async def async_save(coordinator: IntercomCoordinator, download: Download, data: Data) -> JsonObjectType:
    """Write what a device sends to the file that an action names (``TARGET``) and return its size in bytes."""
    path, overwrite = data[ATTR_FILENAME], data[ATTR_OVERWRITE]
    await check_writable(coordinator.hass, path, overwrite)
    with coordinator.translating():
        async with download as stream:
            return {"size": await save(coordinator.hass, path, stream, overwrite)}


async def _download(coordinator: IntercomCoordinator, data: Data) -> JsonObjectType:
    return await async_save(coordinator, _capture(coordinator).download(), data)


async def _live(coordinator: IntercomCoordinator, data: Data) -> JsonObjectType:
    return await async_save(coordinator, _capture(coordinator).live(data[ATTR_DURATION]), data)


async def _stop_live(coordinator: IntercomCoordinator, data: Data) -> None:
    await coordinator.async_command(_capture(coordinator).stop_live())


async def _stats(coordinator: IntercomCoordinator, data: Data) -> JsonObjectType:
    stats = await coordinator.async_command(_capture(coordinator).stats())
    return {"running": stats.running, "bytes": stats.bytes_sent, "packets": stats.packets_sent}


async def _restart(coordinator: IntercomCoordinator, data: Data) -> None:
    await coordinator.async_command(_capture(coordinator).restart())


async def _stop(coordinator: IntercomCoordinator, data: Data) -> None:
    await coordinator.async_command(_capture(coordinator).stop())


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
