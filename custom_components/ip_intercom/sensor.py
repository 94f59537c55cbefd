"""The state of calls, and the last access."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, override

from homeassistant.components.sensor import RestoreSensor, SensorDeviceClass, SensorEntity
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import CONF_SHOW_NAMES
from .coordinator import IntercomConfigEntry
from .entity import IntercomEntity, async_add_as_found
from .model import CallSession, CallState, State

PARALLEL_UPDATES = 0

IDLE = "idle"


async def async_setup_entry(
    hass: HomeAssistant, entry: IntercomConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the sensors of what the device has."""
    coordinator = entry.runtime_data

    def find(_: State) -> dict[str, Callable[[], SensorEntity]]:
        found: dict[str, Callable[[], SensorEntity]] = {}
        if coordinator.description.has_phone:
            found["call"] = partial(CallSensor, coordinator, "call_state")
        if coordinator.description.reports_access:
            found["access"] = partial(LastAccessSensor, coordinator, "last_access")
        return found

    async_add_as_found(Platform.SENSOR, entry, async_add_entities, find)


class CallSensor(IntercomEntity, SensorEntity):
    """Where the call in progress stands; of several, the one that has come furthest."""

    _attr_translation_key = "call_state"
    _attr_device_class = SensorDeviceClass.ENUM
    _attr_options = [IDLE, CallState.CONNECTING, CallState.RINGING, CallState.CONNECTED]
    _unrecorded_attributes = frozenset({"peer"})

    @property
    def _call(self) -> CallSession | None:
        calls = self.coordinator.data.calls.values()
        return max(calls, key=lambda call: self._attr_options.index(call.state), default=None)

    @property
    @override
    def native_value(self) -> str:
        """Return the state of the call."""
        return IDLE if self._call is None else self._call.state

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        """Return who talks to whom."""
        if (call := self._call) is None:
            return None
        return {"direction": call.direction, "peer": call.peer, "session": call.id}


class LastAccessSensor(IntercomEntity, RestoreSensor):
    """When somebody was let in or refused, and who; kept over restarts."""

    _attr_translation_key = "last_access"
    _attr_device_class = SensorDeviceClass.TIMESTAMP
    _unrecorded_attributes = frozenset({"name"})

    @override
    async def async_added_to_hass(self) -> None:
        """Recall the last access before the restart."""
        await super().async_added_to_hass()
        data, state = await self.async_get_last_sensor_data(), await self.async_get_last_state()
        if data is None or state is None or not isinstance(data.native_value, datetime):
            return
        self._attr_native_value = data.native_value
        shown = self.coordinator.config_entry.options.get(CONF_SHOW_NAMES, True)
        self._attr_extra_state_attributes = {
            key: state.attributes[key]
            for key in _ACCESS_ATTRIBUTES
            if key in state.attributes and (shown or key != "name")
        }

    async_entity_id_changed = IntercomEntity.async_entity_id_changed

    @property
    @override
    def native_value(self) -> datetime | None:
        """Return the time of the last access."""
        access = self.coordinator.data.last_access
        return super().native_value if access is None else access.time  # type: ignore[return-value]

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        """Return who, how, where, and whether they came in."""
        if (access := self.coordinator.data.last_access) is None:
            return super().extra_state_attributes
        return {key: getattr(access, key) for key in _ACCESS_ATTRIBUTES}


_ACCESS_ATTRIBUTES = ("granted", "name", "method", "reason", "entrance")
