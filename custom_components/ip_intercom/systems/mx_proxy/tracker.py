"""Live calls of an extension: what is pushed, what asking finds, and what is done from here are put together, each change once.

The exchange numbers its calls with small integers. The proxy remembers a call from when it rings here or was
answered until its end (manual, call info; field notes 3): one that goes out and was not answered yet
is unknown to it.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
import time

from ...model.events import CallChanged
from ...model.parts import CallSession, CallState, Direction, SessionId
from ..common.parse import flag, integer, member, objects, text
from .client.events import CallEvent, Kind
from .directory import plain_number

STATES: Mapping[str, CallState] = {
    Kind.DELIVERED: CallState.RINGING,
    Kind.ORIGINATED: CallState.CONNECTING,
    Kind.ESTABLISHED: CallState.CONNECTED,
    Kind.HELD: CallState.HELD,
    Kind.RETRIEVED: CallState.CONNECTED,
    Kind.CLEARED: CallState.TERMINATED,
}
# What may follow what; an event that comes too late changes nothing.
_FOLLOWS: Mapping[str, frozenset[CallState]] = {
    Kind.DELIVERED: frozenset({CallState.CONNECTING}),
    Kind.ORIGINATED: frozenset(),
    Kind.ESTABLISHED: frozenset({CallState.CONNECTING, CallState.RINGING}),
    Kind.HELD: frozenset({CallState.CONNECTING, CallState.RINGING, CallState.CONNECTED}),
    Kind.RETRIEVED: frozenset({CallState.CONNECTING, CallState.RINGING, CallState.HELD}),
    Kind.CLEARED: frozenset({CallState.CONNECTING, CallState.RINGING, CallState.CONNECTED, CallState.HELD}),
}
# After these, the proxy knows of the call.
_REMEMBERED_BY_PROXY = frozenset({Kind.DELIVERED, Kind.ESTABLISHED})
_REPEATABLE = frozenset({Kind.HELD, Kind.RETRIEVED})
# A call that goes out and that the proxy does not know (yet) may ring at the other end for so many seconds.
_UNANSWERED = 90.0
# What arrives of a call within so many seconds of its end was on its way before.
_ECHO = 5.0
# Events and ends of calls that are remembered, to know them again.
_REMEMBERED = 256


@dataclass(slots=True)
class _Call:
    """A call in progress.

    Attributes:
        session: Its number.
        direction: As the extension sees it.
        state: Where it stands.
        began: When we heard of it, by our clock.
        peer: The number at the other end; ``origin`` the one at ours.
        known: The proxy has told of it when it was asked.
        latest: The newest time that was told of it, by the clock of the exchange.
    """

    session: SessionId
    direction: Direction
    state: CallState
    began: float
    peer: str | None = None
    origin: str | None = None
    known: bool = False
    latest: int = 0


class CallTracker:
    """Puts together what is told of calls.

    Args:
        monotonic: A clock in seconds.

    Attributes:
        extension: The number of the extension, as soon as it is known.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.extension: str | None = None
        self._monotonic = monotonic
        self._calls: dict[SessionId, _Call] = {}
        # Those of an earlier life that were not asked for yet.
        self._restored: set[SessionId] = set()
        self._heard: OrderedDict[tuple[str, SessionId, int], None] = OrderedDict()
        self._ended: OrderedDict[SessionId, tuple[float, int]] = OrderedDict()

    @property
    def sessions(self) -> dict[SessionId, CallSession]:
        """Return the calls that there are now."""
        return {
            call.session: CallSession(call.session, call.direction, call.state, call.peer)
            for call in self._calls.values()
        }

    @property
    def unanswered(self) -> bool:
        """Return whether a call goes out that the proxy does not know of: only its record tells when it gave up."""
        return any(self._is_unanswered(call) for call in self._calls.values())

    @staticmethod
    def _is_unanswered(call: _Call) -> bool:
        return call.direction is Direction.OUTGOING and not call.known

    # -- what is kept over a restart -------------------------------------------------------------

    def as_json(self) -> list[dict[str, object]]:
        """Return the calls that there are now, to be asked for in the next life."""
        return [
            {
                "id": call.session,
                "direction": call.direction.value,
                "state": call.state.value,
                "peer": call.peer,
                "origin": call.origin,
                "known": call.known,
                "latest": call.latest,
            }
            for call in self._calls.values()
        ]

    def restore(self, stored: object) -> None:
        """Take the calls of an earlier life; whether they still go on, the proxy is to be asked."""
        for row in objects(stored if isinstance(stored, list) else ()):
            session, state = integer(row.get("id")), member(CallState, row.get("state"))
            direction = member(Direction, row.get("direction"))
            if session is None or state is None or direction is None:
                continue
            peer, origin = text(row.get("peer")), text(row.get("origin"))
            known, latest = flag(row.get("known")) or False, integer(row.get("latest")) or 0
            self._calls[session] = _Call(session, direction, state, self._monotonic(), peer, origin, known, latest)
            self._restored.add(session)

    # -- what is told ----------------------------------------------------------------------------

    def is_repeated(self, event: CallEvent) -> bool:
        """Return whether an event was heard before, and remember it."""
        if not event.timestamp:
            return False  # nothing tells it from the next one of its kind
        key = (event.type, event.call_id, event.timestamp)
        if key in self._heard:
            return True
        self._heard[key] = None
        _forget(self._heard)
        return False

    def needs_context(self, event: CallEvent) -> bool:
        """Return whether an event speaks of a call that nothing is known of, and does not tell who calls whom."""
        return event.type in _REPEATABLE and event.call_id not in self._calls

    def told(self, event: CallEvent) -> CallChanged | None:
        """Take an event that is believed; return what changes, None where that is nothing new."""
        state = STATES.get(event.type)
        call = self._calls.get(event.call_id)
        if state is None or self._is_over(event):
            return None
        if call is None:
            return self._begin(event, state)
        call.known = call.known or event.type in _REMEMBERED_BY_PROXY
        # Hold and its end follow each other again and again: only their times tell which is the last one.
        is_old = event.type in _REPEATABLE and (event.timestamp or call.latest) < call.latest
        call.latest = max(call.latest, event.timestamp or 0)
        if is_old or call.state not in _FOLLOWS[event.type]:
            return None
        return self._change(call, state, event.timestamp)

    def _is_over(self, event: CallEvent) -> bool:
        """Return whether an event is from before the end of its call: numbers of calls come again some day."""
        ended_at, then = self._ended.get(event.call_id, (-inf, -1))
        return self._monotonic() - ended_at < _ECHO or 0 < (event.timestamp or 0) <= then

    def _begin(self, event: CallEvent, state: CallState) -> CallChanged | None:
        if state is CallState.TERMINATED:
            self._note_end(event.call_id, event.timestamp)
            return None
        direction = self._direction_of(event)
        incoming = direction is Direction.INCOMING
        peer, origin = (event.calling, event.called) if incoming else (event.called, event.calling)
        known = event.type in _REMEMBERED_BY_PROXY
        call = _Call(event.call_id, direction, state, self._monotonic(), peer, origin, known, event.timestamp or 0)
        self._calls[call.session] = call
        self._ended.pop(call.session, None)
        return CallChanged(call.session, direction, state, peer)

    def _direction_of(self, event: CallEvent) -> Direction:
        if event.type == Kind.DELIVERED:
            return Direction.INCOMING
        if event.type == Kind.ORIGINATED or (event.calling and event.calling in {self.extension, event.device_id}):
            return Direction.OUTGOING
        return Direction.INCOMING

    def _change(self, call: _Call, state: CallState, timestamp: int | None) -> CallChanged:
        call.state = state
        if state is CallState.TERMINATED:
            del self._calls[call.session]
            self._note_end(call.session, timestamp)
        return CallChanged(call.session, call.direction, state, call.peer)

    def _note_end(self, session: SessionId, timestamp: int | None) -> None:
        self._ended[session] = self._monotonic(), timestamp or 0
        _forget(self._ended)

    # -- what asking finds -----------------------------------------------------------------------

    def looked(self, session: SessionId, info: CallEvent | None) -> CallChanged | None:
        """Take what the proxy knows of a call, None for nothing; return what changes."""
        call = self._calls.get(session)
        if session in self._restored:
            self._restored.remove(session)
            if call is not None and info is not None and _is_another(call, info):
                del self._calls[session]  # the exchange has given the number to a later call
        if info is not None:
            changed = self.told(info)
            if (call := self._calls.get(session)) is not None:
                call.known = True
            return changed
        if call is None or (self._is_unanswered(call) and self._monotonic() - call.began < _UNANSWERED):
            return None
        return self._change(call, CallState.TERMINATED, None)

    def logged(self, calling: str | None, called: str | None) -> CallChanged | None:
        """Take a new record of a call that went out; return the end of the one it is of, where nothing else tells of it."""
        for call in self._calls.values():
            if self._is_unanswered(call) and _same(call.origin, calling) and _same(call.peer, called):
                return self._change(call, CallState.TERMINATED, None)
        return None

    # -- what is done from here ------------------------------------------------------------------

    def made(self, session: SessionId, origin: str, to: str) -> CallChanged | None:
        """Note a call that was made from here."""
        if session in self._calls:
            return None  # a push was faster
        call = _Call(session, Direction.OUTGOING, CallState.CONNECTING, self._monotonic(), to, origin)
        self._calls[session] = call
        self._ended.pop(session, None)
        return CallChanged(session, call.direction, call.state, to)

    def done(self, session: SessionId, kind: str) -> CallChanged | None:
        """Note that something was done to a call from here, by the name of the event that tells of it."""
        call = self._calls.get(session)
        if call is None or call.state not in _FOLLOWS[kind]:
            return None
        return self._change(call, STATES[kind], None)


def _is_another(call: _Call, info: CallEvent) -> bool:
    """Return whether the proxy tells of another call by the number of one that is known."""
    peer = info.calling if call.direction is Direction.INCOMING else info.called
    return None not in (peer, call.peer) and not _same(peer, call.peer)


def _same(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and plain_number(one) == plain_number(other)


def _forget[K, V](remembered: OrderedDict[K, V]) -> None:
    while len(remembered) > _REMEMBERED:
        remembered.popitem(last=False)
