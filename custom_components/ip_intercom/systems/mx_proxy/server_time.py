"""Times of an MX: Unix seconds on the clock of the phone system, which may be wrong."""

from collections.abc import Callable
from datetime import datetime
import time

from ..common.parse import instant


def at(seconds: int | None) -> datetime | None:
    """Return a time from Unix seconds, None for zero or None."""
    return instant(seconds or None)


class ServerClock:
    """Estimates the offset between the clock of the exchange and the local clock.

    Args:
        now: Local clock in Unix seconds.
    """

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._ahead = 0.0

    def age(self, seconds: int) -> float:
        """Return how many seconds ago an event happened, negative if its time is in the future."""
        return self._now() + self._ahead - seconds

    def learn(self, seconds: int) -> None:
        """Set the offset from the time of an event that has just happened."""
        self._ahead = seconds - self._now()
