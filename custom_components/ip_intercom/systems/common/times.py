"""Times that devices tell, and how old an event may be."""

from datetime import UTC, datetime, timedelta

# Seconds after which a ring is no news any more.
LIVE_WINDOW = 5.0


# No device that is supported here is as old.
_EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)


def is_set(when: datetime) -> bool:
    """Return whether a clock that showed this was set."""
    return when.replace(tzinfo=UTC) >= _EARLIEST if when.tzinfo is None else when >= _EARLIEST


def time_of(when: datetime, age: float) -> tuple[datetime, bool]:
    """Return when an event was, and whether by the device's clock; by ours where that is not set.

    Args:
        when: What the device's clock showed.
        age: Seconds between the event and its arrival just now, as far as that is known.
    """
    return (when, True) if is_set(when) else (datetime.now(UTC) - timedelta(seconds=age), False)
