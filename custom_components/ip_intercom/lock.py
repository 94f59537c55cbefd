"""Doors that can be opened."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, override

from homeassistant.components.lock import LockEntity, LockEntityFeature
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util.json import JsonObjectType

from .const import CONF_PLAIN_SWITCHES
from .coordinator import IntercomConfigEntry, IntercomCoordinator
from .doors import DoorCommand
from .entity import DoorEntity, async_add_as_found
from .model import DoorId, State

PARALLEL_UPDATES = 1


async def async_setup_entry(
    hass: HomeAssistant, entry: IntercomConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add a lock for each relay that drives a door."""
    coordinator = entry.runtime_data
    plain = entry.options.get(CONF_PLAIN_SWITCHES, [])

    def find(state: State) -> dict[str, Callable[[], DoorLock]]:
        doors = () if coordinator.facets.doors is None else state.doors
        return {door: partial(DoorLock, coordinator, door) for door in doors if door not in plain}

    async_add_as_found(Platform.LOCK, entry, async_add_entities, find)


class DoorLock(DoorEntity, LockEntity):
    """A door: opening and unlocking release it, locking withdraws what released it.

    Where nobody tells how it is, it is taken to have fallen shut: what people need of such a door is a way to open it.
    """

    _attr_supported_features = LockEntityFeature.OPEN

    def __init__(self, coordinator: IntercomCoordinator, door: DoorId) -> None:
        """Command ``door``."""
        super().__init__(coordinator, door, "door")
        if self._alone:
            self._attr_name = None  # the gate itself, not something of it

    @property
    @override
    def is_locked(self) -> bool | None:
        """Return whether the door is not released."""
        return None if self.door is None else not self.door.released

    @property
    @override
    def assumed_state(self) -> bool:
        """Return whether nobody tells."""
        return self.door is not None and self.door.released is None

    @override
    async def async_open(self, **kwargs: Any) -> None:
        """Release the door: for a moment, or for good where its relay latches."""
        await self.async_command(DoorCommand.OPEN)

    @override
    async def async_unlock(self, **kwargs: Any) -> None:
        """Release the door: a strike knows no other way to be unlocked."""
        await self.async_open(**kwargs)

    @override
    async def async_lock(self, **kwargs: Any) -> None:
        """Withdraw a hold and a release."""
        await self.async_command(DoorCommand.CLOSE)

    async def async_open_door(self, hold_time: timedelta | None = None) -> JsonObjectType:
        """Release the door, or hold it open for a time (action ``open_door``); return what was done."""
        if hold_time is None:
            await self.async_open()
            return {"door": self._door_id, "hold_time": None}
        seconds = int(hold_time.total_seconds())
        await self.async_command(DoorCommand.HOLD, seconds)
        return {"door": self._door_id, "hold_time": seconds}
