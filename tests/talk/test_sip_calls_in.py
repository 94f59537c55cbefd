"""Calls that the agent takes: rung, answered, refused, canceled, malformed (RFC 3261, 13.3 and 8.2)."""

import asyncio

import pytest

from custom_components.ip_intercom.talk.errors import CallFailed, TalkError
from custom_components.ip_intercom.talk.sip_agent import CallState, EndReason, SipAgent, SipCall
from custom_components.ip_intercom.talk.sip_invite import LONGEST_RING

from .conftest import Pair
from .peer import HOST, CallOf, Heard, description, rtp, rtp_port


async def _offered(pair: Pair, port: int, *headers: str, formats: str = "0 8 101") -> tuple[CallOf, SipCall]:
    """Send an INVITE, and return the dialog and the call."""
    call = pair.door.invite(description(port, formats), *headers)
    await pair.door.expect("100")
    return call, pair.calls[-1]


async def _answered(pair: Pair, call: CallOf, taken: SipCall) -> Heard:
    """Answer a call."""
    async with asyncio.TaskGroup() as group:
        answering = group.create_task(taken.answer())
        ok = await pair.door.expect("200")
        pair.door.acknowledge(call, ok)
        await answering
    return ok


async def test_a_call_rings_and_is_answered(pair: Pair) -> None:
    heard: list[bytes] = []
    async with rtp_port() as port:
        call, taken = await _offered(pair, port.port, "Record-Route: <sip:proxy@127.0.0.1;lr>")
        assert (taken.state, taken.incoming, taken.remote) == (CallState.DIALING, True, f"sip:door@{HOST}")
        await taken.ring()
        await taken.ring()
        ringing = await pair.door.expect("180")
        assert ringing["record-route"] == "<sip:proxy@127.0.0.1;lr>"
        ok = await _answered(pair, call, taken)
        assert ok.tag("to") == ringing.tag("to")
        assert ok["record-route"] == "<sip:proxy@127.0.0.1;lr>"
        assert "m=audio" in ok.body and " 8\r\n" not in ok.body
        assert taken.codec.name == "PCMU"
        taken.on_audio = lambda packet: heard.append(packet.payload)
        port.send(rtp(1, b"hello"), ok.port)
        taken.send_audio(b"\xff" * 160)
        await asyncio.sleep(0.1)
        assert heard == [b"hello"]
        assert port.receive()[0][12:] == b"\xff" * 160
        pair.door.request("BYE", call)
        await pair.door.expect("200")
    assert taken.end_reason is EndReason.REMOTE
    assert pair.agent.calls == ()


async def test_this_side_hangs_up(pair: Pair) -> None:
    async with rtp_port() as port:
        call, taken = await _offered(pair, port.port)
        await _answered(pair, call, taken)
        async with asyncio.TaskGroup() as group:
            group.create_task(taken.hang_up())
            bye = await pair.door.expect("BYE")
            # The tags are those of the call, seen from the other side.
            assert (bye["to"], bye.uri) == (call.local, pair.door.contact.strip("<>"))
            pair.door.reply(bye, "200 OK")
        assert taken.state is CallState.ENDED


async def test_bye_waits_for_the_ack(pair: Pair) -> None:
    async with rtp_port() as port, asyncio.TaskGroup() as group:
        call, taken = await _offered(pair, port.port)
        answering = group.create_task(taken.answer())
        ok = await pair.door.expect("200")
        ending = group.create_task(taken.hang_up())
        await asyncio.sleep(0.1)
        assert taken.state is CallState.ENDED
        pair.door.acknowledge(call, ok)
        pair.door.reply(await pair.door.expect("BYE"), "200 OK")
        await asyncio.gather(answering, ending)


async def test_an_answer_is_repeated_until_the_ack(pair: Pair) -> None:
    async with rtp_port() as port, asyncio.TaskGroup() as group:
        call, taken = await _offered(pair, port.port)
        answering = group.create_task(taken.answer())
        first = await pair.door.expect("200")
        second = await pair.door.expect("200")
        third = await pair.door.expect("200")
        assert first.body == second.body == third.body
        pair.door.acknowledge(call, third)
        await answering
        await pair.door.silence(10)
        assert taken.state is CallState.ESTABLISHED


@pytest.mark.parametrize("late_ack", [True, False])
async def test_bye_of_the_caller_before_its_ack_ends_the_answer(pair: Pair, late_ack: bool) -> None:
    """The ACK was lost, or was overtaken."""
    async with rtp_port() as port:
        call, taken = await _offered(pair, port.port)
        answering = asyncio.create_task(taken.answer())
        ok = await pair.door.expect("200")
        call.remote = ok["to"]
        pair.door.request("BYE", call)
        await pair.door.expect("200")
        if late_ack:
            pair.door.acknowledge(call, ok)
        with pytest.raises(CallFailed, match="gave up"):
            await answering
        await pair.door.silence()
        assert taken.end_reason is EndReason.REMOTE
        assert pair.agent.calls == ()


async def test_an_answer_that_is_never_acknowledged_ends_the_call(pair: Pair) -> None:
    async with rtp_port() as port:
        _, taken = await _offered(pair, port.port)
        with pytest.raises(CallFailed, match="not acknowledged"):
            await taken.answer()
        assert taken.end_reason is EndReason.FAILED
        pair.door.reply(await pair.door.until("BYE"), "200 OK")
    # T1 doubled up to T2 for 64 T1: 0, 0.5, 1.5, 3.5, 7.5, 11.5, ... 31.5 (RFC 3261, 13.3.1.4).
    assert len([message for message in pair.door.line.heard if message.what == "200"]) == 11


@pytest.mark.parametrize(("status", "reason"), [(486, "Busy Here"), (603, "Decline"), (480, "Temporarily Unavailable")])
async def test_a_call_is_refused(pair: Pair, status: int, reason: str) -> None:
    call, taken = await _offered(pair, 4000)
    await taken.refuse(status)
    refusal = await pair.door.expect(str(status))
    assert refusal.start.endswith(reason)
    pair.door.acknowledge_refusal(call, refusal)
    await pair.door.silence()
    assert taken.end_reason is EndReason.LOCAL
    assert pair.agent.calls == ()


async def test_hanging_up_declines_a_call_that_rings(pair: Pair) -> None:
    _, taken = await _offered(pair, 4000)
    await taken.hang_up()
    await pair.door.expect("603")


async def test_a_refusal_is_repeated_until_its_ack(pair: Pair) -> None:
    call, taken = await _offered(pair, 4000)
    await taken.refuse()
    for _ in range(4):
        refusal = await pair.door.expect("486")
    pair.door.acknowledge_refusal(call, refusal)
    await pair.door.silence()


async def test_the_caller_gives_up(pair: Pair) -> None:
    call, taken = await _offered(pair, 4000)
    await taken.ring()
    await pair.door.expect("180")
    pair.door.cancel(call)
    assert (await pair.door.expect("200"))["cseq"] == f"{call.number} CANCEL"
    ended = await pair.door.expect("487")
    assert ended["cseq"] == f"{call.number} INVITE"
    pair.door.acknowledge_refusal(call, ended)
    await taken.wait_ended()
    assert taken.end_reason is EndReason.CANCELED
    with pytest.raises(TalkError, match="does not ring"):
        await taken.answer()


async def test_the_caller_gives_up_while_the_ports_open(pair: Pair) -> None:
    call, taken = await _offered(pair, 4000)
    async with asyncio.TaskGroup() as group:
        answering = group.create_task(_fails(taken))
        pair.door.cancel(call)
        await pair.door.until("487")
        assert "gave up" in await answering


async def _fails(taken: SipCall) -> str:
    # The CANCEL is on its way when the answer begins.
    opens = taken._media.open

    async def slowly(host: str, peer: str) -> None:
        await asyncio.sleep(0.1)
        await opens(host, peer)

    taken._media.open = slowly  # type: ignore[method-assign]
    with pytest.raises(CallFailed) as caught:
        await taken.answer()
    return str(caught.value)


@pytest.mark.parametrize(
    ("reasons", "end"),
    [
        (('Reason: SIP ;cause=200 ;text="Call completed elsewhere"',), EndReason.ELSEWHERE),
        (("Reason: Q.850;cause=26",), EndReason.ELSEWHERE),
        (("Reason: Q.850;cause=16", "Reason: SIP;cause=200"), EndReason.ELSEWHERE),
        (('Reason: SIP;cause=487;text="ORIGINATOR_CANCEL"',), EndReason.CANCELED),
        (("Reason: Q.850;cause=16",), EndReason.CANCELED),
        (("Reason: ;;=200",), EndReason.CANCELED),
    ],
)
async def test_the_reason_of_a_canceled_call_is_read(pair: Pair, reasons: tuple[str, ...], end: EndReason) -> None:
    """RFC 3326, 2 and 3.1."""
    call, taken = await _offered(pair, 4000)
    pair.door.request("CANCEL", call, *reasons, number=call.number, branch=call.branch)
    await pair.door.expect("200")
    pair.door.acknowledge_refusal(call, await pair.door.expect("487"))
    assert taken.end_reason is end


async def test_a_cancel_after_the_answer_changes_nothing(pair: Pair) -> None:
    async with rtp_port() as port:
        call, taken = await _offered(pair, port.port)
        await _answered(pair, call, taken)
        pair.door.cancel(call)
        await pair.door.expect("200")
        await asyncio.sleep(1)
        assert taken.state is CallState.ESTABLISHED


async def test_a_cancel_without_a_call(pair: Pair) -> None:
    call = pair.door.calling()
    call.branch = "z9hG4bK-unknown"
    pair.door.cancel(call)
    await pair.door.expect("481")


async def test_a_caller_may_end_with_bye_before_the_answer(pair: Pair) -> None:
    call, taken = await _offered(pair, 4000)
    await taken.ring()
    call.remote = (await pair.door.expect("180"))["to"]
    pair.door.request("BYE", call)
    await pair.door.expect("200")
    await pair.door.expect("487")
    assert taken.end_reason is EndReason.CANCELED


async def test_a_call_rings_for_a_limited_time(pair: Pair) -> None:
    _, taken = await _offered(pair, 4000)
    await taken.ring()
    # It still rings each minute (RFC 3261, 13.3.1.1).
    await pair.door.expect("180")
    await pair.door.expect("180")
    await asyncio.sleep(LONGEST_RING)
    await pair.door.until("480")
    assert taken.end_reason is EndReason.NO_ANSWER


async def test_the_expires_header_of_a_caller_limits_the_ringing(pair: Pair) -> None:
    _, taken = await _offered(pair, 4000, "Expires: 20")
    await asyncio.sleep(21)
    await pair.door.expect("480")
    assert taken.end_reason is EndReason.NO_ANSWER


async def test_a_repeated_invite_gets_the_last_response(pair: Pair) -> None:
    call, taken = await _offered(pair, 4000)
    await taken.ring()
    await pair.door.expect("180")
    pair.door.request("INVITE", call, body=description(4000), branch=call.branch, number=call.number)
    await pair.door.expect("180")
    assert len(pair.calls) == 1


async def test_the_offer_may_come_in_the_ack(pair: Pair) -> None:
    async with rtp_port() as port, asyncio.TaskGroup() as group:
        call = pair.door.invite()
        await pair.door.expect("100")
        [taken] = pair.calls
        answering = group.create_task(taken.answer())
        ok = await pair.door.expect("200")
        assert "PCMU/8000" in ok.body and "PCMA/8000" in ok.body
        pair.door.acknowledge(call, ok, description(port.port, "8"))
        await answering
        assert taken.codec.name == "PCMA"
        taken.send_audio(b"\xd5")
        await asyncio.sleep(0.1)
        assert port.receive()[0][1] & 0x7F == 8


async def test_an_ack_without_an_answer_ends_the_call(pair: Pair) -> None:
    async with asyncio.TaskGroup() as group:
        call = pair.door.invite()
        await pair.door.expect("100")
        group.create_task(_fails_plainly(pair.calls[0]))
        pair.door.acknowledge(call, await pair.door.expect("200"))
        pair.door.reply(await pair.door.expect("BYE"), "200 OK")


async def _fails_plainly(taken: SipCall) -> None:
    with pytest.raises(CallFailed):
        await taken.answer()


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (description(4000, "18"), (), "488"),
        ("v=0\r\nm=audio x RTP/AVP 0\r\n", (), "488"),
        (description(4000), ("Require: 100rel",), "420"),
        (description(4000), ("Require: foo, timer",), "420"),
        (description(4000), ("Session-Expires: 30", "Supported: timer"), "422"),
        ("hello", ("Content-Type: text/plain",), "415"),
        ("hello", ("Content-Type: multipart/mixed;boundary=x",), "415"),
        (description(4000), ("Content-Encoding: gzip",), "415"),
        (description(4000), ("From: <sip:other@127.0.0.1>;tag=2",), "400"),
    ],
)
async def test_unsupported_invites_are_rejected(pair: Pair, body: str, headers: tuple[str, ...], status: str) -> None:
    call = pair.door.invite(body, *headers)
    refusal = await pair.door.expect(status)
    if status == "420":
        assert refusal["unsupported"] in ("100rel", "foo")
    if status == "422":
        assert refusal["min-se"] == "90"
    if status == "415":
        assert refusal["accept"] == "application/sdp"
    pair.door.acknowledge_refusal(call, refusal)
    assert pair.calls == []
    assert pair.agent.calls == ()


async def test_an_invite_without_contact_is_refused(pair: Pair) -> None:
    text = (
        f"INVITE sip:ha@{HOST} SIP/2.0\r\nVia: SIP/2.0/UDP {HOST}:{pair.door.port};branch=z9hG4bK1\r\n"
        f"From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
    )
    pair.door.send(text)
    await pair.door.expect("400")
    assert pair.calls == []


async def test_a_codec_may_vanish_between_ring_and_answer(pair: Pair) -> None:
    """No port is free: the call is rejected."""
    _, taken = await _offered(pair, 4000)

    async def no_port(host: str, peer: str) -> None:
        raise TalkError("no free ports for RTP")

    taken._media.open = no_port  # type: ignore[method-assign]
    with pytest.raises(CallFailed, match="no free ports"):
        await taken.answer()
    await pair.door.expect("488")


async def test_an_agent_without_a_listener_takes_no_calls(pair: Pair) -> None:
    pair.agent.on_call = None
    pair.door.invite(description(4000))
    await pair.door.expect("480")


async def test_a_merged_invite_is_rejected(pair: Pair) -> None:
    call, _ = await _offered(pair, 4000)
    pair.door.request("INVITE", call, body=description(4000), number=call.number)
    await pair.door.expect("482")


async def test_too_many_calls_are_busy(pair: Pair) -> None:
    for _ in range(32):
        await _offered(pair, 4000)
    pair.door.invite(description(4000))
    await pair.door.expect("486")
    with pytest.raises(CallFailed, match="too many calls"):
        await pair.agent.call("1")


@pytest.mark.parametrize(
    ("method", "status"),
    [("OPTIONS", "200"), ("REGISTER", "405"), ("SUBSCRIBE", "501"), ("BYE", "481"), ("NEWMETHOD", "501")],
)
async def test_requests_without_a_call(pair: Pair, method: str, status: str) -> None:
    pair.door.request(method, pair.door.calling())
    answer = await pair.door.expect(status)
    if status != "481":
        assert "INVITE" in answer["allow"]


@pytest.mark.parametrize("method", ["BYE", "INVITE", "INFO", "UPDATE", "OPTIONS"])
async def test_requests_of_an_unknown_call(pair: Pair, method: str) -> None:
    call = pair.door.calling()
    call.remote += ";tag=unknown"
    pair.door.request(method, call)
    await pair.door.expect("481")


async def test_an_ack_gets_no_answer(pair: Pair) -> None:
    pair.door.request("ACK", pair.door.calling(), number=1)
    call = pair.door.calling()
    call.remote += ";tag=unknown"
    pair.door.request("ACK", call, number=1)
    await pair.door.silence()


@pytest.mark.parametrize(("uri", "status"), [("tel:+1", "416"), ("sip:", "400"), ("sip:a@b:99999", "400")])
async def test_an_unsupported_request_uri_is_rejected(pair: Pair, uri: str, status: str) -> None:
    pair.door.request("OPTIONS", pair.door.calling(), uri=uri)
    await pair.door.expect(status)


async def test_stopping_the_agent_ends_its_calls(pair: Pair) -> None:
    async with rtp_port() as port:
        call, taken = await _offered(pair, port.port)
        await _answered(pair, call, taken)
        _, ringing = await _offered(pair, 4000)
        async with asyncio.TaskGroup() as group:
            group.create_task(pair.agent.stop())
            first, second = await pair.door.next(), await pair.door.next()
            assert {first.what, second.what} == {"BYE", "480"}
            # A new call comes too late.
            pair.door.invite(description(4000))
            await pair.door.until("480")
            pair.door.reply(first if first.what == "BYE" else second, "200 OK")
    assert (taken.end_reason, ringing.end_reason) == (EndReason.LOCAL, EndReason.LOCAL)


async def test_stopping_the_agent_does_not_wait_for_a_silent_peer(pair: Pair) -> None:
    async with rtp_port() as port:
        call, taken = await _offered(pair, port.port)
        await _answered(pair, call, taken)
    begun = asyncio.get_running_loop().time()
    await pair.agent.stop()
    assert asyncio.get_running_loop().time() - begun < 10
    # A second stop has nothing to do.
    await pair.agent.stop()


def test_ring_and_answer_are_for_incoming_calls() -> None:
    assert SipAgent.__doc__
    call = SipCall.__new__(SipCall)
    for action in (call.ring(), call.answer(), call.refuse()):
        with pytest.raises(TalkError, match="not an incoming call"):
            action.send(None)


async def test_stopping_the_agent_ends_an_answer_whose_ack_was_lost(pair: Pair) -> None:
    """The door believes that it is in a call, and no other message would end that."""
    async with rtp_port() as port, asyncio.TaskGroup() as group:
        _, taken = await _offered(pair, port.port)
        group.create_task(taken.answer())
        await pair.door.expect("200")
        stopping = group.create_task(pair.agent.stop())
        pair.door.reply(await pair.door.until("BYE"), "200 OK")
        await stopping
    assert taken.end_reason is EndReason.LOCAL
