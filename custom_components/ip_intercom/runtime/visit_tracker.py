"""VisitTracker: what becomes of each ring."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
import logging

from homeassistant.core import CALLBACK_TYPE, callback

from ..const import CONF_PLAIN_SWITCHES
from ..coordinator import IntercomCoordinator
from ..model.events import Event
from ..model.parts import DoorId, VisitOutcome
from ..model.ring_detector import Ring
from ..model.state import State
from ..model.visitors import Progress, Visit, advance, opened
from .event_stream import RING_FIRST, EventStream

_LOGGER = logging.getLogger(__name__)

# Seconds after a ring without a known end after which the visitor counts as missed, and the shortest time for late rings.
_LONGEST = 90.0
_SHORTEST = 10.0
# Seconds to wait for the record of a visit in the history: servers write it minutes later.
_RECORDED = 600.0

type VisitListener = Callable[[Visit], None]


class VisitTracker:
    """Follows each ring of a device until the visitor is let in, answered, or missed."""

    def __init__(self, coordinator: IntercomCoordinator, events: EventStream) -> None:
        self._coordinator = coordinator
        self._events = events
        self._plain: frozenset[DoorId] = frozenset(coordinator.config_entry.options.get(CONF_PLAIN_SWITCHES, ()))
        self._visits: tuple[Visit, ...] = ()
        self._released: frozenset[DoorId] = frozenset()
        self._listeners: list[VisitListener] = []
        # Rings whose visits have not begun yet, and visits that no event before their ring changes: both with the number
        # of the ring's event.
        self._rings: list[tuple[int, Ring]] = []
        self._ahead: list[tuple[int, Visit]] = []
        self._beginning: asyncio.TimerHandle | None = None

    @callback
    def async_start(self, resumed: tuple[Visit, ...] = ()) -> None:
        """Start to follow rings until the entry is unloaded, and the visits that a previous run left open."""
        entry = self._coordinator.config_entry
        self._released = self._released_doors()
        for visit in resumed:
            self._async_follow(visit)
        entry.async_on_unload(self._events.rings.async_listen(None, self._async_rang))
        entry.async_on_unload(self._events.rings.async_listen_late(self._async_begin))
        entry.async_on_unload(self._events.async_listen_events(self._async_process))
        entry.async_on_unload(self._coordinator.async_add_listener(self._async_compare_doors))

    @callback
    def async_listen(self, listener: VisitListener) -> CALLBACK_TYPE:
        """Call ``listener`` for each visit that begins, and for each new outcome."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @callback
    def async_opened(self, door: DoorId) -> None:
        """Record that a door was opened, for doors that do not report it."""
        self.async_begin_all()
        self._async_follow_until(self._events.received)
        self._async_apply(opened(Progress(self._visits), door, self._coordinator.data.doors, self._plain))

    @callback
    def _async_rang(self, ring: Ring) -> None:
        """Begin the visit once Home Assistant has sent the ring, or with the next event."""
        self._rings.append((self._events.received, ring))
        if self._beginning is None:
            self._beginning = self._coordinator.hass.loop.call_later(RING_FIRST / 2, self.async_begin_all)

    @callback
    def async_begin_all(self) -> None:
        """Begin the visits of rings that have just been detected."""
        if self._beginning is not None:
            self._beginning.cancel()
            self._beginning = None
        rings, self._rings = self._rings, []
        for number, ring in rings:
            self._async_begin(ring, number)

    @callback
    def _async_begin(self, ring: Ring, number: int | None = None) -> None:
        visit = Visit(ring, ring.session)
        if visit.id in {known.id for known in self._visits}:
            return  # a resumed visit, whose ring was repeated after an unclean stop
        self._ahead.append((self._events.received if number is None else number, visit))
        self._async_notify(visit)

    @callback
    def _async_follow_until(self, number: int) -> None:
        """Follow the visits whose ring is one of the first ``number`` events."""
        while self._ahead and self._ahead[0][0] <= number:
            self._async_follow(self._ahead.pop(0)[1])

    @callback
    def _async_follow(self, visit: Visit) -> None:
        self._visits = (*self._visits, visit)
        delay = max(self._longest - visit.ring.age, _SHORTEST)

        async def expire() -> None:
            self._async_expire(visit.id)

        self._coordinator.timers.async_do(delay, ("visit", visit.id), expire)

    @property
    def _longest(self) -> float:
        return _RECORDED if self._coordinator.description.records_visits else _LONGEST

    @callback
    def _async_process(self, event: Event, state: State) -> None:
        self.async_begin_all()
        self._async_follow_until(self._events.dispatched)
        for visit in self._visits if event.late else ():
            # The timer of a visit is for live events.
            if event.time - visit.ring.time > timedelta(seconds=self._longest):
                self._async_expire(visit.id)
        peers, recorded = self._coordinator.peers, self._coordinator.description.records_visits
        self._async_apply(advance(self._visits, event, state, peers=peers, plain=self._plain, recorded=recorded))

    @callback
    def _async_compare_doors(self) -> None:
        """Apply the doors that opened without an event."""
        released = self._released_doors()
        newly, self._released = released - self._released, released
        for door in newly:
            self.async_opened(door)

    def _released_doors(self) -> frozenset[DoorId]:
        return frozenset(door.id for door in self._coordinator.data.doors.values() if door.released)

    @callback
    def _async_expire(self, visit_id: str) -> None:
        """End a visit whose end was not reported; with a history that has no record of it, its outcome is unknown."""
        for visit in self._visits:
            if visit.id == visit_id and visit.session not in self._coordinator.data.calls:
                if self._coordinator.description.records_visits:
                    self._visits = tuple(other for other in self._visits if other is not visit)
                    continue
                self._async_apply(Progress(self._visits).with_outcome(visit, VisitOutcome.MISSED, ends=True))

    @callback
    def _async_apply(self, progress: Progress) -> None:
        self._visits = progress.current
        for visit in progress.changed:
            _LOGGER.debug("%s: visitor at bell %s %s", self._coordinator.name, visit.ring.bell.id, visit.outcome)
            self._async_notify(visit)

    @callback
    def _async_notify(self, visit: Visit) -> None:
        for listener in tuple(self._listeners):
            listener(visit)
