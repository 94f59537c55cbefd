"""The requests of the API, by the groups of the client, at a simulated server."""

from dataclasses import replace
from datetime import UTC, datetime
import struct

import pytest

from custom_components.ip_intercom.systems.common.errors import (
    CommandFailed,
    ConnectionFailed,
    ExchangeUnreachable,
    InvalidRequest,
    NoAnswer,
    NoData,
    NoSuchCall,
    NotSupported,
    Overloaded,
    Throttled,
    Unconfirmed,
    UnexpectedReply,
)
from custom_components.ip_intercom.systems.mx_proxy.client import (
    Answered,
    CallMode,
    Conference,
    Contact,
    LogRecord,
    MadeCall,
    MxProxy,
    Service,
    Transferred,
    Voicemail,
    calls,
    client,
    voicemails,
)
from tests.simulators.mx_proxy import LOGIN, MX

from .conftest import Bench, Start

DOOR = "3190"
CODE = 47281964


# ---- Who is there ----


async def test_the_session_identifies_the_account(proxy: MxProxy) -> None:
    info = await proxy.session.info()
    assert (info.mx, info.extension, info.jid) == (MX, "3107", "43884851900310701")
    assert info.softphone_password == "Zk81vTnQ0pLr5xWd7MbY"


async def test_contacts_are_sorted_by_extension(proxy: MxProxy) -> None:
    """Contacts are sorted by extension; missing fields are None."""
    anna, ben, door = await proxy.directory.contacts()
    assert anna == Contact(
        "43884851900310701", "Anna", "Keller", "3107", cell_phone="12025550107", email="anna@office.test"
    )
    assert ben.home_system == "43884851900000001"
    assert (ben.home_phone, ben.did, ben.exchange_id) == ("+1-202-555-0118", "12025550108", "ben.osei")
    assert (door.first_name, door.last_name, door.email) == ("Front", "door", None)


async def test_services_keep_their_long_ids(proxy: MxProxy) -> None:
    """The ids have 62 bits."""
    assert await proxy.directory.services() == (
        Service("3458764513956071007", "voicemail", "VM", "*86"),
        Service("3458764515081032009", "park", "ParkServer", "*77"),
        Service("3502649365667728003", "Reception", "AA", "3700"),
    )


async def test_empty_lists_are_read(bench: Bench, proxy: MxProxy) -> None:
    """Empty lists are sent as null."""
    bench.sim.clear_everything()
    assert await proxy.directory.contacts() == ()
    assert await proxy.directory.services() == ()
    assert await proxy.calls.log() == ()
    assert await proxy.voicemails.list() == ()
    assert await proxy.conferences.list() == ()


# ---- The log of calls ----


async def test_call_log_records_are_decoded(proxy: MxProxy) -> None:
    missed, placed, named = await proxy.calls.log()
    assert missed == LogRecord(
        1301, "63107-00-0000D-51", True, "incoming", 1790000100, 1790000112, DOOR, "3107", "Front", "door", DOOR,
        call_type=1, leg_type=1, self_leg_type=9,
    )  # fmt: skip
    assert (placed.missed, placed.connected, placed.extension) == (False, None, None)
    # One record of the manual has it by another name.
    assert named.extension == "3108"


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        (None, [1301, 1302, 1303]),
        (0, [1301, 1302, 1303]),
        (1790000112, [1302, 1303]),
        (datetime.fromtimestamp(1790000111.9, UTC), [1301, 1302, 1303]),
        (datetime.fromtimestamp(1790000112, UTC), [1302, 1303]),
        (1790007200, []),
    ],
)
async def test_the_call_log_begins_at_the_given_time(
    proxy: MxProxy, since: datetime | int | None, expected: list[int]
) -> None:
    assert [record.record_id for record in await proxy.calls.log(since)] == expected


async def test_a_time_without_a_zone_is_an_error(bench: Bench, proxy: MxProxy) -> None:
    with pytest.raises(ValueError, match="zone"):
        await proxy.calls.log(datetime(2026, 11, 21))
    assert bench.seen() == []


async def test_a_log_of_whole_blocks_is_read_completely(start: Start) -> None:
    """The server waits for one more record, and the client waits for the server."""
    bench = await start(empty=True, speed=50)
    bench.sim.fill_log(42)
    assert len(await bench.proxy().calls.log()) == 42


async def test_the_call_log_has_a_longer_timeout(bench: Bench, proxy: MxProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """The manual allows two minutes for the call log."""
    assert client.LOG_TIMEOUT >= 130 > client.REQUEST_TIMEOUT
    monkeypatch.setattr(client, "REQUEST_TIMEOUT", 0.2)
    await proxy.session.login()
    bench.sim.delay(0.6)
    assert len(await proxy.calls.log()) == 3
    with pytest.raises(NoAnswer):
        await proxy.voicemails.list()


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ('{"record_id": "7", "missed": "true", "disconnectTimestamp": "1790000000", "selfLegType": "3"}',
         LogRecord(7, missed=True, disconnected=1790000000, self_leg_type=3)),
        ('{"record_id": 9007199254740993, "connectTimestamp": 0, "serviceName": "Reception", "news": [1]}',
         LogRecord(9007199254740993, service_name="Reception")),
        ('{"record_id": 8, "serviceExtension": "3700", "monitorType": 2}',
         LogRecord(8, service_extension="3700", monitor_type=2)),
    ],
)  # fmt: skip
async def test_records_of_other_servers(bench: Bench, proxy: MxProxy, row: str, expected: LogRecord) -> None:
    """Records may have numbers as text, missing fields, and unknown fields."""
    bench.sim.garbage("/calls", f'{{"callLog": [{row}]}}', "application/json")
    assert await proxy.calls.log() == (expected,)


@pytest.mark.parametrize("row", ['{"record_id": null, "missed": true}', "5"])
async def test_a_record_without_a_number_is_skipped(bench: Bench, proxy: MxProxy, row: str) -> None:
    """A log of only such records is an error, not an empty log."""
    bench.sim.garbage("/calls", f'{{"callLog": [{row}, {{"record_id": 1}}]}}', "application/json")
    assert await proxy.calls.log() == (LogRecord(1),)
    bench.sim.garbage("/calls", f'{{"callLog": [{row}]}}', "application/json")
    with pytest.raises(UnexpectedReply):
        await proxy.calls.log()


# ---- Calls ----


async def test_a_call_from_here(bench: Bench, proxy: MxProxy) -> None:
    made = await proxy.calls.make("3107", DOOR)
    assert made == MadeCall(made.call_id, "3107", DOOR)
    # It is not reported before it is answered.
    with pytest.raises(NoSuchCall):
        await proxy.calls.info(made.call_id)
    bench.sim.pick_up(made.call_id)
    event = await proxy.calls.info(made.call_id)
    assert (event.type, event.call_id, event.calling, event.called) == ("Established", made.call_id, "3107", DOOR)
    assert event.answering_name == "Front door"
    assert event.gcid is not None
    cleared = await proxy.calls.clear(made.call_id)
    assert (cleared.type, cleared.call_id, cleared.timestamp) == ("", made.call_id, None)
    with pytest.raises(NoSuchCall):
        await proxy.calls.info(made.call_id)
    assert (await proxy.calls.log())[-1].gcid == event.gcid


async def test_a_call_from_another_device(bench: Bench, proxy: MxProxy) -> None:
    await proxy.calls.make("3107", DOOR, "mobile")
    assert bench.sim.extensions[LOGIN].assigned == "mobile"


async def test_a_denied_call_is_an_error(proxy: MxProxy) -> None:
    with pytest.raises(CommandFailed, match="URM Denied") as raised:
        await proxy.calls.make("3108", DOOR)
    assert type(raised.value) is CommandFailed
    with pytest.raises(CommandFailed, match="mismatch"):
        await proxy.calls.make("3107", DOOR, "unknown")


async def test_a_call_from_the_door(bench: Bench, proxy: MxProxy) -> None:
    await proxy.session.login()
    call = bench.sim.incoming_call(DOOR)
    ringing = await proxy.calls.info(call)
    assert (ringing.type, ringing.calling, ringing.alerting) == ("Delivered", DOOR, "3107")
    assert ringing.local_connection == "alerting"
    assert await proxy.calls.answer(call, "doorPhone", 12, assign=True) == Answered(call, "doorPhone", 12, True)
    assert bench.sim.extensions[LOGIN].assigned == "doorPhone"
    assert (await proxy.calls.info(call)).type == "Established"
    held = await proxy.calls.hold(call)
    assert (held.call_id, held.releasing, held.commands) == (call, "3107", 376)
    with pytest.raises(CommandFailed):
        await proxy.calls.hold(call)
    assert (await proxy.calls.unhold(call)).call_id == call
    assert await proxy.calls.transfer(call, "doorPhone", "3108") == Transferred(call, "doorPhone", "3108")


async def test_functions_of_an_unknown_call_are_errors(proxy: MxProxy) -> None:
    for asked in (
        proxy.calls.info(9999),
        proxy.calls.answer(9999, "desk"),
        proxy.calls.transfer(9999, "desk", "3108"),
        proxy.calls.clear(9999),
        proxy.calls.hold(9999),
        proxy.calls.unhold(9999),
        proxy.conferences.from_call(9999, 9998),
    ):
        with pytest.raises(NoSuchCall):
            await asked


async def test_the_call_mode_is_set_with_defaults(bench: Bench, proxy: MxProxy) -> None:
    """The server sets the missing values."""
    assert await proxy.calls.set_mode(True, "12025550107") == CallMode(True, "12025550107", 1, 30)
    assert await proxy.calls.set_mode(True, "12025550107", 0, 45) == CallMode(True, "12025550107", 0, 45)
    assert bench.sim.extensions[LOGIN].mode["vmDelay"] == 45
    assert await proxy.calls.set_mode(False) == CallMode(False, "", 1, 30)


async def test_a_device_in_use(bench: Bench, proxy: MxProxy) -> None:
    await proxy.calls.assign("doorPhone")
    assert bench.sim.extensions[LOGIN].assigned == "doorPhone"
    with pytest.raises(CommandFailed, match="mismatch"):
        await proxy.calls.assign("unknown")


@pytest.mark.parametrize("name", ["", ".", "..", "1/../../auth", "a/../b"])
async def test_ids_that_would_change_the_path_are_errors(bench: Bench, proxy: MxProxy, name: str) -> None:
    await proxy.session.login()
    bench.seen()
    for asked in (
        proxy.calls.assign(name),
        proxy.voicemails.delete(name),
        proxy.voicemails.update(name, read=True),
        proxy.conferences.delete(name),
        proxy.conferences.join(name, 1),
        proxy.tokens.add("fcm", "com.example.ha", name),
    ):
        with pytest.raises(InvalidRequest):
            await asked
    with pytest.raises(InvalidRequest):
        async with proxy.voicemails.open(name):
            pass
    assert bench.seen() == []


async def listen(proxy: MxProxy, voicemail: str) -> None:
    async with proxy.voicemails.open(voicemail):
        pass


async def test_ids_are_escaped_in_the_path(bench: Bench, proxy: MxProxy) -> None:
    """A device name may look like another path."""
    await proxy.session.login()
    call = bench.sim.incoming_call(DOOR)
    bench.sim.extensions[LOGIN].user.devices |= (names := {"a b?c#d%2F", "Küche"})
    for name in names:
        await proxy.calls.assign(name)
        assert bench.sim.extensions[LOGIN].assigned == name
    assert set(bench.functions()) == {"login", "assign"}
    # The server takes a slash for the next part of the path, however it is escaped.
    for asked in (proxy.calls.assign(f"{call}/hold"), proxy.voicemails.delete(f"82/{call}"), listen(proxy, "82/x")):
        with pytest.raises(InvalidRequest):
            await asked
    assert len(await proxy.voicemails.list()) == 2


# ---- Voicemails ----


async def test_voicemails_can_be_updated_and_deleted(bench: Bench, proxy: MxProxy) -> None:
    heard, unheard = await proxy.voicemails.list()
    assert heard == Voicemail("82", "3108", "Ben Osei", None, "3107", "user", 1789990000, 4, True, "call back")
    assert (unheard.caller_name, unheard.read, unheard.note) == ("Parcel service", False, None)
    await proxy.voicemails.update(unheard.id, read=True)
    await proxy.voicemails.update(heard.id, note="", read=False)
    heard, unheard = await proxy.voicemails.list()
    assert (unheard.read, heard.read, heard.note) == (True, False, None)
    await proxy.voicemails.delete(heard.id)
    assert await proxy.voicemails.list() == (unheard,)
    with pytest.raises(NoData):
        await proxy.voicemails.delete(heard.id)
    with pytest.raises(NoData):
        await proxy.voicemails.update(heard.id, note="gone")
    with pytest.raises(InvalidRequest):
        await proxy.voicemails.update(unheard.id)


async def test_unusual_voicemail_values_are_decoded(bench: Bench, proxy: MxProxy) -> None:
    """Numbers and flags may be texts; a row without an id is skipped."""
    rows = '[{"from": "3108"}, {"id": 96, "received": "1790000000", "duration": "5", "read": "true"}, null]'
    bench.sim.garbage("/voicemails", f'{{"voiceMails": {rows}}}', "application/json")
    assert await proxy.voicemails.list() == (Voicemail("96", received=1790000000, duration=5, read=True),)


async def test_the_audio_of_a_voicemail_is_read(bench: Bench, proxy: MxProxy) -> None:
    async with proxy.voicemails.open("82") as recording:
        # A listener takes no turn.
        await proxy.directory.services()
        content = b"".join([chunk async for chunk in recording.chunks()])
    assert recording.content_type == "audio/wave"
    assert recording.size == len(content)
    assert content[:4] == b"RIFF"
    assert struct.unpack("<I", content[4:8]) == (len(content) - 8,)


async def test_a_voicemail_without_audio_is_an_error(bench: Bench, proxy: MxProxy) -> None:
    with pytest.raises(NoData):
        async with proxy.voicemails.open("9"):
            pass
    bench.sim.garbage("/voicemails/82", "html")
    with pytest.raises(UnexpectedReply):
        async with proxy.voicemails.open("82"):
            pass
    bench.sim.garbage("/voicemails/82", '{"error": "not found"}', "application/json")
    with pytest.raises(UnexpectedReply):
        async with proxy.voicemails.open("82"):
            pass
    bench.sim.heal()
    async with proxy.voicemails.open("82") as recording:
        assert recording.size


async def test_a_voicemail_above_the_size_limit_is_an_error(
    bench: Bench, proxy: MxProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voicemails, "MAX_FILE", 2**20)
    bench.sim.garbage("/voicemails/82", "huge", "audio/wave")
    with pytest.raises(UnexpectedReply, match="larger than"):
        async with proxy.voicemails.open("82"):
            pass


# ---- Conferences ----


async def test_the_settings_of_invitations_are_read(proxy: MxProxy) -> None:
    settings = await proxy.conferences.settings()
    assert (settings.extension, settings.did) == ("3900", None)
    assert settings.subject == "Conference Call: %Date% @ %Time% - %Subject%"
    assert settings.body is not None
    assert settings.meeting == "View the web conference at: http://<insert your domain name here>/join?id=%ID%"


async def test_conferences_can_be_changed_joined_and_deleted(bench: Bench, proxy: MxProxy) -> None:
    planned = Conference(name="Visitors", access_id=CODE, start=1795300000, duration=45, wait_for_owner=True)
    made = await proxy.conferences.create(planned)
    # The owner's number needs more than 53 bits.
    assert made == replace(planned, id=made.id, owner_id=43884851900310701)
    assert await proxy.conferences.list() == (made,)
    changed = replace(made, name="Guests", duration=30, delete_on_owner_leave=True, owner_id=43892779647572507)
    assert await proxy.conferences.update(changed) == changed
    assert await proxy.conferences.list() == (changed,)
    with pytest.raises(CommandFailed, match="URM Denied"):
        await proxy.conferences.join(made.id, 1)
    await proxy.conferences.join(made.id, CODE)
    assert bench.sim.extensions[LOGIN].conferences.joined == [made.id]
    await proxy.conferences.delete(made.id)
    assert await proxy.conferences.list() == ()
    for asked in (proxy.conferences.delete(made.id), proxy.conferences.join(made.id, CODE)):
        with pytest.raises(NoData):
            await asked
    with pytest.raises(NoData):
        await proxy.conferences.update(made)


async def test_the_server_assigns_the_id_of_a_conference(bench: Bench, proxy: MxProxy) -> None:
    made = await proxy.conferences.create(Conference(name="Visitors"))
    again = await proxy.conferences.create(made)
    assert made.id != again.id


async def test_a_conference_of_calls(bench: Bench, proxy: MxProxy) -> None:
    await proxy.session.login()
    door, own = bench.sim.incoming_call(DOOR), bench.sim.dial("3108")
    await proxy.conferences.from_call(door, own)
    assert bench.functions()[-1] == "conference_from_call"


async def test_an_empty_conference_row_is_skipped(bench: Bench, proxy: MxProxy) -> None:
    """The example in the manual has no values."""
    bench.sim.garbage("/conferences", '{"conferences": [{"Id": "", "ownerId": 0}]}', "application/json")
    assert await proxy.conferences.list() == ()


@pytest.mark.parametrize("body", ["{}", '{"conference": null}', '{"conference": {"name": "x"}}'])
async def test_a_conference_without_an_id_is_an_error(bench: Bench, proxy: MxProxy, body: str) -> None:
    bench.sim.garbage("/conferences", body, "application/json")
    with pytest.raises(UnexpectedReply):
        await proxy.conferences.create(Conference(name="x"))


# ---- Tokens of phones ----


async def test_push_tokens_can_be_added_and_removed(bench: Bench, proxy: MxProxy) -> None:
    bench.sim.allow_topic("com.example.ha.voip", sandbox=True)
    token = "F" * 32
    await proxy.tokens.add("fcm", "com.example.ha", token)
    await proxy.tokens.add("apn", "com.example.ha.voip", token)
    await proxy.tokens.add("apn", "com.example.ha.voip", token, sandbox=True)
    rows = bench.sim.pushes.tokens[LOGIN]
    assert [(row.kind, row.sandbox) for row in rows] == [("fcm", False), ("apn", False), ("apn", True)]
    await proxy.tokens.remove("apn", "com.example.ha.voip", token, sandbox=True)
    assert [(row.kind, row.sandbox) for row in rows] == [("fcm", False), ("apn", False)]
    with pytest.raises(NoData):
        await proxy.tokens.remove("apn", "com.example.ha.voip", token, sandbox=True)
    for kind, topic, given, parameter in (
        ("fcm", "other", token, "topic"),
        ("apn", "other", token, "topic"),
        ("sms", "other", token, "type"),
        ("fcm", "com.example.ha", "short", "token"),
    ):
        with pytest.raises(InvalidRequest) as raised:
            await proxy.tokens.add(kind, topic, given)
        assert raised.value.parameter == parameter


# ---- All other responses ----


@pytest.mark.parametrize(
    ("body", "content_type", "status", "kind"),
    [
        ("truncated", None, 200, UnexpectedReply),
        ("html", None, 200, UnexpectedReply),
        ("empty", None, 200, UnexpectedReply),
        ("[]", "application/json", 200, UnexpectedReply),
        ("{}", "application/json", 200, UnexpectedReply),
        ('{"contacts": 5}', "application/json", 200, UnexpectedReply),
        ('{"contacts": {}}', "application/json", 200, UnexpectedReply),
        ("[" * 100_000, "application/json", 200, UnexpectedReply),
        ("html", None, 500, UnexpectedReply),
        ("html", None, 301, UnexpectedReply),
        ('{"code": 5}', "application/json", 403, UnexpectedReply),
        ("html", None, 404, NotSupported),
        ('{"error": "method not allowed"}', "application/json", 405, NotSupported),
        ('{"error": "URM Denied"}', "application/json", 500, CommandFailed),
        ('{"error": "empty mx response"}', "application/json", 400, CommandFailed),
        ("html", None, 502, ConnectionFailed),
        ("html", None, 503, Overloaded),
        ("html", None, 429, Throttled),
        ("html", None, 504, ConnectionFailed),
        ('{"error": "Bad Gateway"}', "application/json", 502, ExchangeUnreachable),
    ],
)
async def test_other_responses_have_their_own_errors(
    bench: Bench, proxy: MxProxy, body: str | bytes, content_type: str | None, status: int, kind: type[Exception]
) -> None:
    bench.sim.garbage("/contacts", body, content_type, status=status)
    with pytest.raises(kind) as raised:
        await proxy.directory.contacts()
    assert type(raised.value) is kind


@pytest.mark.parametrize("body", ["{}", '{"makeCall": null}', '{"makeCall": {"callId": "x"}}', "null"])
async def test_a_command_response_without_its_fields_is_an_error(bench: Bench, proxy: MxProxy, body: str) -> None:
    bench.sim.garbage("/calls", body, "application/json")
    with pytest.raises(UnexpectedReply):
        await proxy.calls.make("3107", DOOR)


async def test_a_command_with_a_gateway_timeout_is_unconfirmed(bench: Bench, proxy: MxProxy) -> None:
    """The server behind the gateway may have received the request."""
    bench.sim.garbage("/calls", "html", status=504)
    with pytest.raises(Unconfirmed):
        await proxy.calls.make("3107", DOOR)


async def test_call_info_without_a_number_is_an_error(bench: Bench, proxy: MxProxy) -> None:
    bench.sim.garbage("/calls/5", '{"callInfo": {"type": "Delivered"}}', "application/json")
    with pytest.raises(UnexpectedReply):
        await proxy.calls.info(5)
    bench.sim.garbage("/calls/5", '{"callInfo": {"type": "Delivered", "callId": "5"}}', "application/json")
    assert (await proxy.calls.info(5)).call_id == 5


async def test_an_oversized_response_is_an_error(bench: Bench, proxy: MxProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MAX_LIST", 2**20)
    bench.sim.garbage("/contacts", "huge")
    with pytest.raises(UnexpectedReply, match="larger than"):
        await proxy.directory.contacts()


async def test_a_device_has_its_time_to_answer(bench: Bench, proxy: MxProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server may delay its reply until the ringing ends."""
    monkeypatch.setattr(client, "REQUEST_TIMEOUT", 0.2)
    await proxy.session.login()
    call = bench.sim.incoming_call(DOOR)
    bench.sim.delay(0.6, f"/calls/{call}")
    assert (await proxy.calls.answer(call, "desk", calls.ANSWER_TIMEOUT)).call_id == call
    with pytest.raises(ConnectionFailed):
        await proxy.calls.info(call)
