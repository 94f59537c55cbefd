"""Delayed calls, and the spreading of load in installations with many devices; a few devices never wait.

After a start or a power cut, all devices of a building have to be set up or read at the same time. Done at once, that
blocks the event loop for seconds: requests time out, and websocket clients are disconnected.
"""

import asyncio
from collections.abc import Callable, Coroutine, Hashable, MutableMapping
from datetime import datetime
import logging
from math import inf
import random
import time
from typing import Any, override

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN

# Devices that are set up or start to deliver events at once, and per second after that.
_SETUP_BURST, _SETUP_RATE = 10, 12.0
# The same for reading descriptions, each of which takes up to 20 requests; the rate is for 100 devices and less.
_DESCRIBE_BURST, _DESCRIBE_RATE = 4, 1.0
_DEVICES = 100
# The same for reading what a setup left out, which takes up to 5 requests.
_COMPLETE_BURST, _COMPLETE_RATE = 10, 5.0
# Attempts per second for all unavailable devices together, and the longest pause in seconds for one device: with more than
# 100 devices, there are more attempts.
_ATTEMPT_RATE, _LONGEST_PAUSE = 2.5, 40.0
# If more devices than this become unavailable within so many seconds, single ones are logged at debug level only.
_FEW, _TOGETHER = 5, 60
# Seconds after its return for which the log lines of such a device stay at debug level.
_QUIET = 10.0

_LOGGER = logging.getLogger(__name__)

type Act = Callable[[], Coroutine[Any, Any, None]]


class RateLimit:
    """Rate limit of starts: a burst at once, then a steady rate.

    Args:
        burst: The number of starts without a wait.
        rate: The number of starts per second after that.

    Attributes:
        rate: The same; it may change.
    """

    def __init__(self, burst: int, rate: float) -> None:
        self.rate = rate
        self._burst = burst
        self._next = 0.0

    def delay(self) -> float:
        """Take the next start, and return the seconds until then."""
        now = time.monotonic()
        self._next = max(self._next, now - self._burst / self.rate) + 1 / self.rate
        return max(0.0, self._next - now)

    async def wait(self) -> None:
        """Wait for the next start."""
        if (delay := self.delay()) > 0:
            await asyncio.sleep(delay)


class LoadSpreader:
    """The devices of one Home Assistant.

    Attributes:
        setups: Limits how many devices are set up, or begin to deliver events, at once.
        descriptions: Limits how many devices are read completely at once.
        completions: Limits how many devices are asked at once for what their setup left out.
    """

    def __init__(self) -> None:
        self.setups = RateLimit(_SETUP_BURST, _SETUP_RATE)
        self.descriptions = RateLimit(_DESCRIBE_BURST, _DESCRIBE_RATE)
        self.completions = RateLimit(_COMPLETE_BURST, _COMPLETE_RATE)
        self._attempts = RateLimit(0, _ATTEMPT_RATE)
        # The entries of unavailable devices, and when each became unavailable, in monotonic time.
        self._unavailable: dict[str, float] = {}
        # Until when the log lines of an entry are for debugging only, in monotonic time: it became unavailable together
        # with many; ``inf`` until it responds again.
        self._quiet_until: dict[str, float] = {}

    @property
    def _are_many_unavailable(self) -> bool:
        return len(self._unavailable) > _FEW

    def attempt_delay(self) -> float | None:
        """Return the seconds until the next attempt to reach an unavailable device; None for its usual back-off.

        While many devices are unavailable, the attempts to reach them are evenly spread: each that succeeds is followed
        by several requests.
        """
        return self._attempts.delay() if self._are_many_unavailable else None

    def poll_delay(self, interval: float, *, followed: bool) -> float | None:
        """Return the seconds until the next poll of an unavailable device; None for its usual interval.

        Devices that become unavailable together would be polled together.

        Args:
            interval: The usual interval.
            followed: The event log of the device detects its return; a poll is only a safety net.
        """
        if not self._are_many_unavailable:
            return None
        return (
            random.uniform(_LONGEST_PAUSE, 2 * _LONGEST_PAUSE) if followed else random.uniform(interval, 2 * interval)
        )

    def is_quiet(self, entry_id: str) -> bool:
        """Return whether the log lines of a device are for debugging only: many became unavailable together."""
        return self._quiet_until.get(entry_id, 0.0) > time.monotonic()

    @callback
    def async_lost(self, entry_id: str) -> None:
        """Record that a device does not respond."""
        if entry_id in self._unavailable:
            return
        now = self._unavailable[entry_id] = time.monotonic()
        self._attempts.rate = max(_ATTEMPT_RATE, len(self._unavailable) / _LONGEST_PAUSE)
        self.descriptions.rate = max(_DESCRIBE_RATE, len(self._unavailable) / _DEVICES)
        together = [known for known, since in self._unavailable.items() if now - since < _TOGETHER]
        if len(together) <= _FEW:
            return
        if inf not in self._quiet_until.values():
            _LOGGER.warning(
                "More than %d devices became unavailable within %d seconds: is the network or the power of the site"
                " down? Each further device is logged at debug level",
                _FEW,
                _TOGETHER,
            )
        self._quiet_until.update(dict.fromkeys(together, inf))

    @callback
    def async_found(self, entry_id: str) -> None:
        """Record that a device responds, or that its entry is unloaded."""
        self._unavailable.pop(entry_id, None)
        if self._quiet_until.get(entry_id) != inf:
            return
        self._quiet_until[entry_id] = time.monotonic() + _QUIET
        if inf not in self._quiet_until.values():
            _LOGGER.warning("All devices that became unavailable together respond again")


_SPREADER: HassKey[LoadSpreader] = HassKey(f"{DOMAIN}_load")


@callback
def async_load_spreader(hass: HomeAssistant) -> LoadSpreader:
    """Return the load spreader of this Home Assistant."""
    return hass.data.setdefault(_SPREADER, LoadSpreader())


class DeviceLogger(logging.LoggerAdapter[logging.Logger]):
    """Logger of a coordinator: for a device that became unavailable together with many, messages have debug level.

    Args:
        spreader: Counts unavailable devices.
        entry_id: The id of the config entry of the device.
    """

    def __init__(self, logger: logging.Logger, spreader: LoadSpreader, entry_id: str) -> None:
        super().__init__(logger)
        self._spreader = spreader
        self._entry_id = entry_id

    @override
    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        """Log a message."""
        quiet = self._spreader.is_quiet(self._entry_id) and not kwargs.get("exc_info")
        super().log(logging.DEBUG if quiet else level, msg, *args, **kwargs)

    @override
    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        """Return a message unchanged."""
        return msg, kwargs


class Timers:
    """Delayed calls, one per key."""

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
