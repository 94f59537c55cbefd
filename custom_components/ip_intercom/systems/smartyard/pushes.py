"""Pushes that are to be believed: each ring and message once, and only while it is news (field notes 7)."""

from collections import OrderedDict
from collections.abc import Callable
import hashlib
import time

from ...api.parse import fields, texts
from ...api.smartyard import CallPush, TextPush

# Seconds by which the clock of the server, or ours, may be wrong: for how long a ring is heard after its end, and how
# far it may lie ahead. Whoever puts it ahead wins nothing, for it is remembered.
SKEW, AHEAD = 30, 300
# Seconds after which nothing of a call is good any more, whatever the push says.
LONGEST = 180
# Seconds after which a message is no news, and after which it is not believed at all.
_LATE, _STALE = 150, 3600
# A message that does not tell when it was sent is remembered for as many seconds.
_REMEMBERED = 30 * 86400.0
# So many are remembered at most, two for a ring.
_MANY = 1024


class Gate:
    """Tells news from what was heard before, or is too old.

    Args:
        heard: What ``as_json`` returned in an earlier life: a restart makes no second ring of one.
        now: Our clock in seconds since 1970.
    """

    def __init__(self, heard: object = None, now: Callable[[], float] = time.time) -> None:
        self._now = now
        # Until when each would be believed if it came again.
        self._heard: OrderedDict[str, float] = OrderedDict(
            (key, float(until)) for key, until in fields(heard).items() if isinstance(until, int | float)
        )
        self._heard |= dict.fromkeys(texts(heard), now() + _STALE)  # of an earlier version

    def as_json(self) -> dict[str, float]:
        """Return what is to be kept: digests, from which nothing can be read, for as long as they matter."""
        now = self._now()
        return {key: until for key, until in self._heard.items() if until >= now}

    def objection(self, push: CallPush | TextPush) -> str | None:
        """Return why a push is not to be told of, in words without secrets; None for news, which is remembered."""
        late = self._late_call(push) if isinstance(push, CallPush) else self._late_text(push)
        return late or self._repeated(push)

    def rings_for(self, push: CallPush) -> float:
        """Return for how many seconds from now a call goes on ringing."""
        ttl = min(push.ttl, LONGEST)
        age = 0.0 if push.timestamp is None else self._now() - push.timestamp
        # A clock that is wrong shall not make it silent at once.
        return min(float(ttl), max(ttl - age, ttl / 2))

    def is_late(self, push: TextPush) -> bool:
        """Return whether a message is no news any more."""
        return push.timestamp is not None and self._now() - push.timestamp > _LATE

    def _late_call(self, push: CallPush) -> str | None:
        if push.timestamp is None:
            return "it does not tell when"
        age = self._now() - push.timestamp
        if age > min(push.ttl, LONGEST) + SKEW:
            return "it is over"
        return "it is yet to come" if age < -AHEAD else None

    def _late_text(self, push: TextPush) -> str | None:
        if push.timestamp is None:
            return None
        age = self._now() - push.timestamp
        if age > _STALE:
            return "it is too old"
        return "it is yet to come" if age < -_STALE else None

    def _repeated(self, push: CallPush | TextPush) -> str | None:
        keys = push.ring_ids if isinstance(push, CallPush) else _text_ids(push)
        is_known = any(key in self._heard for key in keys)
        # All of them are remembered: the next one may have another of them only.
        until = self._believed_until(push)
        self._heard |= {key: max(until, self._heard.get(key, until)) for key in keys}
        while len(self._heard) > _MANY:
            self._heard.popitem(last=False)
        return "it was heard before" if is_known else None

    def _believed_until(self, push: CallPush | TextPush) -> float:
        """Return until when a push is neither over nor too old."""
        if push.timestamp is None:
            return self._now() + _REMEMBERED
        longest = min(push.ttl, LONGEST) + SKEW if isinstance(push, CallPush) else _STALE
        return float(push.timestamp + longest)


def _text_ids(push: TextPush) -> tuple[str, ...]:
    """Return what tells a message from all others, nothing for one that may come again."""
    if push.message_id is None and push.timestamp is None:
        return ()
    said = push.message_id or f"{push.timestamp} {push.action} {push.title} {push.body}"
    return (hashlib.sha256(f"text {said}".encode()).hexdigest()[:32],)
