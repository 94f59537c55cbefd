"""The clock of an Akuvox: it writes its own time without a zone, and counts the seconds since its start."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from ..clocks import is_set

# Time zones differ by quarters of an hour.
_STEP = 900
# Two clocks may drift apart by so many seconds between two looks.
_SLACK = 30.0


class DeviceClock:
    """What is known of it.

    Args:
        monotonic: A clock in seconds.
        seconds_ahead: How far it was ahead of UTC in an earlier life.
    """

    def __init__(self, monotonic: Callable[[], float], seconds_ahead: int | None = None) -> None:
        """See the class."""
        self._monotonic = monotonic
        self._uptime: tuple[int, float] | None = None
        self.seconds_ahead = seconds_ahead

    @property
    def ahead(self) -> timedelta | None:
        """How far it is ahead of UTC, None as long as it is not found out.

        That is its time zone, or years where nobody has set it.
        """
        return None if self.seconds_ahead is None else timedelta(seconds=self.seconds_ahead)

    def time_of(self, when: datetime | None, fresh: bool) -> tuple[datetime, float]:
        """Return when a record is from, in UTC, and how many seconds ago that was.

        Args:
            when: What the device wrote.
            fresh: It has just happened: so the zone is what makes it one of now.
        """
        now = datetime.now(UTC)
        if when is None or not is_set(when):
            return now, 0.0
        if fresh:
            ahead = (when.replace(tzinfo=UTC) - now).total_seconds()
            self.seconds_ahead = round(ahead / _STEP) * _STEP
        if self.ahead is None:
            return when.astimezone(UTC), 0.0  # the zone of this machine, for want of a better one
        happened = min(now, when.replace(tzinfo=UTC) - self.ahead)
        return happened, (now - happened).total_seconds() if fresh else 0.0

    def has_restarted(self, uptime: int | None) -> bool:
        """Note for how many seconds the device has been running; return whether it has restarted since the last time."""
        if uptime is None:
            return False
        now = self._monotonic()
        known, self._uptime = self._uptime, (uptime, now)
        return known is not None and uptime < known[0] + (now - known[1]) - _SLACK
