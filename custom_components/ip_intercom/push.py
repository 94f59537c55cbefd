"""The way of an event: from the device's log to the bus, the bells and the state, for as long as its entry is loaded."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
import logging
from math import inf
import random
import time
from typing import Any

from homeassistant.core import CALLBACK_TYPE, callback

from .api.errors import (
    AuthenticationFailed,
    IntercomError,
    NotSupported,
    PermissionDenied,
    SecureConnectionRequired,
    ServiceDisabled,
)
from .const import CONF_LATE_HOURS, DOMAIN, EVENT_LOG
from .coordinator import IntercomCoordinator
from .cursor_store import CursorStore
from .events import Event, Restarted
from .facets import PORTION, Delivery, EventLog, PushMessage
from .model import BellId, State
from .refusals import Refusals
from .rings import Ring, RingMemory, detect

_LOGGER = logging.getLogger(__name__)

# Seconds to wait after the first, second, ... failure; the first may be a mere hiccup.
_BACK_OFF = (0.2, 1.0, 2.0, 3.0, 5.0, 5.0, 5.0, 10.0, 10.0, 30.0)
# The most of it for a device in the house: an attempt costs it one connection or request, and a visitor waits for it.
_BACK_OFF_LOCAL = 1.5
# The same for a fault of ours, which waiting does not mend.
_FAULT_DELAY = 30.0
_JITTER = 0.2
# Seconds by which an event may be older than it seems: devices count whole ones.
_AGE_ERROR = 2.0
# Seconds between attempts where a person has to act first: the password, a service, a privilege.
_PERSON_DELAY = 300.0
# Of clocks that run a little early.
_TICK = 0.01
# Seconds between two portions of a backlog: clients of the websocket take a few thousand events a second.
_BREATH = 0.03
# A ring whose entities are not there yet waits this many seconds for them.
_UNHEARD = 5.0

type RingListener = Callable[[Ring], None]
type EventListener = Callable[[Event, State], None]


@dataclass(slots=True)
class _Rang:
    """The last ring of a bell, when that was by the monotonic clock, and who has heard it."""

    ring: Ring
    at: float
    heard: list[RingListener]


class EventFeed:
    """Hands on every event of a device, in order, and remembers how far it came.

    Args:
        coordinator: The owner of the state that the events are folded into.
        store: Where to keep the cursor and the bells that were found by ringing.
        rings: What rang in an earlier life; None where that is not known.
    """

    def __init__(self, coordinator: IntercomCoordinator, store: CursorStore, rings: RingMemory | None = None) -> None:
        """Begin with the calls that have rung already, or are in progress: they do not ring again."""
        self._coordinator = coordinator
        self._store = store
        self._cursor: Mapping[str, object] | None = None
        self._task: asyncio.Task[None] | None = None
        self._following = False
        self._was_away = False
        self._left_out = 0
        self._hastened = asyncio.Event()
        self._refusals = Refusals()
        # When the log has more to tell, though the device may be away; by the monotonic clock.
        self._more_at = inf
        self._rings = rings or RingMemory()
        log = coordinator.system.log
        if rings is None or log is None or not log.replays:
            for session in coordinator.data.calls:
                self._rings = self._rings.quiet(session)
        self._rang: dict[BellId, _Rang] = {}
        self._ring_listeners: dict[BellId | None, list[RingListener]] = {}
        self._event_listeners: list[EventListener] = []

    # -- following -------------------------------------------------------------------------------

    @callback
    def async_start(self, log: EventLog) -> None:
        """Follow the events until stopped; a second time changes nothing."""
        if self._task is not None:
            return
        self._store.async_followed()
        self._task = self._coordinator.config_entry.async_create_background_task(
            self._coordinator.hass, self._async_follow(log), f"{DOMAIN} events of {self._coordinator.name}"
        )

    @property
    def following(self) -> bool:
        """Return whether events come as they happen."""
        return self._following

    @callback
    def async_hasten(self) -> None:
        """Ask for events at once, whatever failed before: the device has just spoken."""
        self._hastened.set()

    @callback
    def async_receive(self, message: PushMessage) -> None:
        """Take what somebody pushed; its events come by the log."""
        push = self._coordinator.facets.push
        objection = "nobody takes it" if push is None else push.receive(message)
        if objection is None:
            self.async_hasten()
        else:
            _LOGGER.debug("%s: what was pushed is not told of: %s", self._coordinator.name, objection)

    async def async_stop(self) -> None:
        """Stop following, and write down how far the events were read."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        if self._cursor is not None:
            await self._store.async_end(self._stored())

    async def _async_follow(self, log: EventLog) -> None:
        failures = 0
        # Until when nobody can hasten: who tries a wrong password again and again locks the account.
        patient_until = 0.0
        while True:
            self._hastened.clear()
            wish = 0.0
            try:
                delivery = await log.next()
                self._following = delivery.answered and not (delivery.missed or delivery.more)
            except AuthenticationFailed as err:
                if self._refusals.count():
                    self._coordinator.async_refused(err)
                delay = self._refusals.pause(err)
                patient_until = time.monotonic() + delay
            except (ServiceDisabled, PermissionDenied, SecureConnectionRequired, NotSupported) as err:
                self._coordinator.async_without_events(err)
                delay = _PERSON_DELAY
            except IntercomError as err:
                delay, wish = _back_off(failures, log.local), err.retry_after or 0.0
                failures += 1
                if failures > 1:
                    self._coordinator.async_log_failed(err)
                _LOGGER.debug("%s: events interrupted: %s", self._coordinator.name, err)
            except Exception:
                # A fault of ours must not silence the doorbell until somebody reloads it.
                _LOGGER.exception("%s: events interrupted", self._coordinator.name)
                delay = _FAULT_DELAY if failures else _back_off(0, log.local)
                failures += 1
                self._coordinator.async_log_failed()
            else:
                if delivery.answered:
                    # The first delivery of a channel proves little: it may be closed again at once.
                    if self._following:
                        failures = 0
                    await self._async_deliver(delivery)
                    continue
                await self._async_hand_on(delivery)
                self._coordinator.async_publish()
                delay = max(0.0, patient_until - time.monotonic())
            self._following = False
            await self._async_pause(max(delay * random.uniform(1 - _JITTER, 1 + _JITTER), wish))

    async def _async_pause(self, delay: float) -> None:
        """Wait before the next attempt, until somebody hastens it or there is more to tell."""
        now = time.monotonic()
        if self._more_at < now + delay:
            delay, self._more_at = max(0.0, self._more_at - now), inf
        with suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await self._hastened.wait()

    async def _async_deliver(self, delivery: Delivery) -> None:
        self._refusals.clear()
        self._was_away = self._coordinator.async_reached(delivery.live, delivery.failing) or self._was_away
        await self._async_hand_on(delivery)
        if delivery.more:
            return
        if self._left_out:
            _LOGGER.debug("%s: %d late events left out, by its option", self._coordinator.name, self._left_out)
            self._left_out = 0
        self._coordinator.shortcomings.async_withhold(delivery.withheld)
        self._coordinator.async_publish()
        # After a restart all is looked at again, the state as well.
        restarted = any(isinstance(fact, Restarted) for event in delivery.events for fact in event.facts)
        was_away, self._was_away = self._was_away, False
        if (delivery.missed or was_away) and not restarted:
            self._coordinator.async_read_soon()

    async def _async_hand_on(self, delivery: Delivery) -> None:
        """Hand on the events in portions, with the loop free in between."""
        rest = iter(delivery.events)
        try:
            while portion := tuple(islice(rest, PORTION)):
                self._async_take_all(portion)
                if len(portion) == PORTION:
                    await asyncio.sleep(_BREATH)
        finally:
            # Stopped in between: a cursor stands behind a whole delivery.
            self._async_take_all(rest)
            self._cursor = delivery.cursor
            self._more_at = inf if delivery.again is None else time.monotonic() + delivery.again + _TICK
            # Without a cursor, a life that follows a kill would begin only then.
            if delivery.events or delivery.keep or not self._store.exists:
                self._store.async_save_soon(self._stored)

    @callback
    def _async_take_all(self, events: Iterable[Event]) -> None:
        for event in events:
            try:
                self._async_take(event)
            except Exception:
                # An event that cannot be understood must not cost those that follow.
                _LOGGER.exception("%s: an event could not be handled: %s", self._coordinator.name, event.type)

    @callback
    def _async_take(self, event: Event) -> None:
        coordinator = self._coordinator
        happened = time.monotonic() - event.age - _AGE_ERROR
        if not (event.late or event.heard) and happened < self._store.repeats_until:
            # The life before this one may have rung with it already.
            _LOGGER.debug("%s: %s may come again after a kill, so it is late", coordinator.name, event.type)
            event = replace(event, late=True)
        state = coordinator.async_fold(event)
        self._rings, ring = detect(self._rings, event, state.bells, coordinator.peers)
        if ring is not None and coordinator.description.visitors:
            coordinator.async_know_bell(ring.bell)
            self._async_ring(ring)  # before all else: somebody waits
        if event.late and self._is_left_out(event):
            self._left_out += 1
            return
        coordinator.hass.bus.async_fire(EVENT_LOG, _bus_data(coordinator.device_id, event))
        for listener in tuple(self._event_listeners):
            listener(event, state)

    def _is_left_out(self, event: Event) -> bool:
        """Return whether a late event is older than the user wants to hear of; without a clock, none is."""
        hours: int | None = self._coordinator.config_entry.options.get(CONF_LATE_HOURS)
        return hours is not None and event.clocked and datetime.now(UTC) - event.time > timedelta(hours=hours)

    @callback
    def _async_ring(self, ring: Ring) -> None:
        listeners = [*self._ring_listeners.get(ring.bell.id, ()), *self._ring_listeners.get(None, ())]
        # Its entities may be being made because of this ring.
        self._rang[ring.bell.id] = _Rang(ring, time.monotonic(), listeners)
        for listener in tuple(listeners):
            listener(ring)

    # -- listening -------------------------------------------------------------------------------

    @callback
    def async_listen_ring(self, bell: BellId | None, listener: RingListener) -> CALLBACK_TYPE:
        """Call ``listener`` for each ring of a bell, of all for None; also for the last one, if it was a moment ago."""
        listeners = self._ring_listeners.setdefault(bell, [])
        listeners.append(listener)
        now = time.monotonic()
        for rang in [rang for known, rang in self._rang.items() if bell in {None, known} and now - rang.at < _UNHEARD]:
            if listener not in rang.heard:  # an entity that gets another id begins to listen again
                rang.heard.append(listener)
                listener(rang.ring)
        return lambda: listeners.remove(listener)

    @callback
    def async_listen_events(self, listener: EventListener) -> CALLBACK_TYPE:
        """Call ``listener`` for each event and the state after it, in order, late ones included."""
        self._event_listeners.append(listener)
        return lambda: self._event_listeners.remove(listener)

    # -- calls from here -------------------------------------------------------------------------

    @callback
    def async_dialling(self, dialling: bool) -> None:
        """Note that a call is being dialled from here: until its session is known, no call rings."""
        self._rings = self._rings.with_dialling(dialling)

    @callback
    def async_dialled(self, session: int) -> None:
        """Note that a call was dialled from here: it rings no bell."""
        self._rings = self._rings.quiet(session)

    def _stored(self) -> dict[str, Any]:
        return {"cursor": self._cursor, "rings": self._rings.as_store(), **self._coordinator.found.as_store()}


def _back_off(failures: int, local: bool) -> float:
    delay = _BACK_OFF[min(failures, len(_BACK_OFF) - 1)]
    return min(delay, _BACK_OFF_LOCAL) if local else delay


def _bus_data(device_id: str, event: Event) -> dict[str, object]:
    return {
        "device_id": device_id,
        "type": event.type,
        "time": event.time.isoformat(),
        "late": event.late,
        "id": event.id,
        "boot": event.boot,
        "sequence": event.sequence,
        "data": dict(event.data),
    }
