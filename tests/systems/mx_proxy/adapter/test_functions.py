"""Functions of an extension besides calls: contacts, voicemails, conferences, push tokens."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from custom_components.ip_intercom.model.features import PushMessage
from custom_components.ip_intercom.model.parts import Pushes
from custom_components.ip_intercom.model.state import Reading
from custom_components.ip_intercom.systems.common.errors import (
    CommandFailed,
    ExchangeSilent,
    InvalidRequest,
    NoData,
    Unconfirmed,
    UnexpectedReply,
)
from custom_components.ip_intercom.systems.mx_proxy.system import MxSystem, Options
from tests.common import until
from tests.simulators.common.faults import Fault
from tests.simulators.mx_proxy import MX, Simulator

from .conftest import Bench, Start, proxy_of

START = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
HALF_AN_HOUR = timedelta(minutes=30)
TOKEN = "0123456789abcdef0123"


async def test_the_description_identifies_the_extension(bench: Bench) -> None:
    description = await bench.system.describe()
    identity = description.identity
    assert identity.id == f"{MX}_43884851900310701"
    assert identity.name == f"MX {MX} extension 3107"
    assert (description.visitors, description.has_phone, description.pushes) == (False, True, True)
    assert len(description.outcomes) == 4
    assert await bench.system.read_bells() is None
    assert await bench.system.examine() == {"contacts": 3, "services": 3, "calls": 0, "pushes": "off"}


async def test_contacts_and_services_are_read(bench: Bench) -> None:
    people = await bench.system.book.contacts()
    front, anna, ben = sorted(people, key=lambda contact: contact.name != "Front door")
    assert (front.name, front.extension, front.numbers, front.email) == ("Front door", "3190", {}, None)
    assert (ben.name, ben.email) == ("Ben Osei", "ben@office.test")
    assert ben.numbers == {"cell": "+1-202-555-0108", "home": "+1-202-555-0118", "did": "12025550108"}
    assert anna.extension == "3107"
    services = await bench.system.proxy.directory.services()
    assert [(service.name, service.type, service.extension) for service in services] == [
        ("voicemail", "VM", "*86"),
        ("park", "ParkServer", "*77"),
        ("Reception", "AA", "3700"),
    ]


# -- messages --------------------------------------------------------------------------------------


async def test_voicemails_are_listed_played_marked_and_deleted(bench: Bench) -> None:
    mailbox = bench.system.mailbox
    assert mailbox is not None
    old, new = await mailbox.query()
    assert (old.number, old.name, old.read, old.note) == ("3108", "Ben Osei", True, "call back")
    assert (new.number, new.name, new.read, new.note) == ("12025550142", "Parcel service", False, None)
    assert bench.state.voicemails == {old.id: old, new.id: new}
    async with mailbox.open(new.id) as recording:
        content = b"".join([chunk async for chunk in recording.chunks()])
    assert recording.content_type == "audio/wave"
    assert content.startswith(b"RIFF")
    await mailbox.mark(new.id, read=True, note="fetched")
    heard = replace(new, read=True, note="fetched")
    await until(lambda: bench.state.voicemails == {old.id: old, new.id: heard}, "the mark")
    await mailbox.mark(new.id)
    await mailbox.delete(new.id)
    await until(lambda: bench.state.voicemails == {old.id: old}, "the deletion")
    assert bench.types() == ["Voicemails", "Voicemails"]
    assert bench.events[-1].data == {"count": 1, "unread": 0}
    assert len(bench.asked("voicemail_change")) == 1
    with pytest.raises(NoData):
        await mailbox.delete(new.id)


async def test_a_voicemail_mark_with_a_lost_reply_is_polled(start: Start) -> None:
    bench = await start(speed=20)
    mailbox = bench.system.mailbox
    assert mailbox is not None
    bench.sim.lose_reply("voicemail_change")
    with pytest.raises(Unconfirmed):
        await mailbox.mark("89", read=True)
    await until(lambda: bench.state.voicemails is not None and bench.state.voicemails["89"].read, "the mark")


async def test_a_new_voicemail_is_reported(bench: Bench) -> None:
    mail = bench.sim.leave_voicemail("3190")
    await until(lambda: "MailIncoming" in bench.types(), "the message")
    (told,) = [event for event in bench.events if event.type == "MailIncoming"]
    assert told.data == {"id": mail, "number": "3190", "name": "Front door", "duration": 3}
    assert not told.late
    assert bench.state.voicemails is not None
    assert mail in bench.state.voicemails
    assert "Voicemails" not in bench.types()


async def test_rejected_functions_are_supported_once_they_answer(start: Start) -> None:
    def refuse(sim: Simulator) -> None:
        for name in ("voicemails", "conferences"):
            sim.refuse(name, n=1000)

    bench = await start(prepare=refuse)
    assert bench.system.features.voicemails is None
    assert bench.system.features.conferences is None
    assert bench.system.features.calls is not None
    reading = await bench.system.read()
    assert (reading.voicemails, reading.conferences) == (None, None)
    bench.sim.hang_up(bench.sim.incoming_call("3108"))
    await until(lambda: bench.types() == ["CallLog"], "calls")
    bench.sim.mend_mx()
    description = await bench.system.describe()
    assert description.state.voicemails is not None
    assert bench.system.features.voicemails is not None


async def test_a_function_rejected_once_stays_supported(bench: Bench) -> None:
    bench.sim.refuse("conferences")
    description = await bench.system.describe()
    assert description.state.conferences is None
    assert bench.system.features.conferences is not None


@pytest.mark.parametrize("function", ["contacts", "voicemails", "conferences", "call_log"])
async def test_a_slow_function_stays_supported(start: Start, function: str) -> None:
    bench = await start(speed=20, prepare=lambda sim: sim.ignore(function))
    assert bench.state.extension == "3107"
    assert bench.system.features.voicemails is not None
    assert bench.system.features.conferences is not None


async def test_connecting_to_a_silent_exchange_is_an_error(start: Start) -> None:
    with pytest.raises(ExchangeSilent):
        await start(speed=20, prepare=Simulator.silence_mx)


async def test_a_poll_skips_unreadable_functions(bench: Bench) -> None:
    bench.sim.refuse("conferences")
    reading = await bench.system.read()
    assert reading.conferences is None
    assert reading.voicemails is not None
    for path in ("/conferences", "/voicemails"):
        bench.sim.fault(f"GET {path}", Fault.STATUS)
    # Two parts fail: what every extension has shows that the exchange is there.
    assert replace(await bench.system.read(), last_call=None) == Reading(pushes=Pushes.OFF)
    bench.sim.fault("/contacts", Fault.REFUSED)
    assert replace(await bench.system.read(), last_call=None) == Reading(pushes=Pushes.OFF)
    bench.sim.fault("/contacts", Fault.STATUS)
    with pytest.raises(UnexpectedReply):
        await bench.system.read()


# -- conferences -----------------------------------------------------------------------------------


async def test_conferences_are_planned_changed_and_cancelled(bench: Bench) -> None:
    conferences = bench.system.conferences
    assert conferences is not None
    board = await conferences.create("Board", START, timedelta(seconds=61), 47281964)
    assert (board.name, board.start, board.duration, board.own) == ("Board", START, timedelta(minutes=2), True)
    other = await conferences.create("Early", START - HALF_AN_HOUR, HALF_AN_HOUR, None)
    assert 10_000_000 <= other.access_code <= 99_999_999
    assert str(other.access_code) not in repr(other)
    assert [conference.name for conference in await conferences.query()] == ["Early", "Board"]
    row = bench.sim.extensions[bench.sim.login].conferences.rows[board.id]
    row["wsType"] = "Zoom"
    row["ownerId"] = 43884851900310803
    changed = await conferences.update(replace(board, name="The board", ends_with_owner=True))
    assert (changed.name, changed.ends_with_owner, changed.own) == ("The board", True, False)
    row = bench.sim.extensions[bench.sim.login].conferences.rows[board.id]
    assert (row["type"], row["wsType"], row["accessId"]) == ("Once", "Zoom", 47281964)
    assert (await bench.system.read()).conferences == {item.id: item for item in await conferences.query()}
    await conferences.delete(board.id)
    assert [conference.id for conference in await conferences.query()] == [other.id]
    with pytest.raises(NoData):
        await conferences.update(board)


async def test_a_conference_is_joined_only_with_its_access_code(bench: Bench) -> None:
    conferences = bench.system.conferences
    assert conferences is not None
    board = await conferences.create("Board", START, HALF_AN_HOUR, None)
    await conferences.join(board.id, None)
    await conferences.join(board.id, board.access_code)
    assert bench.sim.extensions[bench.sim.login].conferences.joined == [board.id, board.id]
    with pytest.raises(CommandFailed):
        await conferences.join(board.id, 1)
    with pytest.raises(NoData):
        await conferences.join("999", None)


async def test_a_conference_of_two_calls(bench: Bench) -> None:
    conferences = bench.system.proxy.conferences
    one, other = bench.sim.incoming_call("3108"), bench.sim.incoming_call("3190")
    await conferences.from_call(one, other)
    assert bench.asked("conference_from_call")[-1].status == 204
    invitation = await conferences.settings()
    assert (invitation.extension, invitation.did) == ("3900", None)
    assert invitation.subject is not None
    assert "%Subject%" in invitation.subject


# -- pushes ----------------------------------------------------------------------------------------


async def test_push_tokens_are_added_and_removed(bench: Bench) -> None:
    tokens = bench.system.proxy.tokens
    bench.sim.allow_topic("com.example.test", sandbox=True)
    await tokens.add("fcm", "com.example.ha", TOKEN, False)
    await tokens.add("apn", "com.example.test", TOKEN, True)
    assert len(bench.sim.pushes.tokens[bench.sim.login]) == 2
    await tokens.remove("apn", "com.example.test", TOKEN, True)
    await tokens.remove("fcm", "com.example.ha", TOKEN)
    assert bench.sim.pushes.tokens[bench.sim.login] == []
    with pytest.raises(InvalidRequest):
        await tokens.add("fcm", "com.example.ha", "short", False)


async def test_subscribing_to_pushes_sends_no_request(bench: Bench) -> None:
    push = bench.system.features.push
    assert push is not None
    assert not push.local
    asked = len(bench.sim.requests)
    assert await push.originals() == {}
    assert await push.subscribe("http://192.168.1.2:8123/api/webhook/x", "x") == frozenset()
    await push.unsubscribe("x", {})
    assert {request.function for request in bench.sim.requests[asked:]} <= {"call_log", "voicemails"}
    assert push.receive(PushMessage("GET", {})) is not None
    assert push.receive(PushMessage("POST", {}, b"{")) is not None


async def test_closing_leaves_the_account_logged_in(start: Start, session: aiohttp.ClientSession) -> None:
    bench = await start()
    await bench.close()
    assert bench.asked("logout") == []
    assert bench.sim.login in bench.sim.mx.links
    system = MxSystem(proxy_of(bench.sim, session), bench.cursor, Options(names=False))
    description = await system.connect(None)
    assert description.state.voicemails is not None
    assert {mail.name for mail in description.state.voicemails.values()} == {None}
    await system.close()


async def test_logging_out_sends_a_logout(bench: Bench) -> None:
    assert bench.system.features.session is not None
    await bench.system.features.session.log_out()
    assert bench.asked("logout")[-1].status == 200
