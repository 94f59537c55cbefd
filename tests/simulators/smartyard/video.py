"""Films of the cameras: the single frame that is given for a still, and the segments of a live stream (H.264)."""

from collections.abc import Iterable
from fractions import Fraction
from io import BytesIO

import av
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

# Seconds of a segment, and frames in a second.
SEGMENT, RATE = 4, 5
BASE = Fraction(1, RATE)
FAST = {"preset": "ultrafast", "tune": "zerolatency"}


def _frame(jpeg: bytes) -> VideoFrame:
    with av.open(BytesIO(jpeg), "r") as container:
        return next(container.decode(video=0)).reformat(format="yuv420p")


def _film(kind: str, jpegs: Iterable[bytes], start: int) -> bytes:
    """Encode pictures; `start` is the number of the first."""
    buffer = BytesIO()
    with av.open(buffer, "w", format=kind) as container:
        stream: VideoStream | None = None
        for number, jpeg in enumerate(jpegs, start):
            frame = _frame(jpeg)
            frame.pts, frame.time_base = number, BASE
            if stream is None:
                stream = container.add_stream("libx264", rate=RATE, options=FAST)
                stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, "yuv420p"
                stream.codec_context.time_base = BASE
            container.mux(stream.encode(frame))
        if stream is not None:
            container.mux(stream.encode(None))
    return buffer.getvalue()


def one_frame(jpeg: bytes) -> bytes:
    """Return an MP4 with that picture as its only frame."""
    return _film("mp4", [jpeg], 0)


def segment(jpeg: bytes, number: int) -> bytes:
    """Return a part of a live stream (MPEG-TS) that continues the one before."""
    return _film("mpegts", [jpeg] * (SEGMENT * RATE), number * SEGMENT * RATE)
