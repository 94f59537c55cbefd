"""A SIP user agent for one device or server, the only one that it talks to (RFC 3261).

Reliable provisional responses (RFC 3262) are not supported: a call that requires them is refused with 420.
"""

import asyncio
from collections.abc import Callable
import logging
from ssl import SSLContext
from typing import Final

from .errors import CallFailed, RegistrationFailed, SipError
from .sdp import PCMA, PCMU
from .sip_addresses import VERSION, SipUri
from .sip_answers import SDP, accepts_body, respond
from .sip_calls import CallState, EndReason, SipCall
from .sip_core import ALLOW, EXTENSIONS, METHODS, Dialog, Login, SipAccount, SipCore
from .sip_invite import IncomingCall, OutgoingCall
from .sip_media import CallMedia
from .sip_messages import Request
from .sip_registration import Registration
from .sip_session_timer import MIN_SE, SessionTimer
from .sip_transactions import Failure, ServerTransaction, Timers
from .sip_transports import SipPeer, Transport

__all__ = ["CallState", "EndReason", "SipAccount", "SipAgent", "SipCall", "SipPeer", "Timers", "Transport"]

_LOGGER = logging.getLogger(__name__)

# Calls at a time; above it, calls are answered as busy.
MOST_CALLS: Final = 32
# Seconds that the end of the agent waits for its last requests.
_PATIENCE: Final = 4.0


class SipAgent:
    """Makes and takes calls of one peer, and keeps an account registered.

    Args:
        peer: The device or server.
        account: Its account; None if the device is called directly.
        user: The user in addresses of this side without an account.
        local_host: The address to listen at; by default the one that faces the peer.
        local_port: The port to listen at, 0 for any.
        on_call: Called with each call of the peer; without it, they are refused.
        on_registration: Called with True or False when the registration begins or ends.
        ssl: For TLS; by default, the certificate is checked against the system's authorities.
        timers: T1, T2, and T4.
    """

    def __init__(
        self,
        peer: SipPeer,
        *,
        account: SipAccount | None = None,
        user: str = "homeassistant",
        display_name: str = "Home Assistant",
        local_host: str | None = None,
        local_port: int = 0,
        on_call: Callable[[SipCall], None] | None = None,
        on_registration: Callable[[bool], None] | None = None,
        ssl: SSLContext | None = None,
        timers: Timers | None = None,
    ) -> None:
        self.peer = peer
        self.on_call = on_call
        self.on_registration = on_registration
        self._account = account
        self._user = user
        self._display_name = display_name
        self._local = local_host, local_port
        self._ssl = ssl
        self._timers = timers or Timers()
        self._core: SipCore | None = None
        self._registration: Registration | None = None
        self._calls: dict[tuple[str, str], SipCall] = {}
        self._stopping = False
        # Packets of unknown senders that no call or socket counts any more.
        self._ignored = 0

    # ---- What the owner uses ----

    async def start(self) -> None:
        """Open the socket; raises CallFailed."""
        core = SipCore(
            self.peer,
            self._account,
            self._user,
            self._display_name,
            self._timers,
            self._ssl,
            self._receive,
            self._acknowledge,
            self._lost,
        )
        await core.transport.open(*self._local)
        self._core = core
        _LOGGER.debug("SIP with %s at %s port %d", self.peer.host, core.transport.host, core.transport.port)

    async def stop(self) -> None:
        """Hang up all calls, remove the registration, and close the socket."""
        if (core := self._core) is None or self._stopping:
            return
        self._stopping = True
        endings = [self._hang_up(call) for call in self.calls]
        if self._registration is not None:
            endings.append(self._registration.stop())
            self._registration = None
        try:
            async with asyncio.timeout(_PATIENCE):
                await asyncio.gather(*endings)
        except TimeoutError:
            _LOGGER.debug("SIP with %s: the peer does not answer the end", self.peer.host)
        for call in self.calls:
            call.stop_waiting()
        await core.close(_PATIENCE)
        for call in self.calls:
            call.abandon()
        self._ignored += core.transport.ignored
        self._core = None
        self._stopping = False

    async def _hang_up(self, call: SipCall) -> None:
        if call.incoming and call.state is not CallState.ESTABLISHED:
            # Other phones go on ringing, unlike after 603.
            await call.refuse(480)
        else:
            await call.hang_up()

    async def register(self, expires: int = 180) -> None:
        """Register the account and keep it registered until the end; raises RegistrationFailed."""
        if self._core is None:
            raise RegistrationFailed("SIP is not started")
        if self._registration is not None:
            await self._registration.stop()
        registration = Registration(self._core, expires, self._registration_changed)
        self._registration = registration
        try:
            await registration.start()
        except RegistrationFailed as err:
            _LOGGER.debug("Registration at %s failed: %s", self.peer.host, err)
            self._registration = None
            raise

    async def call(
        self,
        target: str,
        *,
        video: bool = False,
        timeout: float = 30,
        codecs: tuple[str, ...] = (PCMU.name, PCMA.name),
        on_dialing: Callable[[SipCall], None] | None = None,
    ) -> SipCall:
        """Call a number or URI, and return once the call is established.

        Args:
            target: A user or number at the peer, "" for the peer itself, or a sip URI.
            video: Offer to receive H.264.
            timeout: Seconds until an answer.
            codecs: Names of the audio codecs, the preferred first.
            on_dialing: Gets the call before the first message, for example to hear early media.

        Raises:
            CallRefused: The other side refused, also with a redirection.
            CallFailed: No response or answer in time, connection lost, or no common codec.
        """
        if (core := self._core) is None or self._stopping:
            raise CallFailed("SIP is not started")
        if len(self._calls) >= MOST_CALLS:
            raise CallFailed("too many calls")
        try:
            dialog = Dialog.outgoing(core.identity, core.uri_of(target))
        except SipError as err:
            raise CallFailed(f"no number or address: {err}") from err
        call = OutgoingCall(core, dialog, CallMedia(codecs, video=video), self._forget)
        self._calls[call.key] = call
        _LOGGER.debug("Call to %s begins", call.remote)
        if on_dialing is not None:
            on_dialing(call)
        await call.dial(timeout)
        return call

    async def probe(self) -> int:
        """Ask the peer for its abilities, and return the status of its response: any shows that it speaks SIP.

        Raises:
            CallFailed: No response, or the connection was lost (RFC 3261, 11).
        """
        if (core := self._core) is None:
            raise CallFailed("SIP is not started")
        dialog, login = Dialog.outgoing(core.identity, core.uri_of("")), Login(self._account)

        def build() -> Request:
            headers = (("accept", SDP), *login.headers("OPTIONS", dialog.target))
            return core.request("OPTIONS", dialog, headers=headers)

        result = await core.ask(build, lambda: core.flow(dialog), login)
        if isinstance(result, Failure):
            raise CallFailed(result.value, result.word)
        return result.status

    @property
    def calls(self) -> tuple[SipCall, ...]:
        """The calls of this moment."""
        return tuple(self._calls.values())

    @property
    def registered(self) -> bool:
        """The account is registered."""
        return self._registration is not None and self._registration.registered

    @property
    def ignored(self) -> int:
        """Packets and connections of unknown senders, those of SIP and RTP."""
        here = 0 if self._core is None else self._core.transport.ignored
        return self._ignored + here + sum(_strangers(call) for call in self.calls)

    @property
    def local(self) -> tuple[str, int]:
        """Address and port to listen at."""
        return ("", 0) if self._core is None else (self._core.transport.host, self._core.transport.port)

    @property
    def uri(self) -> str:
        """The address to call this side at."""
        return "" if self._core is None else str(self._core.contact)

    # ---- Requests ----

    def _receive(self, transaction: ServerTransaction) -> None:
        request = transaction.request
        try:
            if not self._refuse(transaction):
                self._route(transaction)
        except SipError as err:
            _LOGGER.debug("SIP request %s of %s refused: %s", request.method, self.peer.host, err)
            respond(transaction, 400)

    def _refuse(self, transaction: ServerTransaction) -> bool:
        """Refuse what is not supported (RFC 3261, 8.2), and return whether it was."""
        request = transaction.request
        unsupported = sorted(request.options("require") - EXTENSIONS)
        if request.version != VERSION:
            respond(transaction, 505)
        elif request.method not in METHODS:
            respond(transaction, 405 if request.method == "REGISTER" else 501, (("allow", ALLOW),))
        elif unsupported and request.method not in ("CANCEL", "ACK"):
            _LOGGER.debug("SIP request %s of %s refused: it requires %r", request.method, self.peer.host, unsupported)
            respond(transaction, 420, (("unsupported", ", ".join(unsupported)),))
        elif request.uri.partition(":")[0].lower() not in ("sip", "sips"):
            respond(transaction, 416)
        else:
            SipUri.parse(request.uri)
            return False
        return True

    def _route(self, transaction: ServerTransaction) -> None:
        request = transaction.request
        if request.method == "CANCEL":
            self._cancel(transaction)
        elif (tag := request.to.tag) is not None:
            call = self._calls.get((request.call_id, tag))
            if call is None:
                respond(transaction, 481)
            else:
                call.receive(transaction)
        elif request.method == "INVITE":
            self._invited(transaction)
        elif request.method == "OPTIONS":
            headers = (("allow", ALLOW), ("accept", SDP), ("supported", ", ".join(sorted(EXTENSIONS))))
            respond(transaction, 200, headers)
        else:
            respond(transaction, 481)

    def _cancel(self, transaction: ServerTransaction) -> None:
        assert self._core is not None
        invite = self._core.transactions.find_invite(transaction.request)
        respond(transaction, 481 if invite is None else 200)
        if invite is not None and invite.on_cancel is not None:
            invite.on_cancel(transaction.request)

    def _invited(self, transaction: ServerTransaction) -> None:
        """Take a new call, or refuse it."""
        assert self._core is not None
        request = transaction.request
        refusal = self._refusal(request)
        if refusal is not None:
            status, why = refusal
            _LOGGER.debug("Call of %s refused: %s", self.peer.host, why)
            respond(transaction, status, (("min-se", str(MIN_SE)),) if status == 422 else ())
            return
        if not accepts_body(transaction):
            _LOGGER.debug("Call of %s refused: the offer is no session description", self.peer.host)
            return
        media = CallMedia()
        try:
            acceptable = not request.body or media.can_answer(request.body)
        except CallFailed:
            acceptable = False
        if not acceptable:
            _LOGGER.debug("Call of %s refused: no common audio codec", self.peer.host)
            respond(transaction, 488)
            return
        call = IncomingCall(self._core, transaction, media, self._forget)
        self._calls[call.key] = call
        respond(transaction, 100)
        _LOGGER.debug("Call of %s begins", call.remote)
        assert self.on_call is not None
        self.on_call(call)

    def _refusal(self, request: Request) -> tuple[int, str] | None:
        """Return the status and the reason for which a new call is refused; raises SipError."""
        if self.on_call is None or self._stopping:
            return 480, "no calls are taken"
        if len(self._calls) >= MOST_CALLS:
            return 486, "too many calls"
        dialog = request.call_id, request.from_.tag
        if any((call.key[0], call.remote_tag) == dialog for call in self._calls.values() if call.incoming):
            return 482, "the same call by another way"
        if SessionTimer.is_too_short(request):
            return 422, "the session interval is too small"
        return None

    def _acknowledge(self, request: Request) -> None:
        if (call := self._calls.get((request.call_id, request.to.tag or ""))) is not None:
            call.acknowledge(request)

    def _forget(self, call: SipCall) -> None:
        if self._calls.pop(call.key, None) is not None:
            self._ignored += _strangers(call)

    def _lost(self) -> None:
        if self._registration is not None:
            self._registration.lost()

    def _registration_changed(self, registered: bool) -> None:
        if self.on_registration is not None:
            self.on_registration(registered)


def _strangers(call: SipCall) -> int:
    return call.statistics.foreign + call.video_statistics.foreign
