"""Numbers: how long the switch *Hold open* holds a door."""

from collections.abc import Callable
from functools import partial
from typing import override

from homeassistant.components.number import NumberDeviceClass, NumberMode, RestoreNumber
from homeassistant.const import EntityCategory, Platform, UnitOfTime
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import CONF_PLAIN_SWITCHES
from .entity import DoorEntity, async_add_as_found
from .model.parts import DoorId
from .model.state import State
from .runtime import IntercomConfigEntry, IntercomRuntime

PARALLEL_UPDATES = 0

_LONGEST = 24 * 60


async def async_setup_entry(
    hass: HomeAssistant, entry: IntercomConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add a hold time for each door that can be held open."""
    runtime = entry.runtime_data
    plain = entry.options.get(CONF_PLAIN_SWITCHES, [])

    def find(state: State) -> dict[str, Callable[[], HoldTime]]:
        doors = () if runtime.coordinator.features.doors is None else state.doors.values()
        return {
            door.id: partial(HoldTime, runtime, door.id)
            for door in doors
            if door.held_open is not None and door.id not in plain
        }

    async_add_as_found(Platform.NUMBER, entry, async_add_entities, find)


class HoldTime(DoorEntity, RestoreNumber):
    """The minutes for which *Hold open* holds a door, kept in Home Assistant; 0 for no limit."""

    _attr_device_class = NumberDeviceClass.DURATION
    _attr_entity_category = EntityCategory.CONFIG
    _attr_entity_registry_enabled_default = False
    _attr_mode = NumberMode.BOX
    _attr_native_max_value = _LONGEST
    _attr_native_min_value = 0
    _attr_native_step = 1
    _attr_native_unit_of_measurement = UnitOfTime.MINUTES

    def __init__(self, runtime: IntercomRuntime, door: DoorId) -> None:
        super().__init__(runtime, door, "hold_time")

    @property
    @override
    def native_value(self) -> float:
        """Return the minutes."""
        return self.runtime.hold_times.get(self._door_id, 0) / 60

    @override
    async def async_added_to_hass(self) -> None:
        """Restore the value from before the restart."""
        await super().async_added_to_hass()
        data = await self.async_get_last_number_data()
        if data is not None and data.native_value is not None:
            self._set(data.native_value)

    @override
    async def async_will_remove_from_hass(self) -> None:
        """Hold without a limit again: the value of a disabled entity could not be seen."""
        self._set(0)
        await super().async_will_remove_from_hass()

    @override
    async def async_set_native_value(self, value: float) -> None:
        """Change the minutes; a hold in progress keeps its end."""
        self._set(value)
        self.async_write_ha_state()

    def _set(self, minutes: float) -> None:
        self.runtime.hold_times.pop(self._door_id, None)
        if minutes:
            self.runtime.hold_times[self._door_id] = round(minutes * 60)
