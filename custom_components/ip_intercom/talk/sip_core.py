"""What calls and the registration share: identity, sending with a login, and dialogs (RFC 3261, 8, 12, and 22)."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
import logging
from ssl import SSLContext
from typing import Final, Self

from .digest import Authenticator
from .errors import SipError
from .sip_addresses import VERSION, Address, SipUri, bracketed
from .sip_messages import Headers, Request, Response, new_branch, new_call_id, new_tag
from .sip_transactions import Failure, ServerTransaction, Timers, Transactions
from .sip_transports import Flow, SipPeer, Transport, make_transport
from .tasks import TaskSet

_LOGGER = logging.getLogger(__name__)

METHODS: Final = ("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "UPDATE", "INFO")
ALLOW: Final = ", ".join(METHODS)
# What may be required of this agent (RFC 3261, 8.2.2.3).
EXTENSIONS: Final = frozenset({"timer"})
_AGENT: Final = "IP Intercom"
# Nonces that a server may declare stale for one request.
_MOST_STALE: Final = 2


@dataclass(frozen=True, slots=True)
class SipAccount:
    """An account of a server."""

    username: str
    password: str = field(repr=False)
    domain: str
    auth_username: str | None = None


class Login:
    """Answers the challenges for the requests of one dialog or registration (RFC 3261, 22)."""

    def __init__(self, account: SipAccount | None) -> None:
        self._account = account
        self._answers: dict[str, Authenticator] = {}
        self._tried: dict[str, int] = {}

    def begin(self) -> None:
        """Begin another request, which may be challenged again."""
        self._tried.clear()

    def take(self, response: Response) -> bool:
        """Take a 401 or 407, and return whether to repeat the request: a rejected password is not tried again."""
        if self._account is None or response.status not in (401, 407):
            return False
        asks, answers = (
            ("www-authenticate", "authorization")
            if response.status == 401
            else ("proxy-authenticate", "proxy-authorization")
        )
        account = self._account
        answer = self._answers.get(answers) or Authenticator(
            account.auth_username or account.username, account.password, bodies=True
        )
        tried = self._tried.get(answers, 0)
        if not answer.take(response.all(asks)):
            _LOGGER.debug("SIP login not possible: no supported challenge")
            return False
        if tried and not (answer.stale and tried <= _MOST_STALE):
            _LOGGER.debug("SIP login rejected")
            return False
        self._answers[answers] = answer
        self._tried[answers] = tried + 1
        return True

    def headers(self, method: str, uri: str, body: bytes = b"") -> Headers:
        """Return the answers for a request."""
        answers = ((name, answer.answer(method, uri, body)) for name, answer in self._answers.items())
        return tuple((name, value) for name, value in answers if value is not None)


@dataclass(slots=True)
class Dialog:
    """Both sides of a call, and the way between them (RFC 3261, 12)."""

    call_id: str
    local: Address
    remote: Address
    target: str
    routes: tuple[str, ...] = ()
    local_cseq: int = 0
    remote_cseq: int | None = None
    # The peer has sent its target.
    established: bool = False
    # The connection that the peer uses; over UDP, the address of the target decides.
    flow: Flow | None = None

    @classmethod
    def outgoing(cls, local: Address, target: str) -> Self:
        """Begin a dialog with its first request."""
        return cls(new_call_id(), replace(local, parameters=(("tag", new_tag()),)), Address(target), target)

    @classmethod
    def incoming(cls, request: Request, tag: str, flow: Flow) -> Self:
        """Begin a dialog with the peer's first request; raises SipError."""
        contact = request.contact
        if contact is None:
            raise SipError("no Contact")
        SipUri.parse(contact.uri)
        to = request.to
        local = replace(to, parameters=(*to.parameters, ("tag", tag)))
        routes = tuple(request.items("record-route"))
        return cls(request.call_id, local, request.from_, contact.uri, routes, remote_cseq=request.cseq[0], flow=flow)

    def confirmed(self, response: Response) -> Dialog:
        """Return the dialog that a response to the first request creates; raises SipError.

        A response without a valid Contact keeps the target, so that the call can be acknowledged and ended.
        """
        target = self.target
        try:
            if (contact := response.contact) is not None:
                SipUri.parse(contact.uri)
                target = contact.uri
        except SipError as err:
            _LOGGER.debug("SIP Contact of %s ignored: %s", self.target, err)
        return replace(
            self,
            remote=response.to,
            target=target,
            routes=tuple(reversed(response.items("record-route"))),
            established=True,
        )

    def retarget(self, message: Request | Response) -> None:
        """Take the target of a request or response that refreshes it (RFC 3261, 12.2)."""
        contact = message.contact
        if contact is not None:
            SipUri.parse(contact.uri)
            self.target = contact.uri

    @property
    def next_hop(self) -> SipUri:
        """Where requests go; raises SipError."""
        return SipUri.parse(Address.parse(self.routes[0]).uri if self.routes else self.target)

    def path(self) -> tuple[str, Headers]:
        """Return the Request-URI and the routes of a request (RFC 3261, 12.2.1.1); raises SipError."""
        routes = self.routes
        if routes and not self.next_hop.is_loose:
            # A strict router takes its own address from the first line.
            return str(self.next_hop), tuple(("route", route) for route in (*routes[1:], f"<{self.target}>"))
        return self.target, tuple(("route", route) for route in routes)


type Build = Callable[[], Request]


class SipCore:
    """The identity of an agent, its socket, and its transactions."""

    def __init__(
        self,
        peer: SipPeer,
        account: SipAccount | None,
        user: str,
        display_name: str,
        timers: Timers,
        ssl: SSLContext | None,
        on_request: Callable[[ServerTransaction], None],
        on_ack: Callable[[Request], None],
        on_lost: Callable[[], None],
    ) -> None:
        self.peer = peer
        self.account = account
        self.timers = timers
        self.loop = asyncio.get_running_loop()
        self.transactions = Transactions(timers, on_request, on_ack)
        self.transport = make_transport(peer, self.transactions.receive, self._lose, ssl)
        self._user = account.username if account else user
        self._display_name = display_name
        self._on_lost = on_lost
        # What may outlast its call.
        self.tasks = TaskSet()
        # The address that the peer sees, once it is known to differ.
        self.seen: tuple[str, int] | None = None

    # ---- Identity ----

    @property
    def contact(self) -> SipUri:
        """Where the peer reaches this agent."""
        host, port = self.seen or (self.transport.host, self.transport.port)
        transport = self.peer.transport
        parameters = () if transport is Transport.UDP else (("transport", transport.value),)
        return SipUri(bracketed(host), port, self._user, parameters)

    @property
    def identity(self) -> Address:
        """From, without a tag."""
        domain = bracketed(self.account.domain if self.account else self.transport.host)
        display = self._display_name.replace("\\", "").replace('"', "")
        return Address(f"sip:{self._user}@{domain}", display=f'"{display}"' if display else "")

    def uri_of(self, target: str) -> str:
        """Return the URI of a number, or a URI as it is; raises SipError."""
        if target.lower().startswith(("sip:", "sips:")):
            return str(SipUri.parse(target))
        peer = self.peer
        domain = bracketed(self.account.domain if self.account else peer.host)
        if not self.account and peer.port != 5060:
            domain = f"{domain}:{peer.port}"
        return str(SipUri.parse(f"sip:{target}@{domain}" if target else f"sip:{domain}"))

    # ---- Sending ----

    def request(
        self,
        method: str,
        dialog: Dialog,
        *,
        headers: Headers = (),
        body: bytes = b"",
        content: str = "application/sdp",
        cseq: int | None = None,
    ) -> Request:
        """Return a request of a dialog with the next number; ACK has the one of its INVITE. Raises SipError."""
        if cseq is None:
            dialog.local_cseq += 1
            cseq = dialog.local_cseq
        uri, routes = dialog.path()
        transport = self.transport
        hop = f"{VERSION}/{self.peer.transport.upper()} {bracketed(transport.host)}:{transport.port}"
        made: list[tuple[str, str]] = [
            ("via", f"{hop};rport;branch={new_branch()}"),
            ("max-forwards", "70"),
            *routes,
            ("from", str(dialog.local)),
            ("to", str(dialog.remote)),
            ("call-id", dialog.call_id),
            ("cseq", f"{cseq} {method}"),
        ]
        if method in ("INVITE", "UPDATE"):
            made += [("contact", f"<{self.contact}>"), ("allow", ALLOW), ("supported", ", ".join(sorted(EXTENSIONS)))]
        made += [("user-agent", _AGENT), *headers]
        if body:
            made.append(("content-type", content))
        return Request(method=method, uri=uri, headers=tuple(made), body=body)

    def flow(self, dialog: Dialog) -> Flow:
        """Return the way to the next hop: always the peer, because it is the only one to talk to."""
        if dialog.flow is not None and dialog.flow.reliable and not dialog.flow.lost:
            return dialog.flow
        port = None
        if dialog.established:
            hop = dialog.next_hop
            if hop.host.strip("[]") in (self.transport.address, self.peer.host):
                port = hop.port or 5060
        return self.transport.flow(port)

    async def ask(self, build: Build, flow: Callable[[], Flow], login: Login) -> Response | Failure:
        """Send a request, again with a login if the peer asks for one, and return the final response."""
        login.begin()
        while True:
            result = await self.transactions.ask(build(), flow())
            if isinstance(result, Failure) or not login.take(result):
                return result

    def _lose(self, flow: Flow) -> None:
        self.transactions.lose(flow)
        if not flow.accepted:
            self._on_lost()

    async def close(self, patience: float) -> None:
        """End what is under way, after at most some seconds, and close the sockets."""
        end = self.loop.time() + patience
        while (self.transactions.waiting or self.tasks) and self.loop.time() < end:
            await asyncio.sleep(0.02)
        self.transactions.close()
        await self.tasks.cancel()
        self.transport.close()
