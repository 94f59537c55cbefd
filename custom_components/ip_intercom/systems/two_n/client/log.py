"""Reading of the event log without lost or repeated events (HTTP API 5.10).

The device keeps its last 10000 events until it restarts. A channel delivers each event once; the events of
a lost response are gone from the channel. A channel is therefore used only while every pull succeeds. After
a failure, a new channel is opened that reaches back to the last read event; the presence of that event in
the new channel proves that no event in between is missing.
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
from ...common.parse import LIVE_WINDOW, fields, integer, text
from .ages import Channel, EventAges, Pace, PollLength
from .client import Functions
from .cursor import MARGIN, Batch, Cursor, EventKey, LogEvent
from .protocol import LOG_CAPS, LOG_PULL, LOG_SUBSCRIBE, LOG_UNSUBSCRIBE
from .system import System

_LOGGER = logging.getLogger(__name__)

# Seconds without a pull after which the device closes the channel; longer than a start of Home Assistant.
CHANNEL_DURATION = 300
# The same for a channel that only determines which events are recent.
_PROBE_DURATION = 10
# Maximum relative clock drift.
DRIFT = 0.001
# Maximum number of events in one response.
BATCH = 128

type Clock = Callable[[], float]


def _clock() -> float:
    """Return the time of a clock that cannot be set and that keeps running while this machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class Log(Functions):
    """``/api/log``."""

    async def caps(self) -> frozenset[str]:
        """Return the event types that the device can record (HTTP API 5.10.1)."""
        return frozenset(await self._client.rows(LOG_CAPS, "events", text))

    async def subscribe(self, events: Iterable[str], include: str, duration: int, patience: float | None = None) -> int:
        """Open a channel and return its id (HTTP API 5.10.2).

        The device silently leaves out events that the account may not see.

        Args:
            events: Event types, all of them from the caps.
            include: ``new``, ``all``, or ``-t`` for the last t seconds as well.
            duration: Seconds without a pull after which the device closes the channel, at most 3600.
            patience: Timeout in seconds; None for the default of the client.
        """
        params = {"include": include, "filter": ",".join(sorted(events)), "duration": str(duration)}
        result = fields(await self._client.call(LOG_SUBSCRIBE, params, patience=patience))
        if (channel := integer(result.get("id"))) is None:
            raise UnexpectedReply("the device returned no channel")
        return channel

    async def unsubscribe(self, channel: int, patience: float | None = None) -> None:
        """Close a channel (HTTP API 5.10.3); ``patience`` is the timeout in seconds."""
        await self._client.call(LOG_UNSUBSCRIBE, {"id": str(channel)}, patience=patience)

    async def reach(self, patience: float) -> None:
        """Check that the port of the device accepts a connection.

        Raises:
            NotReached: It does not.
        """
        await self._client.transport.check_port(patience)

    async def pull(self, channel: int, timeout: int, patience: float | None = None) -> tuple[LogEvent, ...]:
        """Take up to 128 events off a channel; wait up to ``timeout`` seconds for one (HTTP API 5.10.4).

        ``patience`` is the number of seconds that the response may take in addition.

        A channel accepts one pull at a time. Events of a lost response are gone from the channel.

        Raises:
            InvalidRequest: The channel is closed, or the device has restarted.
        """
        params = {"id": str(channel), "timeout": str(timeout)}
        return await self._client.rows(
            LOG_PULL, "events", partial(decode, LogEvent), params, wait=timeout, tolerant=True, patience=patience
        )


class LogReader:
    """Reads the log of one device from a cursor on.

    Args:
        caps: Event types that the device can record.
        cursor: Position of the previous reader; None begins now.
        system: Client for uptime and clock, which determine the age of events.
        wall: Returns the Unix time.
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
        # Event types of the open channel.
        self._filter = caps
        self._system = system
        self._wall = wall
        self._monotonic = monotonic
        self._pace = pace or Pace()
        self._channel: int | None = None
        # A failed channel that the device may still fill.
        self._failed_channel: int | None = None
        # Whether an unsubscribe request got no response: the channel may be closed.
        self._close_requested = False
        self._failed_responded_at = 0.0
        # Error of the failed channel, and the number of failed attempts to reopen since.
        self._failure: BaseException | None = None
        self._attempts = 0
        self._responded_at = 0.0
        # Whether the device has run without a restart since the last response, as far as the failed channel shows.
        self._kept_running: bool | None = None
        self._drained = False
        self._resumed = False
        # Earliest possible time of the next event of the channel.
        self._since = -inf
        self.ages = EventAges(self._query_recent, system, self._pace, monotonic)
        self._poll = PollLength(self._pace.polls, None if cursor is None else cursor.poll)

    @property
    def poll(self) -> int:
        """Number of seconds that a pull waits."""
        return self._poll.seconds

    async def reach(self) -> None:
        """Check that the device accepts connections.

        Raises:
            NotReached: It does not.
        """
        await self._log.reach(self._pace.reach)

    async def open(self) -> None:
        """Open a channel that reaches back to the cursor.

        Raises:
            IntercomError: The device is unreachable or rejects the request.
        """
        await self._subscribe(self._include())

    async def read(self, wait: int | None = None) -> Batch:
        """Return the next events; wait up to ``poll`` seconds for them, or up to ``wait`` seconds.

        The first read of a channel returns its backlog at once. After an error, the next read opens a new
        channel; the caller waits in between.

        Raises:
            IntercomError: The device is unreachable, has closed the channel, or rejects the request.
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
            readings = await self.ages.classify(events, arrived, Channel(self._filter, self._drained), since)
        except BaseException as err:
            self._abandon_channel(err)
            raise
        self.ages.observe(readings, arrived, since)
        self._advance(events)
        return Batch(readings, gap=None, resumed=False)

    async def set_event_types(self, caps: frozenset[str]) -> None:
        """Change the event types as soon as possible; a read in progress then fails and is to be repeated."""
        self._events = caps
        # A channel that is being opened or drained is left to the read in progress.
        if self._drained and self._filter != caps:
            await self.close()

    async def close(self) -> None:
        """Close the channel if the device is reachable."""
        self.ages.cancel()
        channel, self._channel, self._failed_channel = self._channel or self._failed_channel, None, None
        if channel is not None:
            await self._close_idle(channel)

    async def _close_idle(self, channel: int) -> None:
        """Close a channel; after a failure, it expires on the device."""
        try:
            await self._log.unsubscribe(channel)
        except IntercomError as err:
            _LOGGER.debug("Could not close the log channel, it expires on the device: %s", err)

    def _abandon_channel(self, err: BaseException) -> None:
        """Give up a channel: the events of a lost response are available only from a new one."""
        self.ages.cancel()
        channel, self._channel = self._channel, None
        if self._kept_running:
            self._kept_running = None  # the device may have restarted since
        if channel is not None and isinstance(err, InvalidRequest):
            self._failed_channel, self._kept_running = None, self._kept_running_without_channel(self._responded_at)
        elif channel is not None and self._failed_channel is None:
            self._failed_channel, self._close_requested, self._failed_responded_at = channel, False, self._responded_at
        if self._drained:
            self._poll.lost(err, self._monotonic() - self._responded_at)
        elif self._attempts or not isinstance(err, ConnectionFailed) or isinstance(err, NotReached | AnswerStalled):
            self._poll.forget()
        self._failure, self._attempts = err, 0 if channel is not None else self._attempts + 1
        self._drained = False

    async def _start_over(self) -> None:
        """Open a channel, possibly after a failed one.

        While the device does not respond, each attempt costs one connection or one request. A slow device is first
        asked for the new channel, as a ring may be waiting; the old channel is closed after the new one was drained.
        """
        unreachable = isinstance(self._failure, ConnectionFailed)
        if unreachable:
            await self.reach()
        if self._failed_channel is None:
            await self.open()
            return
        patience = self._pace.reopen[self._attempts % len(self._pace.reopen)]
        if unreachable:
            await self._subscribe(self._include(), patience)
            if self._channel == self._failed_channel:
                # The same id is in use again, so the device has restarted.
                self._failed_channel, self._kept_running = None, False
            return
        if not isinstance(self._failure, InvalidRequest) and isinstance(self._failure, IntercomError):
            with suppress(InvalidRequest):
                await self._log.pull(self._failed_channel, 0)  # while this fails, a new channel would fail too
        await self._settle_failed_channel(patience)
        await self.open()

    async def _settle_failed_channel(self, patience: float | None = None) -> None:
        """Close the failed channel and find out whether the device has run without a restart."""
        if self._failed_channel is None:
            return
        self._kept_running = await self._close_failed_channel(self._failed_channel, patience)
        self._failed_channel = None
        if self._kept_running:
            self._poll.learn()

    async def _close_failed_channel(self, channel: int, patience: float | None = None) -> bool | None:
        """Close a channel; return whether the device has run without a restart since, None if unknown."""
        try:
            await self._log.unsubscribe(channel, patience)
        except NotReached:
            raise
        except ConnectionFailed, asyncio.CancelledError:
            self._close_requested = True
            raise
        except InvalidRequest:
            # Closed by a restart, unless the previous unsubscribe request arrived after all.
            return None if self._close_requested else self._kept_running_without_channel(self._failed_responded_at)
        except CommandFailed, UnexpectedReply:
            return None  # a new channel may work all the same
        return True

    def _kept_running_without_channel(self, responded_at: float) -> bool | None:
        """Return False if the channel cannot have expired, so that the device has restarted."""
        return False if self._monotonic() - responded_at < CHANNEL_DURATION else None

    async def _subscribe(self, include: str, patience: float | None = None) -> None:
        self._filter = self._events
        try:
            self._channel = await self._log.subscribe(self._filter, include, CHANNEL_DURATION, patience)
        except InvalidRequest:
            # After a firmware change the device may know fewer types; it rejects a filter with unknown ones.
            self._events = self._filter = await self._log.caps()
            self._channel = await self._log.subscribe(self._filter, include, CHANNEL_DURATION, patience)
        self._drained = False
        self._since = -inf
        self.ages.begin_channel()
        self._responded_at = self._monotonic()

    def _include(self) -> str:
        if self.cursor is None:
            return f"-{MARGIN}"
        since = self.cursor.complete_until if self.cursor.last is None else self.cursor.last.received_at
        elapsed = max(self._wall() - since, 0.0)
        return f"-{ceil(elapsed * (1 + DRIFT)) + MARGIN}"

    async def _drain(self) -> Batch:
        self.ages.prepare()
        opened_at = self._responded_at
        events = await self._take_all()
        if self._failed_channel is not None and self.cursor is not None and self.cursor.shows_restart(events):
            self._failed_channel, self._kept_running = None, False  # a restart closes all channels
        await self._settle_failed_channel()
        if not self._kept_running:
            self._kept_running = await self._check_kept_running()
        # Events from before the first subscription do not count as new.
        begin = len(events) if self.cursor is None else self.cursor.resume_at(events, self._kept_running)
        gap = None
        if begin is None and not (self._kept_running is False and events and events[0].id == 1):
            # The device restarted or its clock was set, and the requested period has a gap or is too incomplete.
            assert self._channel is not None and self.cursor is not None
            incomplete, self._channel = self._channel, None
            await self._subscribe("all")
            events = await self._take_all_while(self._close_idle(incomplete))
            begin = self.cursor.resume_at(events, self._kept_running)
            if begin is None:
                begin = self.cursor.resume_behind(events, self._kept_running)
        arrived = self._monotonic()
        if begin is None:
            assert self.cursor is not None
            gap = self.cursor.gap(events, self._wall())
            begin = 0
            # The device no longer has the last event.
            self.cursor = Cursor(self.cursor.complete_until, None, self.cursor.poll)
            self.ages.freshness.forget(opened_at)
        readings = await self.ages.classify(events[begin:], arrived, Channel(self._filter, self._drained))
        self._drained = True
        self._advance(events)
        # Events of the backlog may have changed a state that was read after the channel was opened.
        resumed = self._resumed or bool(events)
        self._resumed, self._kept_running = False, None
        self._failure, self._attempts = None, 0
        return Batch(readings, gap, resumed)

    async def _check_kept_running(self) -> bool | None:
        """Read the uptime of a device without a clock to detect a restart: the records of its boots look alike.

        A device that closed a channel early may nevertheless have kept running.
        """
        if self.cursor is None or (last := self.cursor.last) is None or self._system is None or not last.is_unset:
            return self._kept_running
        try:
            uptime = (await self._system.status()).uptime
        except IntercomError as err:
            _LOGGER.debug("Could not determine whether the device restarted: %s", err)
            return self._kept_running
        if uptime is None:
            return self._kept_running
        if uptime > self._wall() - self.cursor.complete_until + MARGIN:
            return True
        restarted = uptime < max(last.up_time, self._wall() - last.received_at - MARGIN)
        return False if restarted else self._kept_running

    async def _take_all_while(self, work: Coroutine[None, None, None]) -> list[LogEvent]:
        task = asyncio.create_task(work, name="close a channel of a 2N")
        try:
            events = await self._take_all()
        except BaseException:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            raise
        await task
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
        self._responded_at = self._monotonic()
        if timeout:
            self._poll.answered()
        # The next event happens after this pull was requested, or after the end of a wait without events.
        if len(events) < BATCH:
            waited = timeout if not events and self._responded_at - asked_at >= timeout else 1
            self._since = asked_at + waited - 1
        return events

    async def _query_recent(self, events: frozenset[str]) -> frozenset[int]:
        """Return the IDs of the events of the last seconds, read from a separate channel; none on failure."""
        try:
            channel = await self._log.subscribe(events, f"-{int(LIVE_WINDOW)}", _PROBE_DURATION)
            found = await self._log.pull(channel, 0, self._pace.patience)
            await self._log.unsubscribe(channel)
        except IntercomError as err:
            _LOGGER.debug("Could not determine the age of events: %s", err)
            return frozenset()
        return frozenset(event.id for event in found)

    def _advance(self, events: Sequence[LogEvent]) -> None:
        """Move the cursor behind the events that were read."""
        wall = self._wall()
        last = self.cursor.last if self.cursor is not None else None
        if events:
            newest = events[-1]
            last = EventKey(newest.id, newest.utc_time, newest.up_time, wall)
        self.cursor = Cursor(wall, last, self._poll.found)
