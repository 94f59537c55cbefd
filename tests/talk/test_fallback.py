"""A stream with snapshots in its place: the server is off, refuses, or ends, and comes back."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from custom_components.ip_intercom.talk.bridge import LINGER, Bridge
from custom_components.ip_intercom.talk.device_stream import DeviceStream, FallbackVideo
from custom_components.ip_intercom.talk.errors import TalkError
from custom_components.ip_intercom.talk.line import Line
from custom_components.ip_intercom.talk.rtp import RtpPacket
from custom_components.ip_intercom.talk.rtsp_client import STALLED
from custom_components.ip_intercom.talk.rtsp_server import RtspServer
from custom_components.ip_intercom.talk.sdp import Codec
from custom_components.ip_intercom.talk.stills import StillsVideo
from tests.simulators.common.rtsp import PPS, SPS, RtspCamera, Ways

from .fake_call import FakeSource, Phone
from .go2rtc import Go2rtc
from .test_stills import Door, decoded

pytestmark = pytest.mark.usefixtures("socket_enabled")

VIDEO = 0
# A key frame of the camera, as hand-made there.
IDR = b"\x65" + bytes(range(200))


@pytest.fixture
async def camera() -> AsyncIterator[RtspCamera]:
    async with RtspCamera(Ways(login="digest")) as running:
        yield running


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
async def bridge(camera: RtspCamera, door: Door) -> AsyncIterator[Bridge]:
    async def address() -> str:
        return camera.login_url

    created = Bridge(FallbackVideo(DeviceStream(address), StillsVideo(door.fetch)), Line(Phone().dial))
    yield created
    await created.close()


@pytest.fixture
async def url(bridge: Bridge) -> AsyncIterator[str]:
    server = RtspServer()
    await server.start()
    yield server.add(bridge)
    await server.stop()


def payloads(go2rtc: Go2rtc) -> list[bytes]:
    return [packet[12:] for packet in go2rtc.heard.get(VIDEO, [])]


def assert_one_stream(go2rtc: Go2rtc) -> None:
    """Assert that a decoder takes the video for one: numbers follow each other, times do not go back, one payload type."""
    packets = [RtpPacket.parse(packet) for packet in go2rtc.heard[VIDEO]]
    assert all(after.sequence - before.sequence & 0xFFFF == 1 for before, after in pairwise(packets))
    assert all(after.timestamp - before.timestamp & 0xFFFFFFFF < 2**31 for before, after in pairwise(packets))
    assert {packet.payload_type for packet in packets} == {96}


async def test_a_stream_that_works_fetches_no_still(url: str, door: Door, camera: RtspCamera) -> None:
    async with Go2rtc(url) as go2rtc:
        await go2rtc.watch()
        await asyncio.sleep(5)
        assert payloads(go2rtc)[:3] == [SPS, PPS, IDR]
        assert len(go2rtc.heard[2]) > 200  # the sound
        assert_one_stream(go2rtc)
    assert door.fetched == 0


@pytest.mark.parametrize("fault", ["off", "login", "refused", "no video", "silent", "slow"])
async def test_a_server_that_fails_is_replaced_until_it_works(
    url: str, door: Door, camera: RtspCamera, fault: str
) -> None:
    match fault:
        case "off":
            await camera.stop()
        case "login":
            camera.users = {"admin": "another"}
        case "refused":
            camera.ways.status = {"DESCRIBE": (403, "Forbidden")}
        case "no video":
            camera.ways.body = b"v=0\r\nm=audio 0 RTP/AVP 0\r\n"
        case "silent":
            camera.ways.mute = frozenset({"OPTIONS"})
        case "slow":
            camera.ways.mute = frozenset({"PLAY"})
    async with Go2rtc(url) as go2rtc:
        await go2rtc.watch()
        await asyncio.sleep(5)
        assert go2rtc.responses[0] == 200  # with the backchannel, and in time
        assert 8 <= door.fetched <= 11
        assert IDR not in payloads(go2rtc)
        parameters = next(line for line in go2rtc.description.split("\r\n") if "sprop-parameter-sets" in line)
        codec = Codec(96, "H264", 90_000, parameters=parameters.partition(" ")[2])
        assert len(decoded(codec, [RtpPacket.parse(packet) for packet in go2rtc.heard[VIDEO]])) > 4
        if fault == "off":
            await camera.start()
        camera.users, camera.ways = {"admin": "s3cr/t@:"}, Ways(login="digest")
        await asyncio.sleep(65)
        fetched = door.fetched
        await asyncio.sleep(5)
        assert door.fetched == fetched
        assert IDR in payloads(go2rtc)[-30:]
        assert_one_stream(go2rtc)
        assert go2rtc.connections == 1
    await asyncio.sleep(LINGER + 1)
    assert camera.links == set()


async def test_a_rejected_login_is_not_repeated_soon(url: str, door: Door, camera: RtspCamera) -> None:
    camera.users = {"admin": "another"}
    async with Go2rtc(url) as go2rtc:
        await go2rtc.watch()
        await asyncio.sleep(30)
        assert door.fetched > 20
        logins = [request for request in camera.requests if "authorization" in request.headers]
        assert len(logins) == 1


async def test_stills_replace_a_stream_until_it_returns(url: str, door: Door, camera: RtspCamera) -> None:
    async with Go2rtc(url) as go2rtc:
        await go2rtc.watch()
        await asyncio.sleep(3)
        for _ in range(2):
            await camera.stop()
            await asyncio.sleep(5)
            fetched = door.fetched
            assert fetched > 6
            assert not {IDR, SPS} & set(payloads(go2rtc)[-5:])
            await camera.start()
            await asyncio.sleep(16)
            assert IDR in payloads(go2rtc)[-30:]
            door.fetched = 0
            await asyncio.sleep(2)
            assert door.fetched == 0
        assert_one_stream(go2rtc)
        await camera.stop()
        await asyncio.sleep(0.1)
    await asyncio.sleep(LINGER + 1)
    fetched = door.fetched
    await camera.start()
    await asyncio.sleep(30)
    assert (door.fetched, camera.links) == (fetched, set())


async def test_a_stream_that_stalls_is_replaced(url: str, door: Door, camera: RtspCamera) -> None:
    async with Go2rtc(url) as go2rtc:
        await go2rtc.watch()
        await asyncio.sleep(3)
        camera.still = True
        await asyncio.sleep(STALLED + 1)
        camera.still = False
        await asyncio.sleep(10)
        assert door.fetched
        assert IDR in payloads(go2rtc)[-30:]
        assert_one_stream(go2rtc)


async def test_parameter_sets_of_the_description_precede_key_frames(url: str, door: Door, camera: RtspCamera) -> None:
    """The decoder uses those of the stills until others arrive."""
    camera.film = ((IDR[:100], IDR), (b"\x41" + bytes(90),), (fragment := b"\x7c\x85" + bytes(60), b"\x7c\x45abc"))
    await camera.stop()
    async with Go2rtc(url) as go2rtc:
        await go2rtc.watch()
        await camera.start()
        await asyncio.sleep(5)
        assert_one_stream(go2rtc)
        packets = [RtpPacket.parse(packet) for packet in go2rtc.heard[VIDEO][-40:]]
        for key in (IDR[:100], fragment):
            number = next(number for number, packet in enumerate(packets) if number > 1 and packet.payload == key)
            before = packets[number - 2 : number]
            assert [packet.payload for packet in before] == [SPS, PPS]
            assert {(packet.timestamp, packet.marker) for packet in before} == {(packets[number].timestamp, False)}
        # A picture of two slices gets them once.
        assert [packet.payload for packet in packets].count(SPS) <= 28


async def test_a_viewer_gets_an_error_without_stream_and_stills(url: str, door: Door, camera: RtspCamera) -> None:
    await camera.stop()
    door.answer = None
    go2rtc = Go2rtc(url)
    with pytest.raises(ConnectionError):
        await go2rtc.watch()
    assert go2rtc.responses == [503, 503]


async def test_a_slow_stream_is_used_without_stills(url: str, door: Door, camera: RtspCamera) -> None:
    door.answer = None
    camera.ways.delay = 1.3  # twice, with the challenge
    async with Go2rtc(url) as go2rtc:
        await go2rtc.watch()
        await asyncio.sleep(2)
        assert IDR in payloads(go2rtc)


async def test_late_stills_are_shown(url: str, door: Door, camera: RtspCamera) -> None:
    async with Go2rtc(url) as go2rtc:
        await go2rtc.watch()
        await asyncio.sleep(1)
        door.answer = TalkError("away")
        await camera.stop()
        await asyncio.sleep(8)
        seen = len(payloads(go2rtc))
        door.answer = b""
        await asyncio.sleep(8)
        assert len(payloads(go2rtc)) > seen + 3


async def test_stills_do_not_replace_another_codec(camera: RtspCamera, door: Door) -> None:
    """The described codec differs from that of the stills."""

    async def address() -> str:
        return camera.login_url

    camera.ways.video = "H265"
    video = FallbackVideo(DeviceStream(address), StillsVideo(door.fetch))
    seen: list[bytes] = []
    video.on_video = seen.append
    assert (await video.open()).video.name == "H265"
    await asyncio.sleep(2)
    assert len(seen) > 10
    await camera.stop()
    seen.clear()
    await asyncio.sleep(5)
    assert (seen, video.yields) == ([], False)
    await camera.start()
    await asyncio.sleep(16)
    assert seen
    await video.close()
    # The other way round: a stream that came back, and that stills were shown for.
    await camera.stop()
    await video.open()
    await camera.start()
    seen.clear()
    await asyncio.sleep(20)
    assert {packet[1] & 0x7F for packet in seen} == {96}
    assert (camera.links, video.yields) == (set(), True)
    await video.close()


async def test_the_video_of_a_call_replaces_only_stills(camera: RtspCamera) -> None:
    async def address() -> str:
        return camera.login_url

    substitute = FakeSource(yields=True)
    video = FallbackVideo(DeviceStream(address), substitute)
    shown = [(await video.open(), video.yields)[1]]
    await camera.stop()
    await asyncio.sleep(1)
    shown.append(video.yields)
    assert shown == [False, True]
    await video.close()
    assert (substitute.opened, substitute.closed) == (1, 1)


async def test_a_stream_that_starts_with_the_first_still_is_used(camera: RtspCamera, door: Door) -> None:
    """Its first key frame may arrive before the stills start."""

    async def address() -> str:
        return camera.login_url

    stream = DeviceStream(address)
    video = FallbackVideo(stream, StillsVideo(door.fetch))
    await camera.stop()
    await video.open()
    assert stream.on_video is not None
    stream.on_video(bytes((0x80, 96)) + bytes(10) + IDR)
    await asyncio.sleep(3)
    assert (door.fetched, video.yields) == (1, False)
    await video.close()


async def test_a_canceled_opening_leaves_no_connection(camera: RtspCamera, door: Door) -> None:
    async def address() -> str:
        return camera.login_url

    camera.ways.delay = 5.0
    video = FallbackVideo(DeviceStream(address), StillsVideo(door.fetch))
    opening = asyncio.create_task(video.open())
    await asyncio.sleep(0.5)
    opening.cancel()
    await asyncio.wait({opening})
    assert opening.cancelled()
    await asyncio.sleep(10)
    assert (camera.links, door.fetched) == (set(), 0)
