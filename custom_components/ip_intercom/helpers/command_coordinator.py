"""Commands: translated errors, and polls that read back the effect of a command."""

from collections.abc import Awaitable, Callable, Coroutine, Generator, Hashable
from contextlib import contextmanager
from datetime import timedelta
import logging
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator

from ..model.state import State
from ..systems.common.errors import IntercomError
from .errors import is_answer_lost, translated, was_never_sent
from .spreading import DeviceLogger, async_load_spreader
from .timers import Timers

# Seconds without an event until the effect of a command is polled: a door may close again after two.
_FIRST_POLL = 0.5
# Seconds until the next poll if there was no effect yet.
_EFFECT_DELAY = 2.0
# Polls at most while a momentarily released door stays released.
_EFFECT_POLLS = 15


class CommandCoordinator(DataUpdateCoordinator[State]):
    """Coordinator of one device that can carry out commands.

    Args:
        hass: Home Assistant.
        logger: The logger.
        entry: The config entry.
        update_interval: The interval of polls.

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
        settled: Callable[[State], bool] = lambda _: True,
    ) -> None:
        """Carry out a command that changes the state, and poll if no event reports its effect.

        Args:
            command: The command of a feature.
            part: Returns the part of a state that it changes.
            settled: Returns whether a state will not change again by itself.
        """
        before = part(self.data)
        await self.async_command(command)
        self._async_poll_effect(part, before, settled, 0)

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
            send: Sends the command.
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
