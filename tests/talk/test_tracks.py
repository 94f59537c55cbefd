"""Sound without gaps, video of several sources, and microphones."""

import asyncio
from itertools import pairwise
import struct

import pytest

from custom_components.ip_intercom.talk.rtp import RtpPacket, transcode
from custom_components.ip_intercom.talk.tracks import SAMPLES, Microphone, SoundTrack, VideoTrack

from .feeds import rtp

SILENCE = {"PCMU": b"\xff" * SAMPLES, "PCMA": b"\xd5" * SAMPLES}


def recorded(law: str) -> tuple[SoundTrack, list[RtpPacket]]:
    """Return a track, and what it sends."""
    packets: list[RtpPacket] = []
    return SoundTrack(law, lambda packet: packets.append(RtpPacket.parse(packet))), packets


def gapless(packets: list[RtpPacket]) -> bool:
    """Return whether numbers and time go on without a gap."""
    return all(
        (after.sequence - before.sequence & 0xFFFF, after.timestamp - before.timestamp & 0xFFFFFFFF, after.ssrc)
        == (1, len(before.payload), before.ssrc)
        for before, after in pairwise(packets)
    )


@pytest.mark.parametrize("law", ["PCMU", "PCMA"])
async def test_silence_is_sent_at_the_pace_of_the_clock(law: str) -> None:
    track, packets = recorded(law)
    track.start()
    track.start()
    await asyncio.sleep(10)
    track.stop()
    await asyncio.sleep(1)
    assert 485 <= len(packets) <= 495
    assert {packet.payload for packet in packets} == {SILENCE[law]}
    assert {packet.payload_type for packet in packets} == {0 if law == "PCMU" else 8}
    assert gapless(packets)


async def test_sound_replaces_silence() -> None:
    track, packets = recorded("PCMA")
    track.play("PCMA", b"too early")
    track.start()
    await asyncio.sleep(1)
    begun = len(packets)
    track.play("PCMA", b"")
    for number in range(50):
        # Packets of a network: now and then one is late.
        track.play("PCMU" if number % 2 else "PCMA", bytes((number,)) * SAMPLES)
        await asyncio.sleep(0.03 if number % 2 else 0.01)
    heard = packets[begun:]
    track.stop()
    expected = [transcode(bytes((number,)) * SAMPLES, "PCMU" if number % 2 else "PCMA", "PCMA") for number in range(50)]
    assert [packet.payload for packet in heard] == expected
    assert [packet.marker for packet in heard] == [True] + [False] * 49
    assert gapless(packets)


async def test_sound_faster_than_the_clock_is_dropped() -> None:
    track, packets = recorded("PCMU")
    track.start()
    for _ in range(500):
        track.play("PCMU", b"\x01" * SAMPLES)
    track.stop()
    assert 15 <= len(packets) <= 16


async def test_missed_packets_are_not_sent_after_a_blocked_loop() -> None:
    track, packets = recorded("PCMU")
    track.start()
    await asyncio.sleep(1)
    track._until -= 3600
    before = len(packets)
    await asyncio.sleep(0.1)
    track.stop()
    assert len(packets) - before < 10
    jump = packets[before].timestamp - packets[before - 1].timestamp & 0xFFFFFFFF
    assert 3599 * 8000 < jump < 3601 * 8000


async def test_the_numbers_of_a_second_video_continue_the_first() -> None:
    track = VideoTrack()
    first = [rtp(b"a", 65_534 + number, ssrc=1) for number in range(3)]
    assert [track.restamp(packet) for packet in first] == first
    last_time = struct.unpack_from("!I", first[-1], 4)[0]
    await asyncio.sleep(1)
    second = [track.restamp(rtp(b"b", 500 + number, ssrc=2, marker=True), 96) for number in range(3)]
    seen = [RtpPacket.parse(packet) for packet in second if packet is not None]
    assert [packet.sequence for packet in seen] == [1, 2, 3]
    assert all(packet.marker and packet.payload == b"b" and packet.ssrc == 2 for packet in seen)
    assert 0.99 * 90_000 < seen[0].timestamp - last_time < 1.1 * 90_000
    assert [packet.timestamp - seen[0].timestamp for packet in seen] == [0, 3000, 6000]
    back = track.restamp(first[0])
    assert back is not None and RtpPacket.parse(back).sequence == 4
    # The same source restarts.
    await asyncio.sleep(3)
    back = track.restamp(first[0])
    assert back is not None and RtpPacket.parse(back).sequence == 5


async def test_invalid_video_packets_get_no_timestamp() -> None:
    track = VideoTrack()
    assert track.restamp(b"\x80") is None
    assert track.restamp(bytes(40)) is None


class Ear:
    """Records when packets of a microphone are forwarded."""

    def __init__(self) -> None:
        self.packets: list[tuple[float, RtpPacket, str]] = []
        self.microphone = Microphone(self.forward)

    def forward(self, packet: RtpPacket, law: str) -> None:
        self.packets.append((asyncio.get_running_loop().time(), packet, law))

    @property
    def sound(self) -> bytes:
        return b"".join(packet.payload for _, packet, _ in self.packets)


def spoken(number: int, size: int, *, ssrc: int = 5, timestamp: int | None = None) -> RtpPacket:
    start = number * size if timestamp is None else timestamp
    return RtpPacket(0, number, start & 0xFFFFFFFF, ssrc, bytes((number * size + at) % 251 for at in range(size)), True)


async def test_short_packets_are_forwarded_at_once() -> None:
    ear = Ear()
    for number in range(3):
        ear.microphone.put(spoken(number, 160), "PCMA")
    assert [(packet.sequence, packet.timestamp, packet.marker) for _, packet, _ in ear.packets] == [
        (0, 0, False),
        (1, 160, False),
        (2, 320, False),
    ]
    assert {law for _, _, law in ear.packets} == {"PCMA"}


async def test_packets_of_go2rtc_become_packets_of_20_ms() -> None:
    ear = Ear()
    begun = asyncio.get_running_loop().time()
    for number in range(10):
        ear.microphone.put(spoken(number, 1024), "PCMU")
        await asyncio.sleep(0.128)
    await asyncio.sleep(0.2)
    packets = [packet for _, packet, _ in ear.packets]
    assert {len(packet.payload) for packet in packets} == {160}
    assert ear.sound == b"".join(spoken(number, 1024).payload for number in range(10))
    assert gapless(packets)
    steps = [after[0] - before[0] for before, after in pairwise(ear.packets)]
    assert ear.packets[0][0] - begun < 0.001
    assert max(steps) < 0.045
    # Each packet waits less than one of go2rtc is long.
    assert max(at - begun - number * 0.02 for number, (at, _, _) in enumerate(ear.packets)) < 0.03


async def test_a_gap_of_the_microphone_is_kept() -> None:
    ear = Ear()
    ear.microphone.put(spoken(0, 320), "PCMU")
    await asyncio.sleep(1)
    ear.microphone.put(spoken(1, 320, timestamp=8000), "PCMU")
    await asyncio.sleep(1)
    ear.microphone.put(spoken(2, 320, timestamp=0), "PCMU")
    ear.microphone.put(spoken(3, 320, ssrc=6), "PCMU")
    await asyncio.sleep(1)
    packets = [packet for _, packet, _ in ear.packets]
    times = [packet.timestamp - packets[0].timestamp & 0xFFFFFFFF for packet in packets]
    # go2rtc may send all with the time 0: that is no gap.
    assert times == [0, 160, 8000, 8160, 8320, 8480, 8640, 8800]
    assert [packet.ssrc for packet in packets] == [4] * 6 + [7] * 2


async def test_a_flood_of_the_microphone_is_bounded() -> None:
    ear = Ear()
    for number in range(100):
        ear.microphone.put(spoken(number, 1024), "PCMU")
    assert len(ear.microphone._waiting) <= 25
    await asyncio.sleep(0.1)
    ear.microphone.stop()
    count = len(ear.packets)
    await asyncio.sleep(1)
    assert len(ear.packets) == count
    ear.microphone.stop()
