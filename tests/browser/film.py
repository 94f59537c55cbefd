"""H.264 of a picture as RTP payloads (RFC 6184), for simulated cameras whose video a browser shows."""

from io import BytesIO

import av
from av.video.codeccontext import VideoCodecContext
from PIL import Image

WIDTH, HEIGHT = 640, 480
PICTURES = 10
# Bytes of a payload at most, so that a packet fits into the frame of any network.
MOST = 1200
_FU_A = 28
_START = b"\0\0\1"


def film(picture: bytes) -> list[list[bytes]]:
    """Return the payloads of each picture of a second with a key frame at its begin."""
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.framerate = PICTURES
    encoder.options = {"profile": "baseline", "preset": "veryfast", "tune": "zerolatency", "x264-params": "keyint=10"}
    image = Image.open(BytesIO(picture)).convert("RGB").resize((WIDTH, HEIGHT))
    pictures = []
    for number in range(PICTURES):
        frame = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]  # PyAV has no types there
        frame.pts = number
        pictures.append(b"".join(bytes(packet) for packet in encoder.encode(frame)))
    return [[payload for unit in _units(data) for payload in _payloads(unit)] for data in pictures]


def _units(stream: bytes) -> list[bytes]:
    """Split a byte stream into NAL units (H.264, annex B)."""
    return [unit.rstrip(b"\0") for unit in stream.split(_START)[1:]]


def _payloads(unit: bytes) -> list[bytes]:
    """Return a unit as it is, or as fragments (RFC 6184, 5.8)."""
    if len(unit) <= MOST:
        return [unit]
    indicator, kind, rest = unit[0] & 0xE0 | _FU_A, unit[0] & 0x1F, unit[1:]
    parts = [rest[begin : begin + MOST] for begin in range(0, len(rest), MOST)]
    return [
        bytes((indicator, kind | 0x80 * (index == 0) | 0x40 * (index == len(parts) - 1))) + part
        for index, part in enumerate(parts)
    ]
