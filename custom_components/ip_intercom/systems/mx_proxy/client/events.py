"""Reports of the MX about calls and voicemails: in pushes, call info, and replies to commands (field notes 4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from ...common.parse import Fields, decode_json, integer, objects, text

# By this name comes the id that the call has in the log (``LogRecord.gcid``).
_LOG_ID = "__FIRST_CALL_ID__"
# Calls have small numbers, and times are seconds; a push can come from any sender and contain any value.
_LARGEST = 2**53


class Kind(StrEnum):
    """Types that are known."""

    DELIVERED = "Delivered"
    ESTABLISHED = "Established"
    ORIGINATED = "Originated"
    CLEARED = "ConnectionCleared"
    HELD = "HeldEvent"
    RETRIEVED = "RetrievedEvent"
    MAIL = "MailIncoming"


@dataclass(frozen=True, slots=True)
class CallEvent:
    """Something of a call; None for what is not told.

    Attributes:
        type: One of ``Kind``, or a word that is not known; empty in replies to commands.
        call_id: Number of the call at this MX, a small one.
        device_id: The device that this is about.
        global_call_id: Number of the call everywhere.
        gcid: Id of the call in the log.
        calling: Number of who calls.
        calling_name: Name of who calls.
        called: Number that was called.
        alerting: Number that rings.
        answering: Number that answered.
        answering_name: Name of who answered.
        redirected_by: Number that the call was sent on from.
        releasing: Number that ended the call; of a held one, the number that holds it.
        local_connection: How it stands here, such as ``alerting``.
        cause: Why, such as ``normal``.
        flags: Bits that tell the kind of call.
        commands: Bits that tell what can be done with it.
        timestamp: When, in Unix time.
    """

    type: str
    call_id: int
    device_id: str | None = None
    global_call_id: str | None = None
    gcid: str | None = None
    calling: str | None = None
    calling_name: str | None = None
    called: str | None = None
    alerting: str | None = None
    answering: str | None = None
    answering_name: str | None = None
    redirected_by: str | None = None
    releasing: str | None = None
    local_connection: str | None = None
    cause: str | None = None
    flags: int | None = None
    commands: int | None = None
    timestamp: int | None = None


@dataclass(frozen=True, slots=True)
class MailEvent:
    """A caller has left a voicemail; None for what is not reported.

    Attributes:
        mail_id: Its id in the list of voicemails.
        sender: Number of who spoke.
        sender_name: The MX's name for that number.
        caller_name: Name that came with the call.
        to: Number that was called.
        owner_id: Whose mailbox it is.
        owner_type: What that is, such as ``user``.
        gcid: Id of the call in the log.
        received: When, in Unix time.
        duration: Seconds.
        note: The note of a user.
        timestamp: When it was told, in Unix time.
    """

    mail_id: str
    sender: str | None = None
    sender_name: str | None = None
    caller_name: str | None = None
    to: str | None = None
    owner_id: str | None = None
    owner_type: str | None = None
    gcid: str | None = None
    received: int | None = None
    duration: int | None = None
    note: str | None = None
    timestamp: int | None = None


def event(what: Fields) -> CallEvent | MailEvent | None:
    """Return the event that an object is, None where it is none."""
    kind = text(what.get("type"))
    if kind is None:
        return None
    return mail_event(what) if kind == Kind.MAIL else call_event(what)


def call_event(what: Fields) -> CallEvent | None:
    """Return the event of a call, None where no call is named."""
    call_id = _count(what.get("callId"))
    if call_id is None:
        return None
    return CallEvent(
        type=text(what.get("type")) or "",
        call_id=call_id,
        device_id=text(what.get("deviceId")),
        global_call_id=text(what.get("globalCallId")),
        gcid=_gcid(what.get("cads")),
        calling=text(what.get("callingDevice")),
        calling_name=text(what.get("callingDisplayName")),
        called=text(what.get("calledDevice")),
        alerting=text(what.get("alertingDevice")),
        answering=text(what.get("answeringDevice")),
        answering_name=text(what.get("answeringDisplayName")),
        redirected_by=text(what.get("lastRedirectionDevice")),
        releasing=text(what.get("releasingDevice")),
        local_connection=text(what.get("localConnectionInfo")),
        cause=text(what.get("cause")),
        flags=integer(what.get("callTypeFlags")),
        commands=integer(what.get("cmdsAllowed")),
        timestamp=_count(what.get("timestamp")) or None,
    )


def mail_event(what: Fields) -> MailEvent | None:
    """Return the event of a voicemail, None where no voicemail is named."""
    mail_id = text(what.get("mailId"))
    if mail_id is None:
        return None
    return MailEvent(
        mail_id=mail_id,
        sender=text(what.get("from")),
        sender_name=text(what.get("fromName")),
        caller_name=text(what.get("callerName")),
        to=text(what.get("to")),
        owner_id=text(what.get("ownerId")),
        owner_type=text(what.get("ownerType")),
        gcid=text(what.get("gcid")),
        received=_count(what.get("received")) or None,
        duration=integer(what.get("duration")),
        note=text(what.get("note")),
        timestamp=_count(what.get("timestamp")) or None,
    )


def unpacked(value: object) -> object:
    """Return what a text says in JSON; anything else as it is, a text that is no JSON as None."""
    if not isinstance(value, str | bytes):
        return value
    return decode_json(value)


def _count(value: object) -> int | None:
    """Return a whole number as calls and times have it."""
    number = integer(value)
    return number if number is not None and 0 <= number < _LARGEST else None


def _gcid(cads: object) -> str | None:
    found = unpacked(cads)
    named = objects(found) if isinstance(found, Sequence) else ()
    return next((text(item.get("value")) for item in named if item.get("name") == _LOG_ID), None)
