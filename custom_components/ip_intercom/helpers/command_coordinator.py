"""Commands: errors become messages, and changes are read back."""

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
from .timers import Timers

# A command whose effect no event has told of after this many seconds is looked up: a door may close again after two.
_FIRST_LOOK = 0.5
# What was not to be seen then may have waited: it is looked up once more.
_EFFECT_DELAY = 2.0
# How often to look while a door that was released for a moment is still released.
_EFFECT_LOOKS = 15


class CommandCoordinator(DataUpdateCoordinator[State]):
    """A coordinator of one device that can carry out commands.

    Args:
        hass: Home Assistant.
        logger: For its log lines.
        entry: The entry of the device.
        update_interval: How often to poll.

    Attributes:
        later: Delayed calls.
    """

    def __init__(
        self, hass: HomeAssistant, logger: logging.Logger, entry: ConfigEntry[Any], update_interval: timedelta
    ) -> None:
        super().__init__(
            hass, logger, config_entry=entry, name=entry.title, update_interval=update_interval, always_update=False
        )
        self.timers = Timers(hass)

    @contextmanager
    def translating(self) -> Generator[None]:
        """Turn what goes wrong with the device into a ``HomeAssistantError`` with a sentence."""
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
        """Carry out a command that changes the state, and look where no event tells of its effect.

        Args:
            command: The command of a feature.
            part: Returns the part of a state that it changes.
            settled: Returns whether a state is not about to change by itself again.
        """
        before = part(self.data)
        await self.async_command(command)
        self._async_look_for_effect(part, before, settled, 0)

    async def async_switch(
        self,
        on: bool,
        read: Callable[[], Awaitable[bool | None]],
        send: Callable[[], Awaitable[None]],
        part: Callable[[State], Hashable],
    ) -> None:
        """Turn something on or off that the device reports: read, send once, and look where the answer is lost.

        Args:
            on: What is wanted.
            read: Returns what the device reports now; None where it does not.
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
        self._async_look_for_effect(part, before, lambda _: True, 0)

    @callback
    def async_look_until(self, part: Callable[[State], Hashable], settled: Callable[[State], bool]) -> None:
        """Look at a part of the state until it is settled, unless events report how it moves."""
        if not settled(self.data):
            self._async_look_for_effect(part, part(self.data), settled, 1)

    @callback
    def _async_look_for_effect(
        self, part: Callable[[State], Hashable], before: Hashable, settled: Callable[[State], bool], looks: int
    ) -> None:
        async def look() -> None:
            if part(self.data) != before:
                return  # an event has told
            await self.async_refresh()
            now = part(self.data)
            nothing_yet = looks == 0 and now == before
            if nothing_yet or (looks < _EFFECT_LOOKS and not settled(self.data)):
                self._async_look_for_effect(part, now, settled, looks + 1)

        self.timers.async_do(_EFFECT_DELAY if looks else _FIRST_LOOK, part, look)


async def _reported(read: Callable[[], Awaitable[bool | None]]) -> bool | None:
    """Return what the device reports; None where only that fails."""
    try:
        return await read()
    except IntercomError as err:
        if was_never_sent(err):
            raise
        return None
