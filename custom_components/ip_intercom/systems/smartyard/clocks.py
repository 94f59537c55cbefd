"""Clocks of a SmartYard: of lists without a time zone, and of pushes with Unix seconds (field notes 3)."""

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
import time
from zoneinfo import ZoneInfo

from ..common.parse import fields
from .client.account import TIME_ZONE

# Fallback without a time zone database: Moscow has no daylight saving time.
_MOSCOW = timezone(timedelta(hours=3))

# Tolerance in seconds between pushes of the same clock.
_SAME = 15.0
# Delayed pushes arrive together. Pushes with the same offset that arrive so many seconds apart were not delayed.
_APART = 60.0
# Maximum number of pushes with a wrong time to remember.
_MANY = 16


async def zone_named(name: str) -> tzinfo:
    """Return a time zone, the most common one for an unknown name. Reads a file in the executor."""
    for wanted in (name, TIME_ZONE):
        try:
            return await asyncio.to_thread(ZoneInfo, wanted)
        except OSError, ValueError, KeyError:
            continue
    return _MOSCOW


class ServerTime:
    """The time zone and the clock of a server, which may be minutes off.

    Args:
        ahead: Returns by how many seconds that clock is ahead; None if unknown.

    Attributes:
        zone: Time zone, at first the most common one.
        reported_ahead: Returns by how many seconds that clock is ahead, None if no response has reported it.
    """

    def __init__(self, ahead: Callable[[], float | None] = lambda: 0.0) -> None:
        self.zone: tzinfo = _MOSCOW
        self.reported_ahead = ahead

    @property
    def ahead(self) -> timedelta:
        """Return by how much its clock is ahead of the local one."""
        return timedelta(seconds=self.reported_ahead() or 0.0)

    def utc(self, when: datetime | None) -> datetime | None:
        """Return a time of the server as UTC on the local clock."""
        return None if when is None else when.replace(tzinfo=self.zone).astimezone(UTC) - self.ahead

    def local(self, when: datetime) -> datetime:
        """Return a time as the server writes it."""
        return (when + self.ahead).astimezone(self.zone).replace(tzinfo=None)

    def now(self) -> datetime:
        """Return the current time of the server."""
        return self.local(datetime.now(UTC))


class PushClock:
    """Computes the age of pushes, by the clock of the server's responses or with an offset that pushes have shown.

    Responses may come through a proxy with its own clock, or without a time.

    Args:
        stored: ``as_json`` of the previous run.
        replies_ahead: Returns by how many seconds the clock of responses is ahead of the local one; None if unknown.
        now: Local clock in Unix seconds.
    """

    def __init__(
        self,
        stored: object = None,
        replies_ahead: Callable[[], float | None] = lambda: 0.0,
        now: Callable[[], float] = time.time,
    ) -> None:
        shift = fields(stored).get("shift")
        # By how many seconds pushes are ahead of responses; None before a push has shown it.
        self._shift = float(shift) if isinstance(shift, int | float) else None
        self._replies_ahead = replies_ahead
        self._now = now
        # Arrival time and offset of pushes with a wrong time.
        self._offsets: deque[tuple[float, float]] = deque(maxlen=_MANY)

    def as_json(self) -> dict[str, object]:
        """Return the state to store."""
        return {} if self._shift is None else {"shift": self._shift}

    @property
    def ahead(self) -> float:
        """Return by how many seconds the clock is ahead of the local one."""
        return (self._replies_ahead() or 0.0) + (self._shift or 0.0)

    @property
    def is_known(self) -> bool:
        """Return whether a response or a push has shown the clock."""
        return self._shift is not None or self.has_reply_time

    @property
    def is_proven(self) -> bool:
        """Return whether a push has shown the clock."""
        return self._shift is not None

    @property
    def has_reply_time(self) -> bool:
        """Return whether responses have reported the time."""
        return self._replies_ahead() is not None

    def age(self, timestamp: float) -> float:
        """Return the seconds since a push was sent."""
        return self._now() + self.ahead - timestamp

    def shift_of(self, timestamp: float) -> float:
        """Return by how many seconds a push sent now is ahead of responses, or of the local clock without them."""
        return timestamp - self._now() - (self._replies_ahead() or 0.0)

    def adopt(self, shift: float) -> None:
        """Set the offset of pushes to responses."""
        self._shift = shift
        self._offsets.clear()

    def prove(self, shift: float) -> None:
        """Record the offset of a call that arrived in time."""
        if self._shift is None:
            self.adopt(0.0 if self.has_reply_time else shift)
        elif self._shift < 0 and shift > self._shift + _SAME:
            # A push cannot arrive before it is sent: the one that seemed to be of a slow clock was delayed.
            self.adopt(min(shift, 0.0))
        # Pushes with other offsets were delayed, too: a later one like them proves nothing.
        self._offsets.clear()

    def is_constant(self, timestamp: float) -> bool:
        """Return whether an earlier push had the same offset, and record this one."""
        now, shift = self._now(), self.shift_of(timestamp)
        is_constant = any(now - at >= _APART and abs(shift - before) <= _SAME for at, before in self._offsets)
        self._offsets.append((now, shift))
        return is_constant
