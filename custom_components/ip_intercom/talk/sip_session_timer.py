"""Session timers: who refreshes a call, and when it has expired (RFC 4028); and calls whose other side is gone."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
import logging
from typing import Final, Self

from .sip_addresses import parameter, parse_number, parse_parameters
from .sip_answers import shown
from .sip_messages import Headers, Message, Request, Response
from .sip_transactions import Failure
from .tasks import TaskSet

_LOGGER = logging.getLogger(__name__)

# Seconds: the smallest interval to accept (RFC 4028, 5), and the one to ask for (4).
MIN_SE: Final = 90
WANTED: Final = 1800
# The smallest interval for a peer to which a longer one cannot be sent.
_SHORTEST: Final = 30
# A call ends this long before its interval does, or a third of it (RFC 4028, 10).
_MARGIN: Final = 32
# Seconds without a packet after which the other side is asked, and between two questions.
SILENT: Final = 30.0
# The other side does not know the call (RFC 3261, 12.2.1.2).
_UNKNOWN: Final = (408, 481)


@dataclass(frozen=True, slots=True)
class SessionExpires:
    """The header: an interval in seconds, and who refreshes ("uac", "uas", or None)."""

    interval: int
    refresher: str | None = None

    @classmethod
    def of(cls, message: Message) -> Self | None:
        """Return the header of a message, None without one or if it is malformed."""
        text, _, rest = (message.get("session-expires") or "").partition(";")
        interval = parse_number(text)
        if interval is None:
            return None
        refresher = (parameter(parse_parameters(rest), "refresher") or "").lower()
        return cls(interval, refresher if refresher in ("uac", "uas") else None)


def min_se(message: Message) -> int:
    """Return the smallest interval that a message allows."""
    return max(MIN_SE, parse_number((message.get("min-se") or "").partition(";")[0]) or 0)


def asking(interval: int, least: int, refresher: str | None = None) -> Headers:
    """Return the headers of a request."""
    who = f";refresher={refresher}" if refresher else ""
    return ("session-expires", f"{interval}{who}"), ("min-se", str(least))


class SessionTimer:
    """The timer of one call."""

    def __init__(self, refresh: Callable[[], None], expire: Callable[[], None]) -> None:
        self.interval = WANTED
        self._refresh = refresh
        self._expire = expire
        self._timers: list[asyncio.TimerHandle] = []

    def start(self, interval: int, *, ours: bool) -> None:
        """Restart the interval: this side refreshes at half of the interval, or the call ends before it is over."""
        self.stop()
        self.interval = interval
        loop = asyncio.get_running_loop()
        if ours:
            self._timers.append(loop.call_later(interval / 2, self._refresh))
        self._timers.append(loop.call_later(interval - min(_MARGIN, interval / 3), self._expire))

    def refresh_in(self, seconds: float) -> None:
        """Refresh after some seconds, besides what was started."""
        self._timers.append(asyncio.get_running_loop().call_later(seconds, self._refresh))

    def stop(self) -> None:
        """Stop."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def answered(self, response: Message) -> None:
        """Take the 2xx of a request of this side."""
        if (agreed := SessionExpires.of(response)) is None:
            self.stop()
        else:
            self.start(max(agreed.interval, _SHORTEST), ours=agreed.refresher != "uas")

    @staticmethod
    def is_too_short(request: Request) -> bool:
        """Detect an interval that the peer is asked to raise (422)."""
        asked = SessionExpires.of(request)
        return asked is not None and asked.interval < MIN_SE and "timer" in request.options("supported")

    def answer(self, request: Request) -> Headers:
        """Take a request of the peer, and return the headers of the 2xx (RFC 4028, 9)."""
        if (asked := SessionExpires.of(request)) is None:
            self.stop()
            return ()
        supported = "timer" in request.options("supported")
        refresher = (asked.refresher or "uac") if supported else "uas"
        interval = max(asked.interval, _SHORTEST)
        self.start(interval, ours=refresher == "uas")
        required: Headers = (("require", "timer"),) if refresher == "uac" else ()
        return ("session-expires", f"{interval};refresher={refresher}"), *required


class SilenceWatch:
    """Asks a silent other side of an established call whether it is still there; any other response shows that it is.

    A session timer would take up to half an hour, and small devices have none.

    Args:
        heard: Returns the number of packets that arrived.
        ask: Sends a request within the call, and returns its result.
        gone: Called if the other side is gone.
    """

    def __init__(
        self,
        heard: Callable[[], int],
        ask: Callable[[], Awaitable[Response | Failure]],
        gone: Callable[[], None],
        tasks: TaskSet,
    ) -> None:
        self._heard = heard
        self._ask = ask
        self._gone = gone
        self._tasks = tasks
        self._before = 0
        self._asking = False
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin: the call is established."""
        self._before = self._heard()
        self._timer = asyncio.get_running_loop().call_later(SILENT, self._look)

    def stop(self) -> None:
        """End."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        before, self._before = self._before, self._heard()
        if self._before == before and not self._asking:
            self._asking = True
            self._tasks.start(self._check())
        self._timer = asyncio.get_running_loop().call_later(SILENT, self._look)

    async def _check(self) -> None:
        try:
            result = await self._ask()
        finally:
            self._asking = False
        if isinstance(result, Failure) or result.status in _UNKNOWN:
            _LOGGER.debug("The other side of a call is gone: %s", shown(result))
            self._gone()
