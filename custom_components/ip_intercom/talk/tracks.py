"""The media of the bridge: a sound without gaps, a video of several sources, and a microphone in packets of 20 ms."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from secrets import randbits
import struct
from typing import Final

from .rtp import RtpPacket, pack, transcode
from .sdp import PCMA, PCMU, Codec

RATE: Final = 8000
# Samples of a packet: 20 ms.
SAMPLES: Final = 160
# Samples of a packet that is forwarded as it is.
_MOST_SAMPLES: Final = 240
LAWS: Final = {PCMU.payload: PCMU.name, PCMA.payload: PCMA.name}
_CODECS: Final = {PCMU.name: PCMU, PCMA.name: PCMA}
_SILENCE: Final = {PCMU.name: b"\xff" * SAMPLES, PCMA.name: b"\xd5" * SAMPLES}
# Seconds between two looks whether silence is due, and what a source may pause.
_TICK: Final = 0.04
_LATE: Final = 0.2
# Seconds that sound may be ahead of the clock before it is dropped.
_AHEAD: Final = 0.3
# Seconds without a packet after which a video is another one: a device that restarts may keep its SSRC.
_RESTART: Final = 2.0
_START: Final = struct.Struct("!BBHII")


class SoundTrack:
    """A G.711 stream for viewers: the sound of the current source, and silence without one."""

    def __init__(self, law: str, send: Callable[[bytes], None]) -> None:
        self.codec: Codec = _CODECS[law]
        self._send = send
        self._ssrc, self._sequence, self._timestamp = randbits(32), randbits(16), randbits(32)
        self._timer: asyncio.TimerHandle | None = None
        # Up to when there is sound, on the clock of the loop.
        self._until = 0.0
        # When the last packet of a source arrived.
        self._heard_at = float("-inf")
        self._marker = True

    def start(self) -> None:
        """Begin with silence."""
        if self._timer is None:
            self._until = asyncio.get_running_loop().time()
            self._tick()

    def stop(self) -> None:
        """Stop sending."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def play(self, law: str, payload: bytes) -> None:
        """Send sound of a source in either law; it is dropped if it comes faster than time passes."""
        if self._timer is None or not payload:
            return
        now = asyncio.get_running_loop().time()
        if self._until > now + _AHEAD:
            return
        self._heard_at = now
        self._put(transcode(payload, law, self.codec.name))

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(_TICK, self._tick)
        late = loop.time() - self._until
        if late > _LATE and loop.time() - self._heard_at > _LATE:
            if late > 5 * _LATE:
                # The loop stood still: what was missed is not made up for.
                self._skip(late - _LATE)
            while self._until < loop.time() - _LATE + _TICK:
                self._put(_SILENCE[self.codec.name])
                self._marker = True

    def _skip(self, seconds: float) -> None:
        self._until += seconds
        self._timestamp += int(seconds * RATE)

    def _put(self, payload: bytes) -> None:
        self._send(pack(self.codec.payload, self._sequence, self._timestamp, self._ssrc, payload, marker=self._marker))
        self._marker = False
        self._sequence += 1
        self._timestamp += len(payload)
        self._until += len(payload) / RATE


class VideoTrack:
    """Makes one RTP stream of several: the numbers and the time go on when the source changes."""

    def __init__(self, rate: int = 90_000) -> None:
        self._rate = rate
        # Source of the packet before, the number and the time that it was sent with, and when.
        self._source: int | None = None
        self._last = 0, 0
        self._at = 0.0
        # What is added to numbers and times.
        self._offsets = 0, 0

    def restamp(self, packet: bytes, payload_type: int | None = None) -> bytes | None:
        """Return a packet as part of this stream; None if it is none. The first source is copied as it is."""
        if len(packet) < _START.size or packet[0] >> 6 != 2:
            return None
        first, second, sequence, timestamp, ssrc = _START.unpack_from(packet)
        now = asyncio.get_running_loop().time()
        if self._source is not None and (ssrc != self._source or now - self._at > _RESTART):
            passed = int(max(now - self._at, 0.001) * self._rate)
            self._offsets = self._last[0] + 1 - sequence, self._last[1] + passed - timestamp
        self._source = ssrc
        sequence, timestamp = sequence + self._offsets[0] & 0xFFFF, timestamp + self._offsets[1] & 0xFFFFFFFF
        self._last, self._at = (sequence, timestamp), now
        if payload_type is None and self._offsets == (0, 0):
            return packet
        if payload_type is not None:
            second = second & 0x80 | payload_type
        return _START.pack(first, second, sequence, timestamp, ssrc) + packet[_START.size :]


class Microphone:
    """Passes on the packets of a microphone: short ones at once, long ones in packets of 20 ms, one after the other.

    go2rtc packs 1024 samples, which would come to a door at once, after a pause of 128 ms.
    """

    # Packets that wait at most, half a second.
    _MOST: Final = 25

    def __init__(self, forward: Callable[[RtpPacket, str], None]) -> None:
        self._forward = forward
        self._waiting: deque[tuple[RtpPacket, str]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._rest = b""
        self._sequence = randbits(16)
        self._timestamp = randbits(32)
        self._expected: tuple[int, int] | None = None

    def put(self, packet: RtpPacket, law: str) -> None:
        """Take a packet."""
        if len(packet.payload) <= _MOST_SAMPLES:
            # go2rtc marks all packets; the mark begins a talkspurt.
            self._forward(replace(packet, marker=False), law)
            return
        expected = self._expected
        self._expected = packet.ssrc, packet.timestamp + len(packet.payload) & 0xFFFFFFFF
        if expected is None or expected[0] != packet.ssrc:
            self._rest = b""
        elif 0 < (gap := packet.timestamp - expected[1] & 0xFFFFFFFF) < 10 * RATE:
            self._timestamp += gap
            self._rest = b""
        data = self._rest + packet.payload
        whole = len(data) - len(data) % SAMPLES
        self._rest = data[whole:]
        for start in range(0, whole, SAMPLES):
            # Its numbers are not those of short packets: it counts as another source.
            part = replace(
                packet,
                sequence=self._sequence & 0xFFFF,
                timestamp=self._timestamp & 0xFFFFFFFF,
                ssrc=packet.ssrc ^ 1,
                payload=data[start : start + SAMPLES],
                marker=False,
            )
            self._sequence += 1
            self._timestamp += SAMPLES
            self._waiting.append((part, law))
        while len(self._waiting) > self._MOST:
            self._waiting.popleft()
        if self._timer is None:
            self._next()

    def stop(self) -> None:
        """Drop what waits."""
        self._waiting.clear()
        self._rest, self._expected = b"", None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _next(self) -> None:
        self._timer = None
        if not self._waiting:
            return
        loop = asyncio.get_running_loop()
        # Late timers are made up for, pauses are not.
        if self._due < loop.time() - 0.1:
            self._due = loop.time()
        if self._due <= loop.time():
            self._forward(*self._waiting.popleft())
            self._due += SAMPLES / RATE
        self._timer = loop.call_at(self._due, self._next)
