"""Processor time of the turns of the event loop, independent of the shared clock and of other processes."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from time import thread_time
from typing import Any, Self


class Lag:
    """Measures the turns of the running loop from one wait to the next.

    Attributes:
        longest: Seconds of the longest turn.
        turns: Number of turns.
        doing: What is being done, for the report.
    """

    def __init__(self) -> None:
        self.longest = 0.0
        self.turns = 0
        self.doing: object = None
        self._longest_doing: object = None
        self._since = 0.0
        self._selector: Any = None

    def __enter__(self) -> Self:
        self._since = 0.0
        loop: Any = asyncio.get_running_loop()
        self._selector = loop._selector
        select = self._selector.select

        def measured(timeout: float | None = None) -> Any:
            if self._since:
                self._turn(thread_time() - self._since)
            ready = select(timeout)
            self._since = thread_time()
            return ready

        self._selector.select = measured
        return self

    def _turn(self, seconds: float) -> None:
        self.turns += 1
        if seconds > self.longest:
            self.longest, self._longest_doing = seconds, self.doing

    @contextmanager
    def excluded(self) -> Iterator[None]:
        """Leave out the time that a simulator needs in the same loop."""
        began = thread_time()
        yield
        self._since += thread_time() - began

    def __exit__(self, *_: object) -> None:
        del self._selector.select

    def __str__(self) -> str:
        return f"longest turn of {self.turns}: {self.longest * 1000:.0f} ms ({self._longest_doing})"
