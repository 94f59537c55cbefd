"""Times of a SmartYard: without a zone in its lists, seconds since 1970 in its pushes (field notes 3)."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from .client.account import TIME_ZONE

# Used without a list of time zones: Moscow has no summer time.
_MOSCOW = timezone(timedelta(hours=3))


async def zone_named(name: str) -> tzinfo:
    """Return a time zone, that of most servers for an unknown one; the list of zones is a file."""
    for wanted in (name, TIME_ZONE):
        try:
            return await asyncio.to_thread(ZoneInfo, wanted)
        except OSError, ValueError, KeyError:
            continue
    return _MOSCOW


class ServerTime:
    """The zone of a server's times, and its clock, which may be minutes away from ours.

    Args:
        ahead: Returns by how many seconds that clock is ahead; None where that is not known.

    Attributes:
        zone: As far as it is known; that of most servers at first.
        told_ahead: Returns by how many seconds that clock is ahead, None where no reply has told it.
    """

    def __init__(self, ahead: Callable[[], float | None] = lambda: 0.0) -> None:
        self.zone: tzinfo = _MOSCOW
        self.told_ahead = ahead

    @property
    def ahead(self) -> timedelta:
        """Return by how much its clock is ahead."""
        return timedelta(seconds=self.told_ahead() or 0.0)

    def utc(self, when: datetime | None) -> datetime | None:
        """Return a moment that the server wrote by our clock, None for none."""
        return None if when is None else when.replace(tzinfo=self.zone).astimezone(UTC) - self.ahead

    def local(self, when: datetime) -> datetime:
        """Return a moment as the server writes it."""
        return (when + self.ahead).astimezone(self.zone).replace(tzinfo=None)

    def now(self) -> datetime:
        """Return how late it is there."""
        return self.local(datetime.now(UTC))
