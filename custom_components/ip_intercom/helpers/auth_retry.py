"""When a rejected password counts as wrong, and how often it is tried after that.

A device refuses a single request now and then although nothing is wrong, for instance when its nonces change, and one
that starts may refuse everything for a minute. Only refusals on separate occasions over some seconds ask for a person.
"""

import asyncio
from collections.abc import Awaitable, Callable
import time
from typing import Any

from homeassistant.config_entries import ConfigEntry

from ..const import CONF_CONTROLS
from ..model.parts import Control
from ..systems.common.errors import AuthenticationFailed

REFUSALS = 3
# Seconds between one look and the next, and what three of them must span at least.
RETRY_DELAY = 6.0
_SPAN = 10.0
# For so many seconds a device may be starting, and a login that was certainly refused is tried almost as often.
_START = 120.0
_CERTAIN = 1.3
# Later on it is tried again after this part of the time since the first refusal: each try may count towards a lockout.
# A person's account is locked for everything, after as few as five tries: it is tried less often from the beginning.
_PART = 1 / 12
_PART_OF_PERSON = 1.0
_LONGEST_PAUSE = 300.0


class AuthRetry:
    """Counts refusals since the last success.

    Args:
        monotonic: A clock in seconds.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._count = 0
        self._first = 0.0
        self._certain = False

    def count(self) -> bool:
        """Note a refusal; return True once they leave no doubt."""
        if self._count == 0:
            self._first = self._monotonic()
        self._count += 1
        self._certain = self._count >= REFUSALS and self._monotonic() - self._first >= _SPAN
        return self._certain

    def clear(self) -> None:
        """Note a success."""
        self._count, self._certain = 0, False

    def pause(self, err: AuthenticationFailed) -> float:
        """Return how many seconds to wait after a refusal before the login is tried again."""
        refused_for = self._monotonic() - self._first
        if not self._certain:
            return RETRY_DELAY
        if refused_for < _START and not err.locks:
            return RETRY_DELAY * _CERTAIN
        return min(refused_for * (_PART_OF_PERSON if err.locks else _PART), _LONGEST_PAUSE)

    async def confirmed[T](self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Return what ``attempt`` returns, trying again after a refusal until there is no doubt."""
        while True:
            try:
                result = await attempt()
            except AuthenticationFailed:
                if self.count():
                    raise
                await asyncio.sleep(RETRY_DELAY)
            else:
                self.clear()
                return result


def known_controls(entry: ConfigEntry[Any]) -> frozenset[Control] | None:
    """Return what the account of an entry may command, None where that is to be found out."""
    controls = entry.data.get(CONF_CONTROLS)
    return None if controls is None else frozenset(Control(control) for control in controls)
