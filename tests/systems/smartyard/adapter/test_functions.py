"""What an account can do: doors, settings, codes, cameras, journals, messages, watches, recordings."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from custom_components.ip_intercom.model.parts import Door, DoorCommand
from custom_components.ip_intercom.systems.common.errors import (
    CommandFailed,
    InvalidRequest,
    NoData,
    NotSupported,
    StreamRefused,
)
from custom_components.ip_intercom.systems.smartyard.account import Watch
from custom_components.ip_intercom.systems.smartyard.client import TextPush
from custom_components.ip_intercom.systems.smartyard.event_mapper import message
from tests.simulators.common.faults import Fault
from tests.simulators.smartyard import PHONE

from .conftest import Bench

JPEG = b"\xff\xd8"
MP4 = b"ftyp"

# -- doors -----------------------------------------------------------------------------------------


async def test_a_door_supports_opening_only(bench: Bench) -> None:
    doors = bench.system.features.doors
    assert doors is not None
    await doors.send(DoorCommand.OPEN, Door("21:1", None))
    assert bench.sim.address_functions.opened == [(21, 1, PHONE)]
    for command in set(DoorCommand) - {DoorCommand.OPEN}:
        with pytest.raises(NotSupported):
            await doors.send(command, Door("21:1", None))
    with pytest.raises(NoData):
        await doors.send(DoorCommand.OPEN, Door("99:0", None))


async def test_a_rejected_opening_has_the_reason_of_the_server(bench: Bench) -> None:
    doors = bench.system.features.doors
    assert doors is not None
    bench.sim.break_door(21)
    with pytest.raises(CommandFailed) as broken:
        await doors.send(DoorCommand.OPEN, Door("21:0", None))
    bench.sim.block_door(24)
    with pytest.raises(CommandFailed) as blocked:
        await doors.send(DoorCommand.OPEN, Door("24:0", None))
    assert broken.value.reason != blocked.value.reason
    assert bench.sim.address_functions.opened == []
    reading = await bench.system.read()
    assert reading.doors is not None
    assert reading.doors["24:0"].blocked is True
    assert reading.doors["21:0"].blocked is False


# -- settings and codes ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("flat_51_cms", False),
        ("flat_51_voip", False),
        ("flat_51_hidden_log", True),
        ("flat_53_disable_log", True),
        ("flat_53_white_rabbit", "5"),
        ("flat_51_open_for_guests", True),
        ("text_messages", False),
        ("money_messages", False),
    ],
)
async def test_a_setting_is_set(bench: Bench, setting: str, value: bool | str) -> None:
    account_settings = bench.system.features.account_settings
    assert account_settings is not None
    before = bench.state.settings[setting]
    assert before.value != value
    await account_settings.set(setting, value)
    reading = await bench.system.read()
    assert reading.settings is not None
    assert reading.settings[setting].value == value
    await account_settings.set(setting, before.value if before.value is not None else False)
    again = await bench.system.read()
    assert again.settings is not None
    assert again.settings[setting] == before


async def test_an_unknown_setting_is_an_error(bench: Bench) -> None:
    account_settings = bench.system.features.account_settings
    assert account_settings is not None
    for setting in ("flat_51_colour", "flat_99_cms", "volume"):
        with pytest.raises(NoData):
            await account_settings.set(setting, True)
    with pytest.raises(InvalidRequest):
        await account_settings.set("flat_51_white_rabbit", "4")


async def test_another_door_code_replaces_the_first(bench: Bench) -> None:
    codes = bench.system.codes
    code = await codes.renew("flat_53")
    assert code == bench.sim.town.flat(53).door_code
    reading = await bench.system.read()
    assert reading.door_codes == {"flat_51": "40374", "flat_53": code}
    assert code not in repr(reading)
    with pytest.raises(NoData):
        await codes.renew("house_11")


async def test_guest_access_ends_by_the_clock_of_the_server(bench: Bench) -> None:
    codes = bench.system.codes
    until = datetime(2030, 1, 2, 12, 0, tzinfo=UTC)
    await codes.let_guests_in("flat_51", until)
    assert bench.sim.town.flat(51).auto_open == "2030-01-02 15:00:00"
    await codes.let_guests_in("flat_51", None)
    reading = await bench.system.read()
    assert reading.settings is not None
    assert reading.settings["flat_51_open_for_guests"].value is False


# -- cameras ---------------------------------------------------------------------------------------

FILMS = {"intercom_21", "intercom_24", "42"}
ALL = ["intercom_21", "intercom_22", "intercom_24", "intercom_25", "42", "43"]
NUMBERS = {"intercom_21": 41, "intercom_22": 45, "intercom_24": 46, "intercom_25": 44, "42": 42, "43": 43}


@pytest.mark.parametrize("camera", ALL)
async def test_every_kind_of_camera_has_a_picture_and_a_stream(bench: Bench, camera: str) -> None:
    cameras = bench.system.features.cameras
    assert cameras is not None
    picture = await cameras.snapshot(camera, None, None)
    assert picture[4:8] == MP4 if camera in FILMS else picture.startswith(JPEG)
    assert cameras.streams(camera)
    address = await cameras.stream_address(camera)
    assert address is not None
    assert address.startswith("http://127.0.0.1:")
    with pytest.raises(NotSupported):
        cameras.mjpeg(camera)


@pytest.mark.parametrize("camera", ALL)
async def test_a_rejected_camera_token_is_renewed_once(bench: Bench, camera: str) -> None:
    cameras = bench.system.features.cameras
    assert cameras is not None
    for use in (lambda: cameras.snapshot(camera, None, None), lambda: cameras.stream_address(camera)):
        lists = len(bench.asked("/cctv/all"))
        bench.sim.renew_camera_token(NUMBERS[camera])
        assert await use()
        assert len(bench.asked("/cctv/all")) == lists + 1
        assert await use()
        assert len(bench.asked("/cctv/all")) == lists + 1
    bench.sim.renew_camera_token(NUMBERS[camera])
    bench.sim.refuse_camera(NUMBERS[camera], 99)
    with pytest.raises(StreamRefused):
        await cameras.snapshot(camera, None, None)
    assert len(bench.asked("/cctv/all")) == lists + 2


async def test_a_camera_that_rejects_every_token_causes_few_requests(bench: Bench) -> None:
    cameras = bench.system.features.cameras
    assert cameras is not None
    bench.sim.refuse_camera(45, 99)
    for _ in range(3):
        with pytest.raises(StreamRefused):
            await cameras.snapshot("intercom_22", None, None)
    lists = bench.asked("/cctv/all")
    assert len(lists) == 2  # the first one at the start
    bench.sim.renew_camera_token(46)
    assert await cameras.snapshot("intercom_24", None, None)
    assert len(bench.asked("/cctv/all")) == 3
    bench.sim.refuse_camera(45, 0)
    assert await cameras.snapshot("intercom_22", None, None)


@pytest.mark.parametrize(("failing", "camera"), [("cctv/all", "intercom_21"), ("cctv/camMap", "42")])
@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.HANG, Fault.STATUS])
async def test_a_camera_token_is_renewed_though_one_list_fails(
    bench: Bench, failing: str, camera: str, fault: Fault
) -> None:
    cameras = bench.system.features.cameras
    assert cameras is not None
    bench.sim.fault(failing, fault)
    bench.sim.renew_camera_token(NUMBERS[camera])
    assert await cameras.snapshot(camera, None, None)


async def test_several_cameras_renew_their_tokens_with_one_request(bench: Bench) -> None:
    cameras = bench.system.features.cameras
    assert cameras is not None
    for number in NUMBERS.values():
        bench.sim.renew_camera_token(number)
    lists = len(bench.asked("/cctv/all"))
    pictures = await asyncio.gather(*(cameras.snapshot(camera, None, None) for camera in ALL))
    assert all(pictures)
    assert len(bench.asked("/cctv/all")) == lists + 1


async def test_several_cameras_with_rejected_tokens_cause_one_request(bench: Bench) -> None:
    cameras = bench.system.features.cameras
    assert cameras is not None
    for number in NUMBERS.values():
        bench.sim.refuse_camera(number, 99)
    lists = len(bench.asked("/cctv/all"))
    outcomes = await asyncio.gather(*(cameras.snapshot(camera, None, None) for camera in ALL), return_exceptions=True)
    assert all(isinstance(outcome, StreamRefused) for outcome in outcomes)
    assert len(bench.asked("/cctv/all")) == lists + 1


async def test_an_unknown_camera_is_an_error(bench: Bench) -> None:
    cameras = bench.system.features.cameras
    assert cameras is not None
    with pytest.raises(NoData):
        await cameras.snapshot("99", None, None)


# -- recordings ------------------------------------------------------------------------------------


async def test_a_recording_is_prepared_and_downloaded(bench: Bench) -> None:
    archive = bench.system.archive
    ranges = await archive.ranges("intercom_21")
    assert ranges
    begin, end = ranges[-1]
    assert begin < end
    recording = await archive.prepare("intercom_21", end - timedelta(seconds=20), end)
    with pytest.raises(NoData):
        async with archive.download(recording):
            pass
    bench.sim.finish_films()
    (ready,) = bench.sim.people.subscribers[PHONE].messages
    told = message(TextPush("videoReady", ready.title, ready.text), None, late=False).data["recording"]
    for name in (str(told), ready.text):
        async with archive.download(name) as film:
            content = b"".join([chunk async for chunk in film.chunks()])
        assert content[4:8] == MP4
    with pytest.raises(InvalidRequest):
        async with archive.download(f"{bench.sim.elsewhere}/film.mp4"):
            pass


# -- journals, messages, watches, phones -------------------------------------------------------


async def test_the_history_of_a_day_is_returned(bench: Bench) -> None:
    history = bench.system.history
    for what in ("missed", "answered", "key", "face", "code", "vehicle"):
        bench.sim.happen(what, 22)
    days = await history.days("flat_51")
    ((day, count),) = days.items()
    assert count == 6
    records = await history.query("flat_51", day)
    told = {record.method: (record.granted, record.name, record.door) for record in records}
    assert told == {
        "missed_call": (False, None, "Калитка"),
        "answered": (True, None, "Калитка"),
        "card": (True, "Ключ", "Калитка"),
        "face": (True, None, "Калитка"),
        "code": (True, None, "Калитка"),
        "license_plate": (True, "A123BC68", "Калитка"),
    }
    pictures = [record.picture for record in records if record.picture is not None]
    assert (await history.picture(pictures[0])).startswith(JPEG)
    with pytest.raises(NoData):
        await history.picture("unknown")
    with pytest.raises(NoData):
        await history.days("flat_99")


async def test_messages_are_marked_as_read_and_tested(bench: Bench) -> None:
    messages = bench.system.messages
    await messages.send_test("Проверка")
    (message,) = bench.sim.people.subscribers[PHONE].messages
    assert (message.text, message.action) == ("Проверка", "inbox")
    assert await bench.system.yard.inbox.delivered(str(message.id)) is False  # this server does not want to know
    await messages.mark_read(str(message.id))
    assert message.read


async def test_an_event_is_watched_for(bench: Bench) -> None:
    watches = bench.system.watches
    await watches.add("flat_51", "key", "0000001A2B3C4D", "Ключ")
    await watches.add("flat_51", "code", "40374", None)
    first, second = await watches.query()
    assert first == Watch(first.id, "flat_51", "key", "…3C4D", "Ключ")  # a key opens doors
    assert (second.event, second.detail) == ("code", None)  # it opens the door
    await bench.system.yard.address.untrack(first.id)
    assert [watch.id for watch in await watches.query()] == [second.id]
    for flat, event, detail, error in (
        ("flat_99", "key", "1", NoData),
        ("flat_51", "weather", "1", InvalidRequest),
        ("flat_51", "key", None, InvalidRequest),
    ):
        with pytest.raises(error):
            await watches.add(flat, event, detail, None)


async def test_the_sip_account_of_the_support_is_hidden_in_its_repr(bench: Bench) -> None:
    sip = bench.system.sip
    account = await sip.support()
    assert account.server
    assert account.extension
    assert account.password not in repr(account)
    assert account.extension not in repr(account)
    assert account.more["dial"]


# -- finding out -----------------------------------------------------------------------------------


async def test_unavailable_functions_keep_their_known_parts(bench: Bench) -> None:
    for function in ("ext/options", "cctv/all", "cctv/camMap", "user/notification", "inbox/unreaded"):
        bench.sim.refuse(function, 405, None)
    bench.sim.refuse("address/intercom", 404, None)
    state = (await bench.system.describe()).state
    assert state.unread_messages is None
    # Known cameras and settings stay: they are not reported as gone.
    assert state.cameras == bench.state.cameras
    assert state.settings == bench.state.settings
    assert state.door_codes == bench.state.door_codes
    assert set(state.doors) == set(bench.state.doors)


async def test_a_new_apartment_in_a_poll_refreshes_the_description(bench: Bench) -> None:
    log = bench.system.log
    assert log is not None
    bench.sim.move_in(PHONE, 52)
    reading = await bench.system.read()
    assert reading.doors is not None
    assert set(reading.doors) == set(bench.state.doors)
    async with asyncio.timeout(20):
        while True:
            delivery = await log.next()
            if "Changed" in [event.type for event in delivery.events]:
                break
    assert "23:0" in (await bench.system.describe()).state.doors


async def test_diagnostics_contain_no_secrets(bench: Bench) -> None:
    told = await bench.system.examine()
    assert (told["flats"], told["time_zone"]) == (2, "Europe/Moscow")
    assert PHONE not in str(told)
    assert await bench.system.read_bells() is None
