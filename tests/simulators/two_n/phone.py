"""Calls (HTTP API 5.7)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
import secrets

from aiohttp import web

from tests.simulators.common.clock import Clock, Timer

from .calllog import CallLog
from .config import Timing
from .envelope import ApiError, Call, Code, Handler, Json, action_failed, reply, success
from .eventlog import EventLog
from .models import Model
from .sip import SipAccounts

HANGUP_REASONS = frozenset({"normal", "rejected", "busy"})
# Which sessions tell who began them (manual 2.50: "originator?"): none, those that the API began, or all.
ORIGINATORS = ("none", "api", "all")
# A peer of the local network, with its internal identifier in the call log.
LOCAL_DEVICE = "device:"


@dataclass(slots=True)
class Leg:
    """One call of a session; a group call has several."""

    id: int
    peer: str
    state: str


@dataclass(slots=True)
class Session:
    """A call session. Its state is that of its furthest leg."""

    number: int
    direction: str
    legs: list[Leg]
    sip_call_id: str
    began: int
    dev_type: str | None = None
    originator: str | None = None
    connected_at: float | None = None
    timer: Timer | None = None

    @property
    def state(self) -> str:
        """Return connecting, ringing or connected."""
        states = {leg.state for leg in self.legs}
        return next((state for state in ("connected", "ringing") if state in states), "connecting")

    def stop_timer(self) -> None:
        """Stop the timer of the next state."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class Phone:
    """The phone of the device."""

    def __init__(
        self,
        model: Model,
        clock: Clock,
        log: EventLog,
        timing: Timing,
        sip: SipAccounts,
        call_log: CallLog,
        peers_of: Callable[[str], Sequence[str]],
    ) -> None:
        """`peers_of` gives the numbers of a directory entry and raises KeyError for an unknown uuid."""
        self.sessions: dict[int, Session] = {}
        self.hangup_ignored = False
        self.originators = "none"
        # The record of the session comes before those of its legs, not after them.
        self.session_first = False
        self._model = model
        self._clock = clock
        self._log = log
        self._timing = timing
        self._sip = sip
        self._call_log = call_log
        self._peers_of = peers_of
        self._next_session = 1
        self._next_call = 1
        self.handlers: dict[str, Handler] = {
            "call/status": self._call_status,
            "call/dial": self._dial,
            "call/answer": self._answer,
            "call/hangup": self._hangup,
        }

    def boot(self) -> None:
        """Forget the calls."""
        self.sessions.clear()
        self._next_session = self._next_call = 1

    def call_out(self, peers: Iterable[str], originator: str = "button") -> Session:
        """Begin an outgoing call: connecting, soon ringing, at last noanswer."""
        session = self._open("outgoing", peers, "connecting", originator)
        session.timer = self._clock.later(self._timing.ring_delay, lambda: self._ring(session))
        return session

    def call_in(self, peer: str, dev_type: str | None = None) -> Session:
        """Let a caller call the device; a 2N device of the local network also sends its type."""
        session = self._open("incoming", [peer], "ringing")
        session.dev_type = dev_type
        self._end_later(session)
        return session

    def _open(self, direction: str, peers: Iterable[str], state: str, originator: str | None = None) -> Session:
        legs = []
        for peer in peers:
            legs.append(Leg(self._next_call, peer, state))
            self._next_call += 1
        call_id = f"{secrets.token_hex(8)}@127.0.0.1"
        session = Session(self._next_session, direction, legs, call_id, self._clock.utc())
        if self.originators in {"all", originator}:
            session.originator = originator
        self._next_session += 1
        self.sessions[session.number] = session
        if self.session_first:
            self._session_changed(session, state)
        for leg in legs:
            self._leg_changed(session, leg)
        if not self.session_first:
            self._session_changed(session, state)
        return session

    def _ring(self, session: Session) -> None:
        for leg in session.legs:
            leg.state = "ringing"
            self._leg_changed(session, leg)
        self._session_changed(session, "ringing")
        self._end_later(session)

    def _end_later(self, session: Session) -> None:
        session.timer = self._clock.later(
            self._timing.ring_timeout, lambda: self.terminate(session.number, reason="noanswer")
        )

    def connect(self, number: int, leg: int = 0) -> None:
        """The call is answered; the other legs of a group call end."""
        session = self.sessions[number]
        session.stop_timer()
        winner = session.legs[leg]
        for other in session.legs:
            if other is not winner:
                self._end_leg(session, other, "completedElsewhere")
        session.legs = [winner]
        session.connected_at = self._clock.now()
        winner.state = "connected"
        self._leg_changed(session, winner)
        self._session_changed(session, "connected")

    def terminate(self, number: int, reason: str = "normal", *, declined: bool = False) -> None:
        """End a session; an incoming call that the device itself turns down is `declined`."""
        session = self.sessions.pop(number)
        session.stop_timer()
        for leg in session.legs:
            self._end_leg(session, leg, reason)
        self._session_changed(session, "terminated")
        answered = session.connected_at is not None
        duration = 0.0 if session.connected_at is None else self._clock.now() - session.connected_at
        kind = "outgoing" if session.direction == "outgoing" else _kind(answered or declined, reason)
        self._call_log.call(kind, session.began, session.legs[0].peer, session.dev_type, duration)

    def _end_leg(self, session: Session, leg: Leg, reason: str) -> None:
        leg.state = "terminated"
        # The reason came with 2.14 (HTTP API 1.1).
        self._leg_changed(session, leg, {"reason": reason} if self._model.since(2, 14) else {})

    def _leg_changed(self, session: Session, leg: Leg, extra: Json | None = None) -> None:
        params: Json = {
            "direction": session.direction,
            "state": leg.state,
            "peer": leg.peer,
            "session": session.number,
            "call": leg.id,
            **(extra or {}),
        }
        if self._model.since(3, 0):
            params |= {"sipAccount": self._sip.outgoing, "sipCallId": session.sip_call_id}
            if leg.peer.startswith(LOCAL_DEVICE):
                params["device"] = leg.peer.removeprefix(LOCAL_DEVICE)
        self._log.record("CallStateChanged", params)

    def _session_changed(self, session: Session, state: str) -> None:
        params: Json = {"session": session.number, "state": state}
        if session.originator is not None:
            params["originator"] = session.originator
        self._log.record("CallSessionStateChanged", params)

    def _session(self, call: Call) -> Session:
        if (session := self.sessions.get(call.params.integer("session"))) is None:
            raise action_failed("session not found")
        return session

    async def _call_status(self, call: Call) -> web.StreamResponse:
        sessions = [self._session(call)] if "session" in call.params else list(self.sessions.values())
        report = [self._describe(session) for session in sessions]
        if self._model.since(3, 0):
            # No envelope at all (captures/call_status_bare_array_manual3x.json).
            return reply(report)
        return success({"sessions": report})

    def _describe(self, session: Session) -> Json:
        status: Json = {"session": session.number, "direction": session.direction, "state": session.state}
        if self._model.since(2, 36):
            status["calls"] = [{"id": leg.id, "peer": leg.peer, "state": leg.state} for leg in session.legs]
        return status

    async def _dial(self, call: Call) -> web.StreamResponse:
        number = call.params.get("number")
        # Calling users came with 2.35 (HTTP API 1.1).
        users = call.params.get("users") if self._model.since(2, 35) else None
        if number is not None and users is not None:
            raise ApiError(Code.UNEXPECTED_PARAMETER, "users")
        if users is not None:
            peers = self._peers_of_users(users)
        elif number is None:
            raise ApiError(Code.MISSING_PARAMETER, "number")
        else:
            peers = [number]
        if not all(peers):
            raise ApiError(Code.INVALID_VALUE, "number")
        return success({"session": self.call_out(peers, "api").number})

    def _peers_of_users(self, users: str) -> list[str]:
        try:
            peers = [peer for uuid in users.split(",") for peer in self._peers_of(uuid)]
        except KeyError:
            raise ApiError(Code.INVALID_VALUE, "users") from None
        if not peers:
            raise action_failed("no number to call")
        return peers

    async def _answer(self, call: Call) -> web.StreamResponse:
        session = self._session(call)
        if session.direction != "incoming" or session.state != "ringing":
            raise action_failed()
        self.connect(session.number)
        return success()

    async def _hangup(self, call: Call) -> web.StreamResponse:
        session = self._session(call)
        reason = call.params.choice("reason", HANGUP_REASONS) if "reason" in call.params else "normal"
        if session.direction == "outgoing" and session.state != "connected":
            if self.hangup_ignored:
                return success()
            if self._model.since(2, 50):
                # 2.50 answers success and ends the call, but as if no reason had been given (field notes 3.6).
                reason = "normal"
        self.terminate(session.number, reason, declined=True)
        return success()


def _kind(answered: bool, reason: str) -> str:
    """Return the type of an incoming call: connected or declined, answered by another device, or missed (5.6.2)."""
    if answered:
        return "incoming"
    return "completedElsewhere" if reason == "completedElsewhere" else "missed"
