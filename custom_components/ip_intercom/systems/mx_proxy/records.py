"""Call records and voicemails of an extension (manual, calls and voicemails), as model types and as events."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
import time

from ...model.events import CallChanged, CallLogged, Event, VoicemailReceived, VoicemailsListed
from ...model.parts import CallOutcome, CallRecord, Direction, Voicemail, VoicemailId
from ..common.errors import NotSupported
from ..common.parse import instant, integer, present
from ..common.privacy import Privacy, is_word
from .client import CallEvent, Kind, LogRecord, MxProxy
from .client.voicemails import Voicemail as ApiVoicemail
from .directory import MxPhoneBook

_INCOMING = "incoming"
_VOICEMAIL_LEG = 3
_VOICEMAIL_NUMBER = "voicemail."

# Seconds by which a poll overlaps the previous one, because several calls may end at the same time.
_OVERLAP = 60
# Longer overlap of occasional polls, because records may be late and the clock of the exchange may be set back.
_DEEP_OVERLAP = 24 * 3600

_EPOCH = datetime.fromtimestamp(0, UTC)

CALL_LOG_EVENT = "CallLog"
VOICEMAILS_EVENT = "Voicemails"
# Replaces a type that is not a word.
_UNKNOWN = "Unknown"
# Events of this integration: they are never pushed.
OWN_EVENTS = frozenset({CALL_LOG_EVENT, VOICEMAILS_EVENT})


def at(seconds: int | None) -> datetime | None:
    """Return a time from Unix seconds, None for zero or None."""
    return instant(seconds or None)


class ServerClock:
    """Estimates the offset between the clock of the exchange and the local clock.

    Args:
        now: Local clock in Unix seconds.
    """

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._ahead = 0.0

    def age(self, seconds: int) -> float:
        """Return how many seconds ago an event happened, negative if its time is in the future."""
        return self._now() + self._ahead - seconds

    def learn(self, seconds: int) -> None:
        """Set the offset from the time of an event that has just happened."""
        self._ahead = seconds - self._now()


# Types of calls whose direction says too little.
_TYPES: Mapping[CallOutcome, str] = {CallOutcome.MISSED: "missed", CallOutcome.VOICEMAIL: "voicemail"}


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
        type=_TYPES.get(outcome_of(record)) or record.direction or None,
        time=at(record.connected or record.disconnected),
        name=privacy.name(name_in(record)) or number,
        duration=duration_of(record),
        number=number,
    )


class CallJournal:
    """Detects records that are new since the last poll.

    Args:
        stored: ``as_json`` of the previous run; None to treat all present records as old.

    Attributes:
        missed: Number of missed calls since it was reset.
        last: The newest record that was read in this run.
    """

    def __init__(self, stored: object = None) -> None:
        known: Mapping[str, object] = stored if isinstance(stored, Mapping) else {}
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
        return max(0, min(self._time, int(time.time())) - _DEEP_OVERLAP if deep else self._time - _OVERLAP)

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


def neutral_voicemail(mail: ApiVoicemail, privacy: Privacy) -> Voicemail:
    """Return a voicemail as its model type."""
    return Voicemail(
        id=mail.id,
        received=at(mail.received) or _EPOCH,
        duration=max(0, mail.duration or 0),
        number=mail.sender,
        name=privacy.name(mail.caller_name or mail.sender_name),
        read=mail.read,
        note=mail.note,
    )


def neutral_mailbox(mails: Iterable[ApiVoicemail], privacy: Privacy) -> dict[VoicemailId, Voicemail]:
    """Return voicemails by ID, oldest first."""
    neutral = (neutral_voicemail(mail, privacy) for mail in mails)
    return {mail.id: mail for mail in sorted(neutral, key=lambda mail: mail.received)}


class MxVoicemails:
    """The mailbox.

    Args:
        privacy: Whether names are shown.
        changed: Called after a change from here.
    """

    def __init__(self, proxy: MxProxy, privacy: Privacy, changed: Callable[[], None]) -> None:
        self._voicemails = proxy.voicemails
        self.open = proxy.voicemails.open
        self._privacy = privacy
        self._changed = changed

    async def query(self) -> tuple[Voicemail, ...]:
        """Return the voicemails, oldest first."""
        return tuple(neutral_mailbox(await self._voicemails.list(), self._privacy).values())

    async def mark(self, voicemail: VoicemailId, *, read: bool | None = None, note: str | None = None) -> None:
        """Mark a voicemail as read or unread, or set its note; None keeps the current value."""
        if read is None and note is None:
            return
        try:
            await self._voicemails.update(voicemail, read=read, note=note)
        finally:  # an unconfirmed request may have been carried out
            self._changed()

    async def delete(self, voicemail: VoicemailId) -> None:
        """Delete a voicemail."""
        try:
            await self._voicemails.delete(voicemail)
        finally:
            self._changed()


class EventMapper:
    """Maps what was received or polled to events.

    Args:
        book: Provides names of numbers.
        privacy: Whether names are shown.
    """

    def __init__(self, book: MxPhoneBook, privacy: Privacy) -> None:
        self._book = book
        self._privacy = privacy

    def call(self, kind: str, changed: CallChanged, source: CallEvent | None = None) -> Event:
        """Return the event of a changed call; ``source`` is the push or response, None for other causes."""
        name = cause = when = None
        if source is not None:
            name = source.calling_name if changed.direction is Direction.INCOMING else source.answering_name
            cause, when = source.cause, at(source.timestamp)
        data = {
            "session": changed.session,
            "direction": None if changed.direction is None else changed.direction.value,
            "number": changed.peer,
            "name": self._name(name, changed.peer),
            "cause": cause if is_word(cause) else None,
        }
        return Event(str(kind), when or datetime.now(UTC), present(data), facts=(changed,))

    def unknown(self, source: CallEvent) -> Event:
        """Return an event of an unknown type, from a newer server."""
        kind = source.type if is_word(source.type) else _UNKNOWN
        return Event(kind, at(source.timestamp) or datetime.now(UTC), {"session": source.call_id})

    def record(self, record: LogRecord, missed: int, *, late: bool) -> Event:
        """Return the event of a call log record; ``missed`` is the number of missed calls after it."""
        outcome, number = outcome_of(record), other_number(record)
        data = {
            "id": record.record_id,
            "direction": record.direction,
            "outcome": outcome.value,
            "number": number,
            "name": self._name(name_in(record), number),
            "duration": duration_of(record),
        }
        when = at(record.disconnected or record.connected) or datetime.now(UTC)
        facts = (CallLogged(neutral_call(record, self._privacy), outcome, missed),)
        # Record numbers restart from 1 when the exchange is set up again.
        id_ = f"call-{record.disconnected or record.connected or 0}-{record.record_id}"
        return Event(CALL_LOG_EVENT, when, present(data), late=late, facts=facts, sequence=record.record_id, id=id_)

    def mail(self, mail: Voicemail, *, late: bool) -> Event:
        """Return the event of a new voicemail."""
        name = self._name(mail.name, mail.number)
        data = {"id": mail.id, "number": mail.number, "name": name, "duration": mail.duration}
        facts = (VoicemailReceived(mail),)
        return Event(str(Kind.MAIL), mail.received, present(data), late=late, facts=facts, id=f"voicemail-{mail.id}")

    def mailbox(self, mails: Mapping[VoicemailId, Voicemail]) -> Event:
        """Return the event of voicemails that were played, annotated, or deleted."""
        data = {"count": len(mails), "unread": sum(not mail.read for mail in mails.values())}
        return Event(VOICEMAILS_EVENT, datetime.now(UTC), data, facts=(VoicemailsListed(mails),))

    def _name(self, name: str | None, number: str | None) -> str | None:
        return self._privacy.name(name or self._book.name_at(number))
