"""Rows of the index of visitors, and which of them to remove. Pure functions, no I/O."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from .parts import Access, Bell, BellId, PlaceId, SessionId, VisitOutcome
from .ring_detector import Ring
from .visits import Visit

# A visit without an outcome may still get one within this time.
_OPEN_FOR = timedelta(days=1)
# The outcome of an older visit is late.
_LIVE_FOR = timedelta(minutes=2)
# Without stored pictures, such a visit is removed after this time.
_UNSTORED_FOR = timedelta(minutes=15)
# Limit of rows, so that a flood of rings cannot fill the disk.
MOST_VISITORS = 2000


def visitor_id(event: str) -> str:
    """Return the id of the visitor of an event: a name for a file and a URL that contains nothing of the device."""
    return sha256(event.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Visitor:
    """A visitor, or a person who was granted or denied access.

    Attributes:
        id: The id in URLs, and the name of the file of the picture.
        time: The time of the ring or access, in UTC.
        bell: The bell; None for an access, or if unknown.
        place: The place of the bell; None stands for the entry's own device.
        outcome: What became of the visit; None while that is unknown.
        late: The ring arrived late, and rang nothing.
        event: The id of the visit (``Visit.id``).
        session: The call of the visit.
        record: The id of the event by which the history reported the outcome.
        taken: The time at which the picture was taken; None without one.
        size: The size of the picture in bytes.
        granted: Whether access was granted; None for a visitor.
        name: The person who was granted or denied access.
        entrance: The entrance of an access.
    """

    id: str
    time: datetime
    bell: BellId | None = None
    place: PlaceId | None = None
    outcome: VisitOutcome | None = None
    late: bool = False
    event: str | None = None
    session: SessionId | None = None
    record: str | None = None
    taken: datetime | None = None
    size: int = 0
    granted: bool | None = None
    name: str | None = None
    entrance: str | None = None

    @classmethod
    def of_visit(cls, visit: Visit, now: datetime) -> Visitor:
        """Return the row of a visit.

        The clock of a device may be wrong, so the system clock counts if the age of the ring is known.
        """
        ring = visit.ring
        is_timed = ring.age > 0 or not (ring.late or visit.record)
        return cls(
            visitor_id(visit.id),
            now - timedelta(seconds=ring.age) if is_timed else min(ring.time, now),
            ring.bell.id,
            ring.bell.place,
            visit.outcome,
            ring.late,
            visit.id,
            visit.session,
            visit.record,
        )

    @classmethod
    def of_access(cls, access: Access, event: str, now: datetime, *, late: bool) -> Visitor:
        """Return the row of a granted or denied access."""
        return cls(
            visitor_id(event),
            min(access.time, now),
            late=late,
            event=event,
            granted=access.granted,
            name=access.name,
            entrance=access.entrance,
        )

    @property
    def image(self) -> BellId | None:
        """Return the bell whose image shows this visitor; None for the image of the entry's own device."""
        return None if self.place is None else self.bell

    @property
    def is_visit(self) -> bool:
        """Return whether this is a visitor who rang."""
        return self.granted is None


def last_pictured(visitors: Iterable[Visitor], bell: BellId | None) -> Visitor | None:
    """Return the last visitor with a picture who rang live at a bell; None for the bells of the own device."""
    shown = (
        visitor
        for visitor in visitors
        if visitor.taken is not None and visitor.is_visit and not visitor.late and visitor.image == bell
    )
    return max(shown, key=lambda visitor: visitor.time, default=None)


def outdated(visitors: Collection[Visitor], now: datetime, days: int, most: int) -> frozenset[str]:
    """Return the ids of the visitors to remove, except the last one of each image.

    Args:
        days: The number of days for which visitors are kept.
        most: The largest size of all pictures in bytes; the oldest are removed first.
    """
    images = {visitor.image for visitor in visitors}
    last = {visitor.id for bell in images if (visitor := last_pictured(visitors, bell)) is not None}
    removed: set[str] = set()
    size = sum(visitor.size for visitor in visitors)
    count = len(visitors)
    for visitor in sorted(visitors, key=lambda visitor: visitor.time):
        age = now - visitor.time
        is_open = visitor.is_visit and visitor.outcome is None and age <= _UNSTORED_FOR
        is_old = age > timedelta(days=days) and not is_open
        if visitor.id not in last and (is_old or (size > most and visitor.size) or count > MOST_VISITORS):
            removed.add(visitor.id)
            size -= visitor.size
            count -= 1
    return frozenset(removed)


def resumed(visitors: Iterable[Visitor], bells: Mapping[BellId, Bell], now: datetime) -> tuple[Visit, ...]:
    """Return the visits of a previous run whose outcome may still be reported, oldest first."""
    waiting = (
        visitor
        for visitor in sorted(visitors, key=lambda visitor: visitor.time)
        if visitor.is_visit and visitor.outcome is None and now - visitor.time <= _OPEN_FOR
    )
    return tuple(
        Visit(
            Ring(
                bells.get(visitor.bell, Bell(visitor.bell, place=visitor.place)),
                visitor.time,
                visitor.session,
                id=visitor.event,
                late=visitor.late or now - visitor.time > _LIVE_FOR,
            ),
            visitor.session,
        )
        for visitor in waiting
        if visitor.bell is not None and visitor.event is not None
    )
