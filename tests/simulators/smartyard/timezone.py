"""The time zone of the server, in which it writes dates without naming it."""

from datetime import UTC, datetime, timedelta, timezone

ZONE = timezone(timedelta(hours=3), "MSK")


def written(moment: int) -> str:
    """Write a Unix time as the server does."""
    return f"{datetime.fromtimestamp(moment, UTC).astimezone(ZONE):%Y-%m-%d %H:%M:%S}"


def day(moment: int) -> str:
    """Return the day of a Unix time at the server."""
    return written(moment)[:10]


def parse(text: str) -> int | None:
    """Read a date, None when it is none."""
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp())
    except ValueError:
        return None
