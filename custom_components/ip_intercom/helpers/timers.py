"""Keyed delayed calls; all are canceled when the entry is unloaded."""

from collections.abc import Callable, Coroutine, Hashable
from datetime import datetime
from typing import Any

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later

type Act = Callable[[], Coroutine[Any, Any, None]]


class Timers:
    """Does things later.

    Args:
        hass: Home Assistant.
    """

    def __init__(self, hass: HomeAssistant) -> None:
        self._hass = hass
        self._waiting: dict[Hashable, CALLBACK_TYPE] = {}
        self._closed = False

    def __bool__(self) -> bool:
        """Return whether anything is still to be done."""
        return bool(self._waiting)

    @callback
    def async_do(self, delay: float, key: Hashable, act: Act) -> None:
        """Do something after some seconds, unless all is over before; a later wish of the same key replaces it."""

        async def do(_: datetime) -> None:
            self._waiting.pop(key, None)
            await act()

        self.async_cancel(key)
        if not self._closed:
            self._waiting[key] = async_call_later(self._hass, delay, do)

    @callback
    def async_cancel(self, key: Hashable) -> None:
        """Cancel the delayed call of a key."""
        if (cancel := self._waiting.pop(key, None)) is not None:
            cancel()

    @callback
    def async_close(self) -> None:
        """Do nothing of it, and nothing more."""
        self._closed = True
        for key in tuple(self._waiting):
            self.async_cancel(key)
