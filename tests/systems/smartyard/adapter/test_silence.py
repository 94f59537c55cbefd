"""A server that accepts connections without responding is noticed within a minute, by a clock that skips waits."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
import selectors
from typing import Any, cast

import pytest

from custom_components.ip_intercom.systems.common.errors import IntercomError
from custom_components.ip_intercom.systems.smartyard.log import SmartYardLog

from .conftest import Bench

# What is on its way over the loopback comes within so many real seconds.
NETWORK_DELAY = 0.005
# As the events of an entry do: the second failure in a row is an outage.
PAUSE = 0.2


@contextmanager
def running_ahead() -> Generator[None]:
    """Skip the time for which the loop would only wait."""
    loop = cast(Any, asyncio.get_running_loop())
    selector: selectors.BaseSelector = loop._selector
    select, real, skipped = selector.select, loop.time, 0.0

    def skip(timeout: float | None = None) -> Any:
        nonlocal skipped
        if timeout is None or timeout <= NETWORK_DELAY:
            return select(timeout)
        events = select(NETWORK_DELAY)
        if not events:
            skipped += timeout - NETWORK_DELAY
        return events

    selector.select, loop.time = skip, lambda: real() + skipped  # type: ignore[method-assign]
    try:
        yield
    finally:
        selector.select, loop.time = select, real  # type: ignore[method-assign]


def now() -> float:
    return asyncio.get_running_loop().time()


@pytest.fixture
async def ahead(bench: Bench) -> AsyncGenerator[SmartYardLog]:
    """The log of an account with three apartments, on a clock that skips waits."""
    bench.sim.move_in(bench.sim.phone, 52)
    await bench.system.describe()
    log = bench.system.log
    assert log is not None
    log._monotonic = log._poller._monotonic = log._out._monotonic = now
    with running_ahead():
        yield log
        await bench.system.close()


async def outage(log: SmartYardLog) -> float:
    """Return when the second failure in a row was raised."""
    failures = 0
    while failures < 2:
        try:
            await log.next()
            failures = 0
        except IntercomError:
            failures += 1
            await asyncio.sleep(PAUSE)
    return now()


@pytest.mark.parametrize("first", ["inbox/unreaded", "address/plog", "both"])
async def test_a_silent_server_is_unavailable_within_a_minute(bench: Bench, ahead: SmartYardLog, first: str) -> None:
    while not ahead._poller.settled:
        await ahead.next()
    bench.sim.fault("*", "hang")
    poller = ahead._poller._jobs
    for name, look in poller.items():
        look.due = now() if first in {name, "both"} else now() + 100
    began = now()
    assert await outage(ahead) - began < 60


async def test_the_return_of_a_silent_server_is_detected_by_the_next_poll(bench: Bench, ahead: SmartYardLog) -> None:
    bench.sim.fault("*", "hang")
    await outage(ahead)
    bench.sim.heal()
    began = now()
    await ahead.next()
    assert now() - began < 1
