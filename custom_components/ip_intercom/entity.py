"""Base entities: device, unique id, and a part of the coordinator's state."""

from collections.abc import Callable, Collection, Iterable, Mapping
import re
from typing import Any, ClassVar, override

from homeassistant.const import EntityCategory, Platform
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.device_registry import CONNECTION_NETWORK_MAC, DeviceInfo
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .const import CONF_URL, DOMAIN
from .coordinator import IntercomCoordinator
from .helpers.devices import bell_label, distinct_name, place_identifier
from .helpers.errors import request_refused
from .model.parts import (
    OPENING,
    AccessPoint,
    AccessPointId,
    Bell,
    Camera,
    Door,
    DoorCommand,
    DoorId,
    Identity,
    PlaceId,
    Port,
    PortId,
    Setting,
    SettingId,
)
from .model.state import Missing, State
from .runtime import IntercomConfigEntry, IntercomRuntime

# Parts of the state that do not affect which entities exist.
_PASSING = frozenset({"calls", "last_access", "last_call", "dialed_calls"})

# Kinds of settings that are switches; the kind is the translation key. ``SELECTED`` are the kinds of selects.
SWITCHED = frozenset(
    {
        "allow_door_code",
        "cms",
        "disable_log",
        "frs_disabled",
        "hidden_log",
        "lprs_disabled",
        "money_messages",
        "open_for_guests",
        "paper_bill",
        "paranoid",
        "text_messages",
        "voip",
    }
)
# Kinds whose switch shows the negated value of the server.
NEGATED = frozenset({"disable_log", "frs_disabled", "lprs_disabled"})
SELECTED = frozenset({"white_rabbit"})
# Kinds that users change often; only these are enabled by default.
_EVERYDAY = frozenset({"cms", "open_for_guests", "voip"})


def device_info(identity: Identity, data: Mapping[str, Any]) -> DeviceInfo:
    """Return the device info of an entry."""
    return DeviceInfo(
        identifiers={(DOMAIN, identity.id)},
        connections={(CONNECTION_NETWORK_MAC, identity.mac)} if identity.mac is not None else set(),
        manufacturer=identity.manufacturer,
        model=identity.model_name,
        name=identity.name,
        serial_number=identity.serial,
        sw_version=identity.firmware,
        hw_version=identity.hardware,
        configuration_url=data.get(CONF_URL) if identity.has_page else None,
    )


def alone[P: (Camera, Door)](part: P, parts: Iterable[P]) -> bool:
    """Return whether a part is the only one of its kind at a place, so that the name of the place is enough."""
    return part.place is not None and [other.id for other in parts if other.place == part.place] == [part.id]


def require_feature[F](coordinator: IntercomCoordinator, feature: F | None, lack: str) -> F:
    """Return a required feature; raise the translated error ``lack`` if the device lacks it."""
    if feature is None:
        raise request_refused(lack, device=coordinator.name)
    return feature


@callback
def async_own_entities(hass: HomeAssistant, entities: set[str], keys: Collection[str]) -> set[str]:
    """Return the entities of this integration with one of the translation keys."""
    registry = er.async_get(hass)
    return {
        entity_id
        for entity_id in entities
        if (entry := registry.async_get(entity_id)) is not None
        and entry.platform == DOMAIN
        and entry.translation_key in keys
    }


class IntercomEntity(CoordinatorEntity[IntercomCoordinator]):
    """An entity for one part of the state.

    Args:
        key: The part of the unique id within the entry.
        place: The place whose device the entity belongs to; None for the entry's own device.

    Attributes:
        shows: The parts of the state that the entity shows; it is written only if one changed. None for all.
    """

    shows: ClassVar[frozenset[str] | None] = None
    _attr_has_entity_name = True

    def __init__(self, runtime: IntercomRuntime, key: str, place: PlaceId | None = None) -> None:
        super().__init__(runtime.coordinator)
        self.runtime = runtime
        identity = runtime.coordinator.description.identity
        self._attr_unique_id = f"{identity.id}_{key}"
        self._attr_device_info = DeviceInfo(identifiers={place_identifier(identity, place)})

    @override
    async def async_added_to_hass(self) -> None:
        """Subscribe to the coordinator, and to the sources of ``async_listen``."""
        await super().async_added_to_hass()
        for unsubscribe in self.async_listen():
            self.async_on_remove(unsubscribe)

    @callback
    def async_listen(self) -> Iterable[CALLBACK_TYPE]:
        """Subscribe to further sources, and return the callbacks that unsubscribe."""
        return ()

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        """Write the state if a part that the entity shows changed."""
        changed = self.coordinator.changed_parts
        if changed is None or self.shows is None or not changed.isdisjoint(self.shows):
            super()._handle_coordinator_update()

    @callback
    def async_rename(self, key: str, **placeholders: str) -> None:
        """Change the name; Home Assistant reads it with the next state."""
        self._attr_translation_key = key
        self._attr_translation_placeholders = placeholders
        self.__dict__.pop("name", None)  # a cached property without regard to the placeholders

    @callback
    def async_entity_id_changed(self, old_entity_id: str) -> None:
        """Keep all subscriptions: none depends on the entity id (Home Assistant 2026.11)."""
        if (moved := getattr(super(), "async_entity_id_changed", None)) is not None:
            moved(old_entity_id)


class LastEventEntity(IntercomEntity):
    """Shows the last event: its state changes only with an event.

    Automations trigger on any change of its state. So it stays available while the device is unavailable, which a
    sensor shows instead, and a new name takes effect with the next event.
    """

    @property
    @override
    def available(self) -> bool:
        """Return True: past events do not depend on the device."""
        return True

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        """Do nothing: updates of the coordinator are no events."""

    @callback
    @override
    def _async_device_registry_updated(self, event: Event[dr.EventDeviceRegistryUpdatedData]) -> None:
        """Postpone a device name from the device; apply one from the user at once."""
        if event.data["action"] == "update" and "name_by_user" not in event.data["changes"]:
            self._cached_friendly_name = None
        else:
            super()._async_device_registry_updated(event)


@callback
def async_add_as_found(
    platform: Platform,
    entry: IntercomConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    find: Callable[[State], Mapping[str, Callable[[], Entity]]],
) -> None:
    """Add entities for all current and future parts of a device, and remove those of parts that no longer exist.

    An entity whose device does not exist yet waits for that: the registry keeps the first entity id.

    Args:
        async_add_entities: Home Assistant's callback for new entities.
        find: Returns the factories of all entities for a state, by key.
    """
    runtime = entry.runtime_data
    known: dict[str, str | None] = {}
    missing_then: dict[str, frozenset[Missing]] = {}
    description = runtime.coordinator.description

    @callback
    def update() -> None:
        nonlocal description
        changed = runtime.coordinator.changed_parts
        if changed is not None and changed <= _PASSING:
            return
        found = find(runtime.coordinator.data)
        made = {key: found[key]() for key in found if key not in known}
        fresh = {key: entity for key, entity in made.items() if _async_has_device(runtime, entity)}
        if fresh:
            known.update({key: entity.unique_id for key, entity in fresh.items()})
            runtime.offered.update((platform, entity.unique_id) for entity in fresh.values())
            async_add_entities(fresh.values())
        before, description = description, runtime.coordinator.description
        missing_then.update(dict.fromkeys(found, description.missing))
        if before is description:
            return
        for key in known.keys() - found.keys():
            # Parts that have become inaccessible may still exist.
            if description.missing <= missing_then[key]:
                _async_remove(runtime, platform, known.pop(key))

    update()
    entry.async_on_unload(runtime.coordinator.async_add_listener(update))


@callback
def _async_has_device(runtime: IntercomRuntime, entity: Entity) -> bool:
    """Return whether the device of an entity exists; a new place may not be in the registry yet."""
    wanted = (entity.device_info or {}).get("identifiers")
    registry, entry = dr.async_get(runtime.coordinator.hass), runtime.coordinator.config_entry
    return wanted is None or bool(registry.async_get_devices(identifiers=wanted, config_entry_id=entry.entry_id))


@callback
def _async_remove(runtime: IntercomRuntime, platform: Platform, unique_id: str | None) -> None:
    """Remove the entity of a part that no longer exists."""
    runtime.offered.discard((platform, unique_id))
    registry = er.async_get(runtime.coordinator.hass)
    if unique_id is not None and (entity_id := registry.async_get_entity_id(platform, DOMAIN, unique_id)) is not None:
        registry.async_remove(entity_id)


class DoorEntity(IntercomEntity):
    """An entity of one door, with the name or number of the door if needed.

    The only door of a place has the name of the place.
    """

    shows = frozenset({"doors"})

    def __init__(self, runtime: IntercomRuntime, door: DoorId, key: str) -> None:
        doors = runtime.coordinator.data.doors
        name, place = distinct_name(doors[door], doors.values()), doors[door].place
        super().__init__(runtime, f"door_{door}_{key}", place)
        self._door_id = door
        self._alone = alone(doors[door], doors.values())
        if name is not None and not self._alone:
            self._attr_translation_key, self._attr_translation_placeholders = f"{key}_named", {"name": name}
        elif len(doors) > 1 and not self._alone:
            self._attr_translation_key, self._attr_translation_placeholders = f"{key}_numbered", {"number": door}
        else:
            self._attr_translation_key = key

    @property
    def door(self) -> Door | None:
        """The current door; None if the device does not report it any more."""
        return self.coordinator.data.doors.get(self._door_id)

    @property
    @override
    def available(self) -> bool:
        """Return whether the device is available and has the door."""
        return super().available and self.door is not None

    async def async_command(self, command: DoorCommand, seconds: int | None = None) -> None:
        """Carry out a door command; ``seconds`` is the duration of a hold."""
        await self.runtime.door_commands.async_command(self._door_id, command, seconds)
        if command in OPENING:
            self.runtime.visits.async_opened(self._door_id)


_COVERED_PORTS = ("relay", "led_", "tamper")


def port_name(port: PortId) -> str:
    """Return the display name of a port: *Input 1* for ``input1``, *Led secured* for ``led_secured``."""
    name = re.sub(r"(?<=\D)(?=\d)", " ", port.replace("_", " ")).strip()
    return name[:1].upper() + name[1:]


class PortEntity(IntercomEntity):
    """An entity of one input or output, named after the device's name."""

    shows = frozenset({"ports"})

    _attr_translation_key = "port"

    def __init__(self, runtime: IntercomRuntime, port: PortId) -> None:
        super().__init__(runtime, f"port_{port}")
        self._port_id = port
        self._attr_translation_placeholders = {"port": port_name(port)}
        # The relay of a door and the tamper contact have entities of their own.
        self._attr_entity_registry_enabled_default = not port.startswith(_COVERED_PORTS)

    def part(self, state: State) -> Port | None:
        """Return the port in a state."""
        return state.ports.get(self._port_id)

    @property
    def is_on(self) -> bool | None:
        """Return whether the port is on; None if unknown."""
        port = self.coordinator.data.ports.get(self._port_id)
        return None if port is None else port.on

    @property
    @override
    def available(self) -> bool:
        """Return whether the device is available and has the port."""
        return super().available and self._port_id in self.coordinator.data.ports


class AccessPointEntity(IntercomEntity):
    """An entity of the block of one access point, which denies all access."""

    shows = frozenset({"access_points"})

    _attr_entity_registry_enabled_default = False

    def __init__(self, runtime: IntercomRuntime, access_point: AccessPointId) -> None:
        super().__init__(runtime, f"access_point_{access_point}")
        self._access_point_id = access_point
        self._attr_translation_key = f"access_point_{access_point}"

    def part(self, state: State) -> AccessPoint | None:
        """Return the access point in a state."""
        return state.access_points.get(self._access_point_id)

    @property
    def is_on(self) -> bool | None:
        """Return whether the access point is blocked."""
        point = self.coordinator.data.access_points.get(self._access_point_id)
        return None if point is None else point.blocked


class BellEntity(IntercomEntity):
    """An entity of one bell, with the label of the bell if needed."""

    shows = frozenset({"bells"})

    def __init__(self, runtime: IntercomRuntime, bell: Bell, key: str) -> None:
        super().__init__(runtime, f"bell_{bell.id}_{key}", bell.place)
        self._bell = bell
        self._attr_translation_key = key
        if (label := bell_label(bell, runtime.coordinator.data.bells.values())) is not None:
            self._attr_translation_key, self._attr_translation_placeholders = f"{key}_named", {"name": label}

    @property
    @override
    def available(self) -> bool:
        """Return whether the system is available and has the bell."""
        return super().available and self._bell.id in self.coordinator.data.bells


class SettingEntity(IntercomEntity):
    """An entity of one setting."""

    shows = frozenset({"settings"})

    _attr_entity_category = EntityCategory.CONFIG

    def __init__(self, runtime: IntercomRuntime, setting: Setting) -> None:
        super().__init__(runtime, f"setting_{setting.id}", setting.place)
        self._setting_id: SettingId = setting.id
        self._attr_translation_key = setting.kind
        self._attr_entity_registry_enabled_default = setting.kind in _EVERYDAY

    def part(self, state: State) -> Setting | None:
        """Return the setting in a state."""
        return state.settings.get(self._setting_id)

    @property
    def value(self) -> bool | str | None:
        """Return the current value; None if unknown."""
        setting = self.part(self.coordinator.data)
        return None if setting is None else setting.value

    @property
    @override
    def available(self) -> bool:
        """Return whether the system is available and has the setting."""
        return super().available and self.part(self.coordinator.data) is not None

    async def async_set(self, value: bool | str) -> None:
        """Set the value."""
        account_settings = require_feature(
            self.runtime.coordinator, self.coordinator.features.account_settings, "no_preferences"
        )
        await self.coordinator.async_effective_command(account_settings.set(self._setting_id, value), self.part)
