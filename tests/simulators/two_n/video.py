"""The parts of MP4 that a display reads: size and duration (HTTP API 5.9.2)."""

from collections.abc import Iterator
import struct
from typing import NamedTuple


class Video(NamedTuple):
    """What the file says of itself."""

    width: int
    height: int
    seconds: float


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Return the type and content of each box; raises ValueError for invalid data."""
    while data:
        if len(data) < 8:
            raise ValueError("half a box")
        size, kind = struct.unpack(">I4s", data[:8])
        if not 8 <= size <= len(data):
            raise ValueError("a box longer than the file")
        yield kind, data[8:size]
        data = data[size:]


def read_video(data: bytes) -> Video:
    """Read a whole file; raises ValueError for anything but MP4."""
    top = dict(_boxes(data))
    if b"ftyp" not in top or b"moov" not in top:
        raise ValueError("no MP4")
    movie = dict(_boxes(top[b"moov"]))
    try:
        scale, duration = struct.unpack(">II", movie[b"mvhd"][12:20])
        width, height = struct.unpack(">II", dict(_boxes(movie[b"trak"]))[b"tkhd"][-8:])
        return Video(width >> 16, height >> 16, duration / scale)
    except (KeyError, struct.error, ZeroDivisionError) as error:
        raise ValueError("no video") from error


def make_video(width: int = 320, height: int = 214, seconds: float = 5.0, size: int = 4096) -> bytes:
    """Make a file that says so of itself; there is nothing to see in it."""

    def box(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I4s", 8 + len(content), kind) + content

    mvhd = struct.pack(">IIIII", 0, 0, 0, 1000, int(seconds * 1000)) + bytes(80)
    tkhd = bytes(76) + struct.pack(">II", width << 16, height << 16)
    head = box(b"ftyp", b"mp42" + bytes(4) + b"isommp42avc1")
    movie = box(b"moov", box(b"mvhd", mvhd) + box(b"trak", box(b"tkhd", tkhd)))
    return head + box(b"mdat", bytes(max(0, size - len(head) - len(movie) - 8))) + movie
