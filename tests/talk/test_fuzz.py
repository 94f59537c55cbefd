"""Spoiled RTSP for the server and the client: typed errors, bounded memory, and nothing is left behind."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
import os
from random import Random
import re
from typing import Any

import pytest

from custom_components.ip_intercom.talk.bridge import Bridge
from custom_components.ip_intercom.talk.errors import TalkError
from custom_components.ip_intercom.talk.line import Line
from custom_components.ip_intercom.talk.rtsp_client import RtspClient
from custom_components.ip_intercom.talk.rtsp_messages import LONGEST_BODY, LONGEST_HEAD, Parser
from custom_components.ip_intercom.talk.rtsp_server import RtspServer
from tests.simulators.common import rtsp as simulated
from tests.simulators.common.rtsp import Request, RtspCamera, Ways

from .fake_call import FakeSource, Phone
from .feeds import IDR, rtp, unit
from .go2rtc import Go2rtc
from .spoiled import spoiled

pytestmark = pytest.mark.usefixtures("socket_enabled")

# The long run: IP_INTERCOM_FUZZ=20000.
ROUNDS = int(os.environ.get("IP_INTERCOM_FUZZ", "2000"))
# What is read at once comes on top of an incomplete message.
MOST_HELD = LONGEST_HEAD + LONGEST_BODY + 4 + 65_536


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Record the most bytes that a parser held."""
    most: Counter[str] = Counter()
    feed = Parser.feed

    def recorded(parser: Parser, data: bytes) -> Any:
        for message in feed(parser, data):
            most["bytes"] = max(most["bytes"], len(parser._buffer))
            yield message
        most["bytes"] = max(most["bytes"], len(parser._buffer))

    monkeypatch.setattr(Parser, "feed", recorded)
    return most


@pytest.fixture
async def unhandled() -> AsyncIterator[list[dict[str, Any]]]:
    """Collect what the loop reports: exceptions of connections and of callbacks."""
    found: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, context: found.append(context))
    yield found
    loop.set_exception_handler(before)


def conversation(url: str) -> bytes:
    """Return all that go2rtc sends in a session with a microphone."""
    tracks = [
        f"SETUP {url}/trackID={track} RTSP/1.0\r\nCSeq: {track + 2}\r\n"
        f"Transport: RTP/AVP/TCP;unicast;interleaved={2 * track}-{2 * track + 1}\r\n\r\n"
        for track in range(3)
    ]
    frame = rtp(b"\x7f" * 160, payload_type=0)
    return (
        (
            f"DESCRIBE {url} RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\n"
            f"Require: www.onvif.org/ver20/backchannel\r\nUser-Agent: go2rtc/1.9.14\r\n\r\n{''.join(tracks)}"
            f"PLAY {url}/ RTSP/1.0\r\nCSeq: 5\r\n\r\n"
        ).encode()
        + (b"$\x04" + len(frame).to_bytes(2) + frame) * 3
        + (
            f"OPTIONS {url}/ RTSP/1.0\r\nCSeq: 6\r\n\r\n"
            f"SET_PARAMETER {url}/ RTSP/1.0\r\nCSeq: 7\r\nContent-Length: 3\r\n\r\na\r\n"
            f"TEARDOWN {url}/ RTSP/1.0\r\nCSeq: 8\r\n\r\n"
        ).encode()
    )


async def test_the_server_survives_spoiled_requests(held: Counter[str], unhandled: list[dict[str, Any]]) -> None:
    phone, source = Phone(), FakeSource()
    line = Line(phone.dial)
    bridge = Bridge(source, line)
    server = RtspServer()
    await server.start()
    url = server.add(bridge)
    random = Random(16)
    statuses: Counter[str] = Counter()
    for number in range(ROUNDS):
        wire = spoiled(conversation(url), random)
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        with suppress(ConnectionError):
            step = random.choice((len(wire), 100, 7)) or 1
            for start in range(0, min(len(wire), 20 * step), step):
                writer.write(wire[start : start + step])
            writer.write(wire[20 * step :])
            if number % 10 == 0 and source.on_video is not None:
                source.on_video(rtp(unit(IDR), number))
            writer.write_eof()
            answered = await reader.read(-1)
            statuses.update(status.decode() for status in re.findall(rb"^RTSP/1\.0 (\d+) ", answered, re.MULTILINE))
        writer.close()
    await asyncio.sleep(2)
    assert unhandled == []
    assert held["bytes"] <= MOST_HELD
    assert server._connections == set()
    assert (bridge._sessions, bridge._users, line._ready) == (set(), 0, set())
    # Both what is right and what is wrong was asked, and nothing went wrong in the server.
    assert statuses.keys() >= {"200", "400", "404", "455", "461", "551"}
    assert "500" not in statuses
    phone.calls.clear()
    async with Go2rtc(url) as go2rtc:
        await go2rtc.talk()
        await asyncio.sleep(3)
        await go2rtc.say(b"\x7f" * 160, ssrc=99)
        await asyncio.sleep(0.1)
        assert len(phone.calls) == 1
    await server.stop()
    await bridge.close()


async def test_the_client_survives_spoiled_responses(
    held: Counter[str], unhandled: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    random = Random(61)
    ways = [
        Ways(login=login, control=control)
        for login in ("none", "basic", "digest")
        for control in ("relative", "absolute")
    ]
    answer = simulated._Link.answer
    spoil = 0

    class Spoiler:
        """Spoils one response of a conversation."""

        def __init__(self, writer: asyncio.StreamWriter) -> None:
            self.writer = writer

        def write(self, data: bytes) -> None:
            nonlocal spoil
            spoil -= 1
            self.writer.write(spoiled(data, random) if spoil == 0 else data)

    def changed(link: simulated._Link, request: Request) -> None:
        writer = link.writer
        link.writer = Spoiler(writer)  # type: ignore[assignment]
        try:
            # A request that is no more what the simulator knows is for the simulator to refuse.
            with suppress(AssertionError, KeyError, ValueError):
                answer(link, request)
        finally:
            link.writer = writer

    monkeypatch.setattr(simulated._Link, "answer", changed)
    results: Counter[str] = Counter()
    packets: list[bytes] = []
    told = ""

    def take(track: int, packet: bytes) -> None:
        packets.append(packet)

    async with RtspCamera() as camera:
        for number in range(ROUNDS):
            camera.ways = random.choice(ways)
            spoil = random.randint(1, 7)
            client = RtspClient(camera.login_url, timeout=2)
            packets = []
            try:
                description = await client.describe(backchannel=number % 2 == 0)
                for medium in description.media:
                    await client.setup(medium)
                await client.play(take)
                client.send(0, rtp(b"x"))
                await asyncio.sleep(0.2)
            except TalkError as err:
                results[type(err).__name__] += 1
                told += str(err)
            else:
                results["played" if packets else "silent"] += 1
            await client.close()
        await asyncio.sleep(1)
        assert unhandled == []
        assert held["bytes"] <= MOST_HELD
        assert camera.links == set()
    assert "s3cr" not in told
    assert results.keys() >= {
        "played", "RtspError", "RtspConnectionFailed", "RtspRefused", "RtspUnauthorized", "RtspRedirected", "SdpError"
    }  # fmt: skip
