"""Position in a log of an Akuvox, and which of its records are new, whatever order and numbers the device gives them."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

from ..common.parse import flag, integer, objects, text
from .client.logs import PAGE, LogPage

# Maximum number of pages per read, so that the call status is polled in between.
_PAGES = 10
# Highest number of a page, as a limit for devices that give every page the same size.
_MOST_PAGES = 1 << 13
# A change to summer time moves all times of records by the same multiple of a quarter hour, at most this far.
_STEP = timedelta(minutes=15)
_FARTHEST = timedelta(hours=3)
# Number of records that show what their numbers are, even after the clock was set back or without times.
_EVIDENCE = 3


class Record(Protocol):
    """A record of the call log or door log; its time is the device's local time."""

    @property
    def id(self) -> str | None:
        """The number, which may be the position in the log."""

    @property
    def when(self) -> datetime | None:
        """Local date and time."""

    @property
    def mark(self) -> str:
        """Checksum of the content, without the number."""


type Fetch[R: Record] = Callable[[int], Awaitable[LogPage[R]]]


class NewestFirst[R: Record]:
    """Gives the pages of a log with the newest record first, also if the device begins with the oldest one.

    Args:
        fetch: Returns a page as the device orders it; pages count from 1.
        last: Page with the newest record; 1 unless the device begins with the oldest one.
        is_reversed: Whether it does; None if unknown.
    """

    def __init__(self, fetch: Fetch[R], last: int = 1, is_reversed: bool | None = None) -> None:
        self.last = last
        self.is_reversed = is_reversed
        self._fetch = fetch

    async def page(self, number: int) -> LogPage[R]:
        """Return a page; page 1 has the newest records."""
        if number > 1:
            if not self.is_reversed:
                return await self._fetch(number)
            return _reversed(await self._fetch(self.last - number + 1), self.last - number + 1)
        answer = await self._fetch(self.last)
        if self.last > 1 and (not answer.records or _rise_of_times(answer.records) < 0):
            self.last = 1  # records were deleted, or the order is known now
            answer = await self._fetch(1)
        rise = _rise_of_times(answer.records)
        if self.is_reversed is None:
            rise = rise or _rise_of_numbers(answer.records)
        if rise:
            self.is_reversed = rise > 0
        return _reversed(await self._newest(answer), self.last) if self.is_reversed else answer

    async def _newest(self, answer: LogPage[R]) -> LogPage[R]:
        """Return the page with the newest record; ``answer`` is the page ``last``."""
        seen, step = {answer.records}, 1
        while answer.size == PAGE and self.last < _MOST_PAGES:
            following = await self._fetch(self.last + step)
            # A device may repeat a page in place of one that it does not have.
            if following.records and following.records not in seen:
                seen.add(following.records)
                self.last, answer, step = self.last + step, following, 2 * step
            elif step == 1:
                break
            else:
                step = 1
        return answer


def _reversed[R: Record](answer: LogPage[R], number: int) -> LogPage[R]:
    return LogPage(answer.records[::-1], answer.size, is_last=number <= 1 or answer.size > PAGE)


def newest_first[R: Record](records: Sequence[R]) -> Sequence[R]:
    """Return a complete log with the newest record first."""
    rise = _rise_of_times(records) or _rise_of_numbers(records)
    return records[::-1] if rise > 0 else records


def _rise_of_times(records: Sequence[Record]) -> int:
    return _rise([record.when for record in records if record.when is not None])


def _rise_of_numbers(records: Sequence[Record]) -> int:
    return _rise([_number(record) for record in records if record.id is not None])


def _rise(values: Sequence[Any]) -> int:
    """Return how many more values are above the one before than below."""
    return sum((former < latter) - (former > latter) for former, latter in pairwise(values))


async def newest_of[R: Record](fetch: Fetch[R], limit: int) -> list[R]:
    """Return the newest records of a log, newest first; pages are read as far as needed."""
    pages, read, number = NewestFirst(fetch), list[R](), 0
    while len(read) < limit:
        number += 1
        answer = await pages.page(number)
        unseen = _unseen(read, answer.records, moving=_counts_from_newest(answer.records))
        read += unseen
        # A device without pages returns all records each time.
        if not (unseen and answer.follows):
            break
    return read[:limit]


class _Known(NamedTuple):
    """A record that was read before."""

    id: str | None
    when: datetime | None
    mark: str


@dataclass(slots=True)
class Journal:
    """Position in a log.

    A record is recognized by its content. Its number helps where contents are the same: it may be the position in the
    log, which changes as records come and go, or begin again in a cleared log.

    Attributes:
        known: Whether the log was read before; on the first read, all records are old.
        paged: Whether the device has pages; otherwise each poll reads the complete log.
        has_positions: Whether the numbers are positions, so that a record does not keep its number.
        last: As in ``NewestFirst``, also ``is_reversed``.
        twins: How many older records have the same content, for the last new records.
        more: Whether the last read ended before the newest known record; the next one continues there.
    """

    known: bool = False
    paged: bool = True
    has_positions: bool = False
    last: int = 1
    is_reversed: bool | None = None
    # Highest number and newest time at the last read.
    _id: int = 0
    _when: datetime | None = None
    # The newest records, newest first.
    _tail: tuple[_Known, ...] = ()
    twins: Mapping[Any, int] = field(default_factory=dict)
    more: bool = False
    _page: int = 1
    # The records of the pages read so far, newest first.
    _read: list[Any] = field(default_factory=list)

    @classmethod
    def from_json(cls, stored: object) -> Journal:
        """Return a stored journal."""
        if not isinstance(stored, Mapping):
            return cls()
        try:
            return cls(
                known=True,
                has_positions=stored.get("positions") is True,
                last=max(1, integer(stored.get("last")) or 1),
                is_reversed=flag(stored.get("reversed")),
                _id=integer(stored.get("id")) or 0,
                _when=_time(stored.get("when")),
                _tail=tuple(
                    _Known(text(row.get("id")), _time(row.get("when")), text(row.get("mark")) or "")
                    for row in objects(stored.get("tail"))
                ),
            )
        except ValueError:
            return cls()

    def as_json(self) -> Mapping[str, object] | None:
        """Return the position as JSON; None before the first read."""
        if not self.known:
            return None
        return {
            "id": self._id,
            "when": _as_text(self._when),
            "tail": [{"id": known.id, "when": _as_text(known.when), "mark": known.mark} for known in self._tail],
            "positions": self.has_positions,
            "last": self.last,
            "reversed": self.is_reversed,
        }

    async def news[R: Record](self, fetch: Fetch[R]) -> list[R]:
        """Return the records since the last read, oldest first; none while there is ``more`` to read.

        Args:
            fetch: Returns a page of the log as the device orders it; pages count from 1.
        """
        if not self.more:
            self._page, self._read = 1, []
        pages = NewestFirst(fetch, self.last, self.is_reversed)
        read: list[R] = self._read
        fresh: list[R] = []
        for page in range(self._page, self._page + _PAGES):
            answer = await pages.page(page)
            self.paged = answer.size <= PAGE
            self.has_positions = self.has_positions or _counts_from_newest(answer.records)
            unseen = _unseen(read, answer.records, moving=self.has_positions)
            read += unseen
            fresh = self._fresh(read)
            is_all_new = bool(unseen) and len(fresh) == len(read)
            self.more = self.known and self.paged and answer.follows and is_all_new
            self._page = page + 1
            if not self.more:
                break
        self.last, self.is_reversed = pages.last, pages.is_reversed
        if self.more:
            return []
        self._remember(read, fresh)
        marks = [record.mark for record in read]
        self.twins = {one: marks[index + 1 :].count(one.mark) for index, one in enumerate(read) if one in fresh}
        was_known, self.known, self._read = self.known, True, []
        if not was_known:
            return []
        fresh.reverse()
        return fresh if self.has_positions else sorted(fresh, key=_number)

    def _fresh[R: Record](self, read: Sequence[R]) -> list[R]:
        """Return the records that are new, newest first."""
        numbers = {(known.id, known.mark) for known in self._tail if known.id is not None}
        kept = [index for index, record in enumerate(read) if (record.id, record.mark) in numbers]
        moved = _aligned(read, self._tail)
        self.has_positions = self.has_positions or _are_renumbered(read, self._tail)
        if moved and (self.has_positions or all(record.id is None for record in read)):
            return list(read[: moved[0]])
        if kept:
            # A deleted number may be used again.
            return [
                record
                for index, record in enumerate(read)
                if index not in kept and (index < kept[0] or _number(record) > self._id)
            ]
        if self._is_shifted(read) is not True and (self.has_positions or self._is_restarted(read)):
            return [record for record in read if self._is_later(record)]
        return [record for record in read if _number(record) > self._id]  # regardless of the time: clocks are set back

    def _is_restarted(self, read: Sequence[Record]) -> bool:
        """Return whether the numbers began again; there is no known record in the log."""
        return self._is_shifted(read) is False or max(map(_number, read), default=0) < max(self._id, 1)

    def _is_shifted(self, read: Sequence[Record]) -> bool | None:
        """Return whether all times of known numbers moved by the same hours, as in summer; None without such numbers."""
        known = {known.id: known.when for known in self._tail if known.id is not None}
        pairs = [(record.when, known[record.id]) for record in read if record.id in known]
        shifts = {None if when is None or former is None else when - former for when, former in pairs}
        if not shifts:
            return None
        shift = shifts.pop()
        return not shifts and shift is not None and not shift % _STEP and abs(shift) <= _FARTHEST

    def _is_later(self, record: Record) -> bool:
        if record.when is not None and self._when is not None and record.when != self._when:
            return record.when > self._when
        return record.mark not in {known.mark for known in self._tail}

    def _remember(self, read: Sequence[Record], fresh: Sequence[Record]) -> None:
        """Remember the newest records, unless all that are known are gone: a device that starts may show no log yet."""
        if not read or (self.known and not fresh and not self._is_shifted(read) and not _aligned(read, self._tail)):
            return
        self._tail = tuple(_Known(record.id, record.when, record.mark) for record in read[:PAGE])
        self._id = max(map(_number, read))
        self._when = next((record.when for record in read if record.when is not None), None)


def _unseen[R: Record](read: Sequence[R], records: Sequence[R], *, moving: bool) -> list[R]:
    """Return the records of the next page that were not on the pages before.

    Args:
        moving: The numbers are positions: a record written in the meantime moves the last records of a page to the next
            page, with other numbers.
    """
    marks = [record.mark if moving and record.when else None for record in records]
    before = [record.mark for record in read[-len(marks) :]]
    repeated = next((count for count in range(len(before), 0, -1) if marks[:count] == before[-count:]), 0)
    return [record for record in dict.fromkeys(records[repeated:]) if record not in read]


def _aligned(read: Sequence[Record], tail: Sequence[_Known]) -> list[int]:
    """Return the indexes of the records that continue with the known ones: with all, or without some that were deleted."""
    marks = [known.mark for known in tail]
    best: list[int] = []
    for begin, first in enumerate(read):
        if first.mark not in marks:
            continue
        found, position = list[int](), 0
        for index in range(begin, min(begin + len(tail), len(read))):
            if read[index].mark not in marks[position:]:
                break
            position = marks.index(read[index].mark, position) + 1
            found.append(index)
        if len(found) > len(best):
            best = found
    return best


def _are_renumbered(read: Sequence[Record], tail: Sequence[_Known]) -> bool:
    """Return whether records that can be told by their contents have other numbers, and others have theirs."""
    counts, before = Counter(record.mark for record in read), Counter(known.mark for known in tail)
    numbers = {known.mark: known.id for known in tail if before[known.mark] == 1 and known.id is not None}
    found = [one for one in read if one.mark in numbers and counts[one.mark] == 1 and one.id is not None]
    # A number that is missing now may be that of another record with the same content.
    taken = {one.id for one in read}
    others = [one for one in found if one.id != numbers[one.mark] and numbers[one.mark] in taken]
    # Without times, the same people may come again after the log was cleared.
    return any(one.when is not None for one in others) or len(others) >= max(_EVIDENCE, len(found))


def _counts_from_newest(read: Sequence[Record]) -> bool:
    """Return whether the newest record has the lowest number, by their times."""
    dated = [record for record in read if record.when is not None and record.id is not None]
    if len(dated) < _EVIDENCE:
        return False
    numbers, times = [_number(record) for record in dated], [record.when for record in dated if record.when]
    return numbers == sorted(set(numbers)) and times == sorted(times, reverse=True) and times[0] > times[-1]


def _number(record: Record) -> int:
    return integer(record.id) or 0


def _time(stored: object) -> datetime | None:
    when = text(stored)
    return None if when is None else datetime.fromisoformat(when)


def _as_text(when: datetime | None) -> str | None:
    return None if when is None else when.isoformat()
