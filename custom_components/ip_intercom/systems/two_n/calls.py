"""Calls of a 2N by SIP, its call log, and the detection of visitors' calls.

Some firmware reports the originator of a session. Otherwise a visitor causes other records before the call: a key, a
code, a touch of the display, an input. Record numbers have no gaps (HTTP API 5.10.4), so a gap shows that the device
may withhold records from the account.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ...model.parts import CallRecord, CallSession, CallState, Direction, SessionId
from ...model.talk import CalledTalk
from ..common.parse import flag, integer, is_set, member, text
from .client import TwoNDevice
from .client.cursor import EventKey, LogEvent
from .client.phone import CallRecord as ApiCallRecord, CallSession as ApiCallSession

# Events that a visitor causes before a call. An input counts only when it turns on.
_TOUCHES = frozenset({"KeyPressed", "KeyReleased", "CodeEntered", "DisplayTouched", "VirtualInput", "InputChanged"})
_INPUTS = frozenset({"InputChanged", "VirtualInput"})
# Maximum number of seconds from a touch to the call.
_TOUCH_TO_CALL = 10
# Originators in the building: the API, and indoor units, which use it.
_INDOOR_ORIGINATORS = frozenset({"api", "idt"})
_MAX_SESSIONS = 64

KEY_EVENT = "KeyPressed"
SESSION_EVENT = "CallSessionStateChanged"


def begins_call(event: LogEvent) -> int | None:
    """Return the session of a record that starts an outgoing call, None for any other record."""
    params = event.params
    if event.event != "CallStateChanged" or text(params.get("direction")) != "outgoing":
        return None
    return integer(params.get("session")) if text(params.get("state")) in {"connecting", "ringing"} else None


@dataclass(slots=True)
class Visitors:
    """Determines from the log records whether a call may be from a visitor.

    Attributes:
        listed: Event types that the device can record.
    """

    listed: frozenset[str]
    _originators: dict[int, str | None] = field(default_factory=dict)
    _last: LogEvent | None = None
    _touched_at: int | None = None
    # Uptime of the device since which no record is missing.
    _complete_since: int | None = None
    _keys_seen: bool = False
    _untouched: dict[int, bool] = field(default_factory=dict)
    # Whether the last call got no session record in time.
    _session_record_missing: bool = False

    def resume(self, last: EventKey | None) -> None:
        """Set the last record that was read in the previous run."""
        if self._last is None and last is not None:
            self._last = LogEvent(last.id, "", last.utc_time, last.up_time, {})
            self._complete_since = last.up_time

    def observe(self, event: LogEvent, *, keys_shown: bool) -> None:
        """Process the next record; ``keys_shown`` is whether the account can see keys."""
        last, self._last = self._last, event
        if last is not None and (event.id <= last.id or event.up_time < last.up_time):
            self._originators.clear()
            self._untouched.clear()
            self._touched_at = None
        if last is None or event.id != last.id + 1 or event.up_time < last.up_time:
            self._complete_since = event.up_time
        if event.event in _TOUCHES and (event.event not in _INPUTS or flag(event.params.get("state"))):
            self._touched_at = event.up_time
        self._keys_seen = self._keys_seen or event.event == KEY_EVENT
        if event.event == SESSION_EVENT and (session := integer(event.params.get("session"))) is not None:
            self._session_record_missing = False
            originator = text(event.params.get("originator"))
            _store(self._originators, session, originator or self._originators.get(session))
        if (session := begins_call(event)) is not None and session not in self._untouched:
            _store(self._untouched, session, self._is_untouched(event, keys_shown))

    def _is_untouched(self, call: LogEvent, keys_shown: bool) -> bool:
        """Return whether certainly nothing was touched before a call."""
        begin = call.up_time - _TOUCH_TO_CALL
        if KEY_EVENT not in self.listed or (self._touched_at is not None and self._touched_at >= begin):
            return False
        complete = self._complete_since is not None and self._complete_since < begin
        return complete or (self._keys_seen and keys_shown)

    def needs_session_record(self, event: LogEvent) -> bool:
        """Return whether the next records may contain the originator of an untouched call."""
        session = begins_call(event)
        return (
            session is not None
            and SESSION_EVENT in self.listed
            and not self._session_record_missing
            and session not in self._originators
            and self.untouched(session)
        )

    def note_missing_session_record(self) -> None:
        """Record that no session record followed: the next call is not delayed."""
        self._session_record_missing = True

    def untouched(self, session: int) -> bool:
        """Return whether nothing was touched before a call and its originator is unknown."""
        return self._untouched.get(session, False) and self._originators.get(session) is None

    def from_house(self, session: int) -> bool:
        """Return whether the API or an indoor unit started a call."""
        return (self._originators.get(session) or "").lower() in _INDOOR_ORIGINATORS


def _store[T](known: dict[int, T], session: int, value: T) -> None:
    """Store a value of a session; drop the oldest sessions."""
    known[session] = value
    while len(known) > _MAX_SESSIONS:
        del known[next(iter(known))]


class TwoNCalls:
    """Calls by SIP."""

    answers = True

    def __init__(self, device: TwoNDevice, talk: CalledTalk | None = None) -> None:
        self._call = device.call
        self._talk = talk

    async def dial(self, number: str | None, users: Sequence[str]) -> SessionId:
        """Call a number or SIP URI, or directory entries by uuid."""
        return await self._call.dial(number, users)

    async def answer(self, session: SessionId) -> None:
        """Answer a visitor who calls Home Assistant, else a ringing incoming call."""
        if self._talk is not None and self._talk.is_ringing:
            await self._talk.answer()
            return
        await self._call.answer(session)

    async def hang_up(self, session: SessionId, reason: str | None = None) -> None:
        """End a call."""
        await self._call.hangup(session, reason)

    async def in_progress(self) -> Mapping[SessionId, CallSession]:
        """Return the calls in progress."""
        return neutral_calls(await self._call.status())


def neutral_calls(sessions: Iterable[ApiCallSession]) -> Mapping[SessionId, CallSession]:
    """Return calls in progress in the neutral model; calls in an unknown state are left out."""
    calls: dict[SessionId, CallSession] = {}
    for session in sessions:
        direction, state = member(Direction, session.direction), member(CallState, session.state)
        if direction is None or state is None:
            continue
        legs = {
            leg.id: leg_state
            for leg in session.legs
            if leg.id is not None and (leg_state := member(CallState, leg.state)) is not None
        }
        peer = next((leg.peer for leg in session.legs if leg.peer is not None), None)
        calls[session.session] = CallSession(session.session, direction, state, peer, legs)
    return calls


class TwoNCallLog:
    """The call log of the device."""

    def __init__(self, device: TwoNDevice, names: bool) -> None:
        self._phone = device.phone
        self._names = names

    async def query(self, limit: int | None = None) -> tuple[CallRecord, ...]:
        """Return all calls, newest first; the device has no limit parameter."""
        return tuple(neutral_call(record, self._names) for record in await self._phone.call_log())

    async def delete(self, record: str | None) -> None:
        """Delete one record, or all for None."""
        await self._phone.delete_calls(record)


def neutral_call(record: ApiCallRecord, names: bool) -> CallRecord:
    """Return a record of the call log; ``names`` is whether to include the name."""
    date = record.date if record.date is not None and is_set(record.date) else None
    return CallRecord(record.id, record.type, date, record.name if names else None, record.duration)
