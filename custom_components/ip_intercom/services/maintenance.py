"""Maintenance: clock, restart, configuration, factory reset."""

from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonObjectType
import probatio as vol

from ..entity import require_feature
from ..helpers.errors import request_refused
from ..model.functions import Maintenance
from ..runtime import IntercomRuntime
from .base import Action, Data, Fields, Needs
from .capture import async_save
from .files import ATTR_FILENAME, TARGET, payload

ATTR_CONFIRMATION = "confirmation"

_FILENAME: Fields = {vol.Required(ATTR_FILENAME): cv.string}


def _maintenance(runtime: IntercomRuntime) -> Maintenance:
    return require_feature(runtime.coordinator, runtime.coordinator.features.maintenance, "no_maintenance")


async def async_restart(runtime: IntercomRuntime) -> None:
    """Restart the device."""
    await runtime.coordinator.async_command(_maintenance(runtime).restart())


async def async_sync_clock(runtime: IntercomRuntime) -> None:
    """Set the device's clock to Home Assistant's."""
    clock = require_feature(runtime.coordinator, runtime.coordinator.features.clock, "no_maintenance")
    now = await runtime.coordinator.async_command(clock.read())
    if now.automatic and now.set:
        raise request_refused("clock_automatic", device=runtime.coordinator.name)
    # A server that it cannot reach may be reached later.
    await runtime.coordinator.async_command(clock.set_time(dt_util.utcnow(), keep_server=bool(now.automatic)))
    runtime.coordinator.async_change(clock=await runtime.coordinator.async_command(clock.read()))


async def _download_config(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    return await async_save(runtime, _maintenance(runtime).download_config(), data)


async def _upload_config(runtime: IntercomRuntime, data: Data) -> None:
    maintenance = _maintenance(runtime)
    async with payload(runtime.coordinator.hass, data[ATTR_FILENAME]) as source:
        await runtime.coordinator.async_command(maintenance.upload_config(source))


async def _factory_reset(runtime: IntercomRuntime, data: Data) -> None:
    name = runtime.coordinator.description.identity.name
    if data[ATTR_CONFIRMATION] != name:
        raise request_refused("confirmation_wrong", name=name)
    await runtime.coordinator.async_command(_maintenance(runtime).factory_reset())


ACTIONS = (
    Action("download_config", _download_config, Needs.ADMIN, TARGET),
    Action("upload_config", _upload_config, Needs.ADMIN, _FILENAME),
    Action("factory_reset", _factory_reset, Needs.ADMIN, {vol.Required(ATTR_CONFIRMATION): cv.string}),
)
