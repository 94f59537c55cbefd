"""UDP, TCP, and TLS; loss, unknown senders, and lost connections (RFC 3261, 17 and 18; RFC 3581)."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path
from random import Random
import ssl

from cryptography.hazmat.primitives.asymmetric import ec
import pytest

from custom_components.ip_intercom.talk.errors import CallFailed
from custom_components.ip_intercom.talk.sip_agent import (
    CallState,
    EndReason,
    SipAccount,
    SipAgent,
    SipCall,
    SipPeer,
    Transport,
)
from tests.simulators.common.network import self_signed

from .conftest import Pair
from .peer import HOST, CallOf, Heard, TcpLine, Telephone, UdpLine, description, rtp_port

# ---- UDP ----


async def test_responses_go_where_the_request_came_from(pair: Pair) -> None:
    """RFC 3581, 4: the port is filled in, and the address if it differs."""
    async with rtp_port() as port:
        text = (
            f"OPTIONS sip:ha@{HOST} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9:5999;rport;branch=z9hG4bK1\r\n"
            "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n"
        )
        port.send(text.encode(), pair.agent.local[1])
        await asyncio.sleep(0.1)
        answer = Heard.parse(port.receive()[0], (HOST, 0))
        assert answer["via"].endswith(f"branch=z9hG4bK1;received={HOST};rport={port.port}")


async def test_a_request_without_rport_is_answered_to_its_via_port(pair: Pair) -> None:
    async with rtp_port() as port:
        text = (
            f"OPTIONS sip:ha@{HOST} SIP/2.0\r\nVia: SIP/2.0/UDP {HOST}:{pair.door.port};branch=z9hG4bK1\r\n"
            "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n"
        )
        port.send(text.encode(), pair.agent.local[1])
        assert (await pair.door.expect("200"))["via"] == f"SIP/2.0/UDP {HOST}:{pair.door.port};branch=z9hG4bK1"


async def test_requests_of_unknown_senders_get_no_response(pair: Pair) -> None:
    stranger = Telephone(await UdpLine().open("127.0.0.2"))
    stranger.agent = pair.agent.local
    try:
        for method in ("INVITE", "OPTIONS", "REGISTER", "BYE"):
            stranger.request(method, stranger.calling(), body=description(4000))
        stranger.send("nonsense")
        await stranger.silence()
    finally:
        stranger.line.close()
    assert pair.agent.ignored == 5
    assert pair.calls == []
    assert pair.agent._core is not None
    assert pair.agent._core.transactions.count == 0
    await pair.agent.stop()
    assert pair.agent.ignored == 5


async def test_a_response_of_an_unknown_sender_is_ignored(pair: Pair) -> None:
    stranger = Telephone(await UdpLine().open("127.0.0.2"))
    async with asyncio.TaskGroup() as group:
        calling = group.create_task(pair.agent.call("100"))
        invite = await pair.door.expect("INVITE")
        stranger.reply(invite, "200 OK", body=description(4000))
        await asyncio.sleep(0.1)
        assert not calling.done()
        pair.door.reply(invite, "200 OK", body=description(4000))
        assert (await pair.door.expect("ACK")).tag("to") == "door1"
        await calling
    stranger.line.close()


async def test_responses_to_nothing_are_ignored(pair: Pair) -> None:
    async with asyncio.TaskGroup() as group:
        calling = group.create_task(pair.agent.call("100"))
        invite = await pair.door.expect("INVITE")
        invite.fields["via"][:] = [invite["via"].replace("z9hG4bK", "z9hG4bKx")]
        pair.door.reply(invite, "200 OK", body=description(4000))
        await asyncio.sleep(0.1)
        assert not calling.done()
        invite.fields["via"][:] = [invite["via"].replace("z9hG4bKx", "z9hG4bK")]
        pair.door.reply(invite, "200 OK", body=description(4000))
        await pair.door.until("ACK")
        await calling


@pytest.mark.parametrize("seed", range(12))
async def test_a_fifth_of_the_packets_is_lost(pair: Pair, seed: int) -> None:
    """Calls in both directions start and end with any lost packets."""
    random = Random(seed)
    pair.door.line.loses = lambda data: random.random() < 0.2
    robot = asyncio.create_task(_robot(pair.door))
    try:
        call = await pair.agent.call("100", timeout=60)
        assert call.state is CallState.ESTABLISHED
        await call.hang_up()
        taken = await _dialed(pair)
        assert taken.state is CallState.ESTABLISHED
        await taken.hang_up()
    finally:
        robot.cancel()
    await asyncio.sleep(80)
    assert pair.agent.calls == ()


async def _robot(door: Telephone) -> None:
    """Answer every request as a stateless telephone: the same request gets the same answer."""
    seen: dict[str, CallOf] = {}
    while True:
        message = await door.next()
        if message.what == "INVITE":
            door.reply(message, "200 OK", body=description(4000))
        elif message.what == "BYE":
            door.reply(message, "200 OK")
        elif message.what == "200" and "INVITE" in message["cseq"]:
            call = seen.setdefault(message["call-id"], CallOf(message["call-id"], message["from"], "", ""))
            door.acknowledge(call, message)


async def _dialed(pair: Pair) -> SipCall:
    """Have the door call, and repeat its INVITE as timer A wants it."""
    call = pair.door.calling()
    for seconds in (0.5, 1, 2, 4, 8, 16):
        if call.branch:
            pair.door.request("INVITE", call, body=description(4000), branch=call.branch, number=call.number)
        else:
            pair.door.invite(description(4000), call=call)
        await asyncio.sleep(seconds)
        if pair.calls:
            break
    [taken] = pair.calls
    await taken.answer()
    return taken


async def test_an_agent_without_a_usable_address_does_not_start(socket_enabled: None) -> None:
    agent = SipAgent(SipPeer("127.0.0.1"), local_host="192.0.2.1")
    with pytest.raises(CallFailed, match="cannot start"):
        await agent.start()
    await agent.stop()
    assert (agent.local, agent.uri, agent.ignored) == (("", 0), "", 0)


# ---- TCP ----


async def test_a_call_over_tcp(tcp_pair: Pair) -> None:
    door = tcp_pair.door
    async with asyncio.TaskGroup() as group:
        calling = group.create_task(tcp_pair.agent.call("100"))
        invite, _ = await door.pick_up(description(4000))
        assert invite["via"].startswith("SIP/2.0/TCP ")
        assert invite["contact"].endswith(";transport=tcp>")
        call = await calling
        # Nothing is repeated over TCP, except a 2xx.
        await door.silence()
        ending = group.create_task(call.hang_up())
        door.reply(await door.expect("BYE"), "200 OK")
        await ending
    assert door.line.connections == 1  # type: ignore[union-attr]


async def test_a_door_calls_over_tcp(tcp_pair: Pair) -> None:
    door, line = tcp_pair.door, tcp_pair.door.line
    assert isinstance(line, TcpLine)
    await line.connect(tcp_pair.agent.local)
    async with asyncio.TaskGroup() as group:
        dialog = door.invite(description(4000))
        await door.expect("100")
        [taken] = tcp_pair.calls
        answering = group.create_task(taken.answer())
        ok = await door.expect("200")
        door.acknowledge(dialog, ok)
        await answering
        ending = group.create_task(taken.hang_up())
        # The request goes over the connection of the door.
        door.reply(await door.expect("BYE"), "200 OK")
        await ending
    assert line.connections == 1


async def test_a_lost_connection_fails_an_unanswered_call(tcp_pair: Pair) -> None:
    async with asyncio.TaskGroup() as group:
        calling = group.create_task(_failed(tcp_pair.agent))
        await tcp_pair.door.expect("INVITE")
        tcp_pair.door.line.cut()  # type: ignore[union-attr]
        assert await calling == "connection lost"


async def _failed(agent: SipAgent) -> str:
    with pytest.raises(CallFailed) as caught:
        await agent.call("100")
    return str(caught.value)


async def test_a_lost_connection_does_not_end_a_call(tcp_pair: Pair) -> None:
    door = tcp_pair.door
    async with asyncio.TaskGroup() as group:
        calling = group.create_task(tcp_pair.agent.call("100"))
        await door.pick_up(description(4000))
        call = await calling
        door.line.cut()  # type: ignore[union-attr]
        await asyncio.sleep(1)
        assert call.state is CallState.ESTABLISHED
        ending = group.create_task(call.hang_up())
        door.reply(await door.expect("BYE"), "200 OK")
        await ending
    assert door.line.connections == 2  # type: ignore[union-attr]


async def test_a_lost_connection_ends_a_call_that_rings(tcp_pair: Pair) -> None:
    door, line = tcp_pair.door, tcp_pair.door.line
    assert isinstance(line, TcpLine)
    await line.connect(tcp_pair.agent.local)
    door.invite(description(4000))
    await door.expect("100")
    line.cut()
    [taken] = tcp_pair.calls
    await taken.wait_ended()
    assert taken.end_reason is EndReason.FAILED


async def test_a_call_without_a_listening_server_fails(tcp_pair: Pair) -> None:
    tcp_pair.door.line.close()
    assert await _failed(tcp_pair.agent) == "connection lost"
    # Nor at the second attempt; nothing of the first is in the way.
    assert await _failed(tcp_pair.agent) == "connection lost"


async def test_a_registration_is_renewed_after_a_lost_connection(tcp_line: TcpLine) -> None:
    agent = SipAgent(SipPeer(HOST, tcp_line.port, Transport.TCP), account=SipAccount("7", "x", "example.org"))
    await agent.start()
    door = Telephone(tcp_line)
    async with asyncio.TaskGroup() as group:
        group.create_task(agent.register())
        door.reply(await door.expect("REGISTER"), "200 OK")
    tcp_line.cut()
    begun = asyncio.get_running_loop().time()
    door.reply(await door.expect("REGISTER"), "200 OK")
    assert asyncio.get_running_loop().time() - begun < 3
    await asyncio.sleep(30)
    assert tcp_line.pings == 1
    await agent.stop()


async def test_keep_alives_are_answered(tcp_pair: Pair) -> None:
    reader, writer = await asyncio.open_connection(*tcp_pair.agent.local)
    writer.write(b"\r\n\r\n")
    assert await reader.read(10) == b"\r\n"
    writer.close()


@pytest.mark.parametrize(
    "data", [b"nonsense\r\n\r\n", b"x" * 70_000, b"OPTIONS sip:a SIP/2.0\r\nContent-Length: x\r\n\r\n"]
)
async def test_a_connection_with_nonsense_is_closed(tcp_pair: Pair, data: bytes) -> None:
    reader, writer = await asyncio.open_connection(*tcp_pair.agent.local)
    writer.write(data)
    try:
        assert await reader.read(10) == b""
    except ConnectionResetError:
        # The rest of the data was on its way.
        assert len(data) > 60_000
    writer.close()


async def test_a_message_in_pieces_is_assembled(tcp_pair: Pair) -> None:
    line = tcp_pair.door.line
    assert isinstance(line, TcpLine)
    await line.connect(tcp_pair.agent.local)
    text = (
        "OPTIONS sip:ha@x SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK{0}\r\nFrom: <sip:a@b>;tag=1\r\n"
        "To: <sip:c@d>\r\nCall-ID: {0}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 5\r\n\r\nhello"
    )
    data = (text.format(1) + text.format(2)).encode()
    for at in range(0, len(data), 7):
        line.writers[-1].write(data[at : at + 7])
        await asyncio.sleep(0.001)
    await tcp_pair.door.expect("200")
    await tcp_pair.door.expect("200")


async def test_connections_of_unknown_peers_are_closed(tcp_pair: Pair) -> None:
    reader, writer = await asyncio.open_connection(*tcp_pair.agent.local, local_addr=("127.0.0.2", 0))
    with suppress(ConnectionResetError):
        assert await reader.read(10) == b""
    writer.close()
    assert tcp_pair.agent.ignored == 1


async def test_connections_are_limited(tcp_pair: Pair) -> None:
    opened = [await asyncio.open_connection(*tcp_pair.agent.local) for _ in range(17)]
    await asyncio.sleep(0.1)
    ended = [reader.at_eof() or reader.exception() is not None for reader, _ in opened]
    assert ended == [False] * 16 + [True]
    for _, writer in opened:
        writer.close()


# ---- TLS ----


@pytest.fixture
async def tls_line(socket_enabled: None, tmp_path: Path) -> AsyncGenerator[tuple[TcpLine, ssl.SSLContext]]:
    """A TLS line, and a context that trusts its certificate."""
    certificate = tmp_path / "door.pem"
    certificate.write_bytes(self_signed("Door", ec.generate_private_key(ec.SECP256R1())))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    client = ssl.create_default_context(cafile=str(certificate))
    client.verify_flags &= ~ssl.VERIFY_X509_STRICT
    line = await TcpLine(server).open()
    yield line, client
    line.close()
    await asyncio.sleep(0.1)


async def test_calls_both_ways_over_tls(tls_line: tuple[TcpLine, ssl.SSLContext]) -> None:
    line, context = tls_line
    calls: list[SipCall] = []
    agent = SipAgent(SipPeer(HOST, line.port, Transport.TLS), on_call=calls.append, ssl=context)
    await agent.start()
    door = Telephone(line)
    async with asyncio.TaskGroup() as group:
        calling = group.create_task(agent.call("100"))
        invite, _ = await door.pick_up(description(4000))
        assert invite["via"].startswith("SIP/2.0/TLS ")
        call = await calling
        # The door uses the open connection, because there is no other way.
        dialog = door.invite(description(4000))
        await door.expect("100")
        answering = group.create_task(calls[0].answer())
        door.acknowledge(dialog, await door.expect("200"))
        await answering
        for ended in (call, calls[0]):
            ending = group.create_task(ended.hang_up())
            door.reply(await door.expect("BYE"), "200 OK")
            await ending
    assert line.connections == 1
    await agent.stop()


async def test_an_unknown_certificate_is_not_accepted(tls_line: tuple[TcpLine, ssl.SSLContext]) -> None:
    line, _ = tls_line
    agent = SipAgent(SipPeer(HOST, line.port, Transport.TLS))
    await agent.start()
    assert await _failed(agent) == "connection lost"
    assert line.heard == []
    await agent.stop()
