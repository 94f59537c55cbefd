"""The PBX behind the proxy, and the proxy's links to it: one for each user who logged in."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, Never

from tests.simulators.common.clock import Clock, Timer

from .auth import unauthorized
from .endpoints import NAMES
from .envelope import ApiError, CstaError, Json
from .fixtures import MX
from .users import User

# How long the proxy waits, in its own seconds.
PATIENCE = 7.0
# After how many of its own seconds the proxy connects again where a link was lost, and again where that fails.
RECONNECT = 60.0
# The MX needs real time, in which other requests come in between.
LATENCY = 0.01


class Outage(StrEnum):
    """Why all logins fail, although the proxy answers."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    PROVISIONING = "provisioning"
    NO_TLS = "no_tls"


OUTAGES = {
    Outage.UNREACHABLE: ApiError(503, "Service Unavailable"),
    Outage.TIMEOUT: ApiError(504, "Gateway Timeout"),
    Outage.PROVISIONING: ApiError(502, "Bad Gateway"),
    Outage.NO_TLS: ApiError(403, "mx connection without TLS is not supported"),
}


class Silence(StrEnum):
    """How a request of the proxy stays without a reply that it can use."""

    # The MX does nothing.
    IGNORED = "ignored"
    # It does what it was asked, but the reply is lost.
    LOST = "lost"
    # It does nothing, and says nothing but that.
    EMPTY = "empty"


class Trouble(NamedTuple):
    """What becomes of the next request of a function: it is refused with those words, or not replied to."""

    silence: Silence | None = None
    refusal: str = ""

    def refuse(self) -> Never:
        """Do nothing, and say so."""
        if self.silence is Silence.EMPTY:
            raise ApiError(400, "empty mx response")
        raise CstaError(self.refusal)


@dataclass(slots=True)
class Link:
    """The proxy's connection for one user, with what it remembers of events (GET /calls/{callId})."""

    user: User
    calls: dict[int, Json] = field(default_factory=dict)
    waiting: dict[str, list[asyncio.Future[Any]]] = field(default_factory=dict)
    alive: bool = True


class Mx:
    """Asks the PBX and waits for the event that is the reply."""

    def __init__(self, clock: Clock) -> None:
        """The clock is the proxy's."""
        self.patience = PATIENCE
        self.reconnect = RECONNECT
        # The MX keeps its links, and says nothing.
        self.silent = False
        self.serial = MX
        self.outage: Outage | None = None
        self.links: dict[str, Link] = {}
        # Further links of a user, over which the proxy hears everything once more.
        self.doubled: Counter[str] = Counter()
        self._lost: dict[str, tuple[Timer, User]] = {}
        self._clock = clock
        self._troubles: dict[str, deque[Trouble]] = {}

    def connect(self, user: User) -> None:
        """Log a user in at the MX; an existing link stays."""
        if self.outage is not None:
            error = OUTAGES[self.outage]
            raise ApiError(error.status, error.text)
        if user.login not in self.links:
            self.links[user.login] = Link(user)

    def disconnect(self, login: str) -> None:
        """End a link; requests that wait for a reply time out."""
        link = self.links.pop(login, None)
        if link is not None:
            link.alive = False
        del self.doubled[login]
        if (lost := self._lost.pop(login, None)) is not None:
            lost[0].cancel()

    def lose(self, login: str) -> None:
        """Lose a link: the proxy makes it again after a while."""
        if (link := self.links.get(login)) is not None:
            self.disconnect(login)
            self._reconnect_later(link.user)

    def reconnect_now(self, login: str) -> None:
        """Make a lost link again before its time."""
        timer, user = self._lost[login]
        timer.cancel()
        self._reconnect(user)

    def _reconnect_later(self, user: User) -> None:
        self._lost[user.login] = self._clock.later(self.reconnect, lambda: self._reconnect(user)), user

    def _reconnect(self, user: User) -> None:
        del self._lost[user.login]
        if self.outage is not None:
            self._reconnect_later(user)
            return
        if user.login in self.links:
            self.doubled[user.login] += 1  # a login was faster, and nothing ends its link
        self.links[user.login] = Link(user)

    def link(self, user: User) -> Link:
        """Return a user's link."""
        if (link := self.links.get(user.login)) is None:
            raise unauthorized("active mx connection unavailable")
        return link

    def trouble(self, name: str, trouble: Trouble, times: int) -> None:
        """Let the next requests of a function fail."""
        if name not in NAMES:
            raise KeyError(name)
        self._troubles.setdefault(name, deque()).extend([trouble] * times)

    def heal(self) -> None:
        """End all faults."""
        self._troubles.clear()

    async def pause(self) -> None:
        """Wait until the timeout."""
        await asyncio.sleep(self.patience / self._clock.speed)

    async def ask[T](self, user: User, name: str, work: Callable[[], T]) -> T:
        """Send a request whose work is done at the MX, and give its reply.

        The proxy knows a reply by the name of its event only: of several equal requests at the same time, the one that
        came last takes the first reply.
        """
        link = self.link(user)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        waiting = link.waiting.setdefault(name, [])
        waiting.append(future)
        troubles = self._troubles.get(name)
        trouble = troubles.popleft() if troubles else Trouble()
        if self.silent:
            trouble = Trouble(Silence.IGNORED)

        def reply() -> None:
            if not link.alive or trouble.silence is Silence.IGNORED:
                return
            try:
                refused = trouble.refusal or trouble.silence is Silence.EMPTY
                result = trouble.refuse() if refused else work()
            except (CstaError, ApiError) as error:
                # An error carries the number of its request.
                if future in waiting:
                    waiting.remove(future)
                    future.set_exception(error)
                return
            if trouble.silence is None and waiting:
                waiting.pop().set_result(result)

        self._clock.later(LATENCY * self._clock.speed, reply)
        try:
            await asyncio.wait((future,), timeout=self.patience / self._clock.speed)
            if not future.done():
                raise ApiError(408, "mx response timeout")
            result: T = future.result()
        finally:
            if future in waiting:
                waiting.remove(future)
        return result
