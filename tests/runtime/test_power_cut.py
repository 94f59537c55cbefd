"""Many devices return at the same time: all are available soon, with few requests, spread over time."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
import time

from homeassistant.core import HomeAssistant
import pytest

from tests.common import PASSWORD, USERNAME, add_intercom, until
from tests.simulators.two_n import Account, Simulator

DEVICES = 24
# Seconds within which the events of all are followed again: almost two devices a second.
SOON = 15.0
# Requests in one second: those of two devices, and a part of another one that is on the border of two seconds; then one
# description, and two long polls that end.
PEAK, LATER_PEAK = 20, 21
# What a device that has restarted is asked: its channel, and of its state what the restart does not tell.
RETURN = Counter(
    {
        "log/subscribe": 2,  # the nonce of before the restart is refused
        "log/pull": 1,
        "system/status": 1,
        "switch/status": 1,
        "io/status": 1,
        "phone/status": 1,
    }
)


@pytest.fixture
async def fleet(hass: HomeAssistant, sockets: None) -> AsyncGenerator[list[Simulator]]:
    """Many 2N, whose events are delivered."""
    async with AsyncExitStack() as stack:
        sims = []
        for number in range(DEVICES):
            identity = {"macAddr": f"7C-1E-B3-00-01-{number:02X}", "serialNumber": f"50-0001-{number:04d}"}
            sim = Simulator("verso", accounts=[Account(USERNAME, PASSWORD)], identity=identity)
            sims.append(await stack.enter_async_context(sim))
            await add_intercom(hass, sim, address=sim.http_address)
        await asyncio.sleep(100)  # what the setups left out is read
        yield sims


def asked(sim: Simulator) -> Counter[str]:
    """Return the answered requests, without the long poll."""
    return Counter(
        request.path.removeprefix("/api/") for request in sim.requests if request.query.get("timeout", "0") == "0"
    )


def busiest(fleet: list[Simulator], since: float) -> int:
    """Return the most requests in one second."""
    return max(Counter(int(request.at - since) for sim in fleet for request in sim.requests).values())


@pytest.mark.default_entities
@pytest.mark.parametrize("away", [0.0, 30.0], ids=["reset", "power cut"])
async def test_the_return_of_many_devices_is_spread(fleet: list[Simulator], away: float) -> None:
    for sim in fleet:
        sim.lose_connection()
    await asyncio.sleep(away)
    for sim in fleet:
        sim.clear_requests()
    began = time.monotonic()
    await asyncio.gather(*(sim.reboot(0.0) for sim in fleet))
    for sim in fleet:
        await sim.wait_for_pull(SOON - (time.monotonic() - began))
    await until(lambda: all(asked(sim) >= RETURN for sim in fleet), "the states")
    await asyncio.sleep(max(0.0, began + 55.0 - time.monotonic()))
    assert [asked(sim) for sim in fleet] == [RETURN] * DEVICES, "each device is requested once"
    assert busiest(fleet, began) <= PEAK
    await until(lambda: all(asked(sim)["switch/caps"] for sim in fleet), "the descriptions")
    assert busiest(fleet, began) <= LATER_PEAK
