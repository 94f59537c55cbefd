"""The directory of the 2N simulator (HTTP API 5.14)."""

import asyncio
from typing import Any

import pytest

from tests.simulators.two_n import MODELS

from .conftest import Api, Factory

ALICE = "54877B0E-4CC3-C645-9530-6C7850F47A9C"
NEW = "01234567-89AB-CDEF-0123-456789ABCDEF"
UNKNOWN_USER = "76543210-68FF-18CA-3210-FEDCBA987654"
WRONG = "76543210-68FF-18-3210-FEDCBA987654"


def codes(result: dict[str, Any]) -> list[list[tuple[str, str | None]]]:
    return [[(error["code"], error.get("field")) for error in user.get("errors", [])] for user in result["users"]]


@pytest.mark.parametrize("model", [model for model in MODELS if model != "vario"])
async def test_the_directory_template_depends_on_the_model(device: Factory, model: str) -> None:
    """5.14.1; a photo needs a display."""
    api = await device(model)
    result = await api.result("dir/template")
    (template,) = result["users"]
    assert isinstance(result["series"], str)
    assert ("photo" in template) is (model in {"indoor", "verso3"})
    assert template["treepath"] == "/"
    assert template["access"]["validFrom"] == "0"
    assert len(template["callPos"]) == 3


async def test_directory_functions_need_their_method_and_json(api: Api) -> None:
    """POST for get and query, PUT for create, update and delete; all in JSON."""
    for path, right in (("get", "POST"), ("query", "POST"), ("create", "PUT"), ("update", "PUT"), ("delete", "PUT")):
        for method in {"GET", "POST", "PUT", "DELETE"} - {right}:
            assert (await api.send(method, f"dir/{path}", json={}))["error"]["code"] == 3
        assert (await api.send(right, f"dir/{path}", data={"users": "x"}))["error"]["code"] == 14
    assert (await api.send("POST", "dir/query", data="{", headers={"Content-Type": "application/json"}))["error"][
        "code"
    ] == 14


async def test_create_as_in_the_manual(api: Api) -> None:
    """The example of 5.14.2."""
    users = [
        {"uuid": NEW, "name": "ABCD", "email": "abcd@def.cz", "access": {"pin": "1234"}},
        {"name": "ABCD2", "owner": "My2N", "email": "abcd2@def.cz"},
        {"uuid": NEW, "email": "something", "access": {"pin": "5678"}, "test": "something", "albert": "einstein"},
        {},
        {},
    ]
    result = await api.directory("PUT", "create", force=True, users=users)
    assert codes(result) == [
        [],
        [],
        [
            ("EDIR_FIELD_VALUE_ERROR", "email"),
            ("EDIR_FIELD_NAME_UNKNOWN", "test"),
            ("EDIR_FIELD_NAME_UNKNOWN", "albert"),
        ],
        [],
        [],
    ]
    assert "uuid" not in result["users"][2]
    stamps = [user["timestamp"] for user in result["users"] if "timestamp" in user]
    assert stamps == list(range(stamps[0], stamps[0] + 4))
    again = await api.directory("PUT", "create", users=users[:1])
    assert codes(again) == [[("EDIR_UUID_ALREADY_EXISTS", None)]]
    await api.directory("PUT", "create", force=True, users=[{"uuid": NEW, "name": "Only"}])
    assert api.sim.directory[NEW]["access"]["pin"] == ""
    assert await api.directory("PUT", "create", users=[]) == {"series": result["series"]}
    assert codes(await api.directory("PUT", "create", users=[{"uuid": WRONG}])) == [
        [("EDIR_UUID_INVALID_FORMAT", None)]
    ]


async def test_update_as_in_the_manual(api: Api) -> None:
    """The example of 5.14.3, with its dotted field name."""
    users = [
        {"uuid": ALICE, "name": "Alice", "access": {"pin": "4321"}},
        {"uuid": UNKNOWN_USER, "name": "ABCD2"},
        {"uuid": WRONG, "name": "ABCD3"},
        {"uuid": ALICE, "name": "ABCD4", "albert": "einstein"},
        {"uuid": ALICE, "name": "ABCD4", "access.pin": "hello"},
        {"name": "nameless"},
    ]
    result = await api.directory("PUT", "update", users=users)
    assert codes(result) == [
        [],
        [("EDIR_UUID_DOES_NOT_EXIST", None)],
        [("EDIR_UUID_INVALID_FORMAT", None)],
        [("EDIR_FIELD_NAME_UNKNOWN", "albert")],
        [("EDIR_FIELD_VALUE_ERROR", "access.pin")],
        [("EDIR_UUID_IS_MISSING", None)],
    ]
    alice = api.sim.directory[ALICE]
    assert (alice["name"], alice["access"]["pin"], alice["access"]["card"]) == ("Alice", "4321", ["4BD9E903", ""])
    assert (await api.send("PUT", "dir/update", json={}))["error"]["param"] == "users"


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("name", ["", "Žofie", "x" * 63], ["x" * 64, 5]),
        ("email", ["", "a@b.cz", "a@b.cz,c@d.example"], ["a", "a@b", "a@b.cz;c@d.cz"]),
        ("treepath", ["/", "/Folder1;/Folder2/", "/Folder1/:1;Folder2/Calling Group:1"], ["Folder", None]),
        ("virtNumber", ["A1", "7", "1234567"], ["12345678", "1A2", "-"]),
        ("deputy", [ALICE, ""], ["Alice"]),
        ("buttons", ["", "1", "1,2,150"], ["0", "151", "1;2", "%1", [1]]),
        ("callPos", [[{"peer": "sip:1@2"}], [{}, {"grouped": True}]], [[{}] * 4, [{"grouped": "true"}], "sip:1@2"]),
        ("callPos", [[{"profiles": "P=1,3,5"}], [{"profiles": "D=7@0:15-13:15;D=5,7"}]], [[{"profiles": "always"}]]),
        ("callPos", [[{"ipEye": "10.0.0.1"}]], [[{"ipEye": "the pc"}]]),
        ("access.pin", ["12", "123456789012345", ""], ["1", "1234567890123456", "12a", 1234]),
        ("access.card", [["4BD9E9"], ["a" * 32, ""]], [["4BD9E"], ["g" * 8], ["4BD9E903"] * 3]),
        ("access.mobkey", ["48c48155eed7ea1dbb0b4d534b7459b9"], ["48c4"]),
        ("access.virtCard", ["abcdef"], ["abc"]),
        ("access.code", [["", "1234"]], [["1"]]),
        ("access.validTo", ["2147483647", 1_700_000_000], ["2147483648", "tomorrow", -1, True]),
        ("access.accessPoints", [[{"enabled": False}]], [[{"enabled": 0}]]),
        ("access.apbException", [True], ["true"]),
        ("access.licensePlates", ["1AB 2345, 2CD6789"], [",", "12345678901"]),
        ("access.liftFloors", ["F=2,4", "F=5@P=0,7", "F=0@P=7,13 | F=0@D=5@9:15-11:45;D=4@11:45-13:30"], ["2"]),
    ],
)
async def test_directory_fields_are_checked(api: Api, field: str, good: list[Any], bad: list[Any]) -> None:
    """5.14.1."""
    for value in good:
        result = await api.directory("PUT", "update", users=[{"uuid": ALICE, field: value}])
        assert codes(result) == [[]], value
    for value in bad:
        result = await api.directory("PUT", "update", users=[{"uuid": ALICE, field: value}])
        assert [code for code, _ in codes(result)[0]] == ["EDIR_FIELD_VALUE_ERROR"], value


async def test_directory_limits_are_checked(device: Factory) -> None:
    api = await device("verso3")
    api.sim.directory.limit = 4
    api.sim.directory.photo_limit = 1
    photo = "data:image/jpeg;base64,/9j/4AAQ"
    period = {"validFrom": "200", "validTo": "100"}
    users: list[dict[str, Any]] = [{"access": period}, {"photo": photo}, {"photo": photo}, {}]
    result = await api.directory("PUT", "create", users=users)
    assert codes(result) == [[("EINCONSISTENT", None)], [], [("EDIRLIM_USER", None)], [("EDIRLIM_USER", None)]]
    update = await api.directory("PUT", "update", users=[{"uuid": ALICE, "photo": photo}])
    assert codes(update) == [[("EDIRLIM_PHOTO", None)]]


async def test_empty_texts_in_create(api: Api) -> None:
    """captures/errors.json."""
    for user in ({"access": {"pin": ""}}, {"treepath": ""}, {"access": {"validFrom": ""}}, {"access.validTo": ""}):
        assert (await api.send("PUT", "dir/create", json={"users": [user]}))["error"]["code"] == 3
    api.sim.directory.strict_empty = False
    assert codes(await api.directory("PUT", "create", users=[{"access": {"pin": ""}}])) == [[]]


async def test_get_returns_the_chosen_fields(api: Api) -> None:
    """5.14.5: the chosen fields, those without default, or all."""
    users = [{"uuid": ALICE.lower()}, {"uuid": UNKNOWN_USER}, {"uuid": WRONG}]
    fields = ["name", "callPos.peer", "callPos[1].grouped", "access.pin", "access.card[0]", "albert"]
    result = await api.directory("POST", "get", fields=fields, users=users)
    assert result["users"][0] == {
        "uuid": ALICE,
        "name": "Alice Gruberová",
        "callPos": [
            {"peer": "sip:101@192.168.1.20"},
            {"peer": "sip:102@192.168.1.20", "grouped": True},
            {"peer": ""},
        ],
        "access": {"pin": "1234", "card": ["4BD9E903", ""]},
        "timestamp": 1,
    }
    assert codes(result)[1:] == [[("EDIR_UUID_DOES_NOT_EXIST", None)], [("EDIR_UUID_INVALID_FORMAT", None)]]
    (short,) = (await api.directory("POST", "get", users=users[:1]))["users"]
    assert "owner" not in short
    assert short["access"] == {"pin": "1234", "card": ["4BD9E903", ""]}
    (full,) = (await api.directory("POST", "get", fields=[], users=users[:1]))["users"]
    template = (await api.result("dir/template"))["users"][0]
    assert full.keys() == template.keys()
    assert (await api.directory("POST", "get"))["users"] == []


async def test_query_returns_changes_and_deleted_entries(api: Api) -> None:
    """5.14.4 and 5.14.6: changes since a timestamp, deleted entries among them."""
    everything = await api.directory("POST", "query", fields=["name"])
    series, stamps = everything["series"], [user["timestamp"] for user in everything["users"]]
    assert stamps == [1, 2, 3]
    deleted = await api.directory("PUT", "delete", users=[{"uuid": ALICE}, {"uuid": UNKNOWN_USER}, {"uuid": WRONG}])
    assert deleted["users"][0] == {"uuid": ALICE, "timestamp": 4}
    assert codes(deleted)[1:] == [[("EDIR_UUID_DOES_NOT_EXIST", None)], [("EDIR_UUID_INVALID_FORMAT", None)]]
    since = await api.directory("POST", "query", series=series, iterator={"timestamp": 3}, fields=["name"])
    assert since["users"] == [
        {"uuid": "621A5A49-1F8B-D34C-9A8B-881055864DEB", "name": "Úklidová služba", "timestamp": 3},
        {"uuid": ALICE, "deleted": True, "timestamp": 4},
    ]
    assert codes(await api.directory("POST", "get", users=[{"uuid": ALICE}])) == [[("EDIR_UUID_DOES_NOT_EXIST", None)]]
    assert (await api.directory("PUT", "delete", owner="nobody"))["users"] == []
    assert len((await api.directory("PUT", "delete", owner="My2N"))["users"]) == 1
    assert (await api.send("PUT", "dir/delete", json={}))["error"] == {
        "code": 11,
        "param": "users",
        "description": "missing mandatory parameter",
    }


async def test_a_query_of_an_unknown_series_or_time_is_invalid(api: Api) -> None:
    series = api.sim.directory.series
    unknown = {"series": series, "timestamp": 3, "invalid": 0}
    assert await api.directory("POST", "query", series="1") == unknown
    assert await api.directory("POST", "query", iterator={"timestamp": 4}) == unknown
    api.sim.directory.memory = 3
    await api.directory("PUT", "delete", users=[{"uuid": ALICE}])
    await api.directory("PUT", "create", users=[{"name": "New"}])
    expected = {"series": series, "timestamp": 5, "invalid": 4}
    assert await api.directory("POST", "query", iterator={"timestamp": 2}) == expected
    assert (await api.directory("POST", "query"))["invalid"] == 4


async def test_a_directory_change_is_an_event(api: Api) -> None:
    channel = await api.subscribe(filter="DirectoryChanged,DirectorySaved")
    result = await api.directory("PUT", "update", users=[{"uuid": ALICE, "name": "A"}, {"uuid": ALICE, "name": "B"}])
    await asyncio.sleep(0.15)
    params = {"series": result["series"], "timestamp": result["users"][1]["timestamp"]}
    assert [(event["event"], event["params"]) for event in await api.pull(channel)] == [
        ("DirectoryChanged", params),
        ("DirectorySaved", params),
    ]
