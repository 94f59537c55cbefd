"""SIP messages: parsing with limits, headers, and writing (RFC 3261, 7, 18.3, and 20)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
import re
from secrets import token_hex
from typing import Final, override

from .errors import SipError
from .sip_addresses import COOKIE, VERSION, Address, SipUri, Via, parse_number, split_outside

MAX_MESSAGE: Final = 65_535
MAX_HEAD: Final = 32_768
MAX_LINE: Final = 8192
MAX_HEADERS: Final = 128

type Headers = tuple[tuple[str, str], ...]

# RFC 3261, 7.3.3; Session-Expires is RFC 4028.
_COMPACT: Final = {
    "i": "call-id",
    "m": "contact",
    "e": "content-encoding",
    "l": "content-length",
    "c": "content-type",
    "f": "from",
    "s": "subject",
    "k": "supported",
    "t": "to",
    "v": "via",
    "x": "session-expires",
}
_SPELLED: Final = {
    "call-id": "Call-ID",
    "cseq": "CSeq",
    "min-se": "Min-SE",
    "www-authenticate": "WWW-Authenticate",
    "mime-version": "MIME-Version",
}
# Headers that occur once (RFC 3261, 7.3.1 and 20).
_SINGLE: Final = ("call-id", "cseq", "from", "to", "max-forwards", "content-length", "content-type")
_TOKEN: Final = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
_CSEQ: Final = re.compile(r"(\d{1,10})\s+(\S+)")
_LINE: Final = re.compile(rb"\r?\n")
_HEAD_END: Final = re.compile(rb"\r?\n\r?\n")
_STATUS: Final = re.compile(r"SIP/2\.0 ([1-6]\d\d)(?: (.*))?", re.IGNORECASE)
_VERSION: Final = re.compile(r"SIP/\d{1,3}\.\d{1,3}", re.IGNORECASE)
_BAD: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


# ---- Messages ----


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What requests and responses share; the names of headers are in lower case and their full form."""

    headers: Headers = ()
    body: bytes = b""

    def get(self, name: str) -> str | None:
        """Return the first value of a header, unsplit."""
        return next((value for key, value in self.headers if key == name), None)

    def all(self, name: str) -> list[str]:
        """Return all values of a header, unsplit."""
        return [value for key, value in self.headers if key == name]

    def items(self, name: str) -> list[str]:
        """Return the items of a header that is a list; raises SipError."""
        return [item for value in self.all(name) for item in split_outside(value, ",") if item]

    def options(self, name: str) -> set[str]:
        """Return the option tags or methods of a header, in lower case; raises SipError."""
        return {item.lower() for item in self.items(name)}

    def need(self, name: str) -> str:
        """Return the value of a header that must be there; raises SipError."""
        if (value := self.get(name)) is None:
            raise SipError(f"no {name}")
        return value

    @property
    def via(self) -> Via:
        """The topmost hop; raises SipError."""
        return Via.parse(split_outside(self.need("via"), ",")[0])

    @property
    def call_id(self) -> str:
        """The Call-ID; raises SipError."""
        return self.need("call-id")

    @property
    def from_(self) -> Address:
        """The caller; raises SipError."""
        return Address.parse(self.need("from"))

    @property
    def to(self) -> Address:
        """The called party; raises SipError."""
        return Address.parse(self.need("to"))

    @property
    def cseq(self) -> tuple[int, str]:
        """The number and the method; raises SipError."""
        match = _CSEQ.fullmatch(self.need("cseq"))
        if match is None or int(match[1]) >= 2**31:
            raise SipError("a malformed CSeq")
        return int(match[1]), match[2]

    @property
    def contact(self) -> Address | None:
        """The first contact; raises SipError."""
        items = self.items("contact")
        return Address.parse(items[0]) if items and items[0] != "*" else None

    def check(self) -> None:
        """Raise SipError unless all that a transaction needs is there once and well-formed (RFC 3261, 8.1.1)."""
        for name in _SINGLE:
            if len(set(self.all(name))) > 1:
                raise SipError(f"{name} more than once")
        if not self.call_id or self.from_.tag is None:
            raise SipError("no Call-ID, or no tag of the caller")
        _ = self.via, self.to, self.cseq
        # A response copies all hops.
        self.items("via")
        for route in (*self.items("record-route"), *self.items("route")):
            SipUri.parse(Address.parse(route).uri)

    def _written(self, start: str) -> bytes:
        lines = [start]
        lines.extend(f"{_spelled(name)}: {value}" for name, value in self.headers if name != "content-length")
        lines.append(f"Content-Length: {len(self.body)}\r\n\r\n")
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + self.body


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Message):
    """A request."""

    method: str
    uri: str
    version: str = VERSION

    @override
    def check(self) -> None:
        super().check()
        _ = self.contact
        if self.cseq[1] != self.method:
            raise SipError("CSeq is of another method")

    def to_bytes(self) -> bytes:
        """Return the request as it is sent."""
        return self._written(f"{self.method} {self.uri} {VERSION}")

    def respond(self, status: int, reason: str, tag: str, headers: Iterable[tuple[str, str]] = ()) -> Response:
        """Return a response without a body (RFC 3261, 8.2.6); ``tag`` is added to To where none is."""
        copied: list[tuple[str, str]] = []
        for name, value in self.headers:
            if name == "to":
                address = Address.parse(value)
                copied.append((name, value if address.tag or status == 100 else f"{value};tag={tag}"))
            elif name in ("via", "from", "call-id", "cseq") or (name == "timestamp" and status == 100):
                copied.append((name, value))
        return Response(status=status, reason=reason, headers=(*copied, *headers))


@dataclass(frozen=True, slots=True, kw_only=True)
class Response(Message):
    """A response."""

    status: int
    reason: str

    def to_bytes(self) -> bytes:
        """Return the response as it is sent."""
        return self._written(f"{VERSION} {self.status} {self.reason}")


def _spelled(name: str) -> str:
    return _SPELLED.get(name) or "-".join(word.capitalize() for word in name.split("-"))


def parse_message(data: bytes) -> Request | Response:
    """Parse a whole message, such as a datagram; raises SipError."""
    if len(data) > MAX_MESSAGE:
        raise SipError("a message above the limit")
    data = data.lstrip(b"\r\n")
    if (end := _HEAD_END.search(data)) is None:
        raise SipError("the head does not end")
    message = _parse_head(data[: end.start()])
    body = data[end.end() :]
    length = _content_length(message)
    if length is not None:
        if length > len(body):
            raise SipError("a body shorter than its length")
        body = body[:length]
    return _with_body(message, body)


def _with_body(message: Request | Response, body: bytes) -> Request | Response:
    if isinstance(message, Request):
        return Request(
            headers=message.headers, body=body, method=message.method, uri=message.uri, version=message.version
        )
    return Response(headers=message.headers, body=body, status=message.status, reason=message.reason)


def _content_length(message: Message) -> int | None:
    if (text := message.get("content-length")) is None:
        return None
    if (length := parse_number(text, MAX_MESSAGE)) is None:
        raise SipError("an impossible length")
    return length


def _parse_head(head: bytes) -> Request | Response:
    if len(head) > MAX_HEAD:
        raise SipError("a head above the limit")
    lines = _LINE.split(head)
    first = lines[0].decode("utf-8", "surrogateescape")
    if _BAD.search(first):
        raise SipError("control characters in the first line")
    headers = tuple(_parse_headers(lines[1:]))
    if status := _STATUS.fullmatch(first):
        return Response(status=int(status[1]), reason=status[2] or "", headers=headers)
    parts = first.split(" ")
    if len(parts) != 3 or not _TOKEN.fullmatch(parts[0]) or not parts[1] or not _VERSION.fullmatch(parts[2]):
        raise SipError("a malformed first line")
    return Request(method=parts[0], uri=parts[1], version=parts[2].upper(), headers=headers)


def _parse_headers(lines: list[bytes]) -> Iterator[tuple[str, str]]:
    folded: list[bytes] = []
    for line in lines:
        if line[:1] in (b" ", b"\t") and folded:
            folded[-1] += b" " + line.strip()
        else:
            folded.append(line)
        if len(folded) > MAX_HEADERS or len(folded[-1]) > MAX_LINE:
            raise SipError("headers above the limit")
    for line in folded:
        name, colon, value = line.decode("utf-8", "surrogateescape").partition(":")
        name, value = name.rstrip(" \t").lower(), value.strip(" \t")
        if not colon or not _TOKEN.fullmatch(name) or _BAD.search(value):
            raise SipError("a malformed header")
        yield _COMPACT.get(name, name), value


class StreamParser:
    """Cuts a stream into messages (RFC 3261, 18.3)."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        # Keep-alives of the other side that want an answer (RFC 5626, 3.5.1).
        self.pings = 0

    def feed(self, data: bytes) -> Iterator[Request | Response]:
        """Iterate over the messages that are complete now; raises SipError, after which the stream is of no use."""
        self._buffer += data
        while True:
            while self._buffer[:4] == b"\r\n\r\n":
                del self._buffer[:4]
                self.pings += 1
            # The half of a keep-alive, or the end of a line after a body.
            if self._buffer[:2] == b"\r\n" and len(self._buffer) > 2 and self._buffer[2:3] != b"\r":
                del self._buffer[:2]
            end = _HEAD_END.search(self._buffer)
            if end is None or end.start() == 0:
                if len(self._buffer) > MAX_HEAD:
                    raise SipError("a head above the limit")
                return
            message = _parse_head(bytes(self._buffer[: end.start()]))
            length = _content_length(message) or 0
            if len(self._buffer) < end.end() + length:
                return
            body = bytes(self._buffer[end.end() : end.end() + length])
            del self._buffer[: end.end() + length]
            yield _with_body(message, body)


# ---- Identifiers ----


def new_branch() -> str:
    """Return the identifier of a transaction."""
    return COOKIE + token_hex(10)


def new_tag() -> str:
    """Return one side's identifier of a dialog."""
    return token_hex(8)


def new_call_id() -> str:
    """Return the identifier of a call."""
    return token_hex(16)
