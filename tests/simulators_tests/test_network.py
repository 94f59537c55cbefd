"""Faults of the network that leave connections open."""

import asyncio

import aiohttp
import pytest

from tests.simulators.two_n import Account, Service, Simulator

URL = "http://{}/api/system/info"


@pytest.fixture(autouse=True)
def sockets(socket_enabled: None) -> None:
    """Simulators listen on 127.0.0.1."""


async def ask(session: aiohttp.ClientSession, sim: Simulator, seconds: float = 0.5) -> int:
    async with asyncio.timeout(seconds), session.get(URL.format(sim.http_address)) as response:
        await response.read()
        return response.status


async def test_an_idle_connection_is_dropped() -> None:
    async with Simulator(accounts=[Account("ha", "x")]) as sim, aiohttp.ClientSession() as session:
        sim.open_info = True
        sim.set_auth(Service.SYSTEM, "none")
        sim.drop_idle(0.2)
        for _ in range(4):
            assert await ask(session, sim) == 200
            await asyncio.sleep(0.1)
        before = len(sim.requests)
        await asyncio.sleep(0.2)
        with pytest.raises(TimeoutError):
            await ask(session, sim)
        assert len(sim.requests) == before, "the device does not notice the lost connection"
        assert await ask(session, sim) == 200, "a new connection works"


async def test_a_response_on_a_dropped_connection_is_lost() -> None:
    async with Simulator(accounts=[Account("ha", "x")]) as sim, aiohttp.ClientSession() as session:
        sim.set_auth(Service.SYSTEM, "none")
        sim.drop_idle(0.2)
        sim.delay(0.3)
        with pytest.raises(TimeoutError):
            await ask(session, sim, 0.6)
        assert len(sim.requests) == 1, "the device has answered"


async def test_held_back_packets_arrive_late_and_complete() -> None:
    async with Simulator(accounts=[Account("ha", "x")]) as sim, aiohttp.ClientSession() as session:
        sim.set_auth(Service.SYSTEM, "none")
        sim.hold_back(0.3)
        with pytest.raises(TimeoutError):
            await ask(session, sim, 0.2)
        assert await ask(session, sim, 2) == 200
        sim.hold_back(0)
        assert await ask(session, sim) == 200


async def test_an_unplugged_cable_causes_timeouts() -> None:
    async with Simulator(accounts=[Account("ha", "x")]) as sim, aiohttp.ClientSession() as session:
        sim.set_auth(Service.SYSTEM, "none")
        assert await ask(session, sim) == 200
        sim.lose_connection_silently()
        with pytest.raises(TimeoutError):
            await ask(session, sim)
        with pytest.raises(aiohttp.ClientConnectorError):
            await ask(session, sim)
        await sim.restore_connection()
        assert await ask(session, sim) == 200


@pytest.mark.real_time
async def test_a_device_without_power_answers_no_packet() -> None:
    async with Simulator(accounts=[Account("ha", "x")]) as sim, aiohttp.ClientSession() as session:
        sim.set_auth(Service.SYSTEM, "none")
        assert await ask(session, sim) == 200
        sim.cut_power()
        for _ in range(2):  # on the connection there is, and on a new one
            with pytest.raises(TimeoutError):
                await ask(session, sim, 0.2)
        await sim.restore_connection()
        assert await ask(session, sim) == 200
