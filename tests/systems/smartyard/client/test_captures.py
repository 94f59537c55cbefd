"""Every reply and push of the published server that was recorded, byte for byte, through the client."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
import json
from typing import Any

import aiohttp
import pytest
from yarl import URL

from custom_components.ip_intercom.systems.common.errors import (
    CommandFailed,
    InvalidRequest,
    NoCodePending,
    NoData,
    NotFound,
    NotSupported,
    TokenRefused,
    WrongCode,
)
from custom_components.ip_intercom.systems.common.http import HttpTransport
from custom_components.ip_intercom.systems.smartyard.client import (
    OFF,
    CallPush,
    Camera,
    CodeRequest,
    Door,
    Face,
    Flat,
    Group,
    House,
    IntercomCamera,
    IntercomChanges,
    IntercomSettings,
    LogDay,
    Login,
    LogRecord,
    Name,
    Notification,
    PushTokens,
    ServerOptions,
    SipCredentials,
    SmartYard,
    TextPush,
    Tracked,
    Unread,
)
from custom_components.ip_intercom.systems.smartyard.client.protocol import INTERCOM, LOG, REQUEST_CODE, Endpoint
from custom_components.ip_intercom.systems.smartyard.client.push import parse
from tests.smartyard_recordings import FILES, PUSHES, QUERIES, read
from tests.systems.common.replay import Asked, Replay

pytestmark = pytest.mark.skipif(not FILES, reason="the recordings are not here")

ALL = {file.stem: read(file) for file in FILES}
PHONE = "79123456781"
DEVICE = "ha-0123456789abcdef"
TOKEN = "3e89fd2d-e535-4be6-8fa6-858abebfb3ba"
HASH = "310b2883c53024644bcd8355fe846b67"
PUSH_TOKEN = "ha-webhook-0123456789abcdef"
PICTURE = "e4bb3f86-073a-270e-c8d9-291c10d26dfe"

NO_NAME = Name()
HOUSE = House(
    "1",
    "г Примерск, ул Тестовая, д 9",
    True,
    5,
    (
        Door("1", 0, "entrance", "Подъезд 1", "40374"),
        Door("2", 0, "wicket", "Калитка", "40374"),
        Door("1", 1, "barrier", "Шлагбаум", "40374"),
    ),
)
FLAT = Flat("1", "1", "г Примерск, ул Тестовая, д 9, кв. 11", "11", "40374", True, False, False, True, ("domophone",))
AS_IT_IS = IntercomSettings(True, "40374", True, True, datetime(1970, 1, 1, 3), 0, False, False)
CHANGED = replace(AS_IT_IS, cms=False, voip=False, auto_open=datetime(2026, 11, 21, 12), white_rabbit=5)

PLACE: Any = {"latitude": 52.7, "longitude": 41.4}
YARD = Camera(
    "2", "Двор (nimble)", "https://nim.example.test:8081/live/yard", "NIMTOKEN", "nimble", has_sound=False, **PLACE
)
GATE = Camera(
    "5", "Калитка (forpost)", "https://fp.example.test/system-api/GetTranslationURL?CameraID=5",
    "AdminLogin=a&AdminPassword=b&Format=HLS", "forpost", has_sound=False, **PLACE,
)  # fmt: skip
LIFT = Camera(
    "4", "Лифт (trassir)", "https://tra.example.test:8080/video?channel=abc", "username=u&password=p", "trassir",
    has_sound=False, **PLACE,
)  # fmt: skip
PARKING = Camera(
    "3", "Парковка (macroscop)",
    "http://mac.example.test:8080/hls?channelid=e6f2848c-f361-44b9-bbec-1e54eae777c0", "login=root&password=",
    "macroscop", has_sound=False, **PLACE,
)  # fmt: skip
DOOR = Camera("1", "Подъезд 1", "https://fl.example.test:8443/door1", "FLTOKEN", "flussonic", "fmp4", True, **PLACE)
SQUARE = Camera(
    "6", "Город/Площадь", "https://fl.example.test:8443/city1", "FLTOKEN", "flussonic", "fmp4", False, **PLACE
)
BY_NAME = (YARD, GATE, LIFT, PARKING, DOOR)
INTERCOM_CAMERAS = (
    IntercomCamera("1", "1", Camera("", "", DOOR.url, DOOR.token, "flussonic", has_sound=True)),
    IntercomCamera("2", "2", Camera("", "", GATE.url, GATE.token, "forpost", has_sound=False)),
)
OPTIONS = ServerOptions(
    city_cameras=True, payments=True, payments_url="https://example.com/pay.html", chat=False,
    support_phone="+7(1234)567890", guest_access="turnOnOnly", version="0", cctv_view="list", entrances_view="list",
    active_tab="addresses", events_tracking=True, stories=False, face_groups=False, face_clustering=False,
)  # fmt: skip


def entry(event: int, minutes: int, *, preview_type: int = 1, **detail: Any) -> LogRecord:
    return LogRecord(
        f"4d1082d2-f8a1-48ac-819e-{event:012}", event, datetime(2026, 11, 20, 13, minutes), "1", 0, 0, "Подъезд 1",
        "1", "1", "1", preview_type, f"http://127.0.0.1:17880/mobile/address/plogCamshot/{PICTURE}", PICTURE, **detail,
    )  # fmt: skip


JOURNAL = (
    entry(9, 35, plate="A123BC68"),
    entry(7, 30, phone_from=PHONE, phone_to="4752000000"),
    entry(6, 25, code="40374"),
    entry(5, 20, preview_type=2, face_id="17", face=Face(614, 38, 174, 209)),
    entry(4, 15, phone=PHONE),
    entry(3, 10, key="0000001A2B3C4D"),
    entry(2, 5, opened=True),
    entry(1, 0, opened=False),
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is raised: exactly that kind, with the server's sentence."""

    kind: type[Exception]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """What the client is asked, and what comes of it.

    `sent` tells that its request is the recorded one; it would not send some of them.
    """

    do: Callable[[SmartYard], Awaitable[Any]]
    comes: Any
    sent: bool = True
    token: str = TOKEN
    language: str = "en"


async def inbox_page(yard: SmartYard) -> tuple[str | None, bool, bool]:
    page = await yard.inbox.page()
    assert page is not None
    return page.base, page.html.startswith("<!DOCTYPE html>"), page.html.endswith("</html>")


UNPROCESSABLE = Refusal(InvalidRequest, "Unprocessable Entity")
UNKNOWN = Refusal(NotFound, "Not Found")
BLOCKED = "The service is unavailable (the contract is blocked or not paid)"
CASES = {
    "01_phonePattern": Case(lambda y: y.login.phone_pattern(), "7 (###) ###-##-##"),
    "02_requestCode_bad": Case(lambda y: y.client.call(REQUEST_CODE, userPhone="abc"), UNPROCESSABLE),
    "03_requestCode": Case(lambda y: y.login.request_code("+7 912 345-67-81"), CodeRequest("sms")),
    "04_confirmCode_wrong": Case(
        lambda y: y.login.confirm_code(PHONE, "9999", DEVICE),
        Refusal(WrongCode, "The PIN code was entered incorrectly"),
    ),
    "05_confirmCode_short": Case(lambda y: y.login.confirm_code(PHONE, "12", DEVICE), UNPROCESSABLE),
    "06_confirmCode_norequest": Case(
        lambda y: y.login.confirm_code("79120000000", "1001", DEVICE), Refusal(NoCodePending, "Not Found")
    ),
    "07_confirmCode_ok": Case(lambda y: y.login.confirm_code(PHONE, "1001", DEVICE), Login(TOKEN, NO_NAME)),
    "08_ping_noauth": Case(lambda y: y.user.ping(), Refusal(TokenRefused, "Ошибка авторизации"), token=""),
    "09_ping_badtoken": Case(lambda y: y.user.ping(), Refusal(TokenRefused, "Не авторизован"), token="nope"),
    "10_ping_emptybearer": Case(
        lambda y: y.user.ping(), Refusal(TokenRefused, "Отсутствует токен"), sent=False, token=""
    ),
    "11_ping": Case(lambda y: y.user.ping(), None),
    "12_getName": Case(lambda y: y.user.name(), NO_NAME),
    "13_getAddressList": Case(lambda y: y.address.houses(), (HOUSE,)),
    # Without a body it would do as well.
    "14_getAddressList_nobody": Case(lambda y: y.address.houses(), (HOUSE,), sent=False),
    "15_getSettingsList": Case(lambda y: y.address.settings(), (FLAT,)),
    "16_intercom_get": Case(lambda y: y.address.intercom("1"), AS_IT_IS),
    "17_intercom_nofl": Case(lambda y: y.client.call(INTERCOM), UNPROCESSABLE),
    "18_intercom_foreign": Case(lambda y: y.address.intercom("99"), UNKNOWN),
    "19_intercom_set": Case(
        lambda y: y.address.intercom(
            "1", IntercomChanges(cms=False, voip=False, white_rabbit=5, auto_open=datetime(2026, 11, 21, 12))
        ),
        CHANGED,
    ),
    "20_intercom_restore": Case(
        lambda y: y.address.intercom("1", IntercomChanges(cms=True, voip=True, white_rabbit=0, auto_open=OFF)),
        replace(AS_IT_IS, auto_open=OFF),
    ),
    "21_openDoor": Case(lambda y: y.address.open_door("1", 0), None),
    # The door is always sent.
    "22_openDoor_default": Case(lambda y: y.address.open_door("2"), None, sent=False),
    "23_openDoor_broken": Case(
        lambda y: y.address.open_door("1", 1), Refusal(CommandFailed, "Intercom is unavailable")
    ),
    "24_openDoor_foreign": Case(lambda y: y.address.open_door("77"), Refusal(CommandFailed, BLOCKED)),
    "25_plogDays": Case(lambda y: y.address.log_days("1"), (LogDay(date(2026, 11, 20), 8),)),
    "26_plogDays_filter": Case(lambda y: y.address.log_days("1", (1, 2)), (LogDay(date(2026, 11, 20), 8),)),
    "27_plog": Case(lambda y: y.address.log("1", date(2026, 11, 20)), JOURNAL),
    "28_plog_empty": Case(lambda y: y.address.log("1", date(2026, 11, 19)), ()),
    "29_plog_noday": Case(lambda y: y.client.call(LOG, flatId=1), UNKNOWN),
    "30_resetCode": Case(lambda y: y.address.reset_code("1"), "63709"),
    "31_cctv_all": Case(lambda y: y.cameras.all(), BY_NAME),
    "32_cctv_all_house": Case(lambda y: y.cameras.all("1"), BY_NAME),
    "33_cctv_allTree": Case(
        lambda y: y.cameras.tree(), Group("0", "", "list", cameras=(YARD, PARKING, LIFT, DOOR, GATE))
    ),
    "34_cctv_camMap": Case(lambda y: y.cameras.of_intercoms(), INTERCOM_CAMERAS),
    "35_cctv_overview": Case(lambda y: y.cameras.overview(), (SQUARE,)),
    "36_ext_list": Case(lambda y: y.ext.list(), ()),
    "37_ext_options": Case(lambda y: y.ext.options(), OPTIONS),
    "38_sip_helpMe": Case(
        lambda y: y.sip.credentials(),
        SipCredentials("dm.lanta.me", 54675, "tcp", "123", "123123", "429999", "stun:stun.l.google.com:19302"),
    ),
    "39_notification_get": Case(lambda y: y.user.notification(), Notification(True, True)),
    "40_notification_set": Case(lambda y: y.user.notification(enable=False), Notification(False, True)),
    "41_notification_set2": Case(lambda y: y.user.notification(enable=True), Notification(True, True)),
    "42_appVersion": Case(lambda y: y.user.app_version("1", "android"), None),
    "43_pushTokens_before": Case(lambda y: y.user.push_tokens(), PushTokens(None, None)),
    "44_registerPushToken_noplatform": Case(
        lambda y: y.user.register_push("0123456789abcdef0123", "", ""), UNPROCESSABLE, sent=False
    ),
    "45_registerPushToken_short": Case(
        lambda y: y.user.register_push("short", "android", "fcm"), Refusal(InvalidRequest, "Not Acceptable")
    ),
    "46_registerPushToken": Case(lambda y: y.user.register_push(PUSH_TOKEN, "android", "fcm", bundle="ha"), None),
    "47_pushTokens_after": Case(lambda y: y.user.push_tokens(), PushTokens(PUSH_TOKEN, "off")),
    "48_inbox_unreaded0": Case(lambda y: y.inbox.unread(), Unread(0, 0)),
    "49_inbox_alert": Case(lambda y: y.inbox.alert("Test **message**", "inbox"), None),
    "50_inbox_alert_nomsg": Case(
        lambda y: y.inbox.alert("", ""), Refusal(InvalidRequest, "Message (msg) must not be empty"), sent=False
    ),
    "51_inbox_unreaded1": Case(lambda y: y.inbox.unread(), Unread(1, 0)),
    "52_inbox_readed": Case(lambda y: y.inbox.read("1"), None),
    "53_inbox_delivered": Case(lambda y: y.inbox.delivered("1"), False),
    "54_inbox_inbox": Case(inbox_page, ("http://127.0.0.1:17880/static/", True, True)),
    "55_inbox_unreaded2": Case(lambda y: y.inbox.unread(), Unread(0, 0)),
    "56_inbox_chatReaded": Case(lambda y: y.inbox.chat_read(), None),
    "57_geo_address": Case(lambda y: y.client.record(Endpoint("geo/address"), houseId=1), {}),
    "58_frs_listFaces": Case(lambda y: y.recognition.faces("1"), UNPROCESSABLE),
    "59_lprs_listNumbers": Case(lambda y: y.recognition.plates("1"), ()),
    "60_trackEvent": Case(lambda y: y.address.track("1", 3, "0000001A2B3C4D", "kid"), "1"),
    "61_getTrackedEvents": Case(lambda y: y.address.tracked(), (Tracked("1", "1", 3, "0000001A2B3C4D", "kid"),)),
    "62_unknown_method": Case(
        lambda y: y.client.call(Endpoint("address/nope")), Refusal(NotSupported, "address/nope: Method Not Allowed")
    ),
    # Methods are always posted.
    "63_get_method": Case(lambda y: y.address.houses(), UNKNOWN, sent=False),
    "64_lang_ru": Case(lambda y: y.user.ping(), Refusal(TokenRefused, "Не авторизован"), token="nope", language="ru"),
    "65_call_camshot": Case(lambda y: y.images.camshot(HASH), ALL["65_call_camshot"].reply if FILES else b""),
    "66_call_live": Case(lambda y: y.images.live(HASH), ALL["66_call_live"].reply if FILES else b""),
    "67_call_camshot_unknown": Case(lambda y: y.images.camshot("f" * 32), Refusal(NoData, "call/camshot/{key}")),
    "68_call_live_unknown": Case(lambda y: y.images.live("f" * 32), Refusal(NoData, "call/live/{key}")),
}


def test_every_capture_is_tested() -> None:
    assert CASES.keys() == ALL.keys()


@pytest.mark.parametrize("name", CASES)
async def test_the_client_handles_each_recorded_exchange(name: str, session: aiohttp.ClientSession) -> None:
    case, recording = CASES[name], ALL[name]
    # Of what is posted instead, the answer is the same.
    asked_by = "POST" if name == "63_get_method" else recording.method
    async with Replay({(asked_by, recording.path): recording}).serving() as server:
        transport = HttpTransport(session, URL(f"{server.url}/mobile"))
        system = "HomeAssistant,2026.11,HA,custom"
        yard = SmartYard(transport, case.token, language=case.language, system_info=system)
        if isinstance(case.comes, Refusal):
            with pytest.raises(case.comes.kind) as raised:
                await case.do(yard)
            assert type(raised.value) is case.comes.kind
            assert case.comes.reason in str(raised.value)
        else:
            assert await case.do(yard) == case.comes
    assert len(server.asked) == 1
    if case.sent:
        expected = Asked(recording.method, recording.path, lower(recording.headers), recording.body)
        assert said(server.asked[0], expected.headers) == said(expected, expected.headers)


def lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def said(asked: Asked, compared: Mapping[str, str]) -> tuple[Any, ...]:
    """Return what a request says; numbers and their digits are the same, and so are names of headers."""
    is_picture = asked.method == "GET"
    # The first requests were written by hand, without their credentials.
    names = () if is_picture else (set(compared) | {"authorization"}) - {"content-type"}
    return (
        asked.method,
        asked.path,
        {name: asked.headers.get(name) for name in sorted(names)} if names else asked.headers.get("authorization"),
        None if is_picture else digits(json.loads(asked.body)),
    )


def digits(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: digits(content) for name, content in value.items()}
    return str(value)


# ---- Pushes ----

RANG = CallPush(
    "dm.example.test", 54675, "tcp", "2000002224", HASH, "1", HASH, 1795222540, 30, "Подъезд 1", "android", "1", "11",
    "1", stun="stun:stun.l.google.com:19302", stun_transport="udp",
)  # fmt: skip
PUSHED: dict[str, CallPush | TextPush] = {
    "01": TextPush("inbox", "", "Test **message**", "1", 1, timestamp=1795222540, sound="default"),
    "02": RANG,
    "03": replace(
        RANG,
        extension="2000002225",
        caller="Калитка",
        domophone_id="2",
        video_server="forpost",
        video_token=GATE.token,
        video_type="webrtc",
        video_stream=GATE.url,
    ),
    "04": replace(RANG, extension="2000002226", platform="ios"),
}


@pytest.mark.parametrize("file", PUSHES, ids=lambda file: file.stem)
def test_each_recorded_push_is_parsed(file: Any) -> None:
    recorded = file.read_bytes()
    assert parse({}, recorded) == PUSHED[file.stem]
    # The forwarder may unwrap it.
    assert parse({}, json.dumps(json.loads(recorded)["data"]).encode()) == PUSHED[file.stem]


@pytest.mark.parametrize("file", QUERIES, ids=lambda file: file.stem)
def test_each_recorded_query_is_parsed(file: Any) -> None:
    """The server's own request to its push service."""
    query = json.loads(file.read_bytes())
    expected = TextPush(
        "inbox", "", "Test **message**", "1", 1, timestamp=1795222488, ttl=30, sound="default", platform="android"
    )
    assert parse(query, b"") == expected
    assert parse({}, URL.build(query=query).raw_query_string.encode()) == expected


def test_every_captured_push_is_tested() -> None:
    assert {file.stem for file in PUSHES} == PUSHED.keys()
    assert [file.stem for file in QUERIES] == ["query_01"]
