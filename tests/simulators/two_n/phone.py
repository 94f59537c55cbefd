"""SIP accounts and calls (HTTP API 5.6 and 5.7)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
import secrets

from aiohttp import web

from .clock import Clock, Stamp, Timer
from .config import Timing
from .envelope import ApiError, Call, Code, Handler, Json, action_failed, reply, success
from .eventlog import EventLog
from .models import Model

HANGUP_REASONS = frozenset({"normal", "rejected", "busy"})


@dataclass(slots=True)
class SipAccount:
    """A SIP account; the ones without a number are switched off."""

    account: int
    number: str
    registered: bool = False
    register_time: int = 0

    @property
    def enabled(self) -> bool:
        """Is it in use?"""
        return bool(self.number)


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
    timer: Timer | None = None

    @property
    def state(self) -> str:
        """Give connecting, ringing or connected."""
        states = {leg.state for leg in self.legs}
        return next((state for state in ("connected", "ringing") if state in states), "connecting")

    def stop_timer(self) -> None:
        """Stop what would happen by itself."""
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
        peers_of: Callable[[str], Sequence[str]],
    ) -> None:
        """`peers_of` gives the numbers of a directory entry and raises KeyError for an unknown uuid."""
        numbers = [*model.sip_numbers, *[""] * model.sip_accounts][: model.sip_accounts]
        self.accounts = {index: SipAccount(index, number) for index, number in enumerate(numbers, 1)}
        self.sessions: dict[int, Session] = {}
        self.hangup_ignored = False
        self._model = model
        self._clock = clock
        self._log = log
        self._timing = timing
        self._peers_of = peers_of
        self._next_session = 1
        self._next_call = 1
        self.handlers: dict[str, Handler] = {
            "phone/status": self._phone_status,
            "call/status": self._call_status,
            "call/dial": self._dial,
            "call/answer": self._answer,
            "call/hangup": self._hangup,
        }

    def boot(self) -> None:
        """Forget the calls and register anew."""
        self.sessions.clear()
        self._next_session = self._next_call = 1
        for account in self.accounts.values():
            account.registered = False
            if account.enabled:
                self._clock.later(self._timing.register_delay, partial(self.register, account.account))

    def register(self, number: int, *, registered: bool = True, stamp: Stamp | None = None) -> None:
        """Change a registration."""
        account = self.accounts[number]
        if account.registered is registered:
            return
        account.registered = registered
        if registered:
            account.register_time = (stamp or self._clock.stamp()).utc
            self._registration(number, "registering", stamp)
        self._registration(number, "registered" if registered else "unregistered", stamp)

    def _registration(self, number: int, state: str, stamp: Stamp | None) -> None:
        self._log.record("RegistrationStateChanged", {"sipAccount": number, "state": state}, stamp)

    def call_out(self, peers: Iterable[str]) -> Session:
        """Begin an outgoing call: connecting, soon ringing, at last noanswer."""
        session = self._open("outgoing", peers, "connecting")
        session.timer = self._clock.later(self._timing.ring_delay, lambda: self._ring(session))
        return session

    def call_in(self, peer: str) -> Session:
        """Let somebody call the device."""
        session = self._open("incoming", [peer], "ringing")
        self._end_later(session)
        return session

    def _open(self, direction: str, peers: Iterable[str], state: str) -> Session:
        legs = []
        for peer in peers:
            legs.append(Leg(self._next_call, peer, state))
            self._next_call += 1
        session = Session(self._next_session, direction, legs, f"{secrets.token_hex(8)}@127.0.0.1")
        self._next_session += 1
        self.sessions[session.number] = session
        for leg in legs:
            self._leg_changed(session, leg)
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
        """Somebody answers; the other legs of a group call end."""
        session = self.sessions[number]
        session.stop_timer()
        winner = session.legs[leg]
        for other in session.legs:
            if other is not winner:
                self._end_leg(session, other, "completedElsewhere")
        session.legs = [winner]
        winner.state = "connected"
        self._leg_changed(session, winner)
        self._session_changed(session, "connected")

    def terminate(self, number: int, reason: str = "normal") -> None:
        """End a session."""
        session = self.sessions.pop(number)
        session.stop_timer()
        for leg in session.legs:
            self._end_leg(session, leg, reason)
        self._session_changed(session, "terminated")

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
            account = next((a.account for a in self.accounts.values() if a.enabled), 1)
            params |= {"sipAccount": account, "sipCallId": session.sip_call_id}
            if leg.peer.startswith("device:"):
                params["device"] = leg.peer.removeprefix("device:")
        self._log.record("CallStateChanged", params)

    def _session_changed(self, session: Session, state: str) -> None:
        self._log.record("CallSessionStateChanged", {"session": session.number, "state": state})

    async def _phone_status(self, call: Call) -> web.StreamResponse:
        accounts = list(self.accounts.values())
        if "account" in call.params:
            accounts = [self.accounts[call.params.integer("account", 1, len(accounts))]]
        return success({"accounts": [self._account(account) for account in accounts]})

    def _account(self, account: SipAccount) -> Json:
        status: Json = {"account": account.account}
        if self._model.since(3, 0):
            status["accountType"] = "general"
        status |= {
            "enabled": account.enabled,
            "sipNumber": account.number,
            "registrationEnabled": account.enabled,
            "registered": account.registered,
        }
        if account.registered and self._model.since(2, 36):
            status["registerTime"] = account.register_time
        return status

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
        return success({"session": self.call_out(peers).number})

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
        self.terminate(session.number, reason)
        return success()
