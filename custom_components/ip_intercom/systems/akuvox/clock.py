"""The clock of an Akuvox, and how old a report of it may be without being late."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
import time

from ...model.events import CallChanged, Event
from ...model.parts import CallState, Direction
from ..common.times import LIVE_WINDOW, is_set
from .client.system import SystemStatus

# Time zones differ by quarters of an hour, and none is further from UTC than this; all in seconds.
_STEP = 900
_FARTHEST = 26 * 3600
# Records tell whole seconds, rounded down, and so does the clock: on average half a second is missing.
_HALF = 0.5
# Two clocks may drift apart by so many seconds between two looks.
_SLACK = 30.0
# Seconds for which it is known what the clock shows: a person or a time server may set it.
_KNOWN = 600.0
# Seconds within which there is no need to ask again.
_JUST_ASKED = 10.0
# A record may be of so many seconds from now: it was rounded.
_FUTURE = 3.0
# Of a record that was not there so many seconds ago, the quarter of an hour is known in any zone.
_CERTAIN = 600.0
# A call that lasts longer than so many seconds is none: the zone has changed, as to summer time.
_LONGEST_CALL = 1800.0


class DeviceClock:
    """What is known of it.

    Args:
        monotonic: A clock in seconds.
        zone: How many seconds the records were ahead of ``system/status`` in an earlier life.

    Attributes:
        zone: The same now; None as long as that is not found out.
    """

    def __init__(self, monotonic: Callable[[], float], zone: int | None = None) -> None:
        self._monotonic = monotonic
        self._uptime: tuple[int, float] | None = None
        # How far it is ahead of ours, and when that was found out.
        self._skew: tuple[float, float] | None = None
        self.zone = zone

    def tell(self, status: SystemStatus, asked_at: float) -> bool:
        """Note what the device says of its clock and its uptime; return whether it has restarted since the last time.

        Args:
            status: What it says.
            asked_at: When it was asked, in Unix seconds by our clock.
        """
        now = self._monotonic()
        if status.time is not None:
            self._skew = status.time + _HALF - (asked_at + time.time()) / 2, now
        if status.uptime is None:
            return False
        known, self._uptime = self._uptime, (status.uptime, now)
        return known is not None and status.uptime < known[0] + (now - known[1]) - _SLACK

    @property
    def was_just_asked(self) -> bool:
        """Return whether the device need not be asked what its clock shows."""
        return self._skew is not None and self._monotonic() - self._skew[1] <= _JUST_ASKED

    @property
    def ahead(self) -> timedelta | None:
        """How far the times of records are ahead of UTC, None as long as it is not found out.

        That is the time zone of the device, or years where its clock was never set.
        """
        if self.zone is None:
            return None
        seconds = self.zone + (0.0 if self._skew is None else self._skew[0])
        return timedelta(seconds=round(seconds / _STEP) * _STEP)

    def age_of(self, when: datetime | None, since: float | None) -> float | None:
        """Return how many seconds ago a record was written, None where that is not known.

        Args:
            when: What the device wrote.
            since: Seconds since a look that did not find it yet; None where there was none.
        """
        if when is None or not is_set(when):
            return since
        skew = self._skew if self._skew is not None and self._monotonic() - self._skew[1] <= _KNOWN else None
        shown = time.time() + (0.0 if skew is None else skew[0])
        without_zone = shown - when.replace(tzinfo=UTC).timestamp() - _HALF
        age = None if self.zone is None else without_zone + self.zone
        is_likely = age is not None and -_FUTURE <= age <= _LONGEST_CALL
        if since is not None and since <= _CERTAIN and not is_likely:
            age = without_zone % _STEP
            age = age if age <= _CERTAIN + _SLACK else age - _STEP
            zone = round(age - without_zone)
            if skew is not None and abs(zone) > _FARTHEST:
                return since  # the log has another clock
            self.zone = zone
        if age is None:
            return None
        # One of the future shows that the clock was set meanwhile.
        return since if skew is None or age < -_FUTURE else max(age, 0.0)

    def time_of(self, when: datetime | None) -> datetime:
        """Return when a record is from, in UTC: now where the device has no clock."""
        now = datetime.now(UTC)
        if when is None or not is_set(when):
            return now
        if self.ahead is None:
            return when.astimezone(UTC)  # the zone of this machine, for want of a better one
        return min(now, when.replace(tzinfo=UTC) - self.ahead)


CALL_LOG_EVENT = "CallLog"
DOOR_LOG_EVENT = "DoorLog"
RING = "ring"

# Seconds that a look, its answer and what is looked up for it may take.
_MARGIN = 30.0
# The bounds in seconds. Of the logs: the longest pause between two looks at one that works, and the margin.
LIVE_FOR: Mapping[str, float] = {RING: LIVE_WINDOW, CALL_LOG_EVENT: 60.0 + _MARGIN, DOOR_LOG_EVENT: 60.0 + _MARGIN}


def aged(event: Event, age: float | None) -> Event:
    """Return an event with its age in seconds; it is late where that is too much, or not known."""
    return replace(event, age=age or 0.0, late=age is None or age > _bound(event))


def _bound(event: Event) -> float:
    # What is pushed, or seen in a state, is told as it happens.
    return LIVE_FOR[RING] if any(map(rings, event.facts)) else LIVE_FOR.get(event.type, _MARGIN)


def rings(fact: object) -> bool:
    """Return whether a fact is a call that rings, unless it is one that rang before."""
    return (
        isinstance(fact, CallChanged)
        and fact.direction is Direction.OUTGOING
        and fact.state in {CallState.CONNECTING, CallState.RINGING}
    )
