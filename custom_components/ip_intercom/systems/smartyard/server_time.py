"""Times of a SmartYard: without a time zone in lists, Unix seconds in pushes (field notes 3)."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from .client.account import TIME_ZONE

# Fallback without a time zone database: Moscow has no daylight saving time.
_MOSCOW = timezone(timedelta(hours=3))


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
