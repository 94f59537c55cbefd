"""How old an event is: what the device says of its uptime and its clock, against our monotonic clock."""

from dataclasses import dataclass
from math import inf

from ...common.times import LIVE_WINDOW

# How far the clocks of a device and ours may drift apart.
CLOCK_SKEW = 0.0002
# Records and answers tell whole seconds, rounded down.
_TICK = 1.0
# Seconds by which what a device says may contradict what we saw ourselves.
_SLACK = 2.0
# Seconds between the bounds of an age that is well known.
_CERTAIN = 3.0


@dataclass(frozen=True, slots=True)
class Age:
    """Between how many seconds ago an event happened when it arrived.

    ``doubted``: it seems older than it can be, as after the device reset its counter.
    """

    at_least: float
    at_most: float
    doubted: bool = False

    @property
    def seconds(self) -> float:
        """The likeliest of them."""
        return max(0.0, self.at_least if self.at_most == inf else (self.at_least + self.at_most) / 2)

    @property
    def late(self) -> bool:
        """Whether the event is certainly too old to be news."""
        return self.at_least > LIVE_WINDOW

    @property
    def uncertain(self) -> bool:
        """Whether it may be news or old: too little is known."""
        return self.doubted or (self.at_least <= LIVE_WINDOW < self.at_most and self.at_most - self.at_least > _CERTAIN)


@dataclass(frozen=True, slots=True)
class _Moment:
    """When a counter of the device was zero, by our clock: between two bounds that were right at ``at``."""

    low: float
    high: float
    at: float

    def drifted(self, now: float) -> _Moment:
        """Return the bounds as they are certain by now."""
        drift = max(now - self.at, 0.0) * CLOCK_SKEW
        return _Moment(self.low - drift, self.high + drift, now)

    def narrowed(self, by: _Moment) -> _Moment:
        """Return what both say; where they contradict each other, what ``by`` says."""
        old = self.drifted(by.at)
        low, high = max(old.low, by.low), min(old.high, by.high)
        return _Moment(low, high, by.at) if low <= high else by


class Freshness:
    """Tells how old an event is.

    The uptime counts: it cannot be set. The clock stands in where the device does not tell its uptime, or where that
    makes no sense, as after it was reset.

    Attributes:
        told_at: When the device told its uptime or its clock last, by our clock.
        uptime_at: When it told its uptime last.
    """

    def __init__(self) -> None:
        self._start: _Moment | None = None
        self._epoch: _Moment | None = None
        # What was told last: when the device was asked, and what followed.
        self._asked_at = -inf
        self._told: tuple[_Moment | None, _Moment | None] = None, None
        self.told_at = self.uptime_at = -inf

    def forget(self, before: float) -> None:
        """Note that the device has restarted before a moment; what it told after that holds."""
        if self._asked_at >= before:
            self._start, self._epoch = self._told
            return
        self._start = self._epoch = None
        self.told_at = self.uptime_at = -inf

    def tell(self, uptime: int | None, clock: int | None, asked_at: float, answered_at: float) -> None:
        """Note what the device says of itself.

        Args:
            uptime: Seconds since its start.
            clock: Unix seconds by its clock.
            asked_at: When it was asked, by our clock.
            answered_at: When its answer was here.
        """
        start, epoch = (
            None if counted is None else _Moment(asked_at - counted - _TICK, answered_at - counted, answered_at)
            for counted in (uptime, clock)
        )
        self.told_at, self._asked_at, self._told = answered_at, asked_at, (start, epoch)
        if start is not None:
            self.uptime_at = answered_at
            self._start = start if self._start is None else self._start.narrowed(start)
        if epoch is not None:
            self._epoch = epoch

    def see(self, up_time: int, arrived: float, since: float, *, young: bool = False) -> None:
        """Learn from an event that happened after ``since`` and has arrived just now.

        Args:
            up_time: Its seconds since the start of the device.
            arrived: When it arrived, by our clock.
            since: When at the earliest it can have happened.
            young: It is known to be news: what contradicts it is forgotten, as after the counter was reset.
        """
        if young:
            since = max(since, arrived - LIVE_WINDOW - _CERTAIN)
        seen = _Moment(since - up_time - _TICK, arrived - up_time, arrived)
        if self._start is None:
            self._start = seen
            return
        narrowed = self._start.narrowed(seen)
        if young or narrowed is not seen:
            self._start = narrowed

    def age(self, up_time: int, utc_time: int, arrived: float, since: float = -inf) -> Age:
        """Return how old an event is.

        Args:
            up_time: Its seconds since the start of the device.
            utc_time: Its Unix seconds by the device's clock.
            arrived: When it arrived, by our clock.
            since: When at the earliest it can have happened.
        """
        most = arrived - since
        doubted: Age | None = None
        for moment, counted in ((self._start, up_time), (self._epoch, utc_time)):
            if moment is None:
                continue
            known = moment.drifted(arrived)
            age = Age(arrived - known.high - counted - _TICK, arrived - known.low - counted)
            # What would be of the future was counted otherwise: the counter was reset, or the clock was set.
            if age.at_most < -_SLACK:
                continue
            if age.at_least > most + _SLACK:
                doubted = doubted or Age(age.at_least, age.at_most, doubted=True)
                continue
            return Age(max(age.at_least, 0.0), max(min(age.at_most, most), 0.0))
        return doubted or Age(0.0, most)
