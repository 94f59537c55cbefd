"""Events of calls and voicemails: in pushes of any forwarder, call info, and replies to commands (field notes 4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from ...common.decode import Key, decode
from ...common.parse import Fields, decode_json, fields, integer, objects, string, text

# What forwarders, FCM and its newer API wrap an event in; `data` may be an object or a text.
_WRAPPERS = ("data", "message")
_DEPTH = 4
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


def _unpacked(value: object) -> object:
    """Return what a text says in JSON; anything else as it is, a text that is no JSON as None."""
    if not isinstance(value, str | bytes):
        return value
    return decode_json(value)


def _count(value: object) -> int | None:
    """Return a whole number as calls and times have it."""
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
    """Return the event of a push: bare or wrapped, and even where all of its values are text.

    Args:
        body: The request body, from any sender.

    Returns:
        The event, also one of a type that is not known; None for what is none.
    """
    content = fields(_unpacked(body))
    for _ in range(_DEPTH):
        if (found := _event(content)) is not None:
            return found
        wrapped = next((content[name] for name in _WRAPPERS if name in content), None)
        content = fields(_unpacked(wrapped))
    return None


def _event(what: Fields) -> CallEvent | MailEvent | None:
    """Return the event that an object is, None where it is none."""
    kind = text(what.get("type"))
    if kind is None:
        return None
    return decode(MailEvent, what) if kind == Kind.MAIL else decode(CallEvent, what)
