"""Calls and SIP accounts of the 2N simulator (HTTP API 5.6 and 5.7)."""

from typing import Any

import pytest

from tests.simulators.two_n import MODELS, Timing

from .conftest import Api, Factory, until

WITH_PHONE = [model for model in MODELS if model != "access_unit"]
ALICE = "54877b0e-4cc3-c645-9530-6c7850f47a9c"
CLEANER = "621A5A49-1F8B-D34C-9A8B-881055864DEB"


@pytest.fixture
async def api(device: Factory) -> Api:
    """A device whose calls stay connecting: however slow the machine, nothing rings in the middle of a test."""
    return await device(timing=Timing(ring_delay=60))


async def sessions(api: Api) -> list[dict[str, Any]]:
    body = await api.get("call/status")
    found: list[dict[str, Any]] = body if isinstance(body, list) else body["result"]["sessions"]
    return found


async def states(api: Api, channel: int) -> list[tuple[str, int, str | None]]:
    return [(p["state"], p["call"], p.get("reason")) for p in (e["params"] for e in await api.pull(channel))]


@pytest.mark.parametrize(("model", "accounts"), [("vario", 1), ("verso", 2), ("indoor", 2), ("verso3", 4)])
async def test_each_model_has_its_sip_accounts(device: Factory, model: str, accounts: int) -> None:
    api = await device(model)
    found = (await api.result("phone/status"))["accounts"]
    assert [account["account"] for account in found] == list(range(1, accounts + 1))
    registered = [account for account in found if account["registered"]]
    assert len(registered) == 1
    assert ("registerTime" in registered[0]) is (model != "vario")
    assert all(("accountType" in account) is (model == "verso3") for account in found)
    assert (await api.result("phone/status", account=1))["accounts"] == found[:1]
    assert await api.error("phone/status", account=accounts + 1) == (12, "account")


async def test_a_registration_change_is_an_event(api: Api) -> None:
    channel = await api.subscribe(filter="RegistrationStateChanged")
    api.sim.register(1, False)
    api.sim.register(1, True)
    params = [event["params"] for event in await api.pull(channel)]
    assert params == [{"sipAccount": 1, "state": state} for state in ("unregistered", "registering", "registered")]


@pytest.mark.parametrize("model", WITH_PHONE)
async def test_the_call_status_is_empty_without_a_call(device: Factory, model: str) -> None:
    """The 3.x firmware answers without an envelope (captures/call_status_bare_array_manual3x.json)."""
    api = await device(model)
    body = await api.get("call/status")
    assert body == ([] if model == "verso3" else {"success": True, "result": {"sessions": []}})


@pytest.mark.parametrize("model", ["verso", "verso3", "vario"])
async def test_a_ring_is_an_outgoing_call(device: Factory, model: str) -> None:
    """A visitor's ring is an outgoing call; a group call has several calls in one session."""
    api = await device(model, timing=Timing(ring_delay=0.3))
    channel = await api.subscribe(filter="KeyPressed,CallStateChanged")
    session = api.sim.press("%1")
    assert session is not None
    assert (await sessions(api))[0]["state"] == "connecting"
    await until(lambda: api.sim.calls[session].state == "ringing")
    (status,) = await sessions(api)
    assert (status["session"], status["direction"], status["state"]) == (session, "outgoing", "ringing")
    if model == "vario":
        assert "calls" not in status
    else:
        assert [(call["peer"], call["state"]) for call in status["calls"]] == [
            ("sip:101@192.168.1.20", "ringing"),
            ("sip:102@192.168.1.20", "ringing"),
        ]
    events = await api.pull(channel)
    assert [event["event"] for event in events] == ["KeyPressed"] + 4 * ["CallStateChanged"]
    assert [event["params"]["state"] for event in events[1:]] == 2 * ["connecting"] + 2 * ["ringing"]
    assert all(("sipCallId" in event["params"]) is (model == "verso3") for event in events[1:])


async def test_a_button_without_a_number_places_no_call(api: Api) -> None:
    channel = await api.subscribe(filter="KeyPressed,CallStateChanged")
    assert api.sim.press("%3") is None
    assert api.sim.press("%1", call=False) is None
    assert [event["params"] for event in await api.pull(channel)] == [{"key": "%3"}, {"key": "%1"}]
    assert await sessions(api) == []


async def test_an_answer_ends_the_other_legs_of_a_group_call(api: Api) -> None:
    session = api.sim.press("%1")
    assert session is not None
    channel = await api.subscribe(filter="CallStateChanged")
    api.sim.answer(session, leg=1)
    assert await states(api, channel) == [("terminated", 1, "completedElsewhere"), ("connected", 2, None)]
    api.sim.terminate(session, "busy")
    assert await states(api, channel) == [("terminated", 2, "busy")]


async def test_an_unanswered_call_ends_with_noanswer(device: Factory) -> None:
    api = await device("verso", timing=Timing(ring_delay=0, ring_timeout=0.05))
    channel = await api.subscribe(filter="CallStateChanged")
    api.sim.press("%2")
    await until(lambda: not api.sim.calls)
    assert await states(api, channel) == [("connecting", 1, None), ("ringing", 1, None), ("terminated", 1, "noanswer")]
    assert await sessions(api) == []


async def test_an_incoming_call_can_be_answered_and_ended(device: Factory) -> None:
    api = await device("indoor")
    channel = await api.subscribe(filter="CallStateChanged,CallSessionStateChanged")
    session = api.sim.incoming_call("sip:5207@192.168.1.10")
    assert (await sessions(api))[0]["direction"] == "incoming"
    await api.do("call/answer", session=session)
    assert (await api.result("call/status", session=session))["sessions"][0]["state"] == "connected"
    assert await api.error("call/answer", session=session) == (14, None)
    await api.do("call/hangup", session=session, reason="rejected")
    events = [(event["event"], event["params"]["state"]) for event in await api.pull(channel)]
    assert events == [
        (event, state)
        for state in ("ringing", "connected", "terminated")
        for event in ("CallStateChanged", "CallSessionStateChanged")
    ]


async def test_dial_needs_one_valid_target(api: Api) -> None:
    """Exactly one of number and users (HTTP API 5.7.2)."""
    assert await api.error("call/dial") == (11, "number")
    assert await api.error("call/dial", number="1", users=ALICE) == (17, "users")
    assert await api.error("call/dial", number="") == (12, "number")
    assert await api.error("call/dial", users="nobody") == (12, "users")
    assert await api.error("call/dial", users="00000000-0000-0000-0000-000000000001") == (12, "users")
    assert await api.error("call/dial", users=CLEANER) == (14, None)
    session = (await api.result("call/dial", number="sip:1234@10.0.23.194"))["session"]
    users = (await api.result("call/dial", users=ALICE))["session"]
    assert users == session + 1
    assert [leg.peer for leg in api.sim.calls[users].legs] == ["sip:101@192.168.1.20", "sip:102@192.168.1.20"]
    assert await api.error("call/answer", session=session) == (14, None)


async def test_keys_of_a_keypad_call_are_events(api: Api) -> None:
    channel = await api.subscribe(filter="KeyPressed,CallStateChanged")
    api.sim.dial_from_keypad("42")
    keys = [event["params"].get("key") for event in await api.pull(channel)]
    assert keys == ["4", "2", "*", None]


async def test_hangup_needs_a_known_session(api: Api) -> None:
    """An error is code 14; the reason, supported since 2.50, is ignored."""
    body = await api.get("call/hangup", session=65)
    assert body["error"] == {"code": 14, "description": "session not found"}
    assert await api.error("call/hangup") == (11, "session")
    session = api.sim.press("%2")
    assert await api.error("call/hangup", session=session, reason="tired") == (12, "reason")
    api.sim.hangup_ignored = True
    await api.do("call/hangup", session=session)
    assert len(await sessions(api)) == 1
    api.sim.hangup_ignored = False
    channel = await api.subscribe(filter="CallStateChanged")
    await api.do("call/hangup", session=session, reason="rejected")
    assert await states(api, channel) == [("terminated", 1, "normal")]
    assert await sessions(api) == []
