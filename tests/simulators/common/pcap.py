"""Files of recorded network traffic, in the format of Wireshark."""

from collections.abc import Iterator
import struct

# Magic, version 2.4, time zone, accuracy, longest packet, Ethernet.
HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1)
RECORD = struct.Struct("<IIII")
PACKET = 512
BLOCK = 2**16
# Broadcast of an ARP request, filled up with zeros.
FRAME = bytes.fromhex("ffffffffffff7c1eb3052a110806000108000604000100") + bytes(PACKET)


def packets(utc: int, size: int) -> Iterator[bytes]:
    """Return records with that many bytes together, the last one shorter or longer to fit."""
    whole = RECORD.size + PACKET
    second = 0
    while size:
        length = PACKET if size >= whole + RECORD.size else size - RECORD.size
        if length < 0:
            raise ValueError("a record needs 16 bytes")
        yield RECORD.pack(utc, second % 1_000_000, length, length) + FRAME[:length].ljust(length, b"\0")
        size -= RECORD.size + length
        second += 1


def blocks(utc: int, size: int) -> Iterator[bytes]:
    """Return a whole file of that size, in pieces that are small however long it is."""
    piece = bytearray(HEADER)
    for packet in packets(utc, max(0, size - len(HEADER))):
        piece += packet
        if len(piece) >= BLOCK:
            yield bytes(piece)
            piece.clear()
    if piece:
        yield bytes(piece)
