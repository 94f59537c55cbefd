"""How much processor time turns of the event loop take, whatever the shared clock shows and other processes do."""

import asyncio
from time import thread_time
from typing import Any, Self


class Lag:
    """Measures the turns of the running loop from one wait to the next.

    Attributes:
        longest: Seconds of the longest turn.
        turns: Number of turns.
    """

    def __init__(self) -> None:
        self.longest = 0.0
        self.turns = 0
        self._since = 0.0
        self._selector: Any = None

    def __enter__(self) -> Self:
        loop: Any = asyncio.get_running_loop()
        self._selector = loop._selector
        select = self._selector.select

        def measured(timeout: float | None = None) -> Any:
            if self._since:
                self.longest = max(self.longest, thread_time() - self._since)
                self.turns += 1
            ready = select(timeout)
            self._since = thread_time()
            return ready

        self._selector.select = measured
        return self

    def __exit__(self, *_: object) -> None:
        del self._selector.select

    def __str__(self) -> str:
        return f"longest turn {self.longest * 1000:.0f} ms of {self.turns}"
