"""Reads new records from a log of an Akuvox, and their age."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypedDict

from ..common.parse import integer
from ..common.times import is_set
from .clock import DeviceClock
from .journal import Fetch, Journal, Record


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
