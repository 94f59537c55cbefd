"""A call that the other side makes (RFC 3261, 13.3)."""

import asyncio
from collections.abc import Callable
import logging
from typing import Final, override

from .errors import CallFailed, TalkError
from .sip_addresses import parse_number
from .sip_answers import respond
from .sip_calls import CallState, EndReason, SipCall
from .sip_core import Dialog, SipCore
from .sip_media import CallMedia
from .sip_messages import Request
from .sip_transactions import ServerTransaction

_LOGGER = logging.getLogger(__name__)

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
        self._established = asyncio.Event()
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
