"""The path of an event: from the device's log to the bus, the bells, and the state, while its entry is loaded."""

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

from ..const import CONF_LATE_HOURS, DOMAIN, EVENT_LOG
from ..coordinator import IntercomCoordinator
from ..helpers.auth_retry import AuthRetry
from ..model.events import Event, Restarted
from ..model.features import PORTION, Delivery, EventLog, PushMessage
from ..model.parts import BellId, SessionId
from ..model.ring_detector import Ring, RingMemory, detect
from ..model.state import State
from ..systems.common.errors import (
    AuthenticationFailed,
    ExchangeSilent,
    IntercomError,
    NotSupported,
    PermissionDenied,
    SecureConnectionRequired,
    ServerSilent,
    ServiceDisabled,
)
from .cursor_store import CursorStore

_LOGGER = logging.getLogger(__name__)

# Seconds to wait after the first, second, ... failure; the first may be a mere hiccup.
_BACK_OFF = (0.2, 1.0, 2.0, 3.0, 5.0, 5.0, 5.0, *(8.0,) * 60, 30.0)
# An attempt at a server that is away may itself take that long; the next one follows after this at the earliest.
_LEAST_PAUSE = 0.2
# The most of it for a device in the house: an attempt costs it one connection or request, and a visitor waits for it.
_BACK_OFF_LOCAL = 1.0
# The same for a fault of ours, which waiting does not mend.
_FAULT_DELAY = 30.0
_JITTER = 0.2
# Seconds by which an event may be older than it seems: devices count whole ones.
_AGE_ERROR = 2.0
# A server that asks to be left alone for more seconds is not asked a second time before that is shown.
_LONG_WISH = 10.0
# Seconds between attempts where a person has to act first: the password, a service, a privilege.
_PERSON_DELAY = 300.0
# Of clocks that run a little early.
_TICK = 0.01
# Seconds between two portions of a backlog: clients of the websocket take a few thousand events a second.
_BREATH = 0.03
# Seconds that a ring has to itself: Home Assistant sends states only once the loop has nothing else to do.
RING_FIRST = 0.01
# So many deliveries wait to be handed on before the device is asked for more: all that a 2N keeps, twice.
_WAITING = 400
# A ring whose entities are not there yet waits this many seconds for them.
_UNHEARD = 5.0

type EventListener = Callable[[Event, State], None]
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


class EventStream:
    """Hands on every event of a device, in order, and remembers how far it came.

    Args:
        coordinator: The owner of the state that the events are folded into.
        store: Where to keep the cursor and the bells that were found by ringing.
        rings: What rang in an earlier life; None where that is not known.

    Attributes:
        rings: Rings the bells, ahead of all other events.
    """

    def __init__(self, coordinator: IntercomCoordinator, store: CursorStore, rings: RingMemory | None = None) -> None:
        self._coordinator = coordinator
        self._store = store
        self.rings = RingDispatcher(coordinator, rings)
        self._cursor: Mapping[str, object] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._following = False
        # State may have changed unseen before what is handed on now.
        self._missed = False
        self._left_out = 0
        self._rang_at = -inf
        self._hastened = asyncio.Event()
        self._auth_retry = AuthRetry()
        # What arrived and is still to be handed on, oldest first.
        self._arrived = asyncio.Queue[Delivery](_WAITING)
        # When the log has more to tell, though the device may be away; by the monotonic clock.
        self._more_at = inf
        self._event_listeners: list[EventListener] = []

    # -- following -------------------------------------------------------------------------------

    @callback
    def async_start(self, log: EventLog) -> None:
        """Follow the events until stopped; a second time changes nothing."""
        if self._tasks:
            return
        self._store.async_followed()
        coordinator = self._coordinator
        self._tasks = [
            coordinator.config_entry.async_create_background_task(
                coordinator.hass, work, f"{DOMAIN} {name} of {coordinator.name}"
            )
            for name, work in (("events", self._async_follow(log)), ("dispatch of events", self._async_dispatch()))
        ]

    @property
    def following(self) -> bool:
        """Return whether the state has what happened until now."""
        return self._following and self._arrived.empty()

    @callback
    def async_hasten(self) -> None:
        """Request events at once, regardless of earlier failures: the device has just responded."""
        self._hastened.set()

    @callback
    def async_receive(self, message: PushMessage) -> bool:
        """Take what was pushed, and return whether it is news; its events come by the log."""
        push = self._coordinator.features.push
        objection = "this system accepts no pushes" if push is None else push.receive(message)
        if objection is None:
            self.async_hasten()
        else:
            _LOGGER.debug("%s: push ignored: %s", self._coordinator.name, objection)
        return objection is None

    async def async_stop(self) -> None:
        """Stop following, and write down how far the events were read."""
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        log = self._coordinator.system.log
        while log is not None and not log.replays and not self._arrived.empty():
            # What was pushed cannot be read again.
            delivery = self._arrived.get_nowait()
            self._async_take_all(delivery.events)
            self._async_handed_on(delivery)
        if self._cursor is not None:
            await self._store.async_end(self._stored())

    async def _async_follow(self, log: EventLog) -> None:
        failures = 0
        # Until when no push hastens: who tries a wrong password again and again locks the account, and who is busy says so.
        patient_until = 0.0
        while True:
            self._hastened.clear()
            wish, began = 0.0, time.monotonic()
            try:
                delivery = await log.next()
                self._following = delivery.answered and not (delivery.missed or delivery.more)
            except AuthenticationFailed as err:
                if self._auth_retry.count():
                    self._coordinator.async_refused(err)
                delay = self._auth_retry.pause(err)
                patient_until = time.monotonic() + delay
            except (ServiceDisabled, PermissionDenied, SecureConnectionRequired, NotSupported) as err:
                self._coordinator.async_without_events(err)
                delay = _PERSON_DELAY
            except IntercomError as err:
                delay, wish = _back_off(failures, log.local), err.retry_after or 0.0
                if failures and not log.local:
                    delay = max(min(delay, _LEAST_PAUSE), delay - (time.monotonic() - began))
                patient_until = time.monotonic() + wish
                failures += 1
                # Before it is called silent, a server or an exchange was asked for several things.
                is_certain = failures > 1 or isinstance(err, ExchangeSilent | ServerSilent)
                if is_certain or (wish > _LONG_WISH and not log.local):
                    self._coordinator.async_log_failed(err)
                _LOGGER.debug("%s: event stream interrupted: %s", self._coordinator.name, err)
            except Exception:
                # A fault of ours must not silence the doorbell until the next reload.
                _LOGGER.exception("%s: event stream interrupted", self._coordinator.name)
                delay = _FAULT_DELAY if failures else _back_off(0, log.local)
                failures += 1
                self._coordinator.async_log_failed()
            else:
                if delivery.answered:
                    # The first delivery of a channel proves little: it may be closed again at once.
                    if self._following:
                        failures = 0
                    self._auth_retry.clear()
                    came_back = self._coordinator.async_reached(delivery.live, delivery.failing)
                    await self._async_arrive(replace(delivery, missed=delivery.missed or came_back))
                    continue
                await self._async_arrive(delivery)
                delay = max(0.0, patient_until - time.monotonic())
            self._following = False
            await self._async_pause(max(delay * random.uniform(1 - _JITTER, 1 + _JITTER), wish))

    async def _async_pause(self, delay: float) -> None:
        """Wait before the next attempt, until it is hastened or there is more to deliver."""
        now = time.monotonic()
        if self._more_at < now + delay:
            delay, self._more_at = max(0.0, self._more_at - now), inf
        with suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await self._hastened.wait()

    async def _async_arrive(self, delivery: Delivery) -> None:
        """Ring the bells of a delivery that has just arrived, and queue it behind those that are handed on."""
        events = tuple(self._judged(event) for event in delivery.events)
        rang = [event for event in events if self._async_ring(event)]
        if rang:
            self._rang_at = time.monotonic()
            if self._cursor is not None:
                self._store.async_save_soon(self._stored)
        self._more_at = inf if delivery.again is None else time.monotonic() + delivery.again + _TICK
        await self._arrived.put(replace(delivery, events=events))
        await asyncio.sleep(0)  # a backlog arrives in many deliveries at once

    @callback
    def _async_ring(self, event: Event) -> bool:
        """Ring a bell if the event is a ring, and return whether it is."""
        try:
            return self.rings.async_hear(event)
        except Exception:
            # An event that cannot be understood must not cost those that follow.
            _LOGGER.exception("%s: error while ringing for event %s", self._coordinator.name, event.type)
            return False

    def _judged(self, event: Event) -> Event:
        """Return an event that is late if the life before this one may have rung with it already."""
        happened = time.monotonic() - event.age - _AGE_ERROR
        if event.late or event.heard or happened >= self._store.repeats_until:
            return event
        _LOGGER.debug(
            "%s: %s marked late, it may be repeated after an unclean stop", self._coordinator.name, event.type
        )
        return replace(event, late=True)

    # -- handing on ------------------------------------------------------------------------------

    async def _async_dispatch(self) -> None:
        """Hand on what has arrived, in order."""
        while True:
            delivery = await self._arrived.get()
            try:
                await self._async_hand_on(delivery)
            except Exception:
                # A fault of ours must not silence automations until a person reloads the entry.
                _LOGGER.exception("%s: error while delivering events", self._coordinator.name)

    async def _async_hand_on(self, delivery: Delivery) -> None:
        """Hand on the events in portions, with the loop free in between, then show the state after them."""
        await self._async_take_in_portions(delivery)
        self._missed = self._missed or delivery.missed
        if delivery.more:
            return
        if self._left_out:
            _LOGGER.debug(
                "%s: %d late events ignored, older than the limit in the options",
                self._coordinator.name,
                self._left_out,
            )
            self._left_out = 0
        if not delivery.answered:
            self._coordinator.async_publish()
            return
        self._coordinator.device_issues.async_withhold(delivery.withheld)
        self._coordinator.async_publish()
        # After a restart all is looked at again, the state as well.
        restarted = any(isinstance(fact, Restarted) for event in delivery.events for fact in event.facts)
        missed, self._missed = self._missed, False
        if missed and not restarted:
            self._coordinator.async_read_soon()

    async def _async_take_in_portions(self, delivery: Delivery) -> None:
        rest = iter(delivery.events)
        try:
            if (pause := self._rang_at + RING_FIRST - time.monotonic()) > 0:
                await asyncio.sleep(pause)
            while portion := tuple(islice(rest, PORTION)):
                self._async_take_all(portion)
                if len(portion) == PORTION:
                    await asyncio.sleep(_BREATH)
        finally:
            # Stopped in between: a cursor stands behind a whole delivery.
            self._async_take_all(rest)
            self._async_handed_on(delivery)

    @callback
    def _async_handed_on(self, delivery: Delivery) -> None:
        self._cursor = delivery.cursor
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
                _LOGGER.exception("%s: error while handling event %s", self._coordinator.name, event.type)

    @callback
    def _async_take(self, event: Event) -> None:
        coordinator = self._coordinator
        state = coordinator.async_fold(event)
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

    # -- listening -------------------------------------------------------------------------------

    @callback
    def async_listen_events(self, listener: EventListener) -> CALLBACK_TYPE:
        """Call ``listener`` for each event and the state after it, in order, late ones included."""
        self._event_listeners.append(listener)
        return lambda: self._event_listeners.remove(listener)

    def _stored(self) -> dict[str, Any]:
        return {"cursor": self._cursor, "rings": self.rings.as_store(), **self._coordinator.found.as_store()}


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
