"""Age of log events: determined before an event counts as new (HTTP API 5.1.2 and 5.10)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
import logging
from math import inf

from ...common.errors import IntercomError, NotSupported, PermissionDenied, SecureConnectionRequired, ServiceDisabled
from .cursor import LogEvent, Reading
from .freshness import Age, Freshness
from .pace import Pace
from .system import System, SystemStatus

_LOGGER = logging.getLogger(__name__)

# Seconds after which the uptime is read again, so that clock drift does not add up.
_REFRESH_INTERVAL = 1800.0

# Returns the IDs of the events of the given types that occurred in the last seconds, as counted by the device.
type QueryRecent = Callable[[frozenset[str]], Awaitable[frozenset[int]]]


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
        pace: Timings.
        monotonic: Monotonic clock.
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
        # Whether the uptime was requested for this channel, with or without success.
        self._uptime_requested = False
        self._status_rejected = False

    def begin_channel(self) -> None:
        """Record that another channel was opened."""
        self._uptime_requested = False

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
        if any(age.uncertain for age in ages) or (events and not self._uptime_requested):
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
