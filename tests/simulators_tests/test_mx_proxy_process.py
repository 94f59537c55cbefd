"""The simulator in its own process, and network faults."""

import asyncio
import json
import sys

import aiohttp
import pytest

from .conftest import MxFactory
from .mx_proxy_api import GRANT


async def test_the_command_line_starts_a_simulator() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.simulators.mx_proxy",
        "--app",
        "ha=secret",
        "--empty",
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        ready = json.loads(await process.stdout.readline())
        async with aiohttp.ClientSession() as session:
            control = f"http://{ready['control']}/control"
            login = {**GRANT, "username": "anna@office.test", "password": "pbx-pass"}
            headers = {"Authorization": aiohttp.encode_basic_auth("ha", "secret")}
            async with session.post(f"http://{ready['http']}/auth", headers=headers, data=login) as response:
                assert response.status == 200
            async with session.post(f"{control}/incoming_call", json={"caller": "3190"}) as response:
                number = (await response.json())["result"]
            async with session.post(f"{control}/hang_up", json={"call": 9999}) as response:
                assert response.status == 400
            async with session.post(f"{control}/sing") as response:
                assert response.status == 400
            async with session.get(f"{control}/state") as response:
                state = await response.json()
            assert state["calls"]["anna@office.test"] == {str(number): "ringing"}
            async with session.get(f"{control}/requests") as response:
                [request] = await response.json()
            assert (request["function"], request["login"]) == ("login", "anna@office.test")
    finally:
        process.terminate()
        assert await process.wait() == 0


async def test_the_simulator_serves_https(mx: MxFactory) -> None:
    api = await mx(https=True)
    assert api.sim.url.startswith("https://127.0.0.1:")
    await api.get("/contacts")


async def test_faults_of_the_network_and_the_server_can_be_set(mx: MxFactory) -> None:
    api = await mx()
    api.sim.lose_connection()
    with pytest.raises(aiohttp.ClientConnectionError):
        await api.raw("GET", "/contacts")
    await api.sim.restore_connection()
    await api.get("/contacts")
    api.sim.garbage("contacts", "html", status=502, times=1)
    response, body = await api.raw("GET", "/contacts")
    assert response.status == 502
    assert body.startswith(b"<!DOCTYPE html>")
    await api.get("/contacts")
