"""Changes of a running simulated 2N: switches, modules, names, licenses; and events without a function."""

from io import BytesIO
from typing import Any

import aiohttp
from PIL import Image
import pytest

from tests.simulators.two_n import MODELS, VERBS, Control, Simulator
from tests.simulators.two_n.models import EVENTS_UNDESCRIBED

from .conftest import OK, Api, Factory


async def changes(api: Api) -> list[tuple[str, dict[str, Any]]]:
    return await api.events(
        "ConfigurationChanged", "CapabilitiesChanged", "SwitchOperationChanged", "HardwareChanged", "SwitchStateChanged"
    )


async def test_a_switch_is_disabled_and_enabled(api: Api) -> None:
    await api.do("switch/ctrl", switch=1, action="hold")
    seen = len(await changes(api))
    api.sim.configure_switch(1, enabled=False)
    assert (await api.result("switch/caps", switch=1))["switches"] == [{"switch": 1, "enabled": False}]
    assert await api.error("switch/ctrl", switch=1, action="on") == (14, None)
    assert (await api.result("switch/status", switch=1))["switches"][0]["active"] is False
    api.sim.configure_switch(1, enabled=True)
    assert (await changes(api))[seen:] == [
        ("SwitchStateChanged", {"switch": 1, "state": False}),
        ("ConfigurationChanged", {}),
        ("CapabilitiesChanged", {}),
        ("SwitchOperationChanged", {"switch": 1, "enabled": False}),
        ("ConfigurationChanged", {}),
        ("CapabilitiesChanged", {}),
        ("SwitchOperationChanged", {"switch": 1, "enabled": True}),
    ]


async def test_the_mode_and_duration_of_a_switch_can_be_changed(api: Api) -> None:
    api.sim.configure_switch(1, mode="bistable")
    assert (await api.result("switch/caps", switch=1))["switches"][0]["mode"] == "bistable"
    api.sim.configure_switch(1, mode="monostable", duration=7)
    assert (await api.result("switch/caps", switch=1))["switches"][0]["switchOnDuration"] == 7
    assert await changes(api) == [("ConfigurationChanged", {})] * 2
    with pytest.raises(ValueError, match="unstable"):
        api.sim.configure_switch(1, mode="unstable")
    with pytest.raises(TypeError):
        api.sim.configure_switch(1, colour="red")
    with pytest.raises(KeyError):
        api.sim.configure_switch(9, enabled=True)


async def test_a_plugged_io_module_adds_ports(api: Api) -> None:
    before = (await api.result("io/caps"))["ports"]
    api.sim.plug_module("ext1", "io")
    assert (await api.result("io/caps"))["ports"] == [
        *before,
        {"port": "ext1_input1", "type": "input"},
        {"port": "ext1_relay1", "type": "output"},
    ]
    await api.do("io/ctrl", port="ext1_relay1", action="on")
    api.sim.set_input("ext1_input1", True)
    assert (await api.result("io/status", port="ext1_input1"))["ports"] == [{"port": "ext1_input1", "state": 1}]
    api.sim.unplug_module("ext1")
    assert (await api.result("io/caps"))["ports"] == before
    assert await api.error("io/status", port="ext1_relay1") == (12, "port")
    hardware = [params for name, params in await changes(api) if name == "HardwareChanged"]
    assert [(params["reason"], params["id"]) for params in hardware] == [(1, "ext1"), (2, "ext1")]
    assert (await changes(api))[-1] == ("CapabilitiesChanged", {})


async def test_a_plugged_display_module_adds_functions(api: Api) -> None:
    """A Verso with a plugged-in display supports display/caps and photos."""
    assert await api.error("display/caps") == (1, None)
    assert "photo" not in (await api.result("dir/template"))["users"][0]
    api.sim.plug_module("ext2", "display")
    displays = (await api.result("display/caps"))["displays"]
    assert displays == [{"display": "ext2", "resolution": {"width": 320, "height": 214}}]
    assert "photo" in (await api.result("dir/template"))["users"][0]
    assert (await api.result("system/caps"))["options"]["display"] == "active"
    buffer = BytesIO()
    Image.new("RGB", (320, 214)).save(buffer, "PNG")
    assert await api.put("display/image", {"blob-image": buffer.getvalue()}, display="ext2") == OK
    assert await api.error("display/text") == (1, None)
    api.sim.unplug_module("ext2")
    assert await api.error("display/caps") == (1, None)
    assert "photo" not in (await api.result("dir/template"))["users"][0]
    assert "display" not in (await api.result("system/caps"))["options"]


async def test_modules_outlive_a_restart(api: Api) -> None:
    api.sim.plug_module("ext1", "io")
    await api.sim.reboot(0)
    assert "ext1_relay1" in api.sim.ports
    with pytest.raises(ValueError, match="ext1"):
        api.sim.plug_module("ext1", "io")
    with pytest.raises(ValueError, match="camera"):
        api.sim.plug_module("ext9", "camera")
    with pytest.raises(KeyError):
        api.sim.unplug_module("ext9")
    assert "ext1_relay1" not in MODELS["verso"].ports


async def test_a_display_is_pulled_out(device: Factory) -> None:
    api = await device("verso3")
    api.sim.unplug_module("ext1")
    assert await api.error("display/caps") == (1, None)
    api.sim.plug_module("ext1", "io")
    assert "ext1_input1" in api.sim.ports


@pytest.mark.parametrize("model", ["vario", "indoor"])
async def test_a_model_without_modules_rejects_them(device: Factory, model: str) -> None:
    api = await device(model)
    with pytest.raises(ValueError, match="place"):
        api.sim.plug_module("ext1", "io")


@pytest.mark.parametrize("entry", ["Alice Gruberová", "54877b0e-4cc3-c645-9530-6c7850f47a9c"])
async def test_an_entry_is_renamed(device: Factory, entry: str) -> None:
    api = await device(speed=100)
    api.sim.rename_entry(entry, "Alice Nováková")
    assert api.sim.directory["Alice Nováková"]["access"]["pin"] == "1234"
    changed = {"series": api.sim.directory.series, "timestamp": 4}
    assert await api.events("DirectoryChanged") == [("DirectoryChanged", changed)]
    channel = await api.subscribe(include="all", filter="DirectorySaved")
    assert [event["params"] for event in await api.pull(channel, timeout=60)] == [changed]
    users = (await api.directory("POST", "query", iterator={"timestamp": 4}, fields=["name"]))["users"]
    assert [user["name"] for user in users] == ["Alice Nováková"]
    with pytest.raises(KeyError):
        api.sim.rename_entry("Nobody", "Somebody")
    with pytest.raises(ValueError, match="name"):
        api.sim.rename_entry("Jiří Novák", "x" * 64)


async def test_a_function_without_its_license_is_unsupported(api: Api) -> None:
    """captures/errors.json: a function without its license is not supported."""
    api.sim.take_licence("config")
    api.sim.take_licence("audio/test")
    assert await api.error("config") == (1, None)
    assert await api.error("config/holidays") == (1, None)
    assert await api.error("audio/test") == (1, None)
    api.sim.give_licence("audio/test")
    await api.do("audio/test")


# ---- Events ----

# Verbs that cause an event, as a client finds it in the log; None is for parameters that are not documented.
CAUSES: list[tuple[str, dict[str, Any], str, dict[str, Any] | None]] = [
    ("block_login", {"address": "10.0.23.32"}, "LoginBlocked", {"address": "10.0.23.32"}),
    ("virtual_input", {"port": "input1"}, "VirtualInput", {"port": "input1", "state": True}),
    ("virtual_output", {"port": "output3", "state": False}, "VirtualOutput", {"port": "output3", "state": False}),
    ("user_action", {"action": "lights"}, "UserActionActivated", {"id": "lights", "state": True}),
    ("rescue", {}, "RescueStateChanged", {"state": "in", "reason": "call"}),
    ("wave_key", {}, "WaveKeyActivated", {"type": "motion"}),
    ("take_access", {"ap": 1}, "AccessTaken", {"ap": 1, "session": 1}),
    ("error_state", {}, "ErrorStateChanged", None),
    ("external_camera", {}, "ExternalCameraStateChanged", None),
    ("checking_call", {}, "CheckingCall", None),
    ("dtmf_pressed", {"code": "1"}, "DtmfPressed", None),
    ("dtmf_sent", {"code": "1"}, "DtmfSent", None),
    ("enroll_finger", {}, "FingerEnrollState", None),
]


@pytest.mark.parametrize(("verb", "arguments", "event", "params"), CAUSES, ids=[cause[0] for cause in CAUSES])
async def test_each_verb_causes_its_event(
    device: Factory, verb: str, arguments: dict[str, Any], event: str, params: dict[str, Any] | None
) -> None:
    api = await device("verso3")
    getattr(api.sim, verb)(**arguments)
    [(name, found)] = await api.events(event)
    assert name == event
    assert params is None or found == params


async def test_undocumented_events_are_only_in_new_firmware(device: Factory) -> None:
    events = (await (await device("verso3")).result("log/caps"))["events"]
    assert set(EVENTS_UNDESCRIBED) <= set(events)
    assert not set(EVENTS_UNDESCRIBED) & set(MODELS["verso"].events)


async def test_a_valid_dtmf_code_opens_a_door(api: Api) -> None:
    """A code that the other side of a call dials opens a door."""
    with pytest.raises(ValueError, match="no call"):
        api.sim.dtmf("00", valid=True)
    session = api.sim.incoming_call()
    await api.do("call/answer", session=session)
    api.sim.dtmf("00", valid=True)
    api.sim.dtmf("7755")
    api.sim.dtmf("99")
    events = await api.events("DtmfEntered", "SwitchStateChanged")
    assert events == [
        ("DtmfEntered", {"code": "00", "type": "uni", "call": 1, "valid": True}),
        ("SwitchStateChanged", {"switch": 1, "state": True, "originator": "dtmf"}),
        ("DtmfEntered", {"code": "7755", "type": "user", "call": 1, "valid": True}),
        ("SwitchStateChanged", {"switch": 2, "state": True, "originator": "dtmf"}),
        ("DtmfEntered", {"code": "99", "type": "uni", "call": 1, "valid": False}),
    ]


# ---- The control port ----

CONTROLLED: list[tuple[str, dict[str, Any]]] = [
    ("plug_module", {"name": "ext7", "kind": "io"}),
    ("unplug_module", {"name": "ext7"}),
    ("configure_switch", {"number": 1, "enabled": False}),
    ("rename_entry", {"entry": "Alice Gruberová", "new_name": "Alice"}),
    ("disable_access_point", {"ap": 1}),
    ("set_triggers", {"triggers": ["light"]}),
    ("automatic_time", {"automatic": False}),
    ("take_licence", {"function": "config"}),
    ("give_licence", {"function": "config"}),
    ("set_audio_result", {"result": "failed"}),
    ("set_pcap_size", {"size": 1000}),
    ("touch_display", {"display": "ext1", "x": 1, "y": 2}),
    ("hold_card", {"uid": "4BD9E903"}),
    ("swipe_finger", {"user": "Alice"}),
    ("mobile_key_entered", {"authid": "48c48155eed7ea1dbb0b4d534b7459b9"}),
    ("pair", {"authid": "48c48155eed7ea1dbb0b4d534b7459b9", "state": "paired"}),
    ("silent_alarm", {"user": "Alice"}),
    ("lockdown", {"state": False}),
    ("rex", {}),
    ("lift_module", {"module": 0, "ready": False}),
    ("lift_public_floors", {"floors": [1, 4]}),
    ("lift_config", {"config_hash": 11}),
    ("set", {"limit_failed_access": False, "pcap_content_type": "application/octet-stream"}),
    ("factory_reset", {}),
    *((verb, arguments) for verb, arguments, _, _ in CAUSES),
]


async def test_the_control_port_runs_each_verb(device: Factory) -> None:
    """Every verb can be sent as JSON, and the state is returned as JSON."""
    api = await device("verso3")
    control = Control(api.sim)
    await control.start(0)
    try:
        async with aiohttp.ClientSession(f"http://{control.address}/control/") as session:
            for verb, arguments in CONTROLLED:
                async with session.post(verb, json=arguments) as response:
                    assert (await response.json())["success"], verb
            async with session.post("set_audio_result", json={"result": "loud"}) as response:
                assert response.status == 400
            async with session.get("state") as response:
                state = await response.json()
    finally:
        await control.stop()
    assert state["displays"] == {"ext1": {}}
    assert state["deviceName"] == "2N IP Verso 2.0"
    assert state["directory"] == {}


async def test_the_picture_on_a_display_is_returned(device: Factory) -> None:
    api = await device("verso3")
    control = Control(api.sim)
    await control.start(0)
    try:
        async with aiohttp.ClientSession(f"http://{control.address}/control/") as session:
            assert (await session.get("display/ext1")).status == 204
            assert (await session.get("display/cellar")).status == 404
            for layer, colour in (("top", "red"), ("main", "blue")):
                buffer = BytesIO()
                Image.new("RGB", (320, 214), colour).save(buffer, "PNG")
                form = aiohttp.FormData({"display": "ext1", "displayLayer": layer})
                form.add_field("blob-image", buffer.getvalue(), filename="a.png", content_type="image/png")
                assert await api.send("PUT", "display/image", data=form) == OK
            for layer, pixel in (("top", (255, 0, 0)), ("main", (0, 0, 255))):
                async with session.get("display/ext1") as response:
                    assert response.content_type == "image/png"
                    picture = Image.open(BytesIO(await response.read()))
                assert picture.getpixel((0, 0)) == pixel, "the layer in front hides the others"
                assert (
                    await api.send("DELETE", "display/image", params={"display": "ext1", "displayLayer": layer}) == OK
                )
            assert (await session.get("display/ext1")).status == 204
    finally:
        await control.stop()


async def test_time_from_the_network_is_ticked_and_cleared(api: Api) -> None:
    right = api.sim.clock.utc()
    api.sim.automatic_time(False)
    assert (await api.result("system/time"))["automatic"] is False
    assert await changes(api) == [("ConfigurationChanged", {})]
    await api.do("system/time/set", time=right - 90)
    assert api.sim.clock.utc() < right - 60
    api.sim.automatic_time()
    assert (await api.result("system/time")).items() >= {"automatic": True, "source": "ntp"}.items()
    assert api.sim.clock.utc() >= right


def test_every_verb_is_a_method() -> None:
    assert len(VERBS) == len(set(VERBS))
    assert [verb for verb in VERBS if not callable(getattr(Simulator, verb, None))] == []
