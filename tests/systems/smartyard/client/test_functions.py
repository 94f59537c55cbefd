"""Every method of the API through the client, at both servers."""

from collections.abc import AsyncGenerator
from datetime import date, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from custom_components.ip_intercom.systems.common.errors import (
    CommandFailed,
    InvalidRequest,
    NoData,
    NotPaid,
    NotSupported,
    ServerBroken,
    Unconfirmed,
    UnexpectedReply,
)
from custom_components.ip_intercom.systems.smartyard.client import (
    OFF,
    Archive,
    Clip,
    Door,
    Extension,
    Group,
    IntercomChanges,
    KeyFob,
    KnownFace,
    LogEvent,
    LogRecord,
    Notification,
    Office,
    Page,
    PushTokens,
    Range,
    Roommate,
    SipCredentials,
    SmartYard,
    Story,
    Tracked,
    Unread,
)
from tests.simulators.smartyard import ENDPOINTS, PHONE, ROOMMATE, Breakage, Dialect, Simulator

from .conftest import Server, log_in

FLAT, OTHER, FOREIGN = "51", "53", "52"
PUSH_TOKEN = "push-token-of-the-tests"


@pytest.fixture(params=Dialect)
async def sim(request: pytest.FixtureRequest) -> AsyncGenerator[Simulator]:
    async with Simulator(request.param, seed=7) as simulator:
        yield simulator


@pytest.fixture
async def account(sim: Simulator, session: aiohttp.ClientSession) -> SmartYard:
    return await log_in(sim, session)


# ---- Houses and flats ----


async def test_houses_are_decoded_with_their_doors(sim: Simulator, account: SmartYard) -> None:
    """Values may be texts or numbers."""
    garden, river = await account.address.houses()
    assert (garden.id, garden.address, garden.has_log, garden.cameras) == (
        "11",
        "г. Примерск, ул. Садовая, д. 3",
        True,
        4,
    )
    assert garden.doors == (
        Door("21", 0, "entrance", "Подъезд 1", "40374"),
        Door("22", 0, "wicket", "Калитка", "40374"),
        Door("21", 1, "barrier", "Шлагбаум"),
    )
    assert river.doors == (
        Door("24", 0, "entrance", "Вход", "62596", None, "35"),
        Door("25", 0, "gate", "Ворота"),
    )


async def test_apartments_are_decoded_with_roommates_and_keys(sim: Simulator, account: SmartYard) -> None:
    first, second = await account.address.settings()
    assert (first.id, first.house_id, first.number, first.code) == ("51", "11", "7", "40374")
    assert (first.is_owner, first.is_contract_owner, first.has_gates, first.has_log) == (True, False, False, True)
    assert first.services == ("domophone",)
    assert first.roommates == (Roommate(ROOMMATE, "inner", datetime(3001, 1, 1)),)
    assert first.keys == (KeyFob("61", "0000001A2B3C4D", "Ключ"), KeyFob("62", "00000000C0FFEE"))
    assert (second.id, second.keys) == ("53", ())


async def test_doors_of_a_blocked_apartment_are_blocked(sim: Simulator, account: SmartYard) -> None:
    sim.leave_unpaid(53)
    sim.block_door(22, 0, "На ремонте")
    garden, river = await account.address.houses()
    assert [door.blocked for door in garden.doors] == [None, "На ремонте", None]
    assert all(door.blocked for door in river.doors)


async def test_open_door_opens_the_given_door(sim: Simulator, account: SmartYard) -> None:
    await account.address.open_door("21")
    await account.address.open_door("21", 1, house_id="11")
    assert sim.address_functions.opened == [(21, 0, PHONE), (21, 1, PHONE)]


async def test_a_door_that_does_not_open_is_an_error(sim: Simulator, account: SmartYard) -> None:
    """The server has its own text for each reason."""
    sim.break_door(21)
    with pytest.raises(CommandFailed, match="Intercom is unavailable") as broken:
        await account.address.open_door("21")
    with pytest.raises(CommandFailed, match="blocked or not paid") as foreign:
        await account.address.open_door("23")
    assert {type(broken.value), type(foreign.value)} == {CommandFailed}
    assert sim.address_functions.opened == []
    assert [request.function for request in sim.requests].count("/address/openDoor") == 2


async def test_intercom_settings_are_read_and_changed(sim: Simulator, account: SmartYard) -> None:
    before = await account.address.intercom(FLAT)
    assert (before.allow_door_code, before.door_code, before.cms, before.voip) == (True, "40374", True, True)
    assert (before.auto_open, before.white_rabbit) == (datetime(1970, 1, 1, 3), 0)
    assert (before.disable_log, before.hidden_log, before.paranoid) == (False, False, None)
    until = datetime(2026, 11, 22, 1, 2, 3)
    after = await account.address.intercom(
        FLAT, IntercomChanges(cms=False, voip=False, auto_open=until, white_rabbit=10, hidden_log=True)
    )
    assert (after.cms, after.voip, after.auto_open, after.white_rabbit) == (False, False, until, 10)
    assert (after.disable_log, after.hidden_log) == (False, True)
    assert await account.address.intercom(FLAT, IntercomChanges()) == after
    assert (await account.address.intercom(FLAT, IntercomChanges(auto_open=OFF))).auto_open == OFF
    with pytest.raises(NoData):
        await account.address.intercom(FOREIGN)


async def test_reset_code_returns_the_new_code(sim: Simulator, account: SmartYard) -> None:
    code = await account.address.reset_code(FLAT)
    assert (await account.address.intercom(FLAT)).door_code == code
    with pytest.raises(NoData):
        await account.address.reset_code(FOREIGN)


# ---- The journal ----

HAPPENED: list[tuple[str, dict[str, Any]]] = [
    ("missed", {"event": LogEvent.MISSED_CALL, "opened": False}),
    ("answered", {"event": LogEvent.ANSWERED, "opened": True}),
    ("key", {"event": LogEvent.KEY, "key": "0000001A2B3C4D"}),
    ("app", {"event": LogEvent.APP, "phone": ROOMMATE}),
    ("face", {"event": LogEvent.FACE, "face_id": "17", "preview_type": 2}),
    ("code", {"event": LogEvent.CODE, "code": "40374"}),
    ("guest", {"event": LogEvent.GUEST_CALL, "phone_from": "79161234599", "phone_to": "74752000000"}),
    ("vehicle", {"event": LogEvent.VEHICLE, "plate": "A123BC68"}),
]


async def test_the_event_log_is_read_by_day(sim: Simulator, account: SmartYard) -> None:
    uuids = [sim.happen(event, ago=600 - place) for place, (event, _) in enumerate(HAPPENED)]
    days = await account.address.log_days(FLAT)
    records = [record for day in days for record in await account.address.log(FLAT, day.day)]
    assert [record.id for record in records] == uuids[::-1]
    assert sum(day.events for day in days) == len(HAPPENED)
    for record, (_, expected) in zip(reversed(records), HAPPENED, strict=True):
        assert {name: getattr(record, name) for name in expected} == expected
        assert (record.domophone_id, record.door_id, record.house_id, record.camera_id) == ("21", 0, "11", "41")
        assert (record.entrance_id, record.object_type, record.description) == ("31", 0, "Подъезд 1")
        assert record.date is not None
        assert record.picture is not None
    some = await account.address.log_days(FLAT, [LogEvent.KEY, LogEvent.CODE])
    assert some
    assert set(some) <= set(days)
    assert await account.address.log_days(FLAT, [8]) == ()
    assert await account.address.log(FLAT, days[-1].day - timedelta(days=5)) == ()


async def test_the_journal_is_written_late(sim: Simulator, account: SmartYard) -> None:
    sim.happen("key")
    assert await account.address.log_days(FLAT) == ()
    sim.pass_time(400)
    assert len(await account.address.log_days(FLAT)) == 1


async def test_an_unreadable_journal_is_an_error(sim: Simulator, account: SmartYard) -> None:
    sim.leave_unpaid(51)
    sim.disable_log(53)
    with pytest.raises(NotPaid):
        await account.address.log_days(FLAT)
    with pytest.raises(NotPaid):
        await account.address.log(FLAT, date(2026, 11, 21))
    with pytest.raises(CommandFailed) as refused:
        await account.address.log(OTHER, date(2026, 11, 21))
    assert type(refused.value) is CommandFailed
    with pytest.raises(NoData):
        await account.address.log(FOREIGN, date(2026, 11, 21))


async def test_tracked_events_can_be_added_and_removed(sim: Simulator, account: SmartYard) -> None:
    watcher = await account.address.track(FLAT, LogEvent.KEY, "0000001A2B3C4D", "child")
    assert watcher is not None
    assert await account.address.tracked() == (Tracked(watcher, FLAT, 3, "0000001A2B3C4D", "child"),)
    await account.address.untrack(watcher)
    assert await account.address.tracked(FLAT) == ()
    with pytest.raises(InvalidRequest):
        await account.address.track(FLAT, LogEvent.MISSED_CALL, "x")


async def test_tracked_events_by_their_other_names(sim: Simulator, account: SmartYard) -> None:
    for function in ("trackEvent", "untrackEvent", "getTrackedEvents"):
        sim.refuse(f"address/{function}", 405, None)
    watcher = await account.address.track(FLAT, LogEvent.CODE, "40374")
    assert watcher is not None
    assert [found.id for found in await account.address.tracked(FLAT)] == [watcher]
    await account.address.untrack(watcher)
    assert await account.address.tracked() == ()


# ---- Cameras ----


async def test_cameras_are_decoded(sim: Simulator, account: SmartYard) -> None:
    cameras = await account.cameras.all(refresh=True)
    assert {camera.id for camera in cameras} == {"41", "42", "43", "44", "45", "46"}
    entrance = next(camera for camera in cameras if camera.id == "41")
    assert (entrance.name, entrance.server_type, entrance.hls_mode) == ("Подъезд 1", "flussonic", "fmp4")
    assert (entrance.has_sound, entrance.latitude, entrance.longitude) == (True, 52.7, 41.4)
    assert {camera.id for camera in await account.cameras.all("12")} == {"44", "46"}


async def test_the_camera_tree_follows_the_apartments(sim: Simulator, account: SmartYard) -> None:
    tree = await account.cameras.tree()
    assert [(group.id, len(group.cameras)) for group in tree.groups] == [("11", 4), ("12", 2)]
    sim.move_out(PHONE, 53)
    alone = await account.cameras.tree("11")
    assert (len(alone.cameras), alone.groups) == (4, ())
    sim.move_out(PHONE, 51)
    assert await account.cameras.tree() == Group()


async def test_each_intercom_has_its_camera(sim: Simulator, account: SmartYard) -> None:
    found = {row.domophone_id: row for row in await account.cameras.of_intercoms()}
    assert {row.entrance_id for row in found.values()} == {"31", "32", "35", "36"}
    own = {camera.url: camera for camera in await account.cameras.all()}
    assert own[found["21"].camera.url].id == "41"
    assert found["21"].camera.id == ""
    assert not found["21"].recognises


async def test_overview_returns_the_cameras_of_the_city(sim: Simulator, account: SmartYard) -> None:
    if sim.dialect is Dialect.AXIOS:
        with pytest.raises(NoData):
            await account.cameras.overview()
        return
    assert [camera.id for camera in await account.cameras.overview()] == ["47"]


async def test_the_archive_of_a_camera_is_prepared_and_downloaded(sim: Simulator, account: SmartYard) -> None:
    [archive] = await account.cameras.ranges("41")
    assert archive.stream == "door21"
    assert archive.ranges[0].duration == 7 * 86400
    begin = datetime(2026, 11, 21, 12)
    piece = await account.cameras.prepare("41", begin, begin + timedelta(minutes=5))
    assert piece is not None
    assert await account.cameras.prepare("41", begin, begin + timedelta(minutes=5)) == piece
    sim.finish_films()
    address = await account.cameras.download(piece)
    assert (address is None) is (sim.dialect is Dialect.RBT)
    for refused in (account.cameras.ranges("99"), account.cameras.prepare("41", begin, begin)):
        with pytest.raises(NoData):
            await refused
    assert await account.cameras.youtube("41") == ()


# ---- Messages ----


async def test_unread_counts_follow_messages_and_chats(sim: Simulator, account: SmartYard) -> None:
    assert await account.inbox.unread() == Unread(0, 0)
    first = sim.message("one")
    sim.message("two")
    sim.chat(3)
    assert await account.inbox.unread() == Unread(2, 3)
    await account.inbox.read(str(first))
    assert await account.inbox.unread() == Unread(1, 3)
    await account.inbox.chat_read()
    await account.inbox.read()
    assert await account.inbox.unread() == Unread(0, 0)


async def test_the_page_of_messages_marks_them_read(sim: Simulator, account: SmartYard) -> None:
    await account.inbox.alert("hello", "inbox")
    page = await account.inbox.page()
    assert page is not None
    assert "hello" in page.html
    assert page.base == f"{sim.origin}/static/"
    assert await account.inbox.unread() == Unread(0, 0)


async def test_delivered_reports_whether_the_server_supports_it(sim: Simulator, account: SmartYard) -> None:
    """The published server does not support it."""
    message = sim.message("one")
    assert await account.inbox.delivered(str(message)) is (sim.dialect is Dialect.AXIOS)


async def test_an_empty_alert_is_an_error(sim: Simulator, account: SmartYard) -> None:
    for message, action in (("", "inbox"), ("hello", "")):
        with pytest.raises(InvalidRequest, match="must not be empty"):
            await account.inbox.alert(message, action)


# ---- The person ----


async def test_notification_settings_are_read_and_changed(sim: Simulator, account: SmartYard) -> None:
    assert await account.user.notification() == Notification(True, True)
    assert await account.user.notification(money=False) == Notification(True, False)
    assert await account.user.notification(enable=False, money=True) == Notification(False, True)


async def test_push_tokens_are_registered(sim: Simulator, account: SmartYard) -> None:
    assert await account.user.push_tokens() == PushTokens(None, None)
    await account.user.register_push(
        PUSH_TOKEN, "ios", "apn", bundle="ha", production=True, voip_token=PUSH_TOKEN[::-1]
    )
    assert await account.user.push_tokens() == PushTokens(PUSH_TOKEN, PUSH_TOKEN[::-1])
    assert sim.requests[-2].body == {
        "pushToken": PUSH_TOKEN, "platform": "ios", "pushService": "apn", "bundle": "ha", "production": "t",
        "voipToken": PUSH_TOKEN[::-1],
    }  # fmt: skip
    for token, platform in (("short", "android"), ("x" * 1024, "android"), (PUSH_TOKEN, "toaster")):
        with pytest.raises(InvalidRequest):
            await account.user.register_push(token, platform, "fcm")


@pytest.mark.parametrize("what", [None, "upgrade", "force_upgrade"])
async def test_the_required_app_version_is_read(sim: Simulator, account: SmartYard, what: str | None) -> None:
    sim.require_version(what)
    assert await account.user.app_version("1", "android") == what


async def test_options_extensions_and_sip_credentials_are_read(sim: Simulator, account: SmartYard) -> None:
    sim.set_option("timeZone", "Asia/Omsk")
    options = await account.ext.options()
    assert (options.time_zone, options.events_tracking, options.chat) == ("Asia/Omsk", True, False)
    assert (options.support_phone, options.version) == ("+7(4752)000000", "0")
    assert await account.ext.list() == ()
    assert await account.ext.page("1", {"a": "b"}) is None
    assert sim.requests[-1].body == {"extId": "1", "params": [{"id": "a", "value": "b"}]}
    assert await account.sip.credentials() == SipCredentials(
        "sip.example.test", 54675, "tcp", "123", "support-secret", "429999", "stun:stun.example.test:19302"
    )
    assert await account.recognition.plates(FLAT) == ()
    with pytest.raises(InvalidRequest):
        await account.recognition.faces(FLAT)


# ---- Servers in trouble ----


@pytest.mark.parametrize("how", Breakage)
async def test_a_broken_server_is_its_own_error(sim: Simulator, account: SmartYard, how: Breakage) -> None:
    """It is neither an empty account nor a door that stayed closed."""
    sim.break_server(how)
    with pytest.raises(ServerBroken):
        await account.address.houses()
    expected = {Breakage.NAMELESS: CommandFailed, Breakage.EMPTY: Unconfirmed}.get(how, ServerBroken)
    with pytest.raises(expected) as raised:
        await account.address.open_door("21")
    assert type(raised.value) is expected
    sim.mend_server()
    assert await account.address.houses()


@pytest.mark.parametrize("body", ["truncated", "html", "endless", "huge"])
async def test_an_unreadable_response_is_an_error(sim: Simulator, account: SmartYard, body: str) -> None:
    sim.garbage("address/getAddressList", body, times=1)
    with pytest.raises(UnexpectedReply):
        await account.address.houses()
    assert await account.address.houses()


async def test_a_redirect_is_not_followed(sim: Simulator, account: SmartYard) -> None:
    sim.redirect("address/openDoor")
    with pytest.raises(UnexpectedReply):
        await account.address.open_door("21")
    assert {request.host for request in sim.requests} == {"api"}


# ---- Server responses that were never recorded ----


@pytest.fixture
def yard(server: Server, session: aiohttp.ClientSession) -> SmartYard:
    return server.yard(session)


async def test_guest_access_requests_have_their_parameters(server: Server, yard: SmartYard) -> None:
    server.respond_data("/mobile/address/access", "Нет прав")
    server.respond("/mobile/address/resend", status=204)
    assert await yard.address.give_access("51", "+7 916 000-00-00", until=datetime(2026, 12, 1)) == "Нет прав"
    await yard.address.give_access("51", "79160000000", gates_only=True)
    await yard.address.end_access("51", "79160000000", client_id="5")
    await yard.address.resend("51", "79160000000")
    given, gates, ended, resent = [asked.values for asked in server.asked]
    guest = {"flatId": 51, "guestPhone": "79160000000"}
    assert given == {**guest, "type": "inner", "expire": "2026-12-01 00:00:00"}
    assert gates == {**guest, "type": "outer"}
    assert ended == {**guest, "clientId": "5", "expire": "2001-01-01 00:00:00"}
    assert resent == guest


async def test_key_and_qr_requests_have_their_parameters(server: Server, yard: SmartYard) -> None:
    server.respond("/mobile/address/modifyKey", status=204)
    server.respond_data("/mobile/address/registerQR", "Ваш запрос принят")
    assert await yard.address.modify_key("51", "61", "mine", watch=True) is None
    assert await yard.address.register_qr("https://q.test/abc") == "Ваш запрос принят"
    assert [asked.values for asked in server.asked] == [
        {"flatId": 51, "keyId": 61, "comments": "mine", "watch": "t"},
        {"QR": "https://q.test/abc"},
    ]


async def test_offices_stories_and_extensions_are_read(server: Server, yard: SmartYard) -> None:
    server.respond_data(
        "/mobile/address/offices", [{"lat": 50.5, "lon": "43.5", "address": "Here", "opening": "always"}]
    )
    server.respond_data(
        "/mobile/address/getStories",
        [{"imageUrl": "i", "title": "t", "subtitle": "s", "url": "u", "presentMethod": "popup"}],
    )
    server.respond_data(
        "/mobile/ext/list", [{"caption": "Shop", "icon": "<svg/>", "extId": 5, "order": "2", "highlight": "t"}, {}]
    )
    server.respond_data("/mobile/ext/ext", {"basePath": "https://b.test/", "code": "<html>", "version": 2})
    assert await yard.address.offices() == (Office("Here", "always", 50.5, 43.5),)
    assert await yard.address.stories() == (Story("t", "s", "i", "u", "popup"),)
    assert await yard.ext.list() == (Extension("5", "Shop", "<svg/>", 2, True),)
    assert await yard.ext.page("5") == Page("<html>", "https://b.test/", 2)


async def test_face_and_plate_requests_have_their_parameters(server: Server, yard: SmartYard) -> None:
    server.respond_data(
        "/mobile/frs/listFaces", [{"faceId": "7", "image": "https://f.test/7", "groupId": 1}, {"image": "x"}]
    )
    server.respond_data("/mobile/frs/like", {"faceId": 7})
    server.respond_data("/mobile/lprs/listNumbers", {"0": "A123BC68", "2": "B456DE77"})
    for path in ("frs/disLike", "lprs/addNumber", "lprs/removeNumber"):
        server.respond(f"/mobile/{path}", status=204)
    assert await yard.recognition.faces("51") == (KnownFace("7", "https://f.test/7", "1"),)
    assert await yard.recognition.like("uuid", "me") == "7"
    await yard.recognition.dislike(event="uuid")
    await yard.recognition.dislike(flat_id="51", face_id="7")
    assert await yard.recognition.plates("51") == ("A123BC68", "B456DE77")
    await yard.recognition.add_plate("51", "A123BC68")
    await yard.recognition.remove_plate("51", "A123BC68")
    assert [asked.values for asked in server.asked] == [
        {"flatId": 51},
        {"event": "uuid", "comment": "me"},
        {"event": "uuid"},
        {"flatId": 51, "faceId": 7},
        {"flatId": 51},
        {"flatId": 51, "number": "A123BC68"},
        {"flatId": 51, "number": "A123BC68"},
    ]
    server.respond_data("/mobile/lprs/listNumbers", "A123BC68")
    with pytest.raises(UnexpectedReply):
        await yard.recognition.plates("51")


async def test_youtube_clips_are_read(server: Server, yard: SmartYard) -> None:
    row = {"eventTime": "2026-11-21 12:00:00", "title": "t", "description": "d", "thumbnailsMedium": "m", "url": "u"}
    server.respond_data("/mobile/cctv/youtube", [row, {"title": "nowhere"}])
    assert await yard.cameras.youtube() == (Clip("u", "t", "d", datetime(2026, 11, 21, 12), "m"),)


async def test_alternative_cameras_ranges_and_trees_are_read(server: Server, yard: SmartYard) -> None:
    camera = {"id": "1", "name": "A", "url": "http://c.test/a", "token": "t"}
    other = {"cameraId": 2, "url": "http://c.test/b", "token": "t", "serverType": "NIMBLE", "hlsMode": "mpegts"}
    server.respond_data(
        "/mobile/cctv/camMap", [{"id": 21, "entranceId": 1, **camera, "frs": "t", "altCameras": [other, {}]}, {}]
    )
    server.respond_data(
        "/mobile/cctv/ranges", [{"stream": 5, "ranges": [{"from": "10", "duration": 5}, {"from": "x"}]}]
    )
    deep: dict[str, Any] = {"cameras": [camera, {"id": 5}]}
    for _ in range(50):
        deep = {"groupId": 1, "childGroups": [deep]}
    server.respond_data("/mobile/cctv/allTree", deep)
    [found] = await yard.cameras.of_intercoms()
    assert found.domophone_id == "1"
    assert found.recognises
    [alternative] = found.alternatives
    assert (alternative.id, alternative.server_type, alternative.hls_mode) == ("2", "nimble", "mpegts")
    assert found.camera.server_type == "flussonic"
    assert await yard.cameras.ranges("1") == (Archive("5", (Range(10, 5),)),)
    assert (await yard.cameras.tree()).groups[0].id == "1"
    server.respond_data(
        "/mobile/cctv/allTree", {"childGroups": [{"groupName": "g", "type": "map", "cameras": [camera]}]}
    )
    [group] = (await yard.cameras.tree()).groups
    assert (group.name, group.type, [camera.id for camera in group.cameras]) == ("g", "map", ["1"])


async def test_rows_without_ids_and_wrong_values_are_skipped(server: Server, yard: SmartYard) -> None:
    house = {
        "houseId": 1,
        "address": None,
        "hasPlog": [],
        "cctv": "many",
        "doors": [{}, 5, {"domophoneId": 2, "doorId": None}],
    }
    server.respond_data("/mobile/address/getAddressList", [house, {}, 5, None])
    [found] = await yard.address.houses()
    assert (found.id, found.address, found.has_log, found.cameras) == ("1", "", None, 0)
    assert found.doors == (Door("2"),)
    flat = {"flatId": 1, "roommates": {"a": 1}, "keys": [{}], "services": "domophone", "flatOwner": "maybe"}
    server.respond_data("/mobile/address/getSettingsList", [flat, {}])
    [settings] = await yard.address.settings()
    assert (settings.roommates, settings.keys, settings.services, settings.is_owner) == ((), (), (), None)
    record = {"uuid": "u", "date": "soon", "event": "x", "detailX": [], "preview": "http://[1/"}
    server.respond_data(
        "/mobile/address/plog", [record, {}, {"uuid": "v", "preview": "/shot/5.jpg", "detailX": {"face": {"left": 1}}}]
    )
    assert await yard.address.log("1", date(2026, 11, 21)) == (
        LogRecord("u", preview="http://[1/"),
        LogRecord("v", preview="/shot/5.jpg"),
    )
    server.respond_data("/mobile/address/plogDays", [{"day": "someday", "events": 1}, {"day": "2026-11-21"}])
    assert [day.events for day in await yard.address.log_days("1")] == [0]
    for path in ("address/resetCode", "sip/helpMe"):
        server.respond(f"/mobile/{path}", status=204)
    with pytest.raises(UnexpectedReply):
        await yard.address.reset_code("1")
    server.respond_data("/mobile/address/resetCode", {"code": "01234"})
    assert await yard.address.reset_code("1") == "01234"
    with pytest.raises(UnexpectedReply):
        await yard.sip.credentials()
    server.respond_data("/mobile/cctv/recPrepare", {"id": 5})
    with pytest.raises(UnexpectedReply):
        await yard.cameras.prepare("1", OFF, OFF)


@pytest.mark.parametrize("blocked", [None, "", "f", False, 0])
async def test_a_false_blocked_value_means_not_blocked(server: Server, yard: SmartYard, blocked: object) -> None:
    door = {"domophoneId": 1, "blocked": blocked}
    server.respond_data("/mobile/address/getAddressList", [{"houseId": 1, "doors": [door]}])
    [house] = await yard.address.houses()
    assert house.doors[0].blocked is None


@pytest.mark.parametrize(("blocked", "why"), [("Долг", "Долг"), ("t", "t"), (True, "blocked"), (1, "1")])
async def test_a_blocked_door_has_a_reason(server: Server, yard: SmartYard, blocked: object, why: str) -> None:
    door = {"domophoneId": 1, "blocked": blocked}
    server.respond_data("/mobile/address/getAddressList", [{"houseId": 1, "doors": [door]}])
    [house] = await yard.address.houses()
    assert house.doors[0].blocked == why


@pytest.mark.parametrize(("identifier", "sent"), [("1", 1), ("a-1", "a-1"), ("٣", "٣"), ("", ""), ("007", 7)])
async def test_non_numeric_ids_are_sent_as_text(server: Server, yard: SmartYard, identifier: str, sent: object) -> None:
    server.respond("/mobile/address/openDoor", status=204)
    await yard.address.open_door(identifier)
    assert server.asked[0].values == {"domophoneId": sent, "doorId": 0}


async def test_a_missing_method_is_not_supported(server: Server, yard: SmartYard) -> None:
    with pytest.raises(NotSupported):
        await yard.address.stories()


# ---- All of them ----


async def test_the_client_sends_each_request_of_the_table(session: aiohttp.ClientSession) -> None:
    """Each request succeeds on at least one of the two servers."""
    done: set[str] = set()
    for dialect in Dialect:
        async with Simulator(dialect) as sim:
            sim.set_login_method("outgoingCall")
            yard = await log_in(sim, session, method="sms")
            sim.call_in()
            await yard.login.check_phone(PHONE, "other")
            await everything(sim, yard)
            done |= {str(request.function) for request in sim.requests if request.status in {200, 204}}
    # The server recognizes no faces; the other names are for servers that do not have the first.
    unplayed = {"/frs/listFaces", "/geo/address", "/address/watch", "/address/unwatch", "/address/watching"}
    assert {endpoint.path for endpoint in ENDPOINTS} - done == unplayed


async def everything(sim: Simulator, yard: SmartYard) -> None:
    await yard.login.phone_pattern()
    await yard.user.ping()
    await yard.user.name()
    await yard.user.notification()
    await yard.user.register_push(PUSH_TOKEN, "android", "fcm")
    await yard.user.push_tokens()
    await yard.user.app_version("1", "android")
    await yard.ext.options()
    await yard.ext.list()
    await yard.ext.page("1")
    await yard.address.houses()
    await yard.address.settings()
    await yard.address.intercom(FLAT)
    await yard.address.open_door("21")
    await yard.address.reset_code(FLAT)
    sim.happen("key", ago=600)
    [*_, day] = await yard.address.log_days(FLAT)
    [*_, record] = await yard.address.log(FLAT, day.day)
    await yard.images.log_picture(record.picture or "")
    await yard.address.untrack(await yard.address.track(FLAT, LogEvent.KEY, "1") or "")
    await yard.address.tracked()
    await yard.cameras.all()
    await yard.cameras.tree()
    if sim.dialect is Dialect.RBT:
        await yard.cameras.overview()
    await yard.cameras.of_intercoms()
    await yard.cameras.ranges("41")
    piece = await yard.cameras.prepare("41", datetime(2026, 11, 21, 12), datetime(2026, 11, 21, 13))
    sim.finish_films()
    address = await yard.cameras.download(piece or "")
    async with yard.films.open(address or sim.cctv.films[0].uuid):
        pass
    await yard.cameras.youtube()
    await yard.inbox.unread()
    await yard.inbox.alert("a", "inbox")
    await yard.inbox.delivered(str(sim.message("one")))
    await yard.inbox.read()
    await yard.inbox.chat_read()
    await yard.inbox.page()
    await yard.sip.credentials()
    await yard.recognition.plates(FLAT)
    ring = sim.ring()
    await yard.images.camshot(ring)
    await yard.images.live(ring)
