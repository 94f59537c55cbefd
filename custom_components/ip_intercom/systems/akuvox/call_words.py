"""Meaning of the words of ``call/status``, of which only READY is documented (Api call status)."""

from enum import Enum, auto
import re

from ...model.parts import CallState

# Words without a call, without spaces and punctuation.
_IDLE = frozenset(
    [
        "READY",
        "IDLE",
        "FREE",
        "STANDBY",
        "ONHOOK",
        "AVAILABLE",
        "NONE",
        "NULL",
        "NORMAL",
        "HANGUP",
        "0",
    ]
)
# Words of an ended call, which have priority.
_OVER = ("DISCONNECTED", "TERMINATED", "FINISHED", "ENDED")
_CONNECTED = ("TALKING", "TALK", "CONNECTED", "ESTABLISHED", "ESTABLISH", "HOLDING", "HOLD", "HELD")
_CONNECTING = ("CALLING", "DIALLING", "DIALING", "DIALLED", "DIALED", "DIAL")
_RINGING = (
    "CONNECTING",
    "CONNECT",
    "ESTABLISHING",
    "RINGBACK",
    "RINGING",
    "RING",
    "INCOMING",
    "OUTGOING",
    "INCALL",
    "BUSY",
    "ALERTING",
    "ALERT",
    "ANSWERING",
    "ANSWERED",
    "ANSWER",
    "INVITING",
    "INVITED",
    "INVITE",
)
_NEGATIONS = ("WITHOUT", "NOT", "NON", "NO", "UN", "DIS")
# Parts that are combined with the words above.
_LINKS = ("CALL", "STATE", "STATUS", "IN", "ON", "IS", "SIP")

_STATES = ((frozenset(_CONNECTED), CallState.CONNECTED), (frozenset(_CONNECTING), CallState.CONNECTING))
_CALLS = (*_CONNECTED, *_CONNECTING, *_RINGING)


def _any_of(*words: str) -> str:
    return "|".join(sorted(words, key=len, reverse=True))


_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SIGNS = re.compile(r"[\W_]+")
_PART = re.compile(_any_of(*_CALLS, *_OVER, *_NEGATIONS, *_LINKS))
_PARTS = re.compile(f"(?:{_PART.pattern})+")
_IS_OVER = re.compile(rf"\b(?:{_any_of(*_OVER)})\b")
_IS_CALL = re.compile(rf"\b(?:IN CALL|{_any_of(*_CALLS)})\b")
_IS_NO_CALL = re.compile(rf"\b(?:{_any_of(*_NEGATIONS)})\b.*\b(?:CALL|{_any_of(*_CALLS)})\b.*")


class Meaning(Enum):
    """Whether a word indicates a call."""

    IDLE = auto()
    CALL = auto()
    UNKNOWN = auto()


def plain(word: str) -> str:
    """Return the normalized word: uppercase without spaces and punctuation."""
    return _SIGNS.sub("", word.upper())


def meaning_of(word: str) -> Meaning:
    """Return the meaning of a word; only complete words count, and may be negated (``Not in call``, ``UNCONNECTED``)."""
    words = _apart(word)
    if plain(word) in _IDLE or _IS_OVER.search(words):
        return Meaning.IDLE
    affirmed = _IS_NO_CALL.sub("", words)
    if _IS_CALL.search(affirmed):
        return Meaning.CALL
    return Meaning.UNKNOWN if affirmed == words else Meaning.IDLE


def state_of(word: str) -> CallState:
    """Return the call state that a word indicates, ringing by default."""
    said = set(_apart(word).split())
    return next((state for words, state in _STATES if said & words), CallState.RINGING)


def is_incoming(word: str) -> bool:
    """Return whether a word means an incoming call."""
    return "INCOMING" in _apart(word).split()


def _apart(word: str) -> str:
    """Return the parts of a compound word with spaces in between; unknown parts are not split."""
    parts = _SIGNS.sub(" ", _HUMP.sub(" ", word)).upper().split()
    return " ".join(" ".join(_PART.findall(part)) if _PARTS.fullmatch(part) else part for part in parts)
