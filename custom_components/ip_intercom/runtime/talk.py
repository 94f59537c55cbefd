"""Talk: whether and how it is possible at each camera."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
import logging

from homeassistant.core import CALLBACK_TYPE, callback
from homeassistant.util import dt as dt_util

from ..const import DOMAIN
from ..coordinator import IntercomCoordinator
from ..helpers.errors import request_refused
from ..model.parts import CameraId
from ..model.talk import PASSING, CallFailure, CallingTalk, ChangingTalk, Talk, TalkStatus, best
from ..systems.common.errors import IntercomError

_LOGGER = logging.getLogger(__name__)

# Seconds until the next attempts while something prevents talk that may pass by itself.
_RETRIES = (60.0, 300.0)


@dataclass(frozen=True, slots=True)
class FailedCall:
    """A call that failed: why, when, and at which door if there are several."""

    failure: CallFailure
    time: datetime
    door: str | None = None


class TalkMonitor:
    """The status of talk at the cameras of an entry.

    Attributes:
        statuses: By camera; empty until the first check.
        failed: Calls that failed, by camera, until one succeeds there.
    """

    def __init__(self, coordinator: IntercomCoordinator) -> None:
        self._coordinator = coordinator
        self._listeners: set[Callable[[], None]] = set()
        self._lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._attempts = 0
        self._stopped = False
        self._possible: set[CameraId] = set()
        # A status may have changed since the last check began.
        self._has_changed = False
        self.statuses: Mapping[CameraId, TalkStatus] = {}
        self.failed: dict[CameraId, FailedCall] = {}

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
        if isinstance(talk, CallingTalk):
            talk.called = self._async_called
        self._async_start()

    async def async_stop(self) -> None:
        """End a check in progress, and begin no other one: it would open connections again."""
        self._stopped = True
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task})

    async def async_check(self) -> None:
        """Check talk now (button *Check talk*); raise the translated reason if there is none."""
        self._attempts = 0
        with self._coordinator.translating():
            await self._async_check()
        self._async_retry_later()
        if (status := self.status) is not None and status.reason is not None:
            raise request_refused(f"talk_{status.reason}")

    async def async_stream_address(self, camera: CameraId) -> str | None:
        """Return the address of the stream with talk; None if the usual one has to do."""
        if self._talk is None or not self.is_possible(camera):
            return None
        return await self._coordinator.async_command(self._talk.stream_address(camera))

    @callback
    def _async_start(self) -> None:
        if not self._stopped and self._talk is not None and (self._task is None or self._task.done()):
            coordinator = self._coordinator
            self._task = coordinator.config_entry.async_create_background_task(
                coordinator.hass, self._async_try_check(), f"{DOMAIN} talk of {coordinator.name}"
            )

    @callback
    def _async_changed(self) -> None:
        """Check again: a ring began or ended."""
        self._has_changed = True
        self._async_start()

    @callback
    def _async_called(self, camera: CameraId, failure: CallFailure | None) -> None:
        """Note what became of a call; only a change is logged."""
        before = self.failed.pop(camera, None)
        if failure is None and before is None:
            return
        name = self._coordinator.name if (door := self._door(camera)) is None else f"{self._coordinator.name}, {door}"
        if failure is not None:
            self.failed[camera] = FailedCall(failure, dt_util.utcnow(), door)
            if before is None or before.failure is not failure:
                _LOGGER.warning("%s: the call to the door failed: %s", name, failure.replace("_", " "))
        else:
            _LOGGER.info("%s: the call to the door works again", name)
        self._async_notify()

    def _door(self, camera: CameraId) -> str | None:
        """Return the name of the place of a camera."""
        state = self._coordinator.data
        found = state.cameras.get(camera)
        place = None if found is None or found.place is None else state.places.get(found.place)
        return None if place is None else place.name

    @callback
    def _async_notify(self) -> None:
        for update in tuple(self._listeners):
            update()

    async def _async_try_check(self) -> None:
        try:
            await self._async_check()
            while self._has_changed:
                await self._async_check()
        except IntercomError as err:
            _LOGGER.debug("%s: could not check talk: %s", self._coordinator.name, err)
        self._async_retry_later()

    @callback
    def _async_retry_later(self) -> None:
        """Schedule the next attempt if what prevents talk may pass by itself."""
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
            self._async_notify()
            possible = {camera for camera, status in self.statuses.items() if status.reason is None}
            if not possible <= self._possible:
                self._possible |= possible
                self._coordinator.async_update_listeners()  # for new speakers
