"""Reading valid and invalid values of devices."""

from datetime import UTC, datetime
import json

import pytest

from custom_components.ip_intercom.systems.common.parse import decode_json, instant, integer


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"name": "Caf\xc3\xa9"}', {"name": "Café"}),
        (b'{"name": "Caf\xe9 Luna", "id": 7}', {"name": "Caf\ufffd Luna", "id": 7}),
        (b'{"name": "cut \xe2\x82", "id": 7}', {"name": "cut \ufffd", "id": 7}),
        (
            b'{"name": "bell\x07 tab\t zero\x00 line\r\n", "id": 7}',
            {"name": "bell\x07 tab\t zero\x00 line\r\n", "id": 7},
        ),
        (b'\xef\xbb\xbf {"id": 7}\r\n', {"id": 7}),
        ('{"name": "Café"}'.encode("utf-16"), {"name": "Café"}),
        (b"[NaN, Infinity, -Infinity, 1e999, 7]", [None, None, None, None, 7]),
        (b'{"id": 7, "hash": ' + b"9" * 10_000 + b"}", {"id": 7, "hash": None}),
        (b'{"id": 43180377283715072001}', {"id": 43180377283715072001}),
        ('{"text": true}', {"text": True}),
    ],
    ids=lambda value: "",
)
def test_broken_characters_and_numbers_are_replaced(body: bytes | str, found: object) -> None:
    assert decode_json(body) == found


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'{"success": true',
        b'{"id": 7} and more',
        b"[" * 100_000,
        b"[" * 5_000 + b"]" * 5_000,
        json.dumps({"a": json.loads('{"a":' * 250 + "1" + "}" * 250)}).encode(),
    ],
    ids=["empty", "page", "cut", "more", "without an end", "deep", "nested"],
)
def test_invalid_json_is_none(body: bytes) -> None:
    assert decode_json(body) is None


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (7, 7), ("7", 7), (" 7 ", 7), (7.0, 7), (True, 1), ("-7", -7), (2**32, 2**32),
        (10**30, None), (-(10**30), None), ("9" * 40, None), (1e308, None), (float("inf"), None), (float("nan"), None),
        (7.5, None), ("seven", None), (None, None), ([7], None), ({"a": 7}, None),
    ],
)  # fmt: skip
def test_impossible_numbers_are_none(value: object, number: int | None) -> None:
    assert integer(value) == number


def test_impossible_times_are_none() -> None:
    assert instant(0) == datetime(1970, 1, 1, tzinfo=UTC)
    assert [instant(seconds) for seconds in (None, 10**17, -(10**17), 1e308, float("nan"), float("inf"))] == [None] * 6
