"""What a network does to connections without a word."""

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


async def test_a_connection_without_a_byte_is_forgotten() -> None:
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
        assert len(sim.requests) == before, "the device does not hear of it either"
        assert await ask(session, sim) == 200, "a new connection works"


async def test_an_answer_that_comes_after_the_connection_was_forgotten_is_lost() -> None:
    async with Simulator(accounts=[Account("ha", "x")]) as sim, aiohttp.ClientSession() as session:
        sim.set_auth(Service.SYSTEM, "none")
        sim.drop_idle(0.2)
        sim.delay(0.3)
        with pytest.raises(TimeoutError):
            await ask(session, sim, 0.6)
        assert len(sim.requests) == 1, "the device has answered"


async def test_what_is_held_back_arrives_late_and_whole() -> None:
    async with Simulator(accounts=[Account("ha", "x")]) as sim, aiohttp.ClientSession() as session:
        sim.set_auth(Service.SYSTEM, "none")
        sim.hold_back(0.3)
        with pytest.raises(TimeoutError):
            await ask(session, sim, 0.2)
        assert await ask(session, sim, 2) == 200
        sim.hold_back(0)
        assert await ask(session, sim) == 200


async def test_a_cable_that_is_pulled_says_nothing() -> None:
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
