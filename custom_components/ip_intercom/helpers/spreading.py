"""Spreading of load over time in installations with many devices; a few devices never wait.

After a start or a power cut, all devices of a building have to be set up or read at the same time. Done at once, that
blocks the event loop for seconds: requests time out, and websocket clients are disconnected.
"""

import asyncio
from collections.abc import MutableMapping
import logging
import random
import time
from typing import Any, override

from homeassistant.core import HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN

# Devices that are set up or start to deliver events at once, and per second after that.
_SETUP_BURST, _SETUP_RATE = 10, 12.0
# The same for reading descriptions, each of which takes up to 20 requests.
_DESCRIBE_BURST, _DESCRIBE_RATE = 4, 2.0
# Attempts per second for all unavailable devices together, and the longest pause in seconds for one device.
_ATTEMPT_RATE, _LONGEST_PAUSE = 5.0, 40.0
# With more unavailable devices than this, single ones are only logged at debug level.
_FEW = 5

_LOGGER = logging.getLogger(__name__)


class RateLimit:
    """Rate limit of starts: a burst at once, then a steady rate.

    Args:
        burst: The number of starts without a wait.
        rate: The number of starts per second after that.
    """

    def __init__(self, burst: int, rate: float) -> None:
        self._interval = 1 / rate
        self._ahead = burst * self._interval
        self._next = 0.0

    async def wait(self) -> None:
        """Wait for the next start."""
        now = time.monotonic()
        self._next = max(self._next, now - self._ahead) + self._interval
        if (delay := self._next - now) > 0:
            await asyncio.sleep(delay)


class LoadSpreader:
    """Limits the simultaneous work of all devices, and counts unavailable devices.

    Attributes:
        setups: Limits how many devices are set up, or begin to deliver events, at once.
        descriptions: Limits how many devices are read completely at once.
    """

    def __init__(self) -> None:
        self.setups = RateLimit(_SETUP_BURST, _SETUP_RATE)
        self.descriptions = RateLimit(_DESCRIBE_BURST, _DESCRIBE_RATE)
        self._unavailable: set[str] = set()
        self._many_reported = False

    @property
    def many_away(self) -> bool:
        """Whether too many devices are unavailable to log each of them."""
        return len(self._unavailable) > _FEW

    @property
    def pause(self) -> float:
        """The seconds between two attempts to reach one unavailable device, to limit the attempts for all devices."""
        return min(len(self._unavailable) / _ATTEMPT_RATE, _LONGEST_PAUSE)

    def poll_delay(self, interval: float) -> float | None:
        """Return the seconds until the next poll of an unavailable device; None for its usual interval.

        Devices that become unavailable together would be polled together.
        """
        return interval + random.uniform(0.0, self.pause) if self.many_away else None

    @callback
    def async_lost(self, entry_id: str) -> None:
        """Record that a device does not respond."""
        self._unavailable.add(entry_id)
        if self.many_away and not self._many_reported:
            self._many_reported = True
            _LOGGER.warning(
                "More than %d devices do not respond: is the network or the power of the site down?"
                " Each device is logged at debug level until all are back",
                _FEW,
            )

    @callback
    def async_found(self, entry_id: str) -> None:
        """Record that a device responds, or that its entry is unloaded."""
        self._unavailable.discard(entry_id)
        if self._many_reported and not self._unavailable:
            self._many_reported = False
            _LOGGER.warning("All devices respond again")


_SPREADER: HassKey[LoadSpreader] = HassKey(f"{DOMAIN}_load")


@callback
def async_load_spreader(hass: HomeAssistant) -> LoadSpreader:
    """Return the load spreader of this Home Assistant."""
    return hass.data.setdefault(_SPREADER, LoadSpreader())


class DeviceLogger(logging.LoggerAdapter[logging.Logger]):
    """Logger of a coordinator: while many devices are unavailable, all messages have debug level.

    Args:
        logger: The underlying logger.
        spreader: Counts unavailable devices.
    """

    def __init__(self, logger: logging.Logger, spreader: LoadSpreader) -> None:
        super().__init__(logger)
        self._spreader = spreader

    @override
    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        """Log a message."""
        quiet = self._spreader.many_away and not kwargs.get("exc_info")
        super().log(logging.DEBUG if quiet else level, msg, *args, **kwargs)

    @override
    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        """Return a message unchanged."""
        return msg, kwargs
