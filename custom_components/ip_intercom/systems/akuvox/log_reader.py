"""Reads new records from a log of an Akuvox, and their age, over restarts and deletions."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol, TypedDict

from ..common.parse import integer, text, texts
from ..common.times import is_set
from .client.logs import LogPage
from .clock import DeviceClock

# What a device that knows pages gives at once (captures/akuvox/doorlog_paging_x912.md).
PAGE = 10
# So many pages are read at once; then the state of the call has its turn, which rings.
_PAGES = 10
_ANOTHER = timedelta(hours=3)


class Record(Protocol):
    """A record of the call log or the door log: its number counts up, its time is the device's own."""

    @property
    def id(self) -> str | None:
        """The number."""

    @property
    def when(self) -> datetime | None:
        """Date and time, without zone."""

    @property
    def mark(self) -> str:
        """What tells it from another record of the same number."""


type Fetch[R: Record] = Callable[[int], Awaitable[LogPage[R]]]


@dataclass(slots=True)
class Journal:
    """Remembers the newest record.

    Attributes:
        known: A look was taken before; without one, everything there is old.
        paged: The device gives pages; else each look reads the whole log.
        more: The last look did not come down to the newest record known; the next one goes on there.
    """

    known: bool = False
    paged: bool = True
    _id: int = 0
    _when: datetime | None = None
    # Those of the newest page: where a device has no time, only they tell a log that was cleared from a shorter one.
    _marks: frozenset[str] = frozenset()
    more: bool = False
    _page: int = 1
    _found: list[Any] = field(default_factory=list)
    _begun_anew: bool = False
    _is_shorter: bool = False
    _newest_marks: frozenset[str] = frozenset()

    @classmethod
    def from_json(cls, stored: object) -> Journal:
        """Return what ``as_json`` wrote."""
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
        """Return how far the log was read; None before the first look."""
        if not self.known:
            return None
        when = None if self._when is None else self._when.isoformat()
        return {"id": self._id, "when": when, "marks": sorted(self._marks)}

    async def news[R: Record](self, fetch: Fetch[R]) -> list[R]:
        """Return the records since the last look, oldest first; none while there is ``more`` to read before.

        Args:
            fetch: Returns a page of the log, newest record first; the first page is 1.
        """
        if not self.more:
            self._page, self._found, self._begun_anew, self._is_shorter = 1, [], False, False
            self._newest_marks = self._marks
        found: list[R] = self._found
        for page in range(self._page, self._page + _PAGES):
            answer = await fetch(page)
            records = answer.records
            self.paged = answer.size <= PAGE
            if page == 1:
                self._begun_anew = max((_number(record) for record in records), default=0) < max(self._id, 1)
                # The newest records were deleted; the others are as before.
                self._is_shorter = any(_number(record) and record.mark in self._marks for record in records)
                self._newest_marks = frozenset(record.mark for record in records[:PAGE]) or self._marks
            self._begun_anew = self._begun_anew or any(self._is_reused(record) for record in records)
            fresh = [record for record in records if not self.known or self._is_new(record)]
            # One that was written meanwhile has moved the last of a page to the next one.
            unseen = [record for record in fresh if record not in found]
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
        if not self._begun_anew:
            return _number(record) > self._id  # regardless of its time: clocks are set back
        # A cleared log starts counting again; then its time tells, as it does without numbers.
        if record.when is not None and self._when is not None and record.when != self._when:
            return record.when > self._when
        return not self._is_shorter and record.mark not in self._marks

    def _is_reused(self, record: Record) -> bool:
        """Tell whether a record has the number of the newest one that was read, and is another."""
        if _number(record) != self._id or record.when is None or self._when is None or not self._id:
            return False
        # A device that is set to summer time may show its old records an hour later.
        return record.when - self._when > _ANOTHER


def _number(record: Record) -> int:
    return integer(record.id) or 0


def _order(record: Record) -> tuple[int, datetime]:
    return _number(record), record.when or datetime.min


class LogReader[R: Record]:
    """Reads the call log or the door log.

    Args:
        fetch: Returns a page of it.
        clock: The clock of the device.
        ask_clock: Asks the device what it shows, unless that is known or cannot be had.
        monotonic: A clock in seconds.
        stored: How far the log was read in an earlier life, as ``Journal.as_json``.

    Attributes:
        clock: The same.
        journal: How far it was read, without what ``news`` returned last and was not committed.
        took: Seconds that the last reading took.
    """

    def __init__(
        self,
        fetch: Fetch[R],
        clock: DeviceClock,
        ask_clock: Callable[[], Awaitable[None]],
        monotonic: Callable[[], float],
        stored: object = None,
    ) -> None:
        self.journal = Journal.from_json(stored)
        self.took = 0.0
        self.clock = clock
        self._fetch = fetch
        self._ask_clock = ask_clock
        self._monotonic = monotonic
        self._moved = self.journal
        # When a reading began that came down to a known record, and when the one began that goes on now.
        self._read_at: float | None = None
        self._begun_at = 0.0

    async def news(self) -> list[tuple[R, float | None]]:
        """Return the new records, oldest first, each with its age in seconds, None where that is not known.

        They count as read once ``commit`` says so: the next cursor covers them then.
        """
        journal = replace(self.journal)
        began_at = self._monotonic()
        if not journal.more:
            self._begun_at = began_at
        records = await journal.news(self._fetch)
        self.took = self._monotonic() - began_at
        if any(record.when is not None and is_set(record.when) for record in records):
            await self._ask_clock()
        since = None if self._read_at is None else self._monotonic() - self._read_at
        self._moved = journal
        return [(record, self.clock.age_of(record.when, since)) for record in records]

    def commit(self) -> None:
        """Note that what ``news`` returned is handed on."""
        self.journal = self._moved
        if not self.journal.more:
            self._read_at = self._begun_at


class Numbered(TypedDict):
    """What an event has of its record."""

    id: str
    sequence: int | None
    clocked: bool


def numbered(log: str, record: Record) -> Numbered:
    """Return what tells a record from all others: its number counts from 1 after the log was emptied, so its time, too."""
    when = "" if record.when is None else record.when.isoformat()
    return {
        "id": f"{log}-{when}-{record.id or ''}",
        "sequence": integer(record.id),
        "clocked": record.when is None or is_set(record.when),
    }
