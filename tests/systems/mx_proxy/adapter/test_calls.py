"""Calls that Home Assistant places and controls, and that polls follow without pushes."""

from datetime import timedelta

import pytest

from custom_components.ip_intercom.model.parts import CallMode, CallState, Direction
from custom_components.ip_intercom.systems.common.errors import (
    CommandFailed,
    InvalidRequest,
    NoSuchCall,
    NotSupported,
    Unconfirmed,
)
from custom_components.ip_intercom.systems.mx_proxy import log
from custom_components.ip_intercom.systems.mx_proxy.system import Options
from tests.common import until

from .conftest import Bench, Start

BEN = "43884851900310803"


def live(bench: Bench) -> dict[int, str]:
    return {call.id: call.state.value for call in bench.sim.extensions[bench.sim.login].calls.live.values()}


async def test_a_dialed_call_is_followed_to_its_end(bench: Bench) -> None:
    """The proxy does not know the call before it is answered (field notes 3)."""
    session = await bench.system.calls.dial("12025550142", [])
    await until(lambda: bench.calls() == {session: "connecting"}, "the call")
    await until(lambda: len(bench.asked("call_info")) >= 3, "three polls")
    assert bench.calls() == {session: "connecting"}
    bench.sim.pick_up(session)
    await until(lambda: bench.calls() == {session: "connected"}, "the answer")
    assert await bench.system.calls.in_progress() == bench.state.calls
    bench.sim.hang_up(session)
    await until(lambda: bench.calls() == {}, "the end")
    await until(lambda: "CallLog" in bench.types(), "the record")
    assert bench.types()[:2] == ["Originated", "Established"]
    assert sorted(bench.types()[2:]) == ["CallLog", "ConnectionCleared"], "two polls, in any order"
    (call,) = [item for item in bench.sim.requests if item.function == "make_call"]
    assert call.status == 200
    assert bench.state.last_call is not None
    assert bench.state.last_call.number == "12025550142"


async def test_an_unanswered_call_ends_with_its_record(bench: Bench) -> None:
    session = await bench.system.calls.dial("+1 202 555-0142", [])
    await until(lambda: session in bench.calls(), "the call")
    bench.sim.hang_up(session)
    await until(lambda: bench.calls() == {}, "the end")
    assert sorted(bench.types()) == ["CallLog", "ConnectionCleared", "Originated"]


async def test_a_call_without_a_trace_ends_after_a_timeout(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("custom_components.ip_intercom.systems.mx_proxy.tracker._UNANSWERED", 0.5)
    session = await bench.system.calls.dial("12025550142", [])
    del bench.sim.extensions[bench.sim.login].calls.live[session]
    await until(lambda: bench.types() == ["Originated", "ConnectionCleared"], "the end")


async def test_hanging_up_is_seen_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_CALL_INTERVAL", 600.0)
    calls = bench.system.calls
    session = await calls.dial("12025550142", [])
    await calls.hang_up(session, "busy")
    assert live(bench) == {}
    assert await calls.in_progress() == {}
    await until(lambda: bench.types()[:2] == ["Originated", "ConnectionCleared"], "the events")
    with pytest.raises(NoSuchCall):
        await calls.hang_up(session)


async def test_hanging_up_a_finished_call_is_an_error(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_CALL_INTERVAL", 600.0)
    monkeypatch.setattr(log, "_UNANSWERED_INTERVAL", 600.0)
    monkeypatch.setattr(log, "_CALL_LOG_INTERVALS", (600.0, 600.0))
    calls = bench.system.calls
    session = await calls.dial("12025550142", [])
    bench.sim.hang_up(session)
    with pytest.raises(NoSuchCall):
        await calls.hang_up(session)
    assert await calls.in_progress() == {}


async def test_dialing_a_contact_calls_its_extension(bench: Bench) -> None:
    session = await bench.system.calls.dial(None, [BEN])
    call = bench.sim.extensions[bench.sim.login].calls.live[session]
    assert (call.caller, call.called) == ("3107", "3108")


async def test_dialing_a_contact_without_extension_calls_its_number(start: Start) -> None:
    """The address book has formatted numbers, the exchange needs digits."""
    outside = {"jid": "5", "ext": "", "homePhone": "+1 (202) 555-0118"}
    unreachable = {"jid": "6", "ext": "", "firstName": "Nobody"}
    bench = await start(prepare=lambda sim: sim.contacts.extend([outside, unreachable]))
    session = await bench.system.calls.dial(None, ["5"])
    assert bench.sim.extensions[bench.sim.login].calls.live[session].called == "12025550118"
    with pytest.raises(InvalidRequest):
        await bench.system.calls.dial(None, ["6"])


async def test_a_new_outgoing_call_is_connecting(bench: Bench) -> None:
    session = await bench.system.calls.dial("3108", [])
    seen = await bench.system.calls.current(session)
    assert seen is not None
    assert seen.state is CallState.CONNECTING, "an unknown call of the proxy has not ended"


@pytest.mark.parametrize("users", [[], ["1"], [BEN, "43884851900319002"]])
async def test_dialing_unknown_or_several_contacts_is_an_error(bench: Bench, users: list[str]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await bench.system.calls.dial(None, users)
    assert refused.value.parameter == "users"
    assert bench.asked("make_call") == []


async def test_a_call_is_made_from_another_phone(start: Start) -> None:
    bench = await start(choices=Options(device="12025550107"))
    session = await bench.system.calls.dial("3108", [])
    assert bench.sim.extensions[bench.sim.login].calls.live[session].caller == "12025550107"
    other = await bench.system.calls.make("3107", "3190", "desk")
    assert bench.sim.extensions[bench.sim.login].assigned == "desk"
    await until(lambda: bench.calls().keys() == {session, other}, "both calls")
    with pytest.raises(CommandFailed):
        await bench.system.calls.make("12025559999", "3190", None)


async def test_an_incoming_call_is_answered_held_and_transferred(bench: Bench) -> None:
    control = bench.system.calls
    session = bench.sim.incoming_call("3108")
    seen = await control.current(session)
    assert seen is not None
    assert (seen.direction, seen.state, seen.peer) == (Direction.INCOMING, CallState.RINGING, "3108")
    await bench.system.calls.answer(session)
    await until(lambda: bench.calls() == {session: "connected"}, "the answer")
    await control.hold(session)
    await until(lambda: bench.calls() == {session: "held"}, "the hold")
    poller = len(bench.asked("call_info"))
    await until(lambda: len(bench.asked("call_info")) >= poller + 3, "three polls")
    assert bench.calls() == {session: "held"}, "the status of the proxy is still Established"
    await control.resume(session)
    await until(lambda: bench.calls() == {session: "connected"}, "the resumption")
    bench.sim.clock.speed = 20
    await control.transfer(session, "3190", None)
    await until(lambda: bench.calls() == {}, "the hand-over")
    assert bench.types()[:5] == ["Delivered", "Established", "HeldEvent", "RetrievedEvent", "ConnectionCleared"]
    assert await control.current(session) is None


async def test_a_call_is_answered_at_a_device(bench: Bench) -> None:
    control = bench.system.calls
    session = bench.sim.incoming_call("3108")
    await control.answer_at(session, "doorPhone", timedelta(seconds=5), assign=True)
    assert live(bench) == {session: "talking"}
    assert bench.sim.extensions[bench.sim.login].assigned == "doorPhone"
    await bench.system.proxy.calls.assign("desk")
    assert bench.sim.extensions[bench.sim.login].assigned == "desk"
    with pytest.raises(NoSuchCall):
        await control.answer_at(999, "desk", timedelta(seconds=5), assign=False)


async def test_a_command_with_a_lost_reply_is_unconfirmed(start: Start) -> None:
    bench = await start(speed=20)
    bench.sim.lose_reply("make_call")
    with pytest.raises(Unconfirmed):
        await bench.system.calls.dial("3108", [])
    assert len(live(bench)) == 1, "the command is not repeated"


# -- where calls ring ------------------------------------------------------------------------------


async def test_the_remote_mode_uses_the_number_of_the_address_book(bench: Bench) -> None:
    modes = bench.system.calls
    assert modes.suggested_device == "12025550107"
    assert await modes.set_mode(CallMode(True)) == CallMode(True, "12025550107", 1, 30)
    assert await modes.set_mode(CallMode(True, "3190", 5, 25)) == CallMode(True, "3190", 5, 25)
    assert await modes.set_mode(CallMode(False)) == CallMode(False, None, 1, 30)
    assert bench.sim.extensions[bench.sim.login].mode["device"] == ""


async def test_the_remote_mode_prefers_number_and_delays_of_the_options(start: Start) -> None:
    modes = (await start(choices=Options(mobile="12025550109", ring_delay=0, voicemail_delay=40))).system.calls
    assert modes.suggested_device == "12025550109"
    assert await modes.set_mode(CallMode(True)) == CallMode(True, "12025550109", 0, 40)
    assert await modes.set_mode(CallMode(True, None, 7)) == CallMode(True, "12025550109", 7, 40)


async def test_the_remote_mode_without_a_number_is_an_error(start: Start) -> None:
    bench = await start(empty=True)
    modes = bench.system.calls
    assert modes.suggested_device is None
    with pytest.raises(InvalidRequest):
        await modes.set_mode(CallMode(True))
    assert bench.asked("call_mode") == []


# -- the log ---------------------------------------------------------------------------------------


async def test_the_log_of_calls(bench: Bench) -> None:
    call_log = bench.system.features.call_log
    assert call_log is not None
    everything = await call_log.query()
    assert [record.id for record in everything] == ["1303", "1302", "1301"]
    assert [record.name for record in everything] == ["Ben Osei", "12025550142", "Front door"]
    assert [record.number for record in everything] == ["3108", "12025550142", "3190"]
    asked = len(bench.sim.requests)
    assert await call_log.query(1) == everything[:1]
    own = [request for request in bench.sim.requests[asked:] if request.function == "call_log"]
    assert all("timestamp" in request.query for request in own)
    assert await call_log.query(2) == everything[:2]
    with pytest.raises(NotSupported):
        await call_log.delete(None)


async def test_missing_pushes_are_detected(start: Start) -> None:
    """If a forwarder stopped, polls are as frequent as without pushes."""
    bench = await start(cursor={"pushes": True}, choices=Options(push=True))
    bench.sim.hang_up(bench.sim.dial("3108"))
    await until(lambda: len(bench.types()) == 1, "a call that went out")
    assert (await bench.system.examine())["pushes"] == "arriving"
    bench.sim.hang_up(bench.sim.incoming_call("3108"))
    await until(lambda: len(bench.types()) == 2, "a call that was not pushed")
    assert (await bench.system.examine())["pushes"] == "expected"
    await until(lambda: bench.cursor.get("pushes") is False, "the note about missing pushes")
