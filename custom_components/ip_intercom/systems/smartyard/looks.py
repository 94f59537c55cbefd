"""What is looked at now and then, and what happens where a look fails."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
import logging
from math import inf
from typing import Any

from ...api.errors import CommandFailed, ConnectionFailed, IntercomError, NotSupported, UnexpectedReply

_LOGGER = logging.getLogger(__name__)

# A look that fails again and again waits twice as long each time, up to so many seconds.
_LONGEST = 600.0


@dataclass(slots=True)
class Look:
    """Something to look at.

    Attributes:
        take: How.
        interval: Seconds until the next time.
        due: When, by the monotonic clock.
        looked_at: When that was last.
        failures: How often it has failed since.
        task: While it is being done.
    """

    take: Callable[[], Coroutine[Any, Any, None]]
    interval: Callable[[], float]
    due: float = 0.0
    looked_at: float | None = None
    failures: int = 0
    task: asyncio.Task[None] | None = None


class Looks:
    """All that is looked at.

    Args:
        looks: By name.
        wake: Set when a look is done.
        monotonic: A clock in seconds.

    Attributes:
        interrupted: The server is out of reach, or refuses.
    """

    def __init__(self, looks: Mapping[str, Look], wake: asyncio.Event, monotonic: Callable[[], float]) -> None:
        """See the class."""
        self.interrupted = False
        self._looks = looks
        self._wake = wake
        self._monotonic = monotonic

    @property
    def all_taken(self) -> bool:
        """Return whether everything was looked at, or that failed."""
        return all(look.looked_at is not None or look.failures for look in self._looks.values())

    @property
    def next_due(self) -> float:
        """Return when the next look is due, never while the server is away: then whoever asks again begins anew."""
        if self.interrupted:
            return inf
        return min((look.due for look in self._looks.values() if look.task is None), default=inf)

    def soon(self, name: str, pause: float = 0.0) -> None:
        """Have something looked at before its time, but so many seconds after the last look at the earliest."""
        look = self._looks[name]
        if not look.failures:
            last = -inf if look.looked_at is None else look.looked_at
            look.due = min(look.due, max(self._monotonic(), last + pause))
        self._wake.set()

    def start(self) -> None:
        """Begin the looks that are due; where the server was away, one that shows whether it is back."""
        idle = [look for look in self._looks.values() if look.task is None]
        if not self.interrupted:
            for look in idle:
                if look.due <= self._monotonic():
                    self._start(look)
        elif len(idle) == len(self._looks):
            self._start(min(idle, key=lambda look: look.due))

    def _start(self, look: Look) -> None:
        look.due = inf  # whoever wants it again meanwhile, says so
        look.task = asyncio.create_task(look.take())
        look.task.add_done_callback(lambda _: self._wake.set())

    def finish(self) -> bool:
        """See what became of the looks; return whether the server is back.

        Raises:
            IntercomError: It is out of reach, or refuses the account.
        """
        failure: IntercomError | None = None
        answered = False
        for name, look in self._looks.items():
            if look.task is None or not look.task.done():
                continue
            task, look.task = look.task, None
            error = task.exception()
            self._reckon(name, look, error)
            if error is not None and not isinstance(error, IntercomError):
                raise error  # a fault of ours
            answered = answered or not isinstance(error, ConnectionFailed)
            if error is not None and not isinstance(error, CommandFailed | NotSupported | UnexpectedReply):
                failure = error
        if failure is not None:
            self.interrupted = True
            raise failure
        was_away, self.interrupted = self.interrupted, self.interrupted and not answered
        return was_away and answered

    def _reckon(self, name: str, look: Look, error: BaseException | None) -> None:
        now = self._monotonic()
        if error is None:
            look.failures = 0
            look.looked_at = now
            look.due = min(look.due, now + look.interval())
            return
        _LOGGER.debug("A look at %s failed: %s", name, error)
        look.due = now + min(look.interval() * 2.0 ** min(look.failures, 10), _LONGEST)
        look.failures += 1

    async def close(self) -> None:
        """End looking; whoever looks again begins anew."""
        tasks = [look.task for look in self._looks.values() if look.task is not None]
        for look in self._looks.values():
            look.task, look.due = None, 0.0
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
