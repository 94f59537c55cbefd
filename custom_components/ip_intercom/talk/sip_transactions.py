"""Transactions: repeating, matching, and absorbing messages (RFC 3261, 17; RFC 6026)."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
import logging
from typing import Final

from .errors import SipError
from .sip_addresses import COOKIE, Via
from .sip_messages import Headers, Request, Response, new_tag
from .sip_transports import Flow

_LOGGER = logging.getLogger(__name__)

# Transactions at a time; requests above it get no answer.
MOST: Final = 1024


@dataclass(frozen=True, slots=True)
class Timers:
    """T1, T2, and T4 in seconds (RFC 3261, 17.1.1.1)."""

    t1: float = 0.5
    t2: float = 4.0
    t4: float = 5.0

    @property
    def limit(self) -> float:
        """Timers B, D, F, H, J, L, and M."""
        return 64 * self.t1


class Failure(StrEnum):
    """Why a request got no final response."""

    TIMEOUT = "no response"
    LOST = "connection lost"

    @property
    def word(self) -> str:
        """The failure as a word for diagnostics."""
        return self.value.replace(" ", "_")


class _State(StrEnum):
    TRYING = "trying"  # for INVITE: calling
    PROCEEDING = "proceeding"
    ACCEPTED = "accepted"
    COMPLETED = "completed"
    CONFIRMED = "confirmed"
    TERMINATED = "terminated"


type ClientKey = tuple[str, str]
type ServerKey = tuple[str, str, str]


@dataclass(slots=True)
class _Transaction:
    """The timers of a transaction, one that repeats and one that ends."""

    layer: Transactions
    request: Request
    flow: Flow
    state: _State = _State.TRYING
    _repeat: asyncio.TimerHandle | None = field(default=None, repr=False)
    _end: asyncio.TimerHandle | None = field(default=None, repr=False)

    @property
    def is_invite(self) -> bool:
        """INVITE has other states than the rest."""
        return self.request.method == "INVITE"

    @property
    def waits(self) -> bool:
        """There was no final response yet."""
        return self.state in (_State.TRYING, _State.PROCEEDING)

    @property
    def is_proceeding(self) -> bool:
        """There was a provisional response, and no final one yet."""
        return self.state is _State.PROCEEDING

    def _repeat_in(self, seconds: float, action: Callable[[float], None], longest: float) -> None:
        """Call ``action`` after some seconds and with twice that many as its argument."""
        self._stop_repeating()
        following = min(2 * seconds, longest)
        self._repeat = self.layer.loop.call_later(seconds, action, following)

    def _stop_repeating(self) -> None:
        if self._repeat is not None:
            self._repeat.cancel()
            self._repeat = None

    def _end_in(self, seconds: float, action: Callable[[], None]) -> None:
        if self._end is not None:
            self._end.cancel()
        self._end = self.layer.loop.call_later(seconds, action)

    def terminate(self) -> None:
        """End without a notification."""
        self.state = _State.TERMINATED
        self._stop_repeating()
        if self._end is not None:
            self._end.cancel()
            self._end = None


@dataclass(slots=True)
class ClientTransaction(_Transaction):
    """A request that waits for its responses.

    Attributes:
        on_response: Gets every provisional and final response; of an INVITE, every repetition of a 2xx, too.
        on_failure: Called once if there is no final response.
    """

    on_response: Callable[[Response], None] = field(kw_only=True, repr=False)
    on_failure: Callable[[Failure], None] = field(kw_only=True, repr=False)
    _ack: bytes | None = field(default=None, repr=False)

    @property
    def key(self) -> ClientKey:
        """What the responses are matched by (RFC 3261, 17.1.3)."""
        return self.request.via.branch, self.request.method

    def start(self) -> None:
        """Send the request."""
        timers = self.layer.timers
        self._end_in(timers.limit, self._timeout)
        if not self.flow.reliable:
            self._repeat_in(timers.t1, self._send_again, timers.limit if self.is_invite else timers.t2)
        self.flow.send(self.request.to_bytes())

    def _send_again(self, seconds: float) -> None:
        timers = self.layer.timers
        if self.state is _State.PROCEEDING:
            seconds = timers.t2
        self._repeat_in(seconds, self._send_again, timers.limit if self.is_invite else timers.t2)
        self.flow.send(self.request.to_bytes())

    def _timeout(self) -> None:
        self.fail(Failure.TIMEOUT)

    def fail(self, failure: Failure) -> None:
        """End without a final response."""
        waiting = self.waits
        self.layer.forget_client(self)
        if waiting:
            self.on_failure(failure)

    def end_after(self, seconds: float) -> None:
        """Wait only so long for a final response: the request was canceled (RFC 3261, 9.1)."""
        if self.state is _State.PROCEEDING:
            self._end_in(seconds, self._timeout)

    def receive(self, response: Response) -> None:
        """Take a response of this transaction."""
        if response.status < 200:
            if not self.waits:
                return
            if self.is_invite and self.state is _State.TRYING:
                self._stop_repeating()
                if self._end is not None:
                    self._end.cancel()
            self.state = _State.PROCEEDING
            self.on_response(response)
        elif self.is_invite:
            self._receive_final(response)
        elif self.waits:
            self.state = _State.COMPLETED
            self._stop_repeating()
            self._end_in(0 if self.flow.reliable else self.layer.timers.t4, self._done)
            self.on_response(response)

    def _receive_final(self, response: Response) -> None:
        timers = self.layer.timers
        first = self.waits
        if response.status < 300 and (first or self.state is _State.ACCEPTED):
            if first:
                self.state = _State.ACCEPTED
                self._stop_repeating()
                self._end_in(timers.limit, self._done)
            self.on_response(response)
        elif response.status >= 300 and first:
            self.state = _State.COMPLETED
            self._stop_repeating()
            self._ack = self._ack_of(response).to_bytes()
            self.flow.send(self._ack)
            self._end_in(0 if self.flow.reliable else timers.limit, self._done)
            self.on_response(response)
        elif response.status >= 300 and self.state is _State.COMPLETED and self._ack is not None:
            self.flow.send(self._ack)

    def _done(self) -> None:
        self.layer.forget_client(self)

    def _ack_of(self, response: Response) -> Request:
        """Return the ACK of a response that is no 2xx (RFC 3261, 17.1.1.3)."""
        return self._beside("ACK", response.need("to"))

    def cancel(self) -> None:
        """Send a CANCEL for this request (RFC 3261, 9.1); the final response of the request tells what came of it."""

        def ignore(_: Response | Failure) -> None:
            pass

        self.layer.start(self._beside("CANCEL", self.request.need("to")), self.flow, ignore, ignore)

    def _beside(self, method: str, to: str) -> Request:
        """Return an ACK or CANCEL: the hop, the routes, and the number of the request."""
        request = self.request
        headers: list[tuple[str, str]] = [("via", request.all("via")[0]), ("max-forwards", "70")]
        headers += [item for item in request.headers if item[0] in ("route", "from", "call-id")]
        headers += [("to", to), ("cseq", f"{request.cseq[0]} {method}")]
        return Request(method=method, uri=request.uri, headers=tuple(headers))


@dataclass(slots=True)
class ServerTransaction(_Transaction):
    """A request of the peer that gets responses.

    Attributes:
        tag: What To gets in responses, if it has no tag yet.
        on_cancel: Called with the CANCEL if the peer cancels the INVITE.
        on_lost: Called if the connection is lost before the end.
    """

    key: ServerKey = field(kw_only=True)
    source: tuple[str, int] = field(kw_only=True)
    tag: str = field(default_factory=new_tag)
    _last: bytes | None = field(default=None, repr=False)
    on_cancel: Callable[[Request], None] | None = field(default=None, repr=False)
    on_lost: Callable[[], None] | None = field(default=None, repr=False)

    def respond(self, status: int, reason: str, headers: Headers = (), body: bytes = b"") -> None:
        """Send a response; only the first final one counts."""
        if not self.waits:
            return
        response = respond(self.request, status, reason, self.tag, self.source, headers, body)
        timers = self.layer.timers
        self._last = response.to_bytes()
        if status < 200:
            self.state = _State.PROCEEDING
        elif not self.is_invite:
            self.state = _State.COMPLETED
            self._end_in(0 if self.flow.reliable else timers.limit, self._done)
        elif status < 300:
            self.state = _State.ACCEPTED
            self._end_in(timers.limit, self._done)
        else:
            self.state = _State.COMPLETED
            if not self.flow.reliable:
                self._repeat_in(timers.t1, self._send_again, timers.t2)
            self._end_in(timers.limit, self._done)
        self.flow.send(self._last)

    def send_again(self) -> None:
        """Repeat the last response; the owner of a 2xx does so until the ACK arrives (RFC 3261, 13.3.1.4)."""
        if self._last is not None:
            self.flow.send(self._last)

    def _send_again(self, seconds: float) -> None:
        self._repeat_in(seconds, self._send_again, self.layer.timers.t2)
        self.send_again()

    def receive(self, request: Request) -> None:
        """Take a repetition of the request, or the ACK of a response that is no 2xx."""
        if request.method == "ACK":
            if self.state is _State.COMPLETED:
                self.state = _State.CONFIRMED
                self._stop_repeating()
                self._end_in(0 if self.flow.reliable else self.layer.timers.t4, self._done)
        elif self.state in (_State.PROCEEDING, _State.COMPLETED):
            # In the state accepted, repetitions are absorbed (RFC 6026, 7.1).
            self.send_again()

    def _done(self) -> None:
        self.layer.forget_server(self)


def respond(
    request: Request,
    status: int,
    reason: str,
    tag: str,
    source: tuple[str, int],
    headers: Headers = (),
    body: bytes = b"",
) -> Response:
    """Return a response whose topmost hop tells where the request came from (RFC 3581, 4)."""
    made = request.respond(status, reason, tag, headers)
    first, *rest = made.items("via")
    hops = [str(Via.parse(first).answered(*source)), *rest]
    others = tuple(item for item in made.headers if item[0] != "via")
    return Response(status=status, reason=reason, headers=(*(("via", hop) for hop in hops), *others), body=body)


class Transactions:
    """All transactions of an agent."""

    def __init__(
        self,
        timers: Timers,
        on_request: Callable[[ServerTransaction], None],
        on_ack: Callable[[Request], None],
    ) -> None:
        self.timers = timers
        self.loop = asyncio.get_running_loop()
        self._on_request = on_request
        self._on_ack = on_ack
        self._clients: dict[ClientKey, ClientTransaction] = {}
        self._servers: dict[ServerKey, ServerTransaction] = {}

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._clients) + len(self._servers)

    @property
    def waiting(self) -> bool:
        """A request of ours waits for its final response."""
        return any(client.waits for client in self._clients.values())

    def start(
        self,
        request: Request,
        flow: Flow,
        on_response: Callable[[Response], None],
        on_failure: Callable[[Failure], None],
    ) -> ClientTransaction:
        """Send a request."""
        transaction = ClientTransaction(self, request, flow, on_response=on_response, on_failure=on_failure)
        self._clients[transaction.key] = transaction
        transaction.start()
        return transaction

    async def ask(self, request: Request, flow: Flow) -> Response | Failure:
        """Send a request, and return its final response."""
        answer: asyncio.Future[Response | Failure] = self.loop.create_future()

        def settle(result: Response | Failure) -> None:
            if not answer.done() and (isinstance(result, Failure) or result.status >= 200):
                answer.set_result(result)

        self.start(request, flow, settle, settle)
        return await answer

    def receive(self, message: Request | Response, flow: Flow, source: tuple[str, int]) -> None:
        """Take a message of the peer."""
        try:
            if isinstance(message, Response):
                self._receive_response(message)
            else:
                self._receive_request(message, flow, source)
        except SipError as err:
            _LOGGER.debug("SIP message of %s dropped: %s", source[0], err)

    def _receive_response(self, response: Response) -> None:
        response.check()
        transaction = self._clients.get((response.via.branch, response.cseq[1]))
        if transaction is None:
            _LOGGER.debug("SIP response %d to %s ignored: no such request", response.status, response.cseq[1])
        else:
            transaction.receive(response)

    def _receive_request(self, request: Request, flow: Flow, source: tuple[str, int]) -> None:
        via = request.via
        try:
            request.check()
        except SipError as err:
            _LOGGER.debug("SIP request %s of %s refused: %s", request.method, source[0], err)
            if request.method != "ACK":
                flow.send(respond(request, 400, "Bad Request", new_tag(), source).to_bytes())
            return
        key = _server_key(request, via)
        if (transaction := self._servers.get(key)) is not None:
            transaction.receive(request)
        elif request.method == "ACK":
            self._on_ack(request)
        elif self.count >= MOST:
            _LOGGER.debug("SIP request %s of %s dropped: too many transactions", request.method, source[0])
        else:
            transaction = ServerTransaction(self, request, flow, key=key, source=source)
            self._servers[key] = transaction
            try:
                self._on_request(transaction)
            except SipError:
                # It can get no response, so nothing would end it.
                self.forget_server(transaction)
                raise

    def find_invite(self, cancel: Request) -> ServerTransaction | None:
        """Return the INVITE that a CANCEL is for."""
        branch, sent_by, _ = _server_key(cancel, cancel.via)
        return self._servers.get((branch, sent_by, "INVITE"))

    def lose(self, flow: Flow) -> None:
        """A connection was lost: end what waits for a response over it."""
        for client in [client for client in self._clients.values() if client.flow is flow]:
            client.fail(Failure.LOST)
        for server in [server for server in self._servers.values() if server.flow is flow]:
            self.forget_server(server)
            if server.on_lost is not None:
                server.on_lost()

    def forget_client(self, transaction: ClientTransaction) -> None:
        """Remove a transaction."""
        transaction.terminate()
        self._clients.pop(transaction.key, None)

    def forget_server(self, transaction: ServerTransaction) -> None:
        """Remove a transaction."""
        transaction.terminate()
        self._servers.pop(transaction.key, None)

    def close(self) -> None:
        """End all transactions; requests that wait for a response fail because the connection is lost."""
        for client in list(self._clients.values()):
            client.fail(Failure.LOST)
        for server in list(self._servers.values()):
            self.forget_server(server)


def _server_key(request: Request, via: Via) -> ServerKey:
    method = "INVITE" if request.method == "ACK" else request.method
    if via.branch.startswith(COOKIE) and via.branch != COOKIE:
        return via.branch, f"{via.host.lower()}:{via.port}", method
    # RFC 2543 has no branches that can be relied on (RFC 3261, 17.2.3).
    return f"{request.call_id} {request.from_.tag} {request.cseq[0]}", str(via), method
