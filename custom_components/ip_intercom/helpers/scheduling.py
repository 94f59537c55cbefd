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
# The same for reading what a setup left out, which takes up to 5 requests.
_COMPLETE_BURST, _COMPLETE_RATE = 10, 5.0
# If the event channels of more devices than this are interrupted, their return is spread.
_FEW = 5
# Devices per second whose event channels return, each with four requests for its event channel and three for its state. All
# devices get their turn within so many seconds; more than 100 share the seconds.
_RETURN_RATE, _RETURN_PERIOD = 1.8, 55.0
# Connections per second that look for all unavailable devices, and the longest pause in seconds for one device.
_SEARCH_RATE, _SEARCH_PERIOD = 20.0, 5.0
# Devices at once and per second that are described after an outage, each with up to 20 requests.
_DESCRIBE_BURST, _DESCRIBE_RATE, _DESCRIBE_PERIOD = 1, 0.8, 125.0
# Seconds until the next poll of a device whose return is spread: later than its turn, so that it is not read twice.
_LATE_POLL = (80.0, 160.0)
# If more than a few devices become unavailable within so many seconds, single ones are logged at debug level only.
_TOGETHER = 60
# Seconds after its return for which the log lines of such a device stay at debug level.
_QUIET = 10.0

_LOGGER = logging.getLogger(__name__)

type Act = Callable[[], Coroutine[Any, Any, None]]


class RateLimit:
    """Rate limit of starts: a burst at once, then a steady rate.

    Args:
        burst: The number of starts without a wait.
        rate: The number of starts per second after that.
        period: The longest wait in seconds. Starts that would wait longer take their turns from now on, beside the others.
    """

    def __init__(self, burst: int, rate: float, period: float = inf) -> None:
        self._burst = burst
        self._rate = rate
        self._period = period
        self._next = 0.0

    def delay(self) -> float:
        """Take the next start, and return the seconds until then."""
        now = time.monotonic()
        if self._next > now + self._period:
            self._next = now
        self._next = max(self._next, now - self._burst / self._rate) + 1 / self._rate
        return max(0.0, self._next - now)

    async def wait(self) -> None:
        """Wait for the next start."""
        if (delay := self.delay()) > 0:
            await asyncio.sleep(delay)


class LoadSpreader:
    """The devices of one Home Assistant.

    Attributes:
        setups: Limits how many devices are set up, or begin to deliver events, at once.
        returns: Limits how many event channels return at once, while many are interrupted.
        descriptions: Limits how many devices are read completely at once.
        completions: Limits how many devices are asked at once for what their setup left out.
    """

    def __init__(self) -> None:
        self.setups = RateLimit(_SETUP_BURST, _SETUP_RATE)
        self.returns = RateLimit(0, _RETURN_RATE, _RETURN_PERIOD)
        self.descriptions = RateLimit(_DESCRIBE_BURST, _DESCRIBE_RATE, _DESCRIBE_PERIOD)
        self.completions = RateLimit(_COMPLETE_BURST, _COMPLETE_RATE)
        # The entries of devices whose event channel is interrupted, and whether there were many since all worked.
        self._interrupted: set[str] = set()
        self._spreads = False
        # The entries of unavailable devices, and when each became unavailable, in monotonic time.
        self._unavailable: dict[str, float] = {}
        # Until when the log lines of an entry are for debugging only, in monotonic time: it became unavailable together
        # with many; ``inf`` until it responds again.
        self._quiet_until: dict[str, float] = {}

    def takes_turns(self, entry_id: str) -> bool:
        """Return whether a device is one of many that are away: when it responds again, it waits for ``returns``."""
        return self._spreads and entry_id in self._interrupted

    @callback
    def async_interrupted(self, entry_id: str) -> float:
        """Record that the event channel of a device is interrupted; return the least pause until it is looked for."""
        self._interrupted.add(entry_id)
        self._spreads = self._spreads or len(self._interrupted) > _FEW
        return min(len(self._interrupted) / _SEARCH_RATE, _SEARCH_PERIOD) if self._spreads else 0.0

    @callback
    def async_resumed(self, entry_id: str) -> None:
        """Record that the event channel of a device works again, or is no longer read."""
        self._interrupted.discard(entry_id)
        # The last ones wait for their turns, too.
        self._spreads = self._spreads and bool(self._interrupted)

    def poll_delay(self, interval: float, *, followed: bool) -> float | None:
        """Return the seconds until the next poll of an unavailable device; None for its usual interval.

        Devices that become unavailable together would be polled together.

        Args:
            interval: The usual interval.
            followed: The event log of the device detects its return; a poll is only a safety net.
        """
        if followed and self._spreads:
            return random.uniform(*_LATE_POLL)
        return random.uniform(interval, 2 * interval) if len(self._unavailable) > _FEW else None

    def is_quiet(self, entry_id: str) -> bool:
        """Return whether the log lines of a device are for debugging only: many became unavailable together."""
        return self._quiet_until.get(entry_id, 0.0) > time.monotonic()

    @callback
    def async_lost(self, entry_id: str) -> None:
        """Record that a device does not respond."""
        if entry_id in self._unavailable:
            return
        now = self._unavailable[entry_id] = time.monotonic()
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
