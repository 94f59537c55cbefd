"""The event log of the 2N simulator (HTTP API 5.10)."""

import asyncio
from typing import Any

import pytest

from tests.simulators.two_n import MODELS, Account, Privilege

from .conftest import Api, Factory


def names(events: list[dict[str, Any]]) -> list[str]:
    return [event["event"] for event in events]


@pytest.mark.parametrize("model", MODELS)
async def test_history_begins_with_the_startup(device: Factory, model: str) -> None:
    api = await device(model, uptime=1000)
    caps = (await api.result("log/caps"))["events"]
    assert caps == list(MODELS[model].events)
    events = await api.pull(await api.subscribe(include="all", filter="DeviceState"))
    first = events[0]
    assert (first["id"], first["event"], first["params"]) == (1, "DeviceState", {"state": "startup"})
    assert first["upTime"] == 8
    now = await api.result("system/status")
    assert now["systemTime"] - first["utcTime"] == pytest.approx(now["upTime"] - 8, abs=2)
    assert first.keys() - {"hash"} == {"id", "tzShift", "utcTime", "upTime", "event", "params"}
    assert ("hash" in first) is (model != "vario")


async def test_ids_count_all_events(api: Api) -> None:
    """Ids increase over all events of a boot, with any filter of a channel."""
    channel = await api.subscribe(filter="MotionDetected")
    api.sim.motion(True)
    api.sim.noise(True)
    api.sim.motion(False)
    events = await api.pull(channel)
    assert [event["params"] for event in events] == [{"state": "in", "id": 1}, {"state": "out", "id": 1}]
    assert events[1]["id"] - events[0]["id"] == 2


async def test_include_selects_earlier_events(api: Api) -> None:
    api.sim.motion(True)
    assert await api.pull(await api.subscribe()) == []
    assert await api.pull(await api.subscribe(include="new")) == []
    assert names(await api.pull(await api.subscribe(include="all")))[0] == "DeviceState"
    assert names(await api.pull(await api.subscribe(include="-60"))) == ["MotionDetected"]
    for wrong in ("KeyPressed", "-", "10", "", "-1.5", "none"):
        assert await api.error("log/subscribe", include=wrong) == (12, "include")


async def test_include_depends_on_the_utc_time(api: Api) -> None:
    api.sim.motion(True)
    api.sim.advance_clock(3600)
    assert await api.pull(await api.subscribe(include="-60")) == []


async def test_filter_selects_the_names_of_events(api: Api) -> None:
    channel = await api.subscribe(filter="KeyPressed,MotionDetected")
    api.sim.press("%2", call=False)
    api.sim.release("%2")
    api.sim.motion()
    api.sim.emit("SomethingNew", colour="green")
    assert names(await api.pull(channel)) == ["KeyPressed", "MotionDetected"]
    assert await api.error("log/subscribe", filter="KeyPressed,Doorbell") == (12, "filter")
    everything = await api.subscribe(filter="")
    api.sim.emit("SomethingNew", colour="green")
    assert names(await api.pull(everything)) == ["SomethingNew"]


async def test_a_pull_returns_up_to_128_events(api: Api) -> None:
    channel = await api.subscribe(filter="MotionDetected")
    for _ in range(300):
        api.sim.motion()
    assert [len(await api.pull(channel)) for _ in range(4)] == [128, 128, 44, 0]


async def test_the_history_holds_10000_events(api: Api) -> None:
    for _ in range(10_050):
        api.sim.motion()
    assert len(api.sim.history) == 10_000


async def test_a_pull_waits_for_an_event(api: Api) -> None:
    channel = await api.subscribe(filter="KeyPressed")
    pull = asyncio.ensure_future(api.pull(channel, timeout=60))
    await api.sim.wait_for_pull()
    # One pull at a time.
    assert await api.error("log/pull", id=channel) == (18, None)
    api.sim.press("%1", call=False)
    assert names(await pull) == ["KeyPressed"]
    assert await api.pull(channel, timeout=1) == []


async def test_invalid_log_parameters_are_rejected(api: Api) -> None:
    assert await api.error("log/pull") == (11, "id")
    assert await api.error("log/pull", id=1) == (12, "id")
    assert (await api.get("log/pull", id=1))["error"]["description"] == "invalid subscription id"
    assert await api.error("log/unsubscribe", id="x") == (12, "id")
    for duration in (0, 3601, "long"):
        assert await api.error("log/subscribe", duration=duration) == (12, "duration")
    channel = await api.subscribe(duration=3600)
    assert await api.error("log/pull", id=channel, timeout=-1) == (12, "timeout")
    await api.do("log/unsubscribe", id=channel)
    assert await api.error("log/unsubscribe", id=channel) == (12, "id")


async def test_an_unread_channel_closes_after_its_duration(api: Api) -> None:
    """`duration` runs while no pull is in progress; each pull restarts it."""
    channel = await api.subscribe(duration=4)
    for _ in range(3):
        await asyncio.sleep(0.1)
        await api.pull(channel)
    assert await api.pull(channel, timeout=6) == []
    await asyncio.sleep(0.3)
    assert await api.error("log/pull", id=channel) == (12, "id")


async def test_missing_privileges_are_silence(device: Factory) -> None:
    """HTTP API 5.10.2: no error, no event."""
    api = await device("verso", accounts=[Account("ha", "ha-pass", Privilege.IO_MONITORING)])
    channel = await api.subscribe()

    def everything() -> None:
        api.sim.press("%1")
        api.sim.motion()
        api.sim.set_input("input1", not api.sim.ports["input1"].state)
        api.sim.swipe_card("FFFFFF")

    everything()
    assert names(await api.pull(channel)) == [
        "CallSessionStateChanged",
        "MotionDetected",
        "InputChanged",
        "UserRejected",
    ]
    api.sim.grant("ha", "keypad_monitoring,phone_monitoring")
    api.sim.revoke("ha", Privilege.IO_MONITORING)
    api.sim.terminate(1)
    await api.pull(channel)
    everything()
    assert names(await api.pull(channel)) == [
        "KeyPressed",
        "CallStateChanged",
        "CallStateChanged",
        "CallSessionStateChanged",
        "MotionDetected",
        "UserRejected",
    ]


async def test_an_access_unit_leaves_some_channels_empty(device: Factory) -> None:
    """captures/access_unit_2.46_observations.json."""
    api = await device("access_unit")
    deaf = await api.subscribe(include="new", filter="CardEntered")
    hears = await api.subscribe(include="all", filter="CardEntered")
    unfiltered = await api.subscribe(include="all")
    api.sim.swipe_card("4BD9E903")
    assert await api.pull(deaf) == []
    assert names(await api.pull(hears)) == ["CardEntered"]
    assert await api.pull(unfiltered) == []
    api.sim.include_new_bug = False
    cured = await api.subscribe(filter="CardEntered")
    api.sim.swipe_card("4BD9E903")
    assert names(await api.pull(cured)) == ["CardEntered"]


async def test_a_valid_card_opens_the_door(api: Api) -> None:
    """CardEntered, UserAuthenticated, then the switch, all in the same second."""
    channel = await api.subscribe()
    api.sim.swipe_card("4BD9E903")
    events = await api.pull(channel)
    assert names(events) == ["CardEntered", "UserAuthenticated", "SwitchStateChanged", "OutputChanged"]
    assert len({event["utcTime"] for event in events[:2]}) == 1
    assert events[0]["params"] == {
        "ap": 0,
        "session": 1,
        "direction": "in",
        "reader": "internal",
        "uid": "4BD9E903",
        "uuid": "54877b0e-4cc3-c645-9530-6c7850f47a9c",
        "valid": True,
    }
    assert events[1]["params"]["name"] == "Alice Gruberová"
    assert events[2]["params"] == {"switch": 1, "state": True, "originator": "ap", "ap": 0, "session": 1}


@pytest.mark.parametrize(
    ("code", "valid", "expected", "reason"),
    [
        ("1234", None, "UserAuthenticated", None),
        ("0000", None, "UserRejected", "invalidCredential"),
        ("1234", False, "UserRejected", "invalidCredential"),
        ("9078", None, "UserRejected", "invalidTime"),
        ("4444", True, "SwitchStateChanged", None),
    ],
)
async def test_a_code_is_accepted_or_rejected(
    api: Api, code: str, valid: bool | None, expected: str, reason: str | None
) -> None:
    """KeyPressed contains the digits, then CodeEntered the whole code."""
    channel = await api.subscribe()
    api.sim.enter_code(code, valid)
    events = await api.pull(channel)
    keys = [event["params"]["key"] for event in events if event["event"] == "KeyPressed"]
    assert keys == [*code, "#"]
    at = names(events).index("CodeEntered")
    assert events[at]["params"]["code"] == code
    assert events[at + 1]["event"] == expected
    assert events[at + 1]["params"].get("reason") == reason


async def test_a_locked_switch_rejects(api: Api) -> None:
    await api.do("switch/ctrl", switch=1, action="lock")
    api.sim.swipe_card("3F00F318E7")
    assert api.sim.history[-1].name == "UserRejected"
    assert api.sim.history[-1].params["reason"] == "switchLocked"
    assert api.sim.history[-1].params["name"] == "Jiří Novák"


async def test_door_alarms_are_events(api: Api) -> None:
    channel = await api.subscribe()
    api.sim.door(True)
    api.sim.unauthorized_door()
    api.sim.door_too_long()
    events = await api.pull(channel)
    assert [(event["event"], event["params"]["state"]) for event in events] == [
        ("InputChanged", True),
        ("DoorStateChanged", "opened"),
        ("UnauthorizedDoorOpen", "in"),
        ("DoorOpenTooLong", "in"),
    ]
