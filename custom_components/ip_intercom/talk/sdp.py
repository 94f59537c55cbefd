"""Session descriptions as SIP and RTSP exchange them (RFC 8866, RFC 3264)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self, override

from .errors import SdpError

# Characters of a description and its number of media; devices need less than a tenth.
LONGEST: Final = 65_536
MOST_MEDIA: Final = 32
_MOST_CODECS: Final = 128


class Direction(StrEnum):
    """Direction of a medium as the sender of the description sees it; in RTSP, as the client sees it."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @property
    def reversed(self) -> Direction:
        """The same direction as the other side sees it."""
        return {Direction.SENDONLY: Direction.RECVONLY, Direction.RECVONLY: Direction.SENDONLY}.get(self, self)


_DIRECTIONS: Final = frozenset(Direction)


@dataclass(frozen=True, slots=True)
class Codec:
    """A payload type and what it stands for.

    Attributes:
        name: Encoding name in upper case: "PCMU", "PCMA", "H264", "TELEPHONE-EVENT".
        rate: Clock rate in Hz.
        parameters: Format parameters (fmtp), as written.
    """

    payload: int
    name: str
    rate: int
    channels: int = 1
    parameters: str = ""


PCMU: Final = Codec(0, "PCMU", 8000)
PCMA: Final = Codec(8, "PCMA", 8000)
# Payload types that need no rtpmap (RFC 3551, 6).
STATIC: Final = {
    codec.payload: codec
    for codec in (
        PCMU,
        Codec(3, "GSM", 8000),
        Codec(4, "G723", 8000),
        PCMA,
        Codec(9, "G722", 8000),
        Codec(14, "MPA", 90000),
        Codec(18, "G729", 8000),
        Codec(26, "JPEG", 90000),
        Codec(34, "H263", 90000),
    )
}


@dataclass(frozen=True, slots=True)
class Media:
    """A medium: audio or video with its codecs, the preferred first.

    Attributes:
        kind: "audio", "video", "application".
        port: UDP port; 0 if the medium is rejected, and always in RTSP.
        protocol: "RTP/AVP", "RTP/SAVP".
        address: Connection address of this medium, None if that of the session applies.
        control: RTSP address of the track, absolute or relative (RFC 2326, C.1.1).
        attributes: All other attributes as written, without "a=".
    """

    kind: str
    port: int
    protocol: str
    codecs: tuple[Codec, ...]
    direction: Direction = Direction.SENDRECV
    address: str | None = None
    control: str | None = None
    attributes: tuple[str, ...] = ()

    def find(self, *names: str) -> Codec | None:
        """Return the first codec that has one of these names."""
        return next((codec for codec in self.codecs if codec.name in names), None)

    @override
    def __str__(self) -> str:
        """Return the lines of this medium."""
        # "m=" requires at least one format (RFC 8866, 5.14).
        payloads = " ".join(str(codec.payload) for codec in self.codecs) or "0"
        lines = [f"m={self.kind} {self.port} {self.protocol} {payloads}"]
        if self.address is not None:
            lines.append(_connection(self.address))
        for codec in self.codecs:
            channels = f"/{codec.channels}" if codec.channels != 1 else ""
            lines.append(f"a=rtpmap:{codec.payload} {_written(codec.name)}/{codec.rate}{channels}")
            if codec.parameters:
                lines.append(f"a=fmtp:{codec.payload} {codec.parameters}")
        lines.extend(f"a={attribute}" for attribute in self.attributes)
        lines.append(f"a={self.direction}")
        if self.control is not None:
            lines.append(f"a=control:{self.control}")
        return "".join(f"{line}\r\n" for line in lines)


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """A session and its media.

    Attributes:
        address: Connection address of the session, None if each medium has its own.
        username, session_id, version, origin: Fields of the origin line; ``origin`` is its address.
        control: RTSP address of the whole session.
    """

    media: tuple[Media, ...]
    address: str | None = None
    username: str = "-"
    session_id: int = 0
    version: int = 0
    origin: str = "127.0.0.1"
    name: str = "-"
    control: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a description; lines that are missing or unknown are tolerated.

        Raises:
            SdpError: It is not a description, a medium is malformed, or it is too large.
        """
        if len(text) > LONGEST:
            raise SdpError("the session description is too large")
        session, *media = _sections(text)
        direction = _direction(session, Direction.SENDRECV)
        username, session_id, version, origin = _origin(session)
        return cls(
            tuple(_medium(section, direction) for section in media),
            _address(session),
            username,
            session_id,
            version,
            origin,
            next((value for name, value in session if name == "s" and value), "-"),
            _attribute(session, "control"),
        )

    def to_text(self) -> str:
        """Return the description as it is sent, with CRLF."""
        lines = [
            "v=0",
            f"o={self.username} {self.session_id} {self.version} IN {_kind(self.origin)} {self.origin}",
            f"s={self.name}",
            *([] if self.address is None else [_connection(self.address)]),
            "t=0 0",
            *([] if self.control is None else [f"a=control:{self.control}"]),
        ]
        return "".join(f"{line}\r\n" for line in lines) + "".join(str(medium) for medium in self.media)


type _Line = tuple[str, str]


def _sections(text: str) -> list[list[_Line]]:
    """Split into the lines of the session and those of each medium, as (type, value)."""
    sections: list[list[_Line]] = [[]]
    for raw in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        name, equals, value = raw.strip().partition("=")
        if not equals or len(name) != 1:
            continue
        if name == "m":
            sections.append([])
        sections[-1].append((name, value.strip()))
    if not any(sections):
        raise SdpError("not a session description")
    if len(sections) > MOST_MEDIA + 1:
        raise SdpError("too many media")
    return sections


def _medium(lines: list[_Line], direction: Direction) -> Media:
    parts = lines[0][1].split()
    if len(parts) < 3:
        raise SdpError("a medium is incomplete")
    kind, port, protocol, *formats = parts
    # "40000/2" is a port and how many follow.
    number = _number(port.partition("/")[0], 65_535)
    if number is None:
        raise SdpError("the port of a medium is not a number")
    maps = _by_payload(lines, "rtpmap")
    parameters = _by_payload(lines, "fmtp")
    payloads = dict.fromkeys(_number(word, 127) for word in formats[:_MOST_CODECS])
    codecs = [
        codec
        for payload in payloads
        if payload is not None and (codec := _codec(payload, maps.get(payload), parameters.get(payload, "")))
    ]
    return Media(
        kind.lower(),
        number,
        protocol,
        tuple(codecs),
        _direction(lines, direction),
        _address(lines),
        _attribute(lines, "control"),
        tuple(value for name, value in lines if name == "a" and not _is_field(value)),
    )


def _is_field(attribute: str) -> bool:
    """Detect an attribute that is a field of its own."""
    return attribute in _DIRECTIONS or attribute.partition(":")[0] in {"rtpmap", "fmtp", "control"}


def _codec(payload: int, written: str | None, parameters: str) -> Codec | None:
    """Return the codec of a payload type; None if it is not described and not static."""
    name, _, rest = (written or "").partition("/")
    rate, _, channels = rest.partition("/")
    hertz = _number(rate, 10_000_000)
    if not name or not hertz:
        static = STATIC.get(payload)
        return static and Codec(payload, static.name, static.rate, static.channels, parameters)
    return Codec(payload, name.upper(), hertz, _number(channels, 255) or 1, parameters)


def _by_payload(lines: list[_Line], attribute: str) -> dict[int, str]:
    """Return the values of "rtpmap" or "fmtp" by payload type; the first of several counts."""
    found: dict[int, str] = {}
    for name, value in lines:
        if name == "a" and value.startswith(f"{attribute}:"):
            number, _, rest = value.partition(":")[2].strip().partition(" ")
            if (payload := _number(number, 127)) is not None:
                found.setdefault(payload, rest.strip())
    return found


def _attribute(lines: list[_Line], attribute: str) -> str | None:
    return next(
        (value.partition(":")[2].strip() for name, value in lines if name == "a" and value.startswith(f"{attribute}:")),
        None,
    )


def _direction(lines: list[_Line], default: Direction) -> Direction:
    return next((Direction(value) for name, value in lines if name == "a" and value in _DIRECTIONS), default)


def _address(lines: list[_Line]) -> str | None:
    """Return the address of a connection line, "IN IP4 192.0.2.1/127", without what follows a slash."""
    for name, value in lines:
        if name == "c" and len(parts := value.split()) == 3:
            return parts[2].partition("/")[0]
    return None


def _origin(lines: list[_Line]) -> tuple[str, int, int, str]:
    """Return user name, session ID, version, and address; devices send anything in them."""
    parts = next((value.split() for name, value in lines if name == "o"), [])
    if len(parts) != 6:
        return "-", 0, 0, "127.0.0.1"
    return parts[0], _number(parts[1], 2**64 - 1) or 0, _number(parts[2], 2**64 - 1) or 0, parts[5]


def _number(word: str, most: int) -> int | None:
    """Return a decimal number up to a limit; ``int`` would accept signs, underscores, and other digits."""
    if not (word.isascii() and word.isdigit()) or len(word) > 20 or (number := int(word)) > most:
        return None
    return number


def _kind(address: str) -> str:
    return "IP6" if ":" in address else "IP4"


def _connection(address: str) -> str:
    return f"c=IN {_kind(address)} {address.partition('%')[0]}"


def _written(name: str) -> str:
    """Return an encoding name as the RFC writes it: telephone-event in lower case (RFC 4733, 7.1.1)."""
    return name.lower() if name == "TELEPHONE-EVENT" else name
