"""Age of log events, determined before an event counts as new (HTTP API 5.1.2 and 5.10), and timings of the log reader."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
import logging
from math import inf

from ...common.errors import (
    AnswerStalled,
    ConnectionFailed,
    IntercomError,
    NoAnswer,
    NotReached,
    NotSupported,
    PermissionDenied,
    SecureConnectionRequired,
    ServiceDisabled,
)
from ...common.parse import LIVE_WINDOW
from .cursor import LogEvent, Reading
from .system import System, SystemStatus

_LOGGER = logging.getLogger(__name__)

# Seconds after which the uptime is read again, so that clock drift does not add up.
_REFRESH_INTERVAL = 1800.0

# Returns the IDs of the events of the given types that occurred in the last seconds, as counted by the device.
type QueryRecent = Callable[[frozenset[str]], Awaitable[frozenset[int]]]

# Maximum relative drift between the clocks of a device and this machine.
CLOCK_SKEW = 0.0002
# Records and responses contain whole seconds, rounded down.
_TICK = 1.0
# Seconds by which the device's values may contradict local observations.
_SLACK = 2.0
# Maximum difference in seconds between the bounds of an age that counts as known.
_CERTAIN = 3.0


# Connections in a row that break without a response before polls become shorter.
_IDLE_LOSSES = 2


@dataclass(frozen=True, slots=True)
class Age:
    """Bounds of the age of an event at its arrival, in seconds.

    ``implausible``: the age exceeds its possible maximum, for example because the device reset its counter.
    """

    at_least: float
    at_most: float
    implausible: bool = False

    @property
    def seconds(self) -> float:
        """The most likely age."""
        return max(0.0, self.at_least if self.at_most == inf else (self.at_least + self.at_most) / 2)

    @property
    def late(self) -> bool:
        """Whether the event is certainly too old to count as new."""
        return self.at_least > LIVE_WINDOW

    @property
    def uncertain(self) -> bool:
        """Whether the event may be new or old."""
        return self.implausible or (
            self.at_least <= LIVE_WINDOW < self.at_most and self.at_most - self.at_least > _CERTAIN
        )


@dataclass(frozen=True, slots=True)
class _ZeroTime:
    """Local time at which a counter of the device was zero: two bounds, valid at ``at``."""

    low: float
    high: float
    at: float

    def drifted(self, now: float) -> _ZeroTime:
        """Return the bounds, widened by the possible clock drift until ``now``."""
        drift = max(now - self.at, 0.0) * CLOCK_SKEW
        return _ZeroTime(self.low - drift, self.high + drift, now)

    def narrowed(self, by: _ZeroTime) -> _ZeroTime:
        """Return the intersection with ``by``; ``by`` itself if they contradict each other."""
        old = self.drifted(by.at)
        low, high = max(old.low, by.low), min(old.high, by.high)
        return _ZeroTime(low, high, by.at) if low <= high else by


class Freshness:
    """Determines the age of events.

    The uptime has priority, as it cannot be set. The clock is used if the device does not report its uptime or if the
    uptime is implausible, for example after the counter was reset.

    Attributes:
        reported_at: Local time of the last report of uptime or clock.
        uptime_at: Local time of the last report of the uptime.
    """

    def __init__(self) -> None:
        self._start: _ZeroTime | None = None
        self._epoch: _ZeroTime | None = None
        # The last report: time of its request, and the bounds derived from it.
        self._asked_at = -inf
        self._last_report: tuple[_ZeroTime | None, _ZeroTime | None] = None, None
        self.reported_at = self.uptime_at = -inf

    def forget(self, before: float) -> None:
        """Discard values from before a restart of the device; a report requested since ``before`` is kept."""
        if self._asked_at >= before:
            self._start, self._epoch = self._last_report
            return
        self._start = self._epoch = None
        self.reported_at = self.uptime_at = -inf

    def report(self, uptime: int | None, clock: int | None, asked_at: float, answered_at: float) -> None:
        """Process a report of the device's uptime and clock.

        Args:
            uptime: Seconds since the start of the device.
            clock: Unix seconds by the device's clock.
            asked_at: Local time of the request.
            answered_at: Local time of the response.
        """
        start, epoch = (
            None if counted is None else _ZeroTime(asked_at - counted - _TICK, answered_at - counted, answered_at)
            for counted in (uptime, clock)
        )
        self.reported_at, self._asked_at, self._last_report = answered_at, asked_at, (start, epoch)
        if start is not None:
            self.uptime_at = answered_at
            self._start = start if self._start is None else self._start.narrowed(start)
        if epoch is not None:
            self._epoch = epoch

    def observe(self, up_time: int, arrived: float, since: float, *, young: bool = False) -> None:
        """Learn from an event that happened after ``since`` and has just arrived.

        Args:
            up_time: Uptime of the device in seconds at the event.
            arrived: Local time of the arrival.
            since: Earliest possible local time of the event.
            young: The event is known to be new: contradicting values are discarded, as after a counter reset.
        """
        if young:
            since = max(since, arrived - LIVE_WINDOW - _CERTAIN)
        observed = _ZeroTime(since - up_time - _TICK, arrived - up_time, arrived)
        if self._start is None:
            self._start = observed
            return
        narrowed = self._start.narrowed(observed)
        if young or narrowed is not observed:
            self._start = narrowed

    def age(self, up_time: int, utc_time: int, arrived: float, since: float = -inf) -> Age:
        """Return the age of an event.

        Args:
            up_time: Uptime of the device in seconds at the event.
            utc_time: Unix seconds of the event by the device's clock.
            arrived: Local time of the arrival.
            since: Earliest possible local time of the event.
        """
        most = arrived - since
        implausible: Age | None = None
        for zero, counted in ((self._start, up_time), (self._epoch, utc_time)):
            if zero is None:
                continue
            known = zero.drifted(arrived)
            age = Age(arrived - known.high - counted - _TICK, arrived - known.low - counted)
            # An event in the future indicates that the counter was reset or the clock was set.
            if age.at_most < -_SLACK:
                continue
            if age.at_least > most + _SLACK:
                implausible = implausible or Age(age.at_least, age.at_most, implausible=True)
                continue
            return Age(max(age.at_least, 0.0), max(min(age.at_most, most), 0.0))
        return implausible or Age(0.0, most)


@dataclass(frozen=True, slots=True)
class Pace:
    """Timings of the event log reader, in seconds.

    Attributes:
        polls: Time that the device may hold back a response without events: the default, and shorter ones for a
            network that drops idle connections.
        patience: Time that the response may take in addition; None for the default of the client.
        reach: Timeout of the connection to a device that was unreachable.
        reopen: Timeouts of the first response of a device that did not respond, by attempt: mostly short, as the
            device may recover in between, but long enough for a slow device now and then.
        uptime: Time that an event is held back while the uptime is read.
    """

    polls: tuple[int, ...] = (55, 25, 15, 8)
    patience: float | None = None
    reach: float = 1.5
    reopen: tuple[float, ...] = (2.5, 2.5, 2.5, 10.0)
    uptime: float = 2.0


class PollLength:
    """Length of a poll in seconds; shorter in a network that drops idle connections.

    Args:
        polls: Available lengths, longest first.
        first: Length to begin with, None for the longest.
    """

    def __init__(self, polls: tuple[int, ...], first: int | None) -> None:
        self.seconds = polls[0] if first is None else first
        self._polls = polls
        # Idle seconds before the last poll was lost, and the number of polls lost that way in a row.
        self._idle_for: float | None = None
        self._idle_losses = 0

    @property
    def found(self) -> int | None:
        """The detected length, None for the longest."""
        return None if self.seconds == self._polls[0] else self.seconds

    def answered(self) -> None:
        """Record that a poll was answered."""
        self._idle_losses = 0

    def lost(self, err: BaseException, idle: float) -> None:
        """Record that a poll was lost; the next requests show whether idleness was the reason.

        Args:
            idle: Seconds since the last response.
        """
        if not isinstance(err, ConnectionFailed) or isinstance(err, NotReached | AnswerStalled):
            self._idle_for = None  # the device is unreachable, or responds, or began to
        else:
            self._idle_for = inf if isinstance(err, NoAnswer) else idle

    def forget(self) -> None:
        """Record that the device was unreachable."""
        self._idle_for = None

    def learn(self) -> None:
        """Shorten the polls if they are lost although the device was running."""
        idle, self._idle_for = self._idle_for, None
        shorter = [poll for poll in self._polls if poll < min(self.seconds, idle or 0.0)]
        if not shorter or idle is None:
            self._idle_losses = 0
            return
        # A poll without a response is conclusive; a broken connection may be accidental.
        self._idle_losses = self._idle_losses + 1 if idle != inf else _IDLE_LOSSES
        if self._idle_losses >= _IDLE_LOSSES:
            self.seconds, self._idle_losses = shorter[0], 0
            _LOGGER.debug("Connections are dropped while idle: polls last %s s from now on", self.seconds)


@dataclass(frozen=True, slots=True)
class Channel:
    """A log channel: its event types, and whether its backlog has been read."""

    events: frozenset[str]
    drained: bool


class EventAges:
    """Determines the age of the events of one device; reads its uptime and clock for that.

    Args:
        query_recent: Requests the recent events; used for accounts that may not read the device's time.
        system: Client for uptime and clock, None to read neither.
    """

    def __init__(
        self, query_recent: QueryRecent, system: System | None, pace: Pace, monotonic: Callable[[], float]
    ) -> None:
        self.freshness = Freshness()
        self._query_recent = query_recent
        self._system = system
        self._pace = pace
        self._monotonic = monotonic
        self._uptime_task: asyncio.Task[None] | None = None
        # Whether the uptime was requested for an event of this channel, with or without success.
        self._uptime_requested = False
        # Whether it was read for another purpose since this channel was opened.
        self._uptime_known = False
        self._status_rejected = False

    def begin_channel(self) -> None:
        """Record that another channel was opened."""
        self._uptime_requested = self._uptime_known = False

    def observe(self, readings: Sequence[Reading], arrived: float, since: float) -> None:
        """Learn from events of a drained channel; read the uptime again if there were none for a while."""
        for reading in readings:
            self.freshness.observe(reading.event.up_time, arrived, since, young=not reading.late)
        if not readings and arrived - self.freshness.reported_at > _REFRESH_INTERVAL:
            self.request_uptime()

    async def classify(
        self, events: Sequence[LogEvent], arrived: float, channel: Channel, since: float = -inf
    ) -> tuple[Reading, ...]:
        """Return events with their ages; read the uptime first if an age is uncertain.

        Args:
            events: Events that were read.
            arrived: Monotonic time of their arrival.
            channel: Channel that they came from.
            since: Earliest possible monotonic time of the events.
        """
        ages = self._ages(events, arrived, since)
        is_known = self._uptime_requested or (self._uptime_known and not channel.drained)
        if any(age.uncertain for age in ages) or (events and not is_known):
            asked_at = self._monotonic()
            await self._wait_for_uptime(channel)
            # An uptime read just now is more accurate than the time of the last pull.
            since = -inf if self.freshness.uptime_at >= asked_at else since
            ages = self._ages(events, arrived, since)
        uncertain = frozenset(event.id for event, age in zip(events, ages, strict=True) if age.uncertain)
        young = await self._query_recent(channel.events) if uncertain else uncertain
        return tuple(
            Reading(event, event.id not in young if age.uncertain else age.late, age.seconds, channel.drained)
            for event, age in zip(events, ages, strict=True)
        )

    def _ages(self, events: Sequence[LogEvent], arrived: float, since: float) -> list[Age]:
        return [self.freshness.age(event.up_time, event.utc_time, arrived, since) for event in events]

    def prepare(self) -> None:
        """Read uptime and clock of a new channel in the background, unless they were just read."""
        if not self._uptime_known:
            self.request_uptime()

    def request_uptime(self) -> None:
        """Read uptime and clock in the background, unless a read is in progress."""
        if self._uptime_task is None or self._uptime_task.done():
            self._uptime_task = asyncio.create_task(self._read_uptime(), name="uptime of a 2N")

    async def _wait_for_uptime(self, channel: Channel) -> None:
        """Wait for the uptime, but only briefly: the event may be a ring.

        While the backlog of a channel is read, the uptime requested at its start is sufficient.
        """
        if channel.drained or self._uptime_task is None:
            self.request_uptime()
        assert self._uptime_task is not None
        await asyncio.wait((self._uptime_task,), timeout=self._pace.uptime)
        self._uptime_requested = True

    def cancel(self) -> None:
        """Cancel a read in progress; the connection is lost."""
        task, self._uptime_task = self._uptime_task, None
        if task is not None:
            task.cancel()

    async def read_status(self, system: System) -> bool:
        """Read uptime and clock, which spares the read of a new channel; return whether the device reports its uptime."""
        self._uptime_known = await self._read_status(system.status)
        return self._uptime_known

    async def _read_uptime(self) -> None:
        """Read uptime and clock."""
        if self._system is None:
            return
        try:
            if not self._status_rejected and await self._read_status(self._system.status):
                return
        except (NotSupported, PermissionDenied, SecureConnectionRequired, ServiceDisabled) as err:
            _LOGGER.debug("Could not read the uptime: %s", err)
            self._status_rejected = True
        except IntercomError as err:
            _LOGGER.debug("Could not read the uptime: %s", err)
        try:
            await self._read_status(self._read_clock)
        except IntercomError as err:
            _LOGGER.debug("Could not read the clock: %s", err)

    async def _read_clock(self) -> SystemStatus:
        """Return the clock only: an account with monitoring rights cannot read the uptime."""
        assert self._system is not None
        return SystemStatus(time=(await self._system.time()).utc, uptime=None)

    async def _read_status(self, ask: Callable[[], Awaitable[SystemStatus]]) -> bool:
        asked_at = self._monotonic()
        status = await ask()
        self.freshness.report(status.uptime, status.time, asked_at, self._monotonic())
        return status.uptime is not None
