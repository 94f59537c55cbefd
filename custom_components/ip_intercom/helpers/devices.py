"""Places as separate devices below the device of an entry."""

from collections.abc import Collection, Mapping

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er

from ..const import DOMAIN
from ..model.names import place_names
from ..model.parts import Identity, Place, PlaceId


def place_identifier(identity: Identity, place: PlaceId | None) -> tuple[str, str]:
    """Return the identifier of a place's device, that of the entry's own device for None."""
    return DOMAIN, identity.id if place is None else f"{identity.id}_{place}"


@callback
def async_show_places(hass: HomeAssistant, device_id: str, identity: Identity, places: Mapping[PlaceId, Place]) -> None:
    """Have a device for each place, below its parent's; what was renamed or moved follows.

    Args:
        hass: Home Assistant.
        device_id: The entry's own device: places without a known parent are right below it.
        identity: Whose places they are.
        places: The places that there are now.
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
    """Return the names of the devices of our other entries: two accounts may have the same house."""
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
    """Remove the devices of places that are gone.

    Args:
        hass: Home Assistant.
        device_id: The entry's own device.
        identity: Whose places they were.
        places: The places that there are now.
        offered: The entities that there are now, by platform and unique id: what has one of them stays.
        unlisted: Beginnings of ids of places that may or may not be gone: they stay.
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
    """Return places in an order in which each comes after its parent."""

    def depth(place: Place) -> int:
        seen: set[PlaceId] = set()
        above: Place | None = place
        while above is not None and above.id not in seen:
            seen.add(above.id)
            above = places.get(above.parent or "")
        return len(seen)

    return sorted(places.values(), key=depth)
