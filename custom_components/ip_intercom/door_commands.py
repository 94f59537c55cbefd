"""The one way of every door command, of every system: read, decide, send once, verify.

What is sent depends on what the device reports at that moment, not on memory. A command whose answer was lost is
followed by a look, never by a repetition. What did not happen is an error in the user's language.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
import logging
import time
from typing import Any, Self

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from .api.errors import IntercomError, NoAnswer, NotSupported, ServerBroken, Unconfirmed, UnexpectedReply
from .const import DOMAIN
from .coordinator import IntercomCoordinator
from .doors import DoorCommand, is_done, next_step
from .events import DoorReleased, Event
from .exceptions import is_answer_lost, refused, told, translated, was_never_sent
from .facets import Doors
from .model import Door, DoorId, State

_LOGGER = logging.getLogger(__name__)

_STORAGE_VERSION = 1
# Seconds for the look before a command: a device that does not report its doors in time may still open them.
_READ_TIMEOUT = 3.0
# Seconds between looks while a door has not moved yet.
_LOOK_EVERY = 0.25
# Steps of one command: letting go, closing, and one more where the device answered the other way round.
_MOST_STEPS = 4
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


def hold_store(hass: HomeAssistant, entry_id: str) -> Store[dict[str, Any]]:
    """Return where an entry keeps the holds that have to be renewed."""
    return Store(hass, _STORAGE_VERSION, f"{DOMAIN}.{entry_id}.holds", private=True, atomic_writes=True)


class DoorCommands:
    """Carries out the door commands of one device, one at a time for each door.

    Args:
        coordinator: The owner of the device.
        store: Where holds are kept that outlast a restart.
    """

    def __init__(self, coordinator: IntercomCoordinator, store: Store[dict[str, Any]]) -> None:
        self._coordinator = coordinator
        self._store = store
        self._turns: defaultdict[DoorId, asyncio.Lock] = defaultdict(asyncio.Lock)
        # The holds that we renew and when they end, None for never.
        self._holds: dict[DoorId, datetime | None] = {}

    async def async_load(self) -> None:
        """Take up the holds of before a restart."""
        stored = await self._store.async_load() or {}
        if (doors := self._coordinator.facets.doors) is None:
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
                _LOGGER.debug("%s: door %s could not be read: %s", self._coordinator.name, door, err)

    async def async_command(self, door_id: DoorId, wanted: DoorCommand, seconds: int | None = None) -> None:
        """Have a door become as wanted.

        Args:
            door_id: The door.
            wanted: What is asked of it.
            seconds: How long a hold lasts; None without end.

        Raises:
            HomeAssistantError: It did not happen, or cannot be told; a sentence says what is known.
        """
        async with self._turns[door_id]:
            try:
                sent = await self._async_carry_out(door_id, wanted, seconds)
            finally:
                self._async_follow(door_id)
            if sent:  # a hold of another system is not ours to renew
                await self._async_note_hold(door_id, wanted, seconds)

    async def _async_carry_out(self, door_id: DoorId, wanted: DoorCommand, seconds: int | None) -> bool:
        """Have a door become as wanted; return whether something had to be sent for it."""
        door = await self._async_read(door_id, wanted)
        for sent in range(_MOST_STEPS):
            doors = self._doors
            step = next_step(door, wanted, extends=doors.extends(door_id), timed=seconds is not None)
            if step is None:
                _LOGGER.debug("%s: door %s is as asked: %s", self._coordinator.name, door_id, wanted)
                return sent > 0
            if is_done(door, step) is None and not doors.is_safe_unseen(step, door):
                raise refused("door_state_unknown", device=self._coordinator.name)
            before = door
            door, done = await self._async_step(door, step, seconds)
            if done is not False and step is wanted:
                return True
            if done is False and door.released is before.released:
                break
            # One step of two is done, or the device did the opposite: a door that was held by another system.
        raise told(HomeAssistantError, _FAILURES[wanted], device=self._coordinator.name)

    async def _async_step(self, door: Door, step: DoorCommand, seconds: int | None) -> tuple[Door, bool | None]:
        """Send one command; return the door afterwards and whether it is as commanded, None where that is unknown."""
        doors, name = self._doors, self._coordinator.name
        lost: IntercomError | None = None
        _LOGGER.debug("%s: sending %s to door %s", name, step, door.id)
        with _DoorWatch(self._coordinator, door.id) as watch:
            try:
                await doors.send(step, door, _at_most(doors.longest_hold, seconds))
            except IntercomError as err:
                if not is_answer_lost(err):
                    raise translated(err, name) from err
                _LOGGER.debug("%s: no answer to %s, looking at door %s: %s", name, step, door.id, err)
                lost = err
            after, done = await self._async_verify(door, step, watch, seconds if lost else None)
        if lost is not None and done is None:
            # An answer that came says more than that one is missing.
            answered = isinstance(lost, ServerBroken | UnexpectedReply | Unconfirmed)
            raise translated(lost, name) if answered else told(HomeAssistantError, "door_answer_lost", device=name)
        return after, done

    async def _async_verify(
        self, door: Door, step: DoorCommand, watch: _DoorWatch, seconds: int | None
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
                _LOGGER.debug("%s: door %s could not be read: %s", self._coordinator.name, door.id, err)
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
    def _async_follow(self, door_id: DoorId) -> None:
        """Look at a door until it has fallen back: not every device reports that."""
        self._coordinator.async_look_until(
            lambda state: state.doors.get(door_id), lambda state: _is_settled(state.doors.get(door_id))
        )

    @property
    def _doors(self) -> Doors:
        if (doors := self._coordinator.facets.doors) is None:
            raise refused("no_doors", device=self._coordinator.name)
        return doors

    async def _async_read(self, door_id: DoorId, wanted: DoorCommand) -> Door:
        """Return a door as it is before a command.

        Where only this cannot be read, a command that is safe in any state is sent all the same.
        """
        name = self._coordinator.name
        if (known := self._coordinator.data.doors.get(door_id)) is None:
            raise refused("no_doors", device=name)
        unseen = replace(known, released=None, held_open=None, hold_until=None, blocked=None)
        safe = self._doors.is_safe_unseen(wanted, unseen)
        try:
            async with asyncio.timeout(_READ_TIMEOUT if safe else None):
                return await self._async_look(door_id)
        except TimeoutError:
            failure: IntercomError = NoAnswer(f"the state of door {door_id} was not reported in time")
        except IntercomError as err:
            failure = err
        if was_never_sent(failure) or not safe:
            raise translated(failure, name) from failure
        _LOGGER.debug("%s: the state of door %s could not be read: %s", name, door_id, failure)
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
                self._coordinator.later.async_cancel((_HOLD, door_id))
        if self._holds != before:
            await self._async_save()

    async def _async_save(self) -> None:
        await self._store.async_save({door: end and end.isoformat() for door, end in self._holds.items()})

    @callback
    def _async_forget_hold(self, door_id: DoorId) -> None:
        self._holds.pop(door_id, None)
        self._coordinator.later.async_cancel((_HOLD, door_id))

    @callback
    def _async_renew_in(self, delay: float, door_id: DoorId) -> None:
        async def renew() -> None:
            await self._async_renew(door_id)

        self._coordinator.later.async_do(delay, (_HOLD, door_id), renew)

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
                if door.released is False:
                    _LOGGER.debug("%s: the hold of door %s has ended", self._coordinator.name, door_id)
                    self._async_forget_hold(door_id)
                    await self._async_save()
                    return
                await self._doors.send(DoorCommand.HOLD, door, _at_most(longest, left))
            except IntercomError as err:
                _LOGGER.debug("%s: the hold of door %s could not be renewed: %s", self._coordinator.name, door_id, err)
                self._async_renew_in(_RENEW_AGAIN, door_id)
                return
            if longest is not None and (left is None or left > longest):
                self._async_renew_in(longest * _RENEW_AFTER, door_id)


class _DoorWatch:
    """What happens to a door after a command: events of it, and how closely it was looked at."""

    def __init__(self, coordinator: IntercomCoordinator, door_id: DoorId) -> None:
        self._coordinator = coordinator
        self._door_id = door_id
        self._released: set[bool] = set()
        self._began = self._looked_at = time.monotonic()
        self._stop: CALLBACK_TYPE | None = None
        self.longest_gap = 0.0

    def __enter__(self) -> Self:
        self._stop = self._coordinator.feed.async_listen_events(self._async_hear)
        return self

    def __exit__(self, *_: object) -> None:
        if self._stop is not None:
            self._stop()

    @property
    def elapsed(self) -> float:
        """Seconds since the command was sent."""
        return time.monotonic() - self._began

    @callback
    def _async_hear(self, event: Event, _: State) -> None:
        for fact in () if event.late else event.facts:
            if isinstance(fact, DoorReleased) and fact.door == self._door_id:
                self._released.add(fact.released)

    def note_look(self) -> None:
        """Note that the door was read."""
        now = time.monotonic()
        self.longest_gap = max(self.longest_gap, now - self._looked_at)
        self._looked_at = now

    def saw(self, step: DoorCommand) -> bool:
        """Return whether the device reported an opening: a short one may be over before a look."""
        return step is DoorCommand.OPEN and True in self._released


def _is_settled(door: Door | None) -> bool:
    """Return whether a door will stay as it is for a while: a strike falls back by itself."""
    if door is None or not door.released or door.latching:
        return True
    return bool(door.held_open) and (door.hold_until is None or door.hold_until > dt_util.utcnow() + _SOON)


def _at_most(longest: int | None, seconds: int | None) -> int | None:
    """Return how long a hold to send lasts, within what the device takes."""
    return seconds if longest is None else min(seconds or longest, longest)


def _ends_in(door: Door, seconds: int) -> bool:
    """Return whether a hold ends about as many seconds from now, as far as the device reports it."""
    if door.hold_until is None:
        return True
    return abs((door.hold_until - dt_util.utcnow()).total_seconds() - seconds) <= _HOLD_TOLERANCE
