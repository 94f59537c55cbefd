"""Rate limits for pushes: per second and address, and in total."""

from collections.abc import Callable
import time

# Pushes a second, and how many at once after a silence. A busy exchange tells some ten events of a call within a second.
RATE, BURST = 20.0, 80.0
# The same for all addresses together.
_TOTAL_RATE, _TOTAL_BURST = 100.0, 400.0
# Addresses that are remembered.
_MOST_SOURCES = 256


class _Bucket:
    """A bucket that fills at a steady rate; each push takes one out."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate, self._burst = rate, burst
        self._left, self._at = burst, now

    def take(self, now: float) -> bool:
        """Take one out, and return whether there was one."""
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class PushLimiter:
    """Decides which pushes are taken, and counts.

    Args:
        monotonic: A clock in seconds.

    Attributes:
        taken: Pushes that were taken.
        dropped: Pushes that were dropped.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.taken = 0
        self.dropped = 0
        self._monotonic = monotonic
        self._total = _Bucket(_TOTAL_RATE, _TOTAL_BURST, monotonic())
        self._sources: dict[str, _Bucket] = {}

    def admit(self, source: str) -> bool:
        """Return whether a push from an address is to be taken."""
        now = self._monotonic()
        bucket = self._sources.pop(source, None) or _Bucket(RATE, BURST, now)
        self._sources[source] = bucket  # the one heard last stands last
        if len(self._sources) > _MOST_SOURCES:
            del self._sources[next(iter(self._sources))]
        if bucket.take(now) and self._total.take(now):
            self.taken += 1
            return True
        self.dropped += 1
        return False
