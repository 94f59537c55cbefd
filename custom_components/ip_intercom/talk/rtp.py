"""RTP packets, telephone events, basic RTCP (RFC 3550, RFC 4733), and G.711 (ITU-T G.711).

``rtp_session.py`` sends and receives them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from struct import Struct
from typing import Final, Self

from .errors import RtpError

# An Ethernet frame carries less; larger packets are no RTP of a door.
MAX_PACKET: Final = 8192
_VERSION: Final = 2
_HEADER: Final = Struct("!BBHII")
_EVENT: Final = Struct("!BBH")
_RTCP: Final = Struct("!BBHI")
_SENDER: Final = Struct("!QIII")
_REPORT: Final = Struct("!IIIIII")

_SENDER_REPORT: Final = 200
_RECEIVER_REPORT: Final = 201
_DESCRIPTION: Final = 202
_GOODBYE: Final = 203
# Feedback about a payload, and its format for a lost picture (RFC 4585, 6.3.1).
_FEEDBACK: Final = 206
_PICTURE_LOST: Final = 1
_RTCP_TYPES: Final = range(192, 224)
# Seconds between 1900 and 1970, the epochs of NTP and Unix.
_NTP_EPOCH: Final = 2_208_988_800

# Events 0 to 15 of RFC 4733, 3.2; 16 is a hook flash.
DIGITS: Final = "0123456789*#ABCD"


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """An RTP packet without CSRC list and header extension (RFC 3550, 5.1)."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Parse a packet; raises RtpError."""
        size = len(data)
        if not 12 <= size <= MAX_PACKET:
            raise RtpError("no RTP packet: size")
        first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
        if first >> 6 != _VERSION or second in _RTCP_TYPES:
            raise RtpError("no RTP packet: version or type")
        begin = 12
        if first & 0x3F:
            begin += 4 * (first & 0x0F)
            if first & 0x10:
                if size < begin + 4:
                    raise RtpError("no RTP packet: extension")
                begin += 4 + 4 * int.from_bytes(data[begin + 2 : begin + 4])
            if first & 0x20:
                padding = data[-1]
                size -= padding
                if not padding:
                    raise RtpError("no RTP packet: padding")
            if size < begin:
                raise RtpError("no RTP packet: length")
        return cls(second & 0x7F, sequence, timestamp, ssrc, data[begin:size], second >= 0x80)

    def pack(self) -> bytes:
        """Return the bytes of the packet."""
        return pack(self.payload_type, self.sequence, self.timestamp, self.ssrc, self.payload, self.marker)


def pack(payload_type: int, sequence: int, timestamp: int, ssrc: int, payload: bytes, marker: bool = False) -> bytes:
    """Return the bytes of a packet; the number and the timestamp wrap."""
    second = payload_type | 0x80 if marker else payload_type
    return _HEADER.pack(0x80, second, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc) + payload


# ---- Telephone events (RFC 4733) ----


@dataclass(frozen=True, slots=True)
class TelephoneEvent:
    """The payload of a telephone event; the duration is in units of the timestamp."""

    event: int
    duration: int
    end: bool = False
    volume: int = 10

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Parse the first event of a payload; raises RtpError."""
        if len(payload) < _EVENT.size:
            raise RtpError("no telephone event")
        event, flags, duration = _EVENT.unpack_from(payload)
        return cls(event, duration, bool(flags & 0x80), flags & 0x3F)

    def pack(self) -> bytes:
        """Return the bytes of the payload."""
        return _EVENT.pack(self.event, (0x80 if self.end else 0) | self.volume, min(self.duration, 0xFFFF))


def digit_of(event: int) -> str | None:
    """Return the digit of an event, None for events that are no digits."""
    return DIGITS[event] if event < len(DIGITS) else None


# ---- RTCP (RFC 3550, 6) ----


@dataclass(frozen=True, slots=True)
class ReceptionReport:
    """What a receiver reports about a source (RFC 3550, 6.4.1); jitter is in units of the timestamp."""

    ssrc: int
    fraction_lost: int
    lost: int
    highest_sequence: int
    jitter: int
    last_report: int = 0
    delay: int = 0


@dataclass(frozen=True, slots=True)
class SenderReport:
    """What a sender reports about itself (RFC 3550, 6.4.1)."""

    ntp: int
    timestamp: int
    packets: int
    octets: int


@dataclass(frozen=True, slots=True)
class RtcpPacket:
    """A compound RTCP packet: reports, the name of the source, and whether it leaves.

    ``lost_picture`` is the source of a video whose next picture has to be a key frame (PLI); it is only sent.
    """

    ssrc: int
    sender: SenderReport | None = None
    reports: tuple[ReceptionReport, ...] = ()
    name: str | None = None
    goodbye: bool = False
    lost_picture: int | None = None

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Parse a compound packet; unknown parts are skipped; raises RtpError."""
        if not 8 <= len(data) <= MAX_PACKET:
            raise RtpError("no RTCP packet: size")
        ssrc: int | None = None
        sender: SenderReport | None = None
        reports: list[ReceptionReport] = []
        goodbye = False
        at = 0
        while at + 8 <= len(data):
            first, kind, words, source = _RTCP.unpack_from(data, at)
            end = at + 4 + 4 * words
            if first >> 6 != _VERSION or kind not in _RTCP_TYPES or end > len(data):
                raise RtpError("no RTCP packet: header")
            ssrc = source if ssrc is None else ssrc
            body = at + 8
            if kind == _SENDER_REPORT and body + _SENDER.size <= end:
                sender = SenderReport(*_SENDER.unpack_from(data, body))
                body += _SENDER.size
            if kind in (_SENDER_REPORT, _RECEIVER_REPORT):
                for _ in range(first & 0x1F):
                    if body + _REPORT.size > end:
                        raise RtpError("no RTCP packet: reports")
                    of, lost, highest, jitter, last, delay = _REPORT.unpack_from(data, body)
                    reports.append(ReceptionReport(of, lost >> 24, _signed(lost), highest, jitter, last, delay))
                    body += _REPORT.size
            goodbye |= kind == _GOODBYE
            at = end
        if ssrc is None:
            raise RtpError("no RTCP packet: length")
        return cls(ssrc, sender, tuple(reports), None, goodbye)

    def pack(self) -> bytes:
        """Return the bytes: a report, the name of the source (SDES), feedback, and a goodbye if it leaves."""
        body = b""
        if self.sender is not None:
            sender = self.sender
            body = _SENDER.pack(
                sender.ntp, sender.timestamp & 0xFFFFFFFF, sender.packets & 0xFFFFFFFF, sender.octets & 0xFFFFFFFF
            )
        for report in self.reports:
            lost = report.fraction_lost << 24 | max(-0x800000, min(0x7FFFFF, report.lost)) & 0xFFFFFF
            body += _REPORT.pack(
                report.ssrc, lost, report.highest_sequence, report.jitter, report.last_report, report.delay
            )
        kind = _RECEIVER_REPORT if self.sender is None else _SENDER_REPORT
        packed = self._part(len(self.reports), kind, body)
        if self.name is not None:
            name = self.name.encode()[:255]
            item = bytes((1, len(name))) + name
            packed += self._part(1, _DESCRIPTION, item + bytes(4 - len(item) % 4))
        if self.lost_picture is not None:
            packed += self._part(_PICTURE_LOST, _FEEDBACK, self.lost_picture.to_bytes(4))
        if self.goodbye:
            packed += self._part(1, _GOODBYE, b"")
        return packed

    def _part(self, count: int, kind: int, body: bytes) -> bytes:
        return _RTCP.pack(_VERSION << 6 | count, kind, 1 + len(body) // 4, self.ssrc) + body


def ntp_time(seconds: float) -> int:
    """Return a Unix time as the 64 bits of NTP."""
    return int((seconds + _NTP_EPOCH) * 2**32) & 0xFFFFFFFFFFFFFFFF


def _signed(lost: int) -> int:
    """Return the 24 bits of a number that may be negative."""
    number = lost & 0xFFFFFF
    return number - 0x1000000 if number & 0x800000 else number


# ---- G.711: the byte of one law for that of the other ----


def _ulaw_to_linear(code: int) -> int:
    code = ~code & 0xFF
    magnitude = (((code & 0x0F) << 3) + 0x84 << (code >> 4 & 7)) - 0x84
    return -magnitude if code & 0x80 else magnitude


def _alaw_to_linear(code: int) -> int:
    code ^= 0x55
    exponent = code >> 4 & 7
    magnitude = ((code & 0x0F) << 4) + (8 if exponent == 0 else 0x108)
    magnitude <<= max(0, exponent - 1)
    return magnitude if code & 0x80 else -magnitude


def _nearest(source: Callable[[int], int], target: Callable[[int], int]) -> bytes:
    """Return the table from each code of a law to the nearest of the other; the sign is kept."""
    levels = [(target(code), code) for code in range(256)]
    return bytes(
        min(levels, key=lambda level: (abs(level[0] - value), (level[0] < 0) != (value < 0)))[1]
        for value in map(source, range(256))
    )


_TRANSCODE: Final = {
    ("PCMU", "PCMA"): _nearest(_ulaw_to_linear, _alaw_to_linear),
    ("PCMA", "PCMU"): _nearest(_alaw_to_linear, _ulaw_to_linear),
}


def transcode(payload: bytes, source: str, target: str) -> bytes:
    """Return G.711 bytes of one codec ("PCMU", "PCMA") as those of another; the same codec is copied."""
    return payload if source == target else payload.translate(_TRANSCODE[source, target])
