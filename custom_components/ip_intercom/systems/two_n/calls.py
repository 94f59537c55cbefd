"""Calls of a 2N by SIP, and its log of them."""

from collections.abc import Iterable, Mapping, Sequence

from ...model.parts import CallRecord, CallSession, CallState, Direction, SessionId
from ..common.parse import member
from ..common.times import is_set
from .client import TwoNDevice
from .client.phone import CallRecord as ApiCallRecord, CallSession as ApiCallSession


class TwoNCalls:
    """Calls by SIP."""

    answers = True

    def __init__(self, device: TwoNDevice) -> None:
        self._call = device.call

    async def dial(self, number: str | None, users: Sequence[str]) -> SessionId:
        """Call a number or SIP URI, or directory entries by uuid."""
        return await self._call.dial(number, users)

    async def answer(self, session: SessionId) -> None:
        """Answer an incoming call that rings."""
        await self._call.answer(session)

    async def hang_up(self, session: SessionId, reason: str | None = None) -> None:
        """End a call."""
        await self._call.hangup(session, reason)

    async def in_progress(self) -> Mapping[SessionId, CallSession]:
        """Return the calls that there are now."""
        return neutral_calls(await self._call.status())


def neutral_calls(sessions: Iterable[ApiCallSession]) -> Mapping[SessionId, CallSession]:
    """Return calls in progress in the neutral model; one in a state that is unknown is passed over."""
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
        """Return the calls, newest first; the device tells them all at once."""
        return tuple(neutral_call(record, self._names) for record in await self._phone.call_log())

    async def delete(self, record: str | None) -> None:
        """Delete one record, or all for None."""
        await self._phone.delete_calls(record)


def neutral_call(record: ApiCallRecord, names: bool) -> CallRecord:
    """Return a record of the call log, without the name where ``names`` are not wanted."""
    date = record.date if record.date is not None and is_set(record.date) else None
    return CallRecord(record.id, record.type, date, record.name if names else None, record.duration)
