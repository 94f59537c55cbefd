"""Sensors: call state, last access, last call, counts, clock, firmware, and elevator."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, override

from homeassistant.components.sensor import RestoreSensor, SensorDeviceClass, SensorEntity, SensorStateClass
from homeassistant.const import EntityCategory, Platform, UnitOfTime
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import CONF_SHOW_NAMES, DOMAIN
from .entity import IntercomEntity, async_add_as_found
from .model.parts import CallSession, CallState, Pushes
from .model.state import State
from .model.talk import CalledTalk, TalkReason, TalkRoute
from .runtime import IntercomConfigEntry, IntercomRuntime

PARALLEL_UPDATES = 0

IDLE = "idle"
NONE, PREPARING, READY = "none", "preparing", "ready"
# States of a call in the order of its progress.
_PROGRESS = (CallState.CONNECTING, CallState.RINGING, CallState.HELD, CallState.CONNECTED)


async def async_setup_entry(
    hass: HomeAssistant, entry: IntercomConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the sensors that the device supports."""
    runtime = entry.runtime_data

    def find(state: State) -> dict[str, Callable[[], SensorEntity]]:
        found: dict[str, Callable[[], SensorEntity]] = {}
        if runtime.coordinator.description.has_phone:
            found["call"] = partial(CallSensor, runtime, "call_state")
        if runtime.coordinator.description.reports_access:
            found["access"] = partial(LastAccessSensor, runtime, "last_access")
        if runtime.coordinator.features.call_log is not None or runtime.coordinator.description.outcomes:
            found["call_log"] = partial(LastCallSensor, runtime, "last_call")
        if runtime.coordinator.features.call_control is not None:
            found["missed_calls"] = partial(MissedCallsSensor, runtime, "missed_calls")
        if runtime.coordinator.features.voicemails is not None:
            found["voicemails"] = partial(VoicemailsSensor, runtime, "voicemails")
        if state.extension is not None:
            found["extension"] = partial(ExtensionSensor, runtime, "extension")
        if state.clock is not None:
            found["clock"] = partial(ClockSensor, runtime, "clock_drift")
        if (
            state.firmware is not None
            and (control := runtime.coordinator.features.firmware) is not None
            and control.expires
        ):
            found["firmware"] = partial(FirmwareExpirySensor, runtime, "firmware_expires")
        if state.unread_messages is not None:
            found["unread_messages"] = partial(UnreadMessagesSensor, runtime, "unread_messages")
        if state.pushes is not None:
            found["pushes"] = partial(PushesSensor, runtime, "pushes")
        if state.recordings is not None:
            found["recordings"] = partial(RecordingsSensor, runtime, "recordings")
        if runtime.coordinator.features.talk is not None:
            found["talk"] = partial(TalkSensor, runtime, "talk")
        if state.public_floors is not None:
            found["floors"] = partial(FloorsSensor, runtime, "public_floors")
        return found

    _async_remove_door_codes(hass, entry)
    async_add_as_found(Platform.SENSOR, entry, async_add_entities, find)


@callback
def _async_remove_door_codes(hass: HomeAssistant, entry: IntercomConfigEntry) -> None:
    """Remove the door code sensors of earlier versions: states are recorded, and codes are secret."""
    registry = er.async_get(hass)
    codes = f"{entry.runtime_data.coordinator.description.identity.id}_door_code_"
    for entity in er.async_entries_for_config_entry(registry, entry.entry_id):
        if entity.domain == Platform.SENSOR and entity.unique_id.startswith(codes):
            registry.async_remove(entity.entity_id)


class CallSensor(IntercomEntity, SensorEntity):
    """The state of the call in progress; of several calls, the most advanced one."""

    shows = frozenset({"calls"})

    _attr_translation_key = "call_state"
    _attr_device_class = SensorDeviceClass.ENUM
    _unrecorded_attributes = frozenset({"peer"})

    def __init__(self, runtime: IntercomRuntime, key: str) -> None:
        super().__init__(runtime, key)
        held = runtime.coordinator.features.call_control is not None
        self._attr_options = [IDLE, *(state for state in _PROGRESS if held or state is not CallState.HELD)]

    @property
    def _call(self) -> CallSession | None:
        calls = self.coordinator.data.calls.values()
        return max(calls, key=lambda call: _PROGRESS.index(call.state), default=None)

    @property
    @override
    def native_value(self) -> str:
        """Return the state of the call."""
        return IDLE if self._call is None else self._call.state

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        """Return the direction, the other party, and the session of the call; of several doors, also the bell."""
        if (call := self._call) is None:
            return None
        attributes = {"direction": call.direction, "peer": call.peer, "session": call.id}
        if call.bell is None:
            return attributes
        bell = f"{self.coordinator.description.identity.id}_bell_{call.bell}"
        return attributes | {"bell": er.async_get(self.hass).async_get_entity_id(Platform.EVENT, DOMAIN, bell)}


class LastAccessSensor(IntercomEntity, RestoreSensor):
    """The time and details of the last access, restored after a restart."""

    shows = frozenset({"last_access"})

    _attr_translation_key = "last_access"
    _attr_device_class = SensorDeviceClass.TIMESTAMP
    _unrecorded_attributes = frozenset({"name"})

    @override
    async def async_added_to_hass(self) -> None:
        """Restore the last access from before the restart."""
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
        """Return the details of the last access."""
        if (access := self.coordinator.data.last_access) is None:
            return super().extra_state_attributes
        return {key: getattr(access, key) for key in _ACCESS_ATTRIBUTES}


class LastCallSensor(IntercomEntity, SensorEntity):
    """The newest entry of the device's call log."""

    shows = frozenset({"last_call"})

    _attr_translation_key = "last_call"
    _attr_device_class = SensorDeviceClass.TIMESTAMP
    _unrecorded_attributes = frozenset({"name", "number"})

    @property
    @override
    def native_value(self) -> datetime | None:
        """Return the time of the call."""
        call = self.coordinator.data.last_call
        return None if call is None else call.time

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        """Return the type, the other party, and the duration in seconds."""
        if (call := self.coordinator.data.last_call) is None:
            return None
        attributes = {"type": call.type, "name": call.name, "duration": call.duration}
        return attributes if call.number is None else attributes | {"number": call.number}


class MissedCallsSensor(IntercomEntity, SensorEntity):
    """The number of missed calls since the count was cleared."""

    shows = frozenset({"missed_calls"})

    _attr_translation_key = "missed_calls"
    _attr_state_class = SensorStateClass.TOTAL_INCREASING

    @property
    @override
    def native_value(self) -> int | None:
        """Return the number."""
        return self.coordinator.data.missed_calls


class VoicemailsSensor(IntercomEntity, SensorEntity):
    """The number of unread voicemails."""

    shows = frozenset({"voicemails"})

    _attr_translation_key = "voicemails"
    _attr_state_class = SensorStateClass.MEASUREMENT

    @property
    @override
    def native_value(self) -> int | None:
        """Return the number."""
        voicemails = self.coordinator.data.voicemails
        return None if voicemails is None else sum(not voicemail.read for voicemail in voicemails.values())

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        """Return the total number of voicemails."""
        voicemails = self.coordinator.data.voicemails
        return None if voicemails is None else {"total": len(voicemails)}


class UnreadMessagesSensor(IntercomEntity, SensorEntity):
    """The number of unread messages of the operator."""

    shows = frozenset({"unread_messages"})

    _attr_translation_key = "unread_messages"
    _attr_state_class = SensorStateClass.MEASUREMENT

    @property
    @override
    def native_value(self) -> int | None:
        """Return the number."""
        return self.coordinator.data.unread_messages


class PushesSensor(IntercomEntity, SensorEntity):
    """Whether pushes are configured and arrive; only pushes report rings."""

    shows = frozenset({"pushes"})

    _attr_translation_key = "pushes"
    _attr_entity_registry_enabled_default = False
    _attr_device_class = SensorDeviceClass.ENUM
    _attr_entity_category = EntityCategory.DIAGNOSTIC
    _attr_options = [*Pushes]

    @property
    @override
    def native_value(self) -> str | None:
        """Return the status of pushes."""
        return self.coordinator.data.pushes


class TalkSensor(IntercomEntity, SensorEntity):
    """How sound reaches the door, or why it does not."""

    shows = frozenset()

    _attr_translation_key = "talk"
    _attr_device_class = SensorDeviceClass.ENUM
    _attr_entity_category = EntityCategory.DIAGNOSTIC
    _attr_options = [*(route for route in TalkRoute if route is not TalkRoute.NONE), *TalkReason]
    _unrecorded_attributes = frozenset({"call_address"})

    @override
    @callback
    def async_listen(self) -> Iterable[CALLBACK_TYPE]:
        """Follow the checks."""
        return (self.runtime.talk.async_listen(self.async_write_ha_state),)

    @property
    @override
    def native_value(self) -> str | None:
        """Return the route, or the reason for none."""
        status = self.runtime.talk.status
        return None if status is None else status.state

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        """Return the address at which the button of the device can call Home Assistant, and the last call if it failed."""
        talk = self.coordinator.features.talk
        address = talk.address if isinstance(talk, CalledTalk) else None
        found: dict[str, Any] = {} if address is None else {"call_address": address}
        if failed := max(self.runtime.talk.failed.values(), key=lambda failed: failed.time, default=None):
            found |= {"call_failure": failed.failure, "call_failure_time": failed.time}
            if failed.door is not None:
                found["call_failure_door"] = failed.door
        return found


class RecordingsSensor(IntercomEntity, SensorEntity):
    """Whether requested recordings are still in preparation; servers report no progress."""

    shows = frozenset({"recordings"})

    _attr_translation_key = "recordings"
    _attr_entity_registry_enabled_default = False
    _attr_device_class = SensorDeviceClass.ENUM
    _attr_options = [NONE, PREPARING, READY]
    _unrecorded_attributes = frozenset({PREPARING, READY})

    @property
    def _recordings(self) -> Mapping[str, bool]:
        return self.coordinator.data.recordings or {}

    @property
    @override
    def native_value(self) -> str:
        """Return the combined status of all recordings."""
        return NONE if not self._recordings else READY if all(self._recordings.values()) else PREPARING

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        """Return the ids of the recordings by status."""
        recordings = self._recordings.items()
        return {
            PREPARING: [recording for recording, ready in recordings if not ready],
            READY: [recording for recording, ready in recordings if ready],
        }


class ExtensionSensor(IntercomEntity, SensorEntity):
    """The extension of this phone."""

    shows = frozenset({"extension"})

    _attr_translation_key = "extension"
    _attr_entity_registry_enabled_default = False
    _attr_entity_category = EntityCategory.DIAGNOSTIC

    @property
    @override
    def native_value(self) -> str | None:
        """Return the number of the extension."""
        return self.coordinator.data.extension


class ClockSensor(IntercomEntity, SensorEntity):
    """The drift of the device's clock; positive if it is ahead of Home Assistant's."""

    shows = frozenset({"clock"})

    _attr_translation_key = "clock_drift"
    _attr_entity_registry_enabled_default = False
    _attr_device_class = SensorDeviceClass.DURATION
    _attr_native_unit_of_measurement = UnitOfTime.SECONDS
    _attr_entity_category = EntityCategory.DIAGNOSTIC

    @property
    @override
    def native_value(self) -> int | None:
        """Return the drift in seconds."""
        clock = self.coordinator.data.clock
        return None if clock is None else clock.drift

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        """Return the time source, and whether the device sets its clock automatically."""
        clock = self.coordinator.data.clock
        return None if clock is None else {"source": clock.source, "automatic": clock.automatic}


class FirmwareExpirySensor(IntercomEntity, SensorEntity):
    """The expiry of a staged firmware file; unknown without one."""

    shows = frozenset({"firmware"})

    _attr_translation_key = "firmware_expires"
    _attr_entity_registry_enabled_default = False
    _attr_device_class = SensorDeviceClass.TIMESTAMP
    _attr_entity_category = EntityCategory.DIAGNOSTIC

    @property
    @override
    def native_value(self) -> datetime | None:
        """Return the time at which the device discards the file."""
        firmware = self.coordinator.data.firmware
        return None if firmware is None or firmware.staged is None else firmware.staged.expires


class FloorsSensor(IntercomEntity, SensorEntity):
    """The public floors of the elevator."""

    shows = frozenset({"public_floors"})

    _attr_translation_key = "public_floors"
    _attr_entity_registry_enabled_default = False

    @property
    @override
    def native_value(self) -> str | None:
        """Return the floors, separated by commas."""
        floors = self.coordinator.data.public_floors
        return None if floors is None else ", ".join(map(str, floors))


_ACCESS_ATTRIBUTES = ("granted", "name", "method", "reason", "entrance")
