"""Which start of the device a log event belongs to: event ids count from 1 after each (HTTP API 5.10.4)."""

from collections.abc import Sequence
from datetime import UTC, datetime

from ..common.parse import fields, integer, text
from .client.cursor import Batch, GapReason, Reading

# A device whose clock shows less counts from 1970 until it has asked for the time: its starts all look the same.
_CLOCK_SET = datetime(2010, 1, 1, tzinfo=UTC).timestamp()


class Boots:
    """Names each start of the device once and keeps the name until the next one.

    The name comes from the first event read of a start, ``utcTime`` minus ``upTime``; one that is read again after a
    kill gives the same name. It stays when the clock is set, and without a clock the number of the start is part of it.

    Args:
        stored: What ``as_json`` returned in an earlier life.
    """

    def __init__(self, stored: object = None) -> None:
        known = fields(stored)
        self._number = integer(known.get("number")) or 0
        self.name = text(known.get("name"))

    def as_json(self) -> dict[str, object]:
        """Return what has to be kept."""
        return {"name": self.name, "number": self._number}

    def see(self, batch: Batch, last_id: int | None) -> None:
        """Find out which start the events of a batch are from; ``last_id`` is that of the last event before them."""
        if (batch.gap is not None and batch.gap.reason is GapReason.RESTART) or _counts_anew(batch.readings, last_id):
            self.name = None
        if self.name is not None or not batch.readings:
            return
        first = batch.readings[0].event
        start = first.utc_time - first.up_time
        self._number += 1
        self.name = str(start) if start >= _CLOCK_SET else f"{max(start, 0)}-{self._number}"


def _counts_anew(readings: Sequence[Reading], last_id: int | None) -> bool:
    return bool(readings) and last_id is not None and readings[0].event.id <= last_id
