"""Events that the proxy pushes, in any form that a forwarder uses (field notes 4)."""

from ...common.parse import fields
from .events import CallEvent, Kind, MailEvent, event, unpacked

__all__ = ["CallEvent", "Kind", "MailEvent", "parse"]

# What forwarders, FCM and its newer API wrap an event in; `data` may be an object or a text.
_WRAPPERS = ("data", "message")
_DEPTH = 4


def parse(body: bytes) -> CallEvent | MailEvent | None:
    """Return the event of a push: bare or wrapped, and even where all of its values are text.

    Args:
        body: The request body, from any sender.

    Returns:
        The event, also one of a type that is not known; None for what is none.
    """
    content = fields(unpacked(body))
    for _ in range(_DEPTH):
        if (found := event(content)) is not None:
            return found
        wrapped = next((content[name] for name in _WRAPPERS if name in content), None)
        content = fields(unpacked(wrapped))
    return None
