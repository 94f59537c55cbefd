"""Requests of one kind and account are sent one at a time, and none is repeated."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from custom_components.ip_intercom.systems.common.errors import ConnectionFailed, NoAnswer, NoSuchCall, Unconfirmed
from custom_components.ip_intercom.systems.mx_proxy.client import Conference, MxProxy
from tests.common import until
from tests.simulators.common.faults import Fault
from tests.simulators.mx_proxy import LOGIN, Simulator

from .conftest import Bench, Start

DOOR = "3190"
READS: tuple[Callable[[MxProxy], Awaitable[Any]], ...] = (
    lambda p: p.session.info(),
    lambda p: p.directory.contacts(),
    lambda p: p.directory.services(),
    lambda p: p.voicemails.list(),
    lambda p: p.conferences.list(),
    lambda p: p.conferences.settings(),
    lambda p: p.calls.set_mode(False),
    lambda p: p.calls.assign("desk"),
    lambda p: p.calls.make("3107", DOOR),
    lambda p: listen(p),
)


async def listen(proxy: MxProxy) -> bytes:
    async with proxy.voicemails.open("82") as recording:
        return b"".join([chunk async for chunk in recording.chunks()])


def in_flight(sim: Simulator) -> int:
    return len(sim.pipeline._flights)


async def test_equal_requests_are_sent_one_at_a_time(bench: Bench, proxy: MxProxy) -> None:
    """Equal parallel requests would get each other's replies."""
    results = await asyncio.gather(*(ask(proxy) for _ in range(4) for ask in READS))
    requests = bench.seen()
    assert len(results) == len(requests) - 1 == 4 * len(READS)
    assert [request for request in requests if request.overlapped] == []
    assert {request.status for request in requests} == {200, 204}
    calls = {made.call_id for made in results[8 :: len(READS)]}
    assert len(calls) == 4


async def test_requests_of_the_call_log_are_sent_one_at_a_time(bench: Bench, proxy: MxProxy) -> None:
    await asyncio.gather(*(proxy.calls.log() for _ in range(5)))
    requests = bench.seen()
    assert [request.function for request in requests] == ["login", *["call_log"] * 5]
    assert not any(request.overlapped for request in requests)


@pytest.mark.parametrize("path", ["GET /voicemails", "GET /contacts", "GET /calls/{callId}"])
async def test_a_hanging_request_does_not_delay_others(bench: Bench, proxy: MxProxy, path: str) -> None:
    await proxy.session.login()
    bench.sim.fault(path, Fault.HANG)
    asked: tuple[Awaitable[object], ...] = (proxy.voicemails.list(), proxy.directory.contacts(), proxy.calls.info(1))
    hanging = [asyncio.ensure_future(ask) for ask in asked]
    await until(lambda: bench.sim._handling)
    made = await proxy.calls.make("3107", DOOR)
    bench.sim.pick_up(made.call_id)
    await proxy.calls.hold(made.call_id)
    assert await proxy.conferences.list() == ()
    assert sum(not task.done() for task in hanging) == 1
    for task in hanging:
        task.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)


async def test_accounts_do_not_wait_for_each_other(bench: Bench, proxy: MxProxy) -> None:
    other = bench.proxy("ben@office.test", "pbx-ben")
    await asyncio.gather(proxy.session.login(), other.session.login())
    bench.sim.delay(30, "/services")
    slow = asyncio.ensure_future(proxy.directory.services())
    await until(lambda: bench.sim._handling)
    assert (await other.session.info()).extension == "3108"
    assert not slow.done()
    slow.cancel()


async def test_requests_do_not_wait_for_the_call_log(start: Start) -> None:
    """A full block of 21 records delays the log for minutes."""
    bench = await start(empty=True)
    bench.sim.fill_log(21)
    bench.sim.set_patience(50)
    proxy = bench.proxy()
    await proxy.session.login()
    log = asyncio.ensure_future(proxy.calls.log())
    await until(lambda: in_flight(bench.sim))
    made = await proxy.calls.make("3107", DOOR)
    bench.sim.pick_up(made.call_id)
    await proxy.calls.clear(made.call_id)
    assert await proxy.directory.contacts() == ()
    assert not log.done()
    log.cancel()
    with pytest.raises(asyncio.CancelledError):
        await log


async def test_a_canceled_request_frees_its_turn(bench: Bench, proxy: MxProxy) -> None:
    await proxy.session.login()
    bench.sim.delay(30, "/services")
    first, second = (asyncio.ensure_future(proxy.directory.services()) for _ in range(2))
    await until(lambda: bench.sim._handling)
    second.cancel()
    first.cancel()
    bench.sim.heal()
    assert await proxy.directory.services()


# ---- The MX says nothing ----

COMMANDS: dict[str, Callable[[MxProxy, int], Awaitable[Any]]] = {
    "call_mode": lambda p, _: p.calls.set_mode(True, "12025550107"),
    "assign": lambda p, _: p.calls.assign("desk"),
    "make_call": lambda p, _: p.calls.make("3107", DOOR),
    "answer": lambda p, call: p.calls.answer(call, "desk"),
    "transfer": lambda p, call: p.calls.transfer(call, "desk", "3108"),
    "clear": lambda p, call: p.calls.clear(call),
    "hold": lambda p, call: p.calls.hold(call),
    "unhold": lambda p, call: p.calls.unhold(call),
    "voicemail_delete": lambda p, _: p.voicemails.delete("82"),
    "voicemail_change": lambda p, _: p.voicemails.update("82", read=True),
    "conference_create": lambda p, _: p.conferences.create(Conference(name="x")),
    "conference_update": lambda p, _: p.conferences.update(Conference("1")),
    "conference_delete": lambda p, _: p.conferences.delete("1"),
    "conference_join": lambda p, _: p.conferences.join("1", 1),
    "conference_from_call": lambda p, call: p.conferences.from_call(call, call),
}
QUESTIONS: dict[str, Callable[[MxProxy], Awaitable[Any]]] = {
    "contacts": lambda p: p.directory.contacts(),
    "services": lambda p: p.directory.services(),
    "call_log": lambda p: p.calls.log(),
    "voicemails": lambda p: p.voicemails.list(),
    "voicemail_file": listen,
    "conference_info": lambda p: p.conferences.settings(),
    "conferences": lambda p: p.conferences.list(),
}


@pytest.mark.parametrize("name", COMMANDS)
async def test_a_command_without_a_confirmation_is_unconfirmed(start: Start, name: str) -> None:
    """The command may have been executed and is not repeated."""
    bench = await start()
    bench.sim.set_patience(0.3)
    proxy = bench.proxy()
    await proxy.session.login()
    call = bench.sim.incoming_call(DOOR)
    bench.seen()
    bench.sim.ignore(name)
    with pytest.raises(Unconfirmed):
        await COMMANDS[name](proxy, call)
    assert [(request.function, request.status) for request in bench.seen()] == [(name, 408)]


# The server takes the silence of the MX for an empty log.
@pytest.mark.parametrize("name", [name for name in QUESTIONS if name != "call_log"])
async def test_a_read_without_an_answer_is_an_error(start: Start, name: str) -> None:
    bench = await start()
    bench.sim.set_patience(0.3)
    bench.sim.ignore(name)
    with pytest.raises(NoAnswer):
        await QUESTIONS[name](bench.proxy())
    assert [request.status for request in bench.seen()] == [200, 408]


async def test_a_command_with_a_lost_confirmation_is_unconfirmed(start: Start) -> None:
    bench = await start()
    bench.sim.set_patience(0.3)
    proxy = bench.proxy()
    await proxy.session.login()
    bench.sim.lose_reply("make_call")
    with pytest.raises(Unconfirmed):
        await proxy.calls.make("3107", DOOR)
    assert len(bench.sim.extensions[LOGIN].calls.live) == 1


@pytest.mark.parametrize("name", ["make_call", "hold", "voicemail_delete"])
async def test_the_connection_breaks_during_a_command(bench: Bench, proxy: MxProxy, name: str) -> None:
    """The client does not repeat the command, with any method."""
    await proxy.session.login()
    call = bench.sim.incoming_call(DOOR)
    bench.sim.pick_up(call)
    bench.sim.set_patience(30)
    bench.sim.ignore(name, 2)
    bench.seen()
    command = asyncio.ensure_future(COMMANDS[name](proxy, call))
    await until(lambda: in_flight(bench.sim))
    bench.sim.reset_connections()
    with pytest.raises(ConnectionFailed):
        await command
    # Had it been sent again, it would be on its way before this one.
    await proxy.session.info()
    assert in_flight(bench.sim) == 0
    assert bench.functions() == ["user_info"]


async def test_a_request_after_an_outage_succeeds(bench: Bench, proxy: MxProxy) -> None:
    await proxy.session.login()
    call = bench.sim.incoming_call(DOOR)
    bench.sim.lose_connection()
    with pytest.raises(ConnectionFailed):
        await proxy.calls.info(call)
    await bench.sim.restore_connection()
    assert (await proxy.calls.info(call)).call_id == call
    with pytest.raises(NoSuchCall):
        await proxy.calls.info(call + 1)
