"""When a refused password is a wrong password.

A device refuses a single request now and then although nothing is wrong, for instance when its
nonces change. Only refusals on separate occasions over some seconds mean that a person has to act.
"""

import asyncio
from collections.abc import Awaitable, Callable
import time

from .api.errors import AuthenticationFailed

REFUSALS = 3
# Seconds between one look and the next, and what three of them must span at least.
RETRY_DELAY = 6.0
_SPAN = 10.0


class Refusals:
    """Counts refusals since the last success.

    Args:
        monotonic: A clock in seconds.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Begin with none."""
        self._monotonic = monotonic
        self._count = 0
        self._first = 0.0

    def count(self) -> bool:
        """Note a refusal; return True once they leave no doubt."""
        if self._count == 0:
            self._first = self._monotonic()
        self._count += 1
        return self._count >= REFUSALS and self._monotonic() - self._first >= _SPAN

    def clear(self) -> None:
        """Note a success."""
        self._count = 0

    async def confirmed[T](self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Return what ``attempt`` returns, trying again after a refusal until there is no doubt.

        Raises:
            AuthenticationFailed: Refused on every occasion.
        """
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
