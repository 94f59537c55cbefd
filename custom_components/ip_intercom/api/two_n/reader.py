"""Reading the event log without losing an event or taking one twice (HTTP API 5.10).

The device keeps its last 10000 events until it restarts. A channel hands them out once, and what it
hands out in an answer that never arrives is off the channel all the same. So a channel lives only as
long as every pull succeeds; after that a new one is opened that reaches back to the last event read,
and that event's presence in it proves that nothing between is missing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
import logging
import math
import time

from ..errors import CommandFailed, ConnectionFailed, IntercomError, InvalidRequest, NotReached, UnexpectedReply
from ..parse import Fields, integer
from .log import BATCH, Log, LogEvent

_LOGGER = logging.getLogger(__name__)

# Seconds the device may hold back its answer while nothing happens.
PULL_TIMEOUT = 55
# Seconds without a pull after which the device closes the channel: Home Assistant's start fits in.
CHANNEL_DURATION = 300
# Seconds by which a new channel reaches back further than needed, and the share that clocks may drift.
MARGIN = 10
DRIFT = 0.001
# Seconds after which an event is no news any more.
LIVE_WINDOW = 5.0
# How far the device's clock may run behind ours without its events seeming older and older.
CLOCK_SKEW = 0.0002
# Seconds by which a device's clock is so wrong that it may show the same time after every restart.
UNSET_CLOCK = 86400
# Seconds by which the same start of the device may seem to differ between two of its records.
_SAME_START = 2

type Clock = Callable[[], float]


def _clock() -> float:
    """Return the seconds of a clock that nobody sets, and that runs on while this machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class GapReason(StrEnum):
    """Why events are missing that the device cannot give any more."""

    RESTART = "restart"
    OVERFLOW = "overflow"


@dataclass(frozen=True, slots=True)
class Gap:
    """A time for which the device has no log any more; bounds in Unix seconds."""

    start: float
    end: float
    reason: GapReason


@dataclass(frozen=True, slots=True)
class EventKey:
    """What tells an event of one boot from the event with the same id of another."""

    id: int
    utc_time: int
    up_time: int
    received_at: float


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far the log was read: everything before ``complete_until`` (Unix seconds), up to ``last``."""

    complete_until: float
    last: EventKey | None

    def as_json(self) -> dict[str, float | list[float] | None]:
        """Return the cursor as JSON that ``from_json`` reads."""
        key = self.last
        return {
            "complete_until": self.complete_until,
            "last": None if key is None else [key.id, key.utc_time, key.up_time, key.received_at],
        }

    @classmethod
    def from_json(cls, data: Fields) -> Cursor | None:
        """Return the cursor that was stored, None where it cannot be read."""
        complete_until = data.get("complete_until")
        last = data.get("last")
        if not isinstance(complete_until, int | float):
            return None
        if not isinstance(last, list) or len(last) != 4 or not isinstance(last[3], int | float):
            return cls(float(complete_until), None)
        numbers = [number for value in last[:3] if (number := integer(value)) is not None]
        if len(numbers) != 3:
            return cls(float(complete_until), None)
        return cls(float(complete_until), EventKey(numbers[0], numbers[1], numbers[2], float(last[3])))


@dataclass(frozen=True, slots=True)
class Reading:
    """A log event, whether it is too old to be news, and its age in seconds when it arrived."""

    event: LogEvent
    late: bool
    age: float = 0.0


@dataclass(frozen=True, slots=True)
class Batch:
    """What one read brought, in the device's order.

    ``gap`` lies before the first event. ``resumed`` is set on the first batch of a channel that
    followed another: state may have changed unseen in between.
    """

    readings: tuple[Reading, ...]
    gap: Gap | None
    resumed: bool


class Freshness:
    """Tells how old an event is, from the device's uptime against our clock.

    The smallest difference seen is what a prompt delivery looks like; it may grow a little with
    time, so that a device whose clock runs slow never turns all its events into old ones.
    """

    def __init__(self) -> None:
        """Begin without a reference."""
        self._offset: float | None = None
        self._seen_at = 0.0

    def age(self, up_time: int, now: float) -> float:
        """Return the seconds between an event and ``now``, 0 for the first event ever asked about."""
        offset = now - up_time
        reference = offset if self._offset is None else self._offset + (now - self._seen_at) * CLOCK_SKEW
        self._offset = min(reference, offset)
        self._seen_at = now
        return offset - self._offset


class LogReader:
    """Reads one device's log from a cursor on.

    Args:
        log: The device's log functions.
        caps: The event types that the device records.
        cursor: How far an earlier reader came; None begins now.
        wall: Unix time.
        monotonic: A clock that nobody sets.
    """

    def __init__(
        self,
        log: Log,
        caps: frozenset[str],
        cursor: Cursor | None = None,
        *,
        wall: Clock = time.time,
        monotonic: Clock = _clock,
    ) -> None:
        """See the class."""
        self.cursor = cursor
        self._log = log
        self._events = caps
        # What the channel was opened for.
        self._filter = caps
        self._wall = wall
        self._monotonic = monotonic
        self._channel: int | None = None
        # A channel that failed: the device may still fill it.
        self._left: int | None = None
        # Whether it was asked to be closed already, with no answer: then it may be closed.
        self._left_asked = False
        self._heard_at = 0.0
        # Whether the device has run on since the last answer, as far as the channel left tells.
        self._ran_on: bool | None = None
        self._drained = False
        self._resumed = False
        # Whether the device was out of reach since the last event: then what it kept is old.
        self._outage = True
        self._freshness = Freshness()

    async def open(self) -> None:
        """Open a channel that reaches back to the cursor.

        Raises:
            IntercomError: The device is out of reach or refuses.
        """
        await self._subscribe(self._include())

    async def read(self) -> Batch:
        """Return the next events, waiting for them up to ``PULL_TIMEOUT`` seconds.

        The first read of a channel returns at once with what was kept for it. After an error the
        next read opens a new channel; it is for the caller to wait in between.

        Raises:
            IntercomError: The device is out of reach, has closed the channel, or refuses.
        """
        try:
            if self._drained and self._filter != self._events:
                await self.close()
            if self._channel is None:
                self._resumed = True
                if self._left is not None:
                    self._ran_on = await self._close_left(self._left)
                    self._left = None
                await self.open()
            if not self._drained:
                return await self._drain()
            events = await self._pull(PULL_TIMEOUT)
        except BaseException as err:
            self._leave_channel(err)
            raise
        readings = self._advance(events, replay=False)
        return Batch(readings, gap=None, resumed=False)

    async def expect(self, caps: frozenset[str]) -> None:
        """Read other event types as soon as possible; a read that waits for events fails, and is to be repeated."""
        self._events = caps
        # A channel that is just being opened or emptied is left to the read that does it.
        if self._drained and self._filter != caps:
            await self.close()

    async def close(self) -> None:
        """Close the channel, if the device still listens."""
        channel, self._channel, self._left = self._channel or self._left, None, None
        if channel is None:
            return
        try:
            await self._close_left(channel)
        except IntercomError as err:
            _LOGGER.debug("The channel closes by itself: %s", err)

    def _leave_channel(self, err: BaseException) -> None:
        """Give a channel up: events of a lost answer are off it, only a new one brings them back."""
        channel, self._channel = self._channel, None
        if self._ran_on:
            self._ran_on = None  # it may have restarted since
        if channel is not None and isinstance(err, InvalidRequest):
            self._ran_on = self._ran_on_without_channel()
        elif channel is not None:
            self._left, self._left_asked = channel, False
        self._outage = self._outage or (isinstance(err, ConnectionFailed) and not self._drained)
        self._drained = False

    async def _close_left(self, channel: int) -> bool | None:
        """Close a channel, and return whether the device has run on since it was opened, None for unknown."""
        try:
            await self._log.unsubscribe(channel)
        except NotReached:
            raise
        except ConnectionFailed:
            self._left_asked = True
            raise
        except InvalidRequest:
            # Gone because the device restarted, unless the question before was heard after all.
            return None if self._left_asked else self._ran_on_without_channel()
        except CommandFailed, UnexpectedReply:
            return None  # no reason not to open another one
        return True

    def _ran_on_without_channel(self) -> bool | None:
        """Return False where the device cannot have closed the channel because its time was up."""
        return False if self._monotonic() - self._heard_at < CHANNEL_DURATION else None

    async def _subscribe(self, include: str) -> None:
        self._filter = self._events
        try:
            self._channel = await self._log.subscribe(self._filter, include, CHANNEL_DURATION)
        except InvalidRequest:
            # Another firmware may know fewer events, and refuses a filter that names others.
            self._events = self._filter = await self._log.caps()
            self._channel = await self._log.subscribe(self._filter, include, CHANNEL_DURATION)
        self._drained = False
        self._heard_at = self._monotonic()

    def _include(self) -> str:
        if self.cursor is None:
            return f"-{MARGIN}"
        since = self.cursor.complete_until if self.cursor.last is None else self.cursor.last.received_at
        elapsed = max(self._wall() - since, 0.0)
        return f"-{math.ceil(elapsed * (1 + DRIFT)) + MARGIN}"

    async def _drain(self) -> Batch:
        events = await self._take_all()
        begin = self._resume_at(events)
        gap = None
        if begin is None and not (self._ran_on is False and events and events[0].id == 1):
            # The device restarted, or its clock was set, and the window has a hole or is too short.
            await self.close()
            await self._subscribe("all")
            events = await self._take_all()
            begin = self._resume_at(events)
            if begin is None:
                begin = self._resume_behind(events)
        if begin is None:
            gap = self._gap(events)
            begin = 0
            assert self.cursor is not None
            self.cursor = Cursor(self.cursor.complete_until, None)  # the device has the last one no more
            self._outage = True
            self._freshness = Freshness()
        self._drained = True
        readings = self._advance(events, replay=True, begin=begin)
        # What is taken off the first channel may have changed a state that was read since it was opened.
        resumed = self._resumed or bool(events)
        self._resumed, self._outage, self._ran_on = False, False, None
        return Batch(readings, gap, resumed)

    def _resume_at(self, events: Sequence[LogEvent]) -> int | None:
        """Return where the unread events begin, None where nothing proves that none is missing before them."""
        if self.cursor is None:
            return len(events)  # what happened before anybody listened is nobody's news
        last = self.cursor.last
        if last is None:
            since = self.cursor.complete_until
            begins = bool(events) and events[0].id == 1
            return None if begins and (self._ran_on is False or events[0].utc_time > since) else 0
        if self._ran_on is False and _is_unset(last):
            return None
        for index, event in enumerate(events):
            if event.id == last.id and event.utc_time == last.utc_time:
                return index + 1
        return None

    def _resume_behind(self, events: Sequence[LogEvent]) -> int | None:
        """Return where the unread events begin although the account may not see the last one read any more.

        Earlier ones of the same start prove that it is only out of sight.
        """
        last = self.cursor.last if self.cursor is not None else None
        if last is None or (_is_unset(last) and not self._ran_on):
            return None
        start = last.utc_time - last.up_time
        if not any(
            event.id < last.id and abs(event.utc_time - event.up_time - start) <= _SAME_START for event in events
        ):
            return None
        return next((index for index, event in enumerate(events) if event.id > last.id), len(events))

    async def _take_all(self) -> list[LogEvent]:
        events: list[LogEvent] = []
        while True:
            batch = await self._pull(0)
            events.extend(batch)
            if len(batch) < BATCH:
                return events

    async def _pull(self, timeout: int) -> tuple[LogEvent, ...]:
        assert self._channel is not None
        events = await self._log.pull(self._channel, timeout)
        self._heard_at = self._monotonic()
        return events

    def _gap(self, events: Sequence[LogEvent]) -> Gap:
        assert self.cursor is not None
        last = self.cursor.last
        now = self._wall()
        start = self.cursor.complete_until
        if not events:
            return Gap(start, now, GapReason.RESTART)
        first = events[0]
        restarted = last is None or first.id <= last.id or first.up_time < last.up_time
        # A device without a battery counts from 1970 until it has asked for the time.
        end = float(first.utc_time) if start <= first.utc_time <= now + MARGIN else now
        return Gap(start, end, GapReason.RESTART if restarted else GapReason.OVERFLOW)

    def _advance(self, events: Sequence[LogEvent], *, replay: bool, begin: int = 0) -> tuple[Reading, ...]:
        """Return the events from ``begin`` on with their lateness, and move the cursor behind them."""
        wall, now = self._wall(), self._monotonic()
        kept = replay and self._outage
        if events and not kept:
            self._freshness.age(events[-1].up_time, now)  # the newest tells best how old the others are
        readings = tuple(self._reading(event, now, kept=kept) for event in events[begin:])
        last = self.cursor.last if self.cursor is not None else None
        if events:
            newest = events[-1]
            last = EventKey(newest.id, newest.utc_time, newest.up_time, wall)
        self.cursor = Cursor(wall, last)
        return readings

    def _reading(self, event: LogEvent, now: float, *, kept: bool) -> Reading:
        if kept:
            return Reading(event, late=True)
        age = self._freshness.age(event.up_time, now)
        return Reading(event, late=age > LIVE_WINDOW, age=age)


def _is_unset(last: EventKey) -> bool:
    """Return whether the device seems to have no clock: after every start, its first records look the same."""
    return abs(last.utc_time - last.received_at) > UNSET_CLOCK
