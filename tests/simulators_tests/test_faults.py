"""Faults of single functions, which every simulator has, by a method and on the command line."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
import json
import sys
from typing import Any

import aiohttp
import pytest

from tests.simulators import akuvox, mx_proxy, smartyard, two_n
from tests.simulators.common.faults import Fault, FunctionFault, spoilt
from tests.simulators.common.host import Host

type Ask = Callable[[], Awaitable[tuple[int, bytes]]]
type Device = tuple[Host[Any], str, Ask]


async def ask(url: str, method: str = "GET", **request: Any) -> tuple[int, bytes]:
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(0.3)) as session,
        session.request(method, url, **request) as response,
    ):
        return response.status, await response.read()


@pytest.fixture(params=["akuvox", "mx_proxy", "smartyard", "two_n"])
async def device(request: pytest.FixtureRequest) -> AsyncGenerator[Device]:
    """A simulator of each system, a function that answers without a login, and how it is asked."""
    async with AsyncExitStack() as stack:
        match request.param:
            case "two_n":
                verso = await stack.enter_async_context(two_n.Simulator("verso"))
                yield verso, "GET system/info", partial(ask, f"http://{verso.http_address}/api/system/info")
            case "akuvox":
                door = await stack.enter_async_context(akuvox.Simulator("a_series", auth=akuvox.Auth.NONE))
                yield door, "GET system/status", partial(ask, f"http://{door.http_address}/api/system/status")
            case "mx_proxy":
                proxy = await stack.enter_async_context(mx_proxy.Simulator())
                form = {"username": mx_proxy.LOGIN, "password": mx_proxy.PASSWORD, "grant_type": "password"}
                headers = {"Authorization": aiohttp.encode_basic_auth(*next(iter(mx_proxy.APPS.items())))}
                yield proxy, "POST /auth", partial(ask, f"{proxy.url}/auth", "POST", data=form, headers=headers)
            case _:
                yard = await stack.enter_async_context(smartyard.Simulator())
                yield yard, "POST user/phonePattern", partial(ask, f"{yard.url}/user/phonePattern", "POST", json={})


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault not in {Fault.DOUBLED, Fault.REVERSED}])
async def test_each_fault_spoils_the_response_as_described(device: Device, fault: Fault) -> None:
    sim, function, ask_device = device
    healthy = await ask_device()
    sim.fault(function, fault, status=503)
    if fault in {Fault.HANG, Fault.STALL, Fault.DRIP}:
        with pytest.raises(TimeoutError):
            await ask_device()
    elif fault in {Fault.RESET, Fault.LOST}:
        with pytest.raises(aiohttp.ClientConnectionError):
            await ask_device()
    else:
        status, body = await ask_device()
        assert body != healthy[1] or status != healthy[0]
        assert (status == 503) is (fault is Fault.STATUS)
        assert (b"\xff" in body) is (fault is Fault.BROKEN_TEXT)
        assert (b"\x01" in body) is (fault is Fault.CONTROL_TEXT)
        assert body.startswith(b"<") is (fault is Fault.PAGE)
        if fault is Fault.DEEP:
            with pytest.raises(RecursionError):
                json.loads(body)
    sim.fault(function, None)
    assert (await ask_device())[0] == 200


@pytest.mark.parametrize(
    ("fault", "rows"), [(Fault.DOUBLED, ["b", "b", "a", "a"]), (Fault.REVERSED, ["a", "b"])], ids=str
)
def test_rows_are_doubled_or_reversed(fault: Fault, rows: list[str]) -> None:
    reply = json.dumps({"result": {"events": ["b", "a"], "count": 2}}).encode()
    assert json.loads(spoilt(FunctionFault(fault), reply)) == {"result": {"events": rows, "count": 2}}


async def test_a_command_with_a_lost_response_is_executed() -> None:
    async with two_n.Simulator("verso") as sim:
        sim.fault("system/info", Fault.LOST)
        with pytest.raises(aiohttp.ClientConnectionError):
            await ask(f"http://{sim.http_address}/api/system/info")
        assert {request.status for request in sim.requests} == {200}


async def test_move_changes_the_port(device: Device) -> None:
    sim, _, _ = device
    before = sim._network.port(0)
    await sim.move()
    assert sim._network.port(0) != before
    with pytest.raises(aiohttp.ClientConnectionError):
        await ask(f"http://127.0.0.1:{before}/")


async def test_a_callback_runs_after_the_given_number_of_responses(device: Device) -> None:
    sim, _, request = device
    happened: list[int] = []
    sim.after(2, lambda: happened.append(2))
    await request()
    await asyncio.sleep(0.1)
    assert happened == []
    await request()
    await asyncio.sleep(0.1)
    assert happened == [2]


async def test_a_fault_may_end_after_a_number_of_requests(device: Device) -> None:
    sim, function, ask_device = device
    sim.fault(function, "status", times=1)
    sim.fault(f"DELETE {function.partition(' ')[2]}", "page")
    assert (await ask_device())[0] == 500
    assert (await ask_device())[0] == 200


async def test_a_broken_text_ends_with_an_invalid_byte() -> None:
    async with two_n.Simulator("verso") as sim:
        sim.fault("system/info", "broken_text", text="Front Gate")
        _, body = await ask(f"http://{sim.http_address}/api/system/info")
        assert b"Front Gatecaf\xe9" in body


async def test_a_fault_can_be_set_on_the_command_line() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.simulators.two_n", "--fault", "system/info=status:418",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    ready = json.loads(await process.stdout.readline())
    url = f"http://{ready['http']}/api/system/info"
    assert (await ask(url))[0] == 418
    async with aiohttp.request(
        "POST", f"http://{ready['control']}/control/fault", json={"path": "system/info", "fault": "refused"}
    ) as response:
        assert (await response.json())["success"]
    assert json.loads((await ask(url))[1])["error"]["code"] == 14
    process.terminate()
    assert await process.wait() == 0


async def test_an_overloaded_device_answers_with_the_given_status(device: Device) -> None:
    sim, _, request = device
    sim.overload(429, "20")
    assert (await request())[0] == 429
    sim.overload()
    assert (await request())[0] == 503
    sim.heal()
    assert (await request())[0] not in {429, 503}
