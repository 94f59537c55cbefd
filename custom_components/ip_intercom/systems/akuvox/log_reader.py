"""Reader of the logs of an Akuvox: new records across restarts and deletions, with their age by its clock."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
import time
from typing import Any, Protocol, TypedDict

from ...model.events import CallChanged, Event
from ...model.parts import CallState, Direction
from ..common.parse import LIVE_WINDOW, integer, is_set, text, texts
from .client.logs import LogPage
from .client.system import SystemStatus

# Page size of devices with pages (captures/akuvox/doorlog_paging_x912.md).
PAGE = 10
# Maximum number of pages per read, so that the call status is polled in between.
_PAGES = 10
_ANOTHER = timedelta(hours=3)

# Time zones are multiples of a quarter hour and at most this far from UTC; in seconds.
_STEP = 900
_FARTHEST = 26 * 3600
# Records and the clock have whole seconds, rounded down: half a second is missing on average.
_HALF = 0.5
# Maximum drift in seconds between two polls.
_SLACK = 30.0
# Seconds for which the offset of the device's clock is valid: a user or a time server may set the clock.
_SKEW_VALID_FOR = 600.0
# Seconds within which the clock is not read again.
_FRESH_FOR = 10.0
# Seconds by which a record may be in the future because of rounding.
_FUTURE = 3.0
# Seconds since the previous poll within which a new record shows its zone, as zones are multiples of a quarter hour.
_CERTAIN = 600.0
# Maximum duration of a call in seconds; a longer one indicates a changed time zone, such as summer time.
_MAX_CALL = 1800.0


class Record(Protocol):
    """A record of the call log or door log; its number is ascending, its time is the device's local time."""

    @property
    def id(self) -> str | None:
        """The number."""

    @property
    def when(self) -> datetime | None:
        """Local date and time."""

    @property
    def mark(self) -> str:
        """Checksum that distinguishes records with the same number."""


type Fetch[R: Record] = Callable[[int], Awaitable[LogPage[R]]]


@dataclass(slots=True)
class Journal:
    """Position in a log.

    Attributes:
        known: Whether the log was read before; on the first read, all records are old.
        paged: Whether the device has pages; otherwise each poll reads the complete log.
        more: Whether the last read ended before the newest known record; the next one continues there.
    """

    known: bool = False
    paged: bool = True
    _id: int = 0
    _when: datetime | None = None
    # Marks of the newest page: without times, only they distinguish a cleared log from a shortened one.
    _marks: frozenset[str] = frozenset()
    more: bool = False
    _page: int = 1
    _found: list[Any] = field(default_factory=list)
    _is_restarted: bool = False
    _is_shorter: bool = False
    _newest_marks: frozenset[str] = frozenset()

    @classmethod
    def from_json(cls, stored: object) -> Journal:
        """Return a stored journal."""
        if not isinstance(stored, Mapping):
            return cls()
        when = text(stored.get("when"))
        try:
            return cls(
                True,
                True,
                integer(stored.get("id")) or 0,
                None if when is None else datetime.fromisoformat(when),
                frozenset(texts(stored.get("marks"))),
            )
        except ValueError:
            return cls()

    def as_json(self) -> Mapping[str, object] | None:
        """Return the position as JSON; None before the first read."""
        if not self.known:
            return None
        when = None if self._when is None else self._when.isoformat()
        return {"id": self._id, "when": when, "marks": sorted(self._marks)}

    async def news[R: Record](self, fetch: Fetch[R]) -> list[R]:
        """Return the records since the last read, oldest first; none while there is ``more`` to read.

        Args:
            fetch: Returns a page of the log, newest record first; pages count from 1.
        """
        if not self.more:
            self._page, self._found, self._is_restarted, self._is_shorter = 1, [], False, False
            self._newest_marks = self._marks
        found: list[R] = self._found
        for page in range(self._page, self._page + _PAGES):
            answer = await fetch(page)
            records = answer.records
            self.paged = answer.size <= PAGE
            if page == 1:
                self._is_restarted = max((_number(record) for record in records), default=0) < max(self._id, 1)
                # The newest records were deleted; the others are unchanged.
                self._is_shorter = any(_number(record) and record.mark in self._marks for record in records)
                self._newest_marks = frozenset(record.mark for record in records[:PAGE]) or self._marks
            self._is_restarted = self._is_restarted or any(self._is_reused(record) for record in records)
            fresh = [record for record in records if not self.known or self._is_new(record)]
            # A record written in the meantime moves the last record of a page to the next page; a page may repeat one.
            unseen = [record for record in dict.fromkeys(fresh) if record not in found]
            found += unseen
            all_new = bool(unseen) and len(fresh) == len(records)
            self.more = self.known and self.paged and answer.size == PAGE and all_new
            self._page = page + 1
            if not self.more:
                break
        if self.more:
            return []
        was_known, self.known, self._found, self._marks = self.known, True, [], self._newest_marks
        newest = max(found, key=_order, default=None)
        if newest is not None:
            self._id, self._when = _number(newest), newest.when
        return sorted(found, key=_order) if was_known else []

    def _is_new(self, record: Record) -> bool:
        if not self._is_restarted:
            return _number(record) > self._id  # regardless of the time, as clocks may be set back
        # The numbers of a cleared log restart; then the time decides, as for records without numbers.
        if record.when is not None and self._when is not None and record.when != self._when:
            return record.when > self._when
        return not self._is_shorter and record.mark not in self._marks

    def _is_reused(self, record: Record) -> bool:
        """Return whether a record is another one than the newest known record with the same number."""
        if _number(record) != self._id or record.when is None or self._when is None or not self._id:
            return False
        # After a change to summer time, a device may show its old records an hour later.
        return record.when - self._when > _ANOTHER


def _number(record: Record) -> int:
    return integer(record.id) or 0


def _order(record: Record) -> tuple[int, datetime]:
    return _number(record), record.when or datetime.min


class LogReader[R: Record]:
    """Reads the call log or the door log.

    Args:
        fetch: Returns a page of the log.
        clock: Clock of the device.
        read_clock: Reads the clock unless it is known or unavailable.
        stored: Position of the previous run, from ``Journal.as_json``.

    Attributes:
        clock: Clock of the device.
        journal: Committed position.
        took: Duration of the last read in seconds.
    """

    def __init__(
        self,
        fetch: Fetch[R],
        clock: DeviceClock,
        read_clock: Callable[[], Awaitable[None]],
        monotonic: Callable[[], float],
        stored: object = None,
    ) -> None:
        self.journal = Journal.from_json(stored)
        self.took = 0.0
        self.clock = clock
        self._fetch = fetch
        self._read_clock = read_clock
        self._monotonic = monotonic
        self._pending = self.journal
        # Start of the last read that reached a known record, and start of the current one.
        self._read_at: float | None = None
        self._started_at = 0.0

    async def news(self) -> list[tuple[R, float | None]]:
        """Return the new records, oldest first, each with its age in seconds, None if unknown.

        They count as read after ``commit``; the next cursor includes them then.
        """
        journal = replace(self.journal)
        started_at = self._monotonic()
        if not journal.more:
            self._started_at = started_at
        records = await journal.news(self._fetch)
        self.took = self._monotonic() - started_at
        if any(record.when is not None and is_set(record.when) for record in records):
            await self._read_clock()
        since = None if self._read_at is None else self._monotonic() - self._read_at
        self._pending = journal
        return [(record, self.clock.age_of(record.when, since)) for record in records]

    def commit(self) -> None:
        """Record that the result of ``news`` was delivered."""
        self.journal = self._pending
        if not self.journal.more:
            self._read_at = self._started_at


class Numbered(TypedDict):
    """Fields of an event that identify its record."""

    id: str
    sequence: int | None
    clocked: bool


def numbered(log: str, record: Record) -> Numbered:
    """Return the identity of a record; it includes the time, as numbers restart in a cleared log."""
    when = "" if record.when is None else record.when.isoformat()
    return {
        "id": f"{log}-{when}-{record.id or ''}",
        "sequence": integer(record.id),
        "clocked": record.when is None or is_set(record.when),
    }


class DeviceClock:
    """Relation between the device's clock, the times of its records, and the local clock.

    Args:
        zone: Seconds by which records were ahead of ``system/status`` in the previous run.

    Attributes:
        zone: The same for this run; None while unknown.
        home_zone: As in ``model.functions.LocalClock``.
    """

    def __init__(self, monotonic: Callable[[], float], zone: int | None = None) -> None:
        self._monotonic = monotonic
        self._uptime: tuple[int, float] | None = None
        # Seconds by which the device's clock is ahead of the local one, and the monotonic time of the measurement.
        self._skew: tuple[float, float] | None = None
        self.zone = zone
        self.home_zone: Callable[[], tzinfo | None] = lambda: None

    def update(self, status: SystemStatus, asked_at: float) -> bool:
        """Process a reading of clock and uptime; return whether the device has restarted since the last one.

        Args:
            asked_at: Local Unix time of the request.
        """
        now = self._monotonic()
        if status.time is not None:
            self._skew = status.time + _HALF - (asked_at + time.time()) / 2, now
        if status.uptime is None:
            return False
        known, self._uptime = self._uptime, (status.uptime, now)
        return known is not None and status.uptime < known[0] + (now - known[1]) - _SLACK

    @property
    def is_fresh(self) -> bool:
        """Return whether the clock was read a moment ago."""
        return self._skew is not None and self._monotonic() - self._skew[1] <= _FRESH_FOR

    @property
    def ahead(self) -> timedelta | None:
        """Offset of the times of records from UTC, None while unknown.

        This is the device's time zone, or years if its clock was never set.
        """
        if self.zone is None:
            return None
        seconds = self.zone + (0.0 if self._skew is None else self._skew[0])
        return timedelta(seconds=round(seconds / _STEP) * _STEP)

    def age_of(self, when: datetime | None, since: float | None) -> float | None:
        """Return the age of a record in seconds, None if unknown.

        Args:
            when: Time of the record, as written by the device.
            since: Seconds since the last poll without the record; None if there was none.
        """
        if when is None or not is_set(when):
            return since
        skew = self._skew if self._skew is not None and self._monotonic() - self._skew[1] <= _SKEW_VALID_FOR else None
        shown = time.time() + (0.0 if skew is None else skew[0])
        without_zone = shown - when.replace(tzinfo=UTC).timestamp() - _HALF
        age = None if self.zone is None else without_zone + self.zone
        is_likely = age is not None and -_FUTURE <= age <= _MAX_CALL
        if since is not None and since <= _CERTAIN and not is_likely:
            age = without_zone % _STEP
            age = age if age <= _CERTAIN + _SLACK else age - _STEP
            zone = round(age - without_zone)
            if skew is not None and abs(zone) > _FARTHEST:
                return since  # the log has another clock
            self.zone = zone
        if age is None:
            return None
        # A record from the future indicates that the clock was set in the meantime.
        return since if skew is None or age < -_FUTURE else max(age, 0.0)

    def time_of(self, when: datetime | None) -> datetime:
        """Return the time of a record in UTC; the current time if the device has no clock."""
        now = datetime.now(UTC)
        return min(now, self.utc(when) or now)

    def utc(self, when: datetime | None) -> datetime | None:
        """Return the time of a record in UTC, also one in the future; None if the device has no clock."""
        if when is None or not is_set(when):
            return None
        if self.ahead is None:
            return when.replace(tzinfo=self.home_zone()).astimezone(UTC)
        return when.replace(tzinfo=UTC) - self.ahead


CALL_LOG_EVENT = "CallLog"
DOOR_LOG_EVENT = "DoorLog"
RING = "ring"

# Seconds that a poll, its response and its lookups may take.
_MARGIN = 30.0
# Maximum ages in seconds. For logs: the longest poll interval plus the margin.
LIVE_FOR: Mapping[str, float] = {RING: LIVE_WINDOW, CALL_LOG_EVENT: 60.0 + _MARGIN, DOOR_LOG_EVENT: 60.0 + _MARGIN}


def aged(event: Event, age: float | None) -> Event:
    """Return an event with its age in seconds; it is late if the age is too high or unknown."""
    return replace(event, age=age or 0.0, late=age is None or age > _bound(event))


def _bound(event: Event) -> float:
    # Pushed and polled states are reported immediately.
    return LIVE_FOR[RING] if any(map(rings, event.facts)) else LIVE_FOR.get(event.type, _MARGIN)


def rings(fact: object) -> bool:
    """Return whether a fact is an outgoing call that is connecting or ringing."""
    return (
        isinstance(fact, CallChanged)
        and fact.direction is Direction.OUTGOING
        and fact.state in {CallState.CONNECTING, CallState.RINGING}
    )
