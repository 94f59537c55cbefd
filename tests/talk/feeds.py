"""A feed of the RTSP server that only records, and hand-made packets of a video."""

from collections.abc import Callable
from itertools import count
import struct

from custom_components.ip_intercom.talk.sdp import PCMA, PCMU, Codec, Direction, Media, SessionDescription

VIDEO, SOUND, MICROPHONE = range(3)
# NAL unit types of H.264 (RFC 6184, 5.2; H.264, table 7-1).
SLICE, IDR, SPS, PPS = 1, 5, 7, 8


def rtp(payload: bytes, sequence: int = 0, *, payload_type: int = 96, marker: bool = False, ssrc: int = 7) -> bytes:
    """Return an RTP packet (RFC 3550, 5.1)."""
    second = payload_type | (0x80 if marker else 0)
    return struct.pack("!BBHII", 0x80, second, sequence & 0xFFFF, sequence * 3000 & 0xFFFFFFFF, ssrc) + payload


def unit(kind: int, size: int = 40) -> bytes:
    """Return a NAL unit of a type."""
    return bytes((0x60 | kind,)) + bytes(range(1, 101)) * (size // 100) + b"\x55" * (size % 100)


def fragments(kind: int, size: int, part: int = 1000) -> list[bytes]:
    """Return a large NAL unit in FU-A payloads (RFC 6184, 5.8)."""
    starts = range(0, size, part)
    return [
        bytes((0x60 | 28, (0x80 if start == 0 else 0) | (0x40 if start == starts[-1] else 0) | kind)) + b"\xab" * part
        for start in starts
    ]


def description(backchannel: bool) -> SessionDescription:
    """Return video and sound, and a microphone if wanted."""
    media = [
        Media("video", 0, "RTP/AVP", (Codec(96, "H264", 90_000),), Direction.RECVONLY, control="trackID=0"),
        Media("audio", 0, "RTP/AVP", (PCMU,), Direction.RECVONLY, control="trackID=1"),
    ]
    if backchannel:
        media.append(Media("audio", 0, "RTP/AVP", (PCMU, PCMA), Direction.SENDONLY, control="trackID=2"))
    return SessionDescription(tuple(media), "0.0.0.0", control="*")


class Session:
    """What one connection did."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.described: list[bool] = []
        self.talks = 0
        self.heard: list[bytes] = []
        self.closed = 0
        self.send: Callable[[int, bytes], None] = lambda track, packet: None

    async def describe(self, backchannel: bool) -> SessionDescription:
        self.described.append(backchannel)
        if self.feed.describe_error is not None:
            raise self.feed.describe_error
        return description(backchannel)

    async def play(self, send: Callable[[int, bytes], None]) -> None:
        if self.feed.play_error is not None:
            raise self.feed.play_error
        # Sent before the response to PLAY: too early.
        send(VIDEO, rtp(unit(IDR)))
        self.send = send

    async def talk(self) -> None:
        if self.feed.talk_error is not None:
            raise self.feed.talk_error
        self.talks += 1

    def receive(self, packet: bytes) -> None:
        self.heard.append(packet)

    async def close(self) -> None:
        self.closed += 1


class Feed:
    """Sessions of one camera; its errors are raised where they are set."""

    def __init__(self) -> None:
        self.sessions: list[Session] = []
        self.describe_error: Exception | None = None
        self.play_error: Exception | None = None
        self.talk_error: Exception | None = None
        self._numbers = count()

    def open(self) -> Session:
        self.sessions.append(Session(self))
        return self.sessions[-1]

    def film(self, *payloads: bytes) -> None:
        """Send video to all sessions."""
        for payload in payloads:
            packet = rtp(payload, next(self._numbers))
            for session in self.sessions:
                session.send(VIDEO, packet)
