"""A call: its state, its audio, and the requests within it (RFC 3261, 12 to 15; RFC 3311; RFC 6086)."""

import asyncio
from collections.abc import Callable
from enum import StrEnum
from functools import partial
import logging
from random import uniform
from typing import Final

from .errors import CallFailed, SipError, TalkError
from .rtp import DIGITS, RtpPacket
from .rtp_session import Statistics
from .sdp import Codec
from .sip_addresses import SipUri
from .sip_answers import CONTROL, RELAY, SDP, Unacknowledged, accepts_body, answer_info, respond, shown
from .sip_core import ALLOW, Dialog, Login, SipCore
from .sip_media import UPDATE, CallMedia, KeyFrameRequests
from .sip_messages import Headers, Request, Response
from .sip_session_timer import MIN_SE, SessionTimer, SilenceWatch, asking, min_se
from .sip_transactions import Failure, ServerTransaction

_LOGGER = logging.getLogger(__name__)

# Seconds that a hang-up waits for its answer; after that, it goes on by itself.
_PATIENCE: Final = 2.0
# Seconds of a digit by INFO, in milliseconds.
_DIGIT_LENGTH: Final = 160


class CallState(StrEnum):
    """How far a call is."""

    DIALING = "dialing"
    RINGING = "ringing"
    ESTABLISHED = "established"
    ENDED = "ended"


class EndReason(StrEnum):
    """Why a call has ended."""

    LOCAL = "local"  # this side hung up or refused
    REMOTE = "remote"  # the other side hung up
    CANCELED = "canceled"  # the caller gave up before an answer
    ELSEWHERE = "elsewhere"  # another phone answered (RFC 3326, 3.1)
    REFUSED = "refused"
    NO_ANSWER = "no_answer"
    EXPIRED = "expired"  # the session timer was not refreshed
    FAILED = "failed"  # no response, connection lost, no common codec


class SipCall:
    """A call in either direction; ``OutgoingCall`` and ``IncomingCall`` establish it."""

    incoming = False

    def __init__(self, core: SipCore, dialog: Dialog, media: CallMedia, forget: Callable[[SipCall], None]) -> None:
        self.state = CallState.DIALING
        self.end_reason: EndReason | None = None
        self.on_state: Callable[[SipCall], None] | None = None
        self._core = core
        self._dialog = dialog
        self._media = media
        self._forget = forget
        self._login = Login(core.account)
        self._ended = asyncio.Event()
        self._timer = SessionTimer(self._refresh, self._expire)
        self._allowed: frozenset[str] = frozenset()
        # An offer of this side waits for its answer; an answer of this side waits for its ACK.
        self._offering = False
        self._unacknowledged: Unacknowledged | None = None
        self._tones = asyncio.Lock()
        inform = partial(self._ask, "INFO", body=UPDATE, content=CONTROL)
        self._key_frames = KeyFrameRequests(media, inform, core.tasks)
        gone = partial(self._hang_up, EndReason.FAILED)
        self._silence = SilenceWatch(lambda: media.received, partial(self._ask, "OPTIONS"), gone, core.tasks)

    # ---- What the owner uses ----

    @property
    def key(self) -> tuple[str, str]:
        """What requests of the peer are matched by: Call-ID and the tag of this side."""
        return self._dialog.call_id, self._dialog.local.tag or ""

    @property
    def remote_tag(self) -> str | None:
        """The tag of the other side."""
        return self._dialog.remote.tag

    @property
    def remote(self) -> str:
        """The other side, as a URI without password and parameters."""
        try:
            return SipUri.parse(self._dialog.remote.uri).shown
        except SipError:
            return self._core.peer.host

    @property
    def codec(self) -> Codec:
        """The agreed audio codec; raises TalkError before there is one."""
        if (codec := self._media.codec) is None:
            raise TalkError("no codec agreed yet")
        return codec

    @property
    def video(self) -> Codec | None:
        """The agreed video codec."""
        return self._media.video

    @property
    def held(self) -> bool:
        """The other side put the call on hold."""
        return self._media.held

    @property
    def statistics(self) -> Statistics:
        """Packets of the audio."""
        return self._media.statistics

    @property
    def video_statistics(self) -> Statistics:
        """Packets of the video."""
        return self._media.video_statistics

    @property
    def on_audio(self) -> Callable[[RtpPacket], None] | None:
        """Gets the packets of the agreed audio codec, early media included."""
        return self._media.on_audio

    @on_audio.setter
    def on_audio(self, listener: Callable[[RtpPacket], None] | None) -> None:
        self._media.on_audio = listener

    @property
    def on_video(self) -> Callable[[RtpPacket], None] | None:
        """Gets the packets of the video."""
        return self._media.on_video

    @on_video.setter
    def on_video(self, listener: Callable[[RtpPacket], None] | None) -> None:
        self._media.on_video = listener

    @property
    def on_dtmf(self) -> Callable[[str], None] | None:
        """Gets each digit that the other side presses."""
        return self._media.on_dtmf

    @on_dtmf.setter
    def on_dtmf(self, listener: Callable[[str], None] | None) -> None:
        self._media.on_dtmf = listener

    def send_audio(self, payload: bytes, *, marker: bool = False) -> None:
        """Send bytes of the agreed codec as one packet; dropped while on hold."""
        self._media.send_audio(payload, marker=marker)

    def forward(self, packet: RtpPacket, codec: str | None = None) -> None:
        """Send a packet of another stream with its timing; ``codec`` is its G.711 codec if not the agreed one."""
        self._media.forward(packet, codec)

    def request_key_frame(self) -> None:
        """Ask the other side for a key frame of its video, at most once a second."""
        if self.state is CallState.ESTABLISHED:
            self._key_frames.request()

    async def send_dtmf(self, digits: str) -> None:
        """Press digits, as telephone events if agreed, else by INFO.

        Raises:
            TalkError: A character is no digit, the call is not established, or the other side accepts no INFO.
        """
        digits = digits.upper()
        if not digits or any(digit not in DIGITS for digit in digits):
            raise TalkError("digits are 0 to 9, *, #, and A to D")
        async with self._tones:
            for digit in digits:
                if self.state is not CallState.ESTABLISHED:
                    raise TalkError("the call is not established")
                if self._media.has_events:
                    await self._media.send_event(digit)
                else:
                    await self._send_info(digit)

    async def ring(self) -> None:
        """Tell the caller that it rings; raises TalkError."""
        raise TalkError("not an incoming call")

    async def answer(self, *, video: bool = False) -> None:
        """Answer the call; raises CallFailed and TalkError."""
        raise TalkError("not an incoming call")

    async def refuse(self, status: int = 486) -> None:
        """Refuse the call; raises TalkError."""
        raise TalkError("not an incoming call")

    async def hang_up(self) -> None:
        """End the call in any state."""
        if self.state is CallState.ESTABLISHED:
            _LOGGER.debug("Call with %s: hung up", self.remote)
            self._end(EndReason.LOCAL)
            await asyncio.wait({self._core.tasks.start(self._say_bye(self._dialog))}, timeout=_PATIENCE)

    async def wait_ended(self) -> None:
        """Return once the call has ended."""
        await self._ended.wait()

    def stop_waiting(self) -> None:
        """Wait no longer for an ACK: BYE goes out without it, because the socket will be closed."""
        if self._unacknowledged is not None:
            self._unacknowledged.stop()

    def abandon(self) -> None:
        """Stop all that waits: the socket is closed."""
        self._end(EndReason.LOCAL)
        self.stop_waiting()
        self._forget(self)

    # ---- State ----

    def _set_state(self, state: CallState) -> None:
        if self.state not in (state, CallState.ENDED):
            self.state = state
            if state is CallState.ESTABLISHED:
                self._silence.start()
            elif state is CallState.ENDED:
                self._silence.stop()
                self._ended.set()
            if self.on_state is not None:
                self.on_state(self)

    def _end(self, reason: EndReason) -> None:
        """End without a message; what is under way goes on."""
        if self.state is not CallState.ENDED:
            _LOGGER.debug("Call with %s ended: %s", self.remote, reason)
            self.end_reason = reason
            self._timer.stop()
            self._media.close()
            self._set_state(CallState.ENDED)

    async def _say_bye(self, dialog: Dialog) -> None:
        """Send BYE: not before the ACK of an answered call (RFC 3261, 15)."""
        if self._unacknowledged is not None:
            await self._unacknowledged.done.wait()
        result = await self._ask("BYE", dialog=dialog)
        if isinstance(result, Failure) or result.status >= 300:
            _LOGGER.debug("Call with %s: BYE: %s", self.remote, shown(result))
        self._forget(self)

    async def _ask(
        self,
        method: str,
        headers: Headers = (),
        body: bytes = b"",
        content: str = SDP,
        dialog: Dialog | None = None,
    ) -> Response | Failure:
        """Send a request within the call, and return the final response."""
        used = dialog or self._dialog

        def build() -> Request:
            login = self._login.headers(method, used.path()[0], body)
            return self._core.request(method, used, headers=(*headers, *login), body=body, content=content)

        return await self._core.ask(build, lambda: self._core.flow(used), self._login)

    async def _send_info(self, digit: str) -> None:
        body = f"Signal={digit}\r\nDuration={_DIGIT_LENGTH}\r\n".encode()
        result = await self._ask("INFO", body=body, content=RELAY)
        if isinstance(result, Failure) or result.status >= 300:
            raise TalkError(f"digit not accepted: {shown(result)}")

    def _acknowledge(self, dialog: Dialog, invite: Request) -> bytes:
        """Return the ACK of a 2xx, with the login of its INVITE (RFC 3261, 13.2.2.4 and 22.1)."""
        login = tuple(item for item in invite.headers if item[0] in ("authorization", "proxy-authorization"))
        return self._core.request("ACK", dialog, headers=login, cseq=invite.cseq[0]).to_bytes()

    # ---- Session timer ----

    def _refresh(self) -> None:
        self._core.tasks.start(self._refresh_session())

    async def _refresh_session(self) -> None:
        """Refresh the session, by UPDATE where the peer knows it (RFC 4028, 7.4)."""
        headers = asking(self._timer.interval, MIN_SE, "uac")
        if "update" in self._allowed:
            result = await self._ask("UPDATE", headers)
        else:
            result = await self._invite_again(headers)
        if self.state is not CallState.ESTABLISHED:
            return
        if isinstance(result, Failure) or result.status in (408, 481):
            _LOGGER.debug("Call with %s: not refreshed: %s", self.remote, shown(result))
            self._hang_up(EndReason.FAILED)
        elif result.status < 300:
            self._dialog.retarget(result)
            self._timer.answered(result)
        elif result.status == 422:
            self._timer.start(min(min_se(result), 86_400), ours=True)
            self._refresh()
        elif result.status == 491:
            # The one that began the call waits longer (RFC 3261, 14.1).
            self._timer.refresh_in(uniform(0, 2) if self.incoming else uniform(2.1, 4))
        else:
            _LOGGER.debug("Call with %s: not refreshed: %s", self.remote, shown(result))

    async def _invite_again(self, headers: Headers) -> Response | Failure:
        """Send a re-INVITE with what is agreed."""
        self._offering = True
        try:
            self._login.begin()
            while True:
                result = await self._invite_once(headers)
                if isinstance(result, Failure) or not self._login.take(result):
                    break
            if not isinstance(result, Failure) and result.status < 300 and result.body:
                self._media.take_answer(result.body)
        except CallFailed as err:
            _LOGGER.debug("Call with %s: answer of the refresh ignored: %s", self.remote, err)
        finally:
            self._offering = False
        return result

    async def _invite_once(self, headers: Headers) -> Response | Failure:
        dialog, body = self._dialog, self._media.offer()
        login = self._login.headers("INVITE", dialog.path()[0], body)
        request = self._core.request("INVITE", dialog, headers=(*headers, *login), body=body)
        answer: asyncio.Future[Response | Failure] = self._core.loop.create_future()
        flow = self._core.flow(dialog)

        def settle(result: Response | Failure) -> None:
            if not isinstance(result, Failure) and 200 <= result.status < 300:
                flow.send(self._acknowledge(dialog, request))
            if not answer.done() and (isinstance(result, Failure) or result.status >= 200):
                answer.set_result(result)

        self._core.transactions.start(request, flow, settle, settle)
        return await answer

    def _expire(self) -> None:
        self._hang_up(EndReason.EXPIRED)

    def _hang_up(self, reason: EndReason) -> None:
        """End by BYE for another reason than the owner's wish."""
        if self.state is CallState.ESTABLISHED:
            self._end(reason)
            self._core.tasks.start(self._say_bye(self._dialog))

    # ---- Requests of the peer ----

    def receive(self, transaction: ServerTransaction) -> None:
        """Take a request within the call; raises SipError."""
        request = transaction.request
        number = request.cseq[0]
        dialog = self._dialog
        if request.from_.tag != dialog.remote.tag:
            respond(transaction, 481)
        elif dialog.remote_cseq is not None and number < dialog.remote_cseq:
            respond(transaction, 500)
        else:
            dialog.remote_cseq = number
            if transaction.flow.reliable:
                dialog.flow = transaction.flow
            self._receive(transaction)

    def _receive(self, transaction: ServerTransaction) -> None:
        request = transaction.request
        if request.method == "BYE":
            respond(transaction, 200)
            if self.state is not CallState.ENDED:
                self._remote_bye()
        elif self.state is CallState.ENDED:
            respond(transaction, 481)
        elif request.method in ("INVITE", "UPDATE"):
            self._receive_offer(transaction)
        elif request.method == "INFO":
            digit = answer_info(transaction)
            if digit is not None and self.on_dtmf is not None:
                self.on_dtmf(digit)
        else:
            # Only OPTIONS is left of the known methods.
            respond(transaction, 200, (("allow", ALLOW), ("accept", SDP)))

    def _remote_bye(self) -> None:
        self._end(EndReason.REMOTE)
        if self._unacknowledged is not None:
            # The ACK was lost, or comes too late.
            self._unacknowledged.stop()
            self._unacknowledged = None
        self._forget(self)

    def _receive_offer(self, transaction: ServerTransaction) -> None:
        """Answer a re-INVITE or UPDATE (RFC 3261, 14.2; RFC 3311, 5.2)."""
        request = transaction.request
        is_invite = request.method == "INVITE"
        if self._offering:
            respond(transaction, 491)
        elif self._unacknowledged is not None or (
            self.state is not CallState.ESTABLISHED and (is_invite or request.body)
        ):
            respond(transaction, 500, (("retry-after", "1"),))
        elif self._timer.is_too_short(request):
            respond(transaction, 422, (("min-se", str(MIN_SE)),))
        elif not accepts_body(transaction):
            return
        else:
            was_held = self.held
            try:
                body = self._media.answer(request.body) if request.body else self._media.offer() if is_invite else b""
            except CallFailed as err:
                _LOGGER.debug("Call with %s: new offer refused: %s", self.remote, err)
                respond(transaction, 488)
                return
            self._dialog.retarget(request)
            self._accept(transaction, body)
            if self.held != was_held:
                _LOGGER.debug("Call with %s: %s", self.remote, "on hold" if self.held else "resumed")

    def _accept(self, transaction: ServerTransaction, body: bytes) -> None:
        """Send the 2xx of an INVITE or UPDATE."""
        request = transaction.request
        headers: list[tuple[str, str]] = [("record-route", route) for route in request.all("record-route")]
        headers += [("contact", f"<{self._core.contact}>"), ("allow", ALLOW), ("supported", "timer")]
        headers += self._timer.answer(request)
        if body:
            headers.append(("content-type", SDP))
        respond(transaction, 200, tuple(headers), body)
        if request.method == "INVITE":
            self._unacknowledged = Unacknowledged(
                transaction, self._core, self._missing_ack, wants_answer=not request.body
            )

    def acknowledge(self, request: Request) -> None:
        """Take an ACK; raises SipError."""
        waiting = self._unacknowledged
        if waiting is None or request.cseq[0] != waiting.cseq:
            return
        self._unacknowledged = None
        waiting.stop()
        if waiting.wants_answer and self.state is CallState.ESTABLISHED:
            try:
                self._media.take_answer(request.body)
            except CallFailed as err:
                _LOGGER.debug("Call with %s: %s", self.remote, err)
                self._hang_up(EndReason.FAILED)

    def _missing_ack(self) -> None:
        self._unacknowledged = None
        _LOGGER.debug("Call with %s: no ACK", self.remote)
        self._hang_up(EndReason.FAILED)
