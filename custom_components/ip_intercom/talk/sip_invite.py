"""Calls from INVITE to ACK: those that this side makes (RFC 3261, 13.2; RFC 4028, 7), and incoming ones (13.3)."""

import asyncio
from collections.abc import Callable
import logging
from typing import Final, override

from .errors import CallFailed, CallRefused, SipError, TalkError
from .sip_addresses import parse_number
from .sip_answers import respond
from .sip_calls import CallState, EndReason, SipCall
from .sip_core import Dialog, SipCore
from .sip_media import CallMedia
from .sip_messages import Headers, Request, Response
from .sip_session_timer import MIN_SE, WANTED, asking, min_se
from .sip_transactions import ClientTransaction, Failure, ServerTransaction

_LOGGER = logging.getLogger(__name__)

# Answers of a forked call that are hung up.
_MOST_FORKS: Final = 16
# An interval that a server asks for is at most a day.
_LONGEST_INTERVAL: Final = 86_400


class OutgoingCall(SipCall):
    """A call from INVITE to ACK."""

    def __init__(self, core: SipCore, dialog: Dialog, media: CallMedia, forget: Callable[[SipCall], None]) -> None:
        super().__init__(core, dialog, media, forget)
        self._transaction: ClientTransaction | None = None
        self._answered: asyncio.Future[None] = core.loop.create_future()
        self._canceled = self._cancel_sent = False
        # The dialog as it was before any response, and the ACK of each 2xx by the tag of the other side.
        self._first = dialog
        self._acks: dict[str, bytes] = {}
        # Session interval to ask for, and the smallest that is accepted; raised once by a 422.
        self._intervals = WANTED, MIN_SE
        self._raised = False

    async def dial(self, timeout: float) -> None:
        """Call, and return once the other side has answered.

        Raises:
            CallRefused: The other side refused.
            CallFailed: No response or answer in time, connection lost, or no common codec.
        """
        try:
            await self._media.open(self._core.transport.host, self._core.transport.address)
            self._login.begin()
            self._invite()
        except (OSError, TalkError) as err:
            self._fail(CallFailed(f"call not possible: {err}"), EndReason.FAILED)
        try:
            async with asyncio.timeout(timeout):
                await self._answered
        except TimeoutError:
            _LOGGER.debug("Call to %s: no answer in %s s", self.remote, timeout)
            self._cancel(EndReason.NO_ANSWER)
            raise CallFailed("no answer", "no_answer") from None
        except asyncio.CancelledError:
            self._cancel(EndReason.LOCAL)
            raise

    @override
    async def hang_up(self) -> None:
        if self.state in (CallState.DIALING, CallState.RINGING):
            _LOGGER.debug("Call to %s: canceled", self.remote)
            self._cancel(EndReason.LOCAL)
            if not self._answered.done():
                self._answered.set_exception(CallFailed("hung up before an answer", "canceled"))
        else:
            await super().hang_up()

    # ---- INVITE and CANCEL ----

    def _invite(self) -> None:
        core, dialog, body = self._core, self._first, self._media.offer()
        interval, least = self._intervals
        headers: Headers = (
            *asking(interval, least),
            *self._login.headers("INVITE", dialog.path()[0], body),
        )
        request = core.request("INVITE", dialog, headers=headers, body=body)
        self._transaction = core.transactions.start(request, core.flow(dialog), self._respond, self._unanswered)

    def _cancel(self, reason: EndReason) -> None:
        """Give up: CANCEL goes out after the first provisional response (RFC 3261, 9.1)."""
        self._canceled = True
        self._end(reason)
        if self._transaction is None:
            self._forget(self)
        elif self._transaction.is_proceeding:
            self._send_cancel()

    def _send_cancel(self) -> None:
        transaction = self._transaction
        if transaction is not None and not self._cancel_sent:
            self._cancel_sent = True
            transaction.cancel()
            transaction.end_after(self._core.timers.limit)

    def _unanswered(self, failure: Failure) -> None:
        if not self._canceled:
            _LOGGER.debug("Call to %s failed: %s", self.remote, failure)
        self._fail(CallFailed(failure.value, failure.word), EndReason.FAILED)

    def _fail(self, error: CallFailed, reason: EndReason) -> None:
        self._end(reason)
        if not self._answered.done():
            self._answered.set_exception(error)
        self._forget(self)

    # ---- Responses ----

    def _respond(self, response: Response) -> None:
        if response.status < 200:
            self._take_provisional(response)
        elif response.status < 300:
            self._take_answer(response)
        elif self._canceled:
            self._forget(self)
        elif self._login.take(response):
            self._invite()
        elif response.status == 422 and not self._raised and min_se(response) <= _LONGEST_INTERVAL:
            self._raised = True
            least = min_se(response)
            self._intervals = max(WANTED, least), least
            self._invite()
        else:
            _LOGGER.debug("Call to %s refused: %d %r", self.remote, response.status, response.reason)
            reason = response.reason.encode("utf-8", "replace").decode()
            self._fail(CallRefused(response.status, reason), EndReason.REFUSED)

    def _take_provisional(self, response: Response) -> None:
        if self._canceled:
            self._send_cancel()
            return
        if response.status == 100 or self.state is CallState.ESTABLISHED:
            return
        try:
            if response.to.tag is not None:
                self._dialog = self._first.confirmed(response)
        except SipError as err:
            _LOGGER.debug("Call to %s: provisional response ignored: %s", self.remote, err)
            return
        if response.body:
            try:
                self._media.take_answer(response.body)
            except CallFailed as err:
                _LOGGER.debug("Call to %s: early media ignored: %s", self.remote, err)
        self._set_state(CallState.RINGING)

    def _take_answer(self, response: Response) -> None:
        tag = response.to.tag or ""
        if self._transaction is None:
            return
        if (known := self._acks.get(tag)) is not None:
            self._transaction.flow.send(known)
            return
        if len(self._acks) >= _MOST_FORKS:
            return
        try:
            dialog = self._first.confirmed(response)
            dialog.local_cseq = self._first.local_cseq
            acknowledged = self._acknowledge(dialog, self._transaction.request)
            flow = self._core.flow(dialog)
        except SipError as err:
            self._fail(CallFailed(f"malformed answer: {err}"), EndReason.FAILED)
            return
        first = not self._acks
        self._acks[tag] = acknowledged
        flow.send(acknowledged)
        if not first or self._canceled:
            _LOGGER.debug("Call to %s: answer hung up: %s", self.remote, "canceled" if first else "forked")
            self._core.tasks.start(self._reject(dialog, last=first))
            return
        self._dialog = dialog
        self._confirm(response)

    def _confirm(self, response: Response) -> None:
        try:
            if response.body or self._media.codec is None:
                self._media.take_answer(response.body)
        except CallFailed as err:
            _LOGGER.debug("Call to %s failed: %s", self.remote, err)
            self._end(EndReason.FAILED)
            self._core.tasks.start(self._say_bye(self._dialog))
            if not self._answered.done():
                self._answered.set_exception(err)
            return
        self._allowed = frozenset(response.options("allow"))
        self._timer.answered(response)
        _LOGGER.debug("Call to %s established", self.remote)
        self._set_state(CallState.ESTABLISHED)
        if not self._answered.done():
            self._answered.set_result(None)

    async def _reject(self, dialog: Dialog, *, last: bool) -> None:
        """Hang up a call that was answered too late or twice."""
        await self._ask("BYE", dialog=dialog)
        if last:
            self._forget(self)


# Seconds after which a call that is not answered is refused, and between two signs that it still rings (13.3.1.1).
LONGEST_RING: Final = 180.0
_REMINDER: Final = 60.0


class IncomingCall(SipCall):
    """A call from INVITE to ACK; it rings until it is answered or refused."""

    incoming = True

    def __init__(
        self, core: SipCore, transaction: ServerTransaction, media: CallMedia, forget: Callable[[SipCall], None]
    ) -> None:
        """Begin a call; raises SipError."""
        request = transaction.request
        super().__init__(core, Dialog.incoming(request, transaction.tag, transaction.flow), media, forget)
        self._allowed = frozenset(request.options("allow"))
        self._transaction = transaction
        self._answering = False
        # The caller may say how long it waits (13.3.1).
        longest = parse_number(request.get("expires"), int(LONGEST_RING)) or LONGEST_RING
        self._ringing = core.loop.call_later(longest, self._give_up)
        self._reminder: asyncio.TimerHandle | None = None
        transaction.on_cancel = self._canceled
        transaction.on_lost = self._lost

    @override
    async def ring(self) -> None:
        if self.state is CallState.DIALING:
            self._remind()
            self._set_state(CallState.RINGING)

    def _remind(self) -> None:
        headers = (("contact", f"<{self._core.contact}>"),)
        routes = tuple(("record-route", route) for route in self._transaction.request.all("record-route"))
        respond(self._transaction, 180, (*routes, *headers))
        self._reminder = self._core.loop.call_later(_REMINDER, self._remind)

    @override
    async def answer(self, *, video: bool = False) -> None:
        if self.state not in (CallState.DIALING, CallState.RINGING) or self._answering:
            raise TalkError("the call does not ring")
        self._answering = True
        offer = self._transaction.request.body
        try:
            self._media.wants_video = video
            await self._media.open(self._core.transport.host, self._core.transport.address)
            if self._ended.is_set():
                self._media.close()
                raise CallFailed("the caller gave up", "canceled")
            body = self._media.answer(offer) if offer else self._media.offer()
        except (OSError, TalkError) as err:
            if not self._ended.is_set():
                _LOGGER.debug("Call of %s refused: %s", self.remote, err)
                self._finish(488, EndReason.FAILED)
            raise err if isinstance(err, CallFailed) else CallFailed(str(err)) from err
        self._stop_ringing()
        self._accept(self._transaction, body)
        _LOGGER.debug("Call of %s answered", self.remote)
        self._set_state(CallState.ESTABLISHED)
        assert self._unacknowledged is not None
        await self._unacknowledged.done.wait()
        if self.end_reason is EndReason.FAILED:
            raise CallFailed("the answer was not acknowledged", "no_response")
        if self.end_reason is EndReason.REMOTE:
            raise CallFailed("the caller gave up", "canceled")

    @override
    async def refuse(self, status: int = 486) -> None:
        if self.state in (CallState.DIALING, CallState.RINGING):
            _LOGGER.debug("Call of %s refused: %d", self.remote, status)
            self._finish(status, EndReason.LOCAL)

    @override
    async def hang_up(self) -> None:
        if self.state is CallState.ESTABLISHED:
            await super().hang_up()
        else:
            await self.refuse(603)

    def _finish(self, status: int, reason: EndReason) -> None:
        """End a call that was not answered."""
        respond(self._transaction, status)
        self._stop_ringing()
        self._end(reason)
        self._forget(self)

    def _stop_ringing(self) -> None:
        self._ringing.cancel()
        if self._reminder is not None:
            self._reminder.cancel()

    def _give_up(self) -> None:
        _LOGGER.debug("Call of %s: not answered", self.remote)
        self._finish(480, EndReason.NO_ANSWER)

    def _canceled(self, request: Request) -> None:
        if self.state in (CallState.DIALING, CallState.RINGING):
            self._finish(487, EndReason.ELSEWHERE if _is_answered_elsewhere(request) else EndReason.CANCELED)

    def _lost(self) -> None:
        if self.state in (CallState.DIALING, CallState.RINGING):
            self._finish(480, EndReason.FAILED)

    @override
    def _remote_bye(self) -> None:
        # A caller may end a call with BYE before the answer (RFC 3261, 15).
        if self.state in (CallState.DIALING, CallState.RINGING):
            self._finish(487, EndReason.CANCELED)
        else:
            super()._remote_bye()


def _is_answered_elsewhere(cancel: Request) -> bool:
    """Return whether another phone took the call: SIP cause 200 (RFC 3326, 3.1), or ISUP cause 26 (Q.850)."""
    for reason in cancel.all("reason"):
        protocol, *parameters = (part.strip().lower() for part in reason.split(";"))
        cause = next((part.partition("=")[2].strip() for part in parameters if part.startswith("cause")), "")
        if (protocol, cause) in {("sip", "200"), ("q.850", "26")}:
            return True
    return False
