"""Filters pushes (each ring and message once, and only while current), and registers push tokens (field notes 7)."""

from collections import OrderedDict
from collections.abc import Callable
import hashlib
import time

from ..common.parse import fields, texts
from ..common.parts import part
from .client import CallPush, SmartYard, TextPush
from .clocks import PushClock

# Seconds of tolerated clock error: for how long a ring is accepted after its end, and how far its time may be in the
# future. A repeated push with a future time has no effect, because pushes are remembered.
SKEW, AHEAD = 30, 300
# Seconds after which a call has ended, regardless of the push.
LONGEST = 180
# Seconds after which a message is late, and after which it is rejected.
_LATE, _STALE = 150, 3600
# Seconds for which a message without a time is remembered.
_REMEMBERED = 30 * 86400.0
# Maximum number of remembered IDs; a ring has two.
_MANY = 1024


class PushFilter:
    """Accepts pushes that are new and current.

    Args:
        stored: ``as_json`` of the previous run, so that a restart does not repeat a ring.
        now: Local clock in Unix seconds.
        clock: Clock of pushes; the local one by default.
    """

    def __init__(
        self, stored: object = None, now: Callable[[], float] = time.time, clock: PushClock | None = None
    ) -> None:
        self.clock = clock or PushClock(now=now)
        self._now = now
        # Until when each push would be accepted if it was repeated.
        self._seen: OrderedDict[str, float] = OrderedDict(
            (key, float(until)) for key, until in fields(stored).items() if isinstance(until, int | float)
        )
        self._seen |= dict.fromkeys(texts(stored), now() + _STALE)  # format of earlier versions

    def as_json(self) -> dict[str, float]:
        """Return the state to store: digests without readable content, as long as they are needed."""
        now = self._now()
        return {key: until for key, until in self._seen.items() if until >= now}

    def objection(self, push: CallPush | TextPush) -> str | None:
        """Return why a push is ignored, without secrets; None for a new push, which is recorded."""
        if self._is_seen(push):
            self._remember(push)  # the next one may have only one of its other IDs
            return "it was received before"
        return self._check(push)

    def rings_for(self, push: CallPush) -> float:
        """Return for how many more seconds a call rings."""
        ttl = min(push.ttl, LONGEST)
        age = 0.0 if push.timestamp is None else self.clock.age(push.timestamp)
        # A wrong clock must not end the ringing at once.
        return min(float(ttl), max(ttl - age, ttl / 2))

    def is_late(self, push: TextPush) -> bool:
        """Return whether a message is late."""
        return push.timestamp is not None and self.clock.age(push.timestamp) > _LATE

    def needs_verification(self, push: CallPush) -> bool:
        """Return whether a call is new but its time is implausible, and the server can verify it."""
        if push.hash is None or push.timestamp is None or self._is_seen(push):
            return False
        age = self.clock.age(push.timestamp)
        # The server knows a call for minutes, also that of a delayed push.
        may_be_delayed = self.clock.is_proven and 0 < age <= LONGEST + SKEW
        return not may_be_delayed and not self._is_timely(push, age)

    def begin_verification(self, push: CallPush) -> float:
        """Record a call that is being verified; return the ``shift`` for ``confirm``."""
        self._remember(push)
        return self.clock.shift_of(push.timestamp or 0)

    def confirm(self, push: CallPush, shift: float) -> None:
        """Record a verified call: its time shows the clock of pushes."""
        self.clock.adopt(shift)
        self._remember(push)

    def deny(self, push: CallPush) -> str | None:
        """Return why a call that the server does not know is ignored; None if it is accepted."""
        objection = self._check(push, is_denied=True)
        self._remember(push)
        return objection

    def give_up(self, push: CallPush) -> str | None:
        """Return why a call that cannot be verified is ignored; it may be repeated."""
        for key in push.ring_ids:
            self._seen.pop(key, None)
        return self._check(push)

    def _check(self, push: CallPush | TextPush, *, is_denied: bool = False) -> str | None:
        if push.timestamp is None:
            if isinstance(push, CallPush):
                return "it contains no time"
        elif not self._is_plausible(push, push.timestamp, is_denied=is_denied):
            age = self.clock.age(push.timestamp)
            return f"it is too old: {age:.0f} s" if age > 0 else f"it is {-age:.0f} s in the future"
        self._remember(push)
        return None

    def _is_plausible(self, push: CallPush | TextPush, timestamp: int, *, is_denied: bool) -> bool:
        """Return whether the time of a push is plausible; adjusts the clock to accepted pushes."""
        clock, is_call = self.clock, isinstance(push, CallPush)
        age, shift = clock.age(timestamp), clock.shift_of(timestamp)
        if self._is_timely(push, age):
            if is_call:
                clock.prove(shift)
            return True
        if not clock.is_known and not is_denied:
            if is_call:  # a message may have been delayed for hours
                clock.adopt(shift)
            return True
        # A push cannot arrive before it is sent, so the clock has been set.
        was_set = age < 0 and (self._is_timely(push, -shift) or not (clock.has_reply_time or is_denied))
        if was_set or clock.is_constant(timestamp):
            clock.adopt(shift)
            return True
        return False

    @staticmethod
    def _is_timely(push: CallPush | TextPush, age: float) -> bool:
        if isinstance(push, CallPush):
            return -AHEAD <= age <= min(push.ttl, LONGEST) + SKEW
        return -_STALE <= age <= _STALE

    def _is_seen(self, push: CallPush | TextPush) -> bool:
        return any(key in self._seen for key in _ids(push))

    def _remember(self, push: CallPush | TextPush) -> None:
        until = self._accepted_until(push)
        self._seen |= {key: max(until, self._seen.get(key, until)) for key in _ids(push)}
        while len(self._seen) > _MANY:
            self._seen.popitem(last=False)

    def _accepted_until(self, push: CallPush | TextPush) -> float:
        """Return until when a push is acceptable, on the local clock."""
        if push.timestamp is None:
            return self._now() + _REMEMBERED
        longest = min(push.ttl, LONGEST) + SKEW if isinstance(push, CallPush) else _STALE
        return self._now() + longest - self.clock.age(push.timestamp)


def _ids(push: CallPush | TextPush) -> tuple[str, ...]:
    return push.ring_ids if isinstance(push, CallPush) else _text_ids(push)


def _text_ids(push: TextPush) -> tuple[str, ...]:
    """Return an ID of a message, none for one that may be repeated."""
    if push.message_id is None and push.timestamp is None:
        return ()
    content = push.message_id or f"{push.timestamp} {push.action} {push.title} {push.body}"
    return (hashlib.sha256(f"text {content}".encode()).hexdigest()[:32],)


_PLATFORM, _SERVICE = "android", "fcm"


class SmartYardPushService:
    """The feature ``push_service``. This device is separate: the phones of the account keep their tokens."""

    def __init__(self, yard: SmartYard) -> None:
        self._user = yard.user
        self._registered: str | None = None

    async def register(self, token: str, bundle: str | None = None) -> None:
        """Register a push token unless the server has it already.

        Args:
            bundle: The operator's name for its own push service; None for Google's.
        """
        if await self._registered_token() != token:
            await self._user.register_push(token, _PLATFORM, _SERVICE, bundle=bundle)
            self._registered = token

    async def route(self, bundle: str, secret: str) -> None:
        """Register a push service of the operator with a generated token: the operator has its address.

        Args:
            bundle: The operator's name for the service.
            secret: Secret of this entry; it cannot be derived from the token.
        """
        await self.register(hashlib.sha256(f"{bundle} {secret}".encode()).hexdigest(), bundle)

    async def _registered_token(self) -> str | None:
        """Return the token on the server, which is a word such as ``err`` if it was removed."""
        found = await part(self._user.push_tokens(), [])
        return self._registered if found is None else found.push  # not every server reports it
