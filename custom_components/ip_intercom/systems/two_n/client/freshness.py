"""Age of events, from the device's uptime and clock and the local monotonic clock."""

from dataclasses import dataclass
from math import inf

from ...common.parse import LIVE_WINDOW

# Maximum relative drift between the clocks of a device and this machine.
CLOCK_SKEW = 0.0002
# Records and responses contain whole seconds, rounded down.
_TICK = 1.0
# Seconds by which the device's values may contradict local observations.
_SLACK = 2.0
# Maximum difference in seconds between the bounds of an age that counts as known.
_CERTAIN = 3.0


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
