"""Objects about calls and voicemails in pushes, call info, and replies."""

from enum import StrEnum
import json
from typing import Any

from .envelope import Json

# As the MX sends them (field notes 5, captures).
OUTGOING_FLAGS, INCOMING_FLAGS = 36700160, 170917889
HELD_FLAGS, RETRIEVED_FLAGS = 141565955, 3145728
HELD_COMMANDS = 376
NORMAL = "normal"


class Kind(StrEnum):
    """Types of push objects."""

    DELIVERED = "Delivered"
    ESTABLISHED = "Established"
    ORIGINATED = "Originated"
    CLEARED = "ConnectionCleared"
    HELD = "HeldEvent"
    RETRIEVED = "RetrievedEvent"
    MAIL = "MailIncoming"


def event(kind: Kind, timestamp: int, **fields: Any) -> Json:
    """Return an event; its time comes last."""
    return {"type": str(kind), **fields, "timestamp": timestamp}


def as_reply(what: Json) -> Json:
    """Return an event as the reply to a command, without its type and time."""
    return {**what, "type": "", "timestamp": 0}


def all_text(what: Json) -> dict[str, str]:
    """Return an event as FCM passes data on: every value is text, lists as JSON."""
    return {
        name: value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
        for name, value in what.items()
    }
