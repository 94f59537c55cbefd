"""The door command sequence of all systems: read, decide, send once, verify.

The command to send depends on the state that the device reports now, not on stored state. After a lost response, the
door is read; the command is never repeated. A missing effect raises a translated error. A reported state may be older
than the last command: if the effect of that was not confirmed, the next command waits for a reliable state.
"""

import asyncio
from collections import defaultdict
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
import logging
import time
from typing import Any

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN
from ..coordinator import IntercomCoordinator
from ..helpers.devices import place_names
from ..helpers.errors import is_answer_lost, request_refused, translated, translated_error, was_never_sent
from ..helpers.storage import async_load_stored, parse_items
from ..model.doors import is_done, next_step
from ..model.events import DoorReleased, Event
from ..model.features import Doors
from ..model.parts import OPENING, Door, DoorCommand, DoorId
from ..model.state import State
from ..systems.common.errors import IntercomError, NoAnswer, NotSupported, ServerBroken, Unconfirmed, UnexpectedReply
from .event_stream import EventStream

_LOGGER = logging.getLogger(__name__)

_STORAGE_VERSION = 1
# Timeout of the read before a command: a device that does not report its doors in time may still open them.
_READ_TIMEOUT = 3.0
# Seconds between reads while a door has not changed yet.
_READ_INTERVAL = 0.25
# Longest wait for a reliable state of an open door, in seconds: longer than the usual opening.
_MAX_WAIT = 20.0
# Steps of one command: end the hold, then close.
_MAX_STEPS = 2
# The share of the longest hold after which it is renewed, and the seconds until a retry of a failed renewal.
_RENEW_AFTER = 0.8
_RENEW_RETRY = 60.0
# Seconds by which the reported end of a hold may differ from the requested one.
_HOLD_TOLERANCE = 5.0
_HOLD = "hold"
# A hold that ends sooner is polled until its end; regular polls detect later ends.
_SOON = timedelta(seconds=20)

_FAILURES: Mapping[DoorCommand, str] = {
    DoorCommand.OPEN: "door_did_not_open",
    DoorCommand.CLOSE: "door_did_not_close",
    DoorCommand.HOLD: "door_not_held",
    DoorCommand.END_HOLD: "door_did_not_close",
    DoorCommand.BLOCK: "door_not_blocked",
    DoorCommand.UNBLOCK: "door_still_blocked",
}


@dataclass(frozen=True, slots=True)
class _Unconfirmed:
    """A command without a confirmed effect, and the time until which reported state may be older than the command."""

    sent: DoorCommand
    until: float


# By entry, because a reload does not end the uncertainty.
_UNCONFIRMED: HassKey[dict[str, dict[DoorId, _Unconfirmed]]] = HassKey(f"{DOMAIN}_door_unconfirmed")


def hold_store(hass: HomeAssistant, entry_id: str) -> Store[dict[str, Any]]:
    """Return the storage of the holds that an entry renews."""
    return Store(hass, _STORAGE_VERSION, f"{DOMAIN}.{entry_id}.holds", private=True, atomic_writes=True)


class _DoorWatch:
    """What is reported of a door after a command."""

    def __init__(self, door_id: DoorId) -> None:
        self._door_id = door_id
        self.began = self._read_at = time.monotonic()
        self.longest_gap = 0.0
        # Reported by an event: a short opening may end before the next read.
        self.opened = False

    @callback
    def async_process(self, event: Event, _: State) -> None:
        """Check whether an event reports the opening."""
        for fact in () if event.late else event.facts:
            if isinstance(fact, DoorReleased) and fact.door == self._door_id and fact.released:
                self.opened = True

    def record_read(self) -> None:
        """Record a read of the door."""
        now = time.monotonic()
        self.longest_gap = max(self.longest_gap, now - self._read_at)
        self._read_at = now


class DoorCommands:
    """Carries out the door commands of one device, one at a time per door."""

    def __init__(self, coordinator: IntercomCoordinator, events: EventStream, store: Store[dict[str, Any]]) -> None:
        self._coordinator = coordinator
        self._events = events
        self._store = store
        self._locks: defaultdict[DoorId, asyncio.Lock] = defaultdict(asyncio.Lock)
        # The holds to renew, with their ends; None for no end.
        self._holds: dict[DoorId, datetime | None] = {}
        unconfirmed = coordinator.hass.data.setdefault(_UNCONFIRMED, {})
        self._unconfirmed = unconfirmed.setdefault(coordinator.config_entry.entry_id, {})

    async def async_load(self) -> None:
        """Resume the holds from before a restart."""
        self._coordinator.config_entry.async_on_unload(
            self._coordinator.async_add_listener(self._async_remove_ended_holds)
        )
        coordinator = self._coordinator
        stored, _ = await async_load_stored(coordinator.hass, self._store, coordinator.name, _parse)
        if (doors := coordinator.features.doors) is None:
            return
        for door, end in stored.items():
            if end is not None and end <= dt_util.utcnow():
                continue
            self._holds[door] = end
            self._async_renew_in(_RENEW_RETRY, door)
            doors.resume_hold(door, end)
            try:
                await self._async_read_now(door)
            except IntercomError as err:
                _LOGGER.debug("%s: could not read door %s: %s", self._coordinator.name, door, err)
        self._async_remove_ended_holds()

    async def async_command(self, door_id: DoorId, wanted: DoorCommand, seconds: int | None = None) -> None:
        """Bring a door to the target of a command.

        Args:
            seconds: The duration of a hold; None for no end.
        """
        async with self._locks[door_id]:
            try:
                sent = await self._async_carry_out(door_id, wanted, seconds)
            finally:
                self._async_poll_until_settled(door_id)
                await self._async_show_block(door_id)
            if sent:  # the hold of a different system is not renewed
                await self._async_update_hold(door_id, wanted, seconds)

    async def _async_carry_out(self, door_id: DoorId, wanted: DoorCommand, seconds: int | None) -> bool:
        """Bring a door to the target of a command; return whether a command was sent."""
        door = await self._async_read(door_id, wanted)
        for sent in range(_MAX_STEPS):
            doors = self._doors
            step = next_step(door, wanted, extends=doors.extends(door), timed=seconds is not None)
            if step is None:
                _LOGGER.debug(
                    "%s: no command sent, door %s is already in the requested state: %s",
                    self._coordinator.name,
                    door_id,
                    wanted,
                )
                return sent > 0
            if not doors.is_safe(step, door):
                key = "door_state_unknown" if door.released is None else "door_opened_elsewhere"
                raise request_refused(key, device=self._name_of(door_id))
            after, done = await self._async_step(door, step, seconds)
            if done is False:
                break
            if done is None:
                door = _unknown(door)
                if not doors.is_safe(step, door):
                    raise translated_error(HomeAssistantError, "door_unconfirmed", device=self._name_of(door_id))
            else:
                door = after
            if step is wanted:
                return True
        raise translated_error(HomeAssistantError, _FAILURES[wanted], device=self._name_of(door_id))

    async def _async_step(self, door: Door, step: DoorCommand, seconds: int | None) -> tuple[Door, bool | None]:
        """Send one command; return the door afterwards and whether the effect is confirmed, None if unknown."""
        doors, name = self._doors, self._name_of(door.id)
        lost: IntercomError | None = None
        _LOGGER.debug("%s: sending %s to door %s", self._coordinator.name, step, door.id)
        with self._watched(door.id) as watch:
            self._async_set_unconfirmed(door.id, step)
            try:
                await doors.send(step, door, _limited(doors.longest_hold, seconds))
            except IntercomError as err:
                if not is_answer_lost(err):
                    self._unconfirmed.pop(door.id, None)
                    raise translated(err, name) from err
                _LOGGER.debug("%s: no response to %s, reading door %s: %s", name, step, door.id, err)
                lost = err
            self._async_set_unconfirmed(door.id, step)
            after, done = await self._async_verify(door, step, watch, seconds if lost else None)
            if done:
                self._unconfirmed.pop(door.id, None)
        if lost is not None and done is None:
            # An error response is more specific than a missing response.
            answered = isinstance(lost, ServerBroken | UnexpectedReply | Unconfirmed)
            key = "door_may_have_opened" if _is_unreported(door) and step in OPENING else "door_answer_lost"
            raise translated(lost, name) if answered else translated_error(HomeAssistantError, key, device=name)
        return after, done

    @contextmanager
    def _watched(self, door_id: DoorId) -> Generator[_DoorWatch]:
        """Watch a door during a command."""
        watch = _DoorWatch(door_id)
        stop = self._events.async_listen_events(watch.async_process)
        try:
            yield watch
        finally:
            stop()

    async def _async_show_block(self, door_id: DoorId) -> None:
        """Publish whether a door is blocked, if only the response to a command reports that."""
        door = self._coordinator.data.doors.get(door_id)
        if door is not None and _is_unreported(door):
            with suppress(IntercomError):
                await self._async_read_now(door_id)

    def _name_of(self, door_id: DoorId) -> str:
        """Return the name of the place of a door; without a place, the name of the device."""
        state = self._coordinator.data
        place = state.doors[door_id].place if door_id in state.doors else None
        return place_names(state.places).get(place or "", self._coordinator.name)

    async def _async_verify(
        self, door: Door, step: DoorCommand, watch: _DoorWatch, seconds: int | None
    ) -> tuple[Door, bool | None]:
        """Read a door until the effect of a command is confirmed, or the time for it is over."""
        known = self._coordinator.data.doors.get(door.id)
        if known is None or is_done(known, step) is None:
            return door, None  # the device does not report this
        timing = self._doors.timing(step, door.id)
        while True:
            done: bool | None = None
            try:
                door = await self._async_read_now(door.id)
            except IntercomError as err:
                _LOGGER.debug("%s: could not read door %s: %s", self._coordinator.name, door.id, err)
            else:
                watch.record_read()
                done = is_done(door, step)
                if done and seconds is not None and step is DoorCommand.HOLD:
                    done = _ends_in(door, seconds)
            if done or (step is DoorCommand.OPEN and watch.opened):
                return door, True
            if time.monotonic() - watch.began >= timing.settles:
                break
            await asyncio.sleep(_READ_INTERVAL)
        if step is DoorCommand.OPEN and timing.lasts is not None and watch.longest_gap >= timing.lasts:
            return door, None  # it may have opened and closed between two reads
        return door, done

    @callback
    def _async_set_unconfirmed(self, door_id: DoorId, sent: DoorCommand) -> None:
        """Record that the reported state of a door may be older than a command until the effect is confirmed."""
        timing = self._doors.timing(sent, door_id)
        if timing.doubtful:
            self._unconfirmed[door_id] = _Unconfirmed(sent, time.monotonic() + timing.settles + timing.doubtful)

    @callback
    def _async_pending(self, door: Door) -> _Unconfirmed | None:
        """Return the command that may still take effect, given the door as just read."""
        pending = self._unconfirmed.get(door.id)
        if pending is not None and (time.monotonic() >= pending.until or is_done(door, pending.sent)):
            pending = None
            del self._unconfirmed[door.id]
        return pending

    @callback
    def _async_poll_until_settled(self, door_id: DoorId) -> None:
        """Poll a door until its relay is off again: not every device reports that."""

        def is_settled(state: State) -> bool:
            door = state.doors.get(door_id)
            return _is_settled(door) and (door is None or self._async_pending(door) is None)

        self._coordinator.async_poll_until(lambda state: state.doors.get(door_id), is_settled)

    @property
    def _doors(self) -> Doors:
        if (doors := self._coordinator.features.doors) is None:
            raise request_refused("no_doors", device=self._coordinator.name)
        return doors

    async def _async_read(self, door_id: DoorId, wanted: DoorCommand) -> Door:
        """Read a door before a command, until the state is reliable enough for a decision."""
        began = time.monotonic()
        while True:
            door = await self._async_read_once(door_id, wanted)
            waited = time.monotonic() - began
            if (pending := self._async_pending(door)) is not None:
                if pending.sent in OPENING and self._doors.is_safe(wanted, _unknown(door)):
                    return _unknown(door)
                wait = pending.until - time.monotonic()
            elif (wait := self._doors.certain_in(wanted, door, waited)) <= 0:
                return door
            elif waited + wait > _MAX_WAIT:
                raise request_refused("door_opened_elsewhere", device=self._name_of(door_id))
            _LOGGER.debug("%s: door %s: waiting %.1f s for a reliable state", self._coordinator.name, door_id, wait)
            await asyncio.sleep(_READ_INTERVAL)

    async def _async_read_once(self, door_id: DoorId, wanted: DoorCommand) -> Door:
        """Read a door before a command.

        If only the read fails, return an unknown state for a command that is safe in any state.
        """
        name = self._name_of(door_id)
        if (known := self._coordinator.data.doors.get(door_id)) is None:
            raise request_refused("no_doors", device=name)
        unknown = _unknown(known)
        safe = self._doors.is_safe(wanted, unknown)
        try:
            async with asyncio.timeout(_READ_TIMEOUT if safe else None):
                return await self._async_read_now(door_id)
        except TimeoutError:
            failure: IntercomError = NoAnswer(f"the state of door {door_id} was not reported in time")
        except IntercomError as err:
            failure = err
        if was_never_sent(failure) or not safe:
            raise translated(failure, name) from failure
        _LOGGER.debug("%s: could not read the state of door %s: %s", name, door_id, failure)
        return unknown

    async def _async_read_now(self, door_id: DoorId) -> Door:
        """Read a door and publish it."""
        door = await self._coordinator.async_read_door(door_id)
        if door is None:
            raise NotSupported(f"no door {door_id}")
        return door

    async def _async_update_hold(self, door_id: DoorId, wanted: DoorCommand, seconds: int | None) -> None:
        """Start or end the renewal of a hold that the device would end too early."""
        longest = self._doors.longest_hold
        before = dict(self._holds)
        if wanted in {DoorCommand.CLOSE, DoorCommand.END_HOLD}:
            self._async_remove_hold(door_id)
        elif wanted is DoorCommand.HOLD and longest is not None:
            self._holds[door_id] = None if seconds is None else dt_util.utcnow() + timedelta(seconds=seconds)
            if seconds is None or seconds > longest:
                self._async_renew_in(longest * _RENEW_AFTER, door_id)
            else:
                self._coordinator.timers.async_cancel((_HOLD, door_id))
        if self._holds != before:
            await self._async_save()

    async def _async_save(self) -> None:
        await self._store.async_save({door: end and end.isoformat() for door, end in self._holds.items()})

    @callback
    def _async_remove_ended_holds(self) -> None:
        """Remove the holds of doors that were reported closed: the next opening is not a hold."""
        if (doors := self._coordinator.features.doors) is None:
            return
        ended = [door for door in self._holds if not doors.keeps_hold(door)]
        for door in ended:
            _LOGGER.debug("%s: hold of door %s ended", self._coordinator.name, door)
            self._async_remove_hold(door)
        if ended:
            self._coordinator.hass.async_create_task(self._async_save(), f"{DOMAIN} holds of {self._coordinator.name}")

    @callback
    def _async_remove_hold(self, door_id: DoorId) -> None:
        self._holds.pop(door_id, None)
        self._coordinator.timers.async_cancel((_HOLD, door_id))

    @callback
    def _async_renew_in(self, delay: float, door_id: DoorId) -> None:
        async def renew() -> None:
            await self._async_renew(door_id)

        self._coordinator.timers.async_do(delay, (_HOLD, door_id), renew)

    async def _async_renew(self, door_id: DoorId) -> None:
        """Renew a hold that the device would end, unless it has ended."""
        async with self._locks[door_id]:
            until = self._holds.get(door_id)
            left = None if until is None else int((until - dt_util.utcnow()).total_seconds())
            if door_id not in self._holds or (left is not None and left <= 0):
                return
            longest = self._doors.longest_hold
            try:
                door = await self._async_read_now(door_id)
                self._async_remove_ended_holds()
                if door_id not in self._holds:
                    return
                await self._doors.send(DoorCommand.HOLD, door, _limited(longest, left))
            except IntercomError as err:
                _LOGGER.debug("%s: could not renew the hold of door %s: %s", self._coordinator.name, door_id, err)
                self._async_renew_in(_RENEW_RETRY, door_id)
                return
            if longest is not None and (left is None or left > longest):
                self._async_renew_in(longest * _RENEW_AFTER, door_id)


def _unknown(door: Door) -> Door:
    """Return a door with an unknown state."""
    return replace(door, released=None, held_open=None, hold_until=None, blocked=None)


def _is_unreported(door: Door) -> bool:
    """Return whether a door has no reported state and only other systems can block it."""
    return door.released is None and door.blocked is not None and not door.blockable


def _is_settled(door: Door | None) -> bool:
    """Return whether a door keeps its state for a while: a momentary relay turns off by itself."""
    if door is None or door.latching:
        return True
    if not door.released:
        # A switch that is off is not held, unless it is blocked; until both events arrived, the state is contradictory.
        return not door.held_open or bool(door.blocked)
    return bool(door.held_open) and (door.hold_until is None or door.hold_until > dt_util.utcnow() + _SOON)


def _limited(longest: int | None, seconds: int | None) -> int | None:
    """Return the seconds of a hold to send, limited to the longest hold of the device."""
    return seconds if longest is None else min(seconds or longest, longest)


def _ends_in(door: Door, seconds: int) -> bool:
    """Return whether a hold ends in about ``seconds``, or its end is not reported."""
    if door.hold_until is None:
        return True
    return abs((door.hold_until - dt_util.utcnow()).total_seconds() - seconds) <= _HOLD_TOLERANCE


def _parse(content: Mapping[str, Any], errors: list[Exception]) -> dict[DoorId, datetime | None]:
    return dict(parse_items(content.items(), _parse_hold, errors))


def _parse_hold(item: tuple[DoorId, Any]) -> tuple[DoorId, datetime | None]:
    door, until = item
    return door, None if until is None else dt_util.as_utc(datetime.fromisoformat(until))
