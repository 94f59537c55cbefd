"""RTSP messages, whole, in pieces, and malformed."""

import pytest

from custom_components.ip_intercom.talk.errors import RtspError
from custom_components.ip_intercom.talk.rtsp_messages import (
    LONGEST_BODY,
    LONGEST_HEAD,
    Headers,
    Interleaved,
    Message,
    Parser,
    Request,
    Response,
    Transport,
    framed,
    is_rtcp,
)

# RFC 2326, 10.2 and 10.12, with a folded header.
STREAM = (
    b"\r\nDESCRIBE rtsp://server.example.com/fizzle/foo RTSP/1.0\r\nCSeq: 312\r\n"
    b"Accept: application/sdp,\r\n application/rtsl\r\n\r\n"
    b"RTSP/1.0 200 OK\r\nCSeq: 312\r\nContent-Length:  7\r\n\r\nv=0\r\n\r\n"
    b"$\x00\x00\x03abc"
    b"RTSP/1.0 454\nCSeq: 313\n\n"
    b"$\x01\x00\x00"
    b"GET_PARAMETER rtsp://server.example.com/fizzle/foo RTSP/1.0\r\nCSeq: 431\r\nContent-Length: 3\r\n\r\na\r\n"
)


def seen(message: Message) -> tuple[object, ...]:
    """Return what a message says."""
    match message:
        case Interleaved(channel, data):
            return "$", channel, data
        case Request():
            return message.method, message.uri, message.headers.get("cseq"), message.body
        case Response():
            return message.status, message.headers.get("CSEQ"), message.body


EXPECTED = [
    ("DESCRIBE", "rtsp://server.example.com/fizzle/foo", "312", b""),
    (200, "312", b"v=0\r\n\r\n"),
    ("$", 0, b"abc"),
    (454, "313", b""),
    ("$", 1, b""),
    ("GET_PARAMETER", "rtsp://server.example.com/fizzle/foo", "431", b"a\r\n"),
]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 1000])
def test_messages_are_read_from_pieces_of_any_size(size: int) -> None:
    parser = Parser()
    pieces = [STREAM[start : start + size] for start in range(0, len(STREAM), size)]
    assert [seen(message) for piece in pieces for message in parser.feed(piece)] == EXPECTED


def test_a_folded_header_is_one_value() -> None:
    [request, *_] = Parser().feed(STREAM)
    assert isinstance(request, Request)
    assert request.headers.all("Accept") == ["application/sdp, application/rtsl"]
    assert request.headers.get("Require") is None


def test_written_and_read_again_is_the_same() -> None:
    headers = Headers(("CSeq", "1"), ("X", "line\r\nInjected: yes"))
    wire = Request("SETUP", "rtsp://127.0.0.1/x", headers, b"body").pack() + Response(551, headers).pack()
    request, response = Parser().feed(wire)
    assert isinstance(request, Request) and isinstance(response, Response)
    assert [*request.headers] == [("CSeq", "1"), ("X", "line  Injected: yes"), ("Content-Length", "4")]
    assert (request.body, response.status) == (b"body", 551)
    assert b"RTSP/1.0 551 Option Not Supported\r\n" in wire


def test_a_frame_has_its_channel_and_length() -> None:
    assert framed(5, b"ab") == b"$\x05\x00\x02ab"
    assert is_rtcp(bytes((0x80, 200))) and not is_rtcp(bytes((0x80, 0x80 | 96))) and not is_rtcp(b"")


@pytest.mark.parametrize(
    ("wire", "reason"),
    [
        (b"\0\r\n\r\n", "the request line is malformed"),
        (b"GET / HTTP/1.1 x\r\n\r\n", None),
        (b"get rtsp://x RTSP/1.0\r\n\r\n", "the request line is malformed"),
        (b"OPTIONS rtsp://x\r\n\r\n", "the request line is malformed"),
        ("OPTIONS rtsp://ö RTSP/1.0\r\n\r\n".encode(), "the request line is malformed"),
        (b"RTSP/1.0 2x0 OK\r\n\r\n", "the status line is malformed"),
        (b"OPTIONS * RTSP/1.0\r\nno header\r\n\r\n", "a header is malformed"),
        (b"OPTIONS * RTSP/1.0\r\n: x\r\n\r\n", "a header is malformed"),
        (b"OPTIONS * RTSP/1.0\r\n (folded): x\r\n\r\n", "a header is malformed"),
        (b"OPTIONS * RTSP/1.0\r\n" + b"X: y\r\n" * 100 + b"\r\n", "there are too many headers"),
        (b"OPTIONS * RTSP/1.0\r\nX: " + b"y" * LONGEST_HEAD + b"\r\n\r\n", "the headers are too long"),
        (b"x" * (LONGEST_HEAD + 1), "the headers are too long"),
        (b"OPTIONS * RTSP/1.0\r\nContent-Length: -1\r\n\r\n", "the length of the body is malformed"),
        (b"OPTIONS * RTSP/1.0\r\nContent-Length: \xb2\r\n\r\n", "the length of the body is malformed"),
        (
            b"OPTIONS * RTSP/1.0\r\nContent-Length: 1\r\nContent-length: 2\r\n\r\n",
            "the length of the body is malformed",
        ),
        (b"OPTIONS * RTSP/1.0\r\nContent-Length: %d\r\n\r\n" % (LONGEST_BODY + 1), "the body is too long"),
    ],
)
def test_invalid_messages_are_errors(wire: bytes, reason: str | None) -> None:
    parser = Parser()
    if reason is None:
        # Another protocol's version is for the server to refuse.
        assert [message.version for message in parser.feed(wire) if isinstance(message, Request)] == ["HTTP/1.1 x"]
        return
    with pytest.raises(RtspError, match=f"^{reason}$"):
        list(parser.feed(wire))


def test_slow_headers_are_bounded() -> None:
    parser = Parser()
    for _ in range(LONGEST_HEAD // 8):
        assert list(parser.feed(b"OPTIONS ")) == []
    with pytest.raises(RtspError):
        list(parser.feed(b"OPTIONS "))


@pytest.mark.parametrize(
    ("header", "transport"),
    [
        ("RTP/AVP/TCP;unicast;interleaved=2-3", Transport(2, 3)),
        ("RTP/AVP;unicast;client_port=1-2,RTP/AVP/TCP;interleaved = 0 - 1;mode=play", Transport(0, 1)),
        ("rtp/avp/tcp;unicast", Transport(None, None)),
        # Devices that name the protocol or the channels their own way.
        ("RTP/AVP;unicast;destination=192.0.2.1;interleaved=0-1", Transport(0, 1)),
        ("RTP/AVP/TCP;interleaved=4", Transport(4, 5)),
        ("RTP/AVP/TCP;interleaved=255", None),
        ("RTP/AVP/TCP;interleaved=256-257", None),
        ("RTP/AVP/TCP;interleaved=3-3", None),
        ("RTP/AVP/TCP;interleaved=x", None),
        ("RTP/AVP;unicast;client_port=8000-8001", None),
        ("", None),
    ],
)
def test_the_transport_header_is_parsed(header: str, transport: Transport | None) -> None:
    assert Transport.parse(header) == transport


def test_a_transport_as_it_is_sent() -> None:
    assert str(Transport(2, 3)) == "RTP/AVP/TCP;unicast;interleaved=2-3"
