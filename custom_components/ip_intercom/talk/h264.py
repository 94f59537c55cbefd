"""H.264 in RTP: where a key frame starts, and NAL units in packets (RFC 6184)."""

from collections.abc import Iterator
from typing import Final

_IDR, _SPS, _PPS = 5, 7, 8
_STAP_A, _FU_A, _FU_B = 24, 28, 29
_STARTS: Final = {_IDR, _SPS}
# Payload bytes of a packet, so that it fits into a frame of Ethernet.
LONGEST_PAYLOAD: Final = 1200


def payload_of(packet: bytes) -> memoryview:
    """Return the payload of an RTP packet (RFC 3550, 5.1); empty if the packet is malformed."""
    if len(packet) < 12 or packet[0] >> 6 != 2:
        return memoryview(b"")
    start = 12 + 4 * (packet[0] & 0x0F)
    if packet[0] & 0x10:
        start += 4 + 4 * int.from_bytes(packet[start + 2 : start + 4])
    return memoryview(packet)[start:]


def starts_key_frame(packet: bytes) -> bool:
    """Return whether a decoder can start at this RTP packet: parameter sets or the first part of an IDR picture."""
    payload = payload_of(packet)
    if len(payload) < 2:
        return False
    kind = payload[0] & 0x1F
    if kind in {_FU_A, _FU_B}:
        return bool(payload[1] & 0x80) and payload[1] & 0x1F in _STARTS
    if kind == _STAP_A:
        return any(unit[0] & 0x1F in _STARTS for unit in _aggregated(payload[1:]))
    return kind in _STARTS


def _aggregated(data: memoryview) -> Iterator[memoryview]:
    """Return the NAL units of a STAP-A packet."""
    while len(data) > 2:
        size = int.from_bytes(data[:2])
        if unit := data[2 : 2 + size]:
            yield unit
        data = data[2 + size :]


class KeyFrameGate:
    """Lets packets of a video pass from a key frame on."""

    def __init__(self) -> None:
        self.is_open = False

    def passes(self, packet: bytes) -> bool:
        """Return whether an RTP packet is to be sent."""
        self.is_open = self.is_open or starts_key_frame(packet)
        return self.is_open

    def close(self) -> None:
        """Wait for the next key frame: a packet was lost."""
        self.is_open = False
