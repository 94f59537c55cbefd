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

from ..coordinator import IntercomCoordinator
from ..entity import require_feature
from ..helpers.errors import request_refused, translated_error
from ..model import Firmware, StagedFirmware
from ..model.functions import FirmwareControl
from .base import Action, Data, Needs
from .files import ATTR_FILENAME, payload

# Seconds between looks whether the device is back, and how long it may take.
_LOOK = 5.0
_PATIENCE = 900.0
_STAGED = "staged firmware"


async def async_install(coordinator: IntercomCoordinator) -> None:
    """Install the file that waits, and see that the device comes back with it.

    Raises:
        ServiceValidationError: No file waits any more.
        HomeAssistantError: The device refuses, or comes back with another version.
    """
    control, staged = _control(coordinator), _firmware(coordinator).staged
    if staged is None:
        raise request_refused("no_staged_firmware", device=coordinator.name)
    coordinator.timers.async_cancel(_STAGED)
    _change(coordinator, busy=True, progress=None)
    installed = False
    try:
        await coordinator.async_command(control.install())
        await _async_wait_for(coordinator, control, staged)
        installed = True
    finally:
        if control.waits and not installed:  # the device was not reached
            _change(coordinator, busy=False)
            _expire_later(coordinator, staged)
        else:
            _change(coordinator, staged=None, busy=False)
            await coordinator.async_describe()


async def async_discard(coordinator: IntercomCoordinator) -> None:
    """Discard the file that waits.

    Raises:
        HomeAssistantError: The device does not answer.
    """
    await coordinator.async_command(_control(coordinator).discard())
    coordinator.timers.async_cancel(_STAGED)
    _change(coordinator, staged=None)


async def _async_wait_for(coordinator: IntercomCoordinator, control: FirmwareControl, staged: StagedFirmware) -> None:
    deadline = time.monotonic() + _PATIENCE
    before = _firmware(coordinator).version
    away = False
    while time.monotonic() < deadline:
        await asyncio.sleep(_LOOK)
        try:
            version = await coordinator.async_command(control.version())
        except HomeAssistantError:
            away = True  # it restarts
            continue
        if version == staged.version or not (staged.certain or version == before):
            return
        if away:
            break  # it came back, and is what it was
    raise translated_error(
        HomeAssistantError, "firmware_not_installed", device=coordinator.name, version=staged.version
    )


def _control(coordinator: IntercomCoordinator) -> FirmwareControl:
    return require_feature(coordinator, coordinator.features.firmware, "no_firmware")


def _firmware(coordinator: IntercomCoordinator) -> Firmware:
    return coordinator.data.firmware or Firmware(None)


def _change(coordinator: IntercomCoordinator, **parts: Any) -> None:
    coordinator.async_change(firmware=replace(_firmware(coordinator), **parts))


def _expire_later(coordinator: IntercomCoordinator, staged: StagedFirmware) -> None:
    """Forget the file when the device does."""
    if staged.expires is None:
        return

    async def expire() -> None:
        _change(coordinator, staged=None)

    coordinator.timers.async_do((staged.expires - dt_util.utcnow()).total_seconds(), _STAGED, expire)


async def _upload(coordinator: IntercomCoordinator, data: Data) -> JsonObjectType:
    control = _control(coordinator)

    def progress(sent: int) -> None:
        percentage = min(100, sent * 100 // max(source.size, 1))
        if percentage != _firmware(coordinator).progress:
            _change(coordinator, progress=percentage)

    async with payload(coordinator.hass, data[ATTR_FILENAME], progress) as source:
        if _firmware(coordinator).busy:
            raise request_refused("firmware_busy", device=coordinator.name)
        coordinator.timers.async_cancel(_STAGED)
        _change(coordinator, staged=None, busy=True, progress=0)
        try:
            staged = await coordinator.async_command(control.stage(source))
        finally:
            _change(coordinator, busy=False, progress=None)
    _change(coordinator, staged=staged)
    _expire_later(coordinator, staged)
    return {
        "version": staged.version,
        "downgrade": staged.downgrade,
        "note": staged.note,
        "expires": None if staged.expires is None else staged.expires.isoformat(),
        "certain": staged.certain,
    }


async def _discard(coordinator: IntercomCoordinator, data: Data) -> None:
    await async_discard(coordinator)


ACTIONS = (
    Action("upload_firmware", _upload, Needs.ADMIN, {vol.Required(ATTR_FILENAME): cv.string}),
    Action("discard_firmware", _discard, Needs.ADMIN),
)
