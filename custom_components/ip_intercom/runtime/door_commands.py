"""The door command sequence of all systems: read, decide, send once, verify.

What is sent depends on what the device reports at that moment, not on memory. A command whose answer was lost is
followed by a look, never by a repetition. What did not happen is an error in the user's language. What a device reports
may be older than the last command: where its effect was not seen, the next one waits until that is certain.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
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
from ..helpers.errors import is_answer_lost, request_refused, translated, translated_error, was_never_sent
from ..model.doors import DoorCommand, is_done, next_step
from ..model.features import Doors
from ..model.names import place_names
from ..model.parts import Door, DoorId
from ..model.state import State
from ..systems.common.errors import IntercomError, NoAnswer, NotSupported, ServerBroken, Unconfirmed, UnexpectedReply
from .door_watch import DoorWatch
from .event_stream import EventStream

_LOGGER = logging.getLogger(__name__)

_STORAGE_VERSION = 1
# Seconds for the look before a command: a device that does not report its doors in time may still open them.
_READ_TIMEOUT = 3.0
# Seconds between looks while a door has not moved yet.
_LOOK_EVERY = 0.25
# Seconds for which a command waits until it is known why a door is open: longer than the usual opening.
_MOST_WAIT = 20.0
# Steps of one command: letting go, and closing.
_MOST_STEPS = 2
# The share of the longest hold after which it is renewed, and the seconds after which a failed renewal is repeated.
_RENEW_AFTER = 0.8
_RENEW_AGAIN = 60.0
# Seconds by which the reported end of a hold may differ from the one asked for.
_HOLD_TOLERANCE = 5.0
_HOLD = "hold"
# The end of a hold that is nearer is waited for; polls see what is farther away.
_SOON = timedelta(seconds=20)

_FAILURES: Mapping[DoorCommand, str] = {
    DoorCommand.OPEN: "door_did_not_open",
    DoorCommand.CLOSE: "door_did_not_close",
    DoorCommand.HOLD: "door_not_held",
    DoorCommand.END_HOLD: "door_did_not_close",
    DoorCommand.BLOCK: "door_not_blocked",
    DoorCommand.UNBLOCK: "door_still_blocked",
}
_OPENING = frozenset({DoorCommand.OPEN, DoorCommand.HOLD})


@dataclass(frozen=True, slots=True)
class _Doubt:
    """A command whose effect was not seen, and until when what the device reports may be older than it."""

    sent: DoorCommand
    until: float


# By entry: a reload does not make the last command older.
_DOUBTS: HassKey[dict[str, dict[DoorId, _Doubt]]] = HassKey(f"{DOMAIN}_door_doubts")


def hold_store(hass: HomeAssistant, entry_id: str) -> Store[dict[str, Any]]:
    """Return where an entry keeps the holds that have to be renewed."""
    return Store(hass, _STORAGE_VERSION, f"{DOMAIN}.{entry_id}.holds", private=True, atomic_writes=True)


class DoorCommands:
    """Carries out the door commands of one device, one at a time for each door.

    Args:
        coordinator: The owner of the device.
        events: Tell what its doors do.
        store: Where holds are kept that outlast a restart.
        monotonic: A clock in seconds.
    """

    def __init__(
        self,
        coordinator: IntercomCoordinator,
        events: EventStream,
        store: Store[dict[str, Any]],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._coordinator = coordinator
        self._events = events
        self._store = store
        self._monotonic = monotonic
        self._turns: defaultdict[DoorId, asyncio.Lock] = defaultdict(asyncio.Lock)
        # The holds that we renew and when they end, None for never.
        self._holds: dict[DoorId, datetime | None] = {}
        doubts = coordinator.hass.data.setdefault(_DOUBTS, {})
        self._doubts = doubts.setdefault(coordinator.config_entry.entry_id, {})

    async def async_load(self) -> None:
        """Resume the holds from before a restart."""
        self._coordinator.config_entry.async_on_unload(self._coordinator.async_add_listener(self._async_drop_holds))
        stored = await self._store.async_load() or {}
        if (doors := self._coordinator.features.doors) is None:
            return
        for door, until in stored.items():
            end = None if until is None else dt_util.parse_datetime(str(until))
            if until is not None and (end is None or end <= dt_util.utcnow()):
                continue
            self._holds[door] = end
            self._async_renew_in(_RENEW_AGAIN, door)
            doors.resume_hold(door, end)
            try:
                await self._async_look(door)
            except IntercomError as err:
                _LOGGER.debug("%s: could not read door %s: %s", self._coordinator.name, door, err)
        self._async_drop_holds()

    async def async_command(self, door_id: DoorId, wanted: DoorCommand, seconds: int | None = None) -> None:
        """Have a door become as wanted.

        Args:
            door_id: The door.
            wanted: What is asked of it.
            seconds: How long a hold lasts; None without end.
        """
        async with self._turns[door_id]:
            try:
                sent = await self._async_carry_out(door_id, wanted, seconds)
            finally:
                self._async_follow(door_id)
                await self._async_show_block(door_id)
            if sent:  # a hold of another system is not ours to renew
                await self._async_note_hold(door_id, wanted, seconds)

    async def _async_carry_out(self, door_id: DoorId, wanted: DoorCommand, seconds: int | None) -> bool:
        """Have a door become as wanted; return whether something had to be sent for it."""
        door = await self._async_read(door_id, wanted)
        for sent in range(_MOST_STEPS):
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
                raise request_refused(key, device=self._called(door_id))
            after, done = await self._async_step(door, step, seconds)
            if done is False:
                break
            if done is None:
                door = _unseen(door)
                if not doors.is_safe(step, door):
                    raise translated_error(HomeAssistantError, "door_unconfirmed", device=self._called(door_id))
            else:
                door = after
            if step is wanted:
                return True
        raise translated_error(HomeAssistantError, _FAILURES[wanted], device=self._called(door_id))

    async def _async_step(self, door: Door, step: DoorCommand, seconds: int | None) -> tuple[Door, bool | None]:
        """Send one command; return the door afterwards and whether it is as commanded, None where that is unknown."""
        doors, name = self._doors, self._called(door.id)
        lost: IntercomError | None = None
        _LOGGER.debug("%s: sending %s to door %s", self._coordinator.name, step, door.id)
        with DoorWatch(self._coordinator, self._events, door.id, self._monotonic) as watch:
            self._async_doubt(door.id, step)
            try:
                await doors.send(step, door, _at_most(doors.longest_hold, seconds))
            except IntercomError as err:
                if not is_answer_lost(err):
                    self._doubts.pop(door.id, None)
                    raise translated(err, name) from err
                _LOGGER.debug("%s: no response to %s, reading door %s: %s", name, step, door.id, err)
                lost = err
            self._async_doubt(door.id, step)
            after, done = await self._async_verify(door, step, watch, seconds if lost else None)
            if done:
                self._doubts.pop(door.id, None)
        if lost is not None and done is None:
            # An answer that came says more than that one is missing.
            answered = isinstance(lost, ServerBroken | UnexpectedReply | Unconfirmed)
            key = "door_may_have_opened" if _tells_nothing(door) and step in _OPENING else "door_answer_lost"
            raise translated(lost, name) if answered else translated_error(HomeAssistantError, key, device=name)
        return after, done

    async def _async_show_block(self, door_id: DoorId) -> None:
        """Show whether a door is blocked, where only the answer to a command tells."""
        door = self._coordinator.data.doors.get(door_id)
        if door is not None and _tells_nothing(door):
            with suppress(IntercomError):
                await self._async_look(door_id)

    def _called(self, door_id: DoorId) -> str:
        """Return the name of a door that has a place of its own, else that of the device."""
        state = self._coordinator.data
        place = state.doors[door_id].place if door_id in state.doors else None
        return place_names(state.places).get(place or "", self._coordinator.name)

    async def _async_verify(
        self, door: Door, step: DoorCommand, watch: DoorWatch, seconds: int | None
    ) -> tuple[Door, bool | None]:
        """Look at a door until it is as a command leaves it, or its time is over."""
        known = self._coordinator.data.doors.get(door.id)
        if known is None or is_done(known, step) is None:
            return door, None  # the device never reports it
        timing = self._doors.timing(step, door.id)
        while True:
            done: bool | None = None
            try:
                door = await self._async_look(door.id)
            except IntercomError as err:
                _LOGGER.debug("%s: could not read door %s: %s", self._coordinator.name, door.id, err)
            else:
                watch.note_look()
                done = is_done(door, step)
                if done and seconds is not None and step is DoorCommand.HOLD:
                    done = _ends_in(door, seconds)
            if done or watch.saw(step):
                return door, True
            if watch.elapsed >= timing.settles:
                break
            await asyncio.sleep(_LOOK_EVERY)
        if step is DoorCommand.OPEN and timing.lasts is not None and watch.longest_gap >= timing.lasts:
            return door, None  # it may have opened and closed between two looks
        return door, done

    @callback
    def _async_doubt(self, door_id: DoorId, sent: DoorCommand) -> None:
        """Note that what is reported of a door may be older than a command, unless its effect is seen."""
        timing = self._doors.timing(sent, door_id)
        if timing.doubtful:
            self._doubts[door_id] = _Doubt(sent, self._monotonic() + timing.settles + timing.doubtful)

    @callback
    def _async_doubted(self, door: Door) -> _Doubt | None:
        """Return the command whose effect may still come, though the door that was just read does not show it."""
        doubt = self._doubts.get(door.id)
        if doubt is not None and (self._monotonic() >= doubt.until or is_done(door, doubt.sent)):
            doubt = None
            del self._doubts[door.id]
        return doubt

    @callback
    def _async_follow(self, door_id: DoorId) -> None:
        """Look at a door until it has fallen back: not every device reports that."""

        def is_settled(state: State) -> bool:
            door = state.doors.get(door_id)
            return _is_settled(door) and (door is None or self._async_doubted(door) is None)

        self._coordinator.async_poll_until(lambda state: state.doors.get(door_id), is_settled)

    @property
    def _doors(self) -> Doors:
        if (doors := self._coordinator.features.doors) is None:
            raise request_refused("no_doors", device=self._coordinator.name)
        return doors

    async def _async_read(self, door_id: DoorId, wanted: DoorCommand) -> Door:
        """Return a door as it is before a command, once that is certain enough to decide on it."""
        began = self._monotonic()
        while True:
            door = await self._async_read_once(door_id, wanted)
            waited = self._monotonic() - began
            if (doubt := self._async_doubted(door)) is not None:
                if doubt.sent in _OPENING and self._doors.is_safe(wanted, _unseen(door)):
                    return _unseen(door)
                wait = doubt.until - self._monotonic()
            elif (wait := self._doors.certain_in(wanted, door, waited)) <= 0:
                return door
            elif waited + wait > _MOST_WAIT:
                raise request_refused("door_opened_elsewhere", device=self._called(door_id))
            _LOGGER.debug("%s: door %s: waiting %.1f s for a reliable state", self._coordinator.name, door_id, wait)
            await asyncio.sleep(_LOOK_EVERY)

    async def _async_read_once(self, door_id: DoorId, wanted: DoorCommand) -> Door:
        """Return a door as it is before a command.

        Where only this cannot be read, a command that is safe in any state is sent all the same.
        """
        name = self._called(door_id)
        if (known := self._coordinator.data.doors.get(door_id)) is None:
            raise request_refused("no_doors", device=name)
        unseen = _unseen(known)
        safe = self._doors.is_safe(wanted, unseen)
        try:
            async with asyncio.timeout(_READ_TIMEOUT if safe else None):
                return await self._async_look(door_id)
        except TimeoutError:
            failure: IntercomError = NoAnswer(f"the state of door {door_id} was not reported in time")
        except IntercomError as err:
            failure = err
        if was_never_sent(failure) or not safe:
            raise translated(failure, name) from failure
        _LOGGER.debug("%s: could not read the state of door %s: %s", name, door_id, failure)
        return unseen

    async def _async_look(self, door_id: DoorId) -> Door:
        """Read a door and show it."""
        door = await self._coordinator.async_read_door(door_id)
        if door is None:
            raise NotSupported(f"no door {door_id}")
        return door

    # -- holds that the device would end -----------------------------------------------------------

    async def _async_note_hold(self, door_id: DoorId, wanted: DoorCommand, seconds: int | None) -> None:
        """Remember a hold that the device would end too early, or forget it."""
        longest = self._doors.longest_hold
        before = dict(self._holds)
        if wanted in {DoorCommand.CLOSE, DoorCommand.END_HOLD}:
            self._async_forget_hold(door_id)
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
    def _async_drop_holds(self) -> None:
        """Forget the holds of doors that were seen shut: what opens them next is not a hold."""
        if (doors := self._coordinator.features.doors) is None:
            return
        ended = [door for door in self._holds if not doors.keeps_hold(door)]
        for door in ended:
            _LOGGER.debug("%s: hold of door %s ended", self._coordinator.name, door)
            self._async_forget_hold(door)
        if ended:
            self._coordinator.hass.async_create_task(self._async_save(), f"{DOMAIN} holds of {self._coordinator.name}")

    @callback
    def _async_forget_hold(self, door_id: DoorId) -> None:
        self._holds.pop(door_id, None)
        self._coordinator.timers.async_cancel((_HOLD, door_id))

    @callback
    def _async_renew_in(self, delay: float, door_id: DoorId) -> None:
        async def renew() -> None:
            await self._async_renew(door_id)

        self._coordinator.timers.async_do(delay, (_HOLD, door_id), renew)

    async def _async_renew(self, door_id: DoorId) -> None:
        """Prolong a hold that the device would end, unless it has ended."""
        async with self._turns[door_id]:
            until = self._holds.get(door_id)
            left = None if until is None else int((until - dt_util.utcnow()).total_seconds())
            if door_id not in self._holds or (left is not None and left <= 0):
                return
            longest = self._doors.longest_hold
            try:
                door = await self._async_look(door_id)
                self._async_drop_holds()
                if door_id not in self._holds:
                    return
                await self._doors.send(DoorCommand.HOLD, door, _at_most(longest, left))
            except IntercomError as err:
                _LOGGER.debug("%s: could not renew the hold of door %s: %s", self._coordinator.name, door_id, err)
                self._async_renew_in(_RENEW_AGAIN, door_id)
                return
            if longest is not None and (left is None or left > longest):
                self._async_renew_in(longest * _RENEW_AFTER, door_id)


def _unseen(door: Door) -> Door:
    """Return a door without what the device reports of its state."""
    return replace(door, released=None, held_open=None, hold_until=None, blocked=None)


def _tells_nothing(door: Door) -> bool:
    """Return whether no report tells how a door is, and others may block it."""
    return door.released is None and door.blocked is not None and not door.blockable


def _is_settled(door: Door | None) -> bool:
    """Return whether a door will stay as it is for a while: a strike falls back by itself."""
    if door is None or door.latching:
        return True
    if not door.released:
        # A switch that is off is not held, unless it is blocked meanwhile: the event of one came, that of the other not.
        return not door.held_open or bool(door.blocked)
    return bool(door.held_open) and (door.hold_until is None or door.hold_until > dt_util.utcnow() + _SOON)


def _at_most(longest: int | None, seconds: int | None) -> int | None:
    """Return how long a hold to send lasts, within what the device takes."""
    return seconds if longest is None else min(seconds or longest, longest)


def _ends_in(door: Door, seconds: int) -> bool:
    """Return whether a hold ends about as many seconds from now, as far as the device reports it."""
    if door.hold_until is None:
        return True
    return abs((door.hold_until - dt_util.utcnow()).total_seconds() - seconds) <= _HOLD_TOLERANCE
