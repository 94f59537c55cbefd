"""The state of a device: changed by commands and polls in one place, and published to the entities."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator, Hashable, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
import logging
from typing import Any, Protocol

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator

from ..const import DOMAIN
from ..model.features import Bells, Features, System
from ..model.parts import Bell, BellId, Door, DoorId, SessionId
from ..model.state import Description, State, changed_parts, with_bell, with_door
from ..systems.common.errors import IntercomError
from .errors import is_answer_lost, translated, was_never_sent
from .scheduling import DeviceLogger, Timers, async_load_spreader
from .storage import RestoredState

_LOGGER = logging.getLogger(__name__)

# Reads of a door at most, while events keep changing it.
_DOOR_READS = 3

type Change = Callable[[State], State]

# Seconds without an event until the effect of a command is polled: a door may close again after two.
_FIRST_POLL = 0.5
# Seconds until the next poll if there was no effect yet.
_EFFECT_DELAY = 2.0
# Polls at most while a momentarily released door stays released.
_EFFECT_POLLS = 15


class CommandCoordinator(DataUpdateCoordinator[State]):
    """Coordinator of one device that can carry out commands.

    Attributes:
        load_spreader: Limits the simultaneous work of all devices.
        timers: Delayed calls.
    """

    def __init__(
        self, hass: HomeAssistant, logger: logging.Logger, entry: ConfigEntry[Any], update_interval: timedelta
    ) -> None:
        self.load_spreader = async_load_spreader(hass)
        # An adapter has the methods that Home Assistant calls, but is not a Logger by type.
        device_logger: Any = DeviceLogger(logger, self.load_spreader, entry.entry_id)
        super().__init__(
            hass,
            device_logger,
            config_entry=entry,
            name=entry.title,
            update_interval=update_interval,
            always_update=False,
        )
        self.timers = Timers(hass)

    @contextmanager
    def translating(self) -> Generator[None]:
        """Raise client errors as translated ``HomeAssistantError``."""
        try:
            yield
        except IntercomError as err:
            raise translated(err, self.name) from err

    async def async_command[T](self, command: Coroutine[Any, Any, T]) -> T:
        """Carry out a command of a feature."""
        with self.translating():
            return await command

    async def async_effective_command(
        self,
        command: Coroutine[Any, Any, None],
        part: Callable[[State], Hashable],
    ) -> None:
        """Carry out a command that changes a part of the state, and poll if no event reports its effect."""
        before = part(self.data)
        await self.async_command(command)
        self._async_poll_effect(part, before, lambda _: True, 0)

    async def async_switch(
        self,
        on: bool,
        read: Callable[[], Awaitable[bool | None]],
        send: Callable[[], Awaitable[None]],
        part: Callable[[State], Hashable],
    ) -> None:
        """Turn something on or off: read it, send once if needed, and read again if the response was lost.

        Args:
            on: The target state.
            read: Returns the state that the device reports; None if it reports none.
            part: Returns the part of a state that it changes.
        """
        with self.translating():
            if await _reported(read) is on:
                return
            before = part(self.data)
            try:
                await send()
            except IntercomError as err:
                if not is_answer_lost(err) or await _reported(read) is not on:
                    raise
        self._async_poll_effect(part, before, lambda _: True, 0)

    @callback
    def async_poll_until(self, part: Callable[[State], Hashable], settled: Callable[[State], bool]) -> None:
        """Poll a part of the state until it is settled, or an event reports a change."""
        if not settled(self.data):
            self._async_poll_effect(part, part(self.data), settled, 1)

    @callback
    def _async_poll_effect(
        self, part: Callable[[State], Hashable], before: Hashable, settled: Callable[[State], bool], polls: int
    ) -> None:
        async def poll() -> None:
            if part(self.data) != before:
                return  # an event reported the change
            await self.async_refresh()
            now = part(self.data)
            nothing_yet = polls == 0 and now == before
            if nothing_yet or (polls < _EFFECT_POLLS and not settled(self.data)):
                self._async_poll_effect(part, now, settled, polls + 1)

        self.timers.async_do(_EFFECT_DELAY if polls else _FIRST_POLL, part, poll)


async def _reported(read: Callable[[], Awaitable[bool | None]]) -> bool | None:
    """Return the state that the device reports; None if reading failed after the request was sent."""
    try:
        return await read()
    except IntercomError as err:
        if was_never_sent(err):
            raise
        return None


class Follower(Protocol):
    """Receives what polls and descriptions find."""

    def async_recovered(self) -> None:
        """Handle the recovery of the device, found by a poll."""

    def async_polled(self, before: State, after: State) -> None:
        """Handle the state that a poll read."""

    async def async_described(self) -> None:
        """Handle a refreshed description."""


class StateCoordinator(CommandCoordinator):
    """Coordinator that holds the state of one intercom.

    Args:
        found: State restored from the previous run.

    Attributes:
        system: The adapter. Send commands of its features through ``async_command``.
        follower: Receives polls and descriptions; None before the entry is set up.
        description: The identity and capabilities of the device.
        directory: The bells of the last directory that could be read, and the bell for each called number.
        found_bells: Bells that no directory lists, known because they rang.
        changed_parts: The changed parts of the state during an update of the listeners; None if all may have.
    """

    config_entry: ConfigEntry[Any]

    def __init__(
        self,
        hass: HomeAssistant,
        logger: logging.Logger,
        entry: ConfigEntry[Any],
        update_interval: timedelta,
        system: System,
        found: RestoredState,
    ) -> None:
        super().__init__(hass, logger, entry, update_interval)
        self.system = system
        self.follower: Follower | None = None
        self.description: Description
        self.directory = found.directory
        self.found_bells = dict(found.bells)
        self.changed_parts: frozenset[str] | None = None
        self._state = State()
        self._read_lock = asyncio.Lock()
        self._during_read: list[Change] | None = None

    @property
    def features(self) -> Features:
        """The features that the device has now."""
        return self.system.features

    @property
    def found(self) -> RestoredState:
        """The state to restore in the next run."""
        return RestoredState.in_state(self._state, self.found_bells, self.directory)

    def with_known_bells(self, description: Description) -> Description:
        """Return a description; if its directory could not be read, with the bells of the last one."""
        if description.bells_pending or "bells" not in description.unread or not self.directory.bells:
            return description
        bells, peers = self.directory.bells, self.directory.peers
        return replace(description, state=replace(description.state, bells=bells), peers=peers)

    def remember_bells(self, description: Description) -> None:
        """Store the bells of a description until a later directory can be read."""
        if not description.bells_pending:
            self.directory = Bells(description.state.bells, description.peers)

    @property
    def peers(self) -> Mapping[str, BellId]:
        """Return the bell for each called number."""
        return self.directory.peers

    @property
    def bells(self) -> Mapping[BellId, Bell]:
        """Return the known bells, published or not."""
        return self._state.bells

    async def _async_collect_changes[T](self, ask: Callable[[], Awaitable[T]]) -> tuple[T, list[Change]]:
        """Return the result of a request, and the changes of the state during the request."""
        async with self._read_lock:
            changes: list[Change] = []
            self._during_read = changes
            try:
                return await ask(), changes
            finally:
                self._during_read = None

    @callback
    def _async_change_by(self, change: Change) -> None:
        """Change the state; a read in progress applies the change again, as its result may be older."""
        self._state = change(self._state)
        if self._during_read is not None:
            self._during_read.append(change)

    async def async_read_door(self, door_id: DoorId) -> Door | None:
        """Read a door and publish it, unless events keep changing it.

        Does not wait for a poll in progress.
        """
        if (doors := self.features.doors) is None:
            return None
        door: Door | None = None
        for _ in range(_DOOR_READS):
            before = self._state.doors.get(door_id)
            door = await doors.read(door_id)
            if door is None or self._state.doors.get(door_id) in (before, door):
                break
            # An event arrived during the read: the result may be older, and an event does not report every field.
        else:
            return door
        if door is not None and before != door:
            self._async_change_by(partial(with_door, door=door))
            self.async_publish()
        return door

    async def async_read_part(self, part: str, ask: Callable[[], Awaitable[Any]]) -> None:
        """Read one part of the state after an action changed it; if that fails, the next poll reads it."""
        try:
            value, changes = await self._async_collect_changes(ask)
        except IntercomError as err:
            _LOGGER.debug("%s: could not read %s: %s", self.name, part, err)
            return
        self._state = after(replace(self._state, **{part: value}), changes)
        self.async_publish()

    async def async_read_last_call(self) -> None:
        """Read the newest entry of the device's call log."""
        if (log := self.features.call_log) is None:
            return
        try:
            calls = await log.query(1)
        except IntercomError as err:
            _LOGGER.debug("%s: could not read the call log: %s", self.name, err)
            return
        self.async_change(last_call=calls[0] if calls else None)

    @callback
    def async_change(self, **parts: Any) -> None:
        """Replace parts of the state after an action, and publish it."""
        self._state = replace(self._state, **parts)
        self.async_publish()

    @callback
    def async_add_dialed_call(self, session: SessionId) -> None:
        """Record a call that no visitor started."""
        self.async_change(dialed_calls=self._state.dialed_calls | {session})

    @callback
    def async_add_bell(self, bell: Bell) -> None:
        """Add a bell that rang, if it is new."""
        if bell.id not in self._state.bells:
            self.found_bells[bell.id] = bell
            self._state = with_bell(self._state, bell)

    @callback
    def async_publish(self) -> None:
        """Publish the state to the entities, if it changed."""
        if self._state != self.data:
            self.changed_parts = changed_parts(self.data, self._state)
            # Not async_set_updated_data: it would postpone the next poll with every event.
            self.data = self._state
            try:
                self.async_update_listeners()
            finally:
                self.changed_parts = None

    @callback
    def async_read_soon(self) -> None:
        """Read the state once in the background, without blocking the event stream."""
        self.config_entry.async_create_background_task(
            self.hass, self.async_request_refresh(), f"{DOMAIN} state of {self.name}"
        )


def after(state: State, changes: Iterable[Change]) -> State:
    """Return a state that was read, with the changes since its request applied."""
    for change in changes:
        state = change(state)
    return state
