"""Houses, their doors and flats."""

from dataclasses import dataclass, field

from .cameras import Camera

DATE = "%Y-%m-%d %H:%M:%S"


@dataclass(slots=True)
class Door:
    """One relay of an intercom; `blocked` is the reason in words, `broken` that the intercom cannot be reached."""

    domophone: int
    door: int
    icon: str
    name: str
    entrance: int
    house: int
    # Doors that only some flats have; the others belong to all flats.
    flats: frozenset[int] = frozenset()
    camera: int | None = None
    # Is its camera named in pushes, for WebRTC?
    video: bool = False
    coded: bool = True
    numbered: bool = False
    blocked: str = ""
    broken: bool = False

    def is_for(self, flat: Flat) -> bool:
        """May that flat open it?"""
        return flat.house == self.house and (not self.flats or flat.id in self.flats)


@dataclass(slots=True)
class Key:
    """A key of a flat; `rfid` is 14 hexadecimal digits."""

    id: int
    rfid: str
    comments: str


@dataclass(slots=True)
class Flat:
    """One flat; `unpaid` and `blocked` are what the operator does to it."""

    id: int
    number: str
    house: int
    door_code: str = field(repr=False)
    keys: list[Key] = field(default_factory=list)
    unpaid: bool = False
    blocked: bool = False
    cms: bool = True
    auto_open: str = "1970-01-01 03:00:00"
    white_rabbit: int = 0
    log_disabled: bool = False
    log_broken: bool = False
    log_hidden: bool = False
    # Settings of a server to come.
    more: dict[str, str] = field(default_factory=dict)

    @property
    def closed(self) -> bool:
        """Does it get nothing?"""
        return self.unpaid or self.blocked


@dataclass(slots=True)
class House:
    """One house."""

    id: int
    address: str


@dataclass(slots=True)
class Town:
    """All houses, apartments, and doors of the operator."""

    houses: list[House]
    doors: list[Door]
    flats: list[Flat]
    cameras: list[Camera]
    # Cameras of the city, in the overview only.
    city: list[Camera] = field(default_factory=list)

    def house(self, number: int) -> House:
        """Find a house."""
        return next(house for house in self.houses if house.id == number)

    def flat(self, number: int) -> Flat:
        """Find a flat."""
        return next(flat for flat in self.flats if flat.id == number)

    def door(self, domophone: int, door: int = 0) -> Door | None:
        """Find a door."""
        return next((row for row in self.doors if (row.domophone, row.door) == (domophone, door)), None)

    def doors_of(self, flat: Flat) -> list[Door]:
        """Return the doors of a flat."""
        return [door for door in self.doors if door.is_for(flat)]

    def camera(self, number: int) -> Camera | None:
        """Find a camera."""
        return next((row for row in (*self.cameras, *self.city) if row.id == number), None)
