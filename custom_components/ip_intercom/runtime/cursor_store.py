"""Storage of the event cursor and the state to restore, written within a second of an event."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
import logging
import time
from typing import Any

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.storage import Store
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN
from ..helpers.storage import async_load_stored

_LOGGER = logging.getLogger(__name__)

STORAGE_VERSION = 1
# Seconds from a change to the end of its write, and so between the starts of two writes, to limit the wear of SD cards.
WRITE_INTERVAL = 1.0
# Key that the last write of a clean stop adds.
_ENDED = "ended"
# Entries whose events this process has delivered.
_FOLLOWED: HassKey[set[str]] = HassKey(f"{DOMAIN}_followed")


class CursorStore:
    """Writes the first change at once and later ones together, once a second.

    ``Store.async_delay_save`` postpones its write with every call: frequent events would postpone it forever.

    Args:
        interval: Seconds from a change to the end of its write.

    Attributes:
        exists: Whether a cursor was stored, in this run or an earlier one.
        repeats_until: Monotonic time until which the previous run may have delivered events that its cursor does not
            cover; set after an unclean stop.
    """

    def __init__(self, hass: HomeAssistant, entry_id: str, device: str, interval: float = WRITE_INTERVAL) -> None:
        self.exists = False
        self.repeats_until = float("-inf")
        self._hass = hass
        self._entry_id = entry_id
        self._device = device
        self._interval = interval
        # Atomic writes outside the event loop: a kill leaves the old file or the new one.
        self._store = Store[dict[str, Any]](
            hass, STORAGE_VERSION, f"{DOMAIN}.{entry_id}", atomic_writes=True, serialize_in_event_loop=False
        )
        self._data: Callable[[], dict[str, Any]] | None = None
        self._writing: asyncio.Task[None] | None = None
        self._aborted = asyncio.Event()
        self._next_write = float("-inf")

    async def async_load(self) -> dict[str, Any]:
        """Return the stored data; an unreadable file counts as none, so that the entry still loads."""
        stored, _ = await async_load_stored(self._hass, self._store, self._device, _parse)
        if not stored:
            return stored
        self.exists = stored.setdefault("cursor", None) is not None
        if stored.pop(_ENDED, None) is not True:
            followed = self._entry_id in self._hass.data.get(_FOLLOWED, ())
            self.repeats_until = time.monotonic() if followed else _process_start()
        return stored

    @callback
    def async_followed(self) -> None:
        """Record that this process starts to deliver events of the entry."""
        self._hass.data.setdefault(_FOLLOWED, set()).add(self._entry_id)

    @callback
    def async_save_soon(self, data: Callable[[], dict[str, Any]]) -> None:
        """Write ``data()`` within a second in the background."""
        self.exists = True
        self._data = data
        if self._writing is None:
            self._writing = self._hass.async_create_background_task(
                self._async_write(), f"{DOMAIN} cursor of {self._entry_id}"
            )

    async def _async_write(self) -> None:
        try:
            while self._data is not None:
                with suppress(TimeoutError):
                    async with asyncio.timeout(max(0.0, self._next_write - time.monotonic())):
                        await self._aborted.wait()
                        return
                await self._async_write_once()
        finally:
            self._writing = None

    async def _async_write_once(self) -> None:
        data, self._data = self._data, None
        if data is None:  # aborted when the wait ended
            return
        started = time.monotonic()
        await self._async_save(data())
        took = time.monotonic() - started
        # The next write probably takes as long, and is to end within the interval. A slow disk gets half of it to rest.
        self._next_write = started + max(self._interval - took, self._interval / 2)

    async def _async_save(self, data: dict[str, Any]) -> None:
        try:
            await self._store.async_save(data)
        except OSError as err:
            _LOGGER.warning("Could not store the event position: %s", err)

    async def async_end(self, data: dict[str, Any]) -> None:
        """Write the final data of a clean stop."""
        await self._async_abort()
        await self._async_save({**data, _ENDED: True})

    async def async_remove(self) -> None:
        """Remove the file."""
        await self._async_abort()
        await self._store.async_remove()

    async def _async_abort(self) -> None:
        """Cancel a waiting write, and wait for a running one, so that it cannot overwrite later data."""
        self._data = None
        self._aborted.set()
        if self._writing is not None:
            await asyncio.wait((self._writing,))
        self._aborted.clear()


def _parse(content: Mapping[str, Any], _: list[Exception]) -> dict[str, Any]:
    if not isinstance(content.get("cursor"), Mapping | None):
        raise TypeError("the stored cursor is no object")
    return dict(content)


def _process_start() -> float:
    """Return the monotonic time of the start of this process."""
    # The logging module records its own import, which is among the first of a process.
    since_start = logging.makeLogRecord({}).relativeCreated / 1000
    return time.monotonic() - max(0.0, since_start)
