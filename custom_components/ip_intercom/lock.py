"""Locks: doors that the account may open."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, override

from homeassistant.components.lock import LockEntity, LockEntityFeature
from homeassistant.const import Platform
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.event import async_call_later
from homeassistant.util.json import JsonObjectType

from .const import CONF_GARAGE_DOORS, CONF_GATES, CONF_PLAIN_SWITCHES
from .entity import DoorEntity, async_add_as_found
from .model.parts import DoorCommand, DoorId
from .model.state import State
from .runtime import IntercomConfigEntry, IntercomRuntime

PARALLEL_UPDATES = 1


async def async_setup_entry(
    hass: HomeAssistant, entry: IntercomConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add a lock for each relay that drives a door."""
    runtime = entry.runtime_data
    others = {
        door
        for option in (CONF_PLAIN_SWITCHES, CONF_GATES, CONF_GARAGE_DOORS)
        for door in entry.options.get(option, [])
    }

    def find(state: State) -> dict[str, Callable[[], DoorLock]]:
        doors = () if runtime.coordinator.features.doors is None else state.doors
        return {door: partial(DoorLock, runtime, door) for door in doors if door not in others}

    async_add_as_found(Platform.LOCK, entry, async_add_entities, find)


class DoorLock(DoorEntity, LockEntity):
    """A door: open and unlock release it, lock ends a release or a hold.

    A door without a reported state is shown as locked, so that users can open it.
    """

    _attr_supported_features = LockEntityFeature.OPEN

    def __init__(self, runtime: IntercomRuntime, door: DoorId) -> None:
        super().__init__(runtime, door, "door")
        # Cancels the timer of an assumed opening, for a door that does not report its state.
        self._cancel_opening: CALLBACK_TYPE | None = None
        if self._alone:
            self._attr_name = None  # the lock has the name of the place

    @property
    @override
    def is_locked(self) -> bool | None:
        """Return whether the door is not released."""
        if self.door is None:
            return None
        return not self.door.released and not (self.assumed_state and self._cancel_opening is not None)

    @property
    @override
    def assumed_state(self) -> bool:
        """Return whether the device does not report the state."""
        return self.door is not None and self.door.released is None

    @override
    async def async_open(self, **kwargs: Any) -> None:
        """Release the door: momentarily, or until locked if its relay latches."""
        await self.async_command(DoorCommand.OPEN)
        if self.assumed_state and self.coordinator.features.doors is not None:
            self._async_assume_open(self.coordinator.features.doors.timing(DoorCommand.OPEN, self._door_id).lasts)

    @callback
    def _async_assume_open(self, seconds: float | None) -> None:
        """Show the door as open for the duration of its relay."""
        if seconds is None:
            return

        @callback
        def end(_: datetime) -> None:
            self._cancel_opening = None
            self.async_write_ha_state()

        self._async_end_opening()
        self._cancel_opening = async_call_later(self.hass, seconds, end)
        self.async_write_ha_state()

    @callback
    def _async_end_opening(self) -> None:
        if self._cancel_opening is not None:
            self._cancel_opening()
            self._cancel_opening = None

    @override
    async def async_will_remove_from_hass(self) -> None:
        """Cancel the timer of an assumed opening."""
        self._async_end_opening()
        await super().async_will_remove_from_hass()

    @override
    async def async_unlock(self, **kwargs: Any) -> None:
        """Release the door: a strike cannot be unlocked in another way."""
        await self.async_open(**kwargs)

    @override
    async def async_lock(self, **kwargs: Any) -> None:
        """End a hold or a release."""
        await self.async_command(DoorCommand.CLOSE)

    async def async_open_door(self, hold_time: timedelta | None = None) -> JsonObjectType:
        """Release the door, or hold it open for some time (action ``open_door``); return what was sent."""
        if hold_time is None:
            await self.async_open()
            return {"door": self._door_id, "hold_time": None}
        seconds = int(hold_time.total_seconds())
        await self.async_command(DoorCommand.HOLD, seconds)
        return {"door": self._door_id, "hold_time": seconds}
