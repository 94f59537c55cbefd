"""Every event of the manual is on the bus, and has its entities (HTTP API 5.10.1, 5.10.4)."""

import asyncio
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
import pytest

from tests.api_docs import read
from tests.common import add_intercom, capture_log_events, entity_id, state_of, until
from tests.simulators.two_n import Simulator

EVENTS: list[dict[str, Any]] = read("two_n_api.json")["events"]


async def test_every_documented_event_is_fired_on_the_bus(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    captured = capture_log_events(hass)
    sim.log._supported = tuple(event["type"] for event in EVENTS)
    sim.emit("CapabilitiesChanged")  # it has learnt them all
    await until(lambda: any(e.data["type"] == "CapabilitiesChanged" for e in captured))
    await asyncio.sleep(1.2)
    await sim.wait_for_pull()
    await reload_with_touches(hass, sim, entry)
    for event in EVENTS:
        sim.emit(event["type"], **event["params"])
    wanted = {event["type"] for event in EVENTS}
    await until(lambda: wanted <= {e.data["type"] for e in captured}, "all events")
    for event in EVENTS:
        told = next(e.data for e in captured if e.data["type"] == event["type"])
        assert set(told["data"]) == set(event["params"]) or event["type"] in {"CapabilitiesChanged", "DeviceState"}


async def reload_with_touches(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    hass.config_entries.async_update_entry(entry, options={"show_touches": True})
    await hass.config_entries.async_reload(entry.entry_id)
    await sim.wait_for_pull()


async def test_an_unknown_event_is_fired_on_the_bus(hass: HomeAssistant, sim: Simulator) -> None:
    sim.log._supported = (*sim.log._supported, "TeleporterActivated")
    await add_intercom(hass, sim)
    captured = capture_log_events(hass)
    sim.emit("TeleporterActivated", pad=3)
    await until(lambda: captured)
    assert (captured[0].data["type"], captured[0].data["data"]) == ("TeleporterActivated", {"pad": 3})


# -- what lasts --------------------------------------------------------------------------------------

IN_OUT = ({"state": "in"}, {"state": "out"})


@pytest.mark.parametrize(
    ("event", "on", "off", "platform", "key"),
    [
        ("AccessLimited", {"ap": 0, "type": "card", "state": "in"}, {"ap": 0, "type": "card", "state": "out"},
         "binary_sensor", "alarm_access_limited"),
        ("ApLockStateChanged", {"ap": 1, "state": "in"}, {"ap": 1, "state": "out"}, "binary_sensor", "alarm_lockdown"),
        ("DoorOpenTooLong", *IN_OUT, "binary_sensor", "alarm_door_held_open"),
        ("DoorStateChanged", {"state": "opened"}, {"state": "closed"}, "binary_sensor", "alarm_door_open"),
        ("MotionDetected", {"state": "in", "id": 1}, {"state": "out", "id": 1}, "binary_sensor", "alarm_motion"),
        ("NoiseDetected", *IN_OUT, "binary_sensor", "alarm_noise"),
        ("SwitchesBlocked", *IN_OUT, "binary_sensor", "alarm_switches_blocked"),
        ("TamperSwitchActivated", *IN_OUT, "binary_sensor", "alarm_tamper"),
        ("UnauthorizedDoorOpen", *IN_OUT, "binary_sensor", "alarm_door_forced"),
        ("AccessBlocked", {"ap": 0, "state": "in"}, {"ap": 0, "state": "out"}, "switch", "access_point_entry"),
        ("InputChanged", {"port": "input1", "state": True}, {"port": "input1", "state": False},
         "binary_sensor", "port_input1"),
        ("VirtualOutput", {"port": "2", "state": True}, {"port": "2", "state": False},
         "binary_sensor", "port_virtual_output_2"),
        ("RegistrationStateChanged", {"sipAccount": 1, "state": "registered"},
         {"sipAccount": 1, "state": "unregistered"}, "binary_sensor", "line_1"),
        ("SwitchOperationChanged", {"switch": 1, "held": True}, {"switch": 1, "held": False},
         "switch", "door_1_hold_open"),
    ],
)  # fmt: skip
async def test_lasting_conditions_are_states(
    hass: HomeAssistant,
    sim: Simulator,
    entry: ConfigEntry,
    event: str,
    on: dict[str, Any],
    off: dict[str, Any],
    platform: str,
    key: str,
) -> None:
    captured = capture_log_events(hass)
    for params, state in ((on, "on"), (off, "off"), (on, "on")):
        captured.clear()
        sim.emit(event, **params)
        await until(lambda: captured)
        await hass.async_block_till_done()
        assert state_of(hass, entry, platform, key) == state


async def test_an_alarm_has_its_source_as_an_attribute(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    sim.lockdown(True, ap=1)
    await until(lambda: state_of(hass, entry, "binary_sensor", "alarm_lockdown") == "on")
    state = hass.states.get(entity_id(hass, entry, "binary_sensor", "alarm_lockdown"))
    assert state is not None and state.attributes["where"] == ["exit"]


# -- what happens ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "params", "key", "word", "attributes"),
    [
        ("AudioLoopTest", {"result": "failed"}, "audio_test", "failed", {}),
        ("RexActivated", {"ap": 1, "session": 1}, "exit_button", "press_start", {"entrance": "exit"}),
        ("SilentAlarm", {"ap": 0, "session": 1, "name": "Anna", "uuid": "x"}, "silent_alarm", "triggered",
         {"name": "Anna", "entrance": "entry"}),
        ("LoginBlocked", {"address": "10.0.0.9"}, "login_blocked", "blocked", {"address": "10.0.0.9"}),
        ("DtmfEntered", {"code": "1234", "type": "user", "call": 2, "valid": True}, "tone", "entered",
         {"type": "user", "valid": True}),
        ("DtmfSent", {"code": "1234"}, "tone", "sent", {}),
    ],
)  # fmt: skip
async def test_momentary_occurrences_are_event_entities(
    hass: HomeAssistant,
    sim: Simulator,
    entry: ConfigEntry,
    event: str,
    params: dict[str, Any],
    key: str,
    word: str,
    attributes: dict[str, Any],
) -> None:
    assert state_of(hass, entry, "event", key) == "unknown"
    sim.emit(event, **params)
    await until(lambda: state_of(hass, entry, "event", key) != "unknown")
    state = hass.states.get(entity_id(hass, entry, "event", key))
    assert state is not None
    assert state.attributes["event_type"] == word
    assert attributes.items() <= state.attributes.items()
    assert "1234" not in str(state.attributes)


async def test_touches_are_reported_only_with_the_option(hass: HomeAssistant, sockets: None) -> None:
    async with Simulator("verso3") as sim:
        entry = await add_intercom(hass, sim)
        captured = capture_log_events(hass)
        display = next(iter(sim.displays.all))
        sim.touch_display(display, 10, 20)
        sim.emit("UserActionActivated", id=1, state="in")
        await until(lambda: captured)
        assert [event.data["type"] for event in captured] == ["UserActionActivated"]
        await reload_with_touches(hass, sim, entry)
        sim.touch_display(display, 10, 20)
        await until(lambda: state_of(hass, entry, "event", "touch") != "unknown")
        state = hass.states.get(entity_id(hass, entry, "event", "touch"))
        assert state is not None and (state.attributes["x"], state.attributes["y"]) == (10, 20)
