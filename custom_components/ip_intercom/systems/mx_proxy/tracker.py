"""Tracks live calls of an extension by merging pushes, polls, and commands, and reports each change once.

The exchange numbers calls with small integers. The proxy knows a call from when it rings here or was answered until its
end (manual, call info; field notes 3); it does not know an outgoing call before it is answered.
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
# Valid previous states of each event; an event in another state is outdated and ignored.
_FOLLOWS: Mapping[str, frozenset[CallState]] = {
    Kind.DELIVERED: frozenset({CallState.CONNECTING}),
    Kind.ORIGINATED: frozenset(),
    Kind.ESTABLISHED: frozenset({CallState.CONNECTING, CallState.RINGING}),
    Kind.HELD: frozenset({CallState.CONNECTING, CallState.RINGING, CallState.CONNECTED}),
    Kind.RETRIEVED: frozenset({CallState.CONNECTING, CallState.RINGING, CallState.HELD}),
    Kind.CLEARED: frozenset({CallState.CONNECTING, CallState.RINGING, CallState.CONNECTED, CallState.HELD}),
}
# After these events, the proxy knows the call.
_REMEMBERED_BY_PROXY = frozenset({Kind.DELIVERED, Kind.ESTABLISHED})
_REPEATABLE = frozenset({Kind.HELD, Kind.RETRIEVED})
# Seconds for which an outgoing call that the proxy does not know may ring at the other party.
_UNANSWERED = 90.0
# Events within this many seconds of the end of their call are delayed ones.
_DELAYED = 5.0
# Number of past events and ended calls that are remembered to detect repetitions.
_REMEMBERED = 256


@dataclass(slots=True)
class _Call:
    """A call in progress.

    Attributes:
        session: Number of the call.
        direction: Direction from the extension.
        state: Current state.
        began: When the call became known, on the monotonic clock.
        peer: Number of the other party; ``origin`` is the own number.
        known: The proxy has confirmed the call.
        latest: Latest time of its events, on the clock of the exchange.
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
    """Tracks the live calls.

    Attributes:
        extension: Number of the extension, once known.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.extension: str | None = None
        self._monotonic = monotonic
        self._calls: dict[SessionId, _Call] = {}
        # Calls restored from the previous run that have not been polled yet.
        self._restored: set[SessionId] = set()
        self._seen: OrderedDict[tuple[str, SessionId, int], None] = OrderedDict()
        self._ended: OrderedDict[SessionId, tuple[float, int]] = OrderedDict()

    @property
    def sessions(self) -> dict[SessionId, CallSession]:
        """Return the live calls."""
        return {
            call.session: CallSession(call.session, call.direction, call.state, call.peer)
            for call in self._calls.values()
        }

    @property
    def unanswered(self) -> bool:
        """Return whether there is an outgoing call that the proxy does not know: only its record reports its end."""
        return any(self._is_unanswered(call) for call in self._calls.values())

    @staticmethod
    def _is_unanswered(call: _Call) -> bool:
        return call.direction is Direction.OUTGOING and not call.known

    def as_json(self) -> list[dict[str, object]]:
        """Return the live calls, to be restored in the next run."""
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
        """Restore the calls of the previous run; polling determines whether they have ended."""
        for row in objects(stored if isinstance(stored, list) else ()):
            session, state = integer(row.get("id")), member(CallState, row.get("state"))
            direction = member(Direction, row.get("direction"))
            if session is None or state is None or direction is None:
                continue
            peer, origin = text(row.get("peer")), text(row.get("origin"))
            known, latest = flag(row.get("known")) or False, integer(row.get("latest")) or 0
            self._calls[session] = _Call(session, direction, state, self._monotonic(), peer, origin, known, latest)
            self._restored.add(session)

    def is_repeated(self, event: CallEvent) -> bool:
        """Return whether an event was received before, and record it."""
        if not event.timestamp:
            return False  # without a time, repetitions cannot be detected
        key = (event.type, event.call_id, event.timestamp)
        if key in self._seen:
            return True
        self._seen[key] = None
        _trim(self._seen)
        return False

    def needs_context(self, event: CallEvent) -> bool:
        """Return whether an event is of an unknown call and lacks its parties."""
        return event.type in _REPEATABLE and event.call_id not in self._calls

    def apply(self, event: CallEvent) -> CallChanged | None:
        """Apply an event; return the change, None if there is none."""
        state = STATES.get(event.type)
        call = self._calls.get(event.call_id)
        if state is None or self._is_over(event):
            return None
        if call is None:
            return self._begin(event, state)
        call.known = call.known or event.type in _REMEMBERED_BY_PROXY
        # Hold and resume alternate: only their times determine which is the latest.
        is_old = event.type in _REPEATABLE and (event.timestamp or call.latest) < call.latest
        call.latest = max(call.latest, event.timestamp or 0)
        if is_old or call.state not in _FOLLOWS[event.type]:
            return None
        return self._change(call, state, event.timestamp)

    def _is_over(self, event: CallEvent) -> bool:
        """Return whether an event is from before the end of its call; call numbers are reused later."""
        ended_at, then = self._ended.get(event.call_id, (-inf, -1))
        return self._monotonic() - ended_at < _DELAYED or 0 < (event.timestamp or 0) <= then

    def _begin(self, event: CallEvent, state: CallState) -> CallChanged | None:
        if state is CallState.TERMINATED:
            self._record_end(event.call_id, event.timestamp)
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
            self._record_end(call.session, timestamp)
        return CallChanged(call.session, call.direction, state, call.peer)

    def _record_end(self, session: SessionId, timestamp: int | None) -> None:
        self._ended[session] = self._monotonic(), timestamp or 0
        _trim(self._ended)

    def polled(self, session: SessionId, info: CallEvent | None) -> CallChanged | None:
        """Apply the proxy's information about a call, None if it does not know it; return the change."""
        call = self._calls.get(session)
        if session in self._restored:
            self._restored.remove(session)
            if call is not None and info is not None and _is_another(call, info):
                del self._calls[session]  # the exchange has reused the number
        if info is not None:
            changed = self.apply(info)
            if (call := self._calls.get(session)) is not None:
                call.known = True
            return changed
        if call is None or (self._is_unanswered(call) and self._monotonic() - call.began < _UNANSWERED):
            return None
        return self._change(call, CallState.TERMINATED, None)

    def logged(self, calling: str | None, called: str | None) -> CallChanged | None:
        """Apply the record of an outgoing call; return the end of the matching call if nothing else reports it."""
        for call in self._calls.values():
            if self._is_unanswered(call) and _same(call.origin, calling) and _same(call.peer, called):
                return self._change(call, CallState.TERMINATED, None)
        return None

    def made(self, session: SessionId, origin: str, to: str) -> CallChanged | None:
        """Record a call that was made from here."""
        if session in self._calls:
            return None  # already reported by a push
        call = _Call(session, Direction.OUTGOING, CallState.CONNECTING, self._monotonic(), to, origin)
        self._calls[session] = call
        self._ended.pop(session, None)
        return CallChanged(session, call.direction, call.state, to)

    def done(self, session: SessionId, kind: str) -> CallChanged | None:
        """Record a command to a call; ``kind`` is the corresponding event type."""
        call = self._calls.get(session)
        if call is None or call.state not in _FOLLOWS[kind]:
            return None
        return self._change(call, STATES[kind], None)


def _is_another(call: _Call, info: CallEvent) -> bool:
    """Return whether the proxy reports another call with the number of a known one."""
    peer = info.calling if call.direction is Direction.INCOMING else info.called
    return None not in (peer, call.peer) and not _same(peer, call.peer)


def _same(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and plain_number(one) == plain_number(other)


def _trim[K, V](remembered: OrderedDict[K, V]) -> None:
    while len(remembered) > _REMEMBERED:
        remembered.popitem(last=False)
