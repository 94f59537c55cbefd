"""Covers: gates and garage doors that a relay drives, as selected in the options."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, override

from homeassistant.components.cover import CoverDeviceClass, CoverEntity, CoverEntityFeature
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import CONF_GARAGE_DOORS, CONF_GATES, CONF_PLAIN_SWITCHES
from .entity import DoorEntity, async_add_as_found
from .model.parts import Alarm, DoorCommand, DoorId
from .model.state import State
from .runtime import IntercomConfigEntry, IntercomRuntime

PARALLEL_UPDATES = 1

_KINDS: Mapping[str, tuple[str, CoverDeviceClass]] = {
    CONF_GATES: ("gate", CoverDeviceClass.GATE),
    CONF_GARAGE_DOORS: ("garage_door", CoverDeviceClass.GARAGE),
}


async def async_setup_entry(
    hass: HomeAssistant, entry: IntercomConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add a cover for each relay that drives a gate or a garage door."""
    runtime = entry.runtime_data
    kinds = {door: kind for option, kind in _KINDS.items() for door in entry.options.get(option, [])}

    def find(state: State) -> dict[str, Callable[[], DriveCover]]:
        doors = () if runtime.coordinator.features.doors is None else state.doors
        return {
            f"{door}_{kinds[door][0]}": partial(DriveCover, runtime, door, *kinds[door])
            for door in doors
            if door in kinds
        }

    async_add_as_found(Platform.COVER, entry, async_add_entities, find)


class DriveCover(DoorEntity, CoverEntity):
    """A gate or garage door.

    A pulse of the relay may open, stop, or close it, depending on the drive. So only a latching relay, whose state is the
    command to the drive, can also close it.
    """

    shows = frozenset({"alarms", "doors"})

    def __init__(self, runtime: IntercomRuntime, door: DoorId, key: str, device_class: CoverDeviceClass) -> None:
        super().__init__(runtime, door, key)
        self._attr_device_class = device_class
        if self._alone:
            self._attr_name = None  # the cover has the name of the place

    @property
    @override
    def supported_features(self) -> CoverEntityFeature:
        """Return what the relay can do."""
        if self.door is not None and self.door.latching:
            return CoverEntityFeature.OPEN | CoverEntityFeature.CLOSE
        return CoverEntityFeature.OPEN

    @property
    @override
    def is_closed(self) -> bool | None:
        """Return what the door contact shows, or else a latching relay; None if nothing does."""
        if (is_open := self._contact) is not None:
            return not is_open
        if self.door is None or not self.door.latching or self.door.released is None:
            return None
        return not self.door.released

    @property
    @override
    def assumed_state(self) -> bool:
        """Return whether nothing shows if the gate is open."""
        return self.is_closed is None

    @property
    def _contact(self) -> bool | None:
        """Whether the door contact shows an open door; None if the device has none, or several doors."""
        plain = self.coordinator.config_entry.options.get(CONF_PLAIN_SWITCHES, [])
        if [door for door in self.coordinator.data.doors if door not in plain] != [self._door_id]:
            return None
        return self.coordinator.data.alarms.get(Alarm.DOOR_OPEN)

    @override
    async def async_open_cover(self, **kwargs: Any) -> None:
        """Release the relay: a pulse, or until it is closed if the relay latches."""
        await self.async_command(DoorCommand.OPEN)

    @override
    async def async_close_cover(self, **kwargs: Any) -> None:
        """Withdraw a latching relay."""
        await self.async_command(DoorCommand.CLOSE)
