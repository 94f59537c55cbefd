"""Actions for maintenance: restart, clock, configuration, captures, settings, firmware."""

import asyncio
from dataclasses import replace
import time
from typing import Any, cast

from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonArrayType, JsonObjectType
import probatio as vol

from ..entity import require_feature
from ..helpers.errors import request_refused, translated_error
from ..model.functions import Capture, FirmwareControl, Maintenance, Settings
from ..model.parts import Firmware, StagedFirmware
from ..runtime import IntercomRuntime
from .base import Action, Data, Fields, Needs
from .files import ATTR_FILENAME, TARGET, async_save, payload

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
    # The time server may become reachable later.
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


_MAINTENANCE_ACTIONS = (
    Action("download_config", _download_config, Needs.ADMIN, TARGET),
    Action("upload_config", _upload_config, Needs.ADMIN, _FILENAME),
    Action("factory_reset", _factory_reset, Needs.ADMIN, {vol.Required(ATTR_CONFIRMATION): cv.string}),
)


ATTR_DURATION = "duration"

_DAY = 86400


def _capture(runtime: IntercomRuntime) -> Capture:
    return require_feature(runtime.coordinator, runtime.coordinator.features.capture, "no_capture")


async def _download_capture(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    return await async_save(runtime, _capture(runtime).download(), data)


async def _record_live(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    return await async_save(runtime, _capture(runtime).live(data[ATTR_DURATION]), data)


async def _stop_live(runtime: IntercomRuntime, data: Data) -> None:
    await runtime.coordinator.async_command(_capture(runtime).stop_live())


async def _get_capture_stats(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    stats = await runtime.coordinator.async_command(_capture(runtime).stats())
    return {"running": stats.running, "bytes": stats.bytes_sent, "packets": stats.packets_sent}


async def _restart_capture(runtime: IntercomRuntime, data: Data) -> None:
    await runtime.coordinator.async_command(_capture(runtime).restart())


async def _stop_capture(runtime: IntercomRuntime, data: Data) -> None:
    await runtime.coordinator.async_command(_capture(runtime).stop())


_CAPTURE_ACTIONS = (
    Action("capture_download", _download_capture, Needs.ADMIN, TARGET),
    Action(
        "capture_live",
        _record_live,
        Needs.ADMIN,
        {**TARGET, vol.Required(ATTR_DURATION): vol.All(vol.Coerce(int), vol.Range(min=1, max=_DAY))},
    ),
    Action("capture_live_stop", _stop_live, Needs.ADMIN),
    Action("capture_stats", _get_capture_stats, Needs.ADMIN),
    Action("capture_restart", _restart_capture, Needs.ADMIN),
    Action("capture_stop", _stop_capture, Needs.ADMIN),
)


ATTR_ACCOUNT = "account"
ATTR_NAME = "name"
ATTR_SETTINGS = "settings"


def _settings(runtime: IntercomRuntime) -> Settings:
    return require_feature(runtime.coordinator, runtime.coordinator.features.settings, "no_settings")


async def _device_name(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    settings = _settings(runtime)
    if ATTR_NAME in data:
        await runtime.coordinator.async_command(settings.set_name(data[ATTR_NAME]))
        runtime.coordinator.async_describe_soon()
    return {"name": await runtime.coordinator.async_command(settings.name())}


async def _sip_accounts(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    settings = _settings(runtime)
    if ATTR_ACCOUNT in data:
        await runtime.coordinator.async_command(settings.set_sip_account(data[ATTR_ACCOUNT], data[ATTR_SETTINGS]))
    accounts = await runtime.coordinator.async_command(settings.sip_accounts())
    return {"accounts": cast(JsonArrayType, [dict(account) for account in accounts])}


_SETTINGS_ACTIONS = (
    Action("device_name", _device_name, Needs.ADMIN, {vol.Optional(ATTR_NAME): cv.string}),
    Action(
        "sip_accounts",
        _sip_accounts,
        Needs.ADMIN,
        {vol.Inclusive(ATTR_ACCOUNT, "set"): cv.positive_int, vol.Inclusive(ATTR_SETTINGS, "set"): dict},
    ),
)


# Seconds between checks of the device after an installation, and the longest time for it.
_CHECK_INTERVAL = 5.0
_PATIENCE = 900.0
_STAGED = "staged firmware"


async def async_install(runtime: IntercomRuntime) -> None:
    """Install the staged file, and verify that the device runs it."""
    control, staged = _control(runtime), _firmware(runtime).staged
    if staged is None:
        raise request_refused("no_staged_firmware", device=runtime.coordinator.name)
    runtime.coordinator.timers.async_cancel(_STAGED)
    _change(runtime, busy=True, progress=None)
    installed = False
    try:
        await runtime.coordinator.async_command(control.install())
        await _async_wait_for(runtime, control, staged)
        installed = True
    finally:
        if control.waits and not installed:  # the request did not reach the device
            _change(runtime, busy=False)
            _expire_later(runtime, staged)
        else:
            _change(runtime, staged=None, busy=False)
            await runtime.coordinator.async_describe()


async def async_discard(runtime: IntercomRuntime) -> None:
    """Discard the staged file."""
    await runtime.coordinator.async_command(_control(runtime).discard())
    runtime.coordinator.timers.async_cancel(_STAGED)
    _change(runtime, staged=None)


async def _async_wait_for(runtime: IntercomRuntime, control: FirmwareControl, staged: StagedFirmware) -> None:
    deadline = time.monotonic() + _PATIENCE
    before = _firmware(runtime).version
    has_restarted = False
    while time.monotonic() < deadline:
        await asyncio.sleep(_CHECK_INTERVAL)
        try:
            version = await runtime.coordinator.async_command(control.version())
        except HomeAssistantError:
            has_restarted = True
            continue
        if version == staged.version or not (staged.certain or version == before):
            return
        if has_restarted:
            break  # restarted with the old version
    raise translated_error(
        HomeAssistantError, "firmware_not_installed", device=runtime.coordinator.name, version=staged.version
    )


def _control(runtime: IntercomRuntime) -> FirmwareControl:
    return require_feature(runtime.coordinator, runtime.coordinator.features.firmware, "no_firmware")


def _firmware(runtime: IntercomRuntime) -> Firmware:
    return runtime.coordinator.data.firmware or Firmware(None)


def _change(runtime: IntercomRuntime, **parts: Any) -> None:
    runtime.coordinator.async_change(firmware=replace(_firmware(runtime), **parts))


def _expire_later(runtime: IntercomRuntime, staged: StagedFirmware) -> None:
    """Remove the staged file from the state when the device discards it."""
    if staged.expires is None:
        return

    async def expire() -> None:
        _change(runtime, staged=None)

    runtime.coordinator.timers.async_do((staged.expires - dt_util.utcnow()).total_seconds(), _STAGED, expire)


async def _upload(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    control = _control(runtime)

    def progress(sent: int) -> None:
        percentage = min(100, sent * 100 // max(source.size, 1))
        if percentage != _firmware(runtime).progress:
            _change(runtime, progress=percentage)

    async with payload(runtime.coordinator.hass, data[ATTR_FILENAME], progress) as source:
        if _firmware(runtime).busy:
            raise request_refused("firmware_busy", device=runtime.coordinator.name)
        runtime.coordinator.timers.async_cancel(_STAGED)
        _change(runtime, staged=None, busy=True, progress=0)
        try:
            staged = await runtime.coordinator.async_command(control.stage(source))
        finally:
            _change(runtime, busy=False, progress=None)
    _change(runtime, staged=staged)
    _expire_later(runtime, staged)
    return {
        "version": staged.version,
        "downgrade": staged.downgrade,
        "note": staged.note,
        "expires": None if staged.expires is None else staged.expires.isoformat(),
        "certain": staged.certain,
    }


async def _discard(runtime: IntercomRuntime, data: Data) -> None:
    await async_discard(runtime)


_FIRMWARE_ACTIONS = (
    Action("upload_firmware", _upload, Needs.ADMIN, {vol.Required(ATTR_FILENAME): cv.string}),
    Action("discard_firmware", _discard, Needs.ADMIN),
)


ACTIONS = (*_MAINTENANCE_ACTIONS, *_CAPTURE_ACTIONS, *_SETTINGS_ACTIONS, *_FIRMWARE_ACTIONS)
