"""Events for the next delivery, and pushes that arrive through a forwarder."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from math import inf
import time

from ...model.events import Event, PushesCame
from ...model.features import NO_EVENT, Delivery, PushMessage
from ...model.parts import Pushes
from ...model.state import Missing
from .poller import Poller

# An empty delivery at this interval in seconds reports that the server responded since the last delivery.
_HEARTBEAT = 30.0


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


class EventBuffer:
    """Collects events until the next delivery.

    Args:
        poller: Reports whether the server responds.
        push_monitor: Reports whether pushes arrive; its state is added to the last event of a delivery.
        aged: Returns an event after so many seconds in the buffer, possibly marked as late.

    Attributes:
        missed: As in ``Delivery``.
        keep: As in ``Delivery``.
        lacking: Sources of which one part cannot be read.
    """

    def __init__(
        self,
        poller: Poller,
        monotonic: Callable[[], float],
        push_monitor: PushMonitor | None = None,
        aged: Callable[[Event, float], Event] | None = None,
    ) -> None:
        self.missed = False
        self.keep = False
        self.lacking: frozenset[str] = frozenset()
        # Oldest first, each with the time at which it was found.
        self._events: list[tuple[float, Event]] = []
        self._reported: frozenset[str] = frozenset()
        self._poller = poller
        self._push_monitor = push_monitor
        self._aged = aged
        self._monotonic = monotonic
        self._delivered_at = -inf
        self._answers_reported = -1

    def __bool__(self) -> bool:
        """Return whether there is anything to deliver."""
        news = not self._poller.interrupted and self._failing != self._reported
        return bool(self._events) or self.missed or self.keep or news

    @property
    def _failing(self) -> frozenset[str]:
        return self._poller.failing | self.lacking

    @property
    def heartbeat(self) -> float:
        """When an empty delivery is due, on the monotonic clock; infinite without new responses."""
        is_news = self._poller.settled and self._poller.answers > self._answers_reported
        return self._delivered_at + _HEARTBEAT if is_news else inf

    def add(self, events: Iterable[Event], found_at: float | None = None) -> None:
        """Add events found now, or at a given time on the monotonic clock."""
        now = self._monotonic() if found_at is None else found_at
        self._events += [(now, event) for event in events]

    def delivery(
        self,
        cursor: Mapping[str, object],
        again: float | None = None,
        *,
        live: bool = True,
        withheld: frozenset[Missing] = frozenset(),
    ) -> Delivery:
        """Return the delivery and clear the buffer; arguments as in ``Delivery``."""
        now = self._delivered_at = self._monotonic()
        aged = self._aged or (lambda event, _: event)
        events = [aged(event, now - found_at) for found_at, event in self._events]
        if self._push_monitor is not None:
            events = self._push_monitor.with_state(events)
        missed, keep = self.missed, self.keep
        self._events, self.missed, self.keep = [], False, False
        answered = not self._poller.interrupted
        if answered:
            self._reported, self._answers_reported = self._failing, self._poller.answers
        return Delivery(
            tuple(events),
            missed,
            cursor,
            withheld,
            live,
            keep=keep,
            answered=answered,
            failing=self._reported if answered else frozenset(),
            again=again,
        )
