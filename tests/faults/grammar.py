"""A grammar of spoiled HTTP replies: changes of structure, bytes, headers, and status of a recorded one."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
import gzip
import json
from random import Random
from typing import Any, Final

# Values of every type, at the edges of what JSON and Python can hold.
JUNK: Final[tuple[Any, ...]] = (
    None, True, False, 0, 1, -1, 0.5, -0.0, 2**31, 2**63, -(2**63), 10**400, 1e308, float("nan"), float("inf"),
    float("-inf"), "", " ", "0", "-1", "1", "true", "null", "NaN", "1e999", "9" * 400, "text", "\x00", "a\x00b", "\r\n",
    "\ud800", "\u202e", "\ufeff", "é", "😀", "%s%n", "../..", "<b>", "{}", "[]", "2026-13-45T99:99:99Z",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "http://[", "rtsp://127.0.0.1:99999/x", "A" * 100_000, [],
    {}, [[]], [None], [0, ""], {"": None}, {"id": {}}, [{}] * 3,
)  # fmt: skip
# Bytes that break text, JSON, and multipart.
BYTES: Final = (
    b"\x00", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xef\xbb\xbf", b'"', b"{", b"}", b"]", b",", b"\\u",
    b"\\", b"\r\n", b"--", b"<html>", b"NaN", b"-Infinity", b"1" * 5000, b"[" * 5000, b'{"a":' * 3000, b" " * 10_000,
)  # fmt: skip
STATUSES: Final = (
    "100 Continue", "101 Switching", "200 OK", "204 No Content", "206 Partial", "301 Moved", "302 Found",
    "304 Not Modified", "307 Temporary", "400 Bad", "401 Unauthorized", "403 Forbidden", "404 Not Found", "405 Method",
    "408 Timeout", "409 Conflict", "410 Gone", "413 Large", "415 Type", "418 Teapot", "422 Content", "429 Many",
    "500 Error", "501 Not", "502 Bad", "503 Busy", "504 Late", "511 Portal", "599 x", "999 x", "000 x", "2000 x", "OK", "",
)  # fmt: skip
TYPES: Final = (
    "application/json", "application/json; charset=utf-16", "application/json; charset=nonsense", "text/html", "text/plain",
    "image/jpeg", "image/", "multipart/x-mixed-replace", "multipart/x-mixed-replace; boundary=", "application/octet-stream",
    "", ";", "/", "a" * 5000,
)  # fmt: skip
HEADERS: Final = (
    "Location", "Retry-After", "Date", "WWW-Authenticate", "Set-Cookie", "Content-Encoding", "Transfer-Encoding",
    "Content-Length", "Content-Type", "Connection", "Content-Disposition", "Content-Range", "Server", "Allow", "X",
)  # fmt: skip
WORDS: Final = (
    "", " ", "0", "-1", "1e9", "99999999999999999999", "gzip", "deflate", "br", "zstd", "chunked", "identity, chunked",
    "close", "keep-alive", "Digest", "Basic", 'Basic realm="', 'Digest realm="x", nonce="y", algorithm=SHA-999',
    'Digest realm="x", nonce="", qop="auth-int"', 'Digest nonce="\\", realm="x", qop="auth', "Digest nonce=,realm=,=,qop=auth",
    'Digest realm="x", nonce="y", qop="auth", algorithm=MD5-sess, opaque=""', "Bearer", "http://[", "http://", "//",
    "/", "https://127.0.0.1:1/", "http://127.0.0.1:99999/", "javascript:x", "a=b; Max-Age=1e999; Domain=.", "=",
    "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 99 Foo 0000 99:99:99 +9999", "\t", "é", "\x7f",
    "x" * 7000, "x" * 9000,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP reply as it is sent; ``framed`` if its length is to be written as it is."""

    status: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    framed: bool = True
    cut: int | None = None

    def wire(self) -> tuple[bytes, bool]:
        """Return the bytes, and whether the connection ends after them."""
        headers = self.headers
        if self.framed:
            headers = (*headers, ("Content-Length", str(len(self.body))))
        head = "".join(f"{name}: {value}\r\n" for name, value in headers)
        wire = f"HTTP/1.1 {self.status}\r\n{head}\r\n".encode("utf-8", "surrogatepass") + self.body
        return (wire, False) if self.cut is None else (wire[: self.cut], True)


type Change = Callable[[Reply, Random], Reply]


def spoiled(reply: Reply, random: Random) -> Reply:
    """Return a reply with one to four changes."""
    for _ in range(random.choice((1, 1, 1, 2, 2, 3, 4))):
        change: Change = random.choices(_CHANGES, _WEIGHTS)[0]
        reply = change(reply, random)
    return reply


def spoiled_body(reply: Reply, random: Random) -> Reply:
    """Return a reply whose JSON has one to three changes of structure and is still JSON."""
    for _ in range(random.choice((1, 1, 2, 3))):
        reply = change_structure(reply, random)
    return reply


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Iterate over the paths of all values in a document."""
    yield path
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield from places(value, (*path, key))


def change_structure(reply: Reply, random: Random) -> Reply:
    """Drop, double, swap, wrap, or replace one value of a JSON body."""
    try:
        document = json.loads(reply.body)
    except ValueError, RecursionError:
        return change_bytes(reply, random)
    return replace(reply, body=written(change_document(document, random)))


def written(document: Any) -> bytes:
    """Return JSON as a careless device writes it: with NaN, and with lone surrogates escaped or as bytes."""
    try:
        return json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(document).encode()


def change_document(document: Any, random: Random) -> Any:
    """Return a document with one value dropped, doubled, swapped, wrapped, or replaced."""
    path = random.choice(list(places(document)))
    if not path:
        return random.choice((deepcopy(random.choice(JUNK)), [document], {"data": document}, {"result": document}))
    holder = document
    for key in path[:-1]:
        holder = holder[key]
    _change_value(holder, path[-1], random)
    return document


def _change_value(holder: Any, key: Any, random: Random) -> None:
    value = holder[key]
    match random.randrange(8):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, list):
            holder.extend([deepcopy(value)] * random.choice((1, 2, 300)))
        case 1:
            holder[random.choice((f"{key}2", str(key).upper(), "", "\x00", "__proto__"))] = deepcopy(value)
        case 2:
            for _ in range(random.choice((1, 3, 150, 300))):
                value = random.choice(([value], {"a": value}))
            holder[key] = value
        case 3 if isinstance(value, str):
            at = random.randint(0, len(value))
            holder[key] = value[:at] + str(random.choice(JUNK[20:44])) + value[at + random.randint(0, 3) :]
        case 3 if isinstance(value, int | float):
            holder[key] = random.choice((str(value), -value, value + 1, value * 10**20, [value], f" {value} "))
        case 4:
            other = random.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
            holder[key], holder[other] = holder[other], value
        case _:
            holder[key] = deepcopy(random.choice(JUNK))


def change_bytes(reply: Reply, random: Random) -> Reply:
    """Cut, insert, overwrite, or repeat bytes of the body."""
    body, at = reply.body, random.randint(0, len(reply.body))
    match random.randrange(6):
        case 0:
            body = body[:at]
        case 1:
            body = body[:at] + random.choice(BYTES) + body[at:]
        case 2:
            body = body[:at] + random.randbytes(random.choice((1, 4, 64))) + body[at + 4 :]
        case 3:
            body = body[:at] + body[max(0, at - 200) :]
        case 4:
            body = random.choice((b"", b"null", b"[]", b"{}", b"\xff\xfe", b"<html>", b'"', body + body, body * 20))
        case _:
            body = body.decode("utf-8", "replace").encode(
                random.choice(("utf-16", "utf-32", "latin-1", "cp037")), "replace"
            )
    return replace(reply, body=body)


def change_header(reply: Reply, random: Random) -> Reply:
    """Drop, double, add, or replace a header."""
    headers = list(reply.headers)
    name = random.choice(HEADERS)
    if headers and random.random() < 0.3:
        at = random.randrange(len(headers))
        headers[at : at + 1] = random.choice(([], [headers[at]] * 2, [(headers[at][0], random.choice(WORDS))]))
    else:
        headers.append((name, random.choice(TYPES if name == "Content-Type" else WORDS)))
    return replace(reply, headers=tuple(headers))


def change_status(reply: Reply, random: Random) -> Reply:
    """Answer with another status."""
    return replace(reply, status=random.choice(STATUSES))


def change_framing(reply: Reply, random: Random) -> Reply:
    """Announce another length or encoding than the body has, or end the connection early."""
    size = len(reply.body)
    match random.randrange(5):
        case 0:
            return replace(reply, cut=random.randint(0, size + 200))
        case 1:
            length = random.choice((str(size + 10), str(max(0, size - 5)), "-1", "x", "", f"{size}, {size}", "9" * 30))
            return replace(reply, framed=False, headers=(*reply.headers, ("Content-Length", length)), cut=size + 20_000)
        case 2:
            packed = gzip.compress(reply.body)[: random.choice((None, -4, 20))]
            return replace(reply, body=packed, headers=(*reply.headers, ("Content-Encoding", "gzip")))
        case 3:
            coding = ("Transfer-Encoding", random.choice(("chunked", "gzip, chunked", "x")))
            chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (size, reply.body)
            body = random.choice((reply.body, chunks, chunks[:-7], b"-1\r\n", b"f" * 20 + b"\r\n", b"zz\r\n"))
            return replace(reply, framed=False, headers=(*reply.headers, coding), body=body, cut=len(body) + 20_000)
        case _:
            return replace(reply, framed=False, cut=size + 20_000)


_CHANGES: Final[tuple[Change, ...]] = (change_structure, change_bytes, change_header, change_status, change_framing)
_WEIGHTS: Final = (10, 3, 2, 2, 2)
