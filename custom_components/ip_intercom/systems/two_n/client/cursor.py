"""What is read of the event log, and how far it was read."""

from dataclasses import dataclass
from enum import StrEnum

from ...common.parse import Fields, integer
from .log import LogEvent

# Seconds by which a device's clock is so wrong that it may show the same time after every restart.
UNSET_CLOCK = 86400


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
