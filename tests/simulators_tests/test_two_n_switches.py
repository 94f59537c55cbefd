"""Switches and ports of the 2N simulator (HTTP API 5.4 and 5.5)."""

import asyncio
from typing import Any

import pytest

from tests.simulators.two_n import MODELS

from .conftest import Api, Factory

WITH_SWITCHES = [model for model in MODELS if model != "indoor"]


async def status(api: Api, switch: int) -> dict[str, Any]:
    found: dict[str, Any] = (await api.result("switch/status", switch=switch))["switches"][0]
    return found


@pytest.mark.parametrize("model", WITH_SWITCHES)
async def test_each_model_has_four_switches(device: Factory, model: str) -> None:
    api = await device(model)
    switches = (await api.result("switch/caps"))["switches"]
    assert [switch["switch"] for switch in switches] == [1, 2, 3, 4]
    assert switches[0] == {"switch": 1, "enabled": True, "mode": "monostable", "switchOnDuration": 5, "type": "normal"}
    assert switches[3] == {"switch": 4, "enabled": False}
    if model.startswith("verso"):
        assert switches[1] == {"switch": 2, "enabled": True, "mode": "bistable", "type": "normal"}


@pytest.mark.parametrize("model", WITH_SWITCHES)
async def test_monostable_ends_by_itself(device: Factory, model: str) -> None:
    api = await device(model, speed=50)
    channel = await api.subscribe(include="all", filter="OutputChanged")
    await api.pull(channel)
    await api.do("switch/ctrl", switch=1, action="trigger")
    assert (await status(api, 1))["active"] is True
    assert api.sim.outputs["relay1"] is True
    assert (await api.result("io/status", port="relay1"))["ports"] == [{"port": "relay1", "state": 1}]
    await asyncio.sleep(0.12)
    assert (await status(api, 1))["active"] is False
    events = [event["params"] for event in await api.pull(channel)]
    assert events == [{"port": "relay1", "state": True}, {"port": "relay1", "state": False}]
    assert [a[:3] for a in api.sim.switch_activations] == [(1, "trigger", "ha")]


async def test_each_change_of_a_switch_is_an_event(api: Api) -> None:
    channel = await api.subscribe(filter="SwitchStateChanged,OutputChanged,SwitchOperationChanged")
    await api.do("switch/ctrl", switch=2, action="on")
    await api.do("switch/ctrl", switch=2, action="lock")
    await api.do("switch/ctrl", switch=2, action="unlock")
    events = [(event["event"], event["params"]) for event in await api.pull(channel)]
    assert events == [
        ("SwitchStateChanged", {"switch": 2, "state": True, "originator": "api"}),
        ("OutputChanged", {"port": "output1", "state": True}),
        ("SwitchOperationChanged", {"switch": 2, "locked": True, "originator": "api"}),
        ("SwitchStateChanged", {"switch": 2, "state": False, "originator": "api"}),
        ("OutputChanged", {"port": "output1", "state": False}),
        ("SwitchOperationChanged", {"switch": 2, "locked": False, "originator": "api"}),
    ]


async def test_a_bistable_switch_keeps_its_state(api: Api) -> None:
    for action, active in (("trigger", True), ("trigger", False), ("on", True), ("on", True), ("off", False)):
        await api.do("switch/ctrl", switch=2, action=action)
        assert (await status(api, 2))["active"] is active


async def test_a_locked_switch_rejects_commands(api: Api) -> None:
    await api.do("switch/ctrl", switch=1, action="hold")
    assert await status(api, 1) == {"switch": 1, "active": True, "locked": False, "held": True}
    assert await api.error("switch/ctrl", switch=1, action="off") == (14, None)
    await api.do("switch/ctrl", switch=1, action="lock")
    assert await status(api, 1) == {"switch": 1, "active": False, "locked": True, "held": True}
    body = await api.get("switch/ctrl", switch=1, action="on")
    assert body["error"] == {"code": 14, "description": "action failed"}
    assert await api.error("switch/ctrl", switch=1, action="trigger") == (14, None)
    await api.do("switch/ctrl", switch=1, action="off")
    await api.do("switch/ctrl", switch=1, action="unlock")
    assert (await status(api, 1))["active"] is True
    await api.do("switch/ctrl", switch=1, action="release")
    assert await status(api, 1) == {"switch": 1, "active": False, "locked": False, "held": False}


async def test_a_hold_ends_after_its_timeout(api: Api) -> None:
    await api.do("switch/ctrl", switch=1, action="hold", timeout=3)
    held = await status(api, 1)
    assert held["held"] is True
    assert held["holdTimeout"] in (2, 3)
    await asyncio.sleep(0.2)
    assert await status(api, 1) == {"switch": 1, "active": False, "locked": False, "held": False}
    await api.do("switch/ctrl", switch=1, action="hold", timeout=86_400)
    await api.do("switch/ctrl", switch=1, action="hold")
    assert "holdTimeout" not in await status(api, 1)


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({}, (11, "switch")),
        ({"switch": "door", "action": "on"}, (12, "switch")),
        ({"switch": 9, "action": "on"}, (14, None)),
        ({"switch": 1}, (11, "action")),
        ({"switch": 1, "action": "open"}, (12, "action")),
        ({"switch": 3, "action": "lock"}, (14, None)),
        ({"switch": 1, "action": "hold", "timeout": 0}, (12, "timeout")),
        ({"switch": 1, "action": "hold", "timeout": 86_401}, (12, "timeout")),
        ({"switch": 1, "action": "on", "timeout": 5}, (17, "timeout")),
    ],
)
async def test_invalid_switch_parameters_are_rejected(
    api: Api, params: dict[str, Any], error: tuple[int, str | None]
) -> None:
    assert await api.error("switch/ctrl", **params) == error
    assert api.sim.switch_activations == []


async def test_the_response_text_can_be_set(api: Api) -> None:
    """The text may be empty (HTTP API 5.5.3)."""
    for text in ("TEST", ""):
        for query in (
            f"switch/ctrl?switch=2&action=on&response={text}",
            f"io/ctrl?port=relay1&action=on&response={text}",
        ):
            async with api.session.get(api.url(query)) as response:
                assert response.content_type == "text/plain"
                assert await response.text() == text


async def test_old_firmware_knows_three_actions(device: Factory) -> None:
    api = await device("vario")
    assert await status(api, 1) == {"switch": 1, "active": False}
    assert await api.error("switch/ctrl", switch=1, action="hold") == (12, "action")
    await api.do("switch/ctrl", switch=1, action="on")


async def test_tamper_blocks_the_switches(device: Factory) -> None:
    """SwitchesBlocked, HTTP API 5.10.4: lasts 30 minutes and survives a restart."""
    api = await device("verso3", speed=20)
    api.sim.tamper_blocks_switches = True
    channel = await api.subscribe(filter="TamperSwitchActivated,SwitchesBlocked,InputChanged")
    api.sim.tamper(True)
    events = [(event["event"], event["params"]["state"]) for event in await api.pull(channel)]
    assert events == [("InputChanged", True), ("TamperSwitchActivated", "in"), ("SwitchesBlocked", "in")]
    assert await api.error("switch/ctrl", switch=1, action="on") == (14, None)
    await api.sim.reboot(0)
    assert await api.error("switch/ctrl", switch=1, action="on") == (14, None)
    api.sim.block_switches(False)
    await api.do("switch/ctrl", switch=1, action="on")


@pytest.mark.parametrize("model", MODELS)
async def test_each_model_has_its_ports(device: Factory, model: str) -> None:
    api = await device(model)
    caps = (await api.result("io/caps"))["ports"]
    assert {port["port"]: port["type"] for port in caps} == MODELS[model].ports
    states = (await api.result("io/status"))["ports"]
    assert states == [{"port": port["port"], "state": 0} for port in caps]
    one = caps[-1]["port"]
    assert (await api.result("io/caps", port=one))["ports"] == [caps[-1]]
    assert await api.error("io/status", port="relay9") == (12, "port")
    for port in caps:
        if port["type"] == "input":
            assert await api.error("io/ctrl", port=port["port"], action="on") == (12, "port")


async def test_a_changed_output_is_one_event(api: Api) -> None:
    channel = await api.subscribe(filter="OutputChanged,InputChanged")
    assert await api.error("io/ctrl") == (11, "port")
    assert await api.error("io/ctrl", port="output1") == (11, "action")
    assert await api.error("io/ctrl", port="output1", action="toggle") == (12, "action")
    await api.do("io/ctrl", port="output1", action="on")
    await api.do("io/ctrl", port="output1", action="on")
    api.sim.set_input("input1", True)
    assert [event["params"] for event in await api.pull(channel)] == [
        {"port": "output1", "state": True},
        {"port": "input1", "state": True},
    ]
