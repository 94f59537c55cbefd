"""Configuration, relays, inputs, lists, users, logs, calls and recordings, by the modules of the client."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

import pytest

from custom_components.ip_intercom.systems.akuvox.client import AkuvoxDevice
from custom_components.ip_intercom.systems.akuvox.client.directory import Items, schedules
from custom_components.ip_intercom.systems.akuvox.client.doors import Mode
from custom_components.ip_intercom.systems.akuvox.client.logs import CallKind, CallRecord, DoorMethod, DoorRecord
from custom_components.ip_intercom.systems.akuvox.client.phone import READY
from custom_components.ip_intercom.systems.akuvox.client.system import LogKind
from custom_components.ip_intercom.systems.common.decode import decode_reply
from custom_components.ip_intercom.systems.common.errors import (
    CommandFailed,
    ConnectionFailed,
    InvalidRequest,
    NotSupported,
    UnexpectedReply,
)
from tests.simulators.akuvox import make_firmware

from .conftest import Bench, Start, file, whole

RELAY = "Config.DoorSetting.RELAY"
LOCATION = "Config.DoorSetting.DEVICENODE.Location"
DISCOVERY = "Config.DoorSetting.CONNECT.DiscoveryMode"
PIN = "24682468"
JPEG = b"\xff\xd8picture\xff\xd9"


# ---- Configuration ----


async def test_config_set_changes_and_config_get_returns_keys(any_bench: Bench) -> None:
    """Api config get and set; an E16C takes one key a request by GET, which is learned once."""
    device = any_bench.device()
    everything = await device.config.get()
    assert everything == {key: value.replace("\udcfc", "ü") for key, value in any_bench.sim.config.values.items()}
    section = await device.config.get(sections=[RELAY])
    assert section
    assert section == {key: value for key, value in everything.items() if key.startswith(f"{RELAY}.")}
    any_bench.seen()
    for value in ("Back Door", "Hinterausgang & Küche"):
        await device.config.set({LOCATION: value, DISCOVERY: "0"})
        assert await device.config.get(items=[LOCATION, DISCOVERY, "No.Such.Key"]) == {LOCATION: value, DISCOVERY: "0"}
    sets = [request for request in any_bench.seen() if "config/set" in request.path and request.status == 200]
    by_get = any_bench.sim.dialect.sets_by_get
    assert [request.method for request in sets] == (["POST"] + ["GET"] * 4 if by_get else ["POST"] * 2)


async def test_setting_no_values_sends_no_request(bench: Bench) -> None:
    await bench.device().config.set({})
    assert bench.seen() == []


async def test_keys_and_sections_cannot_be_combined(bench: Bench) -> None:
    with pytest.raises(ValueError, match="not both"):
        await bench.device().config.get(items=[LOCATION], sections=[RELAY])


async def test_a_device_without_list_requests_is_read_by_get(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = await start("r29")
    config = bench.device().config
    monkeypatch.setattr("tests.simulators.akuvox.pipeline.methods", lambda *_: frozenset({"GET"}))
    assert await config.get(items=[DISCOVERY, "No.Such.Key"]) == {DISCOVERY: "1"}
    section = await config.get(sections=[RELAY])
    assert section
    assert all(key.startswith(f"{RELAY}.") for key in section)
    monkeypatch.setattr("tests.simulators.akuvox.pipeline.methods", lambda *_: frozenset())
    with pytest.raises(NotSupported):
        await config.get()


async def test_an_invalid_value_is_an_error(bench: Bench) -> None:
    device = bench.device()
    with pytest.raises(InvalidRequest):
        await device.config.set({f"{RELAY}.HoldDelayA": "61"})
    with pytest.raises(InvalidRequest):
        await device.relay.set({f"{RELAY}.HoldDelayA": "x"})
    assert bench.sim.config[f"{RELAY}.HoldDelayA"] == "5"


async def test_the_configuration_is_exported_and_imported(start: Start) -> None:
    bench = await start(speed=1000)
    device = bench.device()
    async with device.config.export() as stream:
        content = await whole(stream)
    bench.sim.configure(LOCATION, "Elsewhere")
    with pytest.raises(CommandFailed, match="Import Failed"):
        await device.config.import_(*file(b"no configuration"))
    await device.config.import_(*file(content))
    assert bench.sim.config[LOCATION] == "Front Door"


async def test_reset_factory_resets_the_device(start: Start) -> None:
    bench = await start(speed=1000)
    await bench.device().config.reset_factory()
    assert bench.sim.authenticator.mode == "2"


# ---- Relays and inputs ----


@pytest.mark.parametrize("dialect", ["a_series", "e18", "e16c", "r29"])
async def test_relays_are_read_and_triggered(start: Start, dialect: str) -> None:
    bench = await start(dialect)
    device = bench.device()
    letters = bench.sim.dialect.relays
    assert await device.relay.status() == dict.fromkeys(letters, 0)
    await device.relay.trig(1, mode=Mode.MANUAL)
    assert (await device.relay.status())["A"] == 1
    await device.relay.trig(len(letters), mode=Mode.AUTO, delay=5)
    assert bench.sim.relay_status()[letters[-1]]
    values = await device.relay.get()
    assert any(key.startswith(f"{RELAY}.") for key in values)
    with pytest.raises(InvalidRequest):
        await device.relay.trig(9)


async def test_a_normally_closed_relay_inverts_its_status(bench: Bench) -> None:
    """The level shows the wiring, and the status is inverted."""
    bench.sim.wire("A", normally_closed=True)
    relay = bench.device().relay
    assert (await relay.status())["A"] == 1
    await relay.trig(1, level=0, delay=5)
    assert not bench.sim.relay_status()["A"]
    await relay.trig(1, level=1, delay=5)
    assert bench.sim.relay_status()["A"]
    assert (await relay.status())["A"] == 0


async def test_trig_opens_a_security_relay(start: Start) -> None:
    bench = await start("r29")
    await bench.device().relay.trig(12, delay=5)
    assert bench.sim.relay_status()["SB"]


async def test_relay_settings_are_written_and_read(bench: Bench) -> None:
    device = bench.device()
    await device.relay.set({f"{RELAY}.HoldDelayA": "8"})
    assert (await device.relay.get())[f"{RELAY}.HoldDelayA"] == "8"


@pytest.mark.parametrize("dialect", ["a_series", "e18", "e16c", "r29"])
async def test_inputs_are_read_and_configured(start: Start, dialect: str) -> None:
    bench = await start(dialect)
    device = bench.device()
    assert await device.input.status() == dict.fromkeys(bench.sim.dialect.inputs, 1)
    bench.sim.input("A", True)
    assert (await device.input.status())["A"] == 0
    key = next(key for key in await device.input.get() if key.endswith(("EnableA", "InputEnable")))
    await device.input.set({key: "0"})
    assert (await device.input.get())[key] == "0"


async def test_public_codes_are_written_and_read(bench: Bench) -> None:
    device = bench.device()
    key = "Config.DoorSetting.PASSWORD.PublicKey2"
    await device.public_code.set({key: "12121212"})
    assert (await device.public_code.get())[key] == "12121212"


async def test_sip_settings_are_written_and_read(bench: Bench) -> None:
    device = bench.device()
    key = "Config.Account1.GENERAL.UserName"
    await device.sip.set({key: "130"})
    assert (await device.sip.get())[key] == "130"


# ---- Lists ----

LISTS: dict[str, tuple[Callable[[AkuvoxDevice], Items], dict[str, str], dict[str, str]]] = {
    "private_keys": (lambda device: device.private_keys, {"Code": "88888888", "Name": "Lucy"}, {"Code": "12345678"}),
    "cards": (lambda device: device.cards, {"Code": "00B4161D", "Name": "Lucy"}, {"Code": "00B4161E"}),
    "contacts": (lambda device: device.contacts, {"Name": "Carol", "Phone": "115"}, {"Phone": "116"}),
    "groups": (lambda device: device.groups, {"Name": "FLOOR-1"}, {"Name": "FLOOR-2"}),
    "replacements": (lambda device: device.replacements, {"Prefix": "110", "Replace1": "1.2.3.4"}, {"Line": "1"}),
}


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("dialect", ["a_series", "e18", "e16c", "r29", "it83"])
async def test_each_list_is_read_and_changed(start: Start, name: str, dialect: str) -> None:
    bench = await start(dialect)
    part, new, change = LISTS[name]
    items = part(bench.device())
    if items._endpoints.get.target not in bench.sim.dialect.targets:
        with pytest.raises(NotSupported):
            await items.get()
        return
    [added] = await items.add([new])
    assert added.ok
    assert added.id == "1"
    [unknown] = await items.set([{"ID": "77", **change}])
    assert not unknown.ok
    [changed] = await items.set([{"ID": added.id, **new, **change}])
    assert changed.ok
    [found] = await items.get()
    assert {**new, **change}.items() <= dict(found).items()
    if name == "groups" and not bench.sim.dialect.group_del:
        # The manual has no such function (Api group).
        with pytest.raises(NotSupported):
            await items.delete([{"ID": added.id}])
        await items.clear()
    else:
        [deleted] = await items.delete([{"ID": added.id}])
        assert deleted.ok
        assert not any(result.ok for result in await items.delete([{"ID": added.id}]))
    assert await items.get() == ()


@pytest.mark.parametrize("name", ["private_keys", "cards", "contacts", "replacements"])
async def test_each_list_is_exported_and_imported(bench: Bench, name: str) -> None:
    part, new, _ = LISTS[name]
    items = part(bench.device())
    await items.add([new])
    async with items.export() as stream:
        content = await whole(stream)
    await items.clear()
    assert await items.get() == ()
    with pytest.raises(CommandFailed):
        await items.import_(*file(b"nothing"))
    await items.import_(*file(content))
    [found] = await items.get()
    assert new.items() <= dict(found).items()


async def test_each_added_item_has_its_own_result(bench: Bench) -> None:
    """The second item has the code of the first; codes are hidden in the repr."""
    results = await bench.device().cards.add([{"Code": "00B4161D", "Name": "A"}, {"Code": "00B4161D", "Name": "B"}])
    assert [(result.ret, result.ok) for result in results] == [(1, True), (-1, False)]
    assert "00B4161D" not in repr(results)


async def test_a_group_without_a_name(bench: Bench) -> None:
    """Code 14 is an error (captures/error_envelopes.md)."""
    [result] = await bench.device().groups.add([{"Name": ""}])
    assert (result.ret, result.ok) == (14, False)


@pytest.mark.parametrize(
    ("filetype", "begin"), [(None, b"ID,"), ("csv", b"ID,"), ("xml", b"<?xml"), ("vcf", b"BEGIN:")]
)
async def test_contacts_are_exported_in_each_file_type(bench: Bench, filetype: str | None, begin: bytes) -> None:
    contacts = bench.device().contacts
    with pytest.raises(CommandFailed, match="Export Failed"):
        async with contacts.export(filetype):
            pass
    await contacts.add([{"Name": "Lucy", "Phone": "115"}])
    async with contacts.export(filetype) as stream:
        assert (await whole(stream)).startswith(begin)


async def test_a_contact_is_added_by_get_without_list_requests(bench: Bench) -> None:
    """The introduction of the manual adds a contact by GET."""
    contacts = bench.device().contacts
    refusal = '{"retcode":-1,"action":"unknow","message":"unsupport action"}'
    bench.sim.garbage("contact/add", refusal, times=1)
    results = await contacts.add([{"Name": "Johnson", "Phone": "110"}])
    assert [(result.id, result.ok) for result in results] == [("1", True)]
    bench.sim.garbage("contact/add", refusal)
    with pytest.raises(NotSupported):
        await contacts.add([{"Name": "Johnson", "Phone": "110", "Group": "FLOOR-1"}])


# ---- Users ----


@pytest.mark.parametrize("dialect", ["a_series", "e18", "e16c", "r29"])
async def test_users_are_added_and_changed(start: Start, dialect: str) -> None:
    bench = await start(dialect)
    users = bench.device().users
    number = await users.default_id()
    assert number == 1
    await users.add(
        [{"UserID": "1", "Name": "Lucy", "PrivatePIN": PIN, "CardCode": "11;22", "ScheduleRelay": "1001-1;1002-2"}]
    )
    [user] = await users.get()
    assert (user.id, user.user_id, user.name, user.pin, user.cards) == ("1", "1", "Lucy", PIN, ("11", "22"))
    assert user.schedules == (("1001", "1"), ("1002", "2"))
    assert PIN not in repr(user)
    await users.change(user, {"Name": "Lucia"})
    assert [(user.name, user.pin) for user in await users.get("Lucia")] == [("Lucia", PIN)]
    assert await users.get("Nobody") == ()
    with pytest.raises(CommandFailed, match="already exist"):
        await users.add([{"Name": "Carol", "PrivatePIN": PIN}])
    with pytest.raises(CommandFailed, match="not exist"):
        await users.set([{"ID": "99", "Name": "x"}])
    await users.delete(["1"])
    assert await users.get() == ()
    bench.sim.swipe_card("99D78D72")
    assert await users.scan() == "99D78D72"


async def test_users_are_read_by_page(start: Start) -> None:
    bench = await start("r29")
    for number in range(12):
        bench.sim.add_user(Name=f"User {number}")
    users = bench.device().users
    assert [len(await users.get(page=page)) for page in (1, 2, 3)] == [10, 2, 0]


async def test_users_are_exported_and_imported(start: Start) -> None:
    """From one device to another (Api user import)."""
    one, two = await start(), await start("r29")
    one.sim.add_user(Name="Lucy", PrivatePIN=PIN)
    async with one.device().users.export() as stream:
        content = await whole(stream)
    users = two.device().users
    await users.import_(*file(content, "UserData.tgz"))
    assert [user.name for user in await users.get()] == ["Lucy"]
    await users.clear()
    assert await users.get() == ()


@pytest.mark.parametrize(
    "address",
    ["http://192.168.1.9/download/UserData.tgz", "//evil/x", "x", "", "http://[", "http://127.0.0.1:99999/x", None],
)
async def test_an_export_address_of_another_host_is_an_error(bench: Bench, address: str | None) -> None:
    users = bench.device().users
    told = "null" if address is None else f'"{address}"'
    bench.sim.garbage("user/export", f'{{"retcode":0,"data":{{"address":{told}}}}}')
    with pytest.raises(UnexpectedReply, match="another host"):
        async with users.export():
            pass
    assert [request.path for request in bench.seen()] == ["/api/user/export"]


@pytest.mark.parametrize("address", ["/download/UserData.tgz\\n  ", "https://127.0.0.1:1/download/UserData.tgz"])
async def test_an_export_uses_the_address_of_the_device(bench: Bench, address: str) -> None:
    bench.sim.garbage("user/export", f'{{"retcode":0,"data":{{"address":"{address}"}}}}')
    async with bench.device().users.export() as stream:
        assert await whole(stream)


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"ScheduleRelay": "1001-1"}, (("1001", "1"),)),
        ({"Schedule-Relay": "1001-12;1002-3;", "Schedule": ["1001"]}, (("1001", "12"), ("1002", "3"))),
        ({"Schedule-Relay": "1001-1,1002-2"}, (("1001", "1"), ("1002", "2"))),
        ({"Schedule": ["1001", "1002"]}, (("1001", ""), ("1002", ""))),
        ({"Schedule": "1001"}, (("1001", ""),)),
        ({"ScheduleRelay": ""}, ()),
        ({}, ()),
    ],
)
def test_schedules_are_read_from_each_field(item: dict[str, object], expected: tuple[tuple[str, str], ...]) -> None:
    assert schedules(item) == expected


async def test_both_names_of_the_schedule(start: Start) -> None:
    for dialect, name in (("e18", "ScheduleRelay"), ("r29", "Schedule-Relay")):
        bench = await start(dialect)
        await bench.device().users.add([{"Name": "Lucy", "Schedule-Relay": "1002-2"}])
        assert bench.sim.users.rows["1"][name] == "1002-2"


@pytest.mark.parametrize(("dialect", "name"), [("e18", "ScheduleRelay"), ("r29", "Schedule-Relay")])
@pytest.mark.parametrize("written", ["ScheduleRelay", "Schedule-Relay"])
async def test_a_change_of_the_schedule(start: Start, dialect: str, name: str, written: str) -> None:
    """A value written under one name overrides the value read under the other."""
    bench = await start(dialect)
    bench.sim.add_user(Name="Lucy", PrivatePIN=PIN, **{name: "1001-1"})
    users = bench.device().users
    [user] = await users.get()
    await users.change(user, {written: "1002-2"})
    [user] = await users.get()
    assert (user.schedules, user.pin) == ((("1002", "2"),), PIN)


# ---- Calls ----


@pytest.mark.parametrize("dialect", ["e18", "e16c", "r29", "it83"])
async def test_calls_are_placed_and_ended(start: Start, dialect: str) -> None:
    bench = await start(dialect)
    call = bench.device().call
    assert await call.status() == READY
    await call.dial("192.168.1.58", "Justa & Co")
    assert await call.status() != READY
    session = bench.sim.phone.session
    assert session is not None
    assert (session.number, session.name) == ("192.168.1.58", "Justa & Co")
    with pytest.raises(CommandFailed, match="Dial Failed"):
        await call.dial("1")
    await call.hangup()
    assert await call.status() == READY


# ---- Logs ----


@pytest.mark.parametrize("dialect", ["a_series", "e18", "e16c", "r29"])
async def test_the_door_log_is_decoded(start: Start, dialect: str) -> None:
    bench = await start(dialect)
    device = bench.device()
    bench.sim.add_user(Name="Lucy", PrivatePIN=PIN, CardCode="00B4161D")
    bench.sim.enter_code(PIN)
    bench.sim.swipe_card("00B4161D")
    bench.sim.enter_code("33333333")
    bench.sim.enter_code("11112222")
    refused, public, card, pin = await device.door_log.get()
    assert [record.method for record in (refused, public, card, pin)] == [
        DoorMethod.PIN, DoorMethod.PUBLIC_CODE, DoorMethod.CARD, DoorMethod.PIN,
    ]  # fmt: skip
    assert [record.granted for record in (refused, public, card, pin)] == [False, True, True, True]
    assert (pin.name, pin.code, pin.relay) == ("Lucy", PIN, "1")
    assert pin.when is not None
    assert pin.when.tzinfo is None
    assert PIN not in repr(pin)
    assert (pin.picture is not None) is (bench.sim.dialect.picture_field is not None)
    if pin.picture is not None:
        assert pin.picture == f"/Image/DoorPicture/{pin.id}.jpg"
    assert pin.id is not None
    await device.door_log.delete(pin.id)
    with pytest.raises(InvalidRequest):
        await device.door_log.delete(pin.id)
    assert len(await device.door_log.get()) == 3
    assert len(await device.door_log.get(count=2)) == 2
    async with device.door_log.export() as stream:
        assert (await whole(stream)).startswith(b"<?xml")
    await device.door_log.clear()
    assert await device.door_log.get() == ()


@pytest.mark.parametrize("dialect", ["e16c", "r29"])
async def test_pictures_of_the_door_log(start: Start, dialect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are requested from the device itself, with any host in their address."""
    bench = await start(dialect)
    bench.sim.fill_door_log(1)
    log = bench.device().door_log
    [record] = await log.get()
    assert record.picture is not None
    monkeypatch.setattr(bench.sim, "_full", lambda path: path)
    bench.sim.garbage(record.picture, JPEG, "image/jpeg")
    assert await log.picture(record.picture) == JPEG
    for wrong in (JPEG[:-2], b"", b"<html>"):
        bench.sim.garbage(record.picture, wrong)
        with pytest.raises(UnexpectedReply):
            await log.picture(record.picture)


async def test_logs_are_read_by_page(start: Start) -> None:
    bench = await start("r29")
    bench.sim.fill_door_log(25)
    bench.sim.fill_call_log(15)
    device = bench.device()
    assert [len(await device.door_log.get(page)) for page in (1, 2, 3, 4)] == [10, 10, 5, 0]
    assert [len(await device.call_log.get(page=page)) for page in (1, 2, 3)] == [10, 5, 0]


@pytest.mark.parametrize("dialect", ["e18", "e16c", "r29", "it83"])
async def test_the_call_log_is_decoded_and_filtered(start: Start, dialect: str) -> None:
    bench = await start(dialect)
    device = bench.device()
    await device.call.dial("101", "Justa")
    await device.call.hangup()
    bench.sim.fill_call_log(2)
    missed, _, dialed = await device.call_log.get()
    assert (missed.kind, dialed.kind) == (CallKind.MISSED, CallKind.DIALED)
    assert (dialed.name, dialed.number, dialed.local) == ("Justa", "101", "192.168.1.78@192.168.1.78")
    assert isinstance(dialed.when, datetime)
    assert await device.call_log.get(CallKind.DIALED) == (dialed,)
    async with device.call_log.export() as stream:
        assert (await whole(stream)).startswith(b"ID,")
    await device.call_log.clear(CallKind.MISSED)
    assert await device.call_log.get() == (dialed,)
    assert dialed.id is not None
    await device.call_log.delete(dialed.id)
    await device.call_log.clear()
    assert await device.call_log.get() == ()


@pytest.mark.parametrize(
    ("word", "kind"),
    [("0", CallKind.UNKNOWN), ("3", CallKind.MISSED), (1, CallKind.DIALED), ("forwarded", CallKind.FORWARDED),
     ("All", CallKind.UNKNOWN), ("Dialled", CallKind.DIALED), ("Missed Call", CallKind.MISSED), ("9", CallKind.UNKNOWN), (None, CallKind.UNKNOWN)],
)  # fmt: skip
def test_each_call_type_is_decoded(word: object, kind: CallKind) -> None:
    assert decode_reply(CallRecord, {"Type": word, "Number": "5"}, "").kind is kind


@pytest.mark.parametrize(
    ("item", "method", "granted"),
    [
        ({"Type": "2", "Status": "0"}, DoorMethod.PIN, True),
        ({"Type": 4, "Status": 1}, DoorMethod.FACE, False),
        ({"Type": "Public", "Status": "Succ"}, DoorMethod.PUBLIC_CODE, True),
        ({"Type": "Telepathy", "Status": "?"}, DoorMethod.UNKNOWN, None),
        ({"Picture": "http://["}, DoorMethod.UNKNOWN, None),
        ({"Type": "PIN", "Status": "Success"}, DoorMethod.PIN, True),
        ({"Type": "Private PIN", "Status": "Successful"}, DoorMethod.PIN, True),
        ({"Type": "RF", "Status": "Fail"}, DoorMethod.CARD, False),
        ({"Type": "RF Card", "Status": "Denied"}, DoorMethod.CARD, False),
        ({"Type": "DTMF", "Status": "Succ"}, DoorMethod.DTMF, True),
        ({"Type": "Call", "Status": "SUCCESS"}, DoorMethod.CALL, True),
        ({"Type": "Bluetooth", "Status": "Failed"}, DoorMethod.BLUETOOTH, False),
        ({"Type": "QR Code", "Status": "success "}, DoorMethod.QR_CODE, True),
        ({"Type": "NFC", "Status": 0}, DoorMethod.NFC, True),
        ({"Type": "Face", "Status": "denied"}, DoorMethod.FACE, False),
        ({"Type": "HTTP", "Status": "Success"}, DoorMethod.HTTP, True),
    ],
)
def test_words_of_the_door_log_are_mapped(item: dict[str, object], method: DoorMethod, granted: bool | None) -> None:
    record = decode_reply(DoorRecord, item, "")
    assert (record.method, record.granted, record.when, record.picture) == (method, granted, None, None)


async def test_log_files_are_exported_and_cleared(bench: Bench) -> None:
    log = bench.device().log
    await log.set_level(7)
    assert await log.level() == 7
    bench.sim.set_log_size(3 * 2**20)
    async with log.export() as stream:
        assert len(await whole(stream)) == 3 * 2**20
    await log.clear(LogKind.LOG)
    await log.clear(LogKind.KERNEL)
    async with log.export(LogKind.KERNEL) as stream:
        assert await whole(stream) == b""
    with pytest.raises(InvalidRequest):
        async with log.export(LogKind.DEBUG):
            pass


# ---- Firmware, recordings ----


async def test_an_upload_to_a_fragile_device_is_the_only_request(start: Start) -> None:
    """No other request is sent during the transfer."""
    bench = await start("e18")
    device = bench.device()
    await device.firmware.prepare()
    content = make_firmware("E18", "1", 2**20)
    async with asyncio.TaskGroup() as group:
        group.create_task(device.firmware.upload(*file(content)))
        group.create_task(device.relay.status())
        group.create_task(device.input.status())
    requests = bench.seen()
    assert device.client.fragile
    assert not any(request.spoiled for request in requests)
    assert {request.function for request in requests if request.status == 200} >= {"firmware/upload", "relay/status"}


@pytest.mark.parametrize("dialect", ["a_series", "e18", "r29"])
async def test_firmware_is_prepared_uploaded_and_installed(start: Start, dialect: str) -> None:
    bench = await start(dialect, speed=1000)
    device = bench.device()
    facts = bench.sim.dialect
    content = make_firmware(facts.model, "9.9.9.9", 3 * 2**20)
    with pytest.raises(CommandFailed, match="Upload Failed"):
        await device.firmware.upload(*file(content))
    with pytest.raises(CommandFailed, match="Upgrade Failed"):
        await device.firmware.upgrade()
    await device.firmware.prepare()
    sent: list[int] = []
    await device.firmware.upload(*file(content), sent.append)
    assert sent[-1] == len(content)
    assert bench.sim.firmware.silent
    with pytest.raises(CommandFailed, match="Wrong MD5"):
        await device.firmware.upgrade("25e317773f308e446cc84c503a6d1f83")
    await device.firmware.upgrade()
    # The device restarts by itself, in its own time.
    version: str | None = None
    async with asyncio.timeout(30):
        while version != "9.9.9.9":
            await asyncio.sleep(0.05)
            with suppress(ConnectionFailed):
                version = (await device.firmware.status()).firmware


async def test_an_upload_is_sent_once(bench: Bench) -> None:
    """Digest offers auth-int as well, which would need all of the file before."""
    device = bench.device()
    await device.firmware.prepare()
    bench.sim.expire_nonces()
    bench.seen()
    await device.firmware.upload(*file(make_firmware("A02", "1")))
    assert [request.path for request in bench.seen() if request.method == "POST"] == ["/api/firmware/upload"]


async def test_a_packet_capture_is_started_stopped_and_exported(bench: Bench) -> None:
    capture = bench.device().capture
    with pytest.raises(CommandFailed):
        await capture.stop()
    with pytest.raises(CommandFailed, match="Export Failed"):
        async with capture.export():
            pass
    assert not (await capture.status()).running
    await capture.start(seconds=180, size=10_000)
    with pytest.raises(CommandFailed, match="Start Failed"):
        await capture.start()
    status = await capture.status()
    assert status.running
    assert status.size > 0
    assert await capture.stop() >= status.size
    async with capture.export() as stream:
        assert (await whole(stream))[:4] == b"\xd4\xc3\xb2\xa1"
