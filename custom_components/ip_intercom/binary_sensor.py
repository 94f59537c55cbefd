"""Connectivity, inputs, alarms, ringing, SIP accounts, and the doors and outputs of a read-only account."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, override

from homeassistant.components.binary_sensor import (
    BinarySensorDeviceClass,
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.const import EntityCategory, Platform
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .entity import AccessPointEntity, BellEntity, DoorEntity, IntercomEntity, PortEntity, async_add_as_found
from .model.events import AlarmChanged, Event
from .model.parts import MANY_PARTS, Alarm, Bell, CallState, Direction, DoorId, LineId, PortId
from .model.state import State
from .runtime import IntercomConfigEntry, IntercomRuntime

PARALLEL_UPDATES = 0

ATTR_LATE = "late"

# Contacts of the door and the housing are enabled by default; the others are rare, or off until configured.
ALARMS: Mapping[Alarm, BinarySensorEntityDescription] = {
    Alarm.ACCESS_LIMITED: BinarySensorEntityDescription(
        key="access_limited", device_class=BinarySensorDeviceClass.PROBLEM, entity_registry_enabled_default=False
    ),
    Alarm.DEVICE_ERROR: BinarySensorEntityDescription(
        key="device_error",
        device_class=BinarySensorDeviceClass.PROBLEM,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    ),
    Alarm.DOOR_OPEN: BinarySensorEntityDescription(key="door_open", device_class=BinarySensorDeviceClass.DOOR),
    Alarm.DOOR_FORCED: BinarySensorEntityDescription(key="door_forced", device_class=BinarySensorDeviceClass.SAFETY),
    Alarm.DOOR_HELD_OPEN: BinarySensorEntityDescription(
        key="door_held_open", device_class=BinarySensorDeviceClass.PROBLEM
    ),
    Alarm.LIFT: BinarySensorEntityDescription(
        key="lift",
        device_class=BinarySensorDeviceClass.PROBLEM,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    ),
    Alarm.LOCKDOWN: BinarySensorEntityDescription(key="lockdown", entity_registry_enabled_default=False),
    Alarm.MOTION: BinarySensorEntityDescription(
        key="motion", device_class=BinarySensorDeviceClass.MOTION, entity_registry_enabled_default=False
    ),
    Alarm.NOISE: BinarySensorEntityDescription(
        key="noise", device_class=BinarySensorDeviceClass.SOUND, entity_registry_enabled_default=False
    ),
    Alarm.RESCUE: BinarySensorEntityDescription(
        key="rescue",
        device_class=BinarySensorDeviceClass.PROBLEM,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    ),
    Alarm.SWITCHES_BLOCKED: BinarySensorEntityDescription(
        key="switches_blocked",
        device_class=BinarySensorDeviceClass.PROBLEM,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    ),
    Alarm.TAMPER: BinarySensorEntityDescription(key="tamper", device_class=BinarySensorDeviceClass.TAMPER),
}

# Direction and states of ringing calls: outgoing calls of visitors, incoming calls of callers.
_VISITORS = Direction.OUTGOING, frozenset({CallState.CONNECTING, CallState.RINGING})
_CALLERS = Direction.INCOMING, frozenset({CallState.RINGING})

# Names of other sensors, which ports may have as well.
_TAKEN = frozenset({*Alarm, "blocked", "connectivity", "door", "event_log", "link", "ringing"})

# Alarms whose parts have sensors of their own.
PARTED = frozenset({Alarm.MOTION})


async def async_setup_entry(
    hass: HomeAssistant, entry: IntercomConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the binary sensors for everything that the device reports."""
    runtime = entry.runtime_data

    def find(state: State) -> dict[str, Callable[[], BinarySensorEntity]]:
        features = runtime.coordinator.features
        may_switch = features.outputs is not None
        found: dict[str, Callable[[], BinarySensorEntity]] = {
            "connectivity": partial(ConnectivitySensor, runtime, "connectivity")
        }
        if runtime.coordinator.description.has_link:
            found["link"] = partial(LinkSensor, runtime, "link")
        if runtime.coordinator.system.log is not None:
            found["event_log"] = partial(EventLogSensor, runtime, "event_log")
        found |= {
            f"port_{port.id}": partial(PortSensor, runtime, port.id)
            for port in state.ports.values()
            if not (port.output and may_switch)
        }
        found |= {f"alarm_{alarm}": partial(AlarmSensor, runtime, alarm) for alarm in state.alarms}
        found |= {f"line_{line}": partial(LineSensor, runtime, line) for line in state.lines}
        for alarm in PARTED:
            for part in [part for parted, part in state.alarm_parts if parted is alarm][:MANY_PARTS]:
                found[f"alarm_{alarm}_{part}"] = partial(AlarmPartSensor, runtime, alarm, part)
        if features.access_points is None:
            found |= {
                f"access_point_{point}": partial(AccessPointSensor, runtime, point) for point in state.access_points
            }
        if features.doors is None:
            found |= {f"door_{door}": partial(DoorSensor, runtime, door) for door in state.doors}
        found |= {
            f"door_{door.id}_blocked": partial(BlockedSensor, runtime, door.id)
            for door in state.doors.values()
            if door.blocked is not None and not door.blockable
        }
        found |= {
            f"bell_{bell.id}_ringing": partial(BellRingingSensor, runtime, bell)
            for bell in state.bells.values()
            if bell.place is not None or bell.id in state.ringing
        }
        # Bells with a state of their own have a sensor each.
        if runtime.coordinator.description.has_phone and not state.ringing:
            found["ringing"] = partial(RingingSensor, runtime, "ringing")
        return found

    async_add_as_found(Platform.BINARY_SENSOR, entry, async_add_entities, find)


class ConnectivitySensor(IntercomEntity, BinarySensorEntity):
    """Whether the device, or the server of an account, responds."""

    shows = frozenset()

    _attr_device_class = BinarySensorDeviceClass.CONNECTIVITY
    _attr_entity_category = EntityCategory.DIAGNOSTIC

    @property
    @override
    def available(self) -> bool:
        """Return True: the sensor shows why other entities are unavailable."""
        return True

    @property
    @override
    def is_on(self) -> bool | None:
        """Return whether the device responds."""
        return self.coordinator.reachable


class LinkSensor(ConnectivitySensor):
    """Whether the server reaches its phone exchange; unknown while the server does not respond."""

    _attr_translation_key = "link"
    _attr_entity_registry_enabled_default = False

    @property
    @override
    def is_on(self) -> bool | None:
        """Return whether the server reaches the exchange."""
        return self.coordinator.linked


class EventLogSensor(ConnectivitySensor):
    """Whether the events of the device can be read; without them no bell rings, while doors and cameras work."""

    _attr_translation_key = "event_log"
    _attr_entity_registry_enabled_default = False

    @property
    @override
    def is_on(self) -> bool | None:
        """Return whether all sources of events can be read."""
        return self.coordinator.log_health.working

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        """Return the failing sources, unless the whole log fails."""
        failing = [source for source in self.coordinator.log_health.failing if source]
        return {"failing": failing} if failing else None


class PortSensor(PortEntity, BinarySensorEntity):
    """A logic input, or an output that the account may not control."""

    def __init__(self, runtime: IntercomRuntime, port: PortId) -> None:
        super().__init__(runtime, port)
        if port.casefold() in _TAKEN:
            self._attr_translation_key = "port_contact"


class AlarmSensor(IntercomEntity, BinarySensorEntity):
    """An alarm; unknown until the device reports it."""

    shows = frozenset({"alarm_parts", "alarms"})

    def __init__(self, runtime: IntercomRuntime, alarm: Alarm) -> None:
        super().__init__(runtime, f"alarm_{alarm}")
        self.entity_description = ALARMS[alarm]
        self._attr_translation_key = alarm
        self._alarm = alarm
        self._is_late = False

    @callback
    @override
    def async_listen(self) -> Iterable[CALLBACK_TYPE]:
        yield self.runtime.events.async_listen_events(self._async_process)

    @callback
    def _async_process(self, event: Event, _: State) -> None:
        for fact in event.facts:
            if isinstance(fact, AlarmChanged) and fact.alarm is self._alarm:
                self._is_late = event.late

    @property
    @override
    def is_on(self) -> bool | None:
        """Return whether the alarm is on."""
        return self.coordinator.data.alarms.get(self._alarm)

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        """Return the active parts, if the device reports them, and whether the alarm began while it was away."""
        parts = self.coordinator.data.alarm_parts.items()
        where = [part for (alarm, part), on in parts if alarm is self._alarm and on]
        attributes: dict[str, Any] = {"where": where} if where else {}
        if self._is_late and self.is_on:
            attributes[ATTR_LATE] = True
        return attributes or None


class AlarmPartSensor(IntercomEntity, BinarySensorEntity):
    """A part of an alarm, for example motion in one of the zones of the camera."""

    shows = frozenset({"alarm_parts"})

    def __init__(self, runtime: IntercomRuntime, alarm: Alarm, part: str) -> None:
        super().__init__(runtime, f"alarm_{alarm}_{part}")
        self.entity_description = ALARMS[alarm]
        self._attr_translation_key = f"{alarm}_part"
        self._attr_translation_placeholders = {"part": part}
        self._part = alarm, part

    @property
    @override
    def is_on(self) -> bool | None:
        """Return whether the alarm is on for this part."""
        return self.coordinator.data.alarm_parts.get(self._part)


class AccessPointSensor(AccessPointEntity, BinarySensorEntity):
    """An access point that this account may not block."""


class LineSensor(IntercomEntity, BinarySensorEntity):
    """Whether a SIP account is registered; unknown for an account that does not register."""

    shows = frozenset({"lines"})

    _attr_device_class = BinarySensorDeviceClass.CONNECTIVITY
    _attr_entity_category = EntityCategory.DIAGNOSTIC
    _attr_translation_key = "line"
    _attr_entity_registry_enabled_default = False

    def __init__(self, runtime: IntercomRuntime, line: LineId) -> None:
        super().__init__(runtime, f"line_{line}")
        self._attr_translation_placeholders = {"line": line}
        self._line_id = line

    @property
    @override
    def is_on(self) -> bool | None:
        """Return whether the account is registered."""
        line = self.coordinator.data.lines.get(self._line_id)
        return None if line is None else line.registered


class DoorSensor(DoorEntity, BinarySensorEntity):
    """A door that this account may not open: on while it is released."""

    _attr_device_class = BinarySensorDeviceClass.LOCK

    def __init__(self, runtime: IntercomRuntime, door: DoorId) -> None:
        super().__init__(runtime, door, "door")

    @property
    @override
    def is_on(self) -> bool | None:
        """Return whether the door is released."""
        return None if self.door is None else self.door.released


class BlockedSensor(DoorEntity, BinarySensorEntity):
    """Whether a different system blocks a door, which only that system can end."""

    _attr_device_class = BinarySensorDeviceClass.PROBLEM
    _attr_entity_registry_enabled_default = False

    def __init__(self, runtime: IntercomRuntime, door: DoorId) -> None:
        super().__init__(runtime, door, "blocked")

    @property
    @override
    def is_on(self) -> bool | None:
        """Return whether the door is blocked."""
        return None if self.door is None else self.door.blocked


class BellRingingSensor(BellEntity, BinarySensorEntity):
    """Whether a bell is ringing, for systems that report that."""

    shows = frozenset({"bells", "ringing"})

    def __init__(self, runtime: IntercomRuntime, bell: Bell) -> None:
        super().__init__(runtime, bell, "ringing")

    @property
    @override
    def is_on(self) -> bool:
        """Return whether the bell is ringing."""
        return self.coordinator.data.ringing.get(self._bell.id, False)


class RingingSensor(IntercomEntity, BinarySensorEntity):
    """Whether a call is ringing: an outgoing one of a visitor, or an incoming one if calls are not from visitors."""

    shows = frozenset({"calls", "dialed_calls"})

    _attr_translation_key = "ringing"

    @property
    @override
    def is_on(self) -> bool:
        """Return whether an unanswered call is ringing that no system dialed."""
        state = self.coordinator.data
        direction, states = _VISITORS if self.coordinator.description.visitors else _CALLERS
        return any(
            call.direction is direction and call.state in states and call.id not in state.dialed_calls
            for call in state.calls.values()
        )
