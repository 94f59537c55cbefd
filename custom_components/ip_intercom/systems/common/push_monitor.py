"""Pushes that arrive through a forwarder, because the server sends only to push services."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from math import inf
import time

from ...model.events import Event, PushesCame
from ...model.features import NO_EVENT, PushMessage
from ...model.parts import Pushes
from ...model.state import Missing


class ForwardedPush[E]:
    """The feature ``push`` of a server without configurable push addresses.

    Args:
        parse: Parses a push message; returns None if it is invalid.
        receive: Processes a parsed message; returns None if accepted, else the reason.
        route: Directs the pushes of the server to the forwarder, given a secret marker; None if the server needs no
            such request.
    """

    local = False
    # Home Assistant rejects a query with a line break and logs it, including the secret of the address.
    lossy = frozenset({"GET"})

    def __init__(
        self,
        parse: Callable[[PushMessage], E | None],
        receive: Callable[[E], str | None],
        route: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        self._parse = parse
        self._receive = receive
        self._route = route

    async def originals(self) -> Mapping[str, str]:
        """Return nothing: subscribing changes no settings."""
        return {}

    async def subscribe(self, address: str, marker: str) -> frozenset[Missing]:
        """Route pushes to the forwarder; the user enters the address there."""
        if self._route is not None:
            await self._route(marker)
        return frozenset()

    async def unsubscribe(self, marker: str, originals: Mapping[str, str]) -> None:
        """Do nothing: the forwarder belongs to the user."""

    def receive(self, message: PushMessage) -> str | None:
        """Process a push message; return None if accepted, else the reason."""
        pushed = self._parse(message)
        return NO_EVENT if pushed is None else self._receive(pushed)


class PushMonitor:
    """Tracks whether pushes arrive, by received pushes and by events that were not pushed.

    Args:
        expected: A forwarder is configured.
        arrived: Pushes arrived in the previous run.
        monotonic: A clock in seconds.
    """

    def __init__(self, *, expected: bool, arrived: bool, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._expected = expected
        self._arrive = expected and arrived
        self._monotonic = monotonic
        self._received_at = -inf

    def __bool__(self) -> bool:
        """Return whether pushes arrive."""
        return self._arrive

    @property
    def state(self) -> Pushes:
        """Return the state to display."""
        if self._arrive:
            return Pushes.ARRIVING
        return Pushes.EXPECTED if self._expected else Pushes.OFF

    def received(self) -> None:
        """Record that a push arrived."""
        self._arrive = True
        self._received_at = self._monotonic()

    def interrupted(self) -> None:
        """Record that the server lost its own event source: pushes count as missing until the next one arrives."""
        self._arrive = False

    def missed(self, seconds: float) -> None:
        """Record an event for which a push was due within the last ``seconds``."""
        self._arrive = self._arrive and self._monotonic() - self._received_at <= seconds

    def with_state(self, events: list[Event]) -> list[Event]:
        """Return the events, with the push state in the last one: a description may have reported another."""
        if not events:
            return events
        return [*events[:-1], replace(events[-1], facts=(*events[-1].facts, PushesCame(self.state)))]
