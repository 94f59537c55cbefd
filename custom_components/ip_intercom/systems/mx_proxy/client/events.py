"""Events of calls and voicemails, in pushes, call info, and responses to commands (field notes 4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from ...common.decode import Key, decode
from ...common.parse import Fields, decode_json, fields, integer, objects, string, text

# Keys in which forwarders and both FCM APIs wrap an event; the value of `data` may be an object or a text.
_WRAPPERS = ("data", "message")
_DEPTH = 4
# Name of the call's ID in the log (``LogRecord.gcid``).
_LOG_ID = "__FIRST_CALL_ID__"
# Limit for call numbers and times, because a push can come from any sender and contain any value.
_LARGEST = 2**53


class Kind(StrEnum):
    """Documented event types."""

    DELIVERED = "Delivered"
    ESTABLISHED = "Established"
    ORIGINATED = "Originated"
    CLEARED = "ConnectionCleared"
    HELD = "HeldEvent"
    RETRIEVED = "RetrievedEvent"
    MAIL = "MailIncoming"


def _unpacked(value: object) -> object:
    """Return decoded JSON for a text (None if invalid), any other value unchanged."""
    if not isinstance(value, str | bytes):
        return value
    return decode_json(value)


def _count(value: object) -> int | None:
    """Return a valid call number or time, else None."""
    number = integer(value)
    return number if number is not None and 0 <= number < _LARGEST else None


def _gcid(cads: object) -> str | None:
    found = _unpacked(cads)
    named = objects(found) if isinstance(found, Sequence) else ()
    return next((text(item.get("value")) for item in named if item.get("name") == _LOG_ID), None)


def _when(value: object) -> int | None:
    return _count(value) or None


@dataclass(frozen=True, slots=True)
class CallEvent:
    """An event or the state of a call; missing values are None.

    Attributes:
        type: A ``Kind`` or an unknown type; empty in responses to commands.
        call_id: Number of the call at this MX.
        device_id: Device of the event.
        global_call_id: Globally unique number of the call.
        gcid: ID of the call in the log.
        calling: Number of the caller.
        calling_name: Name of the caller.
        called: Called number.
        alerting: Ringing number.
        answering: Number that answered.
        answering_name: Name of the user who answered.
        redirected_by: Number that redirected the call.
        releasing: Number that ended or held the call.
        local_connection: State of the local leg, such as ``alerting``.
        cause: Cause of the event, such as ``normal``.
        flags: Bits for the type of the call.
        commands: Bits for the allowed commands.
        timestamp: Time of the event in Unix seconds.
    """

    type: Annotated[str, Key(convert=string)]
    call_id: Annotated[int, Key(convert=_count)]
    device_id: str | None = None
    global_call_id: str | None = None
    gcid: Annotated[str | None, Key("cads", convert=_gcid)] = None
    calling: Annotated[str | None, Key("callingDevice")] = None
    calling_name: Annotated[str | None, Key("callingDisplayName")] = None
    called: Annotated[str | None, Key("calledDevice")] = None
    alerting: Annotated[str | None, Key("alertingDevice")] = None
    answering: Annotated[str | None, Key("answeringDevice")] = None
    answering_name: Annotated[str | None, Key("answeringDisplayName")] = None
    redirected_by: Annotated[str | None, Key("lastRedirectionDevice")] = None
    releasing: Annotated[str | None, Key("releasingDevice")] = None
    local_connection: Annotated[str | None, Key("localConnectionInfo")] = None
    cause: str | None = None
    flags: Annotated[int | None, Key("callTypeFlags")] = None
    commands: Annotated[int | None, Key("cmdsAllowed")] = None
    timestamp: Annotated[int | None, Key(convert=_when)] = None


@dataclass(frozen=True, slots=True)
class MailEvent:
    """A new voicemail; missing values are None.

    Attributes:
        mail_id: ID of the voicemail.
        sender: Number of the caller.
        sender_name: Name of that number at the MX.
        caller_name: Name that was sent with the call.
        to: Called number.
        owner_id: ID of the mailbox owner.
        owner_type: Type of the owner, such as ``user``.
        gcid: ID of the call in the log.
        received: Time of the voicemail in Unix seconds.
        duration: Seconds.
        note: The note of a user.
        timestamp: Time of the push in Unix seconds.
    """

    mail_id: str
    sender: Annotated[str | None, Key("from")] = None
    sender_name: Annotated[str | None, Key("fromName")] = None
    caller_name: str | None = None
    to: str | None = None
    owner_id: str | None = None
    owner_type: str | None = None
    gcid: str | None = None
    received: Annotated[int | None, Key(convert=_when)] = None
    duration: int | None = None
    note: str | None = None
    timestamp: Annotated[int | None, Key(convert=_when)] = None


def parse(body: bytes) -> CallEvent | MailEvent | None:
    """Return the event of a push, bare or wrapped, also if all values are sent as text.

    Args:
        body: The request body, from any sender.

    Returns:
        The event, also of an unknown type; None if there is none.
    """
    content = fields(_unpacked(body))
    for _ in range(_DEPTH):
        if (found := _event(content)) is not None:
            return found
        wrapped = next((content[name] for name in _WRAPPERS if name in content), None)
        content = fields(_unpacked(wrapped))
    return None


def _event(what: Fields) -> CallEvent | MailEvent | None:
    """Return the event in an object, None if there is none."""
    kind = text(what.get("type"))
    if kind is None:
        return None
    return decode(MailEvent, what) if kind == Kind.MAIL else decode(CallEvent, what)
