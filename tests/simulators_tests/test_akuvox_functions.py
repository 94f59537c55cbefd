"""Functions of the API: relays, inputs, lists, users, calls, logs (Api relay to Api user)."""

import asyncio
from typing import Any

import pytest

from tests.simulators.akuvox import DIALECTS

from .akuvox_api import AkuvoxApi, outcome
from .conftest import AkuvoxFactory, until

RELAY = "Config.DoorSetting.RELAY."
INPUT = "Config.DoorSetting.INPUT."


async def trig(api: AkuvoxApi, num: int, mode: int = 0, level: int = 0, delay: int = 5) -> tuple[int, str]:
    return outcome(await api.post("relay", "trig", {"mode": mode, "num": num, "level": level, "delay": delay}))


async def test_a_withheld_function_is_unsupported(akuvox: AkuvoxFactory) -> None:
    api = await akuvox()
    api.sim.withhold("relay/trig")
    assert await trig(api, 1) == (-1, "unsupport action")
    assert (await api.data("relay", "status"))["RelayA"] == 0
    api.sim.withhold("relay/trig", withheld=False)
    assert await trig(api, 1) == (0, "OK")
    assert api.sim.relay_status()["A"]


# ---- Api config ----


async def test_config_get_returns_all_a_section_or_keys(akuvox: AkuvoxFactory) -> None:
    """Everything, a section, or some keys are returned; unknown keys are omitted."""
    api = await akuvox()
    everything = await api.data("config", "get")
    assert all(isinstance(value, str) for value in everything.values())
    section = await api.data("config", "get", filter=["Config.DoorSetting.CLOUDSERVER"])
    assert section["Config.DoorSetting.CLOUDSERVER.RpsServer"] == "http://rps.akuvox.com:8080/redirect?mac="
    assert all(key.startswith("Config.DoorSetting.CLOUDSERVER.") for key in section)
    key = "Config.DoorSetting.CLOUDSERVER.Enable"
    assert await api.data("config", "get", item=[key, "Config.Nothing"]) == {key: "0"}


async def test_config_set_ignores_unknown_keys(akuvox: AkuvoxFactory) -> None:
    """Unknown keys are ignored; numbers out of range are errors."""
    api = await akuvox()
    key = f"{RELAY}HoldDelayA"
    assert await api.post("config", "set", {key: 8, "Config.Nothing": "1"}) == {
        "retcode": 0, "action": "set", "message": "OK",
    }  # fmt: skip
    assert await api.data("config", "get", item=[key, "Config.Nothing"]) == {key: "8"}
    assert outcome(await api.post("config", "set", {key: "61"})) == (-100, "Error param")
    assert api.sim.config[key] == "8"


async def test_relay_keys_depend_on_the_dialect(akuvox: AkuvoxFactory) -> None:
    keys: dict[str, set[str]] = {}
    for dialect in ("a_series", "e18", "r29"):
        api = await akuvox(dialect)
        keys[dialect] = {name.removeprefix(RELAY) for name in (await api.get("relay/get"))["data"]}
    assert {"HoldDelayA", "TypeA", "TriggerDelayC", "NameC"} <= keys["a_series"]
    assert {"HoldDelayA", "RelayAType", "RelayAMode"} <= keys["e18"]
    assert {"RelayADelay", "RelayATrigAlways"} <= keys["r29"]
    assert "HoldDelayA" not in keys["r29"]


async def test_relay_get_may_be_bare(akuvox: AkuvoxFactory) -> None:
    """captures/relay_get_e12_r20a_x912.json has neither action nor message."""
    api = await akuvox("r29")
    body = await api.get("relay/get")
    assert set(body) == {"retcode", "data"}
    assert body["data"][f"{RELAY}RelayBDelay"] == "3"


# ---- Api relay, Api input ----


async def test_a_relay_closes_after_its_delay(akuvox: AkuvoxFactory) -> None:
    api = await akuvox(speed=50)
    assert await trig(api, 2, delay=4) == (0, "OK")
    assert await api.data("relay", "status") == {"RelayA": 0, "RelayB": 1, "RelayC": 0}
    await until(lambda: not api.sim.relay_status()["B"])
    assert await api.data("relay", "status") == {"RelayA": 0, "RelayB": 0, "RelayC": 0}


async def test_a_relay_in_manual_mode_stays_open(akuvox: AkuvoxFactory) -> None:
    """The relay stays open until a trigger with the other level."""
    api = await akuvox(speed=100)
    await trig(api, 1, mode=1, delay=1)
    await asyncio.sleep(0.1)
    assert api.sim.relay_status()["A"]
    await trig(api, 1, mode=1, level=1)
    assert not api.sim.relay_status()["A"]


async def test_a_delay_of_zero_uses_the_hold_delay(akuvox: AkuvoxFactory) -> None:
    api = await akuvox(speed=20)
    await api.data("relay", "set", **{f"{RELAY}HoldDelayA": "2"})
    await trig(api, 1, delay=0)
    timer = api.sim.relays.all["A"].timer
    assert timer is not None
    assert timer.remaining <= 2


async def test_a_relay_opens_after_its_trigger_delay(akuvox: AkuvoxFactory) -> None:
    api = await akuvox(speed=20)
    await api.data("relay", "set", **{f"{RELAY}TriggerDelayA": "2"})
    await trig(api, 1)
    assert not api.sim.relay_status()["A"]
    await until(lambda: api.sim.relay_status()["A"])


async def test_normally_closed_wiring_inverts_the_status(akuvox: AkuvoxFactory) -> None:
    """The status is inverted, and level 0 does not open although the response is OK."""
    api = await akuvox()
    api.sim.wire("A", normally_closed=True)
    assert (await api.data("relay", "status"))["RelayA"] == 1
    assert await trig(api, 1, level=0) == (0, "OK")
    assert not api.sim.relay_status()["A"]
    await trig(api, 1, level=1)
    assert api.sim.relay_status()["A"]
    assert (await api.data("relay", "status"))["RelayA"] == 0


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"num": 1},
        {"mode": 0, "num": 9, "level": 0, "delay": 5},
        {"mode": 2, "num": 1, "level": 0, "delay": 5},
        {"mode": 0, "num": 1, "level": 0, "delay": 65536},
    ],
)
async def test_trig_rejects_invalid_parameters(akuvox: AkuvoxFactory, data: dict[str, int]) -> None:
    api = await akuvox()
    assert outcome(await api.post("relay", "trig", data)) == (-100, "Error param")


async def test_the_relay_status_omits_security_relays(akuvox: AkuvoxFactory) -> None:
    """11 and 12; relay/status does not show them."""
    api = await akuvox("r29")
    assert await trig(api, 12) == (0, "OK")
    assert api.sim.relay_status() == {"A": False, "B": False, "C": False, "SA": False, "SB": True}
    assert set(await api.data("relay", "status")) == {"RelayA", "RelayB", "RelayC"}


async def test_hold_open_by_configuration(akuvox: AkuvoxFactory) -> None:
    api = await akuvox("r29")
    await api.data("config", "set", **{f"{RELAY}RelayATrigAlways": "1"})
    assert api.sim.state()["relays"]["A"]["held"]
    await api.data("config", "set", **{f"{RELAY}RelayATrigAlways": "0"})
    assert not api.sim.relay_status()["A"]


async def test_the_input_status_contains_levels(akuvox: AkuvoxFactory) -> None:
    """1 at rest; a triggered input opens its relay."""
    api = await akuvox()
    assert await api.data("input", "status") == {"InputA": 1, "InputB": 1, "InputC": 1}
    api.sim.input("B", closed=True)
    assert await api.data("input", "status") == {"InputA": 1, "InputB": 0, "InputC": 1}
    await until(lambda: api.sim.relay_status()["B"])


async def test_an_input_may_trigger_at_the_high_level(akuvox: AkuvoxFactory) -> None:
    api = await akuvox()
    await api.data("input", "set", **{f"{INPUT}OptionA": "1", f"{INPUT}RelayIdA": "3"})
    api.sim.input("A", closed=True)
    assert not api.sim.inputs.triggered("A")
    api.sim.input("A", closed=False)
    await until(lambda: api.sim.relay_status()["C"])


# ---- Api publiccode to Api group, Api dialreplace ----


async def test_private_keys_can_be_added_changed_and_deleted(akuvox: AkuvoxFactory) -> None:
    """The response to add has no Ret; missing fields have their defaults."""
    api = await akuvox()
    added = await api.items("privatekey", "add", {"Code": "88888888", "Name": "Lucy"}, {"Code": "6666", "Name": "C"})
    assert added == [{"Code": "88888888", "ID": "1", "Name": "Lucy"}, {"Code": "6666", "ID": "2", "Name": "C"}]
    [row, _] = (await api.get("privatekey/get"))["data"]["item"]
    assert row["Thur"] == "1" and row["TimeStart"] == "00:00" and row["DoorNum"] == "1"
    assert (await api.items("privatekey", "set", {"ID": "2", "Code": "77"}))[0]["Ret"] == 0
    deleted = await api.items("privatekey", "del", {"Name": "Lucy"}, {"ID": "2", "Code": "no"}, {"Code": "77"})
    assert [item["Ret"] for item in deleted] == [0, -1, 0]


async def test_cards_answer_with_their_number(akuvox: AkuvoxFactory) -> None:
    """Ret 1 and 2 mean success; -1 is an error although retcode is 0."""
    api = await akuvox()
    cards = [{"ID": "0", "Code": code, "Name": "Lucy"} for code in ("00B4161D", "00B4161E", "00B4161E")]
    assert [item["Ret"] for item in await api.items("rfkey", "add", *cards)] == [1, 2, -1]
    assert (await api.items("rfkey", "set", {"ID": "9"}))[0]["Ret"] == -1
    assert outcome(await api.get("rfkey/clear")) == (0, "OK")
    assert await api.data("rfkey", "get") == {"num": 0, "item": []}


async def test_contacts_are_sorted(akuvox: AkuvoxFactory) -> None:
    api = await akuvox()
    await api.items("contact", "add", {"Name": "Lucy", "Phone": "123"}, {"Name": "Carol", "Phone": "112"})
    rows = (await api.get("contact/get"))["data"]["item"]
    assert [row["Name"] for row in rows] == ["Carol", "Lucy"]
    assert list(rows[0]) == ["DialType", "Group", "ID", "Name", "Phone"]
    assert (await api.items("contact", "set", {"ID": "77", "Name": "X"}))[0]["Ret"] == -7


async def test_invalid_groups_are_errors(akuvox: AkuvoxFactory) -> None:
    """Ret 14 is an error although it is positive; deleting an unknown user answers {}."""
    api = await akuvox("r29")
    [good, empty] = await api.items("group", "add", {"Name": "FLOOR2"}, {"Name": ""})
    assert (good["Ret"], empty["Ret"]) == (0, 14)
    assert (await api.items("group", "set", {"ID": "9", "Name": "X"}))[0]["Ret"] == -4
    assert await api.data("group", "del", item=[{"ID": "9"}]) == {}
    assert (await api.items("group", "del", {"ID": good["ID"]}))[0]["Ret"] == 0


async def test_replaced_numbers_have_default_fields(akuvox: AkuvoxFactory) -> None:
    api = await akuvox()
    [item] = await api.items("dialreplace", "add", {"Prefix": "110", "Replace1": "192.168.2.1"})
    assert item == {"Ret": 0, "ID": "1", "Prefix": "110"}
    [row] = (await api.get("dialreplace/get"))["data"]["item"]
    assert row["Replace1"] == "192.168.2.1" and row["Replace5"] == "" and row["Line"] == "0"


@pytest.mark.parametrize("target", ["privatekey", "rfkey", "contact", "group", "dialreplace", "user"])
async def test_an_empty_list_of_items_is_rejected(akuvox: AkuvoxFactory, target: str) -> None:
    api = await akuvox("r29")
    bad: list[dict[str, Any]] = [{}, {"item": []}, {"item": "x"}]
    for data in bad:
        assert outcome(await api.post(target, "add", data)) == (-100, "Error param")


@pytest.mark.parametrize("target", ["privatekey", "rfkey", "contact", "dialreplace"])
async def test_an_exported_list_can_be_imported(akuvox: AkuvoxFactory, target: str) -> None:
    api = await akuvox()
    unique = {"contact": "Phone", "dialreplace": "Prefix"}.get(target, "Code")
    await api.data(target, "add", item=[{unique: "11", "Name": 'A "&" B'}, {unique: "22", "Name": "C"}])
    before = (await api.get(f"{target}/get"))["data"]
    content = await api.download(f"{target}/export")
    await api.get(f"{target}/clear")
    assert outcome(await api.upload(f"{target}/import", content)) == (0, "OK")
    after = (await api.get(f"{target}/get"))["data"]
    assert [row[unique] for row in after["item"]] == [row[unique] for row in before["item"]]
    assert outcome(await api.upload(f"{target}/import", b"nonsense"))[0] == -1
    assert outcome(await api.upload(f"{target}/import", content, name="file")) == (-100, "Error param")


async def test_contacts_are_exported_in_each_file_type(akuvox: AkuvoxFactory) -> None:
    api = await akuvox()
    assert outcome(await api.get("contact/export")) == (-1, "Export Failed.")
    await api.items("contact", "add", {"Name": "Lucy", "Phone": "123"})
    assert (await api.download("contact/export")).startswith(b"ID,DialType")
    assert (await api.download("contact/export", filetype="vcf")).startswith(b"BEGIN:VCARD")
    assert b"<Item" in await api.download("contact/export", filetype="xml")


# ---- Api user ----


async def test_users_can_be_added_and_deleted(akuvox: AkuvoxFactory) -> None:
    api = await akuvox()
    user = {"UserID": "2", "Name": "1111", "PrivatePIN": "2222", "CardCode": "2222", "ScheduleRelay": "1001-1"}
    assert outcome(await api.post("user", "add", {"item": [user]})) == (1, "OK")
    [row] = (await api.get("user/get"))["data"]["item"]
    assert row["ID"] == "1" and row["SourceType"] == "1" and row["PrivatePIN"] == "2222"
    assert outcome(await api.post("user", "del", {"item": [{"ID": "1"}, {"ID": "9"}]})) == (1, "OK")
    assert (await api.get("user/info"))["data"] == {"DefaultUserId": 2}


async def test_users_are_counted_on_some_devices(akuvox: AkuvoxFactory) -> None:
    api = await akuvox("r29")
    assert outcome(await api.post("user", "add", {"item": [{"Name": "Lucy"}]})) == (0, "OK")
    [row] = (await api.get("user/get"))["data"]["item"]
    assert row["Schedule-Relay"] == "1001-1;" and row["Schedule"] == ["1001"]
    assert outcome(await api.post("user", "add", {"item": [{"Name": "X", "Schedule": "always"}]})) == (
        -100,
        "Error param",
    )


async def test_duplicates_are_rejected(akuvox: AkuvoxFactory) -> None:
    api = await akuvox("e16c")
    api.sim.add_user(Name="Lucy", UserID="7", PrivatePIN="1234")
    assert outcome(await api.post("user", "add", {"item": [{"Name": "X", "UserID": "7"}]})) == (
        -1,
        "User already exist",
    )
    assert outcome(await api.post("user", "add", {"item": [{"Name": "X", "PrivatePIN": "1234"}]}))[0] == -1
    assert len(api.sim.users.rows) == 1


@pytest.mark.parametrize("dialect", ["e16c", "r29"])
async def test_user_set_of_an_e16c_erases_omitted_fields(akuvox: AkuvoxFactory, dialect: str) -> None:
    """An E16C erases omitted fields."""
    api = await akuvox(dialect)
    new = api.sim.add_user(Name="Lucy", PrivatePIN="1234", CardCode="AA")
    assert outcome(await api.post("user", "set", {"item": [{"ID": new, "Name": "Lucie"}]})) == (0, "OK")
    row = api.sim.users.rows[new]
    assert row["Name"] == "Lucie"
    assert (row["PrivatePIN"], row["CardCode"]) == (("", "") if dialect == "e16c" else ("1234", "AA"))


async def test_card_codes_are_cut(akuvox: AkuvoxFactory) -> None:
    api = await akuvox("r29")
    await api.post("user", "add", {"item": [{"Name": "Lucy", "CardCode": ";".join(["0011223344"] * 9)}]})
    [row] = (await api.get("user/get"))["data"]["item"]
    assert len(row["CardCode"]) == 63


async def test_user_scan_returns_the_last_card(akuvox: AkuvoxFactory) -> None:
    api = await akuvox()
    api.sim.swipe_card("99D78D72")
    assert (await api.post("user", "scan"))["data"] == {"RFCode": "99D78D72"}


async def test_exported_users_can_be_imported(akuvox: AkuvoxFactory) -> None:
    api = await akuvox()
    api.sim.add_user(Name="Lucy", PrivatePIN="1234")
    address = (await api.get("user/export"))["data"]["address"]
    assert address == "/download/UserData.tgz"
    status, content = await api.raw("GET", address)
    assert status == 200
    other = await akuvox()
    assert await other.upload("user/import", content) == {
        "retcode": 0, "action": "import", "message": "OK", "data": {},
    }  # fmt: skip
    assert [row["Name"] for row in other.sim.users.rows.values()] == ["Lucy"]


# ---- Visitors ----


async def test_codes_and_cards_open_their_doors(akuvox: AkuvoxFactory) -> None:
    """A user's PIN, a public code, a key with its doors, a forbidden card."""
    api = await akuvox("r29")
    api.sim.add_user(Name="Lucy", PrivatePIN="1234", CardCode="AA;BB", **{"Schedule-Relay": "1001-2;"})
    api.sim.private_keys.insert(Code="5555", Name="Carol", DoorNum="13")
    api.sim.cards.insert(Code="CC", Name="Eric", Tags="2")
    assert api.sim.enter_code("1234") and api.sim.relay_status()["B"]
    assert api.sim.enter_code("5555") and api.sim.relay_status()["C"]
    assert api.sim.enter_code("33333333")
    assert api.sim.swipe_card("BB")
    assert not api.sim.swipe_card("CC")
    assert not api.sim.enter_code("1")
    records = (await api.get("doorlog/get"))["data"]["item"]
    assert [(record["Type"], record["Name"], record["Status"]) for record in records] == [
        ("Password", "", "Failed"),
        ("Card", "", "Failed"),
        ("Card", "Lucy", "Succ"),
        ("Public", "", "Succ"),
        ("Password", "Carol", "Succ"),
        ("Password", "Lucy", "Succ"),
    ]


async def test_a_key_has_its_days(akuvox: AkuvoxFactory) -> None:
    api = await akuvox()
    week: dict[str, Any] = dict.fromkeys(("Mon", "Tue", "Wed", "Thur", "Fri", "Sat", "Sun"), "0")
    api.sim.private_keys.insert(Code="5555", Name="Carol", **week)
    assert not api.sim.enter_code("5555")


# ---- Api call, Api sip ----


async def test_a_press_is_a_call_until_it_ends(akuvox: AkuvoxFactory) -> None:
    """call/status is not READY until the call ends and is in the call log."""
    api = await akuvox("r29", config={"Config.Programable.SOFTKEY01.LocalParam1": "101"})
    assert (await api.get("call/status"))["data"] == {"Status": "READY"}
    assert api.sim.press()
    assert not api.sim.press()
    assert (await api.get("call/status"))["data"]["Status"] != "READY"
    assert (await api.get("calllog/get"))["data"]["num"] == 0
    api.sim.call_answered()
    api.sim.call_ended()
    assert (await api.get("call/status"))["data"] == {"Status": "READY"}
    [record] = (await api.get("calllog/get"))["data"]["item"]
    assert (record["Type"], record["Num"]) == ("Dialed", "101")


async def test_an_unanswered_call_ends(akuvox: AkuvoxFactory) -> None:
    api = await akuvox("r29", speed=500)
    api.sim.configure("Config.Programable.SOFTKEY01.LocalParam1", "101")
    assert api.sim.press()
    await until(lambda: api.sim.phone.session is None)


async def test_a_button_without_a_number_places_no_call(akuvox: AkuvoxFactory) -> None:
    api = await akuvox("r29")
    assert not api.sim.press()
    assert (await api.get("call/status"))["data"] == {"Status": "READY"}


async def test_dial_and_hang_up(akuvox: AkuvoxFactory) -> None:
    api = await akuvox("r29")
    assert outcome(await api.get("call/dial", Phone="192.168.1.58", DisplayName="Justa")) == (0, "OK")
    assert outcome(await api.get("call/dial", Phone="1"))[0] == -1
    assert outcome(await api.get("call/hangup")) == (0, "OK")
    assert outcome(await api.get("call/dial")) == (-100, "Error param")
    assert (await api.get("calllog/get"))["data"]["item"][0]["Name"] == "Justa"


async def test_incoming_calls_are_logged_as_received_or_missed(akuvox: AkuvoxFactory) -> None:
    api = await akuvox("r29", config={"Config.Account1.AUTO_ANSWER.Enable": "0"})
    api.sim.incoming_call("102")
    api.sim.call_ended()
    api.sim.configure("Config.Account1.AUTO_ANSWER.Enable", "1")
    api.sim.incoming_call("102")
    assert api.sim.dtmf("0") and api.sim.relay_status()["A"]
    api.sim.call_ended()
    records = (await api.get("calllog/get"))["data"]["item"]
    assert [record["Type"] for record in records] == ["Received", "Missed"]


async def test_sip_lines_register_after_a_change(akuvox: AkuvoxFactory) -> None:
    api = await akuvox(speed=10)
    changes = {"GENERAL.Enable": "1", "GENERAL.UserName": "130", "SIP.Server": "192.168.1.115"}
    await api.data("sip", "set", **{f"Config.Account1.{key}": value for key, value in changes.items()})
    assert (await api.data("sip", "status"))["Account1"]["Status"] == "1"
    await until(lambda: api.sim.lines.state()["Account1"]["Status"] == "2")
    assert (await api.get("system/info"))["data"]["Account1"] == {
        "SipServer": "192.168.1.115", "Status": "2", "UserName": "130",
    }  # fmt: skip
    api.sim.register(1, reachable=False)
    assert (await api.data("sip", "status"))["Account1"]["Status"] == "3"
    assert (await api.data("sip", "status"))["Account2"]["Status"] == "0"


# ---- Logs ----


async def test_the_door_log_is_returned_by_page(akuvox: AkuvoxFactory) -> None:
    """As captures/doorlog_paging_x912.md measured."""
    api = await akuvox("r29")
    api.sim.fill_door_log(1100)
    everything = (await api.get("doorlog/get"))["data"]
    assert everything["num"] == 1003
    first = (await api.get("doorlog/get", page="1"))["data"]["item"]
    second = (await api.get("doorlog/get", page="2"))["data"]["item"]
    assert [record["ID"] for record in first + second] == [str(number) for number in range(1100, 1080, -1)]


async def test_some_devices_ignore_pages(akuvox: AkuvoxFactory) -> None:
    api = await akuvox()
    api.sim.fill_door_log(30)
    assert (await api.get("doorlog/get", page="1"))["data"]["num"] == 30


@pytest.mark.parametrize(
    ("dialect", "kind", "status", "picture"),
    [("a_series", "1", "0", None), ("e18", "Card", "Succ", None), ("e16c", "Card", "Success", "Picture")],
)
async def test_each_dialect_has_its_own_words_in_door_logs(
    akuvox: AkuvoxFactory, dialect: str, kind: str, status: str, picture: str | None
) -> None:
    api = await akuvox(dialect)
    api.sim.fill_door_log(1)
    [record] = (await api.get("doorlog/get"))["data"]["item"]
    assert (record["Type"], record["Status"]) == (kind, status)
    assert picture is None or record[picture].startswith("https://192.168.1.78/Image/DoorPicture/")


async def test_the_call_log_is_filtered_by_type(akuvox: AkuvoxFactory) -> None:
    """By name or number; the GET of clear writes `type`."""
    api = await akuvox()
    api.sim.fill_call_log(3)
    assert (await api.get("calllog/get", Type="3"))["data"]["num"] == 3
    assert (await api.data("calllog", "get", Type="Dialed"))["num"] == 0
    assert outcome(await api.post("calllog", "del", {"ID": "2"})) == (0, "OK")
    assert outcome(await api.post("calllog", "del", {"ID": "2"}))[0] < 0
    assert (await api.download("calllog/export")).count(b"Missed") == 2
    assert await api.get("calllog/clear", type="Missed") == {"retcode": 0, "action": "upgrade", "message": "OK"}
    assert (await api.get("calllog/get"))["data"]["num"] == 0


async def test_the_log_level_can_be_set(akuvox: AkuvoxFactory) -> None:
    api = await akuvox()
    key = "Config.Settings.LOGLEVEL.Level"
    assert await api.data("log", "set", **{key: "7"}) == {key: "7"}
    assert (await api.get("log/get"))["data"] == {key: "7"}


def test_some_dialects_have_no_camera() -> None:
    assert {key for key, dialect in DIALECTS.items() if not dialect.camera} == {"a_series", "it83"}
