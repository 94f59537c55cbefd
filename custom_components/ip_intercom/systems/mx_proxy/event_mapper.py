"""Maps calls, records, and voicemails to events, without private data."""

from collections.abc import Mapping
from datetime import UTC, datetime

from ...model.events import CallChanged, CallLogged, Event, VoicemailReceived, VoicemailsListed
from ...model.parts import Direction, Voicemail, VoicemailId
from ..common.privacy import Privacy, is_word
from .client import CallEvent, Kind, LogRecord
from .directory import MxPhoneBook
from .records import duration_of, name_in, neutral_call, other_number, outcome_of
from .server_time import at

CALL_LOG_EVENT = "CallLog"
VOICEMAILS_EVENT = "Voicemails"
# Replaces a type that is not a word.
_UNKNOWN = "Unknown"
# Events of this integration: they are never pushed.
OWN_EVENTS = frozenset({CALL_LOG_EVENT, VOICEMAILS_EVENT})


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
        return Event(str(kind), when or datetime.now(UTC), _present(data), facts=(changed,))

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
        return Event(CALL_LOG_EVENT, when, _present(data), late=late, facts=facts, sequence=record.record_id, id=id_)

    def mail(self, mail: Voicemail, *, late: bool) -> Event:
        """Return the event of a new voicemail."""
        name = self._name(mail.name, mail.number)
        data = {"id": mail.id, "number": mail.number, "name": name, "duration": mail.duration}
        facts = (VoicemailReceived(mail),)
        return Event(str(Kind.MAIL), mail.received, _present(data), late=late, facts=facts, id=f"voicemail-{mail.id}")

    def mailbox(self, mails: Mapping[VoicemailId, Voicemail]) -> Event:
        """Return the event of voicemails that were played, annotated, or deleted."""
        data = {"count": len(mails), "unread": sum(not mail.read for mail in mails.values())}
        return Event(VOICEMAILS_EVENT, datetime.now(UTC), data, facts=(VoicemailsListed(mails),))

    def _name(self, name: str | None, number: str | None) -> str | None:
        return self._privacy.name(name or self._book.name_at(number))


def _present(data: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in data.items() if value is not None}
