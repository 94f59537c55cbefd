"""Inputs, alarms, ringing, SIP accounts, and what a read-only account may only look at."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import override

from homeassistant.components.binary_sensor import (
    BinarySensorDeviceClass,
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.const import EntityCategory, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import IntercomConfigEntry, IntercomCoordinator
from .entity import DoorEntity, IntercomEntity, PortEntity, async_add_as_found
from .model import Alarm, CallState, Direction, DoorId, LineId, State

PARALLEL_UPDATES = 0

ALARMS: Mapping[Alarm, BinarySensorEntityDescription] = {
    Alarm.DOOR_OPEN: BinarySensorEntityDescription(key="door_open", device_class=BinarySensorDeviceClass.DOOR),
    Alarm.DOOR_FORCED: BinarySensorEntityDescription(key="door_forced", device_class=BinarySensorDeviceClass.SAFETY),
    Alarm.DOOR_HELD_OPEN: BinarySensorEntityDescription(
        key="door_held_open", device_class=BinarySensorDeviceClass.PROBLEM
    ),
    Alarm.LOCKDOWN: BinarySensorEntityDescription(key="lockdown"),
    Alarm.MOTION: BinarySensorEntityDescription(key="motion", device_class=BinarySensorDeviceClass.MOTION),
    Alarm.NOISE: BinarySensorEntityDescription(key="noise", device_class=BinarySensorDeviceClass.SOUND),
    Alarm.SWITCHES_BLOCKED: BinarySensorEntityDescription(
        key="switches_blocked",
        device_class=BinarySensorDeviceClass.PROBLEM,
        entity_category=EntityCategory.DIAGNOSTIC,
    ),
    Alarm.TAMPER: BinarySensorEntityDescription(key="tamper", device_class=BinarySensorDeviceClass.TAMPER),
}


async def async_setup_entry(
    hass: HomeAssistant, entry: IntercomConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add what the device reports."""
    coordinator = entry.runtime_data
    may_open = coordinator.system.doors is not None
    may_switch = coordinator.system.outputs is not None

    def find(state: State) -> dict[str, Callable[[], BinarySensorEntity]]:
        found: dict[str, Callable[[], BinarySensorEntity]] = {
            f"port_{port.id}": partial(PortSensor, coordinator, port.id)
            for port in state.ports.values()
            if not (port.output and may_switch)
        }
        found |= {f"alarm_{alarm}": partial(AlarmSensor, coordinator, alarm) for alarm in state.alarms}
        found |= {f"line_{line}": partial(LineSensor, coordinator, line) for line in state.lines}
        if not may_open:
            found |= {f"door_{door}": partial(DoorSensor, coordinator, door) for door in state.doors}
        if coordinator.description.has_phone:
            found["ringing"] = partial(RingingSensor, coordinator, "ringing")
        return found

    async_add_as_found(Platform.BINARY_SENSOR, entry, async_add_entities, find)


class PortSensor(PortEntity, BinarySensorEntity):
    """A logic input, or an output that the account may not switch."""


class AlarmSensor(IntercomEntity, BinarySensorEntity):
    """A lasting condition; unknown until the device tells of it."""

    def __init__(self, coordinator: IntercomCoordinator, alarm: Alarm) -> None:
        """Show ``alarm``."""
        super().__init__(coordinator, f"alarm_{alarm}")
        self.entity_description = ALARMS[alarm]
        self._attr_translation_key = alarm
        self._alarm = alarm

    @property
    @override
    def is_on(self) -> bool | None:
        """Return whether the condition lasts."""
        return self.coordinator.data.alarms.get(self._alarm)


class LineSensor(IntercomEntity, BinarySensorEntity):
    """Whether a SIP account is registered; unknown for one that does not register."""

    _attr_device_class = BinarySensorDeviceClass.CONNECTIVITY
    _attr_entity_category = EntityCategory.DIAGNOSTIC
    _attr_translation_key = "line"

    def __init__(self, coordinator: IntercomCoordinator, line: LineId) -> None:
        """Show the SIP account ``line``."""
        super().__init__(coordinator, f"line_{line}")
        self._attr_translation_placeholders = {"line": line}
        self._line_id = line
        self._attr_entity_registry_enabled_default = coordinator.data.lines[line].enabled

    @property
    @override
    def is_on(self) -> bool | None:
        """Return whether the account is registered."""
        line = self.coordinator.data.lines.get(self._line_id)
        return None if line is None else line.registered


class DoorSensor(DoorEntity, BinarySensorEntity):
    """A door that this account may not open: on while it is released."""

    _attr_device_class = BinarySensorDeviceClass.LOCK

    def __init__(self, coordinator: IntercomCoordinator, door: DoorId) -> None:
        """Show ``door``."""
        super().__init__(coordinator, door, "door")

    @property
    @override
    def is_on(self) -> bool | None:
        """Return whether the door is released."""
        return None if self.door is None else self.door.released


class RingingSensor(IntercomEntity, BinarySensorEntity):
    """Whether a visitor's call is going out and nobody has answered yet."""

    _attr_translation_key = "ringing"

    @property
    @override
    def is_on(self) -> bool:
        """Return whether it rings; a call that comes in, or was dialled from here, never does."""
        state = self.coordinator.data
        return any(
            call.direction is Direction.OUTGOING
            and call.state in {CallState.CONNECTING, CallState.RINGING}
            and call.id not in state.own_calls
            for call in state.calls.values()
        )
