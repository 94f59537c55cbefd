"""Reading the event log without losing an event or taking one twice (HTTP API 5.10).

The device keeps its last 10000 events until it restarts. A channel hands them out once, and what it
hands out in an answer that never arrives is off the channel all the same. So a channel lives only as
long as every pull succeeds; after that a new one is opened that reaches back to the last event read,
and that event's presence in it proves that nothing between is missing.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from functools import partial
import logging
from math import ceil, inf
import time

from ...common.decode import decode
from ...common.errors import (
    AnswerStalled,
    CommandFailed,
    ConnectionFailed,
    IntercomError,
    InvalidRequest,
    NotReached,
    UnexpectedReply,
)
from ...common.parse import fields, integer, text
from ...common.times import LIVE_WINDOW
from .ages import Channel, EventAges
from .client import Functions
from .cursor import MARGIN, Batch, Cursor, EventKey, LogEvent
from .endpoints import LOG_CAPS, LOG_PULL, LOG_SUBSCRIBE, LOG_UNSUBSCRIBE
from .pace import Pace, PollLength
from .system import System

_LOGGER = logging.getLogger(__name__)

# Seconds without a pull after which the device closes the channel: Home Assistant's start fits in.
CHANNEL_DURATION = 300
# The same for a channel that only asks which events are young.
_PROBE_DURATION = 10
# The share by which clocks may drift.
DRIFT = 0.001
# The device gives out so many events at once.
BATCH = 128

type Clock = Callable[[], float]


def _clock() -> float:
    """Return the seconds of a clock that cannot be set, and that also runs while this machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class Log(Functions):
    """``/api/log``."""

    async def caps(self) -> frozenset[str]:
        """Return the event types that the device records (HTTP API 5.10.1)."""
        return frozenset(await self._client.rows(LOG_CAPS, "events", text))

    async def subscribe(self, events: Iterable[str], include: str, duration: int, patience: float | None = None) -> int:
        """Open a channel and return its id (HTTP API 5.10.2).

        Events that the account may not see are left out by the device without a word.

        Args:
            events: The types wanted, all of them in the caps.
            include: ``new``, ``all``, or ``-t`` for the last t seconds as well.
            duration: Seconds without a pull after which the device closes the channel, 3600 at most.
            patience: How many seconds the device may take; None for the client's own.
        """
        params = {"include": include, "filter": ",".join(sorted(events)), "duration": str(duration)}
        result = fields(await self._client.call(LOG_SUBSCRIBE, params, patience=patience))
        if (channel := integer(result.get("id"))) is None:
            raise UnexpectedReply("subscribed, but the device named no channel")
        return channel

    async def unsubscribe(self, channel: int, patience: float | None = None) -> None:
        """Close a channel (HTTP API 5.10.3); ``patience`` is how many seconds the device may take."""
        await self._client.call(LOG_UNSUBSCRIBE, {"id": str(channel)}, patience=patience)

    async def reach(self, patience: float) -> None:
        """See whether anything listens there at all, at the cost of a connection.

        Raises:
            NotReached: Nothing does.
        """
        await self._client.transport.check_port(patience)

    async def pull(self, channel: int, timeout: int, patience: float | None = None) -> tuple[LogEvent, ...]:
        """Take up to 128 events off a channel, waiting up to ``timeout`` seconds for one (HTTP API 5.10.4).

        ``patience`` is how many seconds the device may take longer than that.

        A channel takes one pull at a time. Events of an answer that is lost on the way are off the
        channel all the same.

        Raises:
            InvalidRequest: The channel is closed, or the device has restarted.
        """
        params = {"id": str(channel), "timeout": str(timeout)}
        return await self._client.rows(
            LOG_PULL, "events", partial(decode, LogEvent), params, wait=timeout, tolerant=True, patience=patience
        )


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
        self._ages = EventAges(self._ask_young, system, self._pace, monotonic)
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
        # Events from before the first subscription are not news.
        begin = len(events) if self.cursor is None else self.cursor.resume_at(events, self._ran_on)
        gap = None
        if begin is None and not (self._ran_on is False and events and events[0].id == 1):
            # The device restarted, or its clock was set, and the window has a hole or is too short.
            assert self._channel is not None and self.cursor is not None
            short, self._channel = self._channel, None
            await self._subscribe("all")
            events = await self._take_all_beside(self._close_idle(short))
            begin = self.cursor.resume_at(events, self._ran_on)
            if begin is None:
                begin = self.cursor.resume_behind(events, self._ran_on)
        arrived = self._monotonic()
        if begin is None:
            assert self.cursor is not None
            gap = self.cursor.gap(events, self._wall())
            begin = 0
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

    async def _ask_young(self, events: frozenset[str]) -> frozenset[int]:
        """Return the IDs of the events of the last seconds, by a channel of their own; none where that fails."""
        try:
            channel = await self._log.subscribe(events, f"-{int(LIVE_WINDOW)}", _PROBE_DURATION)
            found = await self._log.pull(channel, 0, self._pace.patience)
            await self._log.unsubscribe(channel)
        except IntercomError as err:
            _LOGGER.debug("Could not determine the age of events: %s", err)
            return frozenset()
        return frozenset(event.id for event in found)

    def _advance(self, events: Sequence[LogEvent]) -> None:
        """Move the cursor behind what was read."""
        wall = self._wall()
        last = self.cursor.last if self.cursor is not None else None
        if events:
            newest = events[-1]
            last = EventKey(newest.id, newest.utc_time, newest.up_time, wall)
        self.cursor = Cursor(wall, last, self._poll.found)
