"""Reading the event log without losing an event or taking one twice (HTTP API 5.10).

The device keeps its last 10000 events until it restarts. A channel hands them out once, and what it
hands out in an answer that never arrives is off the channel all the same. So a channel lives only as
long as every pull succeeds; after that a new one is opened that reaches back to the last event read,
and that event's presence in it proves that nothing between is missing.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
import logging
from math import ceil, inf
import time

from ...common.errors import (
    AnswerStalled,
    CommandFailed,
    ConnectionFailed,
    IntercomError,
    InvalidRequest,
    NotReached,
    UnexpectedReply,
)
from .ages import Channel, EventAges
from .cursor import Batch, Cursor, EventKey, Gap, GapReason
from .log import BATCH, Log, LogEvent
from .pace import Pace, PollLength
from .system import System

_LOGGER = logging.getLogger(__name__)

# Seconds without a pull after which the device closes the channel: Home Assistant's start fits in.
CHANNEL_DURATION = 300
# Seconds by which a new channel reaches back further than needed, and the share that clocks may drift.
MARGIN = 10
DRIFT = 0.001
# Seconds by which the same start of the device may seem to differ between two of its records.
_SAME_START = 2


type Clock = Callable[[], float]


def _clock() -> float:
    """Return the seconds of a clock that cannot be set, and that also runs while this machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class LogReader:
    """Reads one device's log from a cursor on.

    Args:
        log: The device's log functions.
        caps: The event types that the device records.
        cursor: How far an earlier reader came; None begins now.
        system: Asked for uptime and clock, so that the age of events is known.
        wall: Unix time.
        monotonic: A clock that cannot be set.
        pace: How long to wait for what.
    """

    def __init__(
        self,
        log: Log,
        caps: frozenset[str],
        cursor: Cursor | None = None,
        *,
        system: System | None = None,
        wall: Clock = time.time,
        monotonic: Clock = _clock,
        pace: Pace | None = None,
    ) -> None:
        self.cursor = cursor
        self._log = log
        self._events = caps
        # What the channel was opened for.
        self._filter = caps
        self._system = system
        self._wall = wall
        self._monotonic = monotonic
        self._pace = pace or Pace()
        self._channel: int | None = None
        # A channel that failed: the device may still fill it.
        self._left: int | None = None
        # Whether it was asked to be closed already, with no answer: then it may be closed.
        self._left_asked = False
        self._left_heard_at = 0.0
        # Why it failed, and how many attempts to start over have failed since.
        self._failure: BaseException | None = None
        self._attempts = 0
        self._heard_at = 0.0
        # Whether the device has run on since the last answer, as far as the channel left tells.
        self._ran_on: bool | None = None
        self._drained = False
        self._resumed = False
        # When the next event of the channel can have happened at the earliest.
        self._since = -inf
        self._ages = EventAges(log, system, self._pace, monotonic)
        self._poll = PollLength(self._pace.polls, None if cursor is None else cursor.poll)

    @property
    def poll(self) -> int:
        """For how many seconds a pull waits."""
        return self._poll.seconds

    async def open(self) -> None:
        """Open a channel that reaches back to the cursor.

        Raises:
            IntercomError: The device is out of reach or refuses.
        """
        await self._subscribe(self._include())

    async def read(self, wait: int | None = None) -> Batch:
        """Return the next events, waiting for them for a while, or for ``wait`` seconds at the most.

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
                await self._start_over()
            if not self._drained:
                return await self._drain()
            since = self._since
            events = await self._pull(self.poll if wait is None else min(wait, self.poll))
            arrived = self._monotonic()
            readings = await self._ages.judge(events, arrived, Channel(self._filter, self._drained), since)
        except BaseException as err:
            self._leave_channel(err)
            raise
        self._ages.see(readings, arrived, since)
        self._advance(events)
        return Batch(readings, gap=None, resumed=False)

    async def expect(self, caps: frozenset[str]) -> None:
        """Read other event types as soon as possible; a read that waits for events fails, and is to be repeated."""
        self._events = caps
        # A channel that is just being opened or emptied is left to the read that does it.
        if self._drained and self._filter != caps:
            await self.close()

    async def close(self) -> None:
        """Close the channel, if the device still listens."""
        self._ages.stop_asking()
        channel, self._channel, self._left = self._channel or self._left, None, None
        if channel is not None:
            await self._close_idle(channel)

    async def _close_idle(self, channel: int) -> None:
        """Close a channel; a failure does no harm, for the device closes it after a while."""
        try:
            await self._log.unsubscribe(channel)
        except IntercomError as err:
            _LOGGER.debug("Could not close the log channel, it expires on the device: %s", err)

    # -- channels --------------------------------------------------------------------------------

    def _leave_channel(self, err: BaseException) -> None:
        """Give a channel up: events of a lost answer are off it, only a new one brings them back."""
        self._ages.stop_asking()
        channel, self._channel = self._channel, None
        if self._ran_on:
            self._ran_on = None  # it may have restarted since
        if channel is not None and isinstance(err, InvalidRequest):
            self._left, self._ran_on = None, self._ran_on_without_channel(self._heard_at)
        elif channel is not None and self._left is None:
            self._left, self._left_asked, self._left_heard_at = channel, False, self._heard_at
        if self._drained:
            self._poll.lost(err, self._monotonic() - self._heard_at)
        elif self._attempts or not isinstance(err, ConnectionFailed) or isinstance(err, NotReached | AnswerStalled):
            self._poll.forget()
        self._failure, self._attempts = err, 0 if channel is not None else self._attempts + 1
        self._drained = False

    async def _start_over(self) -> None:
        """Open a channel, also where one failed.

        Until the device answers, that costs one connection or one request, however often it is tried. A slow device is
        asked for the new channel first: a visitor may be waiting, and the old one can be closed while that is emptied.
        """
        away = isinstance(self._failure, ConnectionFailed)
        if away:
            await self._log.reach(self._pace.reach)
        if self._left is None:
            await self.open()
            return
        revive = self._pace.revive[self._attempts % len(self._pace.revive)]
        if away:
            await self._subscribe(self._include(), revive)
            if self._channel == self._left:
                # Given out again, so the device has restarted.
                self._left, self._ran_on = None, False
            return
        if not isinstance(self._failure, InvalidRequest) and isinstance(self._failure, IntercomError):
            with suppress(InvalidRequest):
                await self._log.pull(self._left, 0)  # as long as this fails, a new channel would fail too
        await self._settle_left(revive)
        await self.open()

    async def _settle_left(self, patience: float | None = None) -> None:
        """Close the channel that failed, and learn from it whether the device has run on."""
        if self._left is None:
            return
        self._ran_on = await self._close_left(self._left, patience)
        self._left = None
        if self._ran_on:
            self._poll.learn()

    async def _close_left(self, channel: int, patience: float | None = None) -> bool | None:
        """Close a channel, and return whether the device has run on since it was opened, None for unknown."""
        try:
            await self._log.unsubscribe(channel, patience)
        except NotReached:
            raise
        except ConnectionFailed, asyncio.CancelledError:
            self._left_asked = True
            raise
        except InvalidRequest:
            # Gone because the device restarted, unless the question before was heard after all.
            return None if self._left_asked else self._ran_on_without_channel(self._left_heard_at)
        except CommandFailed, UnexpectedReply:
            return None  # no reason not to open another one
        return True

    def _ran_on_without_channel(self, heard_at: float) -> bool | None:
        """Return False where the device cannot have closed a channel because its time was up."""
        return False if self._monotonic() - heard_at < CHANNEL_DURATION else None

    async def _subscribe(self, include: str, patience: float | None = None) -> None:
        self._filter = self._events
        try:
            self._channel = await self._log.subscribe(self._filter, include, CHANNEL_DURATION, patience)
        except InvalidRequest:
            # Another firmware may know fewer events, and refuses a filter that names others.
            self._events = self._filter = await self._log.caps()
            self._channel = await self._log.subscribe(self._filter, include, CHANNEL_DURATION, patience)
        self._drained = False
        self._since = -inf
        self._ages.begin_channel()
        self._heard_at = self._monotonic()

    def _include(self) -> str:
        if self.cursor is None:
            return f"-{MARGIN}"
        since = self.cursor.complete_until if self.cursor.last is None else self.cursor.last.received_at
        elapsed = max(self._wall() - since, 0.0)
        return f"-{ceil(elapsed * (1 + DRIFT)) + MARGIN}"

    # -- emptying a channel ------------------------------------------------------------------------

    async def _drain(self) -> Batch:
        self._ages.ask_soon()
        opened_at = self._heard_at
        events = await self._take_all_beside(self._settle_left())
        if self._ran_on is None:
            self._ran_on = await self._runs_on()
        begin = self._resume_at(events)
        gap = None
        if begin is None and not (self._ran_on is False and events and events[0].id == 1):
            # The device restarted, or its clock was set, and the window has a hole or is too short.
            assert self._channel is not None
            short, self._channel = self._channel, None
            await self._subscribe("all")
            events = await self._take_all_beside(self._close_idle(short))
            begin = self._resume_at(events)
            if begin is None:
                begin = self._resume_behind(events)
        arrived = self._monotonic()
        if begin is None:
            gap = self._gap(events)
            begin = 0
            assert self.cursor is not None
            # The device has the last one no more.
            self.cursor = Cursor(self.cursor.complete_until, None, self.cursor.poll)
            self._ages.freshness.forget(opened_at)
        readings = await self._ages.judge(events[begin:], arrived, Channel(self._filter, self._drained))
        self._drained = True
        self._advance(events)
        # What is taken off the first channel may have changed a state that was read since it was opened.
        resumed = self._resumed or bool(events)
        self._resumed, self._ran_on = False, None
        self._failure, self._attempts = None, 0
        return Batch(readings, gap, resumed)

    async def _runs_on(self) -> bool | None:
        """Ask a device without a clock whether it has restarted since the last event was read: its starts look alike."""
        last = self.cursor.last if self.cursor is not None else None
        if last is None or self._system is None or not last.is_unset:
            return None
        try:
            uptime = (await self._system.status()).uptime
        except IntercomError as err:
            _LOGGER.debug("Could not determine whether the device restarted: %s", err)
            return None
        if uptime is None:
            return None
        restarted = uptime < max(last.up_time, self._wall() - last.received_at - MARGIN)
        return False if restarted else None

    def _resume_at(self, events: Sequence[LogEvent]) -> int | None:
        """Return where the unread events begin, None where nothing proves that none is missing before them."""
        if self.cursor is None:
            return len(events)  # events from before the subscription are not news
        last = self.cursor.last
        if last is None:
            since = self.cursor.complete_until
            begins = bool(events) and events[0].id == 1 and not self._ran_on
            return None if begins and (self._ran_on is False or events[0].utc_time > since) else 0
        if self._ran_on is False and last.is_unset:
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
        if last is None or (last.is_unset and not self._ran_on):
            return None
        start = last.utc_time - last.up_time
        if not any(
            event.id < last.id and abs(event.utc_time - event.up_time - start) <= _SAME_START for event in events
        ):
            return None
        return next((index for index, event in enumerate(events) if event.id > last.id), len(events))

    async def _take_all_beside(self, work: Coroutine[None, None, None]) -> list[LogEvent]:
        beside = asyncio.create_task(work, name="close a channel of a 2N")
        try:
            events = await self._take_all()
        except BaseException:
            beside.cancel()
            await asyncio.gather(beside, return_exceptions=True)
            raise
        await beside
        return events

    async def _take_all(self) -> list[LogEvent]:
        events: list[LogEvent] = []
        while True:
            batch = await self._pull(0)
            events.extend(batch)
            if len(batch) < BATCH:
                return events

    async def _pull(self, timeout: int) -> tuple[LogEvent, ...]:
        assert self._channel is not None
        asked_at = self._monotonic()
        events = await self._log.pull(self._channel, timeout, self._pace.patience)
        self._heard_at = self._monotonic()
        if timeout:
            self._poll.answered()
        # What comes next was not there when this was answered: after it was asked for, or after a wait for nothing.
        if len(events) < BATCH:
            waited = timeout if not events and self._heard_at - asked_at >= timeout else 1
            self._since = asked_at + waited - 1
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

    def _advance(self, events: Sequence[LogEvent]) -> None:
        """Move the cursor behind what was read."""
        wall = self._wall()
        last = self.cursor.last if self.cursor is not None else None
        if events:
            newest = events[-1]
            last = EventKey(newest.id, newest.utc_time, newest.up_time, wall)
        self.cursor = Cursor(wall, last, self._poll.found)
