"""Pushes in all forms, valid and invalid."""

from dataclasses import replace
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from custom_components.ip_intercom.systems.smartyard.client import Action, CallPush, TextPush
from custom_components.ip_intercom.systems.smartyard.client.push import DEFAULT_TTL, MAX_BODY, parse

KEY = "0f1e2d3c4b5a69788796a5b4c3d2e1ff"
CALL: dict[str, str] = {
    "server": "yard.example.test",
    "port": "54675",
    "transport": "tcp",
    "extension": "2000007777",
    "pass": "secret-of-the-call",
    "dtmf": "9",
    "timestamp": "1795222540",
    "ttl": "25",
    "callerId": "Gate",
    "platform": "android",
    "flatId": "12",
    "flatNumber": "7",
}
RANG = CallPush(
    "yard.example.test", 54675, "tcp", "2000007777", "secret-of-the-call", "9", None, 1795222540, 25, "Gate", "android",
    "12", "7",
)  # fmt: skip
# What the documents have beside that.
MORE = {
    "stun": "stun:s.example.test:3478",
    "stunTransport": "udp",
    "turn": "turn:t.example.test:3478",
    "turnTransport": "udp",
    "turnUsername": "turn-user",
    "turnPassword": "turn-pass",
    "image": "https://yard.example.test/shot/1.jpg",
    "live": "https://yard.example.test/live/1/image.jpg",
    "baseUrl": "https://elsewhere.example.test:543",
}
RANG_MORE = replace(
    RANG,
    stun=MORE["stun"],
    stun_transport="udp",
    turn=MORE["turn"],
    turn_transport="udp",
    turn_username="turn-user",
    turn_password="turn-pass",
    image=MORE["image"],
    live=MORE["live"],
    base_url=MORE["baseUrl"],
)
SAYS: dict[str, str] = {"messageId": "77", "action": "inbox", "badge": "3", "title": "Heading", "body": "Words"}
SAID = TextPush("inbox", "Heading", "Words", "77", 3)


def dumped(content: object) -> bytes:
    return json.dumps(content).encode()


def in_parts(content: dict[str, str]) -> bytes:
    """Return a form as ``curl -F``, and PHP with an array, send it."""
    parts = (
        f'--{"-" * 24}5b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in content.items()
    )
    return f"{''.join(parts)}--{'-' * 24}5b--\r\n".encode()


def forms(content: dict[str, str]) -> dict[str, tuple[dict[str, str], bytes]]:
    """Return one push in every form that it may come in."""
    return {
        "bare": ({}, dumped(content)),
        "data": ({}, dumped({"data": content})),
        "data as text": ({}, dumped({"data": json.dumps(content)})),
        "of Google's newer API": ({}, dumped({"message": {"token": "x", "data": content}})),
        "with a notification": ({}, dumped({"notification": {"sound": "x"}, "data": content, "token": "x"})),
        "with Apple's": ({}, dumped({"aps": {"alert": {}, "sound": "x"}, **content})),
        "query": (content, b""),
        "form": ({}, urlencode(content).encode()),
        "form in parts": ({}, in_parts(content)),
        "form of nested data": ({}, urlencode({f"data[{name}]": value for name, value in content.items()}).encode()),
        "query beside something else": (content, b"{}"),
        "lower case": ({}, dumped({name.lower(): value for name, value in content.items()})),
    }


@pytest.mark.parametrize("form", forms(CALL))
@pytest.mark.parametrize(("content", "expected"), [(CALL, RANG), ({**CALL, **MORE}, RANG_MORE)])
def test_a_call_push_is_parsed_in_each_form(form: str, content: dict[str, str], expected: CallPush) -> None:
    assert parse(*forms(content)[form]) == expected


@pytest.mark.parametrize("form", forms(SAYS))
def test_a_message_push_is_parsed_in_each_form(form: str) -> None:
    assert parse(*forms(SAYS)[form]) == SAID


@pytest.mark.parametrize(
    "content",
    [
        {"notification": {"title": "Heading", "body": "Words"}, "data": {"messageId": "77", "badge": 3, "action": "inbox"}},
        {"message": {"notification": {"title": "Heading", "body": "Words"}, "data": {**SAYS, "title": ""}}},
        {"aps": {"alert": {"title": "Heading", "body": "Words"}}, "messageId": 77, "badge": "3", "action": "inbox"},
        {"token": "x", "title": "Heading", "msg": "Words", "pushAction": "inbox", "messageId": "77", "badge": "3"},
    ],
)  # fmt: skip
def test_title_and_text_of_a_message_are_found_in_any_place(content: Any) -> None:
    assert parse({}, dumped(content)) == SAID


def test_a_title_alone_is_no_message_but_a_text_is() -> None:
    assert parse({}, dumped({"notification": {"title": "Heading", "body": "Words"}})) == TextPush(
        "", "Heading", "Words"
    )
    assert parse({}, dumped({"notification": {"title": "Heading"}})) is None


@pytest.mark.parametrize(
    ("said", "action"),
    [
        ("inbox", Action.INBOX),
        ("chat", Action.CHAT),
        ("newaddress", Action.NEW_ADDRESS),
        ("newAddress", Action.NEW_ADDRESS),
        ("PAYSUCCESS", Action.PAY_SUCCESS),
        ("payerror", Action.PAY_ERROR),
        ("videoready", Action.VIDEO_READY),
        ("videoredy", Action.VIDEO_READY),
        ("VideoRedy", Action.VIDEO_READY),
        ("Ext", Action.EXT),
        ("money", Action.MONEY),
        ("paranoid", Action.PARANOID),
        ("eventLog", Action.EVENT_LOG),
        ("somethingNew", "somethingNew"),
    ],
)
def test_each_action_of_a_push_is_recognized(said: str, action: str) -> None:
    found = parse({}, dumped({"action": said}))
    assert isinstance(found, TextPush)
    assert found.action == action


@pytest.mark.parametrize("name", ["ext", "Ext", "EXT"])
def test_a_push_contains_the_page_of_its_extension(name: str) -> None:
    assert parse({}, dumped({"action": "ext", name: "42"})) == TextPush("ext", ext="42")


def test_all_fields_of_a_message_are_read() -> None:
    content = {
        **SAYS, "action": "paranoid", "houseId": "5", "hash": KEY, "timestamp": "1795222540", "ttl": "30",
        "sound": "default", "platform": "ios", "flatId": "12", "eventLogId": "99", "eventDate": "2026-11-21",
    }  # fmt: skip
    found = parse({}, dumped(content))
    assert found == TextPush(
        "paranoid",
        "Heading",
        "Words",
        "77",
        3,
        None,
        "5",
        KEY,
        1795222540,
        30,
        "default",
        "ios",
        "12",
        "99",
        "2026-11-21",
    )


# ---- The hash ----


def test_a_call_with_a_hash_uses_it_as_password() -> None:
    found = parse({}, dumped({**CALL, "hash": KEY, "domophoneId": "3"}))
    assert found == replace(RANG, hash=KEY, password=KEY, domophone_id="3")


def test_fields_of_the_second_server_are_read() -> None:
    more = {
        "type": "call", "houseId": "5", "image": "https://a.test/i", "live": "https://a.test/l",
        "webRtcUrl": "https://a.test/w", "noVideoSip": "t", "stun": "stun:s.test", "stun_transport": "udp",
    }  # fmt: skip
    assert parse({}, dumped({**CALL, **more})) == replace(
        RANG, house_id="5", image="https://a.test/i", live="https://a.test/l", webrtc_url="https://a.test/w",
        no_video_sip=True, stun="stun:s.test", stun_transport="udp",
    )  # fmt: skip


# ---- One ring ----


def shared(one: CallPush, other: CallPush) -> set[str]:
    return {*one.ring_ids} & {*other.ring_ids}


def test_pushes_of_one_ring_share_an_id() -> None:
    """The id is the hash, which all devices of the apartment share, or extension and time."""
    with_hash = replace(RANG, hash=KEY)
    assert shared(with_hash, replace(with_hash, extension="2", timestamp=5))
    assert shared(with_hash, RANG)
    assert not shared(with_hash, replace(with_hash, hash=KEY[::-1], extension="2"))
    assert shared(RANG, replace(RANG, caller="Other"))
    assert len({*RANG.ring_ids, *replace(RANG, timestamp=5).ring_ids, *replace(RANG, extension="5").ring_ids}) == 3
    assert len(CallPush(hash=KEY).ring_ids) == len(CallPush().ring_ids) == 1
    assert not {KEY, RANG.extension} & {*with_hash.ring_ids, *RANG.ring_ids}


def test_a_call_push_without_a_lifetime_has_the_default_one() -> None:
    without = {name: value for name, value in CALL.items() if name != "ttl"}
    found = parse({}, dumped(without))
    assert isinstance(found, CallPush)
    assert found.ttl == DEFAULT_TTL


def test_a_call_of_the_support_is_recognized() -> None:
    found = parse({}, dumped({**CALL, "domophoneId": "-1", "flatNumber": "-1", "callerId": "Support"}))
    assert isinstance(found, CallPush)
    assert found.is_support
    assert not RANG.is_support


# ---- Others ----

DEEP = b'{"data":' * 50_000 + b"{}" + b"}" * 50_000


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{}",
        b"[]",
        b"null",
        b"5",
        b'"text"',
        b"hello",
        b"a=1",
        b"\xff\xfe\x00",
        b"\xff=1",
        b"[" * 100_000,
        DEEP,
        b'{"timestamp": ' + b"9" * 5000 + b"}",
        b'{"data": "[1"}',
        b'{"extension": ""}',
        b'{"extension": []}',
        b'{"extension": {"a": 1}}',
        b'{"action": null}',
        b"&".join(b"a%d=1" % number for number in range(5000)),
        dumped({"data": {"data": {"data": {"data": {"data": CALL}}}}}),
        b"--",
        b"-- \n--\n",
        b'--a\r\nContent-Disposition: form-data; name="extension"',
        b"--a\r\nContent-Disposition: form-data\r\n\r\n1\r\n--a--",
    ],
)
def test_an_invalid_body_is_no_push(body: bytes) -> None:
    assert parse({}, body) is None


def test_a_huge_body_is_not_read() -> None:
    padding = "x" * MAX_BODY
    assert parse({}, dumped({**CALL, "padding": padding})) is None
    assert parse({}, dumped({**CALL, "padding": padding[: MAX_BODY // 2]})) == RANG


@pytest.mark.parametrize(
    "wrong",
    [
        {"timestamp": "soon", "port": "x", "ttl": "-1"},
        {"timestamp": -1, "port": -5, "ttl": None},
        {"timestamp": 10**30, "port": 10**30, "ttl": 10**30},
        {"timestamp": [1], "port": {"a": 1}, "ttl": [[]]},
        {"timestamp": 1e400, "port": 1.5, "ttl": "1.5"},
        {"timestamp": "9" * 5000, "port": "9" * 5000, "ttl": "9" * 5000},
    ],
)
def test_values_of_wrong_types_are_ignored(wrong: dict[str, object]) -> None:
    found = parse({}, dumped({**CALL, **wrong}))
    assert found == replace(RANG, timestamp=None, port=None, ttl=DEFAULT_TTL)
    found = parse({}, dumped({**CALL, "callerId": {"a": 1}, "flatId": [5], "image": True}))
    assert found == replace(RANG, caller=None, flat_id=None)


def test_numbers_instead_of_texts_are_read() -> None:
    numbers = {name: int(value) if value.isdecimal() else value for name, value in CALL.items()}
    assert parse({}, dumped(numbers)) == RANG


def test_invalid_unicode_in_a_name_is_replaced() -> None:
    found = parse({}, b'{"extension": "1", "callerId": "a\\ud800b"}')
    assert isinstance(found, CallPush)
    assert found.caller == "a?b"


def test_the_repr_of_a_push_hides_its_secrets() -> None:
    content = {
        **CALL, **MORE, "hash": KEY, "videoToken": "video-token", "videoStream": "https://v.test/secret-path",
        "webRtcUrl": "https://w.test/secret-path",
    }  # fmt: skip
    shown = repr(parse({}, dumped(content))) + repr(parse({}, dumped({**SAYS, "hash": KEY})))
    secrets = (KEY, "secret-of-the-call", "2000007777", "turn-user", "turn-pass", "video-token", "secret-path", "dtmf")
    assert [secret for secret in (*secrets, "elsewhere.example.test", "/shot/1.jpg") if secret in shown] == []
    assert "yard.example.test" in shown
