"""Users, contacts, groups, keys, cards and replaced numbers as one directory."""

from typing import Any

import pytest

from custom_components.ip_intercom.model.features import DirectoryResult, EntryResult
from custom_components.ip_intercom.systems.akuvox.directory import AkuvoxDirectory
from custom_components.ip_intercom.systems.akuvox.privacy import SECRET_FIELDS
from custom_components.ip_intercom.systems.common.errors import InvalidRequest
from tests.simulators.akuvox.envelope import Reply
from tests.systems.akuvox.client.conftest import Bench, Start

# Something to create of every kind, and a field to change.
ENTRIES: dict[str, tuple[dict[str, object], str, str]] = {
    "user": ({"Name": "Lucy", "PrivatePIN": 4711, "CardCode": "0A1B2C3D"}, "Name", "Lucia"),
    "contact": ({"Name": "Lucy", "Phone": "100"}, "Phone", "101"),
    "group": ({"Name": "Second floor"}, "Name", "Third floor"),
    "key": ({"Name": "Lucy", "Code": "88888888", "Thur": False}, "Code", "77777777"),
    "card": ({"Name": "Lucy", "Code": "99D78D72"}, "DoorNum", "12"),
    "replacement": ({"Prefix": "110", "Replace1": "192.168.2.1"}, "Replace2", "192.168.2.4"),
}
NEW_DEVICES = ("e16c", "e18", "r29")


@pytest.fixture
def directory(bench: Bench) -> AkuvoxDirectory:
    return AkuvoxDirectory(bench.device())


def only(result: DirectoryResult) -> EntryResult:
    (entry,) = result.entries
    return entry


def code_of(result: DirectoryResult) -> str:
    (error,) = only(result).errors
    return error["code"]


async def create(directory: AkuvoxDirectory, kind: str, **fields: object) -> str:
    entry = only(await directory.create([{"kind": kind, **fields}], overwrite=False))
    assert entry.errors == () and entry.uuid is not None, entry.errors
    return entry.uuid


@pytest.mark.parametrize("kind", ENTRIES)
async def test_every_kind_is_created_found_changed_and_deleted(start: Start, kind: str) -> None:
    directory = AkuvoxDirectory((await start("r29")).device())
    new, field, value = ENTRIES[kind]
    uuid = await create(directory, kind, **new)
    assert uuid.startswith(f"{kind}:")
    before = only(await directory.get([uuid], None)).fields
    assert before["kind"] == kind
    assert {name: before[name] for name in new} == {
        name: str(int(value)) if isinstance(value, bool) else str(value) for name, value in new.items()
    }

    changed = only(await directory.update([{"uuid": uuid, field: value}]))
    assert (changed.uuid, changed.errors) == (uuid, ())
    assert only(await directory.get([uuid], None)).fields == {**before, field: value}

    listed = {entry.uuid: entry.fields for entry in (await directory.query(None, 0, None)).entries}
    assert listed[uuid][field] == value

    assert only(await directory.delete([uuid], None)).errors == ()
    assert code_of(await directory.get([uuid], None)) == "not_found"
    assert code_of(await directory.update([{"uuid": uuid, field: value}])) == "not_found"
    assert code_of(await directory.delete([uuid], None)) == "not_found"


@pytest.mark.parametrize("dialect", NEW_DEVICES)
async def test_an_update_keeps_fields_that_it_does_not_contain(start: Start, dialect: str) -> None:
    """An E16C erases every field that user/set leaves out."""
    bench = await start(dialect)
    number = bench.sim.add_user(Name="Anna", PrivatePIN="2468", CardCode="AABBCCDD", LiftFloorNum="1;2")
    before = dict(bench.sim.users.rows[number])
    directory = AkuvoxDirectory(bench.device())
    result = only(await directory.update([{"uuid": f"user:{number}", "Name": "Anne"}]))
    assert result.errors == ()
    assert bench.sim.users.rows[number] == {**before, "Name": "Anne"}


@pytest.mark.parametrize("dialect", ["a_series", *NEW_DEVICES])
@pytest.mark.parametrize("name", ["ScheduleRelay", "Schedule-Relay"])
async def test_relays_of_a_user_by_either_name(start: Start, dialect: str, name: str) -> None:
    bench = await start(dialect)
    number = bench.sim.add_user(Name="Anna", PrivatePIN="2468")
    directory = AkuvoxDirectory(bench.device())
    entry = only(await directory.update([{"uuid": f"user:{number}", name: "1001-1;1001-2"}]))
    assert entry.errors == ()
    assert bench.sim.users.relays_of(bench.sim.users.rows[number]) == {1, 2}


@pytest.mark.parametrize("dialect", NEW_DEVICES)
async def test_a_new_user_gets_a_number(start: Start, dialect: str) -> None:
    bench = await start(dialect)
    bench.sim.add_user(Name="First", UserID="1")
    uuid = await create(AkuvoxDirectory(bench.device()), "user", Name="Second", PrivatePIN="2468")
    row = bench.sim.users.rows[uuid.partition(":")[2]]
    assert (row["Name"], row["UserID"]) == ("Second", "2")


async def test_each_invalid_directory_entry_has_its_own_errors(bench: Bench, directory: AkuvoxDirectory) -> None:
    bench.sim.add_user(Name="Anna", PrivatePIN="2468")
    result = await directory.create(
        [
            {"kind": "user", "Name": "Double", "PrivatePIN": "2468"},
            {"kind": "user", "Name": "Ben", "PrivatePIN": "1357"},
            {"kind": "group", "Name": ""},
            {"kind": "robot", "Name": "Robby"},
            {"Name": "Nobody"},
            {"kind": "user", "Name": "As of a 2N", "access": {"pin": "1234"}},
            {"kind": "contact", "Name": "Nested", "Phone": [{"number": "101"}]},
        ],
        overwrite=False,
    )
    assert [[error["code"] for error in entry.errors] for entry in result.entries] == [
        ["PIN already exist"],
        [],
        ["error 14"],
        ["unknown_kind"],
        ["unknown_kind"],
        ["not_a_text"],
        ["not_a_text"],
    ]
    assert not bench.sim.contacts.rows
    assert {row["Name"] for row in bench.sim.users.rows.values()} == {"Anna", "Ben"}
    assert not bench.sim.groups.rows


async def test_fields_that_the_device_drops_or_cuts_are_errors(bench: Bench, directory: AkuvoxDirectory) -> None:
    """The device drops unknown fields and cuts a CardCode to 63 characters (field notes 4.2)."""
    cards = ";".join(f"{number:08X}" for number in range(8))
    entry = only(
        await directory.create([{"kind": "user", "Name": "Anna", "CardCode": cards, "Colour": "red"}], overwrite=False)
    )
    assert {(error["code"], error["field"]) for error in entry.errors} == {
        ("not_taken", "CardCode"),
        ("not_taken", "Colour"),
    }
    assert entry.uuid is not None
    changed = only(await directory.update([{"uuid": entry.uuid, "Colour": "green", "Name": "Anne"}]))
    assert [error["field"] for error in changed.errors] == ["Colour"]
    assert changed.fields["Name"] == "Anne"


async def test_an_entry_is_overwritten_only_on_request(bench: Bench, directory: AkuvoxDirectory) -> None:
    uuid = await create(directory, "contact", Name="Lucy", Phone="100")
    again = {"uuid": uuid, "Name": "Lucy", "Phone": "200"}
    assert code_of(await directory.create([again], overwrite=False)) == "exists"
    assert only(await directory.create([again], overwrite=True)).errors == ()
    assert [row["Phone"] for row in bench.sim.contacts.rows.values()] == ["200"]


async def test_all_entries_of_a_kind_are_deleted_only_by_its_name(bench: Bench, directory: AkuvoxDirectory) -> None:
    for number in range(3):
        await create(directory, "key", Name=f"Key {number}", Code=f"1000{number}")
    user = await create(directory, "user", Name="Anna")
    for owner in ("key", "key:", "key:1", "*", "", "robot:*"):
        with pytest.raises(InvalidRequest):
            await directory.delete([], owner)
    assert len(bench.sim.private_keys.rows) == 3
    gone = await directory.delete([], "key:*")
    assert [entry.uuid for entry in gone.entries] == ["key:1", "key:2", "key:3"]
    assert not bench.sim.private_keys.rows
    assert only(await directory.get([user], None)).errors == ()


async def test_unsupported_lists_are_skipped(start: Start) -> None:
    bench = await start("it83")
    directory = AkuvoxDirectory(bench.device())
    await create(directory, "contact", Name="Lucy", Phone="100")
    assert [entry.uuid for entry in (await directory.query(None, 0, None)).entries] == ["contact:1"]
    assert code_of(await directory.create([{"kind": "user", "Name": "Anna"}], overwrite=False)) == "not_supported"
    assert code_of(await directory.get(["key:1"], None)) == "not_supported"


async def test_an_apartment_book_is_read_only(bench: Bench, directory: AkuvoxDirectory) -> None:
    """The contacts of an X915S have no IDs (captures/x915s_apartment_book_contact.json)."""
    row = {"Name": "01_monitor", "Phone": "192.168.0.10", "APTName": "1", "APTNum": "1", "Building": "", "Landline": ""}
    bench.sim.handlers["contact/get"] = lambda _: Reply({"num": 1, "item": [row]})
    entry = only(await directory.query(["Name", "Phone"], 0, None))
    assert (entry.uuid, entry.fields) == (None, {"kind": "contact", "Name": "01_monitor", "Phone": "192.168.0.10"})
    for result in (
        await directory.get(["contact:1"], None),
        await directory.update([{"uuid": "contact:1", "Name": "02"}]),
        await directory.delete(["contact:1"], None),
        await directory.create([{"kind": "contact", "Name": "02", "Phone": "1"}], overwrite=False),
    ):
        assert code_of(result) == "read_only_without_ids"


async def test_get_returns_only_the_chosen_fields(directory: AkuvoxDirectory) -> None:
    uuid = await create(directory, "user", Name="Anna", PrivatePIN="2468")
    entry = only(await directory.get([uuid], ["Name"]))
    assert entry.fields == {"kind": "user", "Name": "Anna"}


async def test_secrets_are_in_no_repr(directory: AkuvoxDirectory, bench: Bench) -> None:
    uuid = await create(directory, "user", Name="Anna", PrivatePIN="24681357", CardCode="AABBCCDD")
    result: Any = await directory.get([uuid], None)
    assert only(result).fields["PrivatePIN"] == "24681357"
    assert "24681357" not in repr(result) and "AABBCCDD" not in repr(result)
    assert directory.secrets == SECRET_FIELDS >= {"PrivatePIN", "CardCode", "Code"}
