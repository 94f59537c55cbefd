"""Buffer of events for the next delivery."""

from collections.abc import Callable, Mapping
from math import inf

from ...model.events import Event
from ...model.features import Delivery
from .poller import Poller
from .push_monitor import PushMonitor

# An empty delivery in so many seconds tells that the server is there, if it has answered since the last one.
_HEARTBEAT = 30.0


class EventBuffer:
    """The next delivery.

    Args:
        looks: Tell whether the server is there.
        arrivals: Whether pushes arrive, which the events tell as well.
        monotonic: A clock in seconds.

    Attributes:
        events: What has happened, oldest first.
        missed: As in ``Delivery``.
        keep: As in ``Delivery``.
        lacking: Sources of which a part cannot be read, while the rest can.
    """

    def __init__(self, poller: Poller, push_monitor: PushMonitor, monotonic: Callable[[], float]) -> None:
        self.events: list[Event] = []
        self.missed = False
        self.keep = False
        self.lacking: frozenset[str] = frozenset()
        self._told: frozenset[str] = frozenset()
        self._poller = poller
        self._push_monitor = push_monitor
        self._monotonic = monotonic
        self._delivered_at = -inf
        self._answers_told = -1

    def __bool__(self) -> bool:
        """Return whether there is anything to hand on."""
        news = not self._poller.interrupted and self._failing != self._told
        return bool(self.events) or self.missed or self.keep or news

    @property
    def _failing(self) -> frozenset[str]:
        return self._poller.failing | self.lacking

    @property
    def heartbeat(self) -> float:
        """When to tell that nothing has happened, by the clock: once all has been looked at, and after later answers."""
        is_news = self._poller.settled and self._poller.answers > self._answers_told
        return self._delivered_at + _HEARTBEAT if is_news else inf

    def delivery(self, cursor: Mapping[str, object], again: float | None = None) -> Delivery:
        """Return all of it, and start again; arguments as in ``Delivery``."""
        events, missed, keep = self._push_monitor.tell(self.events), self.missed, self.keep
        self.events, self.missed, self.keep = [], False, False
        self._delivered_at = self._monotonic()
        if self._poller.interrupted:
            return Delivery(tuple(events), missed, cursor, keep=keep, answered=False, again=again)
        self._told, self._answers_told = self._failing, self._poller.answers
        return Delivery(tuple(events), missed, cursor, keep=keep, again=again, failing=self._told)
