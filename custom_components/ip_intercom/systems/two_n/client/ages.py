"""Which events of a log are news: before one counts as news, its age is known (HTTP API 5.1.2 and 5.10)."""

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

# Seconds after which the device is asked for its uptime again, so that drifting clocks do no harm.
_ASK_AGAIN = 1800.0

# Returns the IDs of the events of some types of the last seconds, by the device's own count.
type AskYoung = Callable[[frozenset[str]], Awaitable[frozenset[int]]]


@dataclass(frozen=True, slots=True)
class Channel:
    """Where events come from: their types, and whether the channel was empty once."""

    events: frozenset[str]
    drained: bool


class EventAges:
    """Tells how old the events of one device are, and asks it for its uptime and clock.

    Args:
        ask_young: Asks the device which events are of the last seconds, where it tells no time to this account.
        system: Asked for uptime and clock, None for nothing to ask.
        pace: How long to wait for what.
        monotonic: A clock that cannot be set.
    """

    def __init__(self, ask_young: AskYoung, system: System | None, pace: Pace, monotonic: Callable[[], float]) -> None:
        self.freshness = Freshness()
        self._ask_young = ask_young
        self._system = system
        self._pace = pace
        self._monotonic = monotonic
        self._asking: asyncio.Task[None] | None = None
        # Whether the device was asked on this channel how long it has been running, and has answered or not.
        self._was_told = False
        self._status_refused = False

    def begin_channel(self) -> None:
        """Note that another channel was opened."""
        self._was_told = False

    def see(self, readings: Sequence[Reading], arrived: float, since: float) -> None:
        """Learn from events of a channel that had been emptied; ask the device again after a while without any."""
        for reading in readings:
            self.freshness.see(reading.event.up_time, arrived, since, young=not reading.late)
        if not readings and arrived - self.freshness.told_at > _ASK_AGAIN:
            self.ask_soon()

    async def judge(
        self, events: Sequence[LogEvent], arrived: float, channel: Channel, since: float = -inf
    ) -> tuple[Reading, ...]:
        """Return events with their ages; before anything is called news, its age is known.

        Args:
            events: What was read.
            arrived: When that was.
            channel: Where.
            since: When they can have happened at the earliest.
        """
        ages = self._ages(events, arrived, since)
        if any(age.uncertain for age in ages) or (events and not self._was_told):
            asked_at = self._monotonic()
            await self._told(channel)
            # What the device says now of its uptime outweighs when its log was asked.
            since = -inf if self.freshness.uptime_at >= asked_at else since
            ages = self._ages(events, arrived, since)
        doubtful = frozenset(event.id for event, age in zip(events, ages, strict=True) if age.uncertain)
        young = await self._ask_young(channel.events) if doubtful else doubtful
        return tuple(
            Reading(event, event.id not in young if age.uncertain else age.late, age.seconds, channel.drained)
            for event, age in zip(events, ages, strict=True)
        )

    def _ages(self, events: Sequence[LogEvent], arrived: float, since: float) -> list[Age]:
        return [self.freshness.age(event.up_time, event.utc_time, arrived, since) for event in events]

    def ask_soon(self) -> None:
        """Ask the device for its uptime and its clock, if that is not in progress."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask(), name="uptime of a 2N")

    async def _told(self, channel: Channel) -> None:
        """Wait until the device has told its uptime, but not for long: a visitor may be waiting.

        While a channel is emptied, what the device was asked when that began is enough.
        """
        if channel.drained or self._asking is None:
            self.ask_soon()
        assert self._asking is not None
        await asyncio.wait((self._asking,), timeout=self._pace.tell)
        self._was_told = True

    def stop_asking(self) -> None:
        """Ask no more; the connection is lost."""
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
        self.freshness.tell(status.uptime, status.time, asked_at, self._monotonic())
        return status.uptime is not None
