"""Lists and logs: as files, and record by record."""

from pathlib import Path

import pytest

from tests.common import state_of

from .conftest import Add, Intercom


async def test_users_are_exported_and_imported(intercom: Intercom, files: Path) -> None:
    intercom.sim.add_user(Name="Anna", PrivatePIN="2468", CardCode="AABBCCDD")
    path = files / "users.tgz"
    answer = await intercom.do("export_list", list="users", filename=str(path))
    assert answer == {"size": path.stat().st_size}
    intercom.sim.users.rows.clear()
    await intercom.do("import_list", list="users", filename=str(path))
    (row,) = intercom.sim.users.rows.values()
    assert (row["Name"], row["PrivatePIN"]) == ("Anna", "2468")


@pytest.mark.parametrize(
    ("ending", "beginning"), [("csv", "ID,"), ("vcf", "BEGIN:VCARD"), ("xml", "<?xml"), ("txt", "ID,")]
)
async def test_contacts_are_exported_in_the_format_of_the_file_name(
    intercom: Intercom, files: Path, ending: str, beginning: str
) -> None:
    intercom.sim.contacts.insert(Name="Lucy", Phone="100")
    path = files / f"contacts.{ending}"
    await intercom.do("export_list", list="contacts", filename=str(path))
    assert path.read_text().startswith(beginning) and "Lucy" in path.read_text()


@pytest.mark.parametrize("name", ["keys", "cards", "replacements", "contacts"])
async def test_the_other_lists_are_exported_and_imported(intercom: Intercom, files: Path, name: str) -> None:
    items = {
        "keys": intercom.sim.private_keys,
        "cards": intercom.sim.cards,
        "replacements": intercom.sim.replacements,
        "contacts": intercom.sim.contacts,
    }[name]
    items.insert(Name="Lucy", Code="12345678", Prefix="110", Phone="100")
    before = dict(items.rows["1"])
    await intercom.do("export_list", list=name, filename=f"{files}/list")
    items.rows.clear()
    await intercom.do("import_list", list=name, filename=f"{files}/list")
    assert [{**row, "ID": "1"} for row in items.rows.values()] == [before]


async def test_logs_are_saved_to_files(intercom: Intercom, files: Path) -> None:
    intercom.sim.fill_door_log(2)
    intercom.sim.fill_call_log(2)
    intercom.sim.set_log_size(300_000)
    sizes = {}
    for name in ("access_log", "call_log", "system_log", "kernel_log"):
        sizes[name] = (await intercom.do("export_list", list=name, filename=f"{files}/{name}"))["size"]
    assert sizes["system_log"] == 300_000
    assert "Lucy" in (files / "access_log").read_text()
    assert await intercom.refuses("export_list", list="debug_log", filename=f"{files}/debug") == "invalid_request"
    assert not (files / "debug").exists()


async def test_wrong_lists_and_files_are_errors(intercom: Intercom, files: Path) -> None:
    (files / "nonsense").write_text("nonsense")
    intercom.sim.clear_requests()
    assert await intercom.refuses("export_list", list="robots", filename=f"{files}/x") == "which_list"
    assert await intercom.refuses("import_list", list="access_log", filename=f"{files}/nonsense") == "which_list"
    assert await intercom.refuses("clear_log", log="users") == "which_list"
    assert await intercom.refuses("export_list", list="users", filename="/etc/users") == "path_not_allowed"
    assert await intercom.refuses("import_list", list="users", filename="/etc/passwd") == "path_not_allowed"
    assert not intercom.asked("user/export")
    assert await intercom.refuses("import_list", list="users", filename=f"{files}/nonsense") == "command_failed"
    # No contacts are no file.
    assert await intercom.refuses("export_list", list="contacts", filename=f"{files}/x.csv") == "command_failed"
    assert not (files / "x.csv").exists()


async def test_clear_log_empties_only_the_given_log(add: Add) -> None:
    intercom = await add("e16c")
    intercom.sim.fill_door_log(3)
    intercom.sim.fill_call_log(3)
    await intercom.do("clear_log", log="access_log")
    assert (len(intercom.sim.door_log.records), len(intercom.sim.call_log.records)) == (0, 3)
    await intercom.do("clear_log", log="call_log")
    assert not intercom.sim.call_log.records
    assert state_of(intercom.hass, intercom.entry, "sensor", "last_call") == "unknown"
    await intercom.do("clear_log", log="kernel_log")
    assert (intercom.sim.system_log.sizes["kmsg"], intercom.sim.system_log.sizes["log"]) == (0, 4096)


async def test_access_records_are_returned_without_codes(intercom: Intercom) -> None:
    intercom.sim.add_user(Name="Anna", PrivatePIN="24681357", CardCode="AABBCCDD")
    intercom.sim.swipe_card("AABBCCDD")
    intercom.sim.enter_code("24681357")
    intercom.sim.enter_code("99887766")
    answer = await intercom.do("access_log_query")
    told = [(record["granted"], record["name"], record["method"]) for record in answer["records"]]
    assert told == [(False, None, "code"), (True, "Anna", "code"), (True, "Anna", "card")]
    assert all(record["time"] for record in answer["records"])
    for secret in ("24681357", "AABBCCDD", "99887766"):
        assert secret not in str(answer)


async def test_the_access_log_is_returned_without_pages(intercom: Intercom) -> None:
    intercom.sim.fill_door_log(25)
    answer = await intercom.do("access_log_query", limit=20)
    assert [record["id"] for record in answer["records"]] == [str(25 - number) for number in range(20)]


async def test_names_are_omitted_without_the_option(intercom: Intercom) -> None:
    intercom.sim.fill_door_log(1)
    hass, entry = intercom.hass, intercom.entry
    hass.config_entries.async_update_entry(entry, options={"show_names": False})
    await hass.config_entries.async_reload(entry.entry_id)
    (record,) = (await intercom.do("access_log_query"))["records"]
    assert (record["name"], record["granted"]) == (None, True)


async def test_access_records_are_deleted(intercom: Intercom) -> None:
    intercom.sim.fill_door_log(3)
    await intercom.do("access_log_delete", records=["1", "3"])
    assert [record["ID"] for record in intercom.sim.door_log.records] == ["2"]
    assert await intercom.refuses("access_log_delete", records=["77"]) == "invalid_request"
    await intercom.do("access_log_delete", all=True)
    assert not intercom.sim.door_log.records


async def test_calls_are_listed_and_deleted(add: Add) -> None:
    intercom = await add("e16c")
    intercom.sim.fill_call_log(12)
    calls = (await intercom.do("call_log_query"))["calls"]
    assert [call["id"] for call in calls] == [str(12 - number) for number in range(12)]
    assert {call["type"] for call in calls} == {"Missed"}
    assert await intercom.do("call_log_delete", records=["12"]) == {"left": 11}
    assert state_of(intercom.hass, intercom.entry, "sensor", "last_call") != "unknown"
    assert await intercom.do("call_log_delete", all=True) == {"left": 0}


async def test_the_last_scanned_card_is_returned(intercom: Intercom) -> None:
    assert await intercom.do("scan_card") == {"card": None}
    intercom.sim.swipe_card("99D78D72")
    assert await intercom.do("scan_card") == {"card": "99D78D72"}
