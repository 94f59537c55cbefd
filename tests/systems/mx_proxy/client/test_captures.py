"""Every reply of the published server that was recorded, byte for byte, through the client."""

from base64 import b64decode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
import json
from typing import Any
from urllib.parse import parse_qs

import aiohttp
import pytest
from yarl import URL

from custom_components.ip_intercom.systems.common.errors import (
    AppRefused,
    CommandFailed,
    ExchangeRefused,
    ExchangeSilent,
    ExchangeUnreachable,
    InvalidRequest,
    NoData,
    NoSuchCall,
    NotProvisioned,
    NotSupported,
    PersonRefused,
    TokenNotTaken,
    UnexpectedReply,
)
from custom_components.ip_intercom.systems.common.http import HttpTransport
from custom_components.ip_intercom.systems.mx_proxy.client import (
    Answered,
    CallEvent,
    CallMode,
    Conference,
    ConferenceSettings,
    Contact,
    Credentials,
    LogRecord,
    MadeCall,
    MxProxy,
    Service,
    Transferred,
    UserInfo,
    Voicemail,
)
from custom_components.ip_intercom.systems.mx_proxy.client.protocol import CALL_INFO, CALL_LOG, CALL_MODE, Endpoint
from tests.mx_proxy_recordings import FILES, read
from tests.systems.common.replay import Asked, Replay

pytestmark = pytest.mark.skipif(not FILES, reason="the recordings are not here")

ALL = {file.stem: read(file) for file in FILES}
PUSH_TOKEN = "7C179108B7BF759DED2D9CBED7969DE6"
LOGGED_IN = Credentials("client1", "client-secret", "dmitrys@example.test", "78561")

PETER = Contact(
    "43884851428118509", "Peter", "Hyde", "3044", "+1-202-555-0104", "+1-512-555-0136", "peterh@example.test", None,
    "15125550136",
)  # fmt: skip
DMITRY = Contact("43884851147406145", "Dmitry", "Sedykh", "3095", None, "+15550100", "dmitrys@example.test")
MISSED = LogRecord(
    973, "63022-00-0000D-3B9", True, "incoming", 1503223469, 1503223472, "3044", "3095", "Peter", "Hyde", "3044",
    call_type=1, leg_type=1, self_leg_type=9,
)  # fmt: skip
PLACED = LogRecord(
    975, "63022-00-0000D-3BB", False, "outgoing", None, 1503258153, "79031744445", "79031744437",
    call_type=1, leg_type=1, self_leg_type=1,
)  # fmt: skip
DELIVERED = CallEvent(
    "Delivered", 125, "3095", "2808630435142227620", calling="3044", called="3095", alerting="3095",
    local_connection="alerting", cause="normal", flags=170917889, timestamp=1795221988,
)  # fmt: skip
ESTABLISHED = CallEvent(
    "Established", 125, "3095", "2808630435142227620", "63022-00-0000D-6A4", "3044", "Peter Hyde", "3095",
    answering="3095", answering_name="Dmitry Sedykh", cause="normal", flags=170917889, timestamp=1795221988,
)  # fmt: skip
HELD = CallEvent("", 125, "3095", releasing="3095", cause="normal", flags=141565955, commands=376)
RETRIEVED = CallEvent("", 125, "3095", releasing="3095", cause="normal", flags=3145728)
CLEARED = CallEvent("", 125, "3095", releasing="3095", cause="normal")
HEARD = Voicemail("82", "3095", "Dmitry Sedykh", None, "3095", "user", 1502213652, 29, True, "text note")
UNHEARD = Voicemail("117", "3044", "Peter Hyde", "Peter Hyde", "3095", "user", 1502565440, 7)
PLANNED = Conference("", 43892779647572507, "Test Conf", 47281964, "Once", 1516021200, 30)
CREATED = Conference("1", 43892779647572507, "Test Conf", 47281964, "Once", 1516021200, 30)
CHANGED = Conference("1", 43884851147406145, "Test Conf 2", 47281964, "Once", 1516021200, 30)
SETTINGS = ConferenceSettings(
    None, None, "Conference Call: %Date% @ %Time% - %Subject%", "body",
    "http://<insert your domain name here>/join?id=%ID%",
)  # fmt: skip


async def file_of(proxy: MxProxy, voicemail: str) -> tuple[str, bytes]:
    async with proxy.voicemails.open(voicemail) as recording:
        return recording.content_type, b"".join([chunk async for chunk in recording.chunks()])


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is raised: exactly that kind, with that parameter."""

    kind: type[Exception]
    reason: str = ""
    parameter: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """What the client is asked, and what comes of it.

    `sent` tells that its request is the recorded one; it would not send some of them. `account` logs in.
    """

    do: Callable[[MxProxy], Awaitable[Any]]
    comes: Any
    sent: bool = True
    account: Credentials = LOGGED_IN


def login(refusal: Refusal | None, *, sent: bool = True, **changes: str) -> Case:
    account = Credentials(
        changes.get("client", "client1"),
        changes.get("secret", "client-secret"),
        changes.get("username", "dmitrys@example.test"),
        changes.get("password", "78561"),
    )
    return Case(lambda p: p.session.login(), refusal, sent, account)


UNKNOWN_CALL = Refusal(NoSuchCall, "invalidCallIdentifier")
CASES = {
    "01_auth_noauth": login(Refusal(PersonRefused, "unauthorized"), sent=False),
    "02_auth_badapp": login(Refusal(AppRefused, "bad client-id or app secret"), secret="x", username="d", password="1"),
    "03_auth_badgrant": login(Refusal(AppRefused, "bad grant_type"), sent=False),
    "04_auth_badpass": login(Refusal(PersonRefused, "Unauthorized"), password="wrong"),
    "05_auth_unprovisioned": login(Refusal(NotProvisioned, "provisioning"), username="unprovisioned"),
    "06_auth_mx_loginfailed": login(Refusal(ExchangeRefused, "Wrong password"), username="bad"),
    "07_auth_ok": login(None),
    "08_auth_info": Case(
        lambda p: p.session.info(),
        UserInfo("63022", "3095", "43884851147406145", "EqNe45DYvZH2va1gesL7AA1ldtP04j4a"),
    ),
    "09_auth_info_badtoken": Case(lambda p: p.session.info(), Refusal(TokenNotTaken, "rejects a new token")),
    "10_contacts": Case(lambda p: p.directory.contacts(), (PETER, DMITRY)),
    "11_calls_log": Case(lambda p: p.calls.log(), (MISSED, PLACED)),
    "12_calls_log_ts": Case(lambda p: p.calls.log(1503223473), (PLACED,)),
    "13_calls_log_ts_rfc": Case(
        lambda p: p.calls.log(datetime(2017, 8, 20, 21, 42, tzinfo=timezone(timedelta(hours=2)))), (PLACED,)
    ),
    "14_calls_log_badts": Case(
        lambda p: p.client.call(CALL_LOG, params={"timestamp": "yesterday"}),
        Refusal(InvalidRequest, "bad timestamp format", "timestamp"),
    ),
    "15_services": Case(
        lambda p: p.directory.services(),
        (
            Service("3458764513956069980", "voicemail", "VM", "*86"),
            Service("3458764515081031672", "park", "ParkServer", "*77"),
        ),
    ),
    "16_callmode": Case(lambda p: p.calls.set_mode(True, "79031744445"), CallMode(True, "79031744445", 1, 30)),
    "17_callmode_deviceName": Case(
        lambda p: p.calls.set_mode(True, "phone", 2, 20), CallMode(True, "", 2, 20), sent=False
    ),
    "18_callmode_noct": Case(
        lambda p: p.calls.set_mode(False), Refusal(InvalidRequest, "empty content type"), sent=False
    ),
    "19_callmode_badjson": Case(
        lambda p: p.client.call(CALL_MODE, body={}), Refusal(InvalidRequest, "unexpected EOF"), sent=False
    ),
    "20_assign": Case(lambda p: p.calls.assign("sipPhone"), None),
    "21_makecall": Case(
        lambda p: p.calls.make("79031744445", "79031744437"), MadeCall(123, "79031744445", "79031744437")
    ),
    "22_makecall_device": Case(
        lambda p: p.calls.make("79031744445", "79031744437", "dmitrys"), MadeCall(124, "79031744445", "79031744437")
    ),
    "23_callinfo_delivered": Case(lambda p: p.calls.info(125), DELIVERED),
    "24_sipanswer": Case(lambda p: p.calls.answer(125, "sipPhone"), Answered(125, "sipPhone", 30, False)),
    "25_callinfo_established": Case(lambda p: p.calls.info(125), ESTABLISHED),
    "26_sipanswer_unknown": Case(lambda p: p.calls.answer(9999, "sipPhone"), UNKNOWN_CALL, sent=False),
    "27_hold": Case(lambda p: p.calls.hold(125), HELD),
    "28_unhold": Case(lambda p: p.calls.unhold(125), RETRIEVED),
    "29_transfer": Case(lambda p: p.calls.transfer(125, "sipPhone", "12345"), Transferred(125, "sipPhone", "12345")),
    "30_hold_unknown": Case(lambda p: p.calls.hold(9999), UNKNOWN_CALL),
    "31_delete_call": Case(lambda p: p.calls.clear(125), CLEARED),
    "32_callinfo_after": Case(lambda p: p.calls.info(125), Refusal(NoSuchCall, "not found")),
    "33_callinfo_nonnum": Case(
        lambda p: p.client.call(CALL_INFO, {"callId": "abc"}), Refusal(InvalidRequest, "strconv.ParseInt")
    ),
    "34_delete_unknown": Case(lambda p: p.calls.clear(9999), UNKNOWN_CALL),
    "35_voicemails": Case(lambda p: p.voicemails.list(), (HEARD, UNHEARD)),
    "36_voicemail_file": Case(
        lambda p: file_of(p, "82"), ("audio/wave", ALL["36_voicemail_file"].reply if FILES else b"")
    ),
    "37_voicemail_file_unknown": Case(lambda p: file_of(p, "9"), Refusal(NoData, "not found")),
    "38_voicemail_patch": Case(lambda p: p.voicemails.update("82", note="text note"), None),
    "39_voicemail_patch_read": Case(lambda p: p.voicemails.update("117", read=True), None),
    "40_voicemail_patch_empty": Case(lambda p: p.voicemails.update("82"), Refusal(InvalidRequest, "bad request")),
    "41_voicemail_delete": Case(lambda p: p.voicemails.delete("82"), None),
    "42_conf_info": Case(lambda p: p.conferences.settings(), SETTINGS),
    "43_conf_create": Case(lambda p: p.conferences.create(PLANNED), CREATED),
    "44_conf_list": Case(lambda p: p.conferences.list(), (CREATED,)),
    "45_conf_update": Case(lambda p: p.conferences.update(CHANGED), CHANGED, sent=False),
    "46_conf_join": Case(lambda p: p.conferences.join("1", 47281964), None),
    "47_conf_from_call": Case(lambda p: p.conferences.from_call(43, 43), None),
    "48_conf_delete": Case(lambda p: p.conferences.delete("1"), None),
    "49_token_put_fcm": Case(lambda p: p.tokens.add("fcm", "com.example.ha", PUSH_TOKEN), None),
    "50_token_put_short": Case(
        lambda p: p.tokens.add("fcm", "com.example.ha", "abc"), Refusal(InvalidRequest, "bad push token", "token")
    ),
    "51_token_put_badapp": Case(
        lambda p: p.tokens.add("fcm", "other.app", PUSH_TOKEN), Refusal(InvalidRequest, "unsupported FCM", "topic")
    ),
    "52_token_put_apn": Case(
        lambda p: p.tokens.add("apn", "com.connector73.vialer.voip", f"{PUSH_TOKEN}623D34E200E46387E7D713917E0F3EB8"),
        Refusal(InvalidRequest, "unsupported APNS", "topic"),
    ),
    "53_token_put_badtype": Case(
        lambda p: p.tokens.add("xyz", "a", PUSH_TOKEN), Refusal(InvalidRequest, "unsupported push type", "type")
    ),
    "54_token_delete": Case(lambda p: p.tokens.remove("fcm", "com.example.ha", PUSH_TOKEN), None),
    "55_token_delete_again": Case(
        lambda p: p.tokens.remove("fcm", "com.example.ha", PUSH_TOKEN), Refusal(NoData, "not found")
    ),
    "56_notfound": Case(lambda p: p.client.call(Endpoint("GET", "/nope")), Refusal(NotSupported, "/nope: not found")),
    "57_method_not_allowed": Case(
        lambda p: p.client.call(Endpoint("DELETE", "/contacts")), Refusal(NotSupported, "/contacts: not found")
    ),
    "58_trailing_slash": Case(
        lambda p: p.client.call(Endpoint("GET", "/contacts/")), Refusal(UnexpectedReply, "/contacts/")
    ),
    "59_logout_docpath": Case(lambda p: p.session.logout(), None),
    "60_makecall_csta_error": Case(lambda p: p.calls.make("1", "2"), Refusal(CommandFailed, "URM Denied")),
    "61_services_mx_timeout": Case(lambda p: p.directory.services(), Refusal(ExchangeSilent, "mx response timeout")),
    "66_after_mx_drop": Case(
        lambda p: p.directory.contacts(), Refusal(ExchangeUnreachable, "active mx connection unavailable")
    ),
    "67_auth_again": login(None),
    "68_logout": Case(lambda p: p.session.logout(), None),
    "69_after_logout": Case(
        lambda p: p.session.info(), Refusal(ExchangeUnreachable, "active mx connection unavailable")
    ),
}


def test_every_capture_is_tested() -> None:
    assert CASES.keys() == ALL.keys()


@pytest.mark.parametrize("name", CASES)
async def test_the_client_handles_each_recorded_exchange(name: str, session: aiohttp.ClientSession) -> None:
    case, recording = CASES[name], ALL[name]
    # A login or logout needs the rest of the story.
    around = {(row.method, row.path): row for row in (ALL["07_auth_ok"], ALL["59_logout_docpath"], ALL["68_logout"])}
    async with Replay({**around, (recording.method, recording.path): recording}).serving() as server:
        proxy = MxProxy(HttpTransport(session, URL(server.url)), case.account)
        if "logout" in name:
            await proxy.session.login()
        if isinstance(case.comes, Refusal):
            with pytest.raises(case.comes.kind, match=case.comes.reason) as raised:
                await case.do(proxy)
            assert type(raised.value) is case.comes.kind
            assert getattr(raised.value, "parameter", None) == case.comes.parameter
        else:
            assert await case.do(proxy) == case.comes
    if case.sent:
        asked = next(a for a in reversed(server.asked) if (a.method, a.path) == (recording.method, recording.path))
        assert said(asked) == said(Asked(recording.method, recording.path, lower(recording.headers), recording.body))


def lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def said(asked: Asked) -> tuple[Any, ...]:
    """Return the content of a request in any order and form; of a token only that there is one."""
    scheme, _, secret = asked.headers["authorization"].partition(" ")
    body: Any = asked.body.decode()
    kind = asked.headers.get("content-type", "")
    if "json" in kind:
        body = json.loads(body)
    elif "form" in kind:
        body = parse_qs(body, strict_parsing=True)
    return asked.method, asked.path, scheme, b64decode(secret) if scheme == "Basic" else "", kind if body else "", body


async def test_a_refused_token_is_renewed_once(session: aiohttp.ClientSession) -> None:
    recordings = {(row.method, row.path): row for row in (ALL["07_auth_ok"], ALL["09_auth_info_badtoken"])}
    async with Replay(recordings).serving() as server:
        proxy = MxProxy(HttpTransport(session, URL(server.url)), LOGGED_IN)
        with pytest.raises(TokenNotTaken):
            await proxy.session.info()
    assert [(asked.method, asked.path) for asked in server.asked] == [("POST", "/auth"), ("GET", "/auth")] * 2


async def test_the_documented_logout_is_tried_first(session: aiohttp.ClientSession) -> None:
    recordings = {
        (row.method, row.path): row for row in (ALL[name] for name in ("07_auth_ok", "59_logout_docpath", "68_logout"))
    }
    async with Replay(recordings).serving() as server:
        proxy = MxProxy(HttpTransport(session, URL(server.url)), LOGGED_IN)
        await proxy.session.login()
        await proxy.session.logout()
    assert [asked.path for asked in server.asked] == ["/auth", "/auth/logout", "/auth"]
