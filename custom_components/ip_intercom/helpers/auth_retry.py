"""Repeated rejections before reauth, and the back-off of login attempts after that.

A device may reject single requests with correct credentials, for example when its nonces change, and all requests for
a minute while it starts. Only several rejections spread over some seconds start reauth.
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
# Seconds between attempts, and the least time that the rejections have to span.
RETRY_DELAY = 6.0
_SPAN = 10.0
# A device may take this many seconds to start; until then, a confirmed rejection slows attempts only by this factor.
_START = 120.0
_CERTAIN = 1.3
# Later pauses are this share of the time since the first rejection: each attempt may count towards a lockout.
# The account of a user may be locked completely after five attempts: larger pauses from the beginning.
_SHARE = 1 / 12
_SHARE_OF_ACCOUNT = 1.0
_LONGEST_PAUSE = 300.0


class AuthRetry:
    """Counts rejected logins since the last success.

    Args:
        monotonic: A clock in seconds.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._count = 0
        self._first = 0.0
        self._confirmed = False

    def count(self) -> bool:
        """Count a rejection, and return whether the rejections are confirmed."""
        if self._count == 0:
            self._first = self._monotonic()
        self._count += 1
        self._confirmed = self._count >= REFUSALS and self._monotonic() - self._first >= _SPAN
        return self._confirmed

    def clear(self) -> None:
        """Reset the count after a success."""
        self._count, self._confirmed = 0, False

    def pause(self, err: AuthenticationFailed) -> float:
        """Return the seconds to wait before the next login attempt."""
        rejected_for = self._monotonic() - self._first
        if not self._confirmed:
            return RETRY_DELAY
        if rejected_for < _START and not err.locks:
            return RETRY_DELAY * _CERTAIN
        return min(rejected_for * (_SHARE_OF_ACCOUNT if err.locks else _SHARE), _LONGEST_PAUSE)

    async def confirmed[T](self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Return the result of ``attempt``, retrying until a rejection is confirmed."""
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
    """Return the controls that the account of an entry had at the last connection; None if not determined yet."""
    controls = entry.data.get(CONF_CONTROLS)
    return None if controls is None else frozenset(Control(control) for control in controls)
