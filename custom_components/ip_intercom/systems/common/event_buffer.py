"""Buffer of events for the next delivery."""

from collections.abc import Callable, Iterable, Mapping
from math import inf

from ...model.events import Event
from ...model.features import Delivery
from ...model.state import Missing
from .poller import Poller
from .push_monitor import PushMonitor

# An empty delivery at this interval in seconds reports that the server responded since the last delivery.
_HEARTBEAT = 30.0


class EventBuffer:
    """Collects events until the next delivery.

    Args:
        poller: Reports whether the server responds.
        monotonic: A clock in seconds.
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
