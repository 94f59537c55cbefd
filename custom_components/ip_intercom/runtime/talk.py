"""Whether and how talk is possible at each camera: checked after each description, apart from everything else."""

import asyncio
from collections.abc import Callable, Mapping
import logging
from typing import Any

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback

from ..const import CONF_SYSTEM, CONF_TALK, DOMAIN
from ..coordinator import IntercomCoordinator
from ..helpers.connection import async_client_session
from ..helpers.errors import request_refused
from ..model.parts import CameraId
from ..model.talk import PASSING, ChangingTalk, Talk, TalkStatus, best
from ..systems import create_system
from ..systems.common.errors import IntercomError
from .loading import async_load_systems

_LOGGER = logging.getLogger(__name__)

# Seconds until the next attempts while something prevents talk that may pass by itself.
_RETRIES = (60.0, 300.0)


class TalkMonitor:
    """The status of talk at the cameras of an entry.

    Attributes:
        statuses: By camera; empty until the first check.
    """

    def __init__(self, coordinator: IntercomCoordinator) -> None:
        self._coordinator = coordinator
        self._listeners: set[Callable[[], None]] = set()
        self._lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._attempts = 0
        self._possible: set[CameraId] = set()
        # A status may have changed since the last check began.
        self._has_changed = False
        self.statuses: Mapping[CameraId, TalkStatus] = {}

    @property
    def _talk(self) -> Talk | None:
        return self._coordinator.features.talk

    @property
    def status(self) -> TalkStatus | None:
        """The best status of all cameras; None before the first check."""
        return best(self.statuses.values())

    def is_possible(self, camera: CameraId) -> bool:
        """Return whether sound from Home Assistant reaches the door of a camera now."""
        return (status := self.statuses.get(camera)) is not None and status.reason is None and status.ready

    def was_possible(self, camera: CameraId) -> bool:
        """Return whether a check has found it possible since the entry was loaded."""
        return camera in self._possible

    @callback
    def async_listen(self, update: Callable[[], None]) -> CALLBACK_TYPE:
        """Call ``update`` after each change of a status, until the returned callback is called."""
        self._listeners.add(update)
        return lambda: self._listeners.discard(update)

    @callback
    def async_check_soon(self) -> None:
        """Check talk in the background, unless that is in progress."""
        self._attempts = 0
        if isinstance(talk := self._talk, ChangingTalk):
            talk.changed = self._async_changed
        self._async_start()

    async def async_check(self) -> None:
        """Check talk now (button *Check talk*); raise the translated reason if there is none."""
        with self._coordinator.translating():
            await self._async_check()
        if (status := self.status) is not None and status.reason is not None:
            raise request_refused(f"talk_{status.reason}")

    async def async_stream_address(self, camera: CameraId) -> str | None:
        """Return the address of the stream with talk; None if the usual one has to do."""
        if self._talk is None or not self.is_possible(camera):
            return None
        return await self._coordinator.async_command(self._talk.stream_address(camera))

    @callback
    def _async_start(self) -> None:
        if self._talk is not None and (self._task is None or self._task.done()):
            coordinator = self._coordinator
            self._task = coordinator.config_entry.async_create_background_task(
                coordinator.hass, self._async_try_check(), f"{DOMAIN} talk of {coordinator.name}"
            )

    @callback
    def _async_changed(self) -> None:
        """Check again: a ring began or ended."""
        self._has_changed = True
        self._async_start()

    async def _async_try_check(self) -> None:
        try:
            await self._async_check()
            while self._has_changed:
                await self._async_check()
        except IntercomError as err:
            _LOGGER.debug("%s: could not check talk: %s", self._coordinator.name, err)
        status = self.status
        if (status is None or status.reason in PASSING) and self._attempts < len(_RETRIES):
            delay, self._attempts = _RETRIES[self._attempts], self._attempts + 1
            self._coordinator.timers.async_do(delay, "talk", self._async_retry)

    async def _async_retry(self) -> None:
        self._async_start()

    async def _async_check(self) -> None:
        async with self._lock:
            if (talk := self._talk) is None:
                return
            self._has_changed = False
            before, self.statuses = self.statuses, await talk.check()
        if self.statuses != before:
            _LOGGER.debug(
                "%s: talk is %s",
                self._coordinator.name,
                ", ".join(f"{camera}: {status.state}" for camera, status in self.statuses.items()),
            )
            for update in tuple(self._listeners):
                update()
            possible = {camera for camera, status in self.statuses.items() if status.reason is None}
            if not possible <= self._possible:
                self._possible |= possible
                self._coordinator.async_update_listeners()  # for new speakers


async def async_try_talk(hass: HomeAssistant, data: Mapping[str, Any], options: Mapping[str, Any]) -> TalkStatus | None:
    """Check talk with options that are not stored yet; None if nothing can be said.

    Raises:
        IntercomError: The device does not respond.
    """
    await async_load_systems(hass, data[CONF_SYSTEM], talk=options.get(CONF_TALK, False))
    system = create_system(async_client_session(hass), data, options, None)
    try:
        return None if (talk := system.features.talk) is None else best((await talk.check()).values())
    finally:
        await system.close()
