"""Rings of a loaded entry: found in its events, and handed to the listeners of its bells."""

from collections.abc import Callable
from dataclasses import dataclass, replace
import logging
import time

from homeassistant.core import CALLBACK_TYPE, callback

from ..coordinator import IntercomCoordinator
from ..model.events import CallChanged, Event
from ..model.parts import BellId, SessionId
from ..model.ring_detector import Ring, RingMemory, detect

_LOGGER = logging.getLogger(__name__)

# Seconds for which a ring is kept for entities that are added later.
_RING_KEPT = 5.0

type RingListener = Callable[[Ring], None]


@dataclass(slots=True)
class _RecentRing:
    """The last ring of a bell, its monotonic time, and the listeners that received it."""

    ring: Ring
    at: float
    receivers: list[RingListener]


class RingDispatcher:
    """Detects rings in the events of a device, and calls the listeners of the bells.

    Args:
        memory: Rings of the previous run; None if unknown.
    """

    def __init__(self, coordinator: IntercomCoordinator, memory: RingMemory | None) -> None:
        self._coordinator = coordinator
        self._memory = memory or RingMemory()
        log = coordinator.system.log
        if memory is None or log is None or not log.replays:
            # Calls in progress have rung already.
            for session in coordinator.data.calls:
                self._memory = self._memory.quiet(session)
        self._recent: dict[BellId, _RecentRing] = {}
        self._listeners: dict[BellId | None, list[RingListener]] = {}
        self._late_listeners: list[RingListener] = []
        # The call of the last event, if a different system dialed it.
        self._foreign: SessionId | None = None

    @callback
    def async_process(self, event: Event, *, is_too_old: bool = False) -> bool:
        """Dispatch a ring if a new event is one, and return whether it rings; ``is_too_old`` if nothing is to follow."""
        coordinator, self._foreign = self._coordinator, None
        found = detect(self._memory, event, coordinator.bells, coordinator.peers, time.time())
        self._memory, ring = found.memory, found.ring
        self._foreign = found.foreign
        if found.suppressed is not None:
            _LOGGER.debug("%s: ring suppressed, %s %s: %s", coordinator.name, event.type, event.id, found.suppressed)
        if ring is None or not coordinator.description.visitors:
            return False
        if ring.late:
            for listener in () if is_too_old else tuple(self._late_listeners):
                listener(ring)
            return False
        message = "%s: bell %s rings, %s %s, %.1f s after the event"
        _LOGGER.debug(message, coordinator.name, ring.bell.id, event.type, event.id, ring.age)
        coordinator.async_add_bell(ring.bell)
        listeners = [*self._listeners.get(ring.bell.id, ()), *self._listeners.get(None, ())]
        # Entities that are added because of this ring receive it later.
        self._recent[ring.bell.id] = _RecentRing(ring, time.monotonic(), listeners)
        for listener in tuple(listeners):
            listener(ring)
        return True

    def marked(self, event: Event) -> Event:
        """Return the last event, with a call of a different system marked: the state follows in the order of events."""
        if self._foreign is None:
            return event
        facts = tuple(
            replace(fact, from_house=True) if isinstance(fact, CallChanged) and fact.session == self._foreign else fact
            for fact in event.facts
        )
        return replace(event, facts=facts)

    @callback
    def async_listen(self, bell: BellId | None, listener: RingListener) -> CALLBACK_TYPE:
        """Call ``listener`` for each ring of a bell (None: all bells), including a ring of the last few seconds."""
        listeners = self._listeners.setdefault(bell, [])
        listeners.append(listener)
        now = time.monotonic()
        for recent in [
            recent for known, recent in self._recent.items() if bell in {None, known} and now - recent.at < _RING_KEPT
        ]:
            if listener not in recent.receivers:  # an entity with a changed id subscribes again
                recent.receivers.append(listener)
                listener(recent.ring)
        return lambda: listeners.remove(listener)

    @callback
    def async_listen_late(self, listener: RingListener) -> CALLBACK_TYPE:
        """Call ``listener`` for each ring that arrives late, which rings nothing."""
        self._late_listeners.append(listener)
        return lambda: self._late_listeners.remove(listener)

    @callback
    def async_set_dialing(self, dialing: bool) -> None:
        """Record whether Home Assistant is dialing: until the session is known, no call is a ring."""
        self._memory = self._memory.with_dialing(dialing)

    @callback
    def async_add_dialed(self, session: SessionId) -> None:
        """Record a call that Home Assistant dialed: it is no ring."""
        self._memory = self._memory.quiet(session)

    def as_store(self) -> dict[str, object]:
        """Return the rings to restore in the next run, as JSON."""
        return self._memory.as_store()
