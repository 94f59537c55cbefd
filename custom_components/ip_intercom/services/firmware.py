"""Firmware: a file is sent and looked at first, then installed or discarded; the update entity shows it all."""

import asyncio
from dataclasses import replace
import time
from typing import Any

from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonObjectType
import probatio as vol

from ..entity import require_feature
from ..helpers.errors import request_refused, translated_error
from ..model import Firmware, StagedFirmware
from ..model.functions import FirmwareControl
from ..runtime import IntercomRuntime
from .base import Action, Data, Needs
from .files import ATTR_FILENAME, payload

# Seconds between looks whether the device is back, and how long it may take.
_LOOK = 5.0
_PATIENCE = 900.0
_STAGED = "staged firmware"


async def async_install(runtime: IntercomRuntime) -> None:
    """Install the file that waits, and see that the device comes back with it."""
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
        if control.waits and not installed:  # the device was not reached
            _change(runtime, busy=False)
            _expire_later(runtime, staged)
        else:
            _change(runtime, staged=None, busy=False)
            await runtime.coordinator.async_describe()


async def async_discard(runtime: IntercomRuntime) -> None:
    """Discard the file that waits."""
    await runtime.coordinator.async_command(_control(runtime).discard())
    runtime.coordinator.timers.async_cancel(_STAGED)
    _change(runtime, staged=None)


async def _async_wait_for(runtime: IntercomRuntime, control: FirmwareControl, staged: StagedFirmware) -> None:
    deadline = time.monotonic() + _PATIENCE
    before = _firmware(runtime).version
    away = False
    while time.monotonic() < deadline:
        await asyncio.sleep(_LOOK)
        try:
            version = await runtime.coordinator.async_command(control.version())
        except HomeAssistantError:
            away = True  # it restarts
            continue
        if version == staged.version or not (staged.certain or version == before):
            return
        if away:
            break  # it came back, and is what it was
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
    """Forget the file when the device does."""
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


ACTIONS = (
    Action("upload_firmware", _upload, Needs.ADMIN, {vol.Required(ATTR_FILENAME): cv.string}),
    Action("discard_firmware", _discard, Needs.ADMIN),
)
