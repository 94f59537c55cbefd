"""Spoiled SIP and RTP: nothing raises, nothing grows, and the agent goes on.

The long run: ``IP_INTERCOM_FUZZ=20000``.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
import os
from random import Random
from typing import Final

import pytest

from custom_components.ip_intercom.talk.errors import SipError, TalkError
from custom_components.ip_intercom.talk.rtp_session import RtpSession
from custom_components.ip_intercom.talk.sip_agent import SipAgent, SipCall, SipPeer, Transport
from custom_components.ip_intercom.talk.sip_messages import MAX_HEAD, MAX_MESSAGE, StreamParser, parse_message
from custom_components.ip_intercom.talk.sip_transactions import MOST
from custom_components.ip_intercom.talk.sip_transports import UdpSipTransport

from .conftest import Pair
from .peer import HOST, Heard, TcpLine, Telephone, UdpLine, description, rtp
from .torture import INVALID, VALID

ROUNDS: Final = int(os.environ.get("IP_INTERCOM_FUZZ", "2000"))
TORTURE: Final = {**VALID, **INVALID}
# Messages after which the transactions get time to end.
BURST: Final = 200

NAMES: Final = (
    "Via", "v", "From", "f", "To", "t", "Call-ID", "i", "CSeq", "Contact", "m", "Route", "Record-Route", "Require",
    "Supported", "k", "Session-Expires", "x", "Min-SE", "Expires", "Min-Expires", "Content-Type", "c", "Content-Length",
    "l", "Content-Encoding", "WWW-Authenticate", "Proxy-Authenticate", "Authorization", "Max-Forwards", "Allow",
    "Timestamp", "RAck", "RSeq", "Retry-After", "X", "", " ", "é", "A" * 300,
)  # fmt: skip
VALUES: Final = (
    "", " ", "0", "-1", "1", "2147483648", "99999999999999999999", "1e9", "\t", "<>", "<", ">", '"', '"\\', "<sip:>", "*",
    "<sip:a@b>", "<sip:a@b>;tag=", "<sip:a@b>;tag=1;tag=2", "sip:a@b;tag=x", "<tel:1>;tag=1", '"é" <sip:a@b>;tag=1',
    "SIP/2.0/UDP x", "SIP/2.0/UDP 127.0.0.1:5060;rport;branch=z9hG4bK", "SIP/2.0/UDP [::1]:1;branch=z9hG4bKx;rport=;received=",
    "SIP/2.0/UDP h;branch=x, SIP/2.0/UDP h;branch=y", "SIP/9.0/X y", "1 INVITE", "1 ACK", "2 BYE", "0 CANCEL", "x INVITE",
    "timer", "100rel", "timer, 100rel", "90;refresher=uac", "1;refresher=uas", "90;refresher=\"", "application/sdp",
    "application/sdp;x", "multipart/mixed", "application/dtmf-relay", "text/plain", "gzip", "identity",
    'Digest realm="x", nonce="y", qop="auth"', 'Digest realm="', 'Digest nonce=,=,', "Basic x", ",", ",,,", ";", ";;=;",
    "<sip:a@b;lr>, <sip:c@d>", "<sip:a@b>" + ", <sip:a@b>" * 300, "x" * 7000, "x" * 9000, '"' * 3000, "\\" * 3000, "<" * 3000,
    "\udce9", "\u202e", "a=b;c", "%00", "0.0.0.0", "-", "\x7f", "\x00",
)  # fmt: skip
LINES: Final = (
    "", "x", "INVITE", "INVITE sip:a@b", "INVITE  sip:a@b  SIP/2.0", "INVITE sip:a@b SIP/1.0", "INVITE sip:a@b sip/2.0",
    "INVITE tel:1 SIP/2.0", "INVITE sip: SIP/2.0", "FOO sip:a@b SIP/2.0", "ACK sip:a@b SIP/2.0", "BYE sip:a@b SIP/2.0",
    "CANCEL sip:a@b SIP/2.0", "OPTIONS * SIP/2.0", "INFO sip:a@b SIP/2.0", "UPDATE sip:a@b SIP/2.0", "PRACK sip:a@b SIP/2.0",
    "SIP/2.0 100 Trying", "SIP/2.0 183 X", "SIP/2.0 200 OK", "SIP/2.0 202", "SIP/2.0 302 Moved", "SIP/2.0 401 No",
    "SIP/2.0 407 No", "SIP/2.0 422 No", "SIP/2.0 423 No", "SIP/2.0 487 No", "SIP/2.0 491 No", "SIP/2.0 999 x", "SIP/2.0 -1 x",
    "HTTP/1.1 200 OK", "GET / HTTP/1.1",
)  # fmt: skip
BYTES: Final = (
    b"\x00",
    b"\xff",
    b"\r\n",
    b"\n",
    b"\r",
    b"\r\n\r\n",
    b":",
    b";",
    b"<",
    b'"',
    b"\xed\xa0\x80",
    b" " * 500,
    b"9" * 500,
)
SESSION: Final = (
    "v=0", "v=1", "m=audio 0 RTP/AVP 0", "m=audio 70000 RTP/AVP 0", "m=audio 4000 RTP/AVP", "m=audio 4000 RTP/AVP 999", "m=video 4000 RTP/AVP 96",
    "m=audio 4000 UDP/TLS/RTP/SAVPF 0", "m=", "c=IN IP4 0.0.0.0", "c=IN IP6 ::1", "c=IN IP4 door.local", "c=IN IP4 224.0.0.1/127",
    "c=", "a=rtpmap:0 PCMU/0", "a=rtpmap:96 H264/90000", "a=rtpmap:x", "a=sendonly", "a=inactive", "a=fmtp:0 " + "x" * 900, "o=", "\x00",
)  # fmt: skip


def spoiled(data: bytes, random: Random) -> bytes:
    """Return a message with one to three changes."""
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        data = random.choice(
            (_change_header, _change_header, _change_header, _change_line, _change_bytes, _change_body)
        )(data, random)
    return data


def _written(lines: list[str], body: bytes) -> bytes:
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body


def _split(data: bytes) -> tuple[list[str], bytes]:
    head, _, body = data.partition(b"\r\n\r\n")
    return head.decode("utf-8", "surrogateescape").split("\r\n"), body


def _change_header(data: bytes, random: Random) -> bytes:
    lines, body = _split(data)
    at = random.randrange(len(lines))
    name, _, value = lines[at].partition(":")
    match random.randrange(6):
        case 0 if at:
            del lines[at]
        case 1:
            lines.insert(at, lines[at])
        case 2 if at:
            lines[at] = f"{name}: {random.choice(VALUES)}"
        case 3 if at:
            cut = random.randint(0, len(value))
            lines[at] = f"{name}:{value[:cut]}{random.choice(VALUES)}{value[cut:]}"
        case 4:
            lines.extend([f"{random.choice(NAMES)}: {random.choice(VALUES)}"] * random.choice((1, 1, 2, 200)))
        case _:
            lines.insert(at, random.choice((" folded", "\tfolded", ":", "no colon", "")))
    return _written(lines, body)


def _change_line(data: bytes, random: Random) -> bytes:
    lines, body = _split(data)
    lines[0] = random.choice(LINES)
    if random.random() < 0.5:
        # A sound message of another method.
        method = lines[0].split(" ")[0]
        lines = [f"CSeq: {random.randrange(5)} {method}" if line.startswith("CSeq") else line for line in lines]
    return _written(lines, body)


def _change_bytes(data: bytes, random: Random) -> bytes:
    at = random.randint(0, len(data))
    match random.randrange(5):
        case 0:
            return data[:at]
        case 1:
            return data[:at] + random.choice(BYTES) + data[at:]
        case 2:
            return data[:at] + random.randbytes(random.choice((1, 4, 64))) + data[at + 4 :]
        case 3:
            return data[:at] + data[max(0, at - 200) :]
        case _:
            return data * random.choice((2, 3))


def _change_body(data: bytes, random: Random) -> bytes:
    lines, body = _split(data)
    if not body:
        body = description(4000).encode()
        lines.append("Content-Type: application/sdp")
    parts = body.decode("utf-8", "surrogateescape").split("\r\n")
    at = random.randrange(len(parts))
    match random.randrange(4):
        case 0:
            del parts[at]
        case 1:
            parts[at] = random.choice(SESSION)
        case 2:
            parts.extend([random.choice(SESSION)] * random.choice((1, 3, 60)))
        case _:
            parts[at] += random.choice(VALUES)
    body = "\r\n".join(parts).encode("utf-8", "surrogateescape")
    lines = [f"Content-Length: {len(body)}" if line.startswith("Content-Length") else line for line in lines]
    return _written(lines, body)


class _Recorder:
    """Collects what a telephone would send, instead of sending it."""

    def __init__(self, door: Telephone) -> None:
        self.door = door
        self.messages: list[bytes] = []

    def record(self, action: Callable[[], object]) -> None:
        put = self.door.line.put
        self.door.line.put = lambda data, address: self.messages.append(data)  # type: ignore[method-assign]
        try:
            action()
        finally:
            self.door.line.put = put  # type: ignore[method-assign]


async def _scene(pair: Pair) -> tuple[list[bytes], asyncio.Task[SipCall]]:
    """Establish a call, begin another, let one ring, and return messages of the door that belong to them."""
    door = pair.door
    recorder = _Recorder(door)
    async with asyncio.TaskGroup() as group:
        calling = group.create_task(pair.agent.call("1"))
        invite, dialog = await door.pick_up(description(4000), "Session-Expires: 1800;refresher=uac", "Allow: UPDATE")
        await calling
    waiting = asyncio.create_task(pair.agent.call("2", timeout=20))
    second = await door.expect("INVITE")
    ringing = door.invite(description(4000))
    await door.until("100")
    for status in (
        "100 Trying",
        "180 Ringing",
        "183 Progress",
        "200 OK",
        "302 Moved",
        "401 No",
        "407 No",
        "422 No",
        "487 No",
    ):
        recorder.record(
            partial(door.reply, second, status, 'WWW-Authenticate: Digest realm="x", nonce="y"', body=description(4000))
        )
    recorder.record(lambda: door.reply(invite, "200 OK", body=description(4000)))
    for method in ("INVITE", "UPDATE", "INFO", "OPTIONS", "BYE", "REFER"):
        recorder.record(partial(door.request, method, dialog, "Supported: timer", body=description(4000)))
    recorder.record(lambda: door.cancel(ringing))
    recorder.record(lambda: door.request("BYE", ringing))
    for method in ("INVITE", "OPTIONS", "REGISTER", "ACK", "CANCEL"):
        recorder.record(partial(door.request, method, door.calling(), body=description(4000)))
    return [*recorder.messages, *TORTURE.values()], waiting


async def test_spoiled_messages_raise_no_error_and_leave_no_transaction(pair: Pair) -> None:
    random = Random(3261)
    core = pair.agent._core
    assert core is not None
    transport = core.transport
    assert isinstance(transport, UdpSipTransport)
    taken: list[asyncio.Task[None]] = []
    outcomes: Counter[str] = Counter()

    async def take(call: SipCall) -> None:
        call.on_state = lambda call: outcomes.update([call.state])
        with suppress(TalkError):
            await call.ring()
            await call.answer(video=random.random() < 0.5)

    def on_call(call: SipCall) -> None:
        outcomes["calls"] += 1
        if random.random() < 0.5:
            taken.append(asyncio.create_task(take(call)))

    messages, waiting = await _scene(pair)
    pair.agent.on_call = on_call
    for number in range(ROUNDS):
        # Sound messages now and then, so that the state moves on.
        data = random.choice(messages) if random.random() < 0.1 else spoiled(random.choice(messages), random)
        # An exception would reach the loop, and here fails the test.
        transport.datagram_received(data, (HOST, pair.door.port))
        assert core.transactions.count <= MOST
        assert len(pair.agent.calls) <= 32
        if number % BURST == BURST - 1:
            await asyncio.sleep(200)
            waiting.cancel()
            await asyncio.gather(waiting, *taken, return_exceptions=True)
            taken.clear()
            pair.door.line.queue = asyncio.Queue()
            pair.door.line.heard.clear()
            pair.agent.on_call = None
            again, waiting = await _renewed(pair)
            messages = again
            pair.agent.on_call = on_call
    waiting.cancel()
    await asyncio.gather(waiting, *taken, return_exceptions=True)
    await asyncio.gather(*(pair.agent._hang_up(call) for call in pair.agent.calls))
    await asyncio.sleep(400)
    assert outcomes["calls"] > ROUNDS / 100
    assert outcomes["established"]
    assert core.transactions.count == 0
    pair.door.line.queue = asyncio.Queue()
    pair.door.request("OPTIONS", pair.door.calling())
    await pair.door.expect("200")


async def _renewed(pair: Pair) -> tuple[list[bytes], asyncio.Task[SipCall]]:
    """End all calls, and begin the scene again."""
    await asyncio.gather(*(pair.agent._hang_up(call) for call in pair.agent.calls))
    await asyncio.sleep(100)
    pair.door.line.queue = asyncio.Queue()
    pair.agent.on_call = pair.calls.append
    return await _scene(pair)


@pytest.mark.parametrize("name", TORTURE)
async def test_torture_messages_raise_nothing(pair: Pair, name: str) -> None:
    pair.door.send(TORTURE[name].decode("latin-1"))
    core = pair.agent._core
    assert core is not None
    assert isinstance(core.transport, UdpSipTransport)
    core.transport.datagram_received(TORTURE[name], (HOST, pair.door.port))
    # The address of the first hop does not count: an answer only ever goes to the peer.
    await asyncio.sleep(0.1)
    for call in pair.calls:
        await call.refuse()
    pair.door.line.queue = asyncio.Queue()
    await asyncio.sleep(100)
    assert core.transactions.count == 0
    pair.door.line.queue = asyncio.Queue()
    pair.door.request("OPTIONS", pair.door.calling())
    await pair.door.expect("200")


def test_spoiled_messages_raise_only_the_typed_error() -> None:
    random = Random(4475)
    messages = list(VALID.values())
    outcomes: Counter[str] = Counter()
    for _ in range(ROUNDS):
        data = spoiled(random.choice(messages), random)
        try:
            message = parse_message(data)
            message.check()
            parse_message(message.to_bytes())
            outcomes["understood"] += 1
        except SipError:
            outcomes["refused"] += 1
    assert min(outcomes.values()) > ROUNDS / 10


def test_spoiled_streams_raise_only_typed_errors_with_bounded_memory() -> None:
    random = Random(18)
    messages = list(TORTURE.values())
    outcomes: Counter[str] = Counter()
    for _ in range(ROUNDS // 10):
        parser = StreamParser()
        try:
            for _ in range(10):
                data = spoiled(random.choice(messages), random)
                cut = random.randint(0, len(data))
                for piece in (data[:cut], data[cut:]):
                    outcomes["messages"] += len(list(parser.feed(piece)))
                assert len(parser._buffer) <= MAX_HEAD + MAX_MESSAGE + len(data)
        except SipError:
            outcomes["refused"] += 1
    assert outcomes["messages"] > ROUNDS / 100
    assert outcomes["refused"] > ROUNDS / 100


async def test_a_flood_of_requests_has_a_limit(pair: Pair) -> None:
    core = pair.agent._core
    assert core is not None
    assert isinstance(core.transport, UdpSipTransport)
    recorder = _Recorder(pair.door)
    for _ in range(MOST + 200):
        recorder.record(lambda: pair.door.request("OPTIONS", pair.door.calling()))
    for data in recorder.messages:
        core.transport.datagram_received(data, (HOST, pair.door.port))
    assert core.transactions.count == MOST
    await asyncio.sleep(60)
    assert core.transactions.count == 0


async def test_spoiled_connections_are_survived(tcp_pair: Pair) -> None:
    random = Random(6026)
    line = tcp_pair.door.line
    assert isinstance(line, TcpLine)
    for _ in range(min(ROUNDS // 20, 500)):
        writer = (await asyncio.open_connection(*tcp_pair.agent.local))[1]
        writer.write(spoiled(random.choice(list(TORTURE.values())), random))
        await asyncio.sleep(0.01)
        for call in tcp_pair.calls:
            await call.refuse()
        tcp_pair.calls.clear()
        writer.close()
    await line.connect(tcp_pair.agent.local)
    tcp_pair.door.request("OPTIONS", tcp_pair.door.calling())
    await tcp_pair.door.expect("200")


async def test_spoiled_rtp_raises_nothing(socket_enabled: None) -> None:
    random = Random(3550)
    heard = 0

    def hear(_: object) -> None:
        nonlocal heard
        heard += 1

    session = RtpSession(8000, hear, HOST)
    await session.open(HOST)
    session.set_peer(HOST, 4000, sending=False)
    control = bytes.fromhex(
        "81c8000c00000007000000000000000100000002000000030000000400000005"
        + "00" * 20
        + "81ca000200000007010161 00".replace(" ", "")
    )
    for number in range(ROUNDS):
        data = bytearray(random.choice((rtp(number & 0xFFFF, b"x" * 20), control)))
        for _ in range(random.choice((0, 1, 2, 5))):
            data[random.randrange(len(data))] = random.randrange(256)
        cut = bytes(data[: random.choice((None, None, random.randrange(len(data))))])
        session.datagram_received(cut, (random.choice((HOST, HOST, HOST, "127.0.0.9")), 4000))
        session.hear_control(cut, HOST)
        session._send_control()
    assert heard > ROUNDS / 10
    assert session.statistics.foreign > ROUNDS / 10
    session.close()


async def test_a_stopped_agent_ignores_messages(line: UdpLine) -> None:
    """Messages may arrive between the last response and the closed socket."""
    agent = SipAgent(SipPeer(HOST, line.port, Transport.UDP))
    await agent.start()
    core = agent._core
    assert core is not None
    assert isinstance(core.transport, UdpSipTransport)
    await agent.stop()
    core.transport.datagram_received(VALID["semiuri"], (HOST, line.port))
    assert Heard.parse(b"SIP/2.0 200 OK\r\nv: x\r\n\r\n", (HOST, 0))["via"] == "x"
