"""go2rtc's stand-in on one side, a simulated camera and a call on the other."""

import asyncio
from collections.abc import AsyncIterator, Callable
import struct

import pytest

from custom_components.ip_intercom.talk.bridge import LINGER, Bridge
from custom_components.ip_intercom.talk.device_stream import DeviceStream
from custom_components.ip_intercom.talk.errors import RtspError, TalkError
from custom_components.ip_intercom.talk.line import HANDOVER, MICROPHONE_GONE, Line, LineState
from custom_components.ip_intercom.talk.rtp import RtpPacket, transcode
from custom_components.ip_intercom.talk.rtsp_server import RtspServer
from custom_components.ip_intercom.talk.sdp import PCMA, PCMU
from tests.simulators.common.rtsp import PPS, SPROP, SPS, RtspCamera, Ways

from .fake_call import H264, FakeSource, Phone
from .feeds import IDR, SLICE, SPS as SPS_UNIT, rtp, unit
from .go2rtc import Go2rtc

pytestmark = pytest.mark.usefixtures("socket_enabled")

# Channels of go2rtc: video, its reports, sound.
VIDEO, SOUND = 0, 2
SILENCE = b"\xff" * 160
DOOR = b"\x11" * 160
VOICE = b"\x22" * 160


@pytest.fixture
async def server() -> AsyncIterator[RtspServer]:
    running = RtspServer()
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def camera() -> AsyncIterator[RtspCamera]:
    async with RtspCamera(Ways(login="digest")) as running:
        yield running


@pytest.fixture
def phone() -> Phone:
    return Phone()


@pytest.fixture
async def bridge(camera: RtspCamera, phone: Phone, server: RtspServer) -> AsyncIterator[Bridge]:
    async def address() -> str:
        return camera.login_url

    created = Bridge(DeviceStream(address), Line(phone.dial))
    yield created
    await created.close()


@pytest.fixture
def url(server: RtspServer, bridge: Bridge) -> str:
    return server.add(bridge)


def line_of(bridge: Bridge) -> Line:
    assert bridge.line is not None
    return bridge.line


def sounds(go2rtc: Go2rtc) -> set[bytes]:
    """Return the different packets of sound that were heard, and forget all."""
    return {packet[12:] for packet in go2rtc.heard.pop(SOUND, [])}


async def speak(go2rtc: Go2rtc, seconds: float, *, ssrc: int = 1, size: int = 160) -> None:
    for _ in range(round(seconds * 8000 / size)):
        await go2rtc.say(b"\x22" * size, ssrc=ssrc)
        await asyncio.sleep(size / 8000)


async def test_watching_places_no_call(url: str, phone: Phone, camera: RtspCamera, bridge: Bridge) -> None:
    async with Go2rtc(url) as go2rtc:
        await go2rtc.watch()
        await asyncio.sleep(120)
        video = go2rtc.heard[VIDEO]
        assert 1000 < len(video) < 1500
        assert [packet[12:] for packet in video[:3]] == [SPS, PPS, b"\x65" + bytes(range(200))]
        numbers = [RtpPacket.parse(packet).sequence for packet in video]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert sounds(go2rtc) <= {DOOR, SILENCE}
        assert f"sprop-parameter-sets={SPROP}" in go2rtc.description
        assert "a=rtpmap:96 H264/90000" in go2rtc.description
    await asyncio.sleep(1)
    assert (phone.dialed, line_of(bridge).state) == (0, LineState.IDLE)
    assert camera.methods.count("DESCRIBE") == 2  # one for the challenge


async def test_microphone_and_door_exchange_audio(url: str, phone: Phone, bridge: Bridge) -> None:
    async with Go2rtc(url) as go2rtc:
        await go2rtc.watch()
        await asyncio.sleep(1)
        await go2rtc.talk()
        assert phone.dialed == 0
        await speak(go2rtc, 2)
        assert phone.dialed == 1
        [call] = phone.calls
        assert 90 <= len(call.heard) <= 100
        assert {(packet.payload, law) for packet, law in call.heard} == {(VOICE, "PCMU")}
        sounds(go2rtc)
        call.speak(b"\x33" * 160)
        await asyncio.sleep(0.1)
        # During the call, the door's own stream is not heard.
        assert sounds(go2rtc) == {b"\x33" * 160}
        call.end()
        await speak(go2rtc, 1)
        assert DOOR in sounds(go2rtc)
        assert phone.dialed == 1
        assert len(go2rtc.heard[VIDEO]) > 20


async def test_long_packets_of_the_microphone_are_split(url: str, phone: Phone) -> None:
    async with Go2rtc(url) as go2rtc:
        await go2rtc.talk()
        await speak(go2rtc, 2, size=1024)
        await asyncio.sleep(0.2)
        assert {len(packet.payload) for packet, _ in phone.calls[0].heard} == {160}
        # All but the packet that placed the call.
        assert len(phone.calls[0].sound) >= 14 * 1024 - 160


async def test_the_call_ends_with_the_viewer(url: str, phone: Phone, bridge: Bridge) -> None:
    async with Go2rtc(url) as go2rtc:
        await go2rtc.talk()
        await speak(go2rtc, 1)
        assert line_of(bridge).state is LineState.TALKING
    await asyncio.sleep(HANDOVER + 0.2)
    assert (line_of(bridge).state, phone.calls[0].hung_up) == (LineState.IDLE, 1)


async def test_killing_go2rtc_ends_the_call(url: str, phone: Phone, bridge: Bridge) -> None:
    go2rtc = Go2rtc(url)
    await go2rtc.talk()
    await speak(go2rtc, 1)
    await go2rtc.vanish()
    await asyncio.sleep(HANDOVER + 0.2)
    assert (line_of(bridge).state, phone.calls[0].hung_up) == (LineState.IDLE, 1)


async def test_the_call_ends_with_its_microphone_while_another_viewer_watches(url: str, phone: Phone) -> None:
    async with Go2rtc(url) as go2rtc:
        await go2rtc.talk()
        await speak(go2rtc, 1)
        await asyncio.sleep(MICROPHONE_GONE + 0.5)
        assert phone.calls[0].hung_up == 1
        # The backchannel is still set up. Another viewer talks.
        await asyncio.sleep(30)
        assert phone.dialed == 1
        await speak(go2rtc, 1, ssrc=2)
        assert phone.dialed == 2
        assert go2rtc.connections == 1


async def test_a_new_connection_of_go2rtc_keeps_the_call(url: str, phone: Phone) -> None:
    async with Go2rtc(url) as go2rtc:
        await go2rtc.talk()
        await speak(go2rtc, 1)
        await go2rtc.talk()
        await speak(go2rtc, 1)
        assert go2rtc.connections == 2
        assert (phone.dialed, phone.calls[0].hung_up) == (1, 0)


async def test_a_second_go2rtc_gets_video_but_no_call(url: str, phone: Phone) -> None:
    async with Go2rtc(url) as first, Go2rtc(url) as second:
        await first.talk()
        await speak(first, 1)
        await second.talk()
        assert 453 in second.responses
        await asyncio.sleep(2)
        assert len(second.heard[VIDEO]) > 10
        await speak(first, 1)
        assert (phone.dialed, phone.calls[0].hung_up) == (1, 0)


async def test_the_video_continues_after_a_failed_call(url: str, phone: Phone, bridge: Bridge) -> None:
    phone.error = TalkError("no response")
    async with Go2rtc(url) as go2rtc:
        await go2rtc.talk()
        await speak(go2rtc, 2)
        assert line_of(bridge).error is phone.error
        before = len(go2rtc.heard[VIDEO])
        await asyncio.sleep(2)
        assert len(go2rtc.heard[VIDEO]) > before + 15
        assert go2rtc.connections == 1


@pytest.mark.parametrize(
    ("sound", "offered", "heard"),
    [
        ((0,), "PCMU/8000", {DOOR}),
        ((8,), "PCMA/8000", {DOOR}),
        ((97,), "PCMU/8000", {SILENCE}),
        ((), "PCMU/8000", {SILENCE}),
    ],
)
async def test_sound_of_the_camera_or_silence_is_sent(
    camera: RtspCamera, url: str, sound: tuple[int, ...], offered: str, heard: set[bytes]
) -> None:
    camera.ways.sound = sound
    async with Go2rtc(url) as go2rtc:
        await go2rtc.watch()
        await asyncio.sleep(2)
        sounds(go2rtc)
        await asyncio.sleep(5)
        assert f"a=rtpmap:{sound[0] if sound == (8,) else 0} {offered}\r\na=recvonly" in go2rtc.description
        assert sounds(go2rtc) == heard


async def test_audio_of_the_other_law_is_transcoded(camera: RtspCamera, server: RtspServer) -> None:
    phone = Phone(PCMA)

    async def address() -> str:
        return camera.login_url

    bridge = Bridge(DeviceStream(address), Line(phone.dial))
    async with Go2rtc(server.add(bridge)) as go2rtc:
        await go2rtc.talk()
        await speak(go2rtc, 1)
        sounds(go2rtc)
        phone.calls[0].speak(b"\x33" * 160)
        await asyncio.sleep(0.1)
        assert sounds(go2rtc) == {transcode(b"\x33" * 160, "PCMA", "PCMU")}
    await bridge.close()


# ---- The stream of the camera ----


async def test_all_sessions_share_one_stream_and_it_closes_after_the_last(url: str, camera: RtspCamera) -> None:
    async with Go2rtc(url) as first:
        await first.watch()
        await asyncio.sleep(3)
        async with Go2rtc(url) as second:
            await second.watch()
            await asyncio.sleep(3)
            assert len(camera.links) == 1
            # The late one begins with a key frame, too.
            assert second.heard[VIDEO][0][12:] == SPS
        await first.talk()
        await asyncio.sleep(LINGER + 1)
        assert camera.methods.count("PLAY") == 1
    await asyncio.sleep(LINGER - 1)
    assert len(camera.links) == 1
    await asyncio.sleep(2)
    assert len(camera.links) == 0
    assert camera.methods[-1] == "TEARDOWN"


async def test_a_stream_continues_after_a_camera_restart(url: str, camera: RtspCamera, bridge: Bridge) -> None:
    async with Go2rtc(url) as go2rtc:
        await go2rtc.watch()
        await asyncio.sleep(2)
        await camera.stop()
        await asyncio.sleep(60)
        assert len(go2rtc.heard[SOUND]) > 2900
        await camera.start()
        await asyncio.sleep(20)
        video = [RtpPacket.parse(packet) for packet in go2rtc.heard[VIDEO]]
        assert len(video) > 50
        numbers = [packet.sequence for packet in video]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert go2rtc.connections == 1
        await camera.stop()
        await asyncio.sleep(5)
    # While it tries to connect again.
    await asyncio.sleep(LINGER + 1)
    await camera.start()
    await asyncio.sleep(30)
    assert len(camera.links) == 0


async def test_watching_an_unreachable_camera_is_answered_with_503(
    url: str, camera: RtspCamera, bridge: Bridge
) -> None:
    await camera.stop()
    go2rtc = Go2rtc(url)
    with pytest.raises(ConnectionError):
        await go2rtc.watch()
    assert go2rtc.responses == [503, 503]
    await camera.start()
    async with Go2rtc(url) as again:
        await again.watch()
        await asyncio.sleep(2)
        assert len(again.heard[VIDEO]) > 5


@pytest.mark.parametrize(
    "ways",
    [
        Ways(status={"PLAY": (500, "x")}),
        Ways(status={"SETUP": (500, "x")}),
        Ways(body=b"v=0\r\nm=audio 0 RTP/AVP 0\r\n"),
    ],
)
async def test_a_camera_without_a_stream_is_an_error(camera: RtspCamera, ways: Ways) -> None:
    camera.ways = ways

    async def address() -> str:
        return camera.login_url

    stream = DeviceStream(address)
    with pytest.raises(RtspError):
        await stream.open()
    await stream.close()
    await asyncio.sleep(0.1)
    assert camera.links == set()


async def test_a_stream_ignores_unknown_packets(camera: RtspCamera) -> None:
    async def address() -> str:
        return camera.login_url

    stream = DeviceStream(address)
    await stream.open()
    await asyncio.sleep(1)
    heard: list[bytes] = []
    stream.on_sound = lambda law, payload: heard.append(payload)
    camera.still = True
    for packet in (b"\x80\xc8\x00\x00", bytes(40), rtp(b"x", payload_type=9), rtp(DOOR, payload_type=8)):
        camera.send("audio", packet)
    await asyncio.sleep(0.1)
    assert heard == [DOOR]
    await stream.close()


# ---- Without a stream ----


@pytest.fixture
async def fake() -> AsyncIterator[Callable[[FakeSource, Phone | None], Bridge]]:
    created: list[Bridge] = []

    def make(source: FakeSource, phone: Phone | None = None) -> Bridge:
        created.append(Bridge(source, None if phone is None else Line(phone.dial)))
        return created[-1]

    yield make
    for bridge in created:
        await bridge.close()


type Make = Callable[[FakeSource, Phone | None], Bridge]


@pytest.mark.parametrize("yields", [True, False])
async def test_the_video_of_a_call_replaces_stills(server: RtspServer, fake: Make, yields: bool) -> None:
    source, phone = FakeSource(yields=yields), Phone(video=H264)

    def still(number: int) -> None:
        assert source.on_video is not None
        source.on_video(rtp(unit(IDR, 30), number, ssrc=3))

    async with Go2rtc(server.add(fake(source, phone))) as go2rtc:
        await go2rtc.talk()
        await asyncio.sleep(0.1)
        still(1)
        await speak(go2rtc, 0.2)
        call = phone.calls[0]
        for kind in (SLICE, IDR, SLICE):
            call.show(unit(kind, 50))
        still(2)
        await asyncio.sleep(2.5)
        still(3)
        await asyncio.sleep(0.1)
        packets = [RtpPacket.parse(packet) for packet in go2rtc.heard[VIDEO]]
        shown = [(packet.payload[0] & 0x1F, len(packet.payload)) for packet in packets]
        # The call begins with a key frame, and ends by its silence.
        assert shown == ([(IDR, 31), (IDR, 51), (SLICE, 51), (IDR, 31)] if yields else [(IDR, 31)] * 3)
        assert {packet.payload_type for packet in packets} == {96}
        assert [packet.sequence for packet in packets] == list(range(1, 1 + len(packets)))


@pytest.mark.parametrize("yields", [True, False])
async def test_a_key_frame_is_requested_for_each_viewer(server: RtspServer, fake: Make, yields: bool) -> None:
    """Requests are repeated until it arrives; a source that replaces the call needs none."""
    source, phone = FakeSource(yields=yields), Phone(video=H264)
    bridge = fake(source, phone)
    url = server.add(bridge)
    async with Go2rtc(url) as go2rtc:
        await go2rtc.talk()
        await speak(go2rtc, 0.2)
        call = phone.calls[0]
        assert call.asked == 0
        call.show(unit(SLICE))
        call.show(unit(SLICE))
        assert call.asked == (2 if yields else 0)
        call.show(unit(IDR))
        call.show(unit(SLICE))
        before = call.asked
        assert before == (2 if yields else 0)
        async with Go2rtc(url) as other:
            await other.watch()
            await asyncio.sleep(0.1)
            for kind in (SLICE, SLICE, SPS_UNIT, SLICE):
                call.show(unit(kind))
            assert call.asked == before + (2 if yields else 0)
            await asyncio.sleep(0.1)
            assert bool(other.heard.get(VIDEO)) is yields


async def test_a_camera_without_a_line_has_no_backchannel(server: RtspServer, fake: Make) -> None:
    bridge = fake(FakeSource(PCMU), None)
    async with Go2rtc(server.add(bridge)) as go2rtc:
        await go2rtc.watch()
        assert "sendonly" not in go2rtc.description
    session = bridge.open()
    with pytest.raises(TalkError):
        await session.talk()
    session.receive(rtp(VOICE, payload_type=0))
    session.send(0, b"")
    await session.close()


async def test_a_failed_source_is_opened_again(fake: Make) -> None:
    source = FakeSource()
    source.error = TalkError("no stills")
    bridge = fake(source, None)
    session = bridge.open()
    with pytest.raises(TalkError):
        await session.describe(False)
    await session.close()
    assert (source.opened, source.closed) == (1, 0)
    source.error = None
    await session.describe(False)
    await session.describe(True)
    await session.close()
    await bridge.close()
    assert (source.opened, source.closed) == (2, 1)


async def test_closing_a_watched_bridge_hangs_up_once(server: RtspServer, fake: Make) -> None:
    source, phone = FakeSource(PCMU), Phone()
    bridge = fake(source, phone)
    go2rtc = Go2rtc(server.add(bridge))
    await go2rtc.talk()
    await speak(go2rtc, 0.2)
    await bridge.close()
    assert (source.closed, phone.calls[0].hung_up) == (1, 1)
    await go2rtc.close()
    await asyncio.sleep(LINGER + 1)
    assert source.closed == 1


async def test_invalid_video_packets_are_dropped(server: RtspServer, fake: Make) -> None:
    source = FakeSource(PCMU)
    async with Go2rtc(server.add(fake(source, None))) as go2rtc:
        await go2rtc.watch()
        await asyncio.sleep(0.1)
        assert source.on_video is not None
        for packet in (b"", struct.pack("!BBH", 0, 96, 1), rtp(unit(IDR))):
            source.on_video(packet)
        await asyncio.sleep(0.1)
        assert go2rtc.heard[VIDEO] == [rtp(unit(IDR))]


async def test_an_unresponsive_camera_times_out_before_go2rtc(url: str, camera: RtspCamera) -> None:
    camera.ways.mute = frozenset({"OPTIONS"})
    go2rtc = Go2rtc(url)
    with pytest.raises(ConnectionError):
        await go2rtc.watch()
    assert go2rtc.responses == [503, 503]
