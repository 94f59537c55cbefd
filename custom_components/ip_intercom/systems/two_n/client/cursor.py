"""What is read of the event log, and how far it was read."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from ...common.decode import Key
from ...common.parse import Fields, integer

# Seconds by which a device's clock is so wrong that it may show the same time after every restart.
UNSET_CLOCK = 86400
# Seconds by which a new channel reaches back further than needed.
MARGIN = 10
# Seconds by which the same start of the device may seem to differ between two of its records.
_SAME_START = 2


def _uint32(value: object) -> int:
    return min(max(integer(value) or 0, 0), 2**32 - 1)


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One record of the log (HTTP API 5.10.4).

    ``id`` counts from 1 after every restart of the device; ``utc_time`` is in Unix seconds by its
    clock, ``up_time`` in seconds since its restart.
    """

    id: int
    event: str
    utc_time: Annotated[int, Key(convert=_uint32)]
    up_time: Annotated[int, Key(convert=_uint32)]
    params: Fields


class GapReason(StrEnum):
    """Why events are missing that the device cannot give any more."""

    RESTART = "restart"
    OVERFLOW = "overflow"


@dataclass(frozen=True, slots=True)
class Gap:
    """A time for which the device has no log any more; bounds in Unix seconds."""

    start: float
    end: float
    reason: GapReason


@dataclass(frozen=True, slots=True)
class EventKey:
    """What tells an event of one boot from the event with the same id of another."""

    id: int
    utc_time: int
    up_time: int
    received_at: float

    @property
    def is_unset(self) -> bool:
        """Whether the device seems to have no clock: after every start, its first records look the same."""
        return abs(self.utc_time - self.received_at) > UNSET_CLOCK


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far the log was read: everything before ``complete_until`` (Unix seconds), up to ``last``.

    ``poll`` is how many seconds a connection may be silent as far as was found out; None where nothing was lost yet.
    """

    complete_until: float
    last: EventKey | None
    poll: int | None = None

    def as_json(self) -> dict[str, float | list[float] | None]:
        """Return the cursor as JSON that ``from_json`` reads."""
        key = self.last
        return {
            "complete_until": self.complete_until,
            "last": None if key is None else [key.id, key.utc_time, key.up_time, key.received_at],
            **({} if self.poll is None else {"poll": self.poll}),
        }

    @classmethod
    def from_json(cls, data: Fields) -> Cursor | None:
        """Return the cursor that was stored, None where it cannot be read."""
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

    def resume_at(self, events: Sequence[LogEvent], ran_on: bool | None) -> int | None:
        """Return where the unread events begin, None where nothing proves that none is missing before them.

        ``ran_on`` is whether the device has run on since the last event was read, None for unknown.
        """
        last = self.last
        if last is None:
            begins = bool(events) and events[0].id == 1 and not ran_on
            return None if begins and (ran_on is False or events[0].utc_time > self.complete_until) else 0
        if ran_on is False and last.is_unset:
            return None
        for index, event in enumerate(events):
            if event.id == last.id and event.utc_time == last.utc_time:
                return index + 1
        return None

    def resume_behind(self, events: Sequence[LogEvent], ran_on: bool | None) -> int | None:
        """Return where the unread events begin although the account may not see the last one read any more.

        Earlier ones of the same start prove that it is only out of sight.
        """
        last = self.last
        if last is None or (last.is_unset and not ran_on):
            return None
        start = last.utc_time - last.up_time
        if not any(
            event.id < last.id and abs(event.utc_time - event.up_time - start) <= _SAME_START for event in events
        ):
            return None
        return next((index for index, event in enumerate(events) if event.id > last.id), len(events))

    def gap(self, events: Sequence[LogEvent], now: float) -> Gap:
        """Return the time that is missing before ``events``; ``now`` is in Unix seconds."""
        last, start = self.last, self.complete_until
        if not events:
            return Gap(start, now, GapReason.RESTART)
        first = events[0]
        restarted = last is None or first.id <= last.id or first.up_time < last.up_time
        # A device without a battery counts from 1970 until it has asked for the time.
        end = float(first.utc_time) if start <= first.utc_time <= now + MARGIN else now
        return Gap(start, end, GapReason.RESTART if restarted else GapReason.OVERFLOW)


@dataclass(frozen=True, slots=True)
class Reading:
    """A log event, whether it is too old to be news, and its age in seconds when it arrived.

    ``heard``: it happened while this reader listened, so that no earlier reader can have delivered it.
    """

    event: LogEvent
    late: bool
    age: float = 0.0
    heard: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """What one read brought, in the device's order.

    ``gap`` lies before the first event. ``resumed`` is set on the first batch of a channel that
    followed another: state may have changed unseen in between.
    """

    readings: tuple[Reading, ...]
    gap: Gap | None
    resumed: bool
