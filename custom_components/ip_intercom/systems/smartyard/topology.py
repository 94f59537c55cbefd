"""Houses, entrances, apartments, and cameras of an account as model types (field notes 5)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from yarl import URL

from ...model.parts import Bell, BellId, Camera, CameraId, Door, DoorId, Place, PlaceId
from .client import Camera as ApiCamera, Door as ApiDoor, Flat, House, IntercomCamera

# Prefixes of place IDs, by the list that contains the places.
CAMERA = "camera_"
FLAT = "flat_"
_HOUSE = "house_"
_DOOR = "door_"
OF_HOUSES = frozenset({_HOUSE, _DOOR})
# Names of unnamed doors.
_NAMES = {"entrance": "Entrance", "wicket": "Wicket", "gate": "Gate", "barrier": "Barrier"}


@dataclass(frozen=True, slots=True)
class Relay:
    """How to open a door: its intercom, its number there, and its house."""

    domophone: str
    door: int
    house: str


@dataclass(frozen=True, slots=True)
class AccountTopology:
    """The topology of an account.

    Attributes:
        places: All places, houses first.
        doors: The doors, by ID.
        relays: How to open each door.
        bells: One for each intercom.
        cameras: The cameras as model types.
        feeds: The cameras as the server reports them.
        flats: Apartments by ID.
        houses: Places of houses, by house ID.
    """

    places: Mapping[PlaceId, Place] = field(default_factory=dict)
    doors: Mapping[DoorId, Door] = field(default_factory=dict)
    relays: Mapping[DoorId, Relay] = field(default_factory=dict)
    bells: Mapping[BellId, Bell] = field(default_factory=dict)
    cameras: Mapping[CameraId, Camera] = field(default_factory=dict)
    feeds: Mapping[CameraId, ApiCamera] = field(default_factory=dict, repr=False)
    flats: Mapping[str, Flat] = field(default_factory=dict)
    houses: Mapping[str, PlaceId] = field(default_factory=dict)

    def entrance(self, domophone: str | None, door: int | None) -> str | None:
        """Return the name of a door."""
        return self.name_of(door_id(domophone or "", door or 0))

    def name_of(self, door: DoorId) -> str | None:
        """Return the name of a door by its ID."""
        found = self.doors.get(door)
        place = None if found is None or found.place is None else self.places.get(found.place)
        return None if place is None else place.name


def door_id(domophone: str, door: int) -> DoorId:
    """Return the ID of a door."""
    return f"{domophone}:{door}"


def flat_place(flat: str) -> PlaceId:
    """Return the place ID of an apartment."""
    return f"{FLAT}{flat}"


def doors_of(houses: Iterable[House]) -> dict[DoorId, Door]:
    """Return the doors of houses."""
    doors: dict[DoorId, Door] = {}
    for house in houses:
        for door in house.doors:
            neutral = Door(
                door_id(door.domophone_id, door.door_id),
                released=None,
                blocked=door.blocked is not None,
                blockable=False,
                place=_door_place(door),
            )
            doors.setdefault(neutral.id, neutral)
    return doors


def topology_of(
    houses: Iterable[House] | None,
    flats: Iterable[Flat],
    cameras: Iterable[ApiCamera],
    intercoms: Iterable[IntercomCamera],
) -> AccountTopology:
    """Return the topology of an account; ``houses`` is None if the list is unavailable."""
    listed = houses is not None
    houses, flats = tuple(houses or ()), tuple(flats)
    house_places = {house.id: f"{_HOUSE}{house.id}" for house in houses}
    places = {
        house_places[house.id]: Place(house_places[house.id], house.address or f"House {house.id}") for house in houses
    }
    relays: dict[DoorId, Relay] = {}
    bells: dict[BellId, Bell] = {}
    for house in houses:
        # The bell of an intercom with several doors is at the first one, regardless of the order of the list.
        for door in sorted(house.doors, key=lambda door: door.door_id):
            known = door_id(door.domophone_id, door.door_id)
            if known in relays:
                continue
            relays[known] = Relay(door.domophone_id, door.door_id, house.id)
            place = _entrance(door, house_places[house.id])
            places[place.id] = place
            bells.setdefault(door.domophone_id, Bell(door.domophone_id, place=place.id))
    for flat in flats:
        name = flat.address or f"Flat {flat.number or flat.id}"
        places[flat_place(flat.id)] = Place(flat_place(flat.id), name, house_places.get(flat.house_id or ""))
    neutral, feeds = _cameras(tuple(cameras), intercoms, bells, places, house_places, listed=listed)
    return AccountTopology(
        places, doors_of(houses), relays, bells, neutral, feeds, {flat.id: flat for flat in flats}, house_places
    )


def _cameras(
    cameras: tuple[ApiCamera, ...],
    intercoms: Iterable[IntercomCamera],
    bells: Mapping[BellId, Bell],
    places: dict[PlaceId, Place],
    houses: Mapping[str, PlaceId],
    *,
    listed: bool,
) -> tuple[dict[CameraId, Camera], dict[CameraId, ApiCamera]]:
    """Return the cameras, and add places for those without an intercom."""
    by_address = {_address(camera): camera for camera in cameras}
    neutral: dict[CameraId, Camera] = {}
    feeds: dict[CameraId, ApiCamera] = {}
    taken: set[str] = set()
    for intercom in intercoms:
        bell = bells.get(intercom.domophone_id)
        if not listed:  # it is added with its door
            taken.update(_address(camera) for camera in (intercom.camera, *intercom.alternatives))
        if bell is None:
            continue
        for number, camera in enumerate((intercom.camera, *intercom.alternatives)):
            known = f"intercom_{intercom.domophone_id}" + (f"_{number}" if number else "")
            address = _address(camera)
            taken.add(address)
            neutral[known] = Camera(known, name=(camera.name or None) if number else None, place=bell.place)
            # The entry in the list of cameras is more complete: it has the ID, which the archive requires.
            feeds[known] = by_address.get(address, camera)
    for camera in cameras:
        if not camera.id or _address(camera) in taken or camera.id in feeds:
            continue
        place = Place(f"{CAMERA}{camera.id}", camera.name or f"Camera {camera.id}", houses.get(camera.house_id or ""))
        places[place.id] = place
        neutral[camera.id] = Camera(camera.id, place=place.id)
        feeds[camera.id] = camera
    return neutral, feeds


def _entrance(door: ApiDoor, house: PlaceId) -> Place:
    return Place(_door_place(door), door.name or _NAMES.get(door.icon, "Entrance"), house)


def _door_place(door: ApiDoor) -> PlaceId:
    return f"{_DOOR}{door.domophone_id}_{door.door_id}"


def _address(camera: ApiCamera) -> str:
    """Return the normalized URL of a camera, to match the two lists."""
    try:
        return str(URL(camera.url)).rstrip("/")
    except ValueError:
        return camera.url
