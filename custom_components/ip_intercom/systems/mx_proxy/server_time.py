"""Times of an MX: seconds since 1970 by the clock of the phone system, which may be wrong."""

from collections.abc import Callable
from datetime import datetime
import time

from ..common.parse import instant


def at(seconds: int | None) -> datetime | None:
    """Return a moment, None for one that is not told."""
    return instant(seconds or None)


class ServerClock:
    """How far the clock of the exchange is ahead of ours, as far as that is known.

    Args:
        now: Our clock in seconds since 1970.
    """

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._ahead = 0.0

    def age(self, seconds: int) -> float:
        """Return how many seconds ago something happened; below zero it lies ahead."""
        return self._now() + self._ahead - seconds

    def learn(self, seconds: int) -> None:
        """Note that something of that time has only just happened."""
        self._ahead = seconds - self._now()
