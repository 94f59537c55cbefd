"""H.264 in RTP: where a key frame starts, and NAL units in packets (RFC 6184)."""

import binascii
from collections.abc import Iterator
import re
import struct
from typing import Final

_IDR, _SPS, _PPS = 5, 7, 8
_STAP_A, _FU_A, _FU_B = 24, 28, 29
_STARTS: Final = {_IDR, _SPS}
# The first eight bytes of an RTP packet: flags, payload type, number, time.
_HEAD: Final = struct.Struct("!BBHI")
_SPROP: Final = re.compile(r"(?:^|;)\s*sprop-parameter-sets=([^;\s]+)")
# Start codes of Annex B of H.264.
_START_CODE: Final = re.compile(rb"\x00\x00\x00?\x01")
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


class InBandSets:
    """Sends the parameter sets of a description with each key frame that comes without them.

    A decoder that has shown another video needs them, and the description is read only once.

    Args:
        parameters: Format parameters of the codec (RFC 6184, 8.1).
    """

    def __init__(self, parameters: str) -> None:
        self._sets = _described_sets(parameters)
        # How many packets were added, and the time of the last picture that has parameter sets.
        self._added = 0
        self._complete: int | None = None

    def complete(self, packet: bytes) -> list[bytes]:
        """Return the packets to send for one of the video, in their order."""
        if not self._sets or len(packet) < 12:
            return [packet]
        first, second, sequence, timestamp = _HEAD.unpack_from(packet)
        packets: list[bytes] = []
        if starts_key_frame(packet):
            if self._complete != timestamp and not _has_parameter_sets(packet):
                for unit in self._sets:
                    head = _HEAD.pack(0x80, second & 0x7F, sequence + self._added & 0xFFFF, timestamp)
                    packets.append(head + packet[8:12] + unit)
                    self._added += 1
            self._complete = timestamp
        if self._added:
            packet = _HEAD.pack(first, second, sequence + self._added & 0xFFFF, timestamp) + packet[8:]
        return [*packets, packet]


def _has_parameter_sets(packet: bytes) -> bool:
    payload = payload_of(packet)
    units = _aggregated(payload[1:]) if payload[0] & 0x1F == _STAP_A else (payload,)
    return any(unit[0] & 0x1F == _SPS for unit in units)


def _described_sets(parameters: str) -> list[bytes]:
    """Return the parameter sets of format parameters; none if they are malformed."""
    if (found := _SPROP.search(parameters)) is None:
        return []
    try:
        return [binascii.a2b_base64(part) for part in found[1].split(",") if part]
    except ValueError:  # also of characters that are not ASCII
        return []


def split(data: bytes) -> list[bytes]:
    """Return the NAL units of a stream with start codes (H.264, Annex B)."""
    return [unit for part in _START_CODE.split(data) if (unit := part.rstrip(b"\x00"))]


def parameter_sets(units: list[bytes]) -> list[bytes]:
    """Return the parameter sets among NAL units: SPS, PPS."""
    return [unit for kind in (_SPS, _PPS) for unit in units if unit[0] & 0x1F == kind]


def packetize(unit: bytes) -> Iterator[bytes]:
    """Return the RTP payloads of a NAL unit: itself, or fragments (RFC 6184, 5.6 and 5.8)."""
    if len(unit) <= LONGEST_PAYLOAD:
        yield unit
        return
    indicator, kind = unit[0] & 0xE0 | _FU_A, unit[0] & 0x1F
    step = LONGEST_PAYLOAD - 2
    for start in range(1, len(unit), step):
        first = 0x80 if start == 1 else 0
        last = 0x40 if start + step >= len(unit) else 0
        yield bytes((indicator, first | last | kind)) + unit[start : start + step]
