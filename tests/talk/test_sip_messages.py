"""Messages: limits, addresses, streams, and the torture messages of RFC 4475."""

from itertools import pairwise

import pytest

from custom_components.ip_intercom.talk.errors import SipError
from custom_components.ip_intercom.talk.sip_addresses import (
    Address,
    SipUri,
    Via,
    parameter,
    parse_number,
    parse_parameters,
    split_outside,
)
from custom_components.ip_intercom.talk.sip_messages import Request, Response, StreamParser, parse_message

from .torture import INVALID, VALID


@pytest.mark.parametrize("name", VALID)
def test_tortuous_messages_are_understood(name: str) -> None:
    message = parse_message(VALID[name])
    message.check()
    # What is written is understood in the same way.
    again = parse_message(message.to_bytes())
    assert [item for item in again.headers if item[0] != "content-length"] == [
        item for item in message.headers if item[0] != "content-length"
    ]
    assert again.body == message.body


@pytest.mark.parametrize("name", INVALID)
def test_broken_messages_are_refused(name: str) -> None:
    if name == "badvers":
        message = parse_message(INVALID[name])
        assert isinstance(message, Request) and message.version == "SIP/7.0"
        return
    with pytest.raises(SipError):
        _checked(INVALID[name])


def _checked(data: bytes) -> None:
    message = parse_message(data)
    message.check()
    if isinstance(message, Request):
        SipUri.parse(message.uri)


def test_the_first_torture_message_is_parsed_in_detail() -> None:
    message = parse_message(VALID["wsinv"])
    assert isinstance(message, Request)
    assert (message.method, message.uri) == ("INVITE", "sip:vivekg@chair-dnrc.example.com;unknownparam")
    assert message.to.tag == "1918181833n"
    assert (message.from_.tag, message.from_.display) == ("98asjd8", '"J Rosenberg \\\\\\""')
    assert message.cseq == (9, "INVITE")
    assert message.get("newfangledheader") == "newfangled value continued newfangled value"
    assert [Via.parse(item).branch for item in message.items("via")] == ["390skdjuw", "z9hG4bK9ikj8", "z9hG4bK30239"]
    contact = message.contact
    assert contact is not None
    assert contact.uri == "sip:jdrosen@example.com"
    assert contact.parameters == (("newparam", "newvalue"), ("secondparam", None), ("q", "0.33"))
    assert len(message.body) == 150


HEAD = (
    b"OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\n"
    b"Call-ID: 1\r\nCSeq: 1 OPTIONS\r\n"
)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n\r\n\r\n",
        HEAD,
        HEAD + b"X: " + b"x" * 9000 + b"\r\n\r\n",
        HEAD + b"X: x\r\n" * 200 + b"\r\n",
        HEAD + b"X: x\r\n" + b" y\r\n" * 20_000 + b"\r\n",
        HEAD + (b"X" * 8000 + b": x\r\n") * 5 + b"\r\n",
        b"x" * 70_000,
        HEAD + b"no colon\r\n\r\n",
        HEAD + b": no name\r\n\r\n",
        HEAD + b"N(me: x\r\n\r\n",
        HEAD + b"X: a\x00b\r\n\r\n",
        HEAD + b"X: a\rb\r\n\r\n",
        b" " + HEAD + b"\r\n",
        b"OPTIONS\x00 sip:a SIP/2.0\r\n\r\n",
        b"SIP/2.0 099 Low\r\n\r\n",
        b"SIP/2.0 700 High\r\n\r\n",
        b"SIP/2.0 20\r\n\r\n",
        HEAD + b"Content-Length: 1e3\r\n\r\n",
        HEAD + b"Content-Length: 99999999999999999999\r\n\r\n",
    ],
)
def test_messages_above_the_limits_are_refused(data: bytes) -> None:
    with pytest.raises(SipError):
        parse_message(data)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\n", b""),
        (b"SIP/2.0/UDP h", b"SIP/3.0/UDP h"),
        (b"SIP/2.0/UDP h", b"nonsense"),
        (b"SIP/2.0/UDP h", b"SIP/2.0/UDP h:999999"),
        (b"From: ", b'Via: "\r\nFrom: '),
        (b"Call-ID: 1", b"Call-ID: "),
        (b"CSeq: 1 OPTIONS", b"CSeq: OPTIONS"),
        (b"CSeq: 1 OPTIONS", b"CSeq: 4294967295 OPTIONS"),
        (b";tag=1", b""),
        (b"To: <sip:c@d>", b"To: <sip:c@d"),
        (b"To: <sip:c@d>", b'To: "c" "d" <sip:c@d>'),
        (b"To: <sip:c@d>", b'To: "c'),
        (b"To: <sip:c@d>", b"To: c"),
        (b"To: <sip:c@d>", b'To: a"b" <sip:c@d>'),
        (b"To: <sip:c@d>", b'To: sip:c"@d'),
        (b"To: <sip:c@d>", b"To: <sip:c@d> x"),
        (b"Call-ID: 1", b"Call-ID: 1\r\nRoute: <tel:1>"),
        (b"Call-ID: 1", b"Call-ID: 1\r\nRecord-Route: nonsense"),
        (b"Call-ID: 1", b"Call-ID: 1\r\nContact: <nonsense"),
    ],
)
def test_malformed_headers_are_refused(old: bytes, new: bytes) -> None:
    parse_message(HEAD + b"\r\n").check()
    with pytest.raises(SipError):
        parse_message(HEAD.replace(old, new) + b"\r\n").check()


def test_lines_may_end_without_carriage_return() -> None:
    message = parse_message((HEAD + b"l: 2\r\n\r\nhi").replace(b"\r\n", b"\n"))
    assert (message.body, message.call_id) == (b"hi", "1")


@pytest.mark.parametrize(
    ("text", "host", "port", "user"),
    [
        ("sip:a@b", "b", None, "a"),
        ("SIPS:a:pw@b:5061;transport=tcp?x=y", "b", 5061, "a:pw"),
        ("sip:[2001:db8::1]:5070", "[2001:db8::1]", 5070, None),
        ("sip:b;lr", "b", None, None),
    ],
)
def test_sip_addresses_are_parsed(text: str, host: str, port: int | None, user: str | None) -> None:
    uri = SipUri.parse(text)
    assert (uri.host, uri.port, uri.user) == (host, port, user)
    assert SipUri.parse(str(uri)) == uri


@pytest.mark.parametrize(
    "text", ["", "a@b", "tel:1", "sip:", "sip:@", "sip:a@b:", "sip:a@b:70000", "sip:a b@c", "sip:[::1"]
)
def test_a_malformed_sip_address_is_an_error(text: str) -> None:
    with pytest.raises(SipError):
        SipUri.parse(text)


def test_the_text_of_a_uri_hides_the_password() -> None:
    assert SipUri.parse("sip:a:secret@b:5070;x=y").shown == "sip:a@b:5070"


def test_lists_and_parameters_are_split_outside_quotes() -> None:
    assert split_outside('"a,b" <c,d>;e, f', ",") == ['"a,b" <c,d>;e', "f"]
    assert split_outside('"a\\",b", c', ",") == ['"a\\",b"', "c"]
    assert parse_parameters(';A="x;y";b;;c = d') == (("a", "x;y"), ("b", None), ("c", "d"))
    assert parameter((("b", None),), "b") == ""
    assert parameter((), "b") is None
    for text in ('"a', "<a", '"\\'):
        with pytest.raises(SipError):
            split_outside(text, ",")


@pytest.mark.parametrize(
    ("text", "number"),
    [("1", 1), (" 12 ", 12), (None, None), ("", None), ("-1", None), ("1_0", None), ("٣", None), ("9" * 30, None)],
)
def test_only_decimal_numbers_are_parsed(text: str | None, number: int | None) -> None:
    assert parse_number(text) == number


def test_a_response_copies_headers_of_its_request() -> None:
    request = parse_message(HEAD + b"Timestamp: 5\r\n\r\n")
    assert isinstance(request, Request)
    trying = request.respond(100, "Trying", "mine")
    assert (trying.get("to"), trying.get("timestamp")) == ("<sip:c@d>", "5")
    ok = request.respond(200, "OK", "mine", [("x", "y")])
    assert ok.to_bytes() == (
        b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=mine\r\n"
        b"Call-ID: 1\r\nCSeq: 1 OPTIONS\r\nX: y\r\nContent-Length: 0\r\n\r\n"
    )


def test_invalid_utf_8_is_returned_unchanged() -> None:
    request = parse_message(HEAD.replace(b"Call-ID: 1", b"Call-ID: \xff\xfe") + b"\r\n")
    assert isinstance(request, Request)
    assert b"Call-ID: \xff\xfe\r\n" in request.respond(200, "OK", "x").to_bytes()


def test_the_address_of_the_sender_is_filled_in() -> None:
    assert (
        str(Via.parse("SIP/2.0/UDP h:1;branch=x").answered("192.0.2.1", 5))
        == "SIP/2.0/UDP h:1;branch=x;received=192.0.2.1"
    )
    assert (
        str(Via.parse("SIP/2.0/UDP 192.0.2.1;rport;received=x;branch=x").answered("192.0.2.1", 5))
        == "SIP/2.0/UDP 192.0.2.1;branch=x;received=192.0.2.1;rport=5"
    )
    assert str(Via.parse("SIP/2.0/TCP [::1]").answered("::1", 5)) == "SIP/2.0/TCP [::1]"


def test_the_display_name_of_an_address_is_kept() -> None:
    assert str(Address.parse('"Door, 1" <sip:a@b>;tag=x')) == '"Door, 1" <sip:a@b>;tag=x'
    assert str(Address.parse("sip:a@b;tag=x")) == "<sip:a@b>;tag=x"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 10_000])
def test_a_stream_is_cut_into_messages(size: int) -> None:
    stream = b"\r\n\r\n" + HEAD + b"l: 5\r\n\r\nhello" + b"\r\n" + HEAD + b"\r\n" + b"\r\n\r\n" + VALID["unreason"]
    parser = StreamParser()
    found = [
        message
        for begin, end in pairwise([*range(0, len(stream), size), len(stream)])
        for message in parser.feed(stream[begin:end])
    ]
    assert [message.body for message in found] == [b"hello", b"", b""]
    assert isinstance(found[2], Response)
    assert parser.pings >= 1


def test_a_stream_has_limits() -> None:
    parser = StreamParser()
    with pytest.raises(SipError):
        list(parser.feed(b"x" * 40_000))
    for data in (HEAD + b"Content-Length: -1\r\n\r\n", HEAD + b"Content-Length: 70000\r\n\r\n"):
        with pytest.raises(SipError):
            list(StreamParser().feed(data))
