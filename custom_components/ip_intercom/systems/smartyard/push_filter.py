"""Push filter: each ring and message once, and only while it is current; and the token for pushes (field notes 7)."""

from collections import OrderedDict
from collections.abc import Callable
import hashlib
import time

from ..common.parse import fields, texts
from ..common.parts import part
from .client import CallPush, SmartYard, TextPush
from .push_clock import PushClock

# Seconds by which the clock of the server, or ours, may be wrong: for how long a ring is heard after its end, and how
# far it may lie ahead. A sender that puts it ahead gains nothing, because it is remembered.
SKEW, AHEAD = 30, 300
# Seconds after which a call is over, regardless of the push.
LONGEST = 180
# Seconds after which a message is no news, and after which it is not believed at all.
_LATE, _STALE = 150, 3600
# A message that does not tell when it was sent is remembered for as many seconds.
_REMEMBERED = 30 * 86400.0
# So many are remembered at most, two for a ring.
_MANY = 1024


class PushFilter:
    """Tells news from what was heard before, or is too old.

    Args:
        heard: What ``as_json`` returned in an earlier life: a restart makes no second ring of one.
        now: Our clock in seconds since 1970.
        clock: Tells how old pushes are; ours where it is left out.
    """

    def __init__(
        self, heard: object = None, now: Callable[[], float] = time.time, clock: PushClock | None = None
    ) -> None:
        self.clock = clock or PushClock(now=now)
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
        """Return why a push is ignored, without secrets; None for a new push, which is remembered."""
        if self._is_heard(push):
            self._remember(push)  # the next one may have another of its ids only
            return "it was received before"
        return self._judge(push)

    def rings_for(self, push: CallPush) -> float:
        """Return for how many seconds from now a call goes on ringing."""
        ttl = min(push.ttl, LONGEST)
        age = 0.0 if push.timestamp is None else self.clock.age(push.timestamp)
        # A clock that is wrong must not make it silent at once.
        return min(float(ttl), max(ttl - age, ttl / 2))

    def is_late(self, push: TextPush) -> bool:
        """Return whether a message is no news any more."""
        return push.timestamp is not None and self.clock.age(push.timestamp) > _LATE

    # -- calls of which the server can tell whether they ring ------------------------------------

    def doubts(self, push: CallPush) -> bool:
        """Return whether only its time speaks against a call of which the server can tell whether it still rings."""
        if push.hash is None or push.timestamp is None or self._is_heard(push):
            return False
        return not self._is_timely(push, self.clock.age(push.timestamp))

    def begin_asking(self, push: CallPush) -> float:
        """Remember a call that the server is asked about; return what ``confirm`` needs."""
        self._remember(push)
        return self.clock.shift_of(push.timestamp or 0)

    def confirm(self, push: CallPush, shift: float) -> None:
        """Take a call that still rings: its time shows the server's clock."""
        self.clock.adopt(shift)
        self._remember(push)

    def deny(self, push: CallPush) -> str | None:
        """Return why a call that the server does not know is ignored; None for one that is new all the same."""
        objection = self._judge(push, is_denied=True)
        self._remember(push)
        return objection

    def give_up(self, push: CallPush) -> str | None:
        """Return why a call that cannot be checked with the server is ignored; it may come again."""
        for key in push.ring_ids:
            self._heard.pop(key, None)
        return self._judge(push)

    # -- judging -----------------------------------------------------------------------------------

    def _judge(self, push: CallPush | TextPush, *, is_denied: bool = False) -> str | None:
        if push.timestamp is None:
            if isinstance(push, CallPush):
                return "it contains no time"
        elif not self._is_believed(push, push.timestamp, is_denied=is_denied):
            age = self.clock.age(push.timestamp)
            return f"it is too old: {age:.0f} s" if age > 0 else f"it is {-age:.0f} s in the future"
        self._remember(push)
        return None

    def _is_believed(self, push: CallPush | TextPush, timestamp: int, *, is_denied: bool) -> bool:
        """Return whether a push is not provably too old or forged; the clock learns from those that are news."""
        clock, is_call = self.clock, isinstance(push, CallPush)
        age, shift = clock.age(timestamp), clock.shift_of(timestamp)
        if self._is_timely(push, age):
            if is_call and not clock.is_known:
                clock.adopt(shift)
            return True
        if not clock.is_known and not is_denied:
            if is_call:  # a message may have waited for hours
                clock.adopt(shift)
            return True
        # Nothing comes before it is sent: the clock was set since.
        was_set = age < 0 and (self._is_timely(push, -shift) or not (clock.replies_tell or is_denied))
        if was_set or clock.is_constant(timestamp):
            clock.adopt(shift)
            return True
        return False

    @staticmethod
    def _is_timely(push: CallPush | TextPush, age: float) -> bool:
        if isinstance(push, CallPush):
            return -AHEAD <= age <= min(push.ttl, LONGEST) + SKEW
        return -_STALE <= age <= _STALE

    # -- remembering -------------------------------------------------------------------------------

    def _is_heard(self, push: CallPush | TextPush) -> bool:
        return any(key in self._heard for key in _ids(push))

    def _remember(self, push: CallPush | TextPush) -> None:
        until = self._believed_until(push)
        self._heard |= {key: max(until, self._heard.get(key, until)) for key in _ids(push)}
        while len(self._heard) > _MANY:
            self._heard.popitem(last=False)

    def _believed_until(self, push: CallPush | TextPush) -> float:
        """Return until when a push is neither over nor too old, by our clock."""
        if push.timestamp is None:
            return self._now() + _REMEMBERED
        longest = min(push.ttl, LONGEST) + SKEW if isinstance(push, CallPush) else _STALE
        return self._now() + longest - self.clock.age(push.timestamp)


def _ids(push: CallPush | TextPush) -> tuple[str, ...]:
    return push.ring_ids if isinstance(push, CallPush) else _text_ids(push)


def _text_ids(push: TextPush) -> tuple[str, ...]:
    """Return what tells a message from all others, nothing for one that may come again."""
    if push.message_id is None and push.timestamp is None:
        return ()
    said = push.message_id or f"{push.timestamp} {push.action} {push.title} {push.body}"
    return (hashlib.sha256(f"text {said}".encode()).hexdigest()[:32],)


_PLATFORM, _SERVICE = "android", "fcm"


class SmartYardPushService:
    """The feature ``push_service``. Our device is one of its own: the phones of the account keep their tokens.

    Args:
        yard: Told.
    """

    def __init__(self, yard: SmartYard) -> None:
        self._user = yard.user
        self._told: str | None = None

    async def tell(self, token: str, bundle: str | None = None) -> None:
        """Have pushes sent to a token; nothing happens where the server knows it already.

        Args:
            token: To which.
            bundle: By which the operator knows a service of its own; None for Google's.
        """
        if await self._known() != token:
            await self._user.register_push(token, _PLATFORM, _SERVICE, bundle=bundle)
            self._told = token

    async def route(self, bundle: str, secret: str) -> None:
        """Have pushes sent to a service of the operator, with a token that is made up: it knows where to send them.

        Args:
            bundle: By which the operator knows it.
            secret: Ours alone; it cannot be read from the token.
        """
        await self.tell(hashlib.sha256(f"{bundle} {secret}".encode()).hexdigest(), bundle)

    async def _known(self) -> str | None:
        """Return what the server has, which is a word such as ``err`` where it was forgotten."""
        found = await part(self._user.push_tokens(), [])
        return self._told if found is None else found.push  # not every server tells
