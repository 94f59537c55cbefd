"""An MP4 of a single frame, as the camera servers give for a still."""

import struct


def _box(kind: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack(">I4s", 8 + len(content), kind) + content


def _full(kind: bytes, *parts: bytes, flags: int = 0) -> bytes:
    return _box(kind, struct.pack(">I", flags), *parts)


MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
SCALE, DURATION = 1000, 1000


def one_frame(jpeg: bytes, width: int = 640, height: int = 480) -> bytes:
    """Give a film of one second with that picture as its only frame (Motion JPEG)."""
    head = _box(b"ftyp", b"isom", struct.pack(">I", 512), b"isomiso2mp41")
    data = _box(b"mdat", jpeg)
    entry = _box(
        b"jpeg",
        bytes(6),
        struct.pack(">H16x2H2II", 1, width, height, 0x480000, 0x480000, 0),
        struct.pack(">H32xHh", 1, 24, -1),
    )
    tables = (
        _full(b"stsd", struct.pack(">I", 1), entry),
        _full(b"stts", struct.pack(">3I", 1, 1, DURATION)),
        _full(b"stsc", struct.pack(">4I", 1, 1, 1, 1)),
        _full(b"stsz", struct.pack(">3I", 0, 1, len(jpeg))),
        _full(b"stco", struct.pack(">2I", 1, len(head) + 8)),
    )
    reference = _full(b"dref", struct.pack(">I", 1), _full(b"url ", flags=1))
    information = _box(b"minf", _full(b"vmhd", bytes(8), flags=1), _box(b"dinf", reference), _box(b"stbl", *tables))
    media = _box(
        b"mdia",
        _full(b"mdhd", struct.pack(">4I2H", 0, 0, SCALE, DURATION, 0x55C4, 0)),
        _full(b"hdlr", bytes(4), b"vide", bytes(12), b"\0"),
        information,
    )
    shown = struct.pack(">5I8x4h", 0, 0, 1, 0, DURATION, 0, 0, 0, 0) + MATRIX
    track = _box(b"trak", _full(b"tkhd", shown, struct.pack(">2I", width << 16, height << 16), flags=7), media)
    header = struct.pack(">4IIH10x", 0, 0, SCALE, DURATION, 0x10000, 0x100) + MATRIX + bytes(24) + struct.pack(">I", 2)
    return head + data + _box(b"moov", _full(b"mvhd", header), track)
