"""RTSP 1.0 requests, responses, and interleaved packets, as bytes and as objects (RFC 2326)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
import re
from typing import Final, Self

from .errors import RtspError

BACKCHANNEL: Final = "www.onvif.org/ver20/backchannel"  # ONVIF Streaming, 5.3
_VERSION: Final = "RTSP/1.0"
# Bytes of a start line with its headers, and the number of headers.
LONGEST_HEAD: Final = 16_384
_MOST_HEADERS: Final = 64
# Bytes of a body; the largest is a session description.
LONGEST_BODY: Final = 65_536

REASONS: Final[Mapping[int, str]] = {
    200: "OK",
    301: "Moved Permanently",
    302: "Moved Temporarily",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    451: "Parameter Not Understood",
    453: "Not Enough Bandwidth",
    454: "Session Not Found",
    455: "Method Not Valid in This State",
    457: "Invalid Range",
    459: "Aggregate Operation Not Allowed",
    461: "Unsupported Transport",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    505: "RTSP Version Not Supported",
    551: "Option Not Supported",
}

_METHOD: Final = re.compile(r"[A-Z_]{1,32}")
_HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")
_INTERLEAVED: Final = re.compile(r"(\d{1,3})(?:\s*-\s*(\d{1,3}))?")
# What would end a line or a word too early.
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f]")
_URI: Final = re.compile(r"[\x21-\x7e]{1,2048}")


class Headers:
    """Headers in their order; names are compared without regard to case."""

    __slots__ = ("_pairs",)

    def __init__(self, *pairs: tuple[str, str]) -> None:
        self._pairs = pairs

    def get(self, name: str) -> str | None:
        """Return the first value of a header."""
        return next(iter(self.all(name)), None)

    def all(self, name: str) -> list[str]:
        """Return all values of a header."""
        wanted = name.lower()
        return [value for found, value in self._pairs if found.lower() == wanted]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Return names and values."""
        return iter(self._pairs)


@dataclass(frozen=True, slots=True)
class Request:
    """A request; ``uri`` is as it was sent."""

    method: str
    uri: str
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""
    version: str = _VERSION

    def pack(self) -> bytes:
        """Return the bytes to send; the length of the body is added."""
        return _packed(f"{self.method} {self.uri} {_VERSION}", self.headers, self.body)


@dataclass(frozen=True, slots=True)
class Response:
    """A response."""

    status: int
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""

    def pack(self) -> bytes:
        """Return the bytes to send; the length of the body is added."""
        return _packed(f"{_VERSION} {self.status} {REASONS.get(self.status, 'Unknown')}", self.headers, self.body)


@dataclass(frozen=True, slots=True)
class Interleaved:
    """An RTP or RTCP packet on a channel of the connection (RFC 2326, 10.12)."""

    channel: int
    data: bytes


type Message = Request | Response | Interleaved


def framed(channel: int, packet: bytes) -> bytes:
    """Return a packet with its frame."""
    return b"$%c%b%b" % (channel, len(packet).to_bytes(2), packet)


def is_rtcp(packet: bytes) -> bool:
    """Return whether a packet is RTCP and not RTP, by its second byte (RFC 5761, 4)."""
    return len(packet) > 1 and 192 <= packet[1] <= 223


def is_uri(text: str) -> bool:
    """Return whether a text is valid in a start line."""
    return _URI.fullmatch(text) is not None


class Parser:
    """Splits a stream of bytes into messages; never holds more than one incomplete message."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        # Bytes at the start of the buffer that were searched for the end of a head.
        self._searched = 0

    def feed(self, data: bytes) -> Iterator[Message]:
        """Return the messages that these bytes complete.

        Raises:
            RtspError: A message is malformed or too large; the stream cannot be read any further.
        """
        self._buffer += data
        while (message := self._next()) is not None:
            yield message

    def _next(self) -> Message | None:
        buffer = self._buffer
        if buffer[:1] == b"$":
            if len(buffer) < 4 or len(buffer) < (end := 4 + int.from_bytes(buffer[2:4])):
                return None
            packet = Interleaved(buffer[1], bytes(buffer[4:end]))
            del buffer[:end]
            return packet
        # Empty lines between messages are tolerated (RFC 2326, 4.1).
        if buffer.startswith((b"\r", b"\n")):
            del buffer[: len(buffer) - len(buffer.lstrip(b"\r\n"))]
            return self._next()
        return self._head()

    def _head(self) -> Message | None:
        buffer = self._buffer
        end = _end_of_head(buffer, self._searched)
        if end is None or end > LONGEST_HEAD:
            if len(buffer) > LONGEST_HEAD:
                raise RtspError("the headers are too long")
            self._searched = max(0, len(buffer) - 4)
            return None
        # Some devices send headers that are not ASCII.
        start, headers = _parsed(bytes(buffer[:end]).decode("utf-8", "replace"))
        length = _length(headers)
        if len(buffer) < end + length:
            self._searched = 0
            return None
        body = bytes(buffer[end : end + length])
        del buffer[: end + length]
        self._searched = 0
        return start.build(headers, body)


def _end_of_head(buffer: bytearray, searched: int) -> int | None:
    """Return where the headers end; some devices end lines with LF only."""
    ends = [found + len(end) for end in (b"\r\n\r\n", b"\n\n") if (found := buffer.find(end, searched)) >= 0]
    return min(ends, default=None)


@dataclass(frozen=True, slots=True)
class _Start:
    """A start line: that of a request has a method, that of a response a status."""

    method: str
    uri: str
    version: str
    status: int = 0

    @classmethod
    def parse(cls, line: str) -> Self:
        words = line.split(" ", 2)
        if len(words) >= 2 and words[0].startswith("RTSP/"):
            if not (len(words[1]) == 3 and words[1].isascii() and words[1].isdigit()):
                raise RtspError("the status line is malformed")
            return cls("", "", words[0], int(words[1]))
        if len(words) != 3 or not _METHOD.fullmatch(words[0]) or not is_uri(words[1]):
            raise RtspError("the request line is malformed")
        return cls(words[0], words[1], words[2].strip())

    def build(self, headers: Headers, body: bytes) -> Request | Response:
        if self.method:
            return Request(self.method, self.uri, headers, body, self.version)
        return Response(self.status, headers, body)


def _parsed(head: str) -> tuple[_Start, Headers]:
    first, *lines = head.replace("\r\n", "\n").rstrip("\n").split("\n")
    start = _Start.parse(first)
    if len(lines) > _MOST_HEADERS:
        raise RtspError("there are too many headers")
    pairs: list[tuple[str, str]] = []
    for line in lines:
        if line[:1] in {" ", "\t"} and pairs:
            name, value = pairs.pop()
            pairs.append((name, f"{value} {_clean(line)}"))
            continue
        name, colon, value = line.partition(":")
        if not colon or not _HEADER.fullmatch(name.strip()):
            raise RtspError("a header is malformed")
        pairs.append((name.strip(), _clean(value)))
    return start, Headers(*pairs)


def _clean(value: str) -> str:
    return _UNPRINTABLE.sub(" ", value).strip()


def _length(headers: Headers) -> int:
    """Return the length of the body."""
    values = set(headers.all("Content-Length"))
    if not values:
        return 0
    value = values.pop()
    if values or not (value.isascii() and value.isdigit()) or len(value) > 9:
        raise RtspError("the length of the body is malformed")
    if (length := int(value)) > LONGEST_BODY:
        raise RtspError("the body is too long")
    return length


def _packed(start: str, headers: Headers, body: bytes) -> bytes:
    lines = [start, *(f"{name}: {_clean(value)}" for name, value in headers)]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + body


@dataclass(frozen=True, slots=True)
class Transport:
    """A transport over the RTSP connection: the channels of RTP and RTCP, None if the server chooses."""

    rtp: int | None
    rtcp: int | None

    @classmethod
    def parse(cls, header: str) -> Self | None:
        """Return the first interleaved transport of a ``Transport`` header; None if there is none (RFC 2326, 12.39)."""
        for specification in header.split(","):
            protocol, *parameters = (word.strip() for word in specification.split(";"))
            values = {
                name.strip().lower(): value.strip()
                for name, _, value in (parameter.partition("=") for parameter in parameters)
            }
            if protocol.upper() == "RTP/AVP/TCP" or "interleaved" in values:
                return cls._channels(values.get("interleaved"))
        return None

    @classmethod
    def _channels(cls, value: str | None) -> Self | None:
        if value is None:
            return cls(None, None)
        if (match := _INTERLEAVED.fullmatch(value)) is None:
            return None
        rtp = int(match[1])
        # Some devices name only the first channel.
        rtcp = int(match[2]) if match[2] else rtp + 1
        return cls(rtp, rtcp) if rtp <= 255 and rtcp <= 255 and rtp != rtcp else None

    def __str__(self) -> str:
        """Return the value of the header."""
        return f"RTP/AVP/TCP;unicast;interleaved={self.rtp}-{self.rtcp}"
