"""Dates of log records: each device uses the format of its web page, which is not documented."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
import re

from ...common.parse import plausible

_DATE = re.compile(r"(\d{1,4})[-/.](\d{1,2})[-/.](\d{1,4})")
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\.\d+)?\s*(?:([ap])\.?m)?", re.IGNORECASE)
_YEAR_DIGITS = 4
_NOON = 12

type _Order = tuple[int, int, int]

# Positions of year, month and day in a date.
_YEAR_FIRST: _Order = (0, 1, 2)
_DAY_FIRST: _Order = (2, 1, 0)
_MONTH_FIRST: _Order = (2, 0, 1)


def read_dates(texts: Sequence[str], now: datetime | None = None) -> list[datetime | None]:
    """Return the times of records, newest first; None for unreadable texts.

    ``05/11/2026`` may be in May or in November: the order that fits all records and is nearest to now is used.

    Args:
        texts: Date and time of each record, as written by the device.
        now: Current time, for tests.
    """
    now = now or datetime.now()
    by_day, by_month = ([_moment(text, order) for text in texts] for order in (_DAY_FIRST, _MONTH_FIRST))
    return min(by_day, by_month, key=lambda moments: _oddity(moments, now))


def _oddity(moments: Sequence[datetime | None], now: datetime) -> tuple[int, int, float]:
    """Return a sort key: number of unreadable times, of times out of order, and distance of the newest one from now."""
    known = [moment for moment in moments if moment is not None]
    disorder = sum(older > newer for newer, older in pairwise(known))
    distance = abs((known[0] - now).total_seconds()) if known else 0.0
    return len(moments) - len(known), disorder, distance


def _moment(text: str, order: _Order) -> datetime | None:
    date, time = _DATE.search(text), _TIME.search(text)
    if date is None or time is None:
        return None
    if len(date[1]) == _YEAR_DIGITS:
        order = _YEAR_FIRST
    elif len(date[3]) != _YEAR_DIGITS:
        return None
    year, month, day = (int(date[position + 1]) for position in order)
    hour = int(time[1])
    if time[4] is not None:
        hour = hour % _NOON + (_NOON if time[4].lower() == "p" else 0)
    try:
        return plausible(datetime(year, month, day, hour, int(time[2]), int(time[3] or 0)))
    except ValueError:
        return None
