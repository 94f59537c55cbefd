"""Video made of stills, decoded again."""

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator
import io
from itertools import pairwise
import re

import av
from PIL import Image
import pytest

from custom_components.ip_intercom.talk import stills
from custom_components.ip_intercom.talk.errors import TalkError
from custom_components.ip_intercom.talk.rtp import RtpPacket
from custom_components.ip_intercom.talk.sdp import Codec
from custom_components.ip_intercom.talk.stills import PERIOD, NoStill, StillsVideo
from tests.simulators.smartyard.video import one_frame


def jpeg(level: int, size: tuple[int, int] = (640, 480)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (level, level, level)).save(file, "JPEG")
    return file.getvalue()


class Door:
    """A device that has stills: each one brighter than the one before."""

    def __init__(self) -> None:
        self.fetched = 0
        self.size = (640, 480)
        self.answer: bytes | TalkError | None = b""

    async def fetch(self) -> bytes | None:
        self.fetched += 1
        if isinstance(self.answer, TalkError):
            raise self.answer
        return jpeg(20 * self.fetched, self.size) if self.answer == b"" else self.answer


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
async def video(door: Door) -> AsyncIterator[StillsVideo]:
    created = StillsVideo(door.fetch)
    yield created
    await created.close()


def decoded(codec: Codec, packets: list[RtpPacket]) -> list[av.VideoFrame]:
    """Put the packets together as RFC 6184 says, and decode the video with the parameter sets of the description."""
    sets = re.findall(r"sprop-parameter-sets=([^;]+)", codec.parameters)[0].split(",")
    stream = b"".join(b"\x00\x00\x00\x01" + b64decode(part) for part in sets)
    for packet in packets:
        payload = packet.payload
        if payload[0] & 0x1F != 28:
            stream += b"\x00\x00\x00\x01" + payload
            continue
        if payload[1] & 0x80:
            stream += b"\x00\x00\x00\x01" + bytes((payload[0] & 0xE0 | payload[1] & 0x1F,))
        stream += payload[2:]
    with av.open(io.BytesIO(stream), "r", format="h264") as container:
        return list(container.decode(video=0))


def level(frame: av.VideoFrame) -> float:
    """Return how bright the middle of a picture is."""
    return float(frame.to_ndarray(format="gray")[frame.height // 2, frame.width // 2])


async def test_stills_become_two_pictures_a_second(video: StillsVideo) -> None:
    packets: list[RtpPacket] = []
    video.on_video = lambda packet: packets.append(RtpPacket.parse(packet))
    tracks = await video.open()
    await asyncio.sleep(8 * PERIOD + 0.1)
    await video.close()
    assert (tracks.video.name, tracks.video.payload, tracks.sound) == ("H264", 96, None)
    # Baseline, and in fragments.
    assert "packetization-mode=1;profile-level-id=42" in tracks.video.parameters
    times = sorted({packet.timestamp for packet in packets})
    assert len(times) == sum(packet.marker for packet in packets) == 8
    assert all(40_000 < after - before < 60_000 for before, after in pairwise(times))
    numbers = [packet.sequence & 0xFFFF for packet in packets]
    assert [number - numbers[0] & 0xFFFF for number in numbers] == list(range(len(numbers)))
    begun = next(number for number, packet in enumerate(packets) if packet.payload[0] & 0x1F == 7)
    frames = decoded(tracks.video, packets[begun:])
    assert len(frames) == 5
    levels = [level(frame) for frame in frames]
    assert levels == sorted(levels) and levels[-1] - levels[0] > 60
    assert (frames[0].width, frames[0].height) == (640, 480)
    count = len(packets)
    await asyncio.sleep(2)
    assert len(packets) == count


@pytest.mark.parametrize(
    ("size", "shown"),
    [((2560, 1440), (1280, 720)), ((1023, 767), (1022, 766)), ((600, 3000), (192, 960)), ((2, 2), (16, 16))],
)
async def test_the_video_has_a_supported_size(
    video: StillsVideo, door: Door, size: tuple[int, int], shown: tuple[int, int]
) -> None:
    door.size = size
    packets: list[RtpPacket] = []
    video.on_video = lambda packet: packets.append(RtpPacket.parse(packet))
    tracks = await video.open()
    await asyncio.sleep(6 * PERIOD)
    begun = next(number for number, packet in enumerate(packets) if packet.payload[0] & 0x1F == 7)
    frame = decoded(tracks.video, packets[begun:])[0]
    assert (frame.width, frame.height) == shown


async def test_a_picture_of_another_size_begins_a_key_frame(video: StillsVideo, door: Door) -> None:
    packets: list[RtpPacket] = []
    await video.open()
    video.on_video = lambda packet: packets.append(RtpPacket.parse(packet))
    door.size = (320, 240)
    await asyncio.sleep(PERIOD + 0.1)
    assert packets[0].payload[0] & 0x1F == 7


@pytest.mark.parametrize("answer", [None, TalkError("unreachable"), b"<html>", jpeg(5)[:200]])
async def test_a_still_that_is_missing_repeats_the_last_one(
    video: StillsVideo, door: Door, answer: bytes | TalkError | None
) -> None:
    packets: list[RtpPacket] = []
    await video.open()
    video.on_video = lambda packet: packets.append(RtpPacket.parse(packet))
    door.answer = answer
    await asyncio.sleep(4 * PERIOD)
    repeated = answer is None
    assert bool(packets) is repeated
    door.answer = b""
    await asyncio.sleep(2 * PERIOD)
    assert packets


@pytest.mark.parametrize("answer", [None, TalkError("unreachable"), b"", b"<html>", jpeg(5, (5000, 5000))])
async def test_a_door_without_a_still_is_an_error(
    video: StillsVideo, door: Door, answer: bytes | TalkError | None
) -> None:
    door.answer = answer if answer != b"" else b"\xff\xd8"
    with pytest.raises(TalkError):
        await video.open()
    assert door.fetched == 1


async def test_a_missing_encoder_is_an_error(video: StillsVideo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stills, "_ENCODERS", {"no such encoder": {}})
    with pytest.raises(NoStill, match="no encoder"):
        await video.open()


async def test_an_encoder_without_parameter_sets(video: StillsVideo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stills, "parameter_sets", lambda units: [])
    with pytest.raises(NoStill, match="parameter sets"):
        await video.open()


async def test_a_film_of_one_frame_is_a_still(video: StillsVideo, door: Door) -> None:
    door.answer = one_frame(jpeg(90))
    packets: list[RtpPacket] = []
    video.on_video = lambda packet: packets.append(RtpPacket.parse(packet))
    tracks = await video.open()
    await asyncio.sleep(6 * PERIOD)
    begun = next(number for number, packet in enumerate(packets) if packet.payload[0] & 0x1F == 7)
    frame = decoded(tracks.video, packets[begun:])[0]
    assert (frame.width, frame.height) == (640, 480)
    assert abs(level(frame) - 90) < 12


@pytest.mark.parametrize("still", [one_frame(jpeg(90))[:200], b"\0\0\0\x18ftypmp42"])
async def test_a_film_without_a_picture_is_no_still(video: StillsVideo, door: Door, still: bytes) -> None:
    door.answer = still
    with pytest.raises(NoStill):
        await video.open()
