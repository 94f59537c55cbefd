"""The meaning of responses by status and body, without a server."""

import json
from typing import Any

import pytest

from custom_components.ip_intercom.systems.common.errors import (
    CommandFailed,
    IntercomError,
    InvalidRequest,
    NoAnswer,
    NoCodePending,
    NoData,
    NotFound,
    NotPaid,
    NotSupported,
    Redirected,
    SecureConnectionRequired,
    ServerBroken,
    TokenRefused,
    TooSoon,
    Unconfirmed,
    UnexpectedReply,
    WrongCode,
)
from custom_components.ip_intercom.systems.common.messages import Reply
from custom_components.ip_intercom.systems.smartyard.client.protocol import (
    ADDRESSES,
    ALERT,
    CHECK_PHONE,
    CONFIRM_CODE,
    LOG,
    OPEN_DOOR,
    PHONE_PATTERN,
    PING,
    REGISTER_PUSH_TOKEN,
    REQUEST_CODE,
    Endpoint,
    data,
    record,
    rows,
)

HTML = b"<!doctype html><html><body>502 Bad Gateway</body></html>"


def reply(status: int, body: object = b"", location: str = "") -> Reply:
    content = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return Reply(status, "application/json", content, "", "", location)


def envelope(code: int, said: str = "so", **more: object) -> dict[str, object]:
    return {"code": code, "name": "Name", "message": said, **more}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply(204), None),
        (reply(204, b"\n"), None),
        (reply(200), None),
        (reply(200, {"code": 200, "name": "OK", "message": "OK"}), None),
        (reply(200, {"code": "200", "data": [1]}), [1]),
        (reply(200, {"data": {"a": "t"}}), {"a": "t"}),
        (reply(201, envelope(201, data="x")), "x"),
        (reply(200, envelope(200, data=0)), 0),
        (reply(200, {}), None),
    ],
)
def test_the_data_of_a_success_is_returned(answer: Reply, expected: object) -> None:
    assert data(ADDRESSES, answer) == expected


REFUSALS: list[tuple[Endpoint, Reply, type[IntercomError], str]] = [
    # The token.
    (PING, reply(401, envelope(401, "Не авторизован")), TokenRefused, "Не авторизован"),
    (PING, reply(406, envelope(406)), TokenRefused, "so"),
    (PING, reply(410, {"error": "авторизация отозвана"}), TokenRefused, "авторизация отозвана"),
    (PING, reply(424, {"error": "неверный токен"}), TokenRefused, "неверный токен"),
    (PING, reply(449, envelope(449)), TokenRefused, "so"),
    (CHECK_PHONE, reply(401, envelope(401)), TokenRefused, "so"),
    # What the server says to people.
    (OPEN_DOOR, reply(404, envelope(404, "Intercom is unavailable")), CommandFailed, "Intercom is unavailable"),
    (OPEN_DOOR, reply(404, {"error": "услуга не подключена"}), CommandFailed, "услуга не подключена"),
    (OPEN_DOOR, reply(404), CommandFailed, "address/openDoor: 404"),
    (OPEN_DOOR, reply(402), NotPaid, "address/openDoor: 402"),
    (OPEN_DOOR, reply(402, {"error": "услуга не оплачена"}), NotPaid, "услуга не оплачена"),
    (LOG, reply(402, envelope(402)), NotPaid, "so"),
    (LOG, reply(403, envelope(403)), CommandFailed, "so"),
    (LOG, reply(403, {"code": 403, "name": "Forbidden"}), CommandFailed, "Forbidden"),
    (LOG, reply(403, {"code": 403, "message": "so"}), CommandFailed, "so"),
    (LOG, reply(404, envelope(404)), NotFound, "so"),
    (LOG, reply(404, {"error": "услуга не подключена"}), NotFound, "услуга не подключена"),
    (LOG, reply(404, {"code": 404}), NoData, "address/plog: 404"),
    (REQUEST_CODE, reply(429, envelope(429)), TooSoon, "so"),
    (REQUEST_CODE, reply(429), TooSoon, "user/requestCode: 429"),
    (REGISTER_PUSH_TOKEN, reply(406, envelope(406)), InvalidRequest, "so"),
    (ALERT, reply(406, envelope(406)), InvalidRequest, "so"),
    (ALERT, reply(422, b"\xd0\x9e\xd1\x88"), InvalidRequest, "inbox/alert: 422"),
    # Logging in.
    (CONFIRM_CODE, reply(403, envelope(403, "Пин-код введен неверно")), WrongCode, "Пин-код введен неверно"),
    (CONFIRM_CODE, reply(403, envelope(403, data={"error": "Device limit"})), CommandFailed, "Device limit"),
    (CHECK_PHONE, reply(403, envelope(403, data={"error": "Device limit"})), CommandFailed, "Device limit"),
    (CONFIRM_CODE, reply(404, envelope(404)), NoCodePending, "so"),
    (CONFIRM_CODE, reply(404, {"error": "пользователь не найден"}), NoCodePending, "пользователь не найден"),
    # A method that is not there.
    (PING, reply(405, envelope(405)), NotSupported, "user/ping: so"),
    (PING, reply(404, HTML), NotSupported, "user/ping: 404"),
    # A server that cannot.
    (PING, reply(555, {"error": "redis"}), ServerBroken, "555 redis"),
    (OPEN_DOOR, reply(555, {"error": "PDO"}), ServerBroken, "555 PDO"),
    (LOG, reply(500, envelope(500)), ServerBroken, "so"),
    (PING, reply(502, HTML), ServerBroken, "user/ping: 502"),
    (PING, reply(520, {"code": 520, "message": "so"}), ServerBroken, "so"),
    (OPEN_DOOR, reply(520, {"code": 520, "message": "so"}), CommandFailed, "so"),
    (OPEN_DOOR, reply(502, HTML), Unconfirmed, "address/openDoor: 502"),
    (OPEN_DOOR, reply(408), Unconfirmed, "address/openDoor: 408"),
    (PING, reply(408), NoAnswer, "user/ping: 408"),
    # What is no API.
    (PING, reply(200, HTML), UnexpectedReply, "without a JSON object"),
    (PING, reply(200, [1]), UnexpectedReply, "without a JSON object"),
    (PING, reply(200, b"[" * 100_000), UnexpectedReply, "without a JSON object"),
    (PING, reply(403, HTML), UnexpectedReply, "another server answered 403"),
    (PING, reply(401, HTML), UnexpectedReply, "another server answered 401"),
    (OPEN_DOOR, reply(402, HTML), UnexpectedReply, "another server answered 402"),
    (PING, reply(403), UnexpectedReply, "403 without a reason"),
    (PING, reply(200, {"status": "ok"}), UnexpectedReply, "without an envelope"),
    (PING, reply(302, b"", "/login"), UnexpectedReply, "does not exist any more"),
    (PING, reply(302, b"", "https://portal.test/login"), Redirected, "another address"),
    (PING, reply(302, b"", "https://yard.test/mobile/user/ping"), SecureConnectionRequired, "SmartYard requires HTTPS"),
    # Refusals that come as successes.
    (LOG, reply(200, envelope(402)), NotPaid, "so"),
    (PING, reply(200, {"code": "401"}), TokenRefused, "user/ping: 401"),
    (OPEN_DOOR, reply(200, {"error": "no"}), CommandFailed, "no"),
]


@pytest.mark.parametrize(("endpoint", "answer", "kind", "reason"), REFUSALS)
def test_each_rejection_has_its_error(
    endpoint: Endpoint, answer: Reply, kind: type[IntercomError], reason: str
) -> None:
    with pytest.raises(kind) as raised:
        data(endpoint, answer)
    assert type(raised.value) is kind
    assert reason in str(raised.value)


@pytest.mark.parametrize("status", [401, 403, 422])
def test_a_rejection_without_a_token_is_a_token_error(status: int) -> None:
    with pytest.raises(TokenRefused):
        data(PING, reply(status, envelope(status)), has_token=False)


@pytest.mark.parametrize(("status", "kind"), [(403, CommandFailed), (422, InvalidRequest), (406, InvalidRequest)])
def test_a_rejection_of_a_public_function_is_no_token_error(status: int, kind: type[IntercomError]) -> None:
    with pytest.raises(kind):
        data(PHONE_PATTERN, reply(status, envelope(status)), has_token=False)


@pytest.mark.parametrize(
    ("said", "is_last"),
    [
        ("The PIN code was entered incorrectly", False),
        ("Пин-код введен неверно", False),
        ("Maximum number of login attempts exceeded", True),
        ("Превышено максимальное число попыток ввода", True),
    ],
)
def test_the_last_wrong_code(said: str, is_last: bool) -> None:
    with pytest.raises(WrongCode) as raised:
        data(CONFIRM_CODE, reply(403, envelope(403, said)))
    assert raised.value.is_last is is_last


def test_the_reason_of_an_error_is_short_and_without_secrets() -> None:
    said = "79123456781 has\nno flat,   token T0KEN-1 T0KEN, " + "x" * 1000
    with pytest.raises(CommandFailed) as raised:
        data(LOG, reply(403, envelope(403, said)), secrets={"79123456781", "T0KEN", "T0KEN-1", "", "no"})
    assert raised.value.reason.startswith("… has no flat, token … …, xx")
    assert len(raised.value.reason) == 300


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (None, ()),
        ([], ()),
        ({}, ()),
        ([{"a": 1}, 2, None], ({"a": 1},)),
        ({"0": {"a": 1}, "2": {"a": 2}}, ({"a": 1}, {"a": 2})),
    ],
)
def test_rows_are_read_from_lists_and_objects(found: object, expected: object) -> None:
    assert rows(ADDRESSES, found) == expected


@pytest.mark.parametrize("found", ["text", 5, {"a": 1}, True])
def test_a_value_that_is_no_list_is_an_error(found: Any) -> None:
    with pytest.raises(UnexpectedReply):
        rows(ADDRESSES, found)


@pytest.mark.parametrize("found", [None, [], {}, "", 0, False])
def test_an_empty_value_is_an_empty_object(found: object) -> None:
    assert record(PING, found) == {}


@pytest.mark.parametrize("found", ["text", 5, [{}], True])
def test_a_value_that_is_no_object_is_an_error(found: object) -> None:
    with pytest.raises(UnexpectedReply):
        record(PING, found)
