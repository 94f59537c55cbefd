"""Calls that the agent makes: answered, refused, canceled, forked, and their races (RFC 3261, 13 and 9)."""

import asyncio

import pytest

from custom_components.ip_intercom.talk.errors import CallFailed, CallRefused, TalkError
from custom_components.ip_intercom.talk.sip_agent import CallState, EndReason, SipCall

from .conftest import Pair
from .peer import HOST, description, rtp, rtp_port


async def test_an_answered_call_has_audio_in_both_directions(pair: Pair) -> None:
    heard: list[bytes] = []
    async with rtp_port() as port, asyncio.TaskGroup() as group:
        calling = group.create_task(pair.agent.call("100"))
        invite = await pair.door.expect("INVITE")
        assert invite.uri == f"sip:100@{HOST}:{pair.door.port}"
        assert "m=audio" in invite.body and "PCMU/8000" in invite.body and "m=video" not in invite.body
        pair.door.reply(invite, "100 Trying")
        pair.door.reply(invite, "180 Ringing")
        pair.door.reply(invite, "200 OK", body=description(port.port, "8 101"))
        ack = await pair.door.expect("ACK")
        assert ack.uri == pair.door.contact.strip("<>")
        assert ack["to"].endswith(";tag=door1")
        call = await calling
        assert (call.state, call.incoming, call.codec.name) == (CallState.ESTABLISHED, False, "PCMA")
        assert call.remote == f"sip:100@{HOST}:{pair.door.port}"
        call.on_audio = lambda packet: heard.append(packet.payload)
        call.send_audio(b"\x55" * 160)
        port.send(rtp(1, b"\xd5" * 160, 8), invite.port)
        await asyncio.sleep(0.1)
        assert heard == [b"\xd5" * 160]
        [sent] = port.receive()
        assert (sent[1], sent[12:]) == (0x88, b"\x55" * 160)
        ending = group.create_task(call.hang_up())
        bye = await pair.door.expect("BYE")
        assert bye.number == invite.number + 1
        pair.door.reply(bye, "200 OK")
        await ending
    assert (call.state, call.end_reason) == (CallState.ENDED, EndReason.LOCAL)
    assert (call.statistics.sent, call.statistics.received, call.statistics.lost) == (1, 1, 0)
    assert pair.agent.calls == ()


async def test_the_door_hangs_up(pair: Pair) -> None:
    states: list[CallState] = []

    def watch(call: SipCall) -> None:
        call.on_state = lambda call: states.append(call.state)

    async with rtp_port() as port, asyncio.TaskGroup() as group:
        calling = group.create_task(pair.agent.call("100", on_dialing=watch))
        invite = await pair.door.expect("INVITE")
        pair.door.reply(invite, "180 Ringing")
        pair.door.reply(invite, "200 OK", body=description(port.port))
        await pair.door.expect("ACK")
        call = await calling
        pair.door.request("BYE", pair.door.called(invite))
        await pair.door.expect("200")
        await call.wait_ended()
    assert call.end_reason is EndReason.REMOTE
    assert states == [CallState.RINGING, CallState.ESTABLISHED, CallState.ENDED]


@pytest.mark.parametrize(
    ("status", "number"), [("603 Decline", 603), ("486 Busy Here", 486), ("404 Not Found", 404), ("302 Moved", 302)]
)
async def test_a_call_is_refused(pair: Pair, status: str, number: int) -> None:
    async with asyncio.TaskGroup() as group:
        calling = group.create_task(_refused(pair))
        invite = await pair.door.expect("INVITE")
        pair.door.reply(invite, status, "Contact: <sip:elsewhere@192.0.2.1>")
        ack = await pair.door.expect("ACK")
        error = await calling
    assert error.status == number
    # It belongs to the transaction of the INVITE (RFC 3261, 17.1.1.3).
    assert (ack.branch, ack.uri, ack.number) == (invite.branch, invite.uri, invite.number)
    await pair.door.silence()
    assert pair.agent.calls == ()


async def _refused(pair: Pair) -> CallRefused:
    with pytest.raises(CallRefused) as caught:
        await pair.agent.call("100")
    return caught.value


async def test_a_refusal_is_acknowledged_each_time(pair: Pair) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(_refused(pair))
        invite = await pair.door.expect("INVITE")
        for _ in range(3):
            pair.door.reply(invite, "486 Busy Here")
            await pair.door.expect("ACK")


async def test_a_call_without_a_response_ends_after_64_t1(pair: Pair) -> None:
    with pytest.raises(CallFailed, match="no response"):
        await pair.agent.call("100", timeout=100)
    # Timer A: 0, 0.5, 1.5, 3.5, 7.5, 15.5, and 31.5 s (RFC 3261, 17.1.1.2).
    assert [message.what for message in pair.door.line.heard] == ["INVITE"] * 7
    assert len({message.branch for message in pair.door.line.heard}) == 1


async def test_a_provisional_response_ends_the_repetitions(pair: Pair) -> None:
    async with asyncio.TaskGroup() as group:
        calling = group.create_task(_failed(pair, 20))
        invite = await pair.door.expect("INVITE")
        pair.door.reply(invite, "100 Trying")
        await asyncio.sleep(15)
        assert pair.door.line.queue.empty()
        cancel = await pair.door.expect("CANCEL")
        assert (cancel.branch, cancel.uri, cancel.number) == (invite.branch, invite.uri, invite.number)
        assert cancel["to"] == invite["to"]
        pair.door.reply(cancel, "200 OK")
        pair.door.reply(invite, "487 Request Terminated")
        await pair.door.expect("ACK")
        await calling
    assert pair.agent.calls == ()


async def _failed(pair: Pair, timeout: float = 30) -> str:
    with pytest.raises(CallFailed) as caught:
        await pair.agent.call("100", timeout=timeout)
    return str(caught.value)


async def test_cancel_waits_for_the_first_provisional_response(pair: Pair) -> None:
    async with asyncio.TaskGroup() as group:
        calling = group.create_task(_failed(pair, 2))
        invite = await pair.door.expect("INVITE")
        assert await calling == "no answer"
        pair.door.line.queue = asyncio.Queue()
        await asyncio.sleep(0.1)
        assert pair.door.line.queue.empty()
        pair.door.reply(invite, "180 Ringing")
        pair.door.reply(await pair.door.expect("CANCEL"), "200 OK")
        pair.door.reply(invite, "487 Request Terminated")
        await pair.door.expect("ACK")
    assert pair.agent.calls == ()


async def test_an_answer_that_crosses_the_cancel_is_hung_up(pair: Pair) -> None:
    async with rtp_port() as port, asyncio.TaskGroup() as group:
        calling = group.create_task(_failed(pair, 2))
        invite = await pair.door.expect("INVITE")
        pair.door.reply(invite, "180 Ringing")
        cancel = await pair.door.expect("CANCEL")
        pair.door.reply(invite, "200 OK", body=description(port.port))
        pair.door.reply(cancel, "200 OK")
        ack = await pair.door.expect("ACK")
        assert ack.number == invite.number
        bye = await pair.door.expect("BYE")
        pair.door.reply(bye, "200 OK")
        await calling
        await asyncio.sleep(0.1)
    assert pair.agent.calls == ()


async def test_a_call_is_hung_up_before_the_answer(pair: Pair) -> None:
    begun: list[SipCall] = []
    async with asyncio.TaskGroup() as group:
        calling = group.create_task(_failed_of(pair, begun))
        invite = await pair.door.expect("INVITE")
        pair.door.reply(invite, "180 Ringing")
        await asyncio.sleep(1)
        await begun[0].hang_up()
        assert await calling == "hung up before an answer"
        pair.door.reply(await pair.door.expect("CANCEL"), "200 OK")
        pair.door.reply(invite, "487 Request Terminated")
        await pair.door.expect("ACK")
    assert begun[0].end_reason is EndReason.LOCAL


async def _failed_of(pair: Pair, begun: list[SipCall]) -> str:
    with pytest.raises(CallFailed) as caught:
        await pair.agent.call("100", on_dialing=begun.append)
    return str(caught.value)


async def test_the_task_of_a_call_is_canceled(pair: Pair) -> None:
    calling = asyncio.create_task(pair.agent.call("100"))
    invite = await pair.door.expect("INVITE")
    pair.door.reply(invite, "180 Ringing")
    await asyncio.sleep(1)
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    pair.door.reply(await pair.door.expect("CANCEL"), "200 OK")
    pair.door.reply(invite, "487 Request Terminated")
    await pair.door.expect("ACK")


async def test_a_repeated_answer_gets_the_same_ack(pair: Pair) -> None:
    async with rtp_port() as port, asyncio.TaskGroup() as group:
        calling = group.create_task(pair.agent.call("100"))
        invite = await pair.door.expect("INVITE")
        acks = []
        for _ in range(3):
            pair.door.reply(invite, "200 OK", body=description(port.port))
            acks.append(await pair.door.expect("ACK"))
        await calling
        assert len({ack.branch for ack in acks}) == 1


async def test_the_second_answer_of_a_fork_is_hung_up(pair: Pair) -> None:
    async with rtp_port() as port, asyncio.TaskGroup() as group:
        calling = group.create_task(pair.agent.call("100"))
        invite = await pair.door.expect("INVITE")
        pair.door.reply(invite, "200 OK", body=description(port.port), tag="one")
        assert (await pair.door.expect("ACK")).tag("to") == "one"
        call = await calling
        pair.door.reply(invite, "200 OK", body=description(port.port), tag="two")
        assert (await pair.door.expect("ACK")).tag("to") == "two"
        bye = await pair.door.expect("BYE")
        assert bye.tag("to") == "two"
        pair.door.reply(bye, "200 OK")
        await asyncio.sleep(1)
        assert call.state is CallState.ESTABLISHED
        assert pair.agent.calls == (call,)


async def test_early_media_is_heard(pair: Pair) -> None:
    heard: list[bytes] = []

    def listen(call: SipCall) -> None:
        call.on_audio = lambda packet: heard.append(packet.payload)

    async with rtp_port() as port, asyncio.TaskGroup() as group:
        calling = group.create_task(pair.agent.call("100", on_dialing=listen))
        invite = await pair.door.expect("INVITE")
        pair.door.reply(invite, "183 Session Progress", body=description(port.port, "0"))
        await asyncio.sleep(0.1)
        port.send(rtp(1, b"ring"), invite.port)
        await asyncio.sleep(0.1)
        assert heard == [b"ring"]
        # The answer need not repeat the description (RFC 3261, 13.2.1).
        pair.door.reply(invite, "200 OK")
        await pair.door.expect("ACK")
        assert (await calling).codec.name == "PCMU"


@pytest.mark.parametrize(
    "body",
    ["", "v=0\r\nm=audio x RTP/AVP 0\r\n", description(4000, "18"), description(0), "v=0\r\nm=audio 9 RTP/SAVP 0\r\n"],
)
async def test_an_answer_without_a_common_codec_is_hung_up(pair: Pair, body: str) -> None:
    async with asyncio.TaskGroup() as group:
        calling = group.create_task(_failed(pair))
        invite = await pair.door.expect("INVITE")
        pair.door.reply(invite, "200 OK", body=body)
        await pair.door.expect("ACK")
        pair.door.reply(await pair.door.expect("BYE"), "200 OK")
        assert await calling in ("no common audio codec", *MALFORMED)
    await asyncio.sleep(0.1)
    assert pair.agent.calls == ()


MALFORMED = (
    "malformed session description: not a session description",
    "malformed session description: the port of a medium is not a number",
)


async def test_routes_are_recorded_and_followed(pair: Pair) -> None:
    near, far = f"<sip:near@{HOST}:{pair.door.port};lr>", "<sip:far@192.0.2.9;lr>"
    async with rtp_port() as port, asyncio.TaskGroup() as group:
        calling = group.create_task(pair.agent.call("100"))
        # The farther proxy is recorded first in the response (RFC 3261, 12.1.2).
        await pair.door.pick_up(description(port.port), f"Record-Route: {far}", f"Record-Route: {near}")
        assert pair.door.line.heard[-1].fields["route"] == [near, far]
        assert pair.door.line.heard[-1].uri == pair.door.contact.strip("<>")
        made = await calling
        ending = group.create_task(made.hang_up())
        bye = await pair.door.expect("BYE")
        assert bye.fields["route"] == [near, far]
        pair.door.reply(bye, "200 OK")
        await ending


async def test_a_strict_router_gets_its_own_address(pair: Pair) -> None:
    strict, loose = f"<sip:strict@{HOST}:{pair.door.port}>", "<sip:loose@192.0.2.9;lr>"
    async with rtp_port() as port, asyncio.TaskGroup() as group:
        calling = group.create_task(pair.agent.call("100"))
        await pair.door.pick_up(description(port.port), f"Record-Route: {loose}, {strict}")
        ack = pair.door.line.heard[-1]
        assert ack.uri == strict.strip("<>")
        assert ack.fields["route"] == [loose, pair.door.contact]
        await calling


async def test_a_target_must_be_an_address(pair: Pair) -> None:
    with pytest.raises(CallFailed, match="no number or address"):
        await pair.agent.call("a b")
    await pair.door.silence()


async def test_a_call_needs_a_started_agent(pair: Pair) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(pair.agent.stop())
    with pytest.raises(CallFailed, match="not started"):
        await pair.agent.call("100")


@pytest.mark.parametrize("contact", ["Contact: <nonsense", "Contact: <tel:1>", "Contact: door", "Contact: <sip:>", ""])
async def test_an_answer_without_a_valid_contact_is_acknowledged_and_ended(pair: Pair, contact: str) -> None:
    """Otherwise, the door would repeat its answer, and talk to nobody."""
    more = [contact] if contact else []
    async with asyncio.TaskGroup() as group:
        calling = group.create_task(pair.agent.call("100"))
        invite = await pair.door.expect("INVITE")
        pair.door.reply(invite, "180 Ringing", *more, contact=False)
        pair.door.reply(invite, "200 OK", *more, body=description(4000), contact=False)
        assert (await pair.door.expect("ACK")).uri == invite.uri
        ending = group.create_task((await calling).hang_up())
        bye = await pair.door.expect("BYE")
        assert bye.uri == invite.uri
        pair.door.reply(bye, "200 OK")
        await ending
    assert pair.agent.calls == ()


async def test_a_malformed_answer_ends_the_call(pair: Pair) -> None:
    more = "Record-Route: <tel:1>"
    async with asyncio.TaskGroup() as group:
        calling = group.create_task(_failed(pair, 5))
        invite = await pair.door.expect("INVITE")
        pair.door.reply(invite, "180 Ringing", more, contact=False)
        pair.door.reply(invite, "200 OK", more, body=description(4000), contact=False)
        assert (await calling).startswith(("no answer", "malformed answer: "))
    await asyncio.sleep(80)
    assert pair.agent.calls == ()


async def test_malformed_early_media_is_ignored(pair: Pair) -> None:
    async with asyncio.TaskGroup() as group:
        calling = group.create_task(pair.agent.call("100"))
        invite = await pair.door.expect("INVITE")
        pair.door.reply(invite, "183 Progress", body="v=0\r\nm=audio x\r\n")
        pair.door.reply(invite, "200 OK", body=description(4000))
        # A provisional response that was overtaken changes nothing.
        pair.door.reply(invite, "183 Progress", body=description(4000, "8"))
        await pair.door.expect("ACK")
        assert (await calling).codec.name == "PCMU"


async def test_only_some_forks_are_answered(pair: Pair) -> None:
    async with asyncio.TaskGroup() as group:
        calling = group.create_task(pair.agent.call("100"))
        invite = await pair.door.expect("INVITE")
        for number in range(20):
            pair.door.reply(invite, "200 OK", body=description(4000), tag=f"fork{number}")
        await calling
        await asyncio.sleep(40)
    assert len({message.tag("to") for message in pair.door.line.heard if message.what == "ACK"}) == 16


async def test_a_rejection_after_a_timeout_is_acknowledged(pair: Pair) -> None:
    """The door rejects the call while the CANCEL waits."""
    async with asyncio.TaskGroup() as group:
        calling = group.create_task(_failed(pair, 2))
        invite = await pair.door.expect("INVITE")
        await calling
        pair.door.reply(invite, "486 Busy Here")
        await pair.door.until("ACK")
    assert pair.agent.calls == ()


async def test_the_ports_for_audio_cannot_be_opened(pair: Pair) -> None:
    assert pair.agent._core is not None
    host, pair.agent._core.transport.host = pair.agent._core.transport.host, "192.0.2.1"
    assert await _failed(pair) == "call not possible: no free ports for RTP"
    pair.agent._core.transport.host = host
    assert pair.agent.calls == ()
    await pair.door.silence()


async def test_on_dialing_is_called_once(pair: Pair) -> None:
    """The call has exactly the listeners that were set."""
    calls: list[SipCall] = []
    async with asyncio.TaskGroup() as group:
        calling = group.create_task(pair.agent.call("sip:door:secret@127.0.0.1;x=y", on_dialing=calls.append))
        await pair.door.pick_up(description(4000))
        [call] = calls
        assert call is await calling
        assert (call.on_audio, call.on_video, call.on_dtmf) == (None, None, None)
        assert call.remote == "sip:door@127.0.0.1"
        with pytest.raises(TalkError):
            await call.answer()
