"""Long lists are read row by row from pieces of any size."""

import json

import pytest

from custom_components.ip_intercom.systems.akuvox.client.protocol import CorruptReply
from custom_components.ip_intercom.systems.akuvox.client.row_reader import RowReader
from custom_components.ip_intercom.systems.common.errors import UnexpectedReply

ROWS = [{"ID": str(number), "Name": f'"item": [{number}]}}', "Groups": [{"item": []}]} for number in range(1, 30)]
REPLY = {"retcode": 0, "action": "get", "message": "OK", "data": {"num": 29, "item": ROWS}}


def read(body: bytes, size: int) -> RowReader:
    reader = RowReader("/api/user/get")
    for start in range(0, len(body), size):
        reader.feed(body[start : start + size])
    return reader


@pytest.mark.parametrize("size", [1, 7, 100, 1_000_000])
@pytest.mark.parametrize("indent", [None, 4])
def test_rows_are_read_from_pieces_of_any_size(size: int, indent: int | None) -> None:
    reader = read(json.dumps(REPLY, indent=indent).encode(), size)
    document = reader.finish()
    assert list(reader.rows.values()) == ROWS
    assert document.clean
    assert document.content["data"] == {"num": 29, "item": []}


@pytest.mark.parametrize("size", [1, 64])
def test_invalid_utf_8_is_replaced_and_marks_the_device_fragile(size: int) -> None:
    """A character may be split between two pieces."""
    body = '{"retcode": 0, "data": {"item": [{"ID": "1", "Name": "M\u00fcller"}, {"ID": "2", "Name": "X"}]}}'.encode()
    reader = read(body.replace(b"X", b"S\xfcd"), size)
    assert not reader.finish().clean
    assert [row["Name"] for row in reader.rows.values()] == ["M\u00fcller", "S\u00fcd"]


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(REPLY).encode()[:-200],
        b'{"retcode": 0, "data": {"item": [{"ID": "1"}, {"ID": ',
        b'{"retcode": 0, "data": {"item": [{"ID": "1"} {broken',
        b'{"retcode": 0, "da',
        b"",
    ],
)
def test_a_truncated_list_is_an_error(body: bytes) -> None:
    reader = read(body, 50)
    with pytest.raises(CorruptReply):
        reader.finish()


@pytest.mark.parametrize("size", [1000, 1_000_000])
def test_an_invalid_row_is_skipped_in_salvage_mode(size: int) -> None:
    """The invalid row is far from the end of the list."""
    rows = [{"ID": str(number), "Name": "x" * 200} for number in range(1, 1000)]
    body = json.dumps({**REPLY, "data": {"item": [*rows, 7]}}).replace('"ID": "3"', '"ID": 3"')
    reader = RowReader("/api/user/get", salvage=True)
    for start in range(0, len(body), size):
        reader.feed(body[start : start + size].encode())
    assert reader.finish().content["retcode"] == 0
    assert (len(reader.rows), reader.skipped) == (998, 2)
    assert "3" not in reader.rows


def test_a_web_page_is_no_list() -> None:
    with pytest.raises(UnexpectedReply, match="page"):
        read(b"<html>item</html>", 5).finish()


def test_an_endless_row_is_an_error() -> None:
    with pytest.raises(CorruptReply):
        read(b'{"retcode": 0, "data": {"item": [{"ID": "' + b"x" * 2**21, 2**16)


def test_a_refusal_has_no_rows() -> None:
    reader = read(b'{"retcode": -1, "message": "unsupport action"}', 8)
    assert reader.finish().content["retcode"] == -1
    assert not reader.rows


def test_only_matching_rows_are_kept() -> None:
    reader = RowReader("/api/user/get", lambda row: row["ID"] == "7")
    reader.feed(json.dumps(REPLY).encode())
    reader.finish()
    assert list(reader.rows) == ["7"]
    assert len(reader.ids) == 29
