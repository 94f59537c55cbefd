"""The RTSP server, asked as RFC 2326 says, as go2rtc does, and otherwise."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
import re
import socket
import struct

import pytest

from custom_components.ip_intercom.talk import rtsp_server
from custom_components.ip_intercom.talk.errors import LineBusy, RtspError, TalkError
from custom_components.ip_intercom.talk.rtsp_server import MOST_WAITING, SESSION_TIMEOUT, RtspServer

from .feeds import IDR, MICROPHONE, PPS, SLICE, SOUND, SPS, VIDEO, Feed, rtp, unit
from .go2rtc import Go2rtc

pytestmark = pytest.mark.usefixtures("socket_enabled")

REQUIRE = "Require: www.onvif.org/ver20/backchannel"


@pytest.fixture
async def server() -> AsyncIterator[RtspServer]:
    running = RtspServer()
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
def feed() -> Feed:
    return Feed()


@pytest.fixture
def url(server: RtspServer, feed: Feed) -> str:
    return server.add(feed)


class Client:
    """A connection that sends requests as they are written, ``{}`` being the address."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.packets: list[tuple[int, bytes]] = []

    async def connect(self) -> None:
        port = int(re.findall(r":(\d+)/", self.url)[0])
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port)

    async def ask(self, request: str, *headers: str) -> tuple[int, dict[str, str], str]:
        self.writer.write("\r\n".join([request.format(self.url), "CSeq: 1", *headers, "", ""]).encode())
        return await self.answer()

    async def status_is_sent(self, request: str) -> None:
        """Send a request, and give the server time to answer."""
        self.writer.write(f"{request}\r\nCSeq: 1\r\n\r\n".encode())
        await asyncio.sleep(0.05)

    async def answer(self) -> tuple[int, dict[str, str], str]:
        while True:
            first = await self.reader.readexactly(1)
            if first == b"$":
                await self.packet()
                continue
            head = (first + await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = dict(line.split(": ", 1) for line in head[1:] if line)
            body = await self.reader.readexactly(int(headers.get("Content-Length", "0")))
            return int(head[0].split()[1]), headers, body.decode()

    async def packet(self) -> tuple[int, bytes]:
        channel, size = struct.unpack("!BH", await self.reader.readexactly(3))
        self.packets.append((channel, await self.reader.readexactly(size)))
        return self.packets[-1]

    async def status(self, request: str, *headers: str) -> int:
        return (await self.ask(request, *headers))[0]

    async def play(self, *tracks: int) -> None:
        """Describe with the backchannel, set up tracks, and play."""
        assert await self.status("DESCRIBE {} RTSP/1.0", REQUIRE) == 200
        for track in tracks:
            transport = f"Transport: RTP/AVP/TCP;unicast;interleaved={2 * track}-{2 * track + 1}"
            assert await self.status(f"SETUP {{}}/trackID={track} RTSP/1.0", transport) == 200
        assert await self.status("PLAY {} RTSP/1.0") == 200

    async def rest(self) -> bytes:
        """Return what comes until the server closes the connection."""
        with suppress(ConnectionError):
            return await self.reader.read()
        return b""


@pytest.fixture
async def client(url: str) -> AsyncIterator[Client]:
    connection = Client(url)
    await connection.connect()
    yield connection
    connection.writer.close()


async def settle() -> None:
    """Let bytes arrive that are on their way."""
    for _ in range(20):
        await asyncio.sleep(0.01)


# ---- go2rtc ----


async def test_go2rtc_watches_and_later_talks(url: str, feed: Feed) -> None:
    async with Go2rtc(url) as go2rtc:
        await go2rtc.watch()
        await settle()
        feed.film(unit(SLICE), unit(SPS), unit(PPS), unit(IDR), unit(SLICE))
        feed.sessions[0].send(SOUND, rtp(b"\xff" * 160, payload_type=0))
        await settle()
        # The first packet of the video came without a key frame before it.
        assert [packet[12] & 0x1F for packet in go2rtc.heard[0]] == [SPS, PPS, IDR, SLICE]
        assert len(go2rtc.heard[2]) == 1
        assert [session.talks for session in feed.sessions] == [0]
        await go2rtc.talk()
        await go2rtc.say(b"\x7f" * 1024)
        await settle()
        first, second = feed.sessions
        assert (first.closed, first.talks, second.talks) == (1, 0, 1)
        assert [packet[12:] for packet in second.heard] == [b"\x7f" * 1024]
        assert first.heard == []
    assert go2rtc.requests == [
        *("DESCRIBE", "SETUP trackID=0", "SETUP trackID=1", "PLAY", "TEARDOWN"),
        *("DESCRIBE", "SETUP trackID=0", "SETUP trackID=1", "SETUP trackID=2", "PLAY", "TEARDOWN"),
    ]
    await settle()
    assert [session.closed for session in feed.sessions] == [1, 1]
    assert set(go2rtc.responses) == {200}


async def test_go2rtc_talks_at_once(url: str, feed: Feed) -> None:
    async with Go2rtc(url) as go2rtc:
        await go2rtc.talk()
        assert go2rtc.requests == ["DESCRIBE", "SETUP trackID=0", "SETUP trackID=2", "SETUP trackID=1", "PLAY"]
        assert feed.sessions[0].described == [True]


async def test_go2rtc_is_kept_for_minutes_by_its_keep_alive(url: str, feed: Feed) -> None:
    async with Go2rtc(url) as go2rtc:
        await go2rtc.watch()
        for _ in range(300):
            await asyncio.sleep(1)
        assert go2rtc.requests.count("OPTIONS") == 5
        assert (go2rtc.connections, feed.sessions[0].closed) == (1, 0)
        # Nothing was filmed: only empty reports held it.
        assert set(go2rtc.heard) == {1}
        assert all(packet[1] == 201 for packet in go2rtc.heard[1])


async def test_go2rtc_keeps_the_video_when_the_backchannel_is_refused(url: str, feed: Feed) -> None:
    feed.talk_error = LineBusy("in a call")
    async with Go2rtc(url) as go2rtc:
        await go2rtc.talk()
        await settle()
        feed.film(unit(IDR))
        await settle()
        assert 453 in go2rtc.responses
        assert not go2rtc.backchannel
        assert len(go2rtc.heard[0]) == 1
        assert feed.sessions[-1].described == [False]


async def test_go2rtc_that_is_killed_ends_its_session(url: str, feed: Feed) -> None:
    go2rtc = Go2rtc(url)
    await go2rtc.talk()
    await go2rtc.vanish()
    await settle()
    assert feed.sessions[0].closed == 1


# ---- Requests ----


async def test_options_are_equal_for_all_paths(client: Client, feed: Feed) -> None:
    known = await client.ask("OPTIONS {} RTSP/1.0")
    assert known == await client.ask("OPTIONS {}x RTSP/1.0") == await client.ask("OPTIONS * RTSP/1.0")
    assert known[1]["Public"] == "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER, SET_PARAMETER"
    assert feed.sessions == []


async def test_describe_offers_the_microphone_only_on_request(client: Client, url: str) -> None:
    status, headers, body = await client.ask("DESCRIBE {}/?x=1 RTSP/1.0")
    assert (status, headers["Content-Base"], headers["Content-Type"]) == (200, f"{url}/", "application/sdp")
    assert "sendonly" not in body
    _, _, body = await client.ask("DESCRIBE {} RTSP/1.0", REQUIRE)
    assert body.count("a=sendonly") == 1


@pytest.mark.parametrize("method", ["DESCRIBE", "SETUP", "PLAY", "TEARDOWN", "GET_PARAMETER", "SET_PARAMETER"])
@pytest.mark.parametrize("uri", ["{}x", "rtsp://127.0.0.1", "*", "/", "rtsp://127.0.0.1/{}/x"])
async def test_unknown_paths_are_not_found_and_leave_no_state(
    client: Client, feed: Feed, method: str, uri: str
) -> None:
    assert await client.ask(f"{method} {uri} RTSP/1.0") == (404, {"CSeq": "1"}, "")
    assert feed.sessions == []


async def test_an_unknown_required_feature_is_rejected(client: Client) -> None:
    status, headers, _ = await client.ask("DESCRIBE {} RTSP/1.0", REQUIRE + ", implicit-play")
    assert (status, headers["Unsupported"]) == (551, "implicit-play")


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("PAUSE {} RTSP/1.0", 405),
        ("RECORD {} RTSP/1.0", 405),
        ("FLY {} RTSP/1.0", 501),
        ("OPTIONS {} RTSP/2.0", 505),
        ("SETUP {}/trackID=0 RTSP/1.0", 455),
        ("PLAY {} RTSP/1.0", 455),
        ("GET_PARAMETER {} RTSP/1.0", 200),
        ("SET_PARAMETER {} RTSP/1.0", 200),
    ],
)
async def test_requests_outside_of_a_session_have_their_status(client: Client, request_line: str, status: int) -> None:
    assert await client.status(request_line) == status


async def test_a_parameter_is_not_understood(client: Client) -> None:
    client.writer.write(f"GET_PARAMETER {client.url} RTSP/1.0\r\nCSeq: 2\r\nContent-Length: 7\r\n\r\njitter\n".encode())
    assert (await client.answer())[0] == 451


async def test_a_request_without_a_number_is_rejected(client: Client) -> None:
    client.writer.write(b"OPTIONS * RTSP/1.0\r\n\r\n")
    assert await client.answer() == (400, {}, "")


async def test_setup_of_an_unknown_track_is_an_error(client: Client) -> None:
    await client.ask("DESCRIBE {} RTSP/1.0")
    tcp = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1"
    assert await client.status("SETUP {} RTSP/1.0", tcp) == 459
    # The microphone is only in a description that was asked for with it.
    assert await client.status(f"SETUP {{}}/trackID={MICROPHONE} RTSP/1.0", tcp) == 404
    assert await client.status("SETUP {}/trackID=0 RTSP/1.0", "Transport: RTP/AVP;unicast;client_port=1-2") == 461
    assert await client.status("SETUP {}/trackID=0 RTSP/1.0") == 461
    assert await client.status("SETUP {}/trackID=0 RTSP/1.0", tcp, "Session: other") == 454


async def test_setup_assigns_valid_channels(client: Client) -> None:
    await client.ask("DESCRIBE {} RTSP/1.0")
    for track, wanted, given in ((0, ";interleaved=2-3", "2-3"), (1, ";interleaved=3-4", "0-1"), (1, "", "0-1")):
        header = f"Transport: RTP/AVP/TCP;unicast{wanted}"
        status, headers, _ = await client.ask(f"SETUP {{}}/trackID={track} RTSP/1.0", header)
        assert (status, headers["Transport"]) == (200, f"RTP/AVP/TCP;unicast;interleaved={given}")
        assert re.fullmatch(rf"[0-9a-f]{{16}};timeout={SESSION_TIMEOUT}", headers["Session"])


async def test_a_repeated_setup_talks_once(client: Client, feed: Feed) -> None:
    await client.ask("DESCRIBE {} RTSP/1.0", REQUIRE)
    for _ in range(2):
        header = "Transport: RTP/AVP/TCP;unicast;interleaved=4-5"
        assert await client.status(f"SETUP {{}}/trackID={MICROPHONE} RTSP/1.0", header) == 200
    assert feed.sessions[0].talks == 1


@pytest.mark.parametrize(("error", "status"), [(LineBusy("in a call"), 453), (TalkError("no account"), 503)])
async def test_a_rejected_microphone_leaves_the_video_playing(
    client: Client, feed: Feed, error: TalkError, status: int
) -> None:
    feed.talk_error = error
    await client.ask("DESCRIBE {} RTSP/1.0", REQUIRE)
    header = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1"
    assert await client.status(f"SETUP {{}}/trackID={MICROPHONE} RTSP/1.0", header) == status
    # The video is not affected.
    assert await client.status("SETUP {}/trackID=0 RTSP/1.0", header) == 200
    assert await client.status("PLAY {} RTSP/1.0") == 200
    await settle()
    feed.film(unit(IDR))
    assert (await client.reader.readexactly(1), await client.packet()) == (b"$", (0, rtp(unit(IDR))))


async def test_an_unavailable_camera_is_error_503(client: Client, feed: Feed) -> None:
    feed.describe_error = TalkError("unreachable")
    assert await client.status("DESCRIBE {} RTSP/1.0") == 503
    assert feed.sessions[0].closed == 1
    feed.describe_error, feed.play_error = None, TalkError("unreachable")
    await client.ask("DESCRIBE {} RTSP/1.0")
    await client.ask("SETUP {}/trackID=0 RTSP/1.0", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
    assert await client.status("PLAY {} RTSP/1.0") == 503


async def test_teardown_ends_the_session_and_a_new_one_can_follow(client: Client, feed: Feed) -> None:
    await client.play(VIDEO)
    assert await client.status("PLAY {} RTSP/1.0") == 200
    assert await client.status("DESCRIBE {} RTSP/1.0") == 455
    assert await client.status("SETUP {}/trackID=1 RTSP/1.0", "Transport: RTP/AVP/TCP") == 455
    status, headers, _ = await client.ask("TEARDOWN {} RTSP/1.0")
    assert (status, "Session" in headers) == (200, False)
    assert feed.sessions[0].closed == 1
    await client.play(VIDEO, SOUND)
    assert len(feed.sessions) == 2


async def test_another_path_on_the_same_connection_is_not_found(client: Client, server: RtspServer) -> None:
    other = server.add(Feed())
    await client.ask("DESCRIBE {} RTSP/1.0")
    assert await client.status(f"DESCRIBE {other} RTSP/1.0") == 404


# ---- Packets ----


async def test_the_microphone_is_received_only_while_playing(client: Client, feed: Feed) -> None:
    frame = b"$\x04\x00\x0e" + rtp(b"ab", payload_type=8)
    await client.ask("DESCRIBE {} RTSP/1.0", REQUIRE)
    header = "Transport: RTP/AVP/TCP;unicast;interleaved=4-5"
    await client.ask(f"SETUP {{}}/trackID={MICROPHONE} RTSP/1.0", header)
    client.writer.write(frame)
    await client.ask("PLAY {} RTSP/1.0")
    # Also RTCP and packets of no track are ignored.
    client.writer.write(frame + b"$\x05" + frame[2:] + b"$\x00" + frame[2:])
    await client.ask("OPTIONS * RTSP/1.0")
    assert feed.sessions[0].heard == [rtp(b"ab", payload_type=8)]
    await client.ask("TEARDOWN {} RTSP/1.0")
    client.writer.write(frame)
    await client.ask("OPTIONS * RTSP/1.0")
    assert len(feed.sessions[0].heard) == 1


async def test_rtcp_uses_its_channel_and_other_tracks_are_not_sent(client: Client, feed: Feed) -> None:
    await client.play(VIDEO)
    report = bytes((0x80, 200, 0, 1, 1, 2, 3, 4))
    send = feed.sessions[0].send
    send(SOUND, rtp(b"\xff" * 160, payload_type=0))
    send(VIDEO, rtp(b"x" * 70_000))
    send(VIDEO, report)
    await client.ask("OPTIONS * RTSP/1.0")
    assert client.packets == [(1, report)]
    client.writer.close()
    await client.writer.wait_closed()
    await settle()
    send(VIDEO, report)
    assert feed.sessions[0].closed == 1


@pytest.mark.real_time
async def test_a_slow_reader_loses_video_up_to_the_next_key_frame(
    client: Client, feed: Feed, server: RtspServer
) -> None:
    await client.play(VIDEO, SOUND)
    [connection] = server._connections
    transport = connection._writer.transport
    client.reader._transport.pause_reading()  # type: ignore[attr-defined]  # a reader that does not read
    sent, most = 0, 0
    for number in range(12_000):
        feed.film(unit(IDR if number == 0 else SLICE, 1000))
        feed.sessions[0].send(SOUND, rtp(b"\xff" * 160, payload_type=0))
        most = max(most, transport.get_write_buffer_size())
        sent += 1
    assert MOST_WAITING < most < MOST_WAITING + 5000
    client.reader._transport.resume_reading()  # type: ignore[attr-defined]
    while transport.get_write_buffer_size():
        feed.film(unit(SLICE))
        await client.reader.readexactly(1)
        await client.packet()
    feed.film(unit(SLICE), unit(IDR), unit(SLICE))
    client.writer.write(b"OPTIONS * RTSP/1.0\r\nCSeq: 9\r\n\r\n")
    await client.answer()
    video = [packet[12] & 0x1F for channel, packet in client.packets if channel == 0]
    assert len(video) < sent
    assert video[-2:] == [IDR, SLICE]
    assert video.count(IDR) == 2


# ---- Connections ----


async def test_a_session_without_requests_ends(client: Client, feed: Feed) -> None:
    await client.play(VIDEO)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await client.rest()
    assert feed.sessions[0].closed == 1
    assert SESSION_TIMEOUT - 1 < loop.time() - begun < SESSION_TIMEOUT + 2


async def test_an_invalid_request_gets_400_and_ends_the_connection(client: Client, feed: Feed) -> None:
    await client.play(VIDEO)
    client.writer.write(b"\x16\x03\x01\x02\r\n\r\n")
    assert (await client.answer())[0] == 400
    assert await client.rest() == b""
    assert feed.sessions[0].closed == 1


@pytest.mark.real_time
async def test_a_client_that_reads_no_responses_is_cut_off(
    client: Client, server: RtspServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Small buffers are full soon.
    monkeypatch.setattr(rtsp_server, "MOST_WAITING", 4096)
    client.reader._transport.pause_reading()  # type: ignore[attr-defined]  # a reader that does not read
    await client.status_is_sent("OPTIONS * RTSP/1.0")
    [connection] = server._connections
    transport = connection._writer.transport
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    most = 0
    with suppress(ConnectionError):
        while server._connections:
            client.writer.write(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n" * 20)
            await asyncio.sleep(0.001)
            most = max(most, transport.get_write_buffer_size())
    await connection.ended.wait()
    assert 0 < most < 16_384
    assert server._connections == set()


async def test_connections_are_limited(server: RtspServer, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtsp_server, "_MOST_CONNECTIONS", 2)
    clients = [Client(url) for _ in range(3)]
    for connection in clients:
        await connection.connect()
        await settle()
    assert await clients[2].rest() == b""
    assert await clients[1].status("OPTIONS * RTSP/1.0") == 200
    for connection in clients:
        connection.writer.close()


async def test_a_feed_that_is_removed_ends_its_connections(server: RtspServer, client: Client, feed: Feed) -> None:
    await client.play(VIDEO)
    other = Client(server.add(Feed()))
    await other.connect()
    await other.play(VIDEO)
    server.remove(client.url)
    server.remove("rtsp://127.0.0.1/unknown")
    await client.rest()
    await settle()
    assert feed.sessions[0].closed == 1
    assert await other.status("OPTIONS * RTSP/1.0") == 200
    assert await other.status(f"DESCRIBE {client.url} RTSP/1.0") == 404
    other.writer.close()


async def test_a_stopped_server_ends_all(feed: Feed) -> None:
    server = RtspServer()
    await server.start()
    client = Client(server.add(feed))
    await client.connect()
    await client.play(VIDEO)
    await server.stop()
    assert feed.sessions[0].closed == 1
    assert server.port == 0
    assert await client.rest() is not None
    await server.stop()
    client.writer.close()


async def test_the_server_listens_only_on_this_machine(server: RtspServer, url: str) -> None:
    assert server._server is not None
    assert [sock.getsockname()[0] for sock in server._server.sockets] == ["127.0.0.1"]
    assert len(url.rpartition("/")[2]) == 32
    assert url != server.add(Feed())


async def test_a_server_without_a_port_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object) -> asyncio.Server:
        raise OSError

    monkeypatch.setattr(asyncio, "start_server", refuse)
    server = RtspServer()
    with pytest.raises(RtspError, match="cannot listen"):
        await server.start()
    with pytest.raises(RtspError, match="not running"):
        server.add(Feed())
