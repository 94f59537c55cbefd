"""Event stream of a loaded entry: from the device's event log to the bells, the state, and the event bus."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
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
from ..helpers.failures import AuthRetry
from ..model.events import Event, Restarted
from ..model.features import PORTION, Delivery, EventLog, PushMessage
from ..model.ring_detector import RingMemory
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
    without_frames,
)
from .cursor_store import CursorStore
from .rings import RingDispatcher

_LOGGER = logging.getLogger(__name__)

# Seconds to wait after the first, second, ... failure; the first is often transient.
_BACK_OFF = (0.2, 1.0, 2.0, 3.0, 5.0, 5.0, 5.0, *(8.0,) * 60, 30.0)
# The time of the failed attempt counts towards the back-off of a server; this pause remains at least.
_MIN_PAUSE = 0.2
# Longest back-off for a local device: an attempt costs it one request, and a visitor may be waiting.
_BACK_OFF_LOCAL = 1.0
# Seconds to wait after repeated unexpected exceptions.
_FAULT_DELAY = 30.0
_JITTER = 0.2
# Seconds by which an event may be older than its age: devices report whole seconds.
_AGE_ERROR = 2.0
# A server that requests a longer back-off than this is unavailable at once, without a second attempt.
_LONG_BACK_OFF = 10.0
# Seconds between attempts after errors that a user has to fix: a disabled service, a missing privilege.
_USER_DELAY = 300.0
# Seconds of margin for timers that fire slightly early.
_TIMER_MARGIN = 0.01
# Seconds between two portions of a backlog: websocket clients process a few thousand events a second.
_PORTION_PAUSE = 0.03
# Seconds without other work after a ring: Home Assistant sends states only when the event loop is idle.
RING_FIRST = 0.01
# Deliveries in the queue before reading pauses: twice the size of the log of a 2N.
_QUEUE_SIZE = 400

type EventListener = Callable[[Event, State], None]


class EventStream:
    """Delivers every event of a device in order, and stores the cursor.

    Args:
        coordinator: The coordinator whose state the events change.
        store: Stores the cursor, the rings, and the state to restore.
        rings: Rings of the previous run; None if unknown.

    Attributes:
        rings: Dispatches rings, ahead of all other events.
        received: Number of events so far.
        dispatched: Number of these that were dispatched.
    """

    def __init__(self, coordinator: IntercomCoordinator, store: CursorStore, rings: RingMemory | None = None) -> None:
        self._coordinator = coordinator
        self._store = store
        self.rings = RingDispatcher(coordinator, rings)
        self.received = self.dispatched = 0
        self._cursor: Mapping[str, object] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._following = False
        # Changes were missed before the current delivery: the state has to be read.
        self._missed = False
        self._ignored = 0
        self._rang_at = -inf
        self._wake = asyncio.Event()
        self._auth_retry = AuthRetry()
        # Deliveries to dispatch, oldest first.
        self._queue = asyncio.Queue[Delivery](_QUEUE_SIZE)
        # Monotonic time at which the log has more events, even while the device is unavailable.
        self._pending_at = inf
        self._event_listeners: list[EventListener] = []

    @callback
    def async_start(self, log: EventLog) -> None:
        """Start to read and dispatch events, if not started yet."""
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
        """Return whether the state includes all events so far."""
        return self._following and self._queue.empty()

    @callback
    def async_hasten(self) -> None:
        """End the current back-off: the device has just responded."""
        self._wake.set()

    @callback
    def async_receive(self, message: PushMessage) -> bool:
        """Process a push message, and return whether it is accepted; its events arrive through the log."""
        push = self._coordinator.features.push
        objection = "this system accepts no pushes" if push is None else push.receive(message)
        if objection is None:
            self.async_hasten()
        else:
            _LOGGER.debug("%s: push ignored: %s", self._coordinator.name, objection)
        return objection is None

    async def async_stop(self) -> None:
        """Stop reading, and store the cursor."""
        self._coordinator.load_spreader.async_resumed(self._coordinator.config_entry.entry_id)
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        log = self._coordinator.system.log
        while log is not None and not log.replays and not self._queue.empty():
            # A log that does not replay cannot deliver these again.
            delivery = self._queue.get_nowait()
            self._async_dispatch_all(delivery.events)
            self._async_delivered(delivery)
        if self._cursor is not None:
            await self._store.async_end(self._stored())

    async def _async_follow(self, log: EventLog) -> None:
        failures = 0
        # No push shortens a back-off before this time: rejected logins may lock the account, and a server may be busy.
        back_off_until = 0.0
        spreader, entry_id = self._coordinator.load_spreader, self._coordinator.config_entry.entry_id
        await spreader.setups.wait()
        while True:
            self._wake.clear()
            retry_after, began = 0.0, time.monotonic()
            try:
                if spreader.takes_turns(entry_id):
                    await log.reach()
                    await spreader.returns.wait()
                delivery = await log.next()
                self._following = delivery.answered and not (delivery.missed or delivery.more)
            except AuthenticationFailed as err:
                if self._auth_retry.count():
                    self._coordinator.async_credentials_rejected(err)
                delay = self._auth_retry.pause(err)
                back_off_until = time.monotonic() + delay
            except (ServiceDisabled, PermissionDenied, SecureConnectionRequired, NotSupported) as err:
                self._coordinator.async_log_unavailable(err)
                delay = _USER_DELAY
            except IntercomError as err:
                delay, retry_after = _back_off(failures, log.local), err.retry_after or 0.0
                if log.local:
                    delay = max(delay, spreader.async_interrupted(entry_id))
                elif failures:
                    delay = max(min(delay, _MIN_PAUSE), delay - (time.monotonic() - began))
                back_off_until = time.monotonic() + retry_after
                failures += 1
                # ServerSilent and ExchangeSilent follow several failed requests already.
                is_confirmed = failures > 1 or isinstance(err, ExchangeSilent | ServerSilent)
                if is_confirmed or (retry_after > _LONG_BACK_OFF and not log.local):
                    self._coordinator.async_log_failed(err)
                without_frames(err)  # it may be kept
                _LOGGER.debug("%s: event stream interrupted: %s", self._coordinator.name, err)
            except Exception:
                # An unexpected exception must not stop the doorbell until the next reload.
                _LOGGER.exception("%s: event stream interrupted", self._coordinator.name)
                delay = _FAULT_DELAY if failures else _back_off(0, log.local)
                failures += 1
                self._coordinator.async_log_failed()
            else:
                if delivery.answered:
                    spreader.async_resumed(entry_id)
                    # A channel may be closed again right after its first delivery.
                    if self._following:
                        failures = 0
                    self._auth_retry.clear()
                    has_recovered = self._coordinator.async_log_responded(delivery.live, delivery.failing)
                    await self._async_enqueue(replace(delivery, missed=True) if has_recovered else delivery)
                    if log.replays:  # any other log would lose the events of this pause if the entry was reloaded
                        await self.async_let_ring_pass()
                    continue
                await self._async_enqueue(delivery)
                delay = max(0.0, back_off_until - time.monotonic())
            self._following = False
            await self._async_pause(max(delay * random.uniform(1 - _JITTER, 1 + _JITTER), retry_after))

    async def _async_pause(self, delay: float) -> None:
        """Wait before the next attempt; a push or pending events end the wait."""
        now = time.monotonic()
        if self._pending_at < now + delay:
            delay, self._pending_at = max(0.0, self._pending_at - now), inf
        with suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await self._wake.wait()

    async def _async_enqueue(self, delivery: Delivery) -> None:
        """Dispatch the rings of a new delivery at once, and queue it for the dispatch of its events."""
        events, rang = list[Event](), False
        for event in map(self._marked_if_repeated, delivery.events):
            self.received += 1
            rang = self._async_ring(event) or rang
            events.append(self.rings.marked(event))
        if rang:
            self._rang_at = time.monotonic()
            if self._cursor is not None:
                self._store.async_save_soon(self._stored)
        self._pending_at = inf if delivery.again is None else time.monotonic() + delivery.again + _TIMER_MARGIN
        await self._queue.put(replace(delivery, events=tuple(events)))
        await asyncio.sleep(0)  # a backlog arrives in many deliveries at once

    @callback
    def _async_ring(self, event: Event) -> bool:
        """Dispatch a ring if the event is one, and return whether it is."""
        try:
            return self.rings.async_process(event, is_too_old=event.late and self._is_too_old(event))
        except Exception:
            # One bad event must not lose the following ones.
            _LOGGER.exception("%s: error while ringing for event %s", self._coordinator.name, event.type)
            return False

    def _marked_if_repeated(self, event: Event) -> Event:
        """Return the event, marked late if the previous run may already have delivered it."""
        happened = time.monotonic() - event.age - _AGE_ERROR
        if event.late or event.live or happened >= self._store.repeats_until:
            return event
        _LOGGER.debug(
            "%s: %s marked late, it may be repeated after an unclean stop", self._coordinator.name, event.type
        )
        return replace(event, late=True)

    async def _async_dispatch(self) -> None:
        """Dispatch the queued deliveries in order."""
        while True:
            delivery = await self._queue.get()
            try:
                await self._async_deliver(delivery)
            except Exception:
                # An unexpected exception must not stop events until the next reload.
                _LOGGER.exception("%s: error while delivering events", self._coordinator.name)

    async def _async_deliver(self, delivery: Delivery) -> None:
        """Dispatch a delivery, then publish the state after it."""
        await self._async_dispatch_portions(delivery)
        self._missed = self._missed or delivery.missed
        if delivery.more:
            return
        if self._ignored:
            _LOGGER.debug(
                "%s: %d late events ignored, older than the limit in the options",
                self._coordinator.name,
                self._ignored,
            )
            self._ignored = 0
        if not delivery.answered:
            self._coordinator.async_publish()
            return
        self._coordinator.device_issues.async_set_log_gaps(delivery.withheld)
        self._coordinator.async_publish()
        restarted = any(isinstance(fact, Restarted) for event in delivery.events for fact in event.facts)
        missed, self._missed = self._missed, False
        if missed or restarted:
            self._coordinator.async_read_soon()

    async def async_let_ring_pass(self) -> None:
        """Wait until Home Assistant has sent a ring that was just detected, before other work."""
        await asyncio.sleep(0)  # a listener of the ring may call this before the ring was dispatched to all
        if (pause := self._rang_at + RING_FIRST - time.monotonic()) > 0:
            await asyncio.sleep(pause)

    async def _async_dispatch_portions(self, delivery: Delivery) -> None:
        rest = iter(delivery.events)
        try:
            await self.async_let_ring_pass()
            while portion := tuple(islice(rest, PORTION)):
                self._async_dispatch_all(portion)
                if len(portion) == PORTION:
                    await asyncio.sleep(_PORTION_PAUSE)
        finally:
            # Also if canceled: a cursor covers a whole delivery.
            self._async_dispatch_all(rest)
            self._async_delivered(delivery)

    @callback
    def _async_delivered(self, delivery: Delivery) -> None:
        self._cursor = delivery.cursor
        # Without a stored cursor, the run after an unclean stop would miss events.
        if delivery.events or delivery.keep or not self._store.exists:
            self._store.async_save_soon(self._stored)

    @callback
    def _async_dispatch_all(self, events: Iterable[Event]) -> None:
        for event in events:
            self.dispatched += 1
            try:
                self._async_dispatch_event(event)
            except Exception:
                # One bad event must not lose the following ones.
                _LOGGER.exception("%s: error while handling event %s", self._coordinator.name, event.type)

    @callback
    def _async_dispatch_event(self, event: Event) -> None:
        coordinator = self._coordinator
        state = coordinator.async_fold(event)
        if event.late and self._is_too_old(event):
            self._ignored += 1
            return
        coordinator.hass.bus.async_fire(EVENT_LOG, _bus_data(coordinator.device_id, event))
        for listener in tuple(self._event_listeners):
            listener(event, state)

    def _is_too_old(self, event: Event) -> bool:
        """Return whether a late event is older than the limit in the options; without a clock, none is."""
        hours: int | None = self._coordinator.config_entry.options.get(CONF_LATE_HOURS)
        return hours is not None and event.clocked and datetime.now(UTC) - event.time > timedelta(hours=hours)

    @callback
    def async_listen_events(self, listener: EventListener) -> CALLBACK_TYPE:
        """Call ``listener`` with each event and the state after it, in order, including late events."""
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
