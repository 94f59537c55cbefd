"""Devices of places in the registry, and unique names for the parts of a device."""

from collections.abc import Collection, Iterable, Mapping

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import area_registry as ar, device_registry as dr, entity_registry as er
from homeassistant.util import dt as dt_util

from ..const import DOMAIN
from ..model.parts import Bell, Camera, Door, Identity, Place, PlaceId, short_name


def place_identifier(identity: Identity, place: PlaceId | None) -> tuple[str, str]:
    """Return the identifier of the device of a place; None stands for the entry's own device."""
    return DOMAIN, identity.id if place is None else f"{identity.id}_{place}"


@callback
def async_update_device(hass: HomeAssistant, device_id: str, identity: Identity) -> None:
    """Update the entry's own device after a new description."""
    dr.async_get(hass).async_update_device(
        device_id,
        name=identity.name,
        model=identity.model_name,
        sw_version=identity.firmware,
        hw_version=identity.hardware,
    )


@callback
def async_show_places(
    hass: HomeAssistant, device_id: str, identity: Identity, places: Mapping[PlaceId, Place]
) -> dict[PlaceId, str]:
    """Create or update a device for each place, below the device of its parent.

    Args:
        device_id: The entry's own device, the parent of places without a known parent.
        identity: The identity of the entry's own device.

    Returns:
        The ids of the devices that Home Assistant sees for the first time, by place.
    """
    registry = dr.async_get(hass)
    if not places or (own := registry.async_get(device_id)) is None:
        return {}  # most systems have no places, and collecting the names of all other entries takes long
    start = dt_util.utcnow()
    shown: dict[PlaceId, str] = {}
    new: dict[PlaceId, str] = {}
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
        if device.created_at >= start:  # a device that was removed and added again keeps its time
            new[place.id] = device.id
    return new


@callback
def async_suggest_areas(hass: HomeAssistant, devices: Iterable[str]) -> None:
    """Put each new device into the area of its name; the area is created if necessary.

    To be called once the entities are there: Home Assistant puts the area before the name of the device in new entity
    ids, which would name an entrance twice (``lock.gate_gate``).
    """
    registry = dr.async_get(hass)
    for device_id in devices:
        if (device := registry.async_get(device_id)) is None or device.area_id is not None:
            continue
        if name := device.name_by_user or device.name:
            registry.async_update_device(device_id, area_id=ar.async_get(hass).async_get_or_create(name).id)


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
def async_place_of(
    hass: HomeAssistant, device_id: str, identity: Identity, places: Mapping[PlaceId, Place]
) -> PlaceId | None:
    """Return the place of a device; None for the entry's own device."""
    device = dr.async_get(hass).async_get(device_id)
    identifiers = set() if device is None else device.identifiers
    return next((place for place in places if place_identifier(identity, place) in identifiers), None)


def parts_around(
    place: PlaceId | None, places: Mapping[PlaceId, Place], where: Mapping[str, PlaceId | None]
) -> list[str]:
    """Return the parts at a place and below it; without any, those of the next place above that has some.

    Args:
        place: The place; None for the entry's own device, which has all parts.
        where: The place of each part.
    """
    while place is not None:
        if found := [part for part, there in where.items() if place in _path(there, places)]:
            return found
        place = places[place].parent if place in places else None
    return list(where)


def _path(place: PlaceId | None, places: Mapping[PlaceId, Place]) -> list[PlaceId]:
    """Return a place and those above it."""
    path: list[PlaceId] = []
    while place is not None and place in places and place not in path:
        path.append(place)
        place = places[place].parent
    return path


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
        device_id: The entry's own device.
        identity: The identity of the entry's own device.
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

    return sorted(places.values(), key=lambda place: len(_path(place.id, places)))


def distinct_name[P: (Bell, Camera, Door)](part: P, parts: Iterable[P]) -> str | None:
    """Return the name of a part, or the button number of a bell without a name; None if it has neither.

    If another part of the same place has the same name, the button number or id follows in parentheses.
    """
    if (name := _name(part)) is None:
        return None
    neighbors = list(_neighbors(part, parts))
    others = {_folded(other_name) for other in neighbors if (other_name := _name(other)) is not None}
    # Parts without a name are named by their ids, as in *Door A*.
    ids = {_folded(other.id) for other in neighbors if _name(other) is None}
    if len(words := _folded(name).split()) > 1 and words[-1] in ids:
        others.add(_folded(name))
    return _distinct(name, _mark(part), others)


def bell_label(bell: Bell, bells: Iterable[Bell]) -> str | None:
    """Return the label of a bell after *Doorbell*; None if the bell needs none."""
    others = list(_neighbors(bell, bells))
    if (name := distinct_name(bell, [bell, *others])) is not None:
        return None if bell.place is not None and not others else name
    return bell.id if any(_name(other) is None for other in others) else None


def place_names(places: Mapping[PlaceId, Place], others: Iterable[str] = (), mark: str = "") -> dict[PlaceId, str]:
    """Return unique names of places: equal names are followed by the name of the parent, or by the id.

    ``mark`` follows names that are also in ``others``, the device names of other entries.
    """
    names = {place.id: short_name(place.name) for place in places.values()}
    for distinguish in (_with_parent, _with_id):
        taken = [_folded(name) for name in names.values()]
        names = {
            place.id: distinguish(names[place.id], place, places)
            if taken.count(_folded(names[place.id])) > 1
            else names[place.id]
            for place in places.values()
        }
    foreign = {_folded(name) for name in others} if mark else set()
    return {place: f"{name} ({mark})" if _folded(name) in foreign else name for place, name in names.items()}


def _with_parent(name: str, place: Place, places: Mapping[PlaceId, Place]) -> str:
    parent = places.get(place.parent or "")
    return name if parent is None else f"{name} ({short_name(parent.name)})"


def _with_id(name: str, place: Place, _: Mapping[PlaceId, Place]) -> str:
    return f"{name} ({place.id.partition('_')[2] or place.id})"


def _neighbors[P: (Bell, Camera, Door)](part: P, parts: Iterable[P]) -> Iterable[P]:
    """Return the other parts of the same place."""
    return (other for other in parts if other.place == part.place and other.id != part.id)


def _name(part: Bell | Camera | Door) -> str | None:
    if name := short_name(part.name):
        return name
    return str(part.button) if isinstance(part, Bell) and part.button is not None else None


def _mark(part: Bell | Camera | Door) -> str:
    return str(part.button) if isinstance(part, Bell) and part.button is not None else part.id


def _distinct(name: str, mark: str, others: set[str]) -> str:
    if _folded(name) not in others:
        return name
    marked = f"{name} ({mark})"
    return marked if _folded(marked) not in others else _distinct(marked, mark, others)


def _folded(name: str) -> str:
    """Return a name for comparison, without case and extra spaces."""
    return " ".join(name.split()).casefold()
