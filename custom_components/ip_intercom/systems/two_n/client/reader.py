"""Reading the event log without losing an event or taking one twice (HTTP API 5.10).

The device keeps its last 10000 events until it restarts. A channel hands them out once, and what it
hands out in an answer that never arrives is off the channel all the same. So a channel lives only as
long as every pull succeeds; after that a new one is opened that reaches back to the last event read,
and that event's presence in it proves that nothing between is missing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
import logging
from math import ceil, inf
import time

from ...common.errors import (
    AnswerStalled,
    CommandFailed,
    ConnectionFailed,
    IntercomError,
    InvalidRequest,
    NoAnswer,
    NotReached,
    NotSupported,
    PermissionDenied,
    SecureConnectionRequired,
    ServiceDisabled,
    UnexpectedReply,
)
from ...common.parse import Fields, integer
from ...common.times import LIVE_WINDOW
from .freshness import Age, Freshness
from .log import BATCH, Log, LogEvent
from .system import System, SystemStatus

_LOGGER = logging.getLogger(__name__)

# Seconds without a pull after which the device closes the channel: Home Assistant's start fits in.
CHANNEL_DURATION = 300
# Seconds by which a new channel reaches back further than needed, and the share that clocks may drift.
MARGIN = 10
DRIFT = 0.001
# Seconds by which a device's clock is so wrong that it may show the same time after every restart.
UNSET_CLOCK = 86400
# Seconds by which the same start of the device may seem to differ between two of its records.
_SAME_START = 2

# Seconds after which the device is asked for its uptime again, so that drifting clocks do no harm.
_ASK_AGAIN = 1800.0
# Connections in a row that break before an answer, and are to be kept shorter.
_SILENCES = 2
# A channel that only asks what is young needs to live for so many seconds.
_PROBE_DURATION = 10

type Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Pace:
    """How long to wait for what.

    Attributes:
        polls: Seconds the device may hold back its answer while nothing happens: the first, and shorter ones for a
            network that forgets connections on which nothing is said.
        patience: Seconds that the answer may take besides; None for the client's own.
        reach: Seconds for a connection to a device that was out of reach.
        revive: Seconds for the first answer of one that did not answer, attempt by attempt: mostly short, for it may be
            back in between, but a slow one gets its time.
        tell: Seconds that an event waits for the device to say how old it is.
    """

    polls: tuple[int, ...] = (55, 25, 15, 8)
    patience: float | None = None
    reach: float = 1.5
    revive: tuple[float, ...] = (2.5, 2.5, 2.5, 10.0)
    tell: float = 2.0


def _clock() -> float:
    """Return the seconds of a clock that cannot be set, and that also runs while this machine sleeps."""
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
    """How far the log was read: everything before ``complete_until`` (Unix seconds), up to ``last``.

    ``poll`` is how many seconds a connection may be silent as far as was found out; None where nothing was lost yet.
    """

    complete_until: float
    last: EventKey | None
    poll: int | None = None

    def as_json(self) -> dict[str, float | list[float] | None]:
        """Return the cursor as JSON that ``from_json`` reads."""
        key = self.last
        return {
            "complete_until": self.complete_until,
            "last": None if key is None else [key.id, key.utc_time, key.up_time, key.received_at],
            **({} if self.poll is None else {"poll": self.poll}),
        }

    @classmethod
    def from_json(cls, data: Fields) -> Cursor | None:
        """Return the cursor that was stored, None where it cannot be read."""
        complete_until = data.get("complete_until")
        last = data.get("last")
        if not isinstance(complete_until, int | float):
            return None
        poll = integer(data.get("poll"))
        if not isinstance(last, list) or len(last) != 4 or not isinstance(last[3], int | float):
            return cls(float(complete_until), None, poll)
        numbers = [number for value in last[:3] if (number := integer(value)) is not None]
        if len(numbers) != 3:
            return cls(float(complete_until), None, poll)
        return cls(float(complete_until), EventKey(numbers[0], numbers[1], numbers[2], float(last[3])), poll)


@dataclass(frozen=True, slots=True)
class Reading:
    """A log event, whether it is too old to be news, and its age in seconds when it arrived.

    ``heard``: it happened while this reader listened, so that no earlier reader can have delivered it.
    """

    event: LogEvent
    late: bool
    age: float = 0.0
    heard: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """What one read brought, in the device's order.

    ``gap`` lies before the first event. ``resumed`` is set on the first batch of a channel that
    followed another: state may have changed unseen in between.
    """

    readings: tuple[Reading, ...]
    gap: Gap | None
    resumed: bool


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
        self._freshness = Freshness()
        self._asking: asyncio.Task[None] | None = None
        # Whether the device was asked on this channel how long it has been running, and has answered or not.
        self._was_told = False
        self._status_refused = False
        self._poll = self._pace.polls[0] if cursor is None or cursor.poll is None else cursor.poll
        # After how many seconds without a word the last poll died, and how many died like that in a row.
        self._silent_for: float | None = None
        self._silences = 0

    @property
    def poll(self) -> int:
        """For how many seconds a pull waits."""
        return self._poll

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
            events = await self._pull(self._poll if wait is None else min(wait, self._poll))
            arrived = self._monotonic()
            readings = await self._judge(events, arrived, since)
        except BaseException as err:
            self._leave_channel(err)
            raise
        for reading in readings:
            self._freshness.see(reading.event.up_time, arrived, since, young=not reading.late)
        self._advance(events)
        if not events and arrived - self._freshness.told_at > _ASK_AGAIN:
            self._ask_soon()
        return Batch(readings, gap=None, resumed=False)

    async def expect(self, caps: frozenset[str]) -> None:
        """Read other event types as soon as possible; a read that waits for events fails, and is to be repeated."""
        self._events = caps
        # A channel that is just being opened or emptied is left to the read that does it.
        if self._drained and self._filter != caps:
            await self.close()

    async def close(self) -> None:
        """Close the channel, if the device still listens."""
        self._stop_asking()
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
        self._stop_asking()
        channel, self._channel = self._channel, None
        if self._ran_on:
            self._ran_on = None  # it may have restarted since
        if channel is not None and isinstance(err, InvalidRequest):
            self._left, self._ran_on = None, self._ran_on_without_channel(self._heard_at)
        elif channel is not None and self._left is None:
            self._left, self._left_asked, self._left_heard_at = channel, False, self._heard_at
        self._note_silence(err)
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
            self._learn_silence()

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
        self._was_told = False
        self._heard_at = self._monotonic()

    def _include(self) -> str:
        if self.cursor is None:
            return f"-{MARGIN}"
        since = self.cursor.complete_until if self.cursor.last is None else self.cursor.last.received_at
        elapsed = max(self._wall() - since, 0.0)
        return f"-{ceil(elapsed * (1 + DRIFT)) + MARGIN}"

    # -- connections that are silently forgotten ---------------------------------------------------

    def _note_silence(self, err: BaseException) -> None:
        """Note that a poll was lost; whether the silence was to blame shows when the device is asked again."""
        if (
            isinstance(err, NotReached | AnswerStalled)
            or not isinstance(err, ConnectionFailed)
            or (self._attempts and not self._drained)
        ):
            self._silent_for = None  # the device is away, or answers, or began to
        elif self._drained:
            self._silent_for = inf if isinstance(err, NoAnswer) else self._monotonic() - self._heard_at

    def _learn_silence(self) -> None:
        """Poll for a shorter time from now on, where polls die though the device is there all the while."""
        silent, self._silent_for = self._silent_for, None
        shorter = [poll for poll in self._pace.polls if poll < min(self._poll, silent or 0.0)]
        if not shorter or silent is None:
            self._silences = 0
            return
        # A poll without an answer leaves no doubt; a connection that breaks may do so for once.
        self._silences = self._silences + 1 if silent != inf else _SILENCES
        if self._silences >= _SILENCES:
            self._poll, self._silences = shorter[0], 0
            _LOGGER.debug("Connections are dropped while idle: polls last %s s from now on", self._poll)

    # -- emptying a channel ------------------------------------------------------------------------

    async def _drain(self) -> Batch:
        self._ask_soon()
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
            self._freshness.forget(opened_at)
        readings = await self._judge(events[begin:], arrived)
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
        if last is None or self._system is None or not _is_unset(last):
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
            self._silences = 0
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
        self.cursor = Cursor(wall, last, None if self._poll == self._pace.polls[0] else self._poll)

    # -- news or old -------------------------------------------------------------------------------

    async def _judge(self, events: Sequence[LogEvent], arrived: float, since: float = -inf) -> tuple[Reading, ...]:
        """Return events with their ages; before anything is called news, its age is known.

        Args:
            events: What was read.
            arrived: When that was.
            since: When they can have happened at the earliest.
        """
        ages = self._ages(events, arrived, since)
        if any(age.uncertain for age in ages) or (events and not self._was_told):
            asked_at = self._monotonic()
            await self._told()
            # What the device says now of its uptime outweighs when its log was asked.
            since = -inf if self._freshness.uptime_at >= asked_at else since
            ages = self._ages(events, arrived, since)
        doubtful = frozenset(event.id for event, age in zip(events, ages, strict=True) if age.uncertain)
        young = await self._young(doubtful) if doubtful else doubtful
        return tuple(
            Reading(event, event.id not in young if age.uncertain else age.late, age.seconds, self._drained)
            for event, age in zip(events, ages, strict=True)
        )

    def _ages(self, events: Sequence[LogEvent], arrived: float, since: float) -> list[Age]:
        return [self._freshness.age(event.up_time, event.utc_time, arrived, since) for event in events]

    def _ask_soon(self) -> None:
        """Ask the device for its uptime and its clock, if that is not in progress."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask(), name="uptime of a 2N")

    async def _told(self) -> None:
        """Wait until the device has told its uptime, but not for long: a visitor may be waiting.

        While a channel is emptied, what the device was asked when that began is enough.
        """
        if self._drained or self._asking is None:
            self._ask_soon()
        assert self._asking is not None
        await asyncio.wait((self._asking,), timeout=self._pace.tell)
        self._was_told = True

    def _stop_asking(self) -> None:
        asking, self._asking = self._asking, None
        if asking is not None:
            asking.cancel()

    async def _ask(self) -> None:
        """Ask the device for its uptime and its clock."""
        if self._system is None:
            return
        try:
            if not self._status_refused and await self._tell(self._system.status):
                return
        except (NotSupported, PermissionDenied, SecureConnectionRequired, ServiceDisabled) as err:
            _LOGGER.debug("Could not read the uptime: %s", err)
            self._status_refused = True
        except IntercomError as err:
            _LOGGER.debug("Could not read the uptime: %s", err)
        try:
            await self._tell(self._clock_alone)
        except IntercomError as err:
            _LOGGER.debug("Could not read the clock: %s", err)

    async def _clock_alone(self) -> SystemStatus:
        """Return the clock: an account that may only look is not told the uptime."""
        assert self._system is not None
        return SystemStatus(time=(await self._system.time()).utc, uptime=None)

    async def _tell(self, ask: Callable[[], Awaitable[SystemStatus]]) -> bool:
        asked_at = self._monotonic()
        status = await ask()
        self._freshness.tell(status.uptime, status.time, asked_at, self._monotonic())
        return status.uptime is not None

    async def _young(self, doubtful: frozenset[int]) -> frozenset[int]:
        """Return which events the device itself counts to the last seconds, where it tells no time to this account."""
        try:
            channel = await self._log.subscribe(self._filter, f"-{int(LIVE_WINDOW)}", _PROBE_DURATION)
            events = await self._log.pull(channel, 0, self._pace.patience)
            await self._log.unsubscribe(channel)
        except IntercomError as err:
            _LOGGER.debug("Could not determine the age of events: %s", err)
            return frozenset()
        return doubtful & {event.id for event in events}


def _is_unset(last: EventKey) -> bool:
    """Return whether the device seems to have no clock: after every start, its first records look the same."""
    return abs(last.utc_time - last.received_at) > UNSET_CLOCK
