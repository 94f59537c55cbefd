"""The event log of a 2N: records with the start that they belong to, gaps, and the cursor (HTTP API 5.10)."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import batched
import logging

from ...model.events import CallChanged, Event
from ...model.features import PORTION, Delivery
from ..common.errors import IntercomError
from ..common.parse import fields, integer, text
from ..common.privacy import Privacy
from .calls import Visitors
from .client.cursor import Batch, Cursor, EventKey, GapReason, LogEvent, Reading
from .client.log import LogReader
from .events import DECISION_EVENTS, gap_event, neutral_event
from .log_gaps import KEYPAD, Withheld
from .privacy import shows

_LOGGER = logging.getLogger(__name__)

# Seconds in which the record of a call's session follows that of its first leg.
_SESSION_DELAY = 1


# A device whose clock shows less counts from 1970 until it has asked for the time: its starts all look the same.
_CLOCK_SET = datetime(2010, 1, 1, tzinfo=UTC).timestamp()


class Boots:
    """Names each start of the device once and keeps the name until the next one.

    The name comes from the first event read of a start, ``utcTime`` minus ``upTime``; one that is read again after a
    kill gives the same name. It stays when the clock is set, and without a clock the number of the start is part of it.

    Args:
        stored: What ``as_json`` returned in an earlier life.
    """

    def __init__(self, stored: object = None) -> None:
        known = fields(stored)
        self._number = integer(known.get("number")) or 0
        self.name = text(known.get("name"))

    def as_json(self) -> dict[str, object]:
        """Return what has to be kept."""
        return {"name": self.name, "number": self._number}

    def see(self, batch: Batch, last_id: int | None) -> None:
        """Find out which start the events of a batch are from; ``last_id`` is that of the last event before them."""
        if (batch.gap is not None and batch.gap.reason is GapReason.RESTART) or _counts_anew(batch.readings, last_id):
            self.name = None
        if self.name is not None or not batch.readings:
            return
        first = batch.readings[0].event
        start = first.utc_time - first.up_time
        self._number += 1
        self.name = str(start) if start >= _CLOCK_SET else f"{max(start, 0)}-{self._number}"


def _counts_anew(readings: Sequence[Reading], last_id: int | None) -> bool:
    return bool(readings) and last_id is not None and readings[0].event.id <= last_id


class TwoNLog:
    """The event log in the neutral model.

    Args:
        reader: Reads the device's log.
        privacy: What of it may be shown.
        reported: The event types that the device records.
        stored: The cursor of an earlier life.
    """

    local = True
    replays = True

    def __init__(
        self,
        reader: LogReader,
        privacy: Privacy,
        reported: frozenset[str],
        stored: Mapping[str, object] | None = None,
    ) -> None:
        self.reader = reader
        self._boots = Boots((stored or {}).get("boot"))
        self._portions: deque[Delivery] = deque()
        self._privacy = privacy
        self._withheld = Withheld(reported)
        self._visitors = Visitors(reported)

    async def expect(self, reported: frozenset[str]) -> None:
        """Read other event types from now on, losing none of the others; none reported changes nothing."""
        if reported:
            self._withheld.listed = self._visitors.listed = reported
            await self.reader.expect(reported)

    def trust_numbers(self, exact: bool) -> None:
        """Say whether nothing but keys and cards may be missing from the log."""
        self._withheld.exact = exact

    def recheck(self) -> None:
        """Forget what the silence of the device seemed to show."""
        self._withheld = Withheld(self._withheld.listed, exact=self._withheld.exact)

    async def next(self) -> Delivery:
        """Return the next log events, waiting for them for up to a minute."""
        if not self._portions:
            self._portions.extend(await self._read())
        return self._portions.popleft()

    async def _read(self) -> list[Delivery]:
        """Read the log once, and return what it brought in portions, each with the cursor behind its last event."""
        before, poll = self.reader.cursor, self.reader.poll
        self._visitors.resume(before.last if before is not None else None)
        batch = await self.reader.read()
        if batch.gap is not None:
            self._withheld.break_off()
        self._see(batch.readings)
        if batch.readings and any(
            self._visitors.awaits(reading.event) for reading in batch.readings if not reading.late
        ):
            batch = await self._with_sessions(batch)
        self._boots.see(batch, before.last.id if before is not None and before.last is not None else None)
        portions = list(batched(batch.readings, PORTION, strict=False)) or [()]
        deliveries = [
            Delivery(self._events(portion), False, self._cursor(before, portion[-1].event), more=True)
            for portion in portions[:-1]
        ]
        events = self._events(portions[-1])
        learned = self.reader.poll != poll
        deliveries.append(Delivery(events, batch.resumed, self._cursor(), self._withheld.missing, keep=learned))
        if batch.gap is not None:
            told = gap_event(batch.gap, self._boots.name)
            deliveries[0] = replace(deliveries[0], events=(told, *deliveries[0].events))
        return deliveries

    def _see(self, readings: Iterable[Reading]) -> None:
        for reading in readings:
            self._withheld.see(reading.event)
            keys_shown = KEYPAD not in self._withheld.missing and not self._withheld.exact
            self._visitors.see(reading.event, keys_shown=keys_shown)

    async def _with_sessions(self, batch: Batch) -> Batch:
        """Return a batch with the records that follow at once: they may tell who began a call."""
        try:
            more = await self.reader.read(_SESSION_DELAY)
        except IntercomError as err:
            _LOGGER.debug("Could not determine who started the call: %s", err)
            return batch
        self._see(more.readings)
        if any(self._visitors.awaits(reading.event) for reading in batch.readings):
            self._visitors.waited_in_vain()
        gap, resumed = batch.gap or more.gap, batch.resumed or more.resumed
        return Batch((*batch.readings, *more.readings), gap, resumed)

    def _events(self, readings: Iterable[Reading]) -> tuple[Event, ...]:
        # Where no decision follows a credential, the credential is the decision.
        credentials_decide = not self._withheld.listed & DECISION_EVENTS
        return tuple(
            self._with_visitor(neutral_event(reading, self._privacy, credentials_decide, self._boots.name))
            for reading in readings
            if shows(reading.event.event, self._privacy)
        )

    def _with_visitor(self, event: Event) -> Event:
        """Return an event that says of the calls in it what is known of who began them."""
        if not any(isinstance(fact, CallChanged) for fact in event.facts):
            return event
        visitors = self._visitors
        facts = (
            replace(fact, from_house=visitors.from_house(fact.session), untouched=visitors.untouched(fact.session))
            if isinstance(fact, CallChanged)
            else fact
            for fact in event.facts
        )
        return replace(event, facts=tuple(facts))

    def _cursor(self, before: Cursor | None = None, event: LogEvent | None = None) -> dict[str, object]:
        """Return where to go on: behind all that was read, or behind an event in the middle of it."""
        cursor = self.reader.cursor
        assert cursor is not None
        if event is not None and before is not None and cursor.last is not None:
            # As if it had been read when it happened, so that a new channel reaches back to it.
            received_at = cursor.last.received_at - max(0, cursor.last.up_time - event.up_time)
            key = EventKey(event.id, event.utc_time, event.up_time, received_at)
            cursor = Cursor(before.complete_until, key, cursor.poll)
        return {**cursor.as_json(), "boot": self._boots.as_json()}
