"""The call log of an extension (manual, calls): detects new records and maps them to the model."""

from collections.abc import Callable, Iterable, Mapping
import time

from ...model.parts import CallOutcome, CallRecord
from ..common.errors import NotSupported
from ..common.parse import integer
from ..common.privacy import Privacy
from .client import MxProxy
from .client.calls import LogRecord
from .server_time import at

_INCOMING = "incoming"
_VOICEMAIL_LEG = 3
_VOICEMAIL_NUMBER = "voicemail."

# Seconds by which a poll overlaps the previous one, because several calls may end at the same time.
_OVERLAP = 60
# Longer overlap of occasional polls, because records may be late and the clock of the exchange may be set back.
_DEEP_OVERLAP = 24 * 3600


def is_incoming(record: LogRecord) -> bool:
    """Return whether a record is of an incoming call."""
    return record.direction.lower() == _INCOMING


def outcome_of(record: LogRecord) -> CallOutcome:
    """Return the outcome of a call."""
    if record.missed:
        return CallOutcome.MISSED
    if not is_incoming(record):
        return CallOutcome.PLACED
    if record.self_leg_type == _VOICEMAIL_LEG or (record.called or "").startswith(_VOICEMAIL_NUMBER):
        return CallOutcome.VOICEMAIL
    return CallOutcome.ANSWERED


def other_number(record: LogRecord) -> str | None:
    """Return the number of the other party."""
    return record.calling if is_incoming(record) else record.called


def name_in(record: LogRecord) -> str | None:
    """Return the name of the other party in the record."""
    person = " ".join(part for part in (record.first_name, record.last_name) if part)
    return person or record.service_name or None


def duration_of(record: LogRecord) -> int | None:
    """Return the seconds from answer to end; None if the call was not answered or the times are missing."""
    if record.missed or not record.connected or not record.disconnected:
        return None
    return max(0, record.disconnected - record.connected)


def neutral_call(record: LogRecord, privacy: Privacy) -> CallRecord:
    """Return a call as its model type."""
    number = other_number(record)
    return CallRecord(
        id=str(record.record_id),
        type=record.direction,
        time=at(record.connected or record.disconnected),
        name=privacy.name(name_in(record)) or number,
        duration=duration_of(record),
        number=number,
    )


class CallJournal:
    """Detects records that are new since the last poll.

    Args:
        stored: ``as_json`` of the previous run; None to treat all present records as old.
        now: Local clock in Unix seconds.

    Attributes:
        missed: Number of missed calls since it was reset.
        last: The newest record that was read in this run.
    """

    def __init__(self, stored: object = None, now: Callable[[], float] = time.time) -> None:
        known: Mapping[str, object] = stored if isinstance(stored, Mapping) else {}
        self._now = now
        self._newest = integer(known.get("record"))
        self._time = integer(known.get("time"))
        self.missed = integer(known.get("missed")) or 0
        self.last: LogRecord | None = None

    @property
    def has_begun(self) -> bool:
        """Return whether the log has been read, in this run or a previous one."""
        return self._newest is not None

    @property
    def is_empty(self) -> bool:
        """Return whether no record is known."""
        return not self._newest

    def as_json(self) -> dict[str, object]:
        """Return the state to store."""
        return {"record": self._newest, "time": self._time, "missed": self.missed}

    def since(self, *, deep: bool) -> int | None:
        """Return the time from which to read the log, None for the whole log.

        The time is from the clock of the exchange, so its error does not matter. A deep poll limits it to the local
        time: if that clock was ahead, records after its correction would seem older.
        """
        if self._time is None:
            return None
        return max(0, min(self._time, int(self._now())) - _DEEP_OVERLAP if deep else self._time - _OVERLAP)

    def take(self, records: Iterable[LogRecord]) -> list[tuple[LogRecord, int]]:
        """Return the new records, oldest first, each with the number of missed calls after it."""
        ordered = sorted(records, key=lambda record: record.record_id)
        fresh = [] if self._newest is None else self._fresh(ordered)
        for record in fresh if self._newest is not None else ordered:
            self._newest = record.record_id
            self._time = record.disconnected or record.connected or self._time
        self._newest = self._newest or 0
        if ordered and (self.last is None or ordered[-1].record_id == self._newest):
            self.last = ordered[-1]
        new = []
        for record in fresh:
            self.missed += record.missed
            new.append((record, self.missed))
        return new

    def _fresh(self, ordered: list[LogRecord]) -> list[LogRecord]:
        newest, then = self._newest or 0, self._time or 0
        fresh = [record for record in ordered if record.record_id > newest]
        if fresh or any(record.record_id == newest for record in ordered):
            return fresh
        # The newest record is gone: the phone system restarted its numbering.
        return [record for record in ordered if (record.disconnected or record.connected or 0) > then]


class MxCallLog:
    """The call log.

    Args:
        proxy: Client of the proxy.
        journal: Provides the newest record.
        privacy: Whether names are shown.
    """

    def __init__(self, proxy: MxProxy, journal: CallJournal, privacy: Privacy) -> None:
        self._calls = proxy.calls
        self._journal = journal
        self._privacy = privacy

    async def query(self, limit: int | None = None) -> tuple[CallRecord, ...]:
        """Return the calls, newest first; the last few are fast, all of them take up to two minutes."""
        records: tuple[LogRecord, ...] = ()
        if limit is not None and (since := self._journal.since(deep=False)) is not None:
            records = await self._calls.log(since)
        if limit is None or len(records) < limit:
            records = await self._calls.log()
        newest = sorted(records, key=lambda record: record.record_id, reverse=True)
        return tuple(neutral_call(record, self._privacy) for record in newest[:limit])

    async def delete(self, record: str | None) -> None:
        """Reject the request: the exchange does not delete records."""
        raise NotSupported("the call log of an exchange cannot be deleted")
