"""Device times, and how long an event counts as live."""

from datetime import UTC, datetime, timedelta

# Seconds after which a ring is not live any more.
LIVE_WINDOW = 5.0


# No supported device is older; an earlier time means that the clock is not set.
_EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)


def is_set(when: datetime) -> bool:
    """Return whether a time comes from a clock that is set."""
    return when.replace(tzinfo=UTC) >= _EARLIEST if when.tzinfo is None else when >= _EARLIEST


def time_of(when: datetime, age: float) -> tuple[datetime, bool]:
    """Return the time of an event, and whether it is the device's; the local time if that clock is not set.

    Args:
        when: Time on the device's clock.
        age: Seconds between the event and its arrival, if known.
    """
    return (when, True) if is_set(when) else (datetime.now(UTC) - timedelta(seconds=age), False)
