"""Calls of an extension: their entities and commands."""

from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
import pytest

from tests.common import act, command, entity_id, refusal, state_of, until
from tests.entity_states import entity_state, wait_for_event, wait_for_state
from tests.simulators.mx_proxy import LOGIN, Simulator

from .conftest import add


async def test_the_extension_has_its_states_after_setup(hass: HomeAssistant, entry: ConfigEntry) -> None:
    assert state_of(hass, entry, "sensor", "extension") == "3107"
    assert state_of(hass, entry, "sensor", "missed_calls") == "0"
    assert state_of(hass, entry, "binary_sensor", "ringing") == "off"
    call = entity_state(hass, entry, "sensor", "call_state")
    assert call.state == "idle"
    assert call.attributes["options"] == ["idle", "connecting", "ringing", "held", "connected"]
    last = entity_state(hass, entry, "sensor", "last_call")
    assert {key: last.attributes[key] for key in ("type", "name", "number")} == {
        "type": "outgoing",
        "name": "Ben Osei",
        "number": "3108",
    }
    types = entity_state(hass, entry, "event", "call").attributes["event_types"]
    assert set(types) == {
        *("connecting", "ringing", "connected", "held", "terminated"),
        *("answered", "missed", "placed", "voicemail"),
    }
    assert state_of(hass, entry, "event", "call") == "unknown"
    assert state_of(hass, entry, "sensor", "pushes") == "off"


async def test_an_incoming_call_rings_until_it_is_answered(
    hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry
) -> None:
    assert state_of(hass, pushed, "sensor", "pushes") == "expected"
    call = sim.incoming_call("3190")
    await wait_for_state(hass, pushed, "binary_sensor", "ringing", "on")
    assert state_of(hass, pushed, "sensor", "pushes") == "arriving"
    assert state_of(hass, pushed, "sensor", "call_state") == "ringing"
    data = await wait_for_event(hass, pushed, "call", "ringing")
    assert (data["direction"], data["peer"], data["session"]) == ("incoming", "3190", call)
    sim.pick_up(call)
    await wait_for_state(hass, pushed, "sensor", "call_state", "connected")
    assert state_of(hass, pushed, "binary_sensor", "ringing") == "off"
    sim.hang_up(call)
    data = await wait_for_event(hass, pushed, "call", "answered")
    assert (data["number"], data["name"]) == ("3190", "Front door")
    assert state_of(hass, pushed, "sensor", "call_state") == "idle"
    assert state_of(hass, pushed, "sensor", "missed_calls") == "0"


async def test_an_outgoing_call_does_not_ring(hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry) -> None:
    call = sim.dial("3108")
    await wait_for_state(hass, pushed, "sensor", "call_state", "connecting")
    assert state_of(hass, pushed, "binary_sensor", "ringing") == "off"
    sim.hang_up(call)
    assert (await wait_for_event(hass, pushed, "call", "placed"))["number"] == "3108"


async def test_missed_calls_are_counted_until_they_are_cleared(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    sim.hang_up(sim.incoming_call("12025550142"))
    data = await wait_for_event(hass, entry, "call", "missed")
    assert data["number"] == "12025550142"
    assert state_of(hass, entry, "sensor", "missed_calls") == "1"
    await act(hass, "button.press", entity_id=entity_id(hass, entry, "button", "clear_missed_calls"))
    assert state_of(hass, entry, "sensor", "missed_calls") == "0"
    for _ in range(2):
        sim.hang_up(sim.incoming_call("3190"))
    await wait_for_state(hass, entry, "sensor", "missed_calls", "2")
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert state_of(hass, entry, "sensor", "missed_calls") == "2"


async def test_a_dialed_call_is_held_and_resumed(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    made = await command(hass, entry, "make_call", to="3108")
    session = made["session"]
    assert sim.extensions[LOGIN].calls.live[session].caller == "3107"
    assert await refusal(hass, entry, "hold") == "no_fitting_call"
    assert await refusal(hass, entry, "resume") == "no_fitting_call"
    sim.pick_up(session)
    await wait_for_state(hass, entry, "sensor", "call_state", "connected")
    assert await command(hass, entry, "hold") == {"session": session}
    assert state_of(hass, entry, "sensor", "call_state") == "held"
    await wait_for_event(hass, entry, "call", "held")
    assert await command(hass, entry, "resume") == {"session": session}
    assert state_of(hass, entry, "sensor", "call_state") == "connected"
    info = await command(hass, entry, "call_info")
    assert info["call"] == {"session": session, "direction": "outgoing", "state": "connected", "peer": "3108"}
    assert await command(hass, entry, "hang_up") == {"sessions": [session]}
    assert not sim.extensions[LOGIN].calls.live
    assert await command(hass, entry, "call_info", session=session) == {"call": None}


async def test_a_call_is_made_from_another_phone(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    data = {"from": "12025550107", "to": "3190", "device": "mobile"}
    session = (await command(hass, entry, "make_call", **data))["session"]
    assert sim.extensions[LOGIN].calls.live[session].caller == "12025550107"
    assert sim.extensions[LOGIN].assigned == "mobile"
    await command(hass, entry, "assign_device", device="desk")
    assert sim.extensions[LOGIN].assigned == "desk"
    assert await refusal(hass, entry, "assign_device", device="nobody's") == "command_failed"


async def test_a_call_of_the_door_is_answered_at_another_phone(
    hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry
) -> None:
    assert await refusal(hass, pushed, "answer", device="doorPhone") == "no_incoming_call"
    call = sim.incoming_call("3190")
    await wait_for_state(hass, pushed, "binary_sensor", "ringing", "on")
    answer = {"device": "doorPhone", "timeout": {"seconds": 10}, "assign_device": True}
    assert await command(hass, pushed, "answer", **answer) == {"session": call}
    assert sim.extensions[LOGIN].assigned == "doorPhone"
    await wait_for_state(hass, pushed, "sensor", "call_state", "connected")


async def test_a_call_of_the_door_is_transferred(hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry) -> None:
    assert await refusal(hass, pushed, "transfer", to="3108") == "no_fitting_call"
    call = sim.incoming_call("3190")
    await wait_for_state(hass, pushed, "binary_sensor", "ringing", "on")
    assert await command(hass, pushed, "answer") == {"session": call}
    assert await command(hass, pushed, "transfer", to="3108") == {"session": call}
    await wait_for_state(hass, pushed, "sensor", "call_state", "idle")


async def test_an_action_needs_the_session_if_there_are_several_calls(
    hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry
) -> None:
    calls = [sim.incoming_call("3190"), sim.incoming_call("12025550142")]
    for call in calls:
        sim.pick_up(call)
    await until(lambda: len(pushed.runtime_data.coordinator.data.calls) == 2)
    await until(lambda: all(call.state == "connected" for call in pushed.runtime_data.coordinator.data.calls.values()))
    assert await refusal(hass, pushed, "hold") == "which_call"
    await command(hass, pushed, "hold", session=calls[0])
    # One talks, one waits: both are the only one of their kind.
    assert state_of(hass, pushed, "sensor", "call_state") == "connected"
    assert await command(hass, pushed, "resume") == {"session": calls[0]}


@pytest.mark.parametrize(
    ("action", "data", "function"),
    [
        ("hold", {"session": 123}, "hold"),
        ("make_call", {"to": "3108"}, "make_call"),
        ("transfer", {"session": 123, "to": "3108"}, "transfer"),
        ("set_call_mode", {"mode": "local"}, "call_mode"),
        ("conference_create", {"name": "a", "start": "2026-12-01 10:00", "duration": 60}, "conference_create"),
    ],
)
async def test_an_unconfirmed_command_is_an_error(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, action: str, data: dict[str, Any], function: str
) -> None:
    call = sim.dial("3190")
    sim.pick_up(call)
    assert call == 123
    sim.lose_reply(function)
    assert await refusal(hass, entry, action, **data) == "unconfirmed"


async def test_an_unknown_call_is_an_error(hass: HomeAssistant, entry: ConfigEntry) -> None:
    assert await refusal(hass, entry, "hold", session=9999) == "no_such_call"
    assert await refusal(hass, entry, "call_info") == "no_fitting_call"


async def test_names_are_omitted_without_the_option(hass: HomeAssistant, sim: Simulator) -> None:
    entry = await add(hass, sim, show_names=False)
    sim.hang_up(sim.incoming_call("3190"))
    data = await wait_for_event(hass, entry, "call", "missed")
    assert data["number"] == "3190"
    assert "Front door" not in str(data)
    assert "Front door" not in str(entity_state(hass, entry, "sensor", "last_call").attributes)
