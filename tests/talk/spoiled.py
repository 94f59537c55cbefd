"""RTSP as it must not be: changes of lines, headers, lengths, bytes, and frames of a good conversation."""

from collections.abc import Callable
from random import Random
from typing import Final

WORDS: Final = (
    b"", b" ", b"0", b"-1", b"1e9", b"9" * 30, b"\xff\xfe", b"\x00", b"\xc2\xb2", b"\r", b"\n", b"\r\n\r\n", b":", b"$", b"=",
    b"RTSP/1.0", b"RTSP/9.9", b"HTTP/1.1", b"rtsp://", b"rtsp://[", b"rtsp://127.0.0.1:99999/../..", b"*", b"/", b"%s%n%00",
    b"OPTIONS", b"options", b"REDIRECT", b"ANNOUNCE", b"\xf0\x9f\x98\x80", b"A" * 300, b"A" * 20_000, b",;" * 400,
    b"interleaved=0-1", b"interleaved=255-0", b"interleaved=999999-0", b"interleaved=-", b"interleaved=1-1",
    b"timeout=", b"timeout=0", b"timeout=99999999999", b"timeout=1e5", b'Digest realm="', b'Digest nonce="n", qop="auth-int"',
    b'Digest realm="r", nonce="n", qop="auth", algorithm=SHA-999', b"Basic", b"Negotiate YII=", b"www.onvif.org/ver20/backchannel",
    b"npt=now-", b"v=0", b"m=audio 9 RTP/AVP 0", b"m=", b"a=control:", b"a=control:rtsp://192.0.2.66/x y", b"a=sendonly",
    b"a=rtpmap:96 H264/0", b"a=rtpmap:300 X", b"\xed\xa0\x80",
)  # fmt: skip
HEADERS: Final = (
    b"CSeq", b"Session", b"Transport", b"Require", b"Content-Length", b"Content-Type", b"Content-Base", b"Content-Location",
    b"Location", b"Public", b"Range", b"RTP-Info", b"WWW-Authenticate", b"Authorization", b"Accept", b"Connection", b"X" * 80, b"",
)  # fmt: skip
STATUSES: Final = (
    b"100",
    b"200",
    b"201",
    b"301",
    b"302",
    b"400",
    b"401",
    b"404",
    b"453",
    b"454",
    b"461",
    b"500",
    b"551",
    b"999",
    b"2x",
)
# Interleaved packets: none, empty, cut, too long, and RTP and RTCP that are none.
FRAMES: Final = (
    b"$", b"$\x00\x00\x00", b"$\x00\xff\xff", b"$\x04\x00\x0cabc", b"$\xff\x00\x01\x80", b"$\x04\x00\x02\x80\x00",
    b"$\x01\x00\x08\x80\xc8\x00\x01\x00\x00\x00\x00", b"$\x00\x00\x0e\x8f\x60" + b"\x00" * 10 + b"\x7c\x85",
    b"$\x04\x00\x10\x90\x00" + b"\xff" * 14, b"$\x04\x00\x0d\xa0\x00" + b"\xff" * 11,
)  # fmt: skip


def spoiled(data: bytes, random: Random) -> bytes:
    """Return bytes with one to four changes."""
    for _ in range(random.choice((1, 1, 1, 2, 2, 3, 4))):
        change: Callable[[bytes, Random], bytes] = random.choice(_CHANGES)
        data = change(data, random)
    return data


def _place(data: bytes, random: Random) -> int:
    return random.randrange(len(data) + 1)


def _insert(data: bytes, random: Random) -> bytes:
    place = _place(data, random)
    return data[:place] + random.choice(WORDS) + data[place:]


def _overwrite(data: bytes, random: Random) -> bytes:
    place = _place(data, random)
    return data[:place] + bytes(random.randrange(256) for _ in range(random.randint(1, 8))) + data[place + 4 :]


def _cut(data: bytes, random: Random) -> bytes:
    return data[: _place(data, random)]


def _drop(data: bytes, random: Random) -> bytes:
    place = _place(data, random)
    return data[:place] + data[place + random.randint(1, 60) :]


def _repeat(data: bytes, random: Random) -> bytes:
    place = _place(data, random)
    return data[:place] + data[place : place + 40] * random.randint(2, 200) + data[place:]


def _header(data: bytes, random: Random) -> bytes:
    lines = data.split(b"\r\n")
    header = random.choice(HEADERS) + random.choice((b": ", b":", b"", b" : ")) + random.choice(WORDS)
    lines.insert(random.randrange(1, len(lines) + 1), header)
    return b"\r\n".join(lines)


def _value(data: bytes, random: Random) -> bytes:
    lines = data.split(b"\r\n")
    place = random.randrange(len(lines))
    name, colon, _ = lines[place].partition(b": ")
    lines[place] = name + colon + random.choice(WORDS)
    return b"\r\n".join(lines)


def _line(data: bytes, random: Random) -> bytes:
    lines = data.split(b"\r\n")
    random.choice((lines.reverse, lambda: random.shuffle(lines), lambda: lines.pop(random.randrange(len(lines)))))()
    return b"\r\n".join(lines)


def _status(data: bytes, random: Random) -> bytes:
    return data.replace(b" 200 ", b" " + random.choice(STATUSES) + b" ", 1)


def _frame(data: bytes, random: Random) -> bytes:
    lines = data.split(b"\r\n\r\n")
    lines.insert(random.randrange(len(lines) + 1), random.choice(FRAMES))
    return b"\r\n\r\n".join(lines)


def _newlines(data: bytes, random: Random) -> bytes:
    return data.replace(b"\r\n", random.choice((b"\n", b"\r", b"\n\r", b"\r\n ")))


_CHANGES: Final = (
    _insert,
    _overwrite,
    _cut,
    _drop,
    _repeat,
    _header,
    _header,
    _value,
    _value,
    _line,
    _status,
    _frame,
    _newlines,
)
