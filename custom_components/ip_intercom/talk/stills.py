"""H.264 made of JPEG stills, two frames a second, for doors that have no stream."""

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable
from io import BytesIO
import logging
from secrets import randbits
from typing import TYPE_CHECKING, Final

from .device_stream import Tracks
from .errors import TalkError
from .h264 import packetize, parameter_sets, split
from .rtp import pack
from .sdp import Codec

if TYPE_CHECKING:
    import av

_LOGGER = logging.getLogger(__name__)

# Seconds of a still, and stills from one key frame to the next.
PERIOD: Final = 0.5
_KEY_EVERY: Final = 4
_PAYLOAD: Final = 96
_RATE: Final = 90_000
# Size of the video at most, and pixels of a still.
_WIDTH, _HEIGHT = 1280, 960
_MOST_PIXELS: Final = 16_000_000
# The type of the first box of an MP4, and where it is (ISO 14496-12, 4.2).
_MP4: Final = b"ftyp"
_FIRST_BOX: Final = slice(4, 8)
# The encoders that a build of PyAV may have, with what makes them cheap and without delay.
_ENCODERS: Final = {
    "libx264": {"profile": "baseline", "preset": "ultrafast", "tune": "zerolatency", "crf": "26"},
    "libopenh264": {"profile": "constrained_baseline", "allow_skip_frames": "0"},
}


class NoStill(TalkError):
    """The device has no still, or one that cannot be encoded."""


class StillsVideo:
    """A video of stills; a ``VideoSource``."""

    yields = True

    def __init__(self, fetch: Callable[[], Awaitable[bytes | None]]) -> None:
        """Create a closed video; ``fetch`` returns a JPEG or an MP4 of one frame, or None or a TalkError if there is none at the moment."""
        self.on_video: Callable[[bytes], None] | None = None
        self.on_sound: Callable[[str, bytes], None] | None = None
        self._fetch = fetch
        self._task: asyncio.Task[None] | None = None
        self._ssrc, self._sequence = randbits(32), randbits(16)

    async def open(self) -> Tracks:
        """Fetch a first still, and go on until it is closed.

        Raises:
            NoStill: There is no still, or it cannot be encoded.
        """
        encoder = _Encoder()
        still = await self._fetch()
        if still is None:
            raise NoStill("the device has no still")
        units = await asyncio.get_running_loop().run_in_executor(None, encoder.encode, still)
        sets = parameter_sets(units)
        if len(sets) < 2:
            raise NoStill("the encoder gives no parameter sets")
        sprop = ",".join(b64encode(unit).decode() for unit in sets)
        profile = sets[0][1:4].hex().upper()
        self._task = asyncio.create_task(self._run(encoder, still))
        parameters = f"packetization-mode=1;profile-level-id={profile};sprop-parameter-sets={sprop}"
        return Tracks(Codec(_PAYLOAD, "H264", _RATE, parameters=parameters))

    async def close(self) -> None:
        """Stop."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    async def _run(self, encoder: _Encoder, still: bytes) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due = max(due + PERIOD, loop.time())
            await asyncio.sleep(due - loop.time())
            try:
                still = await self._fetch() or still
                units = await loop.run_in_executor(None, encoder.encode, still)
            except TalkError as err:
                _LOGGER.debug("No still for the video: %s", err)
                continue
            self._send(units, int(loop.time() * _RATE))

    def _send(self, units: list[bytes], timestamp: int) -> None:
        payloads = [payload for unit in units for payload in packetize(unit)]
        for number, payload in enumerate(payloads, 1):
            last = number == len(payloads)
            packet = pack(_PAYLOAD, self._sequence, timestamp, self._ssrc, payload, marker=last)
            self._sequence += 1
            if self.on_video is not None:
                self.on_video(packet)


class _Encoder:
    """Encodes stills one after the other; it blocks, and is used by one thread at a time."""

    def __init__(self) -> None:
        self._encoder: av.VideoCodecContext | None = None
        self._count = 0

    def encode(self, still: bytes) -> list[bytes]:
        """Return the NAL units of a still; raises NoStill."""
        import av  # noqa: PLC0415  # a large library, imported in the executor for the first video

        try:
            frame = self._decoded(still)
            width, height = _fitted(frame.width, frame.height)
            if self._encoder is None or (self._encoder.width, self._encoder.height) != (width, height):
                self._encoder, self._count = _create(width, height), 0
            frame = frame.reformat(width, height, "yuv420p")
            frame.pts, self._count = self._count, self._count + 1
            # A JPEG is a key frame, but not each picture of the video.
            frame.pict_type = 0
            return [unit for packet in self._encoder.encode(frame) for unit in split(bytes(packet))]
        except (av.FFmpegError, ValueError) as err:
            raise NoStill("the still cannot be encoded") from err

    @staticmethod
    def _decoded(still: bytes) -> av.VideoFrame:
        import av  # noqa: PLC0415

        if still[_FIRST_BOX] == _MP4:
            return _first_frame(still)
        decoder = av.CodecContext.create("mjpeg", "r")
        assert isinstance(decoder, av.VideoCodecContext)
        decoder.options = {"max_pixels": str(_MOST_PIXELS)}
        frames = [*decoder.decode(av.Packet(still)), *decoder.decode(None)]
        if not frames:
            raise NoStill("the still is no JPEG")
        return frames[0]


def _first_frame(film: bytes) -> av.VideoFrame:
    """Return the first frame of an MP4, which some servers have in place of a picture."""
    import av  # noqa: PLC0415

    with av.open(BytesIO(film), "r", "mp4") as container:
        stream = container.streams.best("video")
        if not isinstance(stream, av.VideoStream) or stream.width * stream.height > _MOST_PIXELS:
            raise NoStill("the still has no picture")
        for frame in container.decode(stream):
            return frame
    raise NoStill("the still has no picture")


def _fitted(width: int, height: int) -> tuple[int, int]:
    """Return the size of the video: even, and not too large."""
    scale = min(1.0, _WIDTH / width, _HEIGHT / height)
    return max(16, int(width * scale) // 2 * 2), max(16, int(height * scale) // 2 * 2)


def _create(width: int, height: int) -> av.VideoCodecContext:
    import av  # noqa: PLC0415

    for name, options in _ENCODERS.items():
        if name not in av.codecs_available:
            continue
        encoder = av.CodecContext.create(name, "w")
        assert isinstance(encoder, av.VideoCodecContext)
        encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
        encoder.framerate = int(1 / PERIOD)
        encoder.gop_size = _KEY_EVERY
        encoder.thread_count = 1
        encoder.options = options
        return encoder
    raise NoStill("PyAV has no encoder for H.264")
