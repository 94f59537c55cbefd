"""Calls of an Akuvox: three routes report the same call, and the first report counts.

The device knows no sessions. It pushes MakeCall and HangUp (Action URLs), says READY or another word
when asked (Api call), and writes a record when a call is over (Api calllog). Here they are put together,
one session for each call.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
import logging
from math import inf
import time

from ...model.events import CallChanged
from ...model.parts import CallSession, CallState, Direction, SessionId
from ...model.ring_detector import peer_number
from ..common.errors import ConnectionFailed, IntercomError, NotReached, NotSupported
from ..common.parse import integer, member, text, texts
from .call_words import Meaning, is_incoming, meaning_of, plain, state_of
from .client import AkuvoxDevice
from .client.logs import CallKind, CallRecord

_LOGGER = logging.getLogger(__name__)

# So many seconds after it was told to call, a device may still say that it is ready.
_BEGINNING = 3.0
# So many seconds after it pushed the end of a call, it may still say that the call goes on.
_ENDING = 3.0
# A call that nothing has confirmed for so many seconds is over, even if its end was missed.
_FORGOTTEN = 60.0
# A call to the next number that begins so many seconds after the last one gave up is the same visit.
_NEXT_NUMBER = 3.0
# The records of a call come so many seconds after its end at the latest.
_RECORD = 180.0
_WAITING = 8
_AT_ONCE = timedelta(seconds=3)


@dataclass(slots=True)
class _Call:
    """A call in progress, or one whose records may still come.

    Attributes:
        session: Its number, ours.
        direction: As far as known; ``certain`` tells whether it is more than a guess.
        state: Where it stands.
        confirmed: When the device spoke of it last, by our clock.
        peers: The numbers called, as the device pushed them; ``logged`` those of its records, and ``logged_at`` when
            the first of them is from.
        pushed: The device told of it by itself.
        own: It was dialled from here.
        answered: The call was answered.
        word: The device's first word for it, when asked.
    """

    session: SessionId
    direction: Direction
    certain: bool
    state: CallState
    began: float
    confirmed: float
    peer: str | None = None
    peers: set[str] = field(default_factory=set)
    logged: set[str] = field(default_factory=set)
    logged_at: datetime | None = None
    pushed: bool = False
    own: bool = False
    answered: bool = False
    word: str | None = None

    def changed(self, state: CallState | None = None) -> CallChanged:
        return CallChanged(self.session, self.direction, state or self.state, self.peer)

    def as_store(self, ahead: float) -> dict[str, object]:
        """Return it as JSON; Unix time is ``ahead`` of our clock."""
        return {
            "session": self.session,
            "direction": self.direction.value,
            "certain": self.certain,
            "state": self.state.value,
            "began": self.began + ahead,
            "confirmed": self.confirmed + ahead,
            "peer": self.peer,
            "peers": sorted(self.peers),
            "logged": sorted(self.logged),
            "logged_at": None if self.logged_at is None else self.logged_at.isoformat(),
            "pushed": self.pushed,
            "own": self.own,
            "answered": self.answered,
            "word": self.word,
        }

    @classmethod
    def from_store(cls, stored: object, ahead: float) -> _Call | None:
        """Return what ``as_store`` wrote, None where that cannot be read."""
        if not isinstance(stored, Mapping):
            return None
        session, state = integer(stored.get("session")), member(CallState, stored.get("state"))
        direction, logged_at = member(Direction, stored.get("direction")), text(stored.get("logged_at"))
        began, confirmed = stored.get("began"), stored.get("confirmed")
        if session is None or state is None or direction is None:
            return None
        if not isinstance(began, int | float) or not isinstance(confirmed, int | float):
            return None
        try:
            logged = None if logged_at is None else datetime.fromisoformat(logged_at)
        except ValueError:
            logged = None
        return cls(
            session,
            direction,
            stored.get("certain") is True,
            state,
            began - ahead,
            confirmed - ahead,
            peer=text(stored.get("peer")),
            peers=set(texts(stored.get("peers"))),
            logged=set(texts(stored.get("logged"))),
            logged_at=logged,
            pushed=stored.get("pushed") is True,
            own=stored.get("own") is True,
            answered=stored.get("answered") is True,
            word=text(stored.get("word")),
        )

    def log(self, number: str, when: datetime | None) -> None:
        """Note that the device has written a record of it."""
        self.logged.add(number)
        self.logged_at = self.logged_at or when

    def may_have(self, number: str, outgoing: bool, when: datetime | None) -> bool:
        """Return whether a record of a number and a direction may be of this call."""
        if number in self.logged or (self.certain and (self.direction is Direction.OUTGOING) is not outgoing):
            return False
        if number in self.peers or not self.logged:
            return number in self.peers or not self.peers
        # A group is called at once: a record for each number, and perhaps a push for the first only.
        return when is not None and self.logged_at is not None and abs(when - self.logged_at) <= _AT_ONCE


@dataclass(slots=True)
class CallTracker:
    """Puts together what the three routes tell.

    Attributes:
        idle: What this device was heard to say without a call.
        words: Directions of the device's words, as its records have shown: True for outgoing, None for both.
        monotonic: A clock in seconds.
        unpushed: Visitors' calls in a row that the device did not tell of by itself.
        pushes_calls: The device is known to tell of every call that it makes.
        commanded: Is told that a call was begun or ended from here.
    """

    idle: set[str] = field(default_factory=set)
    words: dict[str, bool | None] = field(default_factory=dict)
    monotonic: Callable[[], float] = time.monotonic
    unpushed: int = 0
    pushes_calls: bool = False
    commanded: Callable[[], None] = lambda: None
    _next: SessionId = field(default_factory=lambda: int(time.time()))
    _call: _Call | None = None
    # The call in progress is known from an earlier life, and nothing has been told of it in this one.
    _restored: bool = False
    _pushed_at: float = -inf
    _hung_at: float = -inf
    _before: _Call | None = None
    _untold: tuple[CallChanged, ...] = ()
    _over: deque[_Call] = field(default_factory=lambda: deque(maxlen=_WAITING))

    @property
    def in_call(self) -> bool:
        """Whether a call is in progress."""
        return self._call is not None

    @property
    def sessions(self) -> Mapping[SessionId, CallSession]:
        """The call in progress."""
        call = self._call
        return {} if call is None else {call.session: CallSession(call.session, call.direction, call.state, call.peer)}

    # -- over a restart --------------------------------------------------------------------------

    def as_store(self) -> dict[str, object]:
        """Return the calls that other routes may still tell of, as JSON."""
        ahead = time.time() - self.monotonic()
        oldest = self.monotonic() - _RECORD
        return {
            "call": None if self._call is None else self._call.as_store(ahead),
            "over": [call.as_store(ahead) for call in self._over if call.confirmed >= oldest],
        }

    def restore(self, stored: object) -> None:
        """Remember what ``as_store`` wrote: a call that rang in an earlier life rings no more."""
        if not isinstance(stored, Mapping):
            return
        ahead = time.time() - self.monotonic()
        over = stored.get("over")
        calls = [_Call.from_store(item, ahead) for item in (over if isinstance(over, list) else ())]
        self._over.extend(call for call in calls if call is not None)
        call = _Call.from_store(stored.get("call"), ahead)
        if call is not None and self.monotonic() - call.confirmed <= _FORGOTTEN:
            self._call, self._restored = call, True
        elif call is not None:
            self._over.append(call)
        self._next = max([self._next, *(known.session + 1 for known in (*self._over, call) if known is not None)])

    # -- from here -------------------------------------------------------------------------------

    def dialling(self, number: str) -> SessionId:
        """Note that a call is being dialled from here, before the device hears of it."""
        self._before = self._call
        self._call = call = self._new(Direction.OUTGOING, certain=True, peer=number)
        call.own = True
        return call.session

    def dialled(self) -> None:
        """Note that the device calls, or may: the call before is over."""
        if self._before is not None:
            self._untold += self._finish(self._before)
            self._before = None
        self.commanded()

    def not_dialled(self, session: SessionId) -> None:
        """Note that the device did not call after all: the call before, if there was one, goes on."""
        if self._call is not None and self._call.session == session:
            self._call = self._before
        self._before = None

    def hung_up(self) -> None:
        """Note that the device was told to end the call: that it is ready may be taken at its word."""
        if self._call is not None:
            self._call.began -= _BEGINNING
            self.commanded()

    def untold(self) -> tuple[CallChanged, ...]:
        """Return what commands have changed, once."""
        changes, self._untold = self._untold, ()
        return changes

    def restart(self) -> None:
        """End the call in progress: the device has restarted, but its records of calls may still come."""
        self._end()

    # -- what the device pushes ------------------------------------------------------------------

    def made(self, number: str | None) -> tuple[CallChanged, ...]:
        """Take a MakeCall."""
        now = self.monotonic()
        self._pushed_at, self.unpushed = now, 0
        ended: tuple[CallChanged, ...] = ()
        if self._call is not None and now - self._call.confirmed > _FORGOTTEN:
            ended = self._end()
        call = self._call or (None if ended else self._continued(now))
        mistaken = call is not None and call.direction is Direction.INCOMING
        if call is None:
            call = self._new(Direction.OUTGOING, certain=True, peer=number)
        self._call = call
        call.direction, call.certain, call.pushed, call.confirmed = Direction.OUTGOING, True, True, now
        if number is not None:
            call.peer = number
            call.peers.add(peer_number(number))
        # That it rings is the news, also where it was taken for another before.
        rang = (call.changed(CallState.RINGING),) if mistaken and call.state is CallState.CONNECTED else ()
        return (*ended, *rang, call.changed())

    def hung(self) -> tuple[CallChanged, ...]:
        """Take a HangUp."""
        self._pushed_at = self._hung_at = self.monotonic()
        return self._end()

    def _continued(self, now: float) -> _Call | None:
        """Return the call that has just given up one number and tries the next."""
        last = self._over[-1] if self._over else None
        if last is None or last.answered or last.own or last.direction is not Direction.OUTGOING:
            return None
        if now - last.confirmed > _NEXT_NUMBER:
            return None
        self._over.pop()
        last.state, last.began = CallState.CONNECTING, now
        return last

    # -- what it says when asked -----------------------------------------------------------------

    def looked(self, word: str, asked_at: float) -> tuple[CallChanged, ...]:
        """Take an answer of call/status that was asked for at ``asked_at``."""
        call = self._call
        if asked_at < self._pushed_at:
            return ()  # older than what the device has pushed since
        if self.is_idle(word):
            self._hung_at = -inf
            return () if call is None or asked_at - call.began < _BEGINNING else self._end()
        if call is None and asked_at - self._hung_at < _ENDING:
            return ()
        state = state_of(word)
        began: tuple[CallChanged, ...] = ()
        if call is None:
            self._call = call = self._new(self._direction_of(word, state), certain=False)
            call.state = CallState.RINGING
            # That it rings is the news, also if it was answered before it was polled.
            began = (call.changed(),)
        call.word = call.word or word
        call.confirmed = self.monotonic()
        call.answered = call.answered or state is CallState.CONNECTED
        restored, self._restored = self._restored, False
        if state is call.state and not restored:
            return began
        call.state = state
        return (*began, call.changed())

    def is_idle(self, word: str) -> bool:
        """Tell whether a word of call/status means that there is no call.

        A word that is not known, and the first that this device says, does: there hardly ever is a call at that moment.
        It does not any more once the device says a known one.
        """
        known, meaning = plain(word), meaning_of(word)
        if meaning is Meaning.IDLE:
            self.idle = {known}
        elif self._call is None and not self.idle and meaning is Meaning.UNKNOWN:
            _LOGGER.debug("Learned %s as the call state of an idle device", word)
            self.idle = {known}
        return known in self.idle

    def _direction_of(self, word: str, state: CallState) -> Direction:
        """Return the direction of a call by the first word for it; unless something speaks against it, a visitor's.

        A device that pushes its calls has not made this one. One that is connected from the start was most
        likely answered by the device itself. If that is wrong, a push or a record will tell.
        """
        likely = not self.pushes_calls and state is not CallState.CONNECTED and not is_incoming(word)
        outgoing = self.words.get(word, likely)
        if outgoing is None or self.pushes_calls:
            outgoing = likely
        return Direction.OUTGOING if outgoing else Direction.INCOMING

    # -- what it writes down ---------------------------------------------------------------------

    def logged(self, record: CallRecord) -> tuple[CallChanged, ...]:
        """Take a new record; return the call in it, if no other route has told of it."""
        outgoing = record.kind is CallKind.DIALED
        number = peer_number(record.number or "")
        call = self._call_of(number, outgoing, record.when)
        ended = self._end() if call is not None and call is self._call else ()
        if call is not None:
            call.log(number, record.when)
            if call.word is not None:
                known = self.words.setdefault(call.word, outgoing)
                self.words[call.word] = outgoing if known is outgoing else None
        if outgoing and (call is None or not (call.pushed or call.own)):
            self.unpushed += 1
        if call is not None and (call.direction is Direction.OUTGOING or not outgoing):
            return ended
        # It was not reported, or it was taken for an incoming call.
        unseen = self._new(Direction.OUTGOING if outgoing else Direction.INCOMING, certain=True, peer=record.number)
        unseen.log(number, record.when)
        self._over.append(unseen)
        return (*ended, unseen.changed(CallState.RINGING), unseen.changed(CallState.TERMINATED))

    def seen_for(self, record: CallRecord) -> float:
        """Return for how many seconds the call of a record is known, also as one that came in; 0 for an unknown one."""
        call = self._call_of(peer_number(record.number or ""), record.kind is CallKind.DIALED, record.when)
        return 0.0 if call is None else self.monotonic() - call.began

    def _call_of(self, number: str, outgoing: bool, when: datetime | None) -> _Call | None:
        """Return the call that a record is of, the one in progress last: its end may not have been seen yet."""
        oldest = self.monotonic() - _RECORD
        over = [call for call in self._over if call.confirmed >= oldest]
        candidates = over if self._call is None else [*over, self._call]
        return next((call for call in candidates if call.may_have(number, outgoing, when)), None)

    # -- sessions --------------------------------------------------------------------------------

    def _new(self, direction: Direction, *, certain: bool, peer: str | None = None) -> _Call:
        now = self.monotonic()
        session, self._next = self._next, self._next + 1
        return _Call(session, direction, certain, CallState.CONNECTING, now, now, peer)

    def _end(self) -> tuple[CallChanged, ...]:
        """End the call in progress, if there is one."""
        call, self._call = self._call, None
        return () if call is None else self._finish(call)

    def _finish(self, call: _Call) -> tuple[CallChanged, ...]:
        call.confirmed = self.monotonic()
        self._over.append(call)
        return (call.changed(CallState.TERMINATED),)


class AkuvoxCalls:
    """Calls that are made and ended from here.

    Args:
        device: The device.
        tracker: What is known of the call in progress.
    """

    answers = False

    def __init__(self, device: AkuvoxDevice, tracker: CallTracker) -> None:
        self._call = device.call
        self._tracker = tracker

    async def dial(self, number: str | None, users: Sequence[str]) -> SessionId:
        """Call a number, an IP address or a SIP URI."""
        if number is None or users:
            raise NotSupported("an Akuvox calls numbers, not entries of the directory")
        session = self._tracker.dialling(number)
        try:
            await self._call.dial(number)
        except ConnectionFailed as err:
            # It may call all the same, unless it was never asked.
            if isinstance(err, NotReached):
                self._tracker.not_dialled(session)
            else:
                self._tracker.dialled()
            raise
        except IntercomError:
            self._tracker.not_dialled(session)
            raise
        self._tracker.dialled()
        return session

    async def answer(self, session: SessionId) -> None:
        """Refuse: the API has nothing to answer a call with; the device may be set to answer by itself."""
        raise NotSupported("an Akuvox answers by itself or by its own buttons")

    async def hang_up(self, session: SessionId, reason: str | None = None) -> None:
        """End the call in progress."""
        await self._call.hangup()
        self._tracker.hung_up()

    async def in_progress(self) -> Mapping[SessionId, CallSession]:
        """Return the call that there is now."""
        if self._tracker.is_idle(await self._call.status()):
            return {}
        # One that has not been reported yet: it can be ended as well.
        return self._tracker.sessions or {0: CallSession(0, Direction.OUTGOING, CallState.RINGING)}
