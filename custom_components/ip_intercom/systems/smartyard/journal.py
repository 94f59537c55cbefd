"""New records of the journals, and the days to request (field notes 5, ``plog``).

A journal is written some minutes late, and it is asked for by days of the server.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
import time

from ..common.parse import fields, text, texts
from .client import LogRecord

# A record may come as late, and the clock of the server be as wrong as that.
_SLACK = timedelta(minutes=15)
# Seconds between two looks beyond which what was missed is no news.
_ABSENCE = 300.0
# What is older is not asked for.
_MOST_DAYS = 31


@dataclass(slots=True)
class _Flat:
    """What is known of one journal.

    Attributes:
        seen: When it was read last, in the zone of the server.
        known: The records of the days that are asked for again.
        looked_at: When that was, by the monotonic clock; None in an earlier life.
        resumed: Since when it is followed without a gap.
    """

    seen: datetime
    known: set[str] = field(default_factory=set)
    looked_at: float | None = None
    resumed: datetime = datetime.max


class Journal:
    """The journals of all flats.

    Args:
        stored: What ``as_json`` returned in an earlier life; a flat that is not in it begins now.
        monotonic: A clock in seconds.
    """

    def __init__(self, stored: object = None, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._flats: dict[str, _Flat] = {}
        for flat, found in fields(stored).items():
            kept = fields(found)
            try:
                seen = datetime.fromisoformat(text(kept.get("seen")) or "")
            except ValueError:
                continue
            self._flats[flat] = _Flat(seen.replace(tzinfo=None), set(texts(kept.get("known"))))

    def as_json(self) -> dict[str, object]:
        """Return what is to be kept."""
        return {
            flat: {"seen": known.seen.isoformat(), "known": sorted(known.known)} for flat, known in self._flats.items()
        }

    def forget(self, now: datetime) -> None:
        """Forget flats that were there no more for so long that nothing of them would be told."""
        oldest = now - timedelta(days=_MOST_DAYS)
        self._flats = {flat: known for flat, known in self._flats.items() if known.seen >= oldest}

    def has(self, flat: str) -> bool:
        """Return whether a journal was read before, in this life or an earlier one."""
        return flat in self._flats

    def days(self, flat: str, now: datetime) -> tuple[date, ...]:
        """Return the days to ask for, oldest first.

        Args:
            flat: Whose.
            now: How late it is where the server is.
        """
        known = self._flats.get(flat)
        last = (now + _SLACK).date()
        first = min((now if known is None else known.seen) - _SLACK, now).date()
        first = max(first, last - timedelta(days=_MOST_DAYS))
        return tuple(first + timedelta(days=number) for number in range((last - first).days + 1))

    def take(self, flat: str, records: Iterable[LogRecord], now: datetime) -> list[tuple[LogRecord, bool]]:
        """Return the new ones of the records of these days, oldest first, and whether each is too old to be news."""
        ordered = sorted(records, key=lambda record: record.date or now)
        known = self._flats.get(flat)
        fresh = [] if known is None else [record for record in ordered if record.id not in known.known]
        again = (now - _SLACK).date()
        kept = {record.id for record in ordered if record.date is None or record.date.date() >= again}
        before, resumed = (None, now) if known is None else (known.looked_at, known.resumed)
        if before is None or self._monotonic() - before > _ABSENCE:
            resumed = now.replace(microsecond=0)  # the server tells whole seconds
        self._flats[flat] = _Flat(now, kept, self._monotonic(), resumed)
        unique = {record.id: record for record in fresh}
        return [(record, record.date is None or record.date < resumed) for record in unique.values()]


def by_day(counts: Mapping[date, int], days: Iterable[date]) -> tuple[date, ...]:
    """Return those of some days that there are records of."""
    return tuple(day for day in days if counts.get(day, 0))
