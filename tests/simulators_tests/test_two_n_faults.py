"""Faults of devices and networks, the command line, and an independent client."""

import asyncio
from contextlib import suppress
import json
import sys
from typing import Any

import aiohttp
from py2n import Py2NDevice  # type: ignore[import-untyped]  # ships no types
from py2n.model import Py2NConnectionData  # type: ignore[import-untyped]  # ships no types
import pytest

from tests.simulators.two_n import MODELS, Simulator

from .conftest import Api, Factory, digest


async def test_connections_are_reset_and_refused(api: Api) -> None:
    channel = await api.subscribe(filter="KeyPressed")
    pull = asyncio.ensure_future(api.pull(channel, timeout=60))
    await api.sim.wait_for_pull()
    address = api.sim.http_address
    api.sim.lose_connection()
    with pytest.raises(aiohttp.ClientConnectionError):
        await pull
    with pytest.raises(aiohttp.ClientConnectorError):
        await api.get("system/info")
    # The open long poll on the device swallows the first event; the next one waits in the channel.
    api.sim.press("%1", call=False)
    await asyncio.sleep(0.01)
    api.sim.press("%2", call=False)
    await api.sim.restore_connection()
    assert api.sim.http_address == address
    assert [event["params"]["key"] for event in await api.pull(channel)] == ["%2"]
    history = await api.pull(await api.subscribe(include="-60", filter="KeyPressed"))
    assert [event["params"]["key"] for event in history] == ["%1", "%2"]


async def test_a_new_pull_replaces_a_dead_one(api: Api) -> None:
    channel = await api.subscribe(filter="KeyPressed")
    with suppress(TimeoutError):
        async with asyncio.timeout(0.02):
            await api.pull(channel, timeout=60)
    await api.sim.drop_network(0)
    pull = asyncio.ensure_future(api.pull(channel, timeout=60))
    await api.sim.wait_for_pull()
    api.sim.press("%1", call=False)
    assert [event["params"]["key"] for event in await pull] == ["%1"]


async def test_a_lost_pull_response_loses_its_events(api: Api) -> None:
    channel = await api.subscribe(filter="KeyPressed")
    api.sim.lose_next_pull_response()
    api.sim.press("%1", call=False)
    # aiohttp repeats a GET by itself when a kept connection dies, and then finds an empty channel.
    with suppress(aiohttp.ClientConnectionError):
        assert await api.pull(channel) == []
    assert [request.status for request in api.sim.requests if request.path == "/api/log/pull"][0] == 200
    assert await api.pull(channel) == []


@pytest.mark.parametrize("model", MODELS)
async def test_a_reboot_ends_channels_and_resets_switches(device: Factory, model: str) -> None:
    api = await device(model, speed=50)
    channel = await api.subscribe(include="all", filter="DeviceState")
    if model != "indoor":
        await api.do("switch/ctrl", switch=1, action="on")
    reboot = asyncio.ensure_future(api.sim.reboot(0.05))
    await asyncio.sleep(0.01)
    with pytest.raises(aiohttp.ClientConnectorError):
        await api.get("system/info")
    await reboot
    assert (await api.result("system/status"))["upTime"] < 60
    assert await api.error("log/pull", id=channel) == (12, "id")
    if model != "indoor":
        assert api.sim.switches[1].active is False
    await asyncio.sleep(0.1)
    wanted = [event for event in ("DeviceState", "RegistrationStateChanged") if event in MODELS[model].events]
    events = await api.pull(await api.subscribe(include="all", filter=",".join(wanted)))
    assert (events[0]["id"], events[0]["params"]) == (1, {"state": "startup"})
    states = [event["params"]["state"] for event in events[1:]]
    assert states == (["registering", "registered"] if "RegistrationStateChanged" in wanted else [])


async def test_a_restart_is_answered_before_it_begins(device: Factory) -> None:
    """HTTP API 5.1.3: the answer comes before the restart."""
    api = await device("verso", speed=60)
    await api.do("system/restart")
    await asyncio.sleep(0.06)
    with pytest.raises(aiohttp.ClientConnectionError):
        await api.get("system/info")
    await asyncio.sleep(0.1)
    assert (await api.result("system/status"))["upTime"] < 60


@pytest.mark.parametrize(
    ("kind", "content_type", "start"),
    [
        ("truncated", "application/json", '{"success" : true'),
        ("html", "text/html", "<!DOCTYPE html>"),
        ("empty", "application/json", ""),
        ("my own", "text/plain", "my own"),
    ],
)
async def test_garbage_can_be_sent_instead_of_a_response(api: Api, kind: str, content_type: str, start: str) -> None:
    api.sim.garbage("switch/status", kind, times=1)
    async with api.session.get(api.url("switch/status")) as response:
        assert response.content_type == content_type
        text = await response.text()
    assert text.startswith(start)
    with suppress(ValueError):
        assert not json.loads(text)
    assert (await api.get("switch/status"))["success"]


async def test_oversized_responses_can_be_sent(api: Api) -> None:
    api.sim.garbage("io/status", "huge", mebibytes=3)
    async with api.session.get(api.url("io/status")) as response:
        assert len(await response.read()) > 3 * 2**20
    api.sim.garbage("io/status", "endless")
    async with api.session.get(api.url("io/status")) as response:
        assert len(await response.content.readexactly(2**20)) == 2**20
    api.sim.heal()
    assert (await api.get("io/status"))["success"]


async def test_only_the_delayed_function_waits(api: Api) -> None:
    api.sim.delay(2.0, "io/status")
    delayed = asyncio.ensure_future(api.get("io/status"))
    await api.get("switch/status")
    assert not delayed.done()
    await delayed


async def test_stop_leaves_no_task_timer_or_socket() -> None:
    """The plugin fails this test if a task, timer, or socket is left."""
    sim = Simulator("verso")
    await sim.start()
    async with digest() as session:
        api = Api(sim, session)
        channel = await api.subscribe(filter="MotionDetected")
        await api.do("switch/ctrl", switch=1, action="hold", timeout=600)
        sim.press("%1")
        sim.delay(600, "io/status")
        sim.garbage("switch/caps", "endless")
        waiting: list[asyncio.Future[Any]] = [
            asyncio.ensure_future(api.get("camera/snapshot", width=176, height=144, fps=1)),
            asyncio.ensure_future(api.get("switch/caps")),
            asyncio.ensure_future(api.get("io/status")),
            asyncio.ensure_future(api.pull(channel, timeout=600)),
        ]
        try:
            await sim.wait_for_pull()
            await asyncio.sleep(0.02)
        finally:
            await sim.stop()
        for answer in await asyncio.gather(*waiting, return_exceptions=True):
            assert isinstance(answer, aiohttp.ClientError)


async def test_py2n_reads_and_commands_the_simulator(device: Factory) -> None:
    """An independent client reads and commands the simulator."""
    api = await device("verso", speed=20)
    options = Py2NConnectionData(api.sim.http_address, "ha", "ha-pass", auth_method="digest", protocol="http")
    async with aiohttp.ClientSession() as session:
        client = await Py2NDevice.create(session, options)
        data = client.data
        assert (data.model, data.mac, data.firmware) == ("2N IP Verso", "7C-1E-B3-05-2A-11", "2.50.0.76.2-release")
        assert [(s.id, s.enabled, s.mode) for s in data.switches[:3]] == [
            (1, True, "monostable"),
            (2, True, "bistable"),
            (3, False, None),
        ]
        assert [port.id for port in data.ports] == ["led_secured", "relay1", "output1", "input1"]
        channel = await client.log_subscribe(filter=["SwitchStateChanged", "OutputChanged"])
        await client.set_switch(2, True)
        await client.set_port("relay1", True)
        await client.update_switch_status()
        await client.update_port_status()
        assert client.get_switch(2) is True
        assert [port.id for port in client.data.ports if port.state] == ["relay1", "output1"]
        events: Any = await client.log_pull(channel, 5)
        assert [event["event"] for event in events] == ["SwitchStateChanged", "OutputChanged", "OutputChanged"]
        assert len(await client.query_dir({"fields": ["name"]})) == 3
        await client.log_unsubscribe(channel)


async def test_the_command_line_starts_a_simulator() -> None:
    """One JSON line when ready, the visitor over HTTP, a clean end on SIGTERM."""
    arguments = ("--model", "verso3", "--account", "reader:secret:io_monitoring", "--service", "camera=none,tcp")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.simulators.two_n", *arguments, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    ready = json.loads(await process.stdout.readline())
    assert ready["model"] == "verso3"
    async with aiohttp.ClientSession(f"http://{ready['control']}") as control:

        async def do(verb: str, **arguments: Any) -> Any:
            async with control.post(f"/control/{verb}", json=arguments) as response:
                body = await response.json()
                assert response.status == (200 if body["success"] else 400), body
                return body

        assert (await do("press", key="%1"))["result"] == 1
        assert (await do("set", hangup_ignored=True))["success"]
        for verb, arguments_ in (("explode", {}), ("press", {}), ("disable", {"service": "nothing"})):
            assert not (await do(verb, **arguments_))["success"]
        await do("grant", account="reader", privilege="switch_control")
        async with control.get("/control/state") as response:
            state = await response.json()
        assert state["calls"]["1"]["direction"] == "outgoing"
        async with aiohttp.request("GET", f"http://{ready['http']}/api/camera/caps") as response:
            assert (await response.json())["success"]
        async with control.get("/control/requests") as response:
            (request,) = await response.json()
        assert (request["path"], request["status"]) == ("/api/camera/caps", 200)
    process.terminate()
    assert await process.wait() == 0
