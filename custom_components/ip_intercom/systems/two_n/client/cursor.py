"""Events of the log, and the position up to which the log was read."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from ...common.decode import Key
from ...common.parse import Fields, integer

# Clock error in seconds from which the clock counts as unset: it may show the same time after every restart.
UNSET_CLOCK = 86400
# Overlap in seconds when a new channel requests earlier events.
MARGIN = 10
# Seconds by which the boot time derived from two records of the same boot may differ.
_SAME_START = 2


def _uint32(value: object) -> int:
    return min(max(integer(value) or 0, 0), 2**32 - 1)


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One record of the log (HTTP API 5.10.4).

    ``id`` counts from 1 after every restart of the device; ``utc_time`` is in Unix seconds by the device's
    clock, ``up_time`` in seconds since the restart.
    """

    id: int
    event: str
    utc_time: Annotated[int, Key(convert=_uint32)]
    up_time: Annotated[int, Key(convert=_uint32)]
    params: Fields


class GapReason(StrEnum):
    """Reason why the device no longer has the missing events."""

    RESTART = "restart"
    OVERFLOW = "overflow"


@dataclass(frozen=True, slots=True)
class Gap:
    """A period that the device's log no longer covers; bounds in Unix seconds."""

    start: float
    end: float
    reason: GapReason


@dataclass(frozen=True, slots=True)
class EventKey:
    """Identifies an event across boots, each of which counts ids from 1."""

    id: int
    utc_time: int
    up_time: int
    received_at: float

    @property
    def is_unset(self) -> bool:
        """Whether the device's clock seems unset: the first records of every boot then look alike."""
        return abs(self.utc_time - self.received_at) > UNSET_CLOCK


@dataclass(frozen=True, slots=True)
class Cursor:
    """Position in the log: complete before ``complete_until`` (Unix seconds), read up to ``last``.

    ``poll`` is the number of seconds that a connection was found to survive without data; None if none was lost yet.
    """

    complete_until: float
    last: EventKey | None
    poll: int | None = None

    def as_json(self) -> dict[str, float | list[float] | None]:
        """Return the cursor as JSON for ``from_json``."""
        key = self.last
        return {
            "complete_until": self.complete_until,
            "last": None if key is None else [key.id, key.utc_time, key.up_time, key.received_at],
            **({} if self.poll is None else {"poll": self.poll}),
        }

    @classmethod
    def from_json(cls, data: Fields) -> Cursor | None:
        """Return a stored cursor, None if it is unreadable."""
        complete_until = data.get("complete_until")
        last = data.get("last")
        if not isinstance(complete_until, int | float):
            return None
        poll = integer(data.get("poll"))
        if not isinstance(last, list) or len(last) != 4 or not isinstance(last[3], int | float):
            return cls(float(complete_until), None, poll)
        numbers = [number for value in last[:3] if (number := integer(value)) is not None]
        if len(numbers) != 3:
            return cls(float(complete_until), None, poll)
        return cls(float(complete_until), EventKey(numbers[0], numbers[1], numbers[2], float(last[3])), poll)

    def resume_at(self, events: Sequence[LogEvent], kept_running: bool | None) -> int | None:
        """Return the index of the first unread event, None if events before it may be missing.

        ``kept_running`` is whether the device has run since the last read event without a restart, None if unknown.
        """
        last = self.last
        if last is None:
            begins = bool(events) and events[0].id == 1 and not kept_running
            return None if begins and (kept_running is False or events[0].utc_time > self.complete_until) else 0
        if kept_running is False and last.is_unset:
            return None
        for index, event in enumerate(events):
            if event.id == last.id and event.utc_time == last.utc_time:
                return index + 1
        return None

    def resume_behind(self, events: Sequence[LogEvent], kept_running: bool | None) -> int | None:
        """Return the index of the first unread event although the last read event is no longer in the log.

        Earlier events of the same boot prove that the account may just not see that event any more.
        """
        last = self.last
        if last is None or (last.is_unset and not kept_running):
            return None
        start = last.utc_time - last.up_time
        if not any(
            # In a boot that began just after that of the last event, a lower id has a later time.
            event.id < last.id
            and event.utc_time <= last.utc_time
            and abs(event.utc_time - event.up_time - start) <= _SAME_START
            for event in events
        ):
            return None
        return next((index for index, event in enumerate(events) if event.id > last.id), len(events))

    def shows_restart(self, events: Sequence[LogEvent]) -> bool:
        """Return whether ``events``, which reach back to the cursor, prove that the device has started since."""
        last = self.last
        return any(
            (event.event, event.params.get("state")) == ("DeviceState", "startup")
            and (last is None or event.utc_time > last.utc_time)
            for event in events[self.resume_at(events, None) or 0 :]
        )

    def gap(self, events: Sequence[LogEvent], now: float) -> Gap:
        """Return the period that is missing before ``events``; ``now`` is in Unix seconds."""
        last, start = self.last, self.complete_until
        if not events:
            return Gap(start, now, GapReason.RESTART)
        first = events[0]
        restarted = last is None or first.id <= last.id or first.up_time < last.up_time
        # A device without a battery starts at 1970 until it has synchronized its clock.
        end = float(first.utc_time) if start <= first.utc_time <= now + MARGIN else now
        return Gap(start, end, GapReason.RESTART if restarted else GapReason.OVERFLOW)


@dataclass(frozen=True, slots=True)
class Reading:
    """A log event, whether it is too old to count as new, and its age in seconds at arrival.

    ``live`` is whether it happened while this reader was connected, so no earlier reader can have delivered it.
    """

    event: LogEvent
    late: bool
    age: float = 0.0
    live: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """Result of one read, in the device's order.

    ``gap`` precedes the first event. ``resumed`` is set on the first batch of a channel that replaces another:
    the state may have changed unnoticed in between.
    """

    readings: tuple[Reading, ...]
    gap: Gap | None
    resumed: bool
