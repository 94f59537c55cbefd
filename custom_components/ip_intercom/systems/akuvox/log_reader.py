"""Reader of the logs of an Akuvox: new records across restarts and deletions, with their age by its clock."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
import time
from typing import TypedDict

from ...model.events import CallChanged, Event
from ...model.parts import CallState, Direction
from ..common.parse import LIVE_WINDOW, integer, is_set
from .client.system import SystemStatus
from .journal import Fetch, Journal, Record

# Time zones are multiples of a quarter hour and at most this far from UTC; in seconds.
_STEP = 900
_FARTHEST = 26 * 3600
# Records and the clock have whole seconds, rounded down: half a second is missing on average.
_HALF = 0.5
# Maximum drift in seconds between two polls.
_SLACK = 30.0
# Seconds for which the offset of the device's clock is valid: a user or a time server may set the clock.
_SKEW_VALID_FOR = 600.0
# Seconds within which the clock is not read again.
_FRESH_FOR = 10.0
# Seconds by which a record may be in the future because of rounding.
_FUTURE = 3.0
# Seconds since the previous poll within which a new record shows its zone, as zones are multiples of a quarter hour.
_CERTAIN = 600.0
# Maximum duration of a call in seconds; a longer one indicates a changed time zone, such as summer time.
_MAX_CALL = 1800.0


class Numbered(TypedDict):
    """Fields of an event that identify its record."""

    id: str
    sequence: int | None
    clocked: bool


class LogReader[R: Record]:
    """Reads the call log or the door log.

    Args:
        fetch: Returns a page of the log as the device orders it.
        clock: Clock of the device.
        read_clock: Reads the clock unless it is known or unavailable.
        stored: Position of the previous run, from ``Journal.as_json``.

    Attributes:
        clock: Clock of the device.
        journal: Committed position.
        took: Duration of the last read in seconds.
    """

    def __init__(
        self,
        fetch: Fetch[R],
        clock: DeviceClock,
        read_clock: Callable[[], Awaitable[None]],
        monotonic: Callable[[], float],
        stored: object = None,
    ) -> None:
        self.journal = Journal.from_json(stored)
        self.took = 0.0
        self.clock = clock
        self._fetch = fetch
        self._read_clock = read_clock
        self._monotonic = monotonic
        self._pending = self.journal
        # Start of the last read that reached a known record, and start of the current one.
        self._read_at: float | None = None
        self._started_at = 0.0

    async def news(self) -> list[tuple[R, float | None]]:
        """Return the new records, oldest first, each with its age in seconds, None if unknown.

        They count as read after ``commit``; the next cursor includes them then.
        """
        journal = replace(self.journal)
        started_at = self._monotonic()
        if not journal.more:
            self._started_at = started_at
        records = await journal.news(self._fetch)
        self.took = self._monotonic() - started_at
        if any(record.when is not None and is_set(record.when) for record in records):
            await self._read_clock()
        since = None if self._read_at is None else self._monotonic() - self._read_at
        self._pending = journal
        return [(record, self.clock.age_of(record.when, since)) for record in records]

    def numbered(self, log: str, record: Record) -> Numbered:
        """Return the identity of a record; it includes the time, as numbers restart in a cleared log."""
        when = "" if record.when is None else record.when.isoformat()
        has_number = not self._pending.has_positions
        twins = self._pending.twins.get(record, 0)
        own = (record.id or "") if has_number else f"{record.mark}.{twins}" if twins else record.mark
        return {
            "id": f"{log}-{when}-{own}",
            "sequence": integer(record.id) if has_number else None,
            "clocked": record.when is None or is_set(record.when),
        }

    def commit(self) -> None:
        """Record that the result of ``news`` was delivered."""
        self.journal = self._pending
        if not self.journal.more:
            self._read_at = self._started_at


class DeviceClock:
    """Relation between the device's clock, the times of its records, and the local clock.

    Args:
        zone: Seconds by which records were ahead of ``system/status`` in the previous run.

    Attributes:
        zone: The same for this run; None while unknown.
        home_zone: As in ``model.functions.LocalClock``.
    """

    def __init__(self, monotonic: Callable[[], float], zone: int | None = None) -> None:
        self._monotonic = monotonic
        self._uptime: tuple[int, float] | None = None
        # Seconds by which the device's clock is ahead of the local one, and the monotonic time of the measurement.
        self._skew: tuple[float, float] | None = None
        self.zone = zone
        self.home_zone: Callable[[], tzinfo | None] = lambda: None

    def update(self, status: SystemStatus, asked_at: float) -> bool:
        """Process a reading of clock and uptime; return whether the device has restarted since the last one.

        Args:
            asked_at: Local Unix time of the request.
        """
        now = self._monotonic()
        if status.time is not None:
            self._skew = status.time + _HALF - (asked_at + time.time()) / 2, now
        if status.uptime is None:
            return False
        known, self._uptime = self._uptime, (status.uptime, now)
        return known is not None and status.uptime < known[0] + (now - known[1]) - _SLACK

    @property
    def is_fresh(self) -> bool:
        """Return whether the clock was read a moment ago."""
        return self._skew is not None and self._monotonic() - self._skew[1] <= _FRESH_FOR

    @property
    def ahead(self) -> timedelta | None:
        """Offset of the times of records from UTC, None while unknown.

        This is the device's time zone, or years if its clock was never set.
        """
        if self.zone is None:
            return None
        seconds = self.zone + (0.0 if self._skew is None else self._skew[0])
        return timedelta(seconds=round(seconds / _STEP) * _STEP)

    def age_of(self, when: datetime | None, since: float | None) -> float | None:
        """Return the age of a record in seconds, None if unknown.

        Args:
            when: Time of the record, as written by the device.
            since: Seconds since the last poll without the record; None if there was none.
        """
        if when is None or not is_set(when):
            return since
        skew = self._skew if self._skew is not None and self._monotonic() - self._skew[1] <= _SKEW_VALID_FOR else None
        shown = time.time() + (0.0 if skew is None else skew[0])
        without_zone = shown - when.replace(tzinfo=UTC).timestamp() - _HALF
        age = None if self.zone is None else without_zone + self.zone
        is_likely = age is not None and -_FUTURE <= age <= _MAX_CALL
        if since is not None and since <= _CERTAIN and not is_likely:
            age = without_zone % _STEP
            age = age if age <= _CERTAIN + _SLACK else age - _STEP
            zone = round(age - without_zone)
            if skew is not None and abs(zone) > _FARTHEST:
                return since  # the log has another clock
            self.zone = zone
        if age is None:
            return None
        # A record from the future indicates that the clock was set in the meantime.
        return since if skew is None or age < -_FUTURE else max(age, 0.0)

    def time_of(self, when: datetime | None) -> datetime:
        """Return the time of a record in UTC; the current time if the device has no clock."""
        now = datetime.now(UTC)
        return min(now, self.utc(when) or now)

    def utc(self, when: datetime | None) -> datetime | None:
        """Return the time of a record in UTC, also one in the future; None if the device has no clock."""
        if when is None or not is_set(when):
            return None
        if self.ahead is None:
            return when.replace(tzinfo=self.home_zone()).astimezone(UTC)
        return when.replace(tzinfo=UTC) - self.ahead


CALL_LOG_EVENT = "CallLog"
DOOR_LOG_EVENT = "DoorLog"
RING = "ring"

# Seconds that a poll, its response and its lookups may take.
_MARGIN = 30.0
# Maximum ages in seconds. For logs: the longest poll interval plus the margin.
LIVE_FOR: Mapping[str, float] = {RING: LIVE_WINDOW, CALL_LOG_EVENT: 60.0 + _MARGIN, DOOR_LOG_EVENT: 60.0 + _MARGIN}


def aged(event: Event, age: float | None) -> Event:
    """Return an event with its age in seconds; it is late if the age is too high or unknown."""
    return replace(event, age=age or 0.0, late=age is None or age > _bound(event))


def _bound(event: Event) -> float:
    # Pushed and polled states are reported immediately.
    return LIVE_FOR[RING] if any(map(rings, event.facts)) else LIVE_FOR.get(event.type, _MARGIN)


def rings(fact: object) -> bool:
    """Return whether a fact is an outgoing call that is connecting or ringing."""
    return (
        isinstance(fact, CallChanged)
        and fact.direction is Direction.OUTGOING
        and fact.state in {CallState.CONNECTING, CallState.RINGING}
    )
