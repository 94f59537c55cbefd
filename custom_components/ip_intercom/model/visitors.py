"""Visits: rings, and what became of them. Visitors: the stored rows of visits and accesses. Pure functions, no I/O."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from types import MappingProxyType

from .events import BellRings, CallChanged, DoorMode, DoorReleased, Event, Restarted, VisitRecorded
from .parts import (
    ANSWERED_ELSEWHERE,
    Access,
    Bell,
    BellId,
    CallState,
    Direction,
    Door,
    DoorId,
    PlaceId,
    SessionId,
    VisitOutcome,
)
from .ring_detector import PRESS_TO_CALL, Ring, peer_number
from .state import State

# Longest delay between a ring and the record of its outcome in the history, by the clock of the history.
_RING_TO_RECORD = timedelta(minutes=5)
# A visit without an outcome may still get one within this time.
_OPEN_FOR = timedelta(days=1)
# The outcome of an older visit is late.
_LIVE_FOR = timedelta(minutes=2)
# Without stored pictures, such a visit is removed after this time.
_UNSTORED_FOR = timedelta(minutes=15)
# Limit of rows, so that a flood of rings cannot fill the disk.
MOST_VISITORS = 2000

_RELEVANCE = list(VisitOutcome)


@dataclass(frozen=True, slots=True)
class Visit:
    """A ring with its call, if that is known, and its outcome so far.

    ``record`` is the id of the event by which the history reported the outcome, and ``picture`` the name of the picture
    of that record for the feature ``record_pictures``.
    """

    ring: Ring
    session: SessionId | None = None
    outcome: VisitOutcome | None = None
    record: str | None = None
    picture: str | None = None

    @property
    def id(self) -> str:
        """Return the id: that of the ring's event, or its bell and time."""
        return self.ring.id or f"{self.ring.bell.id}-{self.ring.time.isoformat()}"

    def improves(self, outcome: VisitOutcome) -> bool:
        """Return whether an outcome is more relevant than the one so far."""
        return self.outcome is None or _RELEVANCE.index(outcome) > _RELEVANCE.index(self.outcome)


@dataclass(frozen=True, slots=True)
class Progress:
    """Visits after an event: those in progress, and those with a new outcome."""

    current: tuple[Visit, ...]
    changed: tuple[Visit, ...] = ()

    def with_outcome(self, visit: Visit, outcome: VisitOutcome, *, ends: bool = False) -> Progress:
        """Return the progress after an outcome of a visit; ``ends`` if no better one can follow."""
        after = replace(visit, outcome=outcome) if visit.improves(outcome) else visit
        current = tuple(after if other is visit else other for other in self.current if not (ends and other is visit))
        return Progress(current, self.changed if after is visit else (*self.changed, after))


def advance(
    visits: tuple[Visit, ...],
    event: Event,
    state: State,
    *,
    peers: Mapping[str, BellId] = MappingProxyType({}),
    plain: Collection[DoorId] = (),
    recorded: bool = False,
) -> Progress:
    """Return the visits after an event.

    Args:
        visits: The visits in progress, oldest first.
        state: The state after it.
        peers: The bell for each called number, from the directory.
        plain: Switches that drive no door.
        recorded: The history reports the outcome later, so the end of the ringing says nothing about it.
    """
    progress = Progress(visits)
    for fact in event.facts:
        match fact:
            case CallChanged():
                progress = _with_call(progress, fact, event, state, peers, recorded=recorded)
            case DoorReleased(door=door, released=True) | DoorMode(door=door, held_open=True):
                progress = opened(progress, door, state.doors, plain)
            case BellRings(bell=bell, on=False) if not recorded:
                ended = [visit for visit in progress.current if visit.ring.bell.id == bell and visit.session is None]
                for visit in ended:
                    progress = progress.with_outcome(visit, VisitOutcome.MISSED, ends=True)
            case VisitRecorded():
                progress = _with_record(progress, fact, event, state.bells)
            case Restarted():
                for visit in progress.current:
                    progress = progress.with_outcome(visit, VisitOutcome.MISSED, ends=True)
    return progress


def opened(progress: Progress, door: DoorId, doors: Mapping[DoorId, Door], plain: Collection[DoorId] = ()) -> Progress:
    """Return the progress after a door opened: it let in the visitors at its place, unless it is a plain switch."""
    if door in plain:
        return progress
    place: PlaceId | None = doors[door].place if door in doors else None
    for visit in progress.current:
        if visit.ring.bell.place == place:
            progress = progress.with_outcome(visit, VisitOutcome.OPENED)
    return progress


def _with_call(
    progress: Progress, call: CallChanged, event: Event, state: State, peers: Mapping[str, BellId], *, recorded: bool
) -> Progress:
    """Return the progress after a change of a call: an answer, or the end.

    With a history, only its record ends the visit.
    """
    visit = next((visit for visit in progress.current if visit.session == call.session), None)
    if visit is None and call.direction is Direction.OUTGOING and call.state is not CallState.TERMINATED:
        pressed = _caller(progress.current, call, event, peers)
        if pressed is not None:
            visit = replace(pressed, session=call.session)
            current = tuple(visit if other is pressed else other for other in progress.current)
            progress = replace(progress, current=current)
    if visit is None:
        return progress
    if call.state is CallState.CONNECTED:
        return progress.with_outcome(visit, VisitOutcome.ANSWERED)
    if call.state is CallState.TERMINATED and call.reason == ANSWERED_ELSEWHERE:
        return progress.with_outcome(visit, VisitOutcome.ANSWERED, ends=not recorded)
    ended = call.state is CallState.TERMINATED and call.session not in state.calls
    if ended and not recorded and not call.recorded:
        return progress.with_outcome(visit, VisitOutcome.MISSED, ends=True)
    return progress


def _caller(visits: tuple[Visit, ...], call: CallChanged, event: Event, peers: Mapping[str, BellId]) -> Visit | None:
    """Return the visit that started a new call: at the bell that calls its number, else the last one."""
    called = None if call.peer is None else peers.get(peer_number(call.peer))
    last: Visit | None = None
    for visit in reversed(visits):
        if visit.session is None and abs(event.time - visit.ring.time) <= PRESS_TO_CALL:
            if visit.ring.bell.id == called:
                return visit
            last = last or visit
    return last


def _with_record(progress: Progress, record: VisitRecorded, event: Event, bells: Mapping[BellId, Bell]) -> Progress:
    """Return the progress after a record of the history; a ring that did not arrive begins and ends with it."""
    for visit in progress.current:
        if visit.ring.bell.id == record.bell and abs(event.time - visit.ring.time) <= _RING_TO_RECORD:
            recorded = replace(visit, record=event.id, picture=record.id)
            current = tuple(recorded if other is visit else other for other in progress.current)
            return replace(progress, current=current).with_outcome(recorded, record.outcome, ends=True)
    bell = bells.get(record.bell, Bell(record.bell))
    ring = Ring(bell, event.time, id=event.id, late=event.late)
    visit = Visit(ring, outcome=record.outcome, record=event.id, picture=record.id)
    return replace(progress, changed=(*progress.changed, visit))


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
