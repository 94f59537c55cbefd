"""Switches: holding doors open, blocking them, relays not connected to a door, outputs, and settings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, override

from homeassistant.components.switch import SwitchEntity, SwitchEntityDescription
from homeassistant.const import EntityCategory, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import CONF_PLAIN_SWITCHES
from .entity import (
    NEGATED,
    SWITCHED,
    AccessPointEntity,
    DoorEntity,
    PortEntity,
    SettingEntity,
    async_add_as_found,
    require_feature,
)
from .model.parts import Door, DoorCommand, DoorId, Setting
from .model.state import State
from .runtime import IntercomConfigEntry, IntercomRuntime

PARALLEL_UPDATES = 1


@dataclass(frozen=True, kw_only=True)
class DoorSwitchDescription(SwitchEntityDescription):
    """A switch of a door; there is no entity if ``is_on`` returns None, as the device does not report the state."""

    is_on: Callable[[Door], bool | None]
    turn_on: DoorCommand
    turn_off: DoorCommand


HOLD_OPEN = DoorSwitchDescription(
    key="hold_open",
    is_on=lambda door: door.held_open,
    turn_on=DoorCommand.HOLD,
    turn_off=DoorCommand.END_HOLD,
)
BLOCK = DoorSwitchDescription(
    key="block",
    entity_category=EntityCategory.CONFIG,
    entity_registry_enabled_default=False,
    is_on=lambda door: door.blocked,
    turn_on=DoorCommand.BLOCK,
    turn_off=DoorCommand.UNBLOCK,
)
RELAY = DoorSwitchDescription(
    key="relay",
    is_on=lambda door: door.released,
    turn_on=DoorCommand.OPEN,
    turn_off=DoorCommand.CLOSE,
)


async def async_setup_entry(
    hass: HomeAssistant, entry: IntercomConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the switches of doors, outputs, settings, and access points."""
    runtime = entry.runtime_data
    plain = entry.options.get(CONF_PLAIN_SWITCHES, [])

    def find(state: State) -> dict[str, Callable[[], SwitchEntity]]:
        features = runtime.coordinator.features
        found: dict[str, Callable[[], SwitchEntity]] = {}
        for door in state.doors.values() if features.doors is not None else ():
            for description in (RELAY,) if door.id in plain else (HOLD_OPEN, BLOCK):
                if description.is_on(door) is not None and (description is not BLOCK or door.blockable):
                    found[f"door_{door.id}_{description.key}"] = partial(DoorSwitch, runtime, door.id, description)
        for port in state.ports.values() if features.outputs is not None else ():
            if port.output:
                found[f"port_{port.id}"] = partial(OutputSwitch, runtime, port.id)
        for setting in state.settings.values() if features.account_settings is not None else ():
            if setting.kind in SWITCHED and not setting.options:
                found[f"setting_{setting.id}"] = partial(SettingSwitch, runtime, setting)
        for point in state.access_points if features.access_points is not None else ():
            found[f"access_point_{point}"] = partial(AccessPointSwitch, runtime, point)
        return found

    async_add_as_found(Platform.SWITCH, entry, async_add_entities, find)


class DoorSwitch(DoorEntity, SwitchEntity):
    """A switch of a door."""

    entity_description: DoorSwitchDescription

    def __init__(self, runtime: IntercomRuntime, door: DoorId, description: DoorSwitchDescription) -> None:
        super().__init__(runtime, door, description.key)
        self.entity_description = description

    @property
    @override
    def is_on(self) -> bool | None:
        """Return the state that the device reports."""
        return None if self.door is None else self.entity_description.is_on(self.door)

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        """Return the end of a hold, if it has one."""
        if self.entity_description is not HOLD_OPEN or self.door is None or self.door.hold_until is None:
            return None
        return {"until": self.door.hold_until}

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Switch on."""
        seconds = self.runtime.hold_times.get(self._door_id) if self.entity_description is HOLD_OPEN else None
        await self.async_command(self.entity_description.turn_on, seconds)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Switch off."""
        await self.async_command(self.entity_description.turn_off)


class OutputSwitch(PortEntity, SwitchEntity):
    """A logic output."""

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Switch on."""
        await self._async_switch(True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Switch off."""
        await self._async_switch(False)

    async def _async_switch(self, on: bool) -> None:
        outputs = require_feature(self.runtime.coordinator, self.coordinator.features.outputs, "no_outputs")
        await self.coordinator.async_switch(
            on, lambda: outputs.read_output(self._port_id), lambda: outputs.set_output(self._port_id, on), self.part
        )


class AccessPointSwitch(AccessPointEntity, SwitchEntity):
    """Blocks an access point, which then denies all access."""

    _attr_entity_category = EntityCategory.CONFIG

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Block the access point."""
        await self._async_block(True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Unblock the access point."""
        await self._async_block(False)

    async def _async_block(self, blocked: bool) -> None:
        points = require_feature(self.runtime.coordinator, self.coordinator.features.access_points, "no_access_points")
        point = self._access_point_id
        await self.coordinator.async_switch(
            blocked, lambda: points.is_blocked(point), lambda: points.block(point, blocked), self.part
        )


class SettingSwitch(SettingEntity, SwitchEntity):
    """A setting that is on or off."""

    def __init__(self, runtime: IntercomRuntime, setting: Setting) -> None:
        super().__init__(runtime, setting)
        self._negated = setting.kind in NEGATED

    @property
    @override
    def is_on(self) -> bool | None:
        """Return whether the setting is on."""
        return None if self.value is None else bool(self.value) is not self._negated

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Switch on."""
        await self.async_set(not self._negated)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Switch off."""
        await self.async_set(self._negated)
