"""Reading dataclasses from valid and invalid data of devices."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
import json
from typing import Annotated

import pytest

from custom_components.ip_intercom.systems.common.decode import Key, decode, decode_all, decode_reply
from custom_components.ip_intercom.systems.common.errors import UnexpectedReply
from custom_components.ip_intercom.systems.common.parse import Fields, decode_json, text


class State(StrEnum):
    OPEN = "open"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Leg:
    id: int
    peer: str | None = None


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(text(value) or "")
    except ValueError:
        return None


def _summary(row: Fields) -> str:
    return f"{row.get('door')}/{len(row)}"


@dataclass(frozen=True, slots=True)
class Door:
    number: Annotated[int, Key("door", "Door")]
    is_open: bool
    name: str | None
    state: State | None = None
    kind: State = State.OTHER
    open_for: int = 3
    latitude: float | None = None
    day: Annotated[date | None, Key(convert=_day)] = None
    plate: Annotated[str | None, Key("detail.vehicle.plate", "plate")] = None
    code: Annotated[str | None, Key("doorCode")] = field(default=None, repr=False)
    tags: tuple[str, ...] = ()
    legs: tuple[Leg, ...] = ()
    first_leg: Leg | None = None
    params: Fields = field(default_factory=dict)
    summary: Annotated[str, Key(row=_summary)] = ""


ROW = {"door": 1, "isOpen": True}


@pytest.mark.parametrize(
    ("name", "row", "value"),
    [
        ("number", {"door": "7"}, 7),
        ("number", {"door": "", "Door": 8}, 8),
        ("number", {"door": [], "Door": " 9 "}, 9),
        ("is_open", {"isOpen": "t"}, True),
        ("is_open", {"isOpen": "f"}, False),
        ("is_open", {"isOpen": 0}, False),
        ("name", {"name": 101}, "101"),
        ("name", {"name": ""}, None),
        ("name", {"name": {"en": "Gate"}}, None),
        ("name", {"name": "half \ud83d"}, "half ?"),
        ("state", {"state": "open"}, State.OPEN),
        ("state", {"state": "ajar"}, None),
        ("kind", {"kind": "ajar"}, State.OTHER),
        ("kind", {"kind": "open"}, State.OPEN),
        ("open_for", {"openFor": "5"}, 5),
        ("open_for", {"openFor": "0"}, 0),
        ("open_for", {"openFor": "long"}, 3),
        ("open_for", {"openFor": 10**40}, 3),
        ("open_for", {}, 3),
        ("latitude", {"latitude": "55.7"}, 55.7),
        ("latitude", {"latitude": "inf"}, None),
        ("day", {"day": "2026-11-05"}, date(2026, 11, 5)),
        ("day", {"day": "0000-00-00"}, None),
        ("plate", {"detail": {"vehicle": {"plate": "A1"}}}, "A1"),
        ("plate", {"detail": {"vehicle": None}, "plate": "B2"}, "B2"),
        ("plate", {"detail": "none"}, None),
        ("code", {"doorCode": 1234}, "1234"),
        ("tags", {"tags": ["a", 1, "b"]}, ("a", "b")),
        ("tags", {"tags": "ab"}, ()),
        ("legs", {"legs": [{"id": "1"}, {"peer": "x"}, None, {"id": 2, "peer": 300}]}, (Leg(1), Leg(2, "300"))),
        ("legs", {"legs": {"id": 1}}, ()),
        ("first_leg", {"firstLeg": {"id": 1}}, Leg(1)),
        ("first_leg", {"firstLeg": {"peer": "x"}}, None),
        ("params", {"params": {"a": 1}}, {"a": 1}),
        ("params", {"params": [1]}, {}),
        ("summary", {"unknown": 1}, "1/3"),
    ],
    ids=lambda value: "",
)
def test_a_field_is_decoded_by_its_type(name: str, row: Fields, value: object) -> None:
    door = decode(Door, {**ROW, **row})
    assert door is not None
    assert getattr(door, name) == value


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"door": 1},
        {"isOpen": True},
        {"door": "one", "isOpen": True},
        {"door": 1, "isOpen": "ajar"},
        None,
        [],
        "door",
    ],
    ids=str,
)
def test_a_row_without_a_required_value_is_not_decoded(row: object) -> None:
    assert decode(Door, row) is None


def test_a_missing_value_is_named() -> None:
    with pytest.raises(UnexpectedReply, match="^/door answered without door or Door$"):
        decode_reply(Door, {"isOpen": True}, "/door")
    assert decode_reply(Door, ROW, "/door") == decode(Door, ROW)


def test_a_given_value_replaces_that_of_the_row() -> None:
    door = decode(Door, {"door": 2, "name": "Gate"}, is_open=False, name=None)
    assert door is not None
    assert (door.number, door.is_open, door.name) == (2, False, None)


def test_invalid_rows_are_skipped() -> None:
    assert decode_all(Leg, [{"id": 1}, {}, 7, {"id": "2"}]) == (Leg(1), Leg(2))
    assert decode_all(Leg, {"id": 1}) == ()
    assert decode_all(Leg, None) == ()


def test_only_a_broken_character_is_replaced() -> None:
    door = decode(Door, decode_json(b'{"door": "1", "isOpen": 1, "name": "Caf\xe9"}'))
    assert door is not None
    assert door.name == "Caf\ufffd"


@dataclass(frozen=True, slots=True)
class Kept:
    id: Annotated[str, Key("Id", "id")] = ""
    row: Annotated[Fields, Key(row=dict)] = field(default_factory=dict)


def test_a_field_may_keep_the_whole_row() -> None:
    row = json.loads('{"id": 7, "new": [1], "": null}')
    assert decode(Kept, row) == Kept("7", row)


@dataclass(frozen=True, slots=True)
class When:
    day: date | None = None


def test_a_type_that_nothing_reads_is_an_error() -> None:
    with pytest.raises(TypeError, match="date"):
        decode(When, {})
    with pytest.raises(TypeError, match="dataclass"):
        decode(str, {})
