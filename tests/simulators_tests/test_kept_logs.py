"""A killed and restarted simulator keeps its logs and clock."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
import json
import os
from pathlib import Path
import ssl
import sys
from typing import Any

import aiohttp
import pytest

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def process(system: str, state: Path, port: str = "control") -> AsyncIterator[str]:
    """Run a simulator, return the address of its control port or another one, and kill it."""
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"tests.simulators.{system}", "--state", str(state),
        cwd=ROOT, env=dict(os.environ), stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert running.stdout is not None
        yield str(json.loads(await running.stdout.readline())[port])
    finally:
        running.kill()
        await running.wait()


async def do(control: str, verb: str, **arguments: Any) -> Any:
    """Do something to a simulator."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"http://{control}/control/{verb}", data=json.dumps(arguments)) as response,
    ):
        return (await response.json())["result"]


async def state_of(control: str) -> dict[str, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://{control}/control/state") as response,
    ):
        state: dict[str, Any] = await response.json()
        return state


async def test_the_log_of_a_2n_survives_a_restart_of_the_process(sockets: None, tmp_path: Path) -> None:
    kept = tmp_path / "state"
    async with process("two_n", kept) as control:
        number = await do(control, "emit", event="UserActionActivated", id=1)
        before = await state_of(control)
    with kept.open("a") as file:
        file.write('{"event": [1, 2')  # a line that the kill has cut off
    async with process("two_n", kept) as control:
        after = await state_of(control)
        assert after["events"] == before["events"]
        assert 0 <= after["upTime"] - before["upTime"] < 60
        assert abs((after["utcTime"] - after["upTime"]) - (before["utcTime"] - before["upTime"])) <= 1
        assert await do(control, "emit", event="UserActionActivated", id=2) == number + 1
    async with process("two_n", kept) as control:
        assert (await state_of(control))["events"] == before["events"] + 1
        await do(control, "reboot", seconds=0)
    async with process("two_n", kept) as control:
        assert (await state_of(control))["events"] < before["events"]


async def test_the_logs_of_an_akuvox_survive_a_restart_of_the_process(sockets: None, tmp_path: Path) -> None:
    kept = tmp_path / "state"
    async with process("akuvox", kept) as control:
        await do(control, "fill_door_log", n=3)
        await do(control, "fill_call_log", n=2)
        before = await state_of(control)
    async with process("akuvox", kept) as control:
        after = await state_of(control)
        assert (after["doorLog"], after["callLog"]) == (3, 2)
        assert 0 <= after["upTime"] - before["upTime"] < 60


@pytest.mark.parametrize("system", ["two_n", "akuvox"])
async def test_the_certificate_survives_a_restart_of_the_process(sockets: None, tmp_path: Path, system: str) -> None:
    shown = set()
    for _ in range(2):
        async with process(system, tmp_path / "device.state", "https") as address:
            host, _, port = address.rpartition(":")
            shown.add(await asyncio.to_thread(ssl.get_server_certificate, (host, int(port))))
    assert len(shown) == 1
