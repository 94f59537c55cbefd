"""Unique names for the parts of a device: pure functions."""

from collections.abc import Iterable, Mapping

from .parts import Bell, Camera, Door, Place, PlaceId


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
    names = {place.id: place.name for place in places.values()}
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
    return name if parent is None else f"{name} ({parent.name})"


def _with_id(name: str, place: Place, _: Mapping[PlaceId, Place]) -> str:
    return f"{name} ({place.id.partition('_')[2] or place.id})"


def _neighbors[P: (Bell, Camera, Door)](part: P, parts: Iterable[P]) -> Iterable[P]:
    """Return the other parts of the same place."""
    return (other for other in parts if other.place == part.place and other.id != part.id)


def _name(part: Bell | Camera | Door) -> str | None:
    if part.name is None and isinstance(part, Bell) and part.button is not None:
        return str(part.button)
    return part.name


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
