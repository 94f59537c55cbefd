"""Rings bells as soon as an event arrives, ahead of earlier events that are still being delivered."""

from collections.abc import Callable
from dataclasses import dataclass
import logging
import time

from homeassistant.core import CALLBACK_TYPE, callback

from ..coordinator import IntercomCoordinator
from ..model.events import Event
from ..model.parts import BellId, SessionId
from ..model.ring_detector import Ring, RingMemory, detect

_LOGGER = logging.getLogger(__name__)

# A ring whose entities are not there yet waits this many seconds for them.
_UNHEARD = 5.0

type RingListener = Callable[[Ring], None]


@dataclass(slots=True)
class _Rang:
    """The last ring of a bell, when that was by the monotonic clock, and who has heard it."""

    ring: Ring
    at: float
    heard: list[RingListener]


class RingDispatcher:
    """Finds the rings in the events of a device, and tells the entities of its bells.

    Args:
        coordinator: Knows the bells.
        memory: What rang in an earlier life; None where that is not known.
    """

    def __init__(self, coordinator: IntercomCoordinator, memory: RingMemory | None) -> None:
        self._coordinator = coordinator
        self._memory = memory or RingMemory()
        log = coordinator.system.log
        if memory is None or log is None or not log.replays:
            # Calls in progress have rung already.
            for session in coordinator.data.calls:
                self._memory = self._memory.quiet(session)
        self._rang: dict[BellId, _Rang] = {}
        self._listeners: dict[BellId | None, list[RingListener]] = {}

    @callback
    def async_hear(self, event: Event) -> bool:
        """Ring a bell if an event that has just arrived is a ring, and return whether it is."""
        coordinator = self._coordinator
        self._memory, ring, suppressed = detect(self._memory, event, coordinator.bells, coordinator.peers, time.time())
        if suppressed is not None:
            _LOGGER.debug("%s: ring suppressed, %s %s: %s", coordinator.name, event.type, event.id, suppressed)
        if ring is None or not coordinator.description.visitors:
            return False
        _LOGGER.debug(
            "%s: bell %s rings, %s %s, %.1f s after the event",
            coordinator.name,
            ring.bell.id,
            event.type,
            event.id,
            ring.age,
        )
        coordinator.async_know_bell(ring.bell)
        listeners = [*self._listeners.get(ring.bell.id, ()), *self._listeners.get(None, ())]
        # Its entities may be being made because of this ring.
        self._rang[ring.bell.id] = _Rang(ring, time.monotonic(), listeners)
        for listener in tuple(listeners):
            listener(ring)
        return True

    @callback
    def async_listen(self, bell: BellId | None, listener: RingListener) -> CALLBACK_TYPE:
        """Call ``listener`` for each ring of a bell, of all for None; also for the last one, if it was a moment ago."""
        listeners = self._listeners.setdefault(bell, [])
        listeners.append(listener)
        now = time.monotonic()
        for rang in [rang for known, rang in self._rang.items() if bell in {None, known} and now - rang.at < _UNHEARD]:
            if listener not in rang.heard:  # an entity that gets another id begins to listen again
                rang.heard.append(listener)
                listener(rang.ring)
        return lambda: listeners.remove(listener)

    @callback
    def async_dialling(self, dialling: bool) -> None:
        """Note that a call is being dialled from Home Assistant: until its session is known, no call rings."""
        self._memory = self._memory.with_dialling(dialling)

    @callback
    def async_dialled(self, session: SessionId) -> None:
        """Note that a call was dialled from Home Assistant: it rings no bell."""
        self._memory = self._memory.quiet(session)

    def as_store(self) -> dict[str, object]:
        """Return what is to be remembered, as JSON."""
        return self._memory.as_store()
