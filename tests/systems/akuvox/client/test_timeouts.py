"""The timeout of each function, and requests during a slow one."""

import asyncio

import pytest

from custom_components.ip_intercom.systems.akuvox.client import client, exchange, protocol
from custom_components.ip_intercom.systems.akuvox.client.protocol import Endpoint, ListEndpoints, Patience
from custom_components.ip_intercom.systems.common.errors import NoAnswer
from tests.simulators.akuvox import Auth
from tests.simulators.common.faults import Fault

from .conftest import Bench, Start, wait_for_answers


def table() -> dict[str, Endpoint]:
    """Return all functions by their path."""
    found = vars(protocol).values()
    lists = [part for item in found if isinstance(item, ListEndpoints) for part in vars_of(item)]
    return {item.path: item for item in (*found, *lists) if isinstance(item, Endpoint)}


def vars_of(item: ListEndpoints) -> list[Endpoint]:
    return [getattr(item, name) for name in ListEndpoints.__dataclass_fields__]


def test_timeouts_grow_from_states_to_files() -> None:
    found = table()
    assert len(found) > 80
    states = {path for path in found if path.endswith("/status")} | {"/api/system/info", "/api/relay/trig"}
    lists = {f"/api/{name}/get" for name in ("user", "contact", "group", "privatekey", "rfkey", "dialreplace")}
    logs = {"/api/doorlog/get", "/api/calllog/get", "/api/config/get"}
    firmware = {f"/api/firmware/{step}" for step in ("prepare", "upload", "upgrade")}
    seconds = [{found[path].timeout for path in paths} for paths in (states, logs, lists, firmware)]
    assert all(len(alike) == 1 for alike in seconds), seconds
    assert sorted(seconds, key=max) == seconds
    usual = protocol.TIMEOUTS[Patience.USUAL]
    assert max(seconds[0]) < usual < min(seconds[1])


async def test_slow_functions_have_longer_timeouts(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Functions that may be slow have longer timeouts."""
    wait_for_answers(monkeypatch, 5.0)
    monkeypatch.setitem(protocol.TIMEOUTS, Patience.QUICK, 0.05)
    bench = await start(auth=Auth.NONE)
    bench.sim.fill_door_log(1)
    bench.sim.add_user(Name="Lucy")
    bench.sim.delay(0.15)
    device = bench.device()
    for ask in (device.relay.status, device.input.status, device.system.status):
        with pytest.raises(NoAnswer):
            await ask()
    assert len(await device.door_log.get(page=1)) == 1
    assert len(await device.users.get()) == 1
    assert await device.config.get()


async def test_a_hanging_function_does_not_delay_others(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PARALLEL_AFTER", 0.05)
    bench.sim.fault("doorlog/get", Fault.HANG)
    device = bench.device()
    hanging = asyncio.ensure_future(device.door_log.get(page=1))
    await device.relay.trig(1, delay=5)
    assert bench.sim.relay_status()["A"]
    assert not hanging.done()
    hanging.cancel()
    await asyncio.gather(hanging, return_exceptions=True)
    assert (await device.relay.status())["A"] == 1


async def test_at_most_two_requests_are_sent_at_a_time(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """An E16C answers a third request with 503, even if two hang."""
    monkeypatch.setattr(client, "PARALLEL_AFTER", 0.02)
    wait_for_answers(monkeypatch, 0.3)
    bench = await start("e16c")
    bench.sim.delay(10, "doorlog/get")
    bench.sim.delay(0.1, "calllog/get")
    device = bench.device()
    answers = await asyncio.gather(
        device.door_log.get(page=1),
        *(device.call_log.get(page=1) for _ in range(3)),
        *(device.system.status() for _ in range(3)),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers if isinstance(answer, Exception)] == [NoAnswer]


async def test_a_hanging_function_of_a_fragile_device_gets_a_short_timeout(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All other requests wait for it, so its timeout is short after the first one."""
    wait_for_answers(monkeypatch, 0.2)
    monkeypatch.setattr(exchange, "GAP", 0.0)
    monkeypatch.setattr(client, "PARALLEL_AFTER", 0.02)
    monkeypatch.setattr(client, "UNRESPONSIVE_TIMEOUT", 0.1)
    bench.sim.fault("doorlog/get", Fault.HANG)
    device = bench.device()
    device.client._exchange.record_response(clean=False)
    waited: list[str] = []
    for _ in range(2):
        with pytest.raises(NoAnswer) as failed:
            await device.door_log.get(page=1)
        waited.append(str(failed.value).rpartition("within ")[2])
    assert waited == ["0.2 s", "0.1 s"]
    hanging = asyncio.ensure_future(device.door_log.get(page=1))
    await asyncio.sleep(0)
    await device.system.status()
    assert hanging.done(), "one request at a time"
    with pytest.raises(NoAnswer):
        await hanging
    bench.sim.heal()
    assert await device.door_log.get(page=1) == ()
    bench.sim.fault("doorlog/get", Fault.HANG)
    with pytest.raises(NoAnswer, match=r"0\.2 s"):
        await device.door_log.get(page=1)


async def test_opening_a_door_does_not_wait_for_two_hanging_logs(bench: Bench) -> None:
    """They occupy the device for half a minute; the second one is canceled."""
    for function in ("doorlog/get", "calllog/get"):
        bench.sim.fault(function, Fault.HANG)
    device = bench.device()
    await device.system.status()
    logs = [asyncio.ensure_future(log.get(page=1)) for log in (device.door_log, device.call_log, device.door_log)]
    await asyncio.sleep(1)
    began = asyncio.get_running_loop().time()
    await device.relay.trig(1)
    assert asyncio.get_running_loop().time() - began < 2 * client.PARALLEL_AFTER
    assert bench.sim.relay_status()["A"]
    answers = await asyncio.gather(*logs, return_exceptions=True)
    assert {type(answer) for answer in answers} == {NoAnswer}
