"""Call tracking of an Akuvox: three sources report the same call, and the first report counts.

The device has no sessions. It pushes MakeCall and HangUp (Action URLs), returns READY or another word as its status
(Api call), and writes a record, usually at the end (Api calllog). The reports are combined into one session per call.
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
from ...model.talk import CalledTalk
from ..common.errors import ConnectionFailed, IntercomError, NotReached, NotSupported
from ..common.parse import integer, member, text, texts
from .call_words import Meaning, is_incoming, meaning_of, plain, state_of
from .client import AkuvoxDevice
from .client.logs import CallKind, CallRecord

_LOGGER = logging.getLogger(__name__)

# Seconds after a dial command during which the device may still report that it is idle.
_DIAL_LAG = 3.0
# Seconds after a HangUp push during which the device may still report the call.
_HANG_UP_LAG = 3.0
# Seconds without confirmation after which a call has ended, even if its end was missed.
_CALL_TIMEOUT = 60.0
# Seconds for which a status or push that shows a call is valid: longer than the interval of its polls.
_STATUS_TIMEOUT = 40.0
# Seconds after an unanswered call within which a call to the next number belongs to the same visit.
_NEXT_NUMBER_DELAY = 3.0
# Seconds after the end of a call within which its records arrive.
_RECORD_TIMEOUT = 180.0
_MAX_ENDED = 8
_GROUP_CALL_SPAN = timedelta(seconds=3)


@dataclass(slots=True)
class _Call:
    """A call in progress, or an ended one whose records may still arrive.

    Attributes:
        session: Session ID assigned by the integration.
        direction: Direction; ``certain`` is whether it is known.
        state: Call state.
        confirmed: Monotonic time of the device's last report of the call.
        peers: Pushed numbers of the called parties; ``logged`` are those of the records, ``logged_at`` is the time of
            the first record.
        pushed: Whether the device pushed the call.
        own: Whether the integration dialed the call.
        answered: Whether the call was answered.
        word: First status word of the device for the call.
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

    def changed(self, state: CallState | None = None, *, recorded: bool = False) -> CallChanged:
        return CallChanged(self.session, self.direction, state or self.state, self.peer, recorded=recorded)

    def as_store(self, ahead: float) -> dict[str, object]:
        """Return the call as JSON; ``ahead`` converts monotonic to Unix time."""
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
        """Return a stored call, None if it is unreadable."""
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
        """Record that the device has written a record of the call."""
        self.logged.add(number)
        self.logged_at = self.logged_at or when

    def may_match(self, number: str, outgoing: bool, when: datetime | None) -> bool:
        """Return whether a record with a number and a direction may be of this call."""
        if number in self.logged or (self.certain and (self.direction is Direction.OUTGOING) is not outgoing):
            return False
        if number in self.peers or not self.logged:
            return number in self.peers or not self.peers
        # A group call has a record for each number, but may have a push for the first one only.
        return when is not None and self.logged_at is not None and abs(when - self.logged_at) <= _GROUP_CALL_SPAN


@dataclass(slots=True)
class CallTracker:
    """Combines the reports of the three sources.

    Attributes:
        idle: Status word of this device without a call.
        words: Directions of status words, as learned from records: True for outgoing, None for both.
        monotonic: Monotonic clock in seconds.
        unpushed: Number of successive visitors' calls that the device did not push.
        pushes_calls: Whether the device is known to push all outgoing calls.
        commanded: Called when a command started or ended a call.
    """

    idle: set[str] = field(default_factory=set)
    words: dict[str, bool | None] = field(default_factory=dict)
    monotonic: Callable[[], float] = time.monotonic
    unpushed: int = 0
    pushes_calls: bool = False
    commanded: Callable[[], None] = lambda: None
    _next: SessionId = field(default_factory=lambda: int(time.time()))
    _call: _Call | None = None
    # The call in progress was restored from the previous run and has not been reported since.
    _restored: bool = False
    _pushed_at: float = -inf
    _hang_up_at: float = -inf
    _previous: _Call | None = None
    _pending_changes: tuple[CallChanged, ...] = ()
    _ended_calls: deque[_Call] = field(default_factory=lambda: deque(maxlen=_MAX_ENDED))

    @property
    def in_call(self) -> bool:
        """Whether a call is in progress."""
        return self._call is not None

    @property
    def sessions(self) -> Mapping[SessionId, CallSession]:
        """The call in progress."""
        call = self._call
        return {} if call is None else {call.session: CallSession(call.session, call.direction, call.state, call.peer)}

    def as_store(self) -> dict[str, object]:
        """Return the calls that may still be reported by other sources, as JSON."""
        ahead = time.time() - self.monotonic()
        oldest = self.monotonic() - _RECORD_TIMEOUT
        return {
            "call": None if self._call is None else self._call.as_store(ahead),
            "over": [call.as_store(ahead) for call in self._ended_calls if call.confirmed >= oldest],
        }

    def restore(self, stored: object) -> None:
        """Restore the calls of the previous run; a restored call does not ring again."""
        if not isinstance(stored, Mapping):
            return
        ahead = time.time() - self.monotonic()
        over = stored.get("over")
        calls = [_Call.from_store(item, ahead) for item in (over if isinstance(over, list) else ())]
        self._ended_calls.extend(call for call in calls if call is not None)
        call = _Call.from_store(stored.get("call"), ahead)
        if call is not None and self.monotonic() - call.confirmed <= _CALL_TIMEOUT:
            self._call, self._restored = call, True
        elif call is not None:
            self._ended_calls.append(call)
        self._next = max(
            [self._next, *(known.session + 1 for known in (*self._ended_calls, call) if known is not None)]
        )

    def dialing(self, number: str) -> SessionId:
        """Record an outgoing call before the dial command is sent."""
        self._previous = self._call
        self._call = call = self._new(Direction.OUTGOING, certain=True, peer=number)
        call.own = True
        return call.session

    def dialed(self) -> None:
        """Record that the device may have dialed: the previous call has ended."""
        if self._previous is not None:
            self._pending_changes += self._finish(self._previous)
            self._previous = None
        self.commanded()

    def not_dialed(self, session: SessionId) -> None:
        """Record that the device did not dial: the previous call, if any, continues."""
        if self._call is not None and self._call.session == session:
            self._call = self._previous
        self._previous = None

    def hung_up(self) -> None:
        """Record a hang-up command: an idle status right after it is valid."""
        if self._call is not None:
            self._call.began -= _DIAL_LAG
            self.commanded()

    def take_changes(self) -> tuple[CallChanged, ...]:
        """Return the changes caused by commands, once."""
        changes, self._pending_changes = self._pending_changes, ()
        return changes

    def restart(self) -> None:
        """End the call in progress after a restart of the device; its records may still arrive."""
        self._end()

    def pushed_call(self, number: str | None) -> tuple[CallChanged, ...]:
        """Process a MakeCall push."""
        now = self.monotonic()
        self._pushed_at, self.unpushed = now, 0
        ended: tuple[CallChanged, ...] = ()
        if self._call is not None and now - self._call.confirmed > _CALL_TIMEOUT:
            ended = self._end()
        call = self._call or (None if ended else self._continued(now))
        if call is None:
            call = self._new(Direction.OUTGOING, certain=True, peer=number)
        self._call = call
        call.pushed, call.confirmed = True, now
        if number is not None:
            call.peer = number
            call.peers.add(peer_number(number))
        return (*ended, *self._as_outgoing(call))

    def _as_outgoing(self, call: _Call) -> tuple[CallChanged, ...]:
        """Report a call that certainly is outgoing; it rings even if it was tracked as a connected incoming one."""
        was_incoming = call.direction is Direction.INCOMING
        call.direction, call.certain = Direction.OUTGOING, True
        ring = (call.changed(CallState.RINGING),) if was_incoming and call.state is CallState.CONNECTED else ()
        return (*ring, call.changed())

    def _is_shown(self) -> bool:
        """Return whether the status of the device shows the call in progress, or soon will."""
        call, since = self._call, self.monotonic() - _STATUS_TIMEOUT
        return call is not None and (call.word is not None or bool(self.idle)) and call.confirmed >= since

    def pushed_hang_up(self) -> tuple[CallChanged, ...]:
        """Process a HangUp push."""
        self._pushed_at = self._hang_up_at = self.monotonic()
        return self._end()

    def _continued(self, now: float) -> _Call | None:
        """Return the call that has just given up one number and dials the next."""
        last = self._ended_calls[-1] if self._ended_calls else None
        if last is None or last.answered or last.own or last.direction is not Direction.OUTGOING:
            return None
        if now - last.confirmed > _NEXT_NUMBER_DELAY:
            return None
        self._ended_calls.pop()
        last.state, last.began = CallState.CONNECTING, now
        return last

    def polled(self, word: str, asked_at: float) -> tuple[CallChanged, ...]:
        """Process the response of a ``call/status`` request that was sent at ``asked_at``."""
        call = self._call
        if asked_at < self._pushed_at:
            return ()  # older than the last push message
        if self.is_idle(word):
            self._hang_up_at = -inf
            return () if call is None or asked_at - call.began < _DIAL_LAG else self._end()
        if call is None and asked_at - self._hang_up_at < _HANG_UP_LAG:
            return ()
        state = state_of(word)
        began: tuple[CallChanged, ...] = ()
        if call is None:
            self._call = call = self._new(self._direction_of(word, state), certain=False)
            call.state = CallState.RINGING
            # Report the ring even if the call was answered before the poll.
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
        """Return whether a word of ``call/status`` indicates that there is no call.

        If the first word of this device is unknown, it is learned as idle, as there hardly ever is a call at that
        moment. A known idle word replaces it later.
        """
        known, meaning = plain(word), meaning_of(word)
        if meaning is Meaning.IDLE:
            self.idle = {known}
        elif self._call is None and not self.idle and meaning is Meaning.UNKNOWN:
            _LOGGER.debug("Learned %s as the call state of an idle device", word)
            self.idle = {known}
        return known in self.idle

    def _direction_of(self, word: str, state: CallState) -> Direction:
        """Return the likely direction of a call from its first status word; by default, a visitor's call.

        A device that pushes its calls would have pushed an outgoing one. A call that is connected from the start was
        probably incoming and answered automatically. A push or a record corrects a wrong guess.
        """
        likely = not self.pushes_calls and state is not CallState.CONNECTED and not is_incoming(word)
        outgoing = self.words.get(word, likely)
        if outgoing is None or self.pushes_calls:
            outgoing = likely
        return Direction.OUTGOING if outgoing else Direction.INCOMING

    def logged(self, record: CallRecord) -> tuple[CallChanged, ...]:
        """Process a new record; return its call if no other source has reported it."""
        outgoing = record.kind is CallKind.DIALED
        number = peer_number(record.number or "")
        call = self._call_of(number, outgoing, record.when)
        # A record may be written when a call begins: it ends no call whose end the status will show.
        goes_on = call is self._call and self._is_shown()
        ended = self._end(recorded=True) if call is not None and call is self._call and not goes_on else ()
        if call is not None:
            call.log(number, record.when)
            if call.word is not None:
                known = self.words.setdefault(call.word, outgoing)
                self.words[call.word] = outgoing if known is outgoing else None
        if outgoing and (call is None or not (call.pushed or call.own)):
            self.unpushed += 1
        if call is not None and (call.direction is Direction.OUTGOING or not outgoing):
            return ended
        if call is not None and goes_on:
            return self._as_outgoing(call)
        # The call was not reported, or was tracked as an incoming call.
        unseen = self._new(Direction.OUTGOING if outgoing else Direction.INCOMING, certain=True, peer=record.number)
        unseen.log(number, record.when)
        self._ended_calls.append(unseen)
        return (*ended, unseen.changed(CallState.RINGING), unseen.changed(CallState.TERMINATED, recorded=True))

    def tracked_for(self, record: CallRecord) -> float:
        """Return for how many seconds the call of a record has been tracked, in either direction; 0 if it was not."""
        call = self._call_of(peer_number(record.number or ""), record.kind is CallKind.DIALED, record.when)
        return 0.0 if call is None else self.monotonic() - call.began

    def _call_of(self, number: str, outgoing: bool, when: datetime | None) -> _Call | None:
        """Return the call of a record; the call in progress comes last, as its end may have been missed."""
        oldest = self.monotonic() - _RECORD_TIMEOUT
        over = [call for call in self._ended_calls if call.confirmed >= oldest]
        candidates = over if self._call is None else [*over, self._call]
        return next((call for call in candidates if call.may_match(number, outgoing, when)), None)

    def _new(self, direction: Direction, *, certain: bool, peer: str | None = None) -> _Call:
        now = self.monotonic()
        session, self._next = self._next, self._next + 1
        return _Call(session, direction, certain, CallState.CONNECTING, now, now, peer)

    def _end(self, *, recorded: bool = False) -> tuple[CallChanged, ...]:
        """End the call in progress, if any."""
        call, self._call = self._call, None
        return () if call is None else self._finish(call, recorded=recorded)

    def _finish(self, call: _Call, *, recorded: bool = False) -> tuple[CallChanged, ...]:
        call.confirmed = self.monotonic()
        self._ended_calls.append(call)
        return (call.changed(CallState.TERMINATED, recorded=recorded),)


class AkuvoxCalls:
    """Commands for calls.

    Args:
        tracker: Tracker of the call in progress.
        talk: Answers visitors who call Home Assistant; None if the user does not want to talk.
    """

    def __init__(self, device: AkuvoxDevice, tracker: CallTracker, talk: CalledTalk | None = None) -> None:
        self._call = device.call
        self._tracker = tracker
        self._talk = talk

    @property
    def answers(self) -> bool:
        """Whether Home Assistant can answer visitors; the API cannot, but the device can answer automatically."""
        return self._talk is not None

    async def dial(self, number: str | None, users: Sequence[str]) -> SessionId:
        """Call a number, an IP address or a SIP URI."""
        if number is None or users:
            raise NotSupported("an Akuvox calls numbers only, not directory entries")
        session = self._tracker.dialing(number)
        try:
            await self._call.dial(number)
        except ConnectionFailed as err:
            # The device may dial nevertheless, unless it was unreachable.
            if isinstance(err, NotReached):
                self._tracker.not_dialed(session)
            else:
                self._tracker.dialed()
            raise
        except IntercomError:
            self._tracker.not_dialed(session)
            raise
        self._tracker.dialed()
        return session

    async def answer(self, session: SessionId) -> None:
        """Answer a visitor who calls Home Assistant."""
        if self._talk is None or not self._talk.is_ringing:
            raise NotSupported("no visitor calls Home Assistant, and the API of an Akuvox cannot answer calls")
        await self._talk.answer()

    async def hang_up(self, session: SessionId, reason: str | None = None) -> None:
        """End the call in progress."""
        await self._call.hangup()
        self._tracker.hung_up()

    async def in_progress(self) -> Mapping[SessionId, CallSession]:
        """Return the call in progress."""
        if self._tracker.is_idle(await self._call.status()):
            return {}
        # A call that has not been tracked yet can be ended as well.
        return self._tracker.sessions or {0: CallSession(0, Direction.OUTGOING, CallState.RINGING)}
