"""Device registry entries for places, below the device of the entry."""

from collections.abc import Collection, Mapping

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er

from ..const import DOMAIN
from ..model.names import place_names
from ..model.parts import Identity, Place, PlaceId


def place_identifier(identity: Identity, place: PlaceId | None) -> tuple[str, str]:
    """Return the identifier of the device of a place; None stands for the entry's own device."""
    return DOMAIN, identity.id if place is None else f"{identity.id}_{place}"


@callback
def async_show_places(hass: HomeAssistant, device_id: str, identity: Identity, places: Mapping[PlaceId, Place]) -> None:
    """Create or update a device for each place, below the device of its parent.

    Args:
        hass: Home Assistant.
        device_id: The entry's own device, the parent of places without a known parent.
        identity: The identity of the entry's own device.
        places: The current places.
    """
    registry = dr.async_get(hass)
    if (own := registry.async_get(device_id)) is None:
        return
    shown: dict[PlaceId, str] = {}
    names = place_names(places, _foreign_names(hass, own.config_entry_id), identity.mark)
    for place in _parents_first(places):
        device = registry.async_get_or_create(
            config_entry_id=own.config_entry_id,
            identifiers={place_identifier(identity, place.id)},
            manufacturer=identity.manufacturer,
            model=None,
            name=names[place.id],
            via_device_id=shown.get(place.parent or "", device_id),
        )
        shown[place.id] = device.id


def _foreign_names(hass: HomeAssistant, entry_id: str) -> set[str]:
    """Return the device names of other entries of this integration: two accounts may share a house."""
    registry = dr.async_get(hass)
    return {
        name
        for entry in hass.config_entries.async_entries(DOMAIN)
        if entry.entry_id != entry_id
        for device in dr.async_entries_for_config_entry(registry, entry.entry_id)
        if (name := device.name_by_user or device.name) is not None
    }


@callback
def async_remove_places(
    hass: HomeAssistant,
    device_id: str,
    identity: Identity,
    places: Mapping[PlaceId, Place],
    offered: set[tuple[str, str | None]],
    unlisted: Collection[str] = (),
) -> None:
    """Remove the devices of places that no longer exist.

    Args:
        hass: Home Assistant.
        device_id: The entry's own device.
        identity: The identity of the entry's own device.
        places: The current places.
        offered: The current entities, by platform and unique id; devices with one of them are kept.
        unlisted: Id prefixes of places whose list could not be read; they are kept.
    """
    registry, entities = dr.async_get(hass), er.async_get(hass)
    if (own := registry.async_get(device_id)) is None:
        return
    there = {place_identifier(identity, place) for place in places}
    uncertain = tuple(place_identifier(identity, prefix)[1] for prefix in unlisted)
    for device in dr.async_entries_for_config_entry(registry, own.config_entry_id):
        if device.id == device_id or device.identifiers & there:
            continue
        if any(identifier.startswith(uncertain) for _, identifier in device.identifiers):
            continue
        shown = er.async_entries_for_device(entities, device.id, include_disabled_entities=True)
        if not any((entity.domain, entity.unique_id) in offered for entity in shown):
            registry.async_remove_device(device.id)


def _parents_first(places: Mapping[PlaceId, Place]) -> list[Place]:
    """Return the places, each after its parent."""

    def depth(place: Place) -> int:
        seen: set[PlaceId] = set()
        above: Place | None = place
        while above is not None and above.id not in seen:
            seen.add(above.id)
            above = places.get(above.parent or "")
        return len(seen)

    return sorted(places.values(), key=depth)
