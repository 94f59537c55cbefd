"""The log of calls of an extension (manual, calls): each record once, and what became of the call."""

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

# Seconds by which a look reaches back beyond the newest record: two calls may end at the same time.
_OVERLAP = 60
# And now and then: calls may be written down late, and the clock of the exchange may have been set back.
_DEEP_OVERLAP = 24 * 3600


def is_incoming(record: LogRecord) -> bool:
    """Return whether it was an incoming call."""
    return record.direction.lower() == _INCOMING


def outcome_of(record: LogRecord) -> CallOutcome:
    """Return what became of a call."""
    if record.missed:
        return CallOutcome.MISSED
    if not is_incoming(record):
        return CallOutcome.PLACED
    if record.self_leg_type == _VOICEMAIL_LEG or (record.called or "").startswith(_VOICEMAIL_NUMBER):
        return CallOutcome.VOICEMAIL
    return CallOutcome.ANSWERED


def other_number(record: LogRecord) -> str | None:
    """Return the number at the other end."""
    return record.calling if is_incoming(record) else record.called


def name_in(record: LogRecord) -> str | None:
    """Return who is at the other end, as the exchange knows it."""
    person = " ".join(part for part in (record.first_name, record.last_name) if part)
    return person or record.service_name or None


def duration_of(record: LogRecord) -> int | None:
    """Return for how many seconds they talked; None if the call was not answered, or that is not reported."""
    if record.missed or not record.connected or not record.disconnected:
        return None
    return max(0, record.disconnected - record.connected)


def neutral_call(record: LogRecord, privacy: Privacy) -> CallRecord:
    """Return a call in the neutral model."""
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
    """Tells the records that are new from those that were there before.

    Args:
        stored: What ``as_json`` returned in an earlier life; None to take all that there is for old.
        now: Our clock in seconds since 1970.

    Attributes:
        missed: The calls missed since the count was cleared.
        last: The newest record, as far as it was read in this life.
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
        """Return whether the log was read before, in this life or an earlier one."""
        return self._newest is not None

    @property
    def is_empty(self) -> bool:
        """Return whether no record is known."""
        return not self._newest

    def as_json(self) -> dict[str, object]:
        """Return what is to be kept."""
        return {"record": self._newest, "time": self._time, "missed": self.missed}

    def since(self, *, deep: bool) -> int | None:
        """Return from which time on the log is to be read, None for all of it.

        It is a time of the exchange itself: how wrong its clock is does not matter. A deep look does not trust one
        that is ahead of ours: what follows would seem older once the clock is right.
        """
        if self._time is None:
            return None
        return max(0, min(self._time, int(self._now())) - _DEEP_OVERLAP if deep else self._time - _OVERLAP)

    def take(self, records: Iterable[LogRecord]) -> list[tuple[LogRecord, int]]:
        """Return the new ones of some records, oldest first, and how many calls had been missed after each."""
        ordered = sorted(records, key=lambda record: record.record_id)
        fresh = [] if self._newest is None else self._fresh(ordered)
        for record in fresh if self._newest is not None else ordered:
            self._newest = record.record_id
            self._time = record.disconnected or record.connected or self._time
        self._newest = self._newest or 0
        if ordered and (self.last is None or ordered[-1].record_id == self._newest):
            self.last = ordered[-1]
        told = []
        for record in fresh:
            self.missed += record.missed
            told.append((record, self.missed))
        return told

    def _fresh(self, ordered: list[LogRecord]) -> list[LogRecord]:
        newest, then = self._newest or 0, self._time or 0
        fresh = [record for record in ordered if record.record_id > newest]
        if fresh or any(record.record_id == newest for record in ordered):
            return fresh
        # The newest record is gone: the phone system has started to count again.
        return [record for record in ordered if (record.disconnected or record.connected or 0) > then]


class MxCallLog:
    """The log of calls.

    Args:
        proxy: Asked.
        journal: Knows the newest record.
        privacy: Whether names are wanted.
    """

    def __init__(self, proxy: MxProxy, journal: CallJournal, privacy: Privacy) -> None:
        self._calls = proxy.calls
        self._journal = journal
        self._privacy = privacy

    async def query(self, limit: int | None = None) -> tuple[CallRecord, ...]:
        """Return the calls, newest first; the last few cost little, all of them up to two minutes."""
        records: tuple[LogRecord, ...] = ()
        if limit is not None and (since := self._journal.since(deep=False)) is not None:
            records = await self._calls.log(since)
        if limit is None or len(records) < limit:
            records = await self._calls.log()
        newest = sorted(records, key=lambda record: record.record_id, reverse=True)
        return tuple(neutral_call(record, self._privacy) for record in newest[:limit])

    async def delete(self, record: str | None) -> None:
        """Refuse: the exchange keeps its log."""
        raise NotSupported("the log of an exchange cannot be deleted from")
