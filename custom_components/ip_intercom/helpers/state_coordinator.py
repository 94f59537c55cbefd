"""The state of a device: read and changed in one place, and published to the entities."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
import logging
from typing import Any, Protocol

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback

from ..const import DOMAIN
from ..model.features import Features, System
from ..model.parts import Bell, BellId, Door, DoorId, SessionId
from ..model.state import Description, State, changed_parts, with_bell, with_door
from ..systems.common.errors import IntercomError
from .command_coordinator import CommandCoordinator
from .restored_state import RestoredState

_LOGGER = logging.getLogger(__name__)

# How often a door is read at most while events of it arrive.
_DOOR_READS = 3

type Change = Callable[[State], State]


class Follower(Protocol):
    """What is told of what the coordinator finds."""

    def async_recovered(self) -> None:
        """A poll found that the device is back."""

    def async_polled(self, before: State, after: State) -> None:
        """A poll found this state."""

    async def async_described(self) -> None:
        """The device was described again."""


class StateCoordinator(CommandCoordinator):
    """The owner of the state of one intercom.

    Args:
        hass: Home Assistant.
        logger: For its log lines.
        entry: The entry of the device.
        update_interval: How often to poll.
        system: Its adapter.
        found_bells: Bells that rang before a restart.

    Attributes:
        system: The adapter. Its features carry out commands; send them through ``async_command``.
        follower: Is told of what is found; None before the entry is set up.
        description: What the device is and has.
        peers: The bell of a called number.
        found_bells: Bells that no directory lists; they rang.
        changed_parts: The parts of the state that the listeners are told of now; None for any, such as the connection.
    """

    config_entry: ConfigEntry[Any]

    def __init__(
        self,
        hass: HomeAssistant,
        logger: logging.Logger,
        entry: ConfigEntry[Any],
        update_interval: timedelta,
        system: System,
        found_bells: Mapping[BellId, Bell],
    ) -> None:
        super().__init__(hass, logger, entry, update_interval)
        self.system = system
        self.follower: Follower | None = None
        self.description: Description
        self.peers: Mapping[str, BellId] = {}
        self.found_bells = dict(found_bells)
        self.changed_parts: frozenset[str] | None = None
        self._state = State()
        self._turn = asyncio.Lock()
        self._during_read: list[Change] | None = None

    @property
    def features(self) -> Features:
        """What the device can be asked to do now."""
        return self.system.features

    @property
    def found(self) -> RestoredState:
        """What showed itself, to be remembered for the next life."""
        return RestoredState.in_state(self._state, self.found_bells)

    @property
    def bells(self) -> Mapping[BellId, Bell]:
        """Return the bells as they are known by now, shown or not."""
        return self._state.bells

    async def _async_gathering_news[T](self, ask: Callable[[], Awaitable[T]]) -> tuple[T, list[Change]]:
        """Return an answer of the device, and what changed the state while it was asked."""
        async with self._turn:
            news: list[Change] = []
            self._during_read = news
            try:
                return await ask(), news
            finally:
                self._during_read = None

    @callback
    def _async_change_by(self, change: Change) -> None:
        """Change the state, also that which is being read and may be older than the change."""
        if self._during_read is not None:
            self._during_read.append(change)
        self._state = change(self._state)

    async def async_read_door(self, door_id: DoorId) -> Door | None:
        """Return a door as the device reports it now, and show it, unless events of it keep arriving.

        It does not wait for a poll in progress.
        """
        if (doors := self.features.doors) is None:
            return None
        door: Door | None = None
        for _ in range(_DOOR_READS):
            before = self._state.doors.get(door_id)
            door = await doors.read(door_id)
            if door is None or self._state.doors.get(door_id) == before:
                break
            # An event came meanwhile. What was read may be older, and an event does not report every part of a door.
        else:
            return door
        if door is not None and before != door:
            self._async_change_by(partial(with_door, door=door))
            self.async_publish()
        return door

    async def async_read_again(self, part: str, ask: Callable[[], Awaitable[Any]]) -> None:
        """Read one part of the state again, because an action has changed it; if that fails, a poll follows."""
        try:
            value, news = await self._async_gathering_news(ask)
        except IntercomError as err:
            _LOGGER.debug("%s: could not read %s: %s", self.name, part, err)
            return
        self._state = after(replace(self._state, **{part: value}), news)
        self.async_publish()

    @callback
    def async_change(self, **parts: Any) -> None:
        """Replace parts of the state and show it: what an action did, not what the device tells."""
        self._state = replace(self._state, **parts)
        self.async_publish()

    @callback
    def async_note_own_call(self, session: SessionId) -> None:
        """Note a call that was started from Home Assistant."""
        self.async_change(own_calls=self._state.own_calls | {session})

    @callback
    def async_know_bell(self, bell: Bell) -> None:
        """Note a bell that rings; one that was not known before is remembered."""
        if bell.id not in self._state.bells:
            self.found_bells[bell.id] = bell
            self._state = with_bell(self._state, bell)

    @callback
    def async_publish(self) -> None:
        """Show the state to the entities, if it changed."""
        if self._state != self.data:
            self.changed_parts = changed_parts(self.data, self._state)
            # Not async_set_updated_data: that would put off the safety net with every event.
            self.data = self._state
            try:
                self.async_update_listeners()
            finally:
                self.changed_parts = None

    @callback
    def async_read_soon(self) -> None:
        """Read the state once without keeping the events waiting."""
        self.config_entry.async_create_background_task(
            self.hass, self.async_request_refresh(), f"{DOMAIN} state of {self.name}"
        )


def after(state: State, news: Iterable[Change]) -> State:
    """Return a state that was read, after what changed since the device answered."""
    for change in news:
        state = change(state)
    return state
