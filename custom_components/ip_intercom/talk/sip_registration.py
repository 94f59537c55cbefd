"""The registration of an account (RFC 3261, 10)."""

import asyncio
from collections.abc import Callable
import logging
from typing import Final

from .errors import RegistrationFailed, SipError
from .sip_addresses import Address, SipUri, bracketed, parameter, parse_number
from .sip_core import Dialog, Login, SipCore
from .sip_messages import Headers, Request, Response
from .sip_transactions import Failure
from .sip_transports import Transport

_LOGGER = logging.getLogger(__name__)

# Seconds: the longest interval that a server may ask for, and what is left when it is refreshed.
_LONGEST: Final = 86_400
_MARGIN: Final = 30
# Seconds between attempts after a failure: doubled each time.
_RETRY: Final = 5.0
_LONGEST_RETRY: Final = 300.0
# Seconds between keep-alives of a port translation (RFC 5626, 4.4.1).
_KEEP_ALIVE: Final = 25.0


class Registration:
    """One account at its server, refreshed until it is stopped."""

    def __init__(self, core: SipCore, expires: int, on_change: Callable[[bool], None]) -> None:
        if core.account is None:
            raise RegistrationFailed("no account")
        identity = core.identity
        self._core = core
        self._wanted = expires
        self._on_change = on_change
        self._dialog = Dialog.outgoing(identity, f"sip:{bracketed(core.account.domain)}")
        self._dialog.remote = Address(identity.uri)
        self._login = Login(core.account)
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._pinger: asyncio.TimerHandle | None = None
        self.registered = False

    async def start(self) -> None:
        """Register and keep it so; raises RegistrationFailed."""
        granted = await self._register()
        self._task = self._core.loop.create_task(self._keep(granted))
        self._pinger = self._core.loop.call_later(_KEEP_ALIVE, self._ping)

    async def stop(self) -> None:
        """End the registration."""
        if self._pinger is not None:
            self._pinger.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        if self.registered:
            self._set(registered=False)
            result = await self._ask((("contact", f"<{self._core.contact}>"), ("expires", "0")))
            _LOGGER.debug("Registration at %s removed: %s", self._core.peer.host, _shown(result))

    def lost(self) -> None:
        """The connection was lost: the server can reach this side only by a new one."""
        if self._task is not None:
            self._wake.set()

    async def _keep(self, granted: int) -> None:
        pause = _RETRY
        while True:
            # A short registration is refreshed at half of its time.
            delay = max(granted - _MARGIN, granted / 2) if self.registered else pause
            try:
                async with asyncio.timeout(delay):
                    await self._wake.wait()
                _LOGGER.debug("Registration at %s: connection lost", self._core.peer.host)
                # The server may be about to restart.
                await asyncio.sleep(1)
            except TimeoutError:
                pass
            try:
                granted = await self._register()
                pause = _RETRY
            except RegistrationFailed as err:
                _LOGGER.debug("Registration at %s expired: %s", self._core.peer.host, err)
                self._set(registered=False)
                pause = min(2 * pause, _LONGEST_RETRY)
            # A connection that could not be opened counts as lost, too.
            self._wake.clear()

    async def _register(self) -> int:
        """Register, and return for how many seconds; raises RegistrationFailed."""
        raised = moved = False
        old: Headers = ()
        while True:
            contact = f"<{self._core.contact}>"
            headers = (*old, ("contact", f"{contact};expires={self._wanted}"), ("expires", str(self._wanted)))
            result = await self._ask(headers)
            if isinstance(result, Failure):
                raise RegistrationFailed(result.value)
            least = parse_number(result.get("min-expires"), _LONGEST)
            if result.status == 423 and least is not None and not raised:
                raised, self._wanted = True, max(self._wanted, least)
                continue
            if result.status >= 300:
                raise RegistrationFailed(f"registration refused: {result.status} {result.reason!r}", result.status)
            if not moved and self._learn(result):
                # Calls would not reach the address behind the port translation: replace it.
                moved, old = True, (("contact", f"{contact};expires=0"),)
                continue
            granted = self._granted(result)
            _LOGGER.debug("Registered at %s for %d s", self._core.peer.host, granted)
            self._set(registered=True)
            return granted

    async def _ask(self, headers: Headers) -> Response | Failure:
        def build() -> Request:
            login = self._login.headers("REGISTER", self._dialog.target)
            return self._core.request("REGISTER", self._dialog, headers=(*headers, *login))

        return await self._core.ask(build, lambda: self._core.flow(self._dialog), self._login)

    def _learn(self, response: Response) -> bool:
        """Take the address that the server sees (RFC 3581), and return whether it differs from the one registered."""
        if self._core.peer.transport is not Transport.UDP:
            return False
        via = response.via
        host, port = parameter(via.parameters, "received"), parse_number(parameter(via.parameters, "rport"), 65_535)
        contact = self._core.contact
        seen = host or via.host.strip("[]"), port or 0
        if not port or seen == (contact.host.strip("[]"), contact.port):
            return False
        _LOGGER.debug("Registration at %s: seen as %s port %d", self._core.peer.host, *seen)
        self._core.seen = seen
        return True

    def _granted(self, response: Response) -> int:
        """Return the seconds that the server grants to this contact (RFC 3261, 10.2.4)."""
        mine = self._core.contact
        try:
            for item in response.items("contact"):
                contact = Address.parse(item)
                uri = SipUri.parse(contact.uri)
                if (uri.user, uri.host, uri.port or 5060) == (mine.user, mine.host, mine.port):
                    granted = parse_number(parameter(contact.parameters, "expires"), _LONGEST)
                    if granted:
                        return granted
        except SipError as err:
            _LOGGER.debug("Registration at %s: contacts ignored: %s", self._core.peer.host, err)
        return parse_number(response.get("expires"), _LONGEST) or self._wanted

    def _ping(self) -> None:
        """Keep the port translation or the connection open."""
        self._pinger = self._core.loop.call_later(_KEEP_ALIVE, self._ping)
        if self.registered:
            self._core.flow(self._dialog).send(b"\r\n\r\n")

    def _set(self, *, registered: bool) -> None:
        if registered != self.registered:
            self.registered = registered
            self._on_change(registered)


def _shown(result: Response | Failure) -> str:
    return result.value if isinstance(result, Failure) else str(result.status)
