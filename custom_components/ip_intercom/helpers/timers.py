"""Keyed delayed calls; all are canceled when the entry is unloaded."""

from collections.abc import Callable, Coroutine, Hashable
from datetime import datetime
from typing import Any

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later

type Act = Callable[[], Coroutine[Any, Any, None]]


class Timers:
    """Delayed calls, one per key.

    Args:
        hass: Home Assistant.
    """

    def __init__(self, hass: HomeAssistant) -> None:
        self._hass = hass
        self._pending: dict[Hashable, CALLBACK_TYPE] = {}
        self._closed = False

    def __bool__(self) -> bool:
        """Return whether any call is pending."""
        return bool(self._pending)

    @callback
    def async_do(self, delay: float, key: Hashable, act: Act) -> None:
        """Call ``act`` after a delay in seconds, replacing a pending call of the same key."""

        async def do(_: datetime) -> None:
            self._pending.pop(key, None)
            await act()

        self.async_cancel(key)
        if not self._closed:
            self._pending[key] = async_call_later(self._hass, delay, do)

    @callback
    def async_cancel(self, key: Hashable) -> None:
        """Cancel the delayed call of a key."""
        if (cancel := self._pending.pop(key, None)) is not None:
            cancel()

    @callback
    def async_close(self) -> None:
        """Cancel all calls, and accept no more."""
        self._closed = True
        for key in tuple(self._pending):
            self.async_cancel(key)
