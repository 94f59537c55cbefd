"""A call and a source without a network, for the tests of what joins them."""

import asyncio
from collections.abc import Callable
from itertools import count

from custom_components.ip_intercom.talk.device_stream import Tracks
from custom_components.ip_intercom.talk.errors import TalkError
from custom_components.ip_intercom.talk.rtp import RtpPacket
from custom_components.ip_intercom.talk.sdp import PCMU, Codec

H264 = Codec(96, "H264", 90_000)


class FakeCall:
    """A call with a door, as the line sees it.

    Attributes:
        heard: What the door hears: packets and their codec.
        hung_up: How often this side hung up.
        asked: How often this side asked for a key frame.
    """

    def __init__(self, codec: Codec = PCMU, video: Codec | None = None) -> None:
        self.on_audio: Callable[[RtpPacket], None] | None = None
        self.on_video: Callable[[RtpPacket], None] | None = None
        self.codec = codec
        self.video = video
        self.heard: list[tuple[RtpPacket, str | None]] = []
        self.sent: list[bytes] = []
        self.hung_up = self.asked = 0
        self._ended = asyncio.Event()
        self._numbers = count()

    def send_audio(self, payload: bytes, *, marker: bool = False) -> None:
        self.sent.append(payload)

    def forward(self, packet: RtpPacket, codec: str | None = None) -> None:
        self.heard.append((packet, codec))

    def request_key_frame(self) -> None:
        self.asked += 1

    async def hang_up(self) -> None:
        self.hung_up += 1
        self._ended.set()

    async def wait_ended(self) -> None:
        await self._ended.wait()

    @property
    def sound(self) -> bytes:
        """What the door hears, without its packets."""
        return b"".join(packet.payload for packet, _ in self.heard)

    # ---- The door ----

    def end(self) -> None:
        """The door hangs up."""
        self._ended.set()

    def speak(self, payload: bytes) -> None:
        """The door sends a packet of sound."""
        if self.on_audio is not None:
            self.on_audio(RtpPacket(self.codec.payload, next(self._numbers), 0, 1, payload))

    def show(self, payload: bytes) -> None:
        """The door sends a packet of video."""
        if self.on_video is not None:
            self.on_video(RtpPacket(102, number := next(self._numbers), number * 3000, 0xCA11, payload))


class Phone:
    """Dials a door.

    Attributes:
        calls: All calls that were established.
        dialed: How often it dialed.
        rings: Seconds until the door answers.
        error: Raised instead.
    """

    def __init__(self, codec: Codec = PCMU, video: Codec | None = None) -> None:
        self.calls: list[FakeCall] = []
        self.dialed = 0
        self.canceled = 0
        self.rings = 0.0
        self.error: Exception | None = None
        self._codec, self._video = codec, video

    async def dial(self) -> FakeCall:
        self.dialed += 1
        try:
            await asyncio.sleep(self.rings)
        except asyncio.CancelledError:
            self.canceled += 1
            raise
        if self.error is not None:
            raise self.error
        self.calls.append(FakeCall(self._codec, self._video))
        return self.calls[-1]


class FakeSource:
    """A source of video that is fed by hand."""

    def __init__(self, sound: Codec | None = None, *, yields: bool = False) -> None:
        self.on_video: Callable[[bytes], None] | None = None
        self.on_sound: Callable[[str, bytes], None] | None = None
        self.yields = yields
        self.sound = sound
        self.opened = self.closed = 0
        self.error: TalkError | None = None

    async def open(self) -> Tracks:
        self.opened += 1
        await asyncio.sleep(0.01)
        if self.error is not None:
            raise self.error
        return Tracks(H264, self.sound)

    async def close(self) -> None:
        self.closed += 1
