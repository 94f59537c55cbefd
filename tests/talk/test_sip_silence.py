"""A silent other side of a call is asked whether it is still there; a device without power sends no BYE."""

import asyncio

import pytest

from custom_components.ip_intercom.talk.sip_agent import CallState, EndReason, SipCall
from custom_components.ip_intercom.talk.sip_session_timer import SILENT

from .conftest import Pair
from .peer import RtpPort, description, rtp, rtp_port


async def _taken(pair: Pair, port: RtpPort) -> tuple[SipCall, int]:
    """Answer a call of the door, and return it and the RTP port of the agent."""
    dialog = pair.door.invite(description(port.port))
    await pair.door.expect("100")
    [call] = pair.calls
    async with asyncio.TaskGroup() as group:
        group.create_task(call.answer())
        ok = await pair.door.expect("200")
        pair.door.acknowledge(dialog, ok)
    return call, ok.port


@pytest.mark.parametrize("status", [None, "481 Call Does Not Exist", "408 Request Timeout"])
async def test_a_call_whose_door_is_gone_ends(pair: Pair, status: str | None) -> None:
    """It has no session timer."""
    pair.door.check_status = status
    async with rtp_port() as port:
        call, _ = await _taken(pair, port)
        await asyncio.sleep(SILENT - 1)
        assert (call.state, pair.door.checks) == (CallState.ESTABLISHED, 0)
        await asyncio.sleep(2 * SILENT)
        assert (call.state, call.end_reason) == (CallState.ENDED, EndReason.FAILED)
        pair.door.reply(await pair.door.until("BYE"), "200 OK")
        await asyncio.sleep(1)
        assert pair.agent.calls == ()
        checks = pair.door.checks
        await asyncio.sleep(10 * SILENT)
        assert pair.door.checks == checks


@pytest.mark.parametrize("status", ["200 OK", "405 Method Not Allowed", "501 Not Implemented", "500 Error"])
async def test_a_silent_door_that_responds_stays_in_the_call(pair: Pair, status: str) -> None:
    pair.door.check_status = status
    async with rtp_port() as port:
        call, _ = await _taken(pair, port)
        await asyncio.sleep(10 * SILENT + 1)
        assert (call.state, pair.door.checks) == (CallState.ESTABLISHED, 10)


async def test_a_door_that_is_heard_is_not_asked(pair: Pair) -> None:
    async with rtp_port() as port:
        call, agent_port = await _taken(pair, port)
        for number in range(10):
            port.send(rtp(number), agent_port)
            await asyncio.sleep(SILENT / 2)
        assert (call.state, pair.door.checks) == (CallState.ESTABLISHED, 0)
