"""Answers to the requests of a peer: reasons, bodies, digits by INFO, and the ACK to wait for."""

import asyncio
from collections.abc import Callable
from typing import Final

from .rtp import DIGITS
from .sip_addresses import parse_number
from .sip_core import SipCore
from .sip_messages import Headers, Response
from .sip_transactions import Failure, ServerTransaction

SDP: Final = "application/sdp"
RELAY: Final = "application/dtmf-relay"
# A request for a key frame (RFC 5168); it needs no more than an answer.
CONTROL: Final = "application/media_control+xml"
_NAMED_DIGITS: Final = {"10": "*", "11": "#", **{str(12 + number): "ABCD"[number] for number in range(4)}}

REASONS: Final = {
    100: "Trying",
    180: "Ringing",
    183: "Session Progress",
    200: "OK",
    400: "Bad Request",
    405: "Method Not Allowed",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    422: "Session Interval Too Small",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    491: "Request Pending",
    500: "Server Internal Error",
    501: "Not Implemented",
    505: "Version Not Supported",
    603: "Decline",
}


def respond(transaction: ServerTransaction, status: int, headers: Headers = (), body: bytes = b"") -> None:
    """Send a response with the usual reason."""
    transaction.respond(status, REASONS.get(status, "Refused"), headers, body)


def shown(result: Response | Failure) -> str:
    """Return a result for logs and errors."""
    return result.value if isinstance(result, Failure) else f"{result.status} {result.reason!r}"


class Unacknowledged:
    """A 2xx of an INVITE, repeated until its ACK arrives (RFC 3261, 13.3.1.4)."""

    def __init__(
        self, transaction: ServerTransaction, core: SipCore, on_timeout: Callable[[], None], *, wants_answer: bool
    ) -> None:
        self.cseq = transaction.request.cseq[0]
        # The offer was in the 2xx, so the answer is in the ACK.
        self.wants_answer = wants_answer
        self.done = asyncio.Event()
        self._transaction = transaction
        self._core = core
        self._on_timeout = on_timeout
        self._seconds = core.timers.t1
        self._repeat = core.loop.call_later(self._seconds, self._send_again)
        self._end = core.loop.call_later(core.timers.limit, self._timeout)

    def _send_again(self) -> None:
        self._transaction.send_again()
        self._seconds = min(2 * self._seconds, self._core.timers.t2)
        self._repeat = self._core.loop.call_later(self._seconds, self._send_again)

    def _timeout(self) -> None:
        self.stop()
        self._on_timeout()

    def stop(self) -> None:
        """The ACK has arrived."""
        self._repeat.cancel()
        self._end.cancel()
        self.done.set()


def accepts_body(transaction: ServerTransaction) -> bool:
    """Refuse a body that is no plain session description (RFC 3261, 8.2.3), and return whether it is one."""
    request = transaction.request
    content = (request.get("content-type") or SDP).partition(";")[0].strip().lower()
    if request.body and (content != SDP or request.get("content-encoding") not in (None, "identity")):
        respond(transaction, 415, (("accept", SDP), ("accept-encoding", "identity")))
        return False
    return True


def answer_info(transaction: ServerTransaction) -> str | None:
    """Answer an INFO, and return the digit that it presses; None if there is none."""
    request = transaction.request
    content = (request.get("content-type") or "").partition(";")[0].strip().lower()
    if content in (RELAY, "application/dtmf"):
        digit = digit_of_info(request.body, relay=content == RELAY)
        respond(transaction, 400 if digit is None else 200)
        return digit
    if request.body and content != CONTROL:
        respond(transaction, 415, (("accept", RELAY),))
    else:
        respond(transaction, 200)
    return None


def digit_of_info(body: bytes, *, relay: bool) -> str | None:
    """Return the digit of an INFO, None if it is malformed."""
    text = body.decode("ascii", "replace")
    if relay:
        lines = (line.partition("=") for line in text.splitlines())
        text = next((value for name, _, value in lines if name.strip().lower() == "signal"), "")
    digit = text.strip().upper()
    if (number := parse_number(digit)) is not None and number > 9:
        return _NAMED_DIGITS.get(digit)
    return digit if len(digit) == 1 and digit in DIGITS else None
