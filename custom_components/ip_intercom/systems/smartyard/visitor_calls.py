"""Calls of visitors by SIP, with the account that the push of a ring brings (field notes 7).

Each ring has an agent of its own, registered at once, because the server sends the call only to who is registered
within 35 s. The credentials are valid for three minutes and leave memory with the ring.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from itertools import count
import logging
import time
from typing import Final

from ...model.events import Event
from ...model.parts import ANSWERED_ELSEWHERE, BellId, CallSession, CallState, Direction, SessionId
from ...model.talk import CallFailure, LineReport, TalkReason
from ...talk.errors import CallFailed, LineBusy, RegistrationFailed, TalkError
from ...talk.line import Line, LineState
from ...talk.sip_agent import CallState as SipState, EndReason, SipAccount, SipAgent, SipCall, SipPeer, Transport
from ...talk.tasks import TaskSet
from ..common.errors import NoSuchCall, NotSupported, Rejected
from ..common.talk import report_calls
from .client import CallPush
from .event_mapper import call_changed
from .push_filter import LONGEST
from .visitors import phone_server

_LOGGER = logging.getLogger(__name__)

# Rings at a time; more are a flood.
_MOST: Final = 16
# Seconds within which an account has to be registered, and between attempts without a response.
_REGISTERED: Final = 35.0
_RETRY: Final = 2.0
# Seconds that an answer waits for the call, which follows the registration at once.
_INVITED: Final = 10.0
# Seconds to ask the operator's server about a phone server.
_VERIFIED: Final = 10.0
_PORTS: Final = {Transport.TLS: 5061}
_TRANSPORTS: Final = {"": Transport.UDP, "udp": Transport.UDP, "tcp": Transport.TCP, "tls": Transport.TLS}
_BUSY, _DECLINED = 486, 603
# Status codes of a registrar that does not know the account.
_REFUSALS: Final = frozenset({401, 403, 404, 407})
_REASONS: Final = {
    EndReason.ELSEWHERE: ANSWERED_ELSEWHERE,
    EndReason.REMOTE: "remote",
    EndReason.LOCAL: "local",
    EndReason.CANCELED: "canceled",
}


class VisitorCall:
    """A ring, and its call as soon as the server sends that.

    Attributes:
        session: Its number in the model.
        bell: The bell that rings.
        caller: Name of the door, as the push has it.
        dtmf: Digits that open the door; None if unknown.
        key: Key of the pictures of the ring.
        agent: Its side of SIP.
        call: The call; None before the INVITE.
        over: The ring has ended.
    """

    def __init__(self, session: SessionId, bell: BellId, push: CallPush) -> None:
        self.session = session
        self.bell = bell
        self.caller = push.caller
        self.dtmf = push.dtmf
        self.key = push.hash
        self.video = push.no_video_sip is not True
        self.agent: SipAgent | None = None
        self.call: SipCall | None = None
        self.over = asyncio.Event()
        self._invited = asyncio.Event()
        self._answering: asyncio.Future[SipCall] | None = None

    @property
    def state(self) -> CallState:
        """The state of the call."""
        answered = self.call is not None and self.call.state is SipState.ESTABLISHED
        return CallState.CONNECTED if answered else CallState.RINGING

    def begin(self) -> None:
        """The call of the server rings."""
        self._invited.set()

    async def pick_up(self) -> SipCall:
        """Answer, also for several at once; raises TalkError."""
        if self._answering is None or self._answering.done():
            self._answering = asyncio.ensure_future(self._answer())
            self._answering.add_done_callback(lambda task: task.cancelled() or task.exception())
        answering = self._answering
        await asyncio.wait({answering})
        return answering.result()

    async def _answer(self) -> SipCall:
        with suppress(TimeoutError):
            async with asyncio.timeout(_INVITED):
                await self._invited.wait()
        if (call := self.call) is None:
            raise CallFailed("the server sends no call", "no_call")
        if call.state is not SipState.ESTABLISHED:
            await call.answer(video=self.video)
        return call

    async def hang_up(self, status: int = _DECLINED) -> None:
        """End the call, or decline it with a status of SIP."""
        call = self.call
        if call is not None and call.state is SipState.ESTABLISHED:
            await call.hang_up()
        elif call is not None:
            await call.refuse(status)
        self.end()

    def end(self) -> None:
        """The ring is over."""
        self.over.set()
        self._invited.set()

    def expire(self) -> None:
        """The credentials are no longer valid: a call that was answered goes on."""
        if self.state is not CallState.CONNECTED:
            self.end()


class VisitorCalls:
    """The calls of all rings; the feature ``calls``.

    Args:
        trusts: Returns whether the phone server of a push belongs to the operator.
        report: Takes the events of calls.
        stopped: Called when a bell rings no longer.

    Attributes:
        changed: Called when talk may have become possible or impossible at a bell.
        called: Called with the bell of a call: None once the call is answered here, else why it was not.
        failure: Why the last account could not be used; None if it could.
    """

    answers = True

    def __init__(
        self,
        trusts: Callable[[CallPush], Awaitable[bool]],
        report: Callable[[Event], None],
        stopped: Callable[[BellId], None],
    ) -> None:
        self.changed: Callable[[], None] | None = None
        self.called: Callable[[BellId, CallFailure | None], None] | None = None
        self.failure: TalkReason | None = None
        self._trusts = trusts
        self._report = report
        self._stopped = stopped
        # Sessions of different runs differ, because visits outlast a restart.
        self._numbers = count(int(time.time()))
        # Packets of unknown senders to rings that are over.
        self._ignored = 0
        self._rings: dict[SessionId, VisitorCall] = {}
        self._lines: dict[BellId, Line] = {}
        self._tasks = TaskSet()

    # ---- Rings ----

    def rang(self, bell: BellId, push: CallPush) -> SessionId | None:
        """Register the account of a ring in the background, and return its session; None if it has no usable account."""
        if len(self._rings) >= _MOST:
            _LOGGER.debug("Call cannot be answered here: too many doors ring")
            return None
        if (peer := _peer_of(push)) is None or push.extension is None or push.password is None:
            _LOGGER.debug("Call cannot be answered here: its push has no usable SIP account")
            return None
        account = SipAccount(push.extension, push.password, peer.host)
        ring = VisitorCall(next(self._numbers), bell, push)
        self._rings[ring.session] = ring
        ring.agent = SipAgent(peer, account=account, on_call=partial(self._called, ring))
        self._tasks.start(self._serve(ring, push, ring.agent))
        self._tell()
        return ring.session

    def ring_at(self, bell: BellId) -> VisitorCall | None:
        """Return the ring or call at a bell: one that was answered first, then the latest."""
        at_bell = [ring for ring in self._rings.values() if ring.bell == bell]
        return max(at_bell, key=lambda ring: (ring.state is CallState.CONNECTED, ring.session), default=None)

    def line(self, bell: BellId) -> Line:
        """Return the line of a bell, whose calls come from the server."""
        if (line := self._lines.get(bell)) is None:
            line = self._lines[bell] = Line(partial(self._dial, bell))
            report_calls(line, partial(self._tell_call, bell))
        return line

    @property
    def ignored(self) -> int:
        """Packets and connections of unknown senders, those of SIP and RTP."""
        return self._ignored + sum(ring.agent.ignored for ring in self._rings.values() if ring.agent is not None)

    def examine(self, bell: BellId) -> LineReport:
        """Return how the line of a bell is."""
        ring, line = self.ring_at(bell), self._lines.get(bell)
        return LineReport(
            LineState.IDLE if line is None else line.state,
            ring is not None and ring.state is CallState.RINGING,
            ring is not None and ring.agent is not None and ring.agent.registered,
            None if line is None or line.error is None else line.error.word,
        )

    async def close(self) -> None:
        """End all calls, and remove the registrations."""
        for line in self._lines.values():
            await line.close()
        self._lines.clear()
        for ring in self._rings.values():
            ring.end()
        await self._tasks.wait()

    async def _serve(self, ring: VisitorCall, push: CallPush, agent: SipAgent) -> None:
        """Keep the account of a ring registered until it is over."""
        expiry = asyncio.get_running_loop().call_later(LONGEST, ring.expire)
        try:
            if not await self._is_trusted(push):
                _LOGGER.debug("Call cannot be answered here: the phone server of its push is not the operator's")
                return
            await self._register(ring, agent)
            had_failed, self.failure = self.failure is not None, None
            if had_failed:
                self._tell()
            await ring.over.wait()
        except TalkError as err:
            is_refused = isinstance(err, RegistrationFailed) and err.status in _REFUSALS
            self.failure = TalkReason.ACCOUNT_REFUSED if is_refused else TalkReason.ACCOUNT_UNREACHABLE
            _LOGGER.debug("Call cannot be answered here: %s", err)
        finally:
            expiry.cancel()
            del self._rings[ring.session]
            ring.end()
            self._tell()
            await agent.stop()
            self._ignored += agent.ignored

    async def _is_trusted(self, push: CallPush) -> bool:
        try:
            async with asyncio.timeout(_VERIFIED):
                return await self._trusts(push)
        except TimeoutError:
            return False

    async def _register(self, ring: VisitorCall, agent: SipAgent) -> None:
        """Register, again after a failure without a response; raises RegistrationFailed and CallFailed."""
        loop = asyncio.get_running_loop()
        last = loop.time() + _REGISTERED
        while not ring.over.is_set():
            try:
                await agent.start()
                await agent.register(LONGEST)
            except (CallFailed, RegistrationFailed) as err:
                if getattr(err, "status", None) is not None or loop.time() + _RETRY > last:
                    raise
                _LOGGER.debug("SIP account of a call not registered yet: %s", err)
                await agent.stop()
                await asyncio.sleep(_RETRY)
            else:
                return

    def _called(self, ring: VisitorCall, call: SipCall) -> None:
        """Let the call of the server ring."""
        if ring.call is not None or ring.over.is_set():
            self._tasks.start(call.refuse(_BUSY))
            return
        ring.call = call
        call.on_state = partial(self._moved, ring)
        self._tasks.start(self._let_ring(ring, call))

    async def _let_ring(self, ring: VisitorCall, call: SipCall) -> None:
        await call.ring()
        ring.begin()

    def _moved(self, ring: VisitorCall, call: SipCall) -> None:
        match call.state:
            case SipState.RINGING:
                self._tell_state(ring, CallState.RINGING)
            case SipState.ESTABLISHED:
                self._tell_state(ring, CallState.CONNECTED)
                self._stop_bell(ring)
            case SipState.ENDED:
                reason = None if call.end_reason is None else _REASONS.get(call.end_reason, "failed")
                self._tell_state(ring, CallState.TERMINATED, reason)
                self._stop_bell(ring)
                ring.end()

    def _tell_state(self, ring: VisitorCall, state: CallState, reason: str | None = None) -> None:
        self._report(call_changed(ring.session, ring.bell, state, ring.caller, reason))

    def _stop_bell(self, ring: VisitorCall) -> None:
        """Let the bell ring no longer, unless another visitor rings there."""
        others = (other for other in self._rings.values() if other.bell == ring.bell and other is not ring)
        if not any(other.state is CallState.RINGING and not other.over.is_set() for other in others):
            self._stopped(ring.bell)

    def _tell_call(self, bell: BellId, failure: CallFailure | None) -> None:
        if self.called is not None:
            self.called(bell, failure)

    def _tell(self) -> None:
        if self.changed is not None:
            self.changed()

    # ---- Answering ----

    async def _dial(self, bell: BellId) -> SipCall:
        """Answer the visitor at a bell, for a microphone there; raises TalkError."""
        ring = self.ring_at(bell)
        if ring is None:
            raise CallFailed("no visitor is calling, and a SmartYard door cannot be called", "no_visitor")
        try:
            return await ring.pick_up()
        except asyncio.CancelledError:
            # The microphone is gone before the answer.
            self._tasks.start(ring.hang_up())
            raise

    async def dial(self, number: str | None, users: object) -> SessionId:
        """Reject: only the server calls."""
        raise NotSupported("a SmartYard door cannot be called")

    async def answer(self, session: SessionId) -> None:
        """Answer a ring: its camera has the sound of the visitor from now on, and a microphone."""
        ring = self._find(session)
        line = self.line(ring.bell)
        if line.state is LineState.TALKING and ring.state is not CallState.CONNECTED:
            raise Rejected("there is already a call at this door")
        try:
            call = await ring.pick_up()
        except CallFailed as err:
            line.fail(err)
            raise NoSuchCall(str(err)) from err
        except TalkError as err:
            line.fail(err)
            raise Rejected(str(err)) from err
        # A microphone may have answered at the same time.
        with suppress(LineBusy):
            line.adopt(call)

    async def hang_up(self, session: SessionId, reason: str | None = None) -> None:
        """End a call, or decline a ring; other phones may go on ringing."""
        await self._find(session).hang_up(_BUSY if reason == "busy" else _DECLINED)

    async def in_progress(self) -> Mapping[SessionId, CallSession]:
        """Return the calls, also those that the server is about to send; calls that it has sent come first, then later ones."""
        rings = sorted(self._rings.values(), key=lambda ring: (ring.call is None, -ring.session))
        return {
            ring.session: CallSession(ring.session, Direction.INCOMING, ring.state, ring.caller, bell=ring.bell)
            for ring in rings
            if not ring.over.is_set()
        }

    async def send_dtmf(self, bell: BellId) -> bool:
        """Open the door of an answered call by its digits; return False without such a call.

        Raises:
            TalkError: The digits could not be sent.
        """
        ring = self.ring_at(bell)
        if ring is None or ring.call is None or ring.state is not CallState.CONNECTED or not ring.dtmf:
            return False
        await ring.call.send_dtmf(ring.dtmf)
        return True

    def _find(self, session: SessionId) -> VisitorCall:
        ring = self._rings.get(session)
        if ring is None or ring.over.is_set():
            raise NoSuchCall("no such call")
        return ring


def _peer_of(push: CallPush) -> SipPeer | None:
    """Return the phone server of a push; None if it cannot be used."""
    transport = _TRANSPORTS.get((push.transport or "").strip().lower())
    server = phone_server(push.server)
    if transport is None or server is None:
        return None
    host, named = server
    port = push.port or named or _PORTS.get(transport, 5060)
    return SipPeer(host, port, transport) if port < 2**16 else None
