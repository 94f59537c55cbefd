"""One clock for Home Assistant, the clients, and the simulators, which skips what all of them would only wait for.

A pytest plugin (``-p tests.clock``), so that the clock is in place before anything else imports ``time.monotonic``.
Each turn of an event loop takes ``TURN``, and a loop that has nothing to do skips to its next timer. How long the
processor needs does not count, so a busy machine changes no result. While a thread or another process works, and in
tests with the marker ``real_time``, a loop that has nothing to do waits in real time.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
import ctypes
from datetime import datetime, tzinfo
import gc
from math import inf
import selectors
import time
from typing import Any, override

import pytest

# Seconds that a turn of the loop takes, so that a loop that never rests gets on too.
TURN = 0.0001
# Real seconds to wait for bytes that are still on their way through the kernel.
GRACE = 0.0002
# Real seconds at most between two looks at the time while something outside of the loop works.
REAL_STEP = 0.02

real_monotonic, real_time, real_sleep = time.monotonic, time.time, time.sleep


class Clock:
    """The time that ``time.monotonic`` and ``time.time`` return."""

    def __init__(self) -> None:
        self._now = real_monotonic()
        self._epoch = real_time() - self._now
        # Whether the loop of the current test follows real time.
        self.real = False
        # The longest turn of the loop, in seconds of processor time, in which other processes do not count. A test that
        # measures it sets it to 0 first; None saves the time of the measurement.
        self.longest_turn: float | None = None

    def monotonic(self) -> float:
        """Replace ``time.monotonic``."""
        return self._now

    def time(self) -> float:
        """Replace ``time.time``."""
        return self._epoch + self._now

    def advance(self, seconds: float) -> None:
        """Advance the time."""
        self._now += seconds

    def catch_up(self) -> None:
        """Set the date to that of the real clock, between two tests."""
        self._epoch = real_time() - self._now


CLOCK = Clock()


class SkippingSelector(selectors.DefaultSelector):
    """Waits for sockets; when none is ready, skips to the next timer."""

    def __init__(self) -> None:
        super().__init__()
        # Number of threads and processes that work outside of the loop; in real time, there is always one.
        self.busy = int(CLOCK.real)
        self._left_at = inf

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if CLOCK.longest_turn is None:
            return self._select(timeout)
        CLOCK.longest_turn = max(CLOCK.longest_turn, time.thread_time() - self._left_at)
        try:
            return self._select(timeout)
        finally:
            self._left_at = time.thread_time()

    def _select(self, timeout: float | None) -> list[tuple[selectors.SelectorKey, int]]:
        CLOCK.advance(TURN)
        if ready := super().select(0):
            return ready
        if timeout is not None and timeout <= 0:
            return ready
        end = None if timeout is None else CLOCK.monotonic() + timeout
        if not self.busy:
            # epoll itself would wait for a whole millisecond; select.select takes no file number above 1023.
            real_sleep(GRACE)
            if ready := super().select(0):
                return ready
        while self.busy or end is None:
            left = REAL_STEP if end is None else min(REAL_STEP, end - CLOCK.monotonic())
            began = real_monotonic()
            ready = super().select(max(0.0, left))
            if ready:
                return ready
            CLOCK.advance(real_monotonic() - began)
            if end is not None and CLOCK.monotonic() >= end:
                return ready
        CLOCK.advance(max(0.0, end - CLOCK.monotonic()))
        return ready


class SkippingLoop(asyncio.SelectorEventLoop):
    """An event loop on the shared clock."""

    def __init__(self) -> None:
        self._skipping = SkippingSelector()
        super().__init__(self._skipping)
        # Whether threads may still work for the loop.
        self._has_threads = False

    @override
    def time(self) -> float:
        return CLOCK.monotonic()

    @override
    def run_in_executor[*Ts, T](
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        self._has_threads = True
        future = super().run_in_executor(executor, func, *args)
        self._skipping.busy += 1
        future.add_done_callback(self._rest)
        return future

    @override
    async def subprocess_exec(self, *args: Any, **kwargs: Any) -> Any:
        # It talks to this process until the test ends.
        self._skipping.busy += 1
        return await super().subprocess_exec(*args, **kwargs)

    @override
    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        # The harness and pytest-asyncio both shut it down, also after tests without threads, and each would start a thread to
        # wait for it.
        if self._has_threads:
            self._has_threads = False
            self._skipping.busy += 1
            await super().shutdown_default_executor(timeout)
            self._skipping.busy -= 1

    def _rest(self, _: object) -> None:
        self._skipping.busy -= 1


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker ``real_time``."""
    config.addinivalue_line("markers", "real_time: the kernel's timers or a processor's work take part in the test")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Start each test at the date of the real clock."""
    CLOCK.catch_up()
    CLOCK.longest_turn = None
    CLOCK.real = item.get_closest_marker("real_time") is not None


def _now(cls: type[datetime], tz: tzinfo | None = None) -> datetime:
    return cls.fromtimestamp(CLOCK.time(), tz)


def _replace_now() -> None:
    """Make ``datetime.now`` return the shared clock; the type is Python's own, so only its dictionary can be changed."""
    [attributes] = gc.get_referents(datetime.__dict__)
    attributes["now"] = classmethod(_now)
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(datetime))


_replace_now()
time.monotonic = CLOCK.monotonic
time.time = CLOCK.time
