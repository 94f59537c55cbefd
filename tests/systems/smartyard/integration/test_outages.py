"""A server that is broken, unreachable, or rejects the token."""

import logging
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
import pytest

from custom_components.ip_intercom.systems.smartyard.client.client import SmartYardClient
from tests.common import capture_changes, capture_log_events, entity_id, state_of, until
from tests.simulators.smartyard import Breakage, Simulator

from .conftest import Start, add, pushing


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.message
        for record in caplog.records
        if record.name.startswith("custom_components.ip_intercom") and record.levelno > logging.DEBUG
    ]


@pytest.mark.parametrize("how", list(Breakage))
async def test_an_outage_and_its_end_are_one_log_line_each(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, caplog: pytest.LogCaptureFixture, how: Breakage
) -> None:
    coordinator = entry.runtime_data.coordinator
    await until(lambda: entry.runtime_data.events.following, "the first polls")
    caplog.clear()
    sim.break_server(how)
    await until(lambda: not coordinator.last_update_success, "the loss")
    sim.mend_server()
    await until(lambda: coordinator.last_update_success and entry.runtime_data.events.following, "its return")
    assert len(lines(caplog)) == 2, lines(caplog)
    assert entry.state is ConfigEntryState.LOADED
    assert not hass.config_entries.flow.async_progress()


@pytest.mark.parametrize("status", [200, 204])
async def test_a_server_with_empty_responses_is_unavailable(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    coordinator = entry.runtime_data.coordinator
    await until(lambda: entry.runtime_data.events.following, "the first polls")
    before = coordinator.data.places
    caplog.clear()
    sim.fault("*", "status", status=status)
    await until(lambda: not coordinator.last_update_success, "the loss")
    sim.clear_requests()
    await until(lambda: len(sim.requests) > 6, "more attempts")
    assert not coordinator.last_update_success
    sim.heal()
    await until(lambda: coordinator.last_update_success and entry.runtime_data.events.following, "its return")
    assert len(lines(caplog)) == 2, lines(caplog)
    assert coordinator.data.places == before


async def test_a_visitor_rings_while_the_server_is_broken(hass: HomeAssistant, device: Start, local_url: str) -> None:
    sim = await device()
    entry = await pushing(hass, sim, local_url)
    await until(lambda: entry.runtime_data.events.following, "the first polls")
    changes = capture_changes(hass, entry, "event")
    sim.break_server()
    await until(lambda: state_of(hass, entry, "binary_sensor", "connectivity") == "off", "the loss")
    assert changes == []
    sim.ring(24, flat=53)
    await until(lambda: changes, "the ring")
    sim.mend_server()
    await until(lambda: state_of(hass, entry, "binary_sensor", "connectivity") == "on", "its return")
    await hass.async_block_till_done()
    assert changes == [entity_id(hass, entry, "event", "bell_24")]


@pytest.mark.parametrize("how", ["reset", "hang", "broken"])
async def test_rings_during_an_outage_of_90_seconds_and_just_after_it(
    hass: HomeAssistant, device: Start, local_url: str, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    sim = await device()
    entry = await pushing(hass, sim, local_url)
    coordinator = entry.runtime_data.coordinator
    await until(lambda: entry.runtime_data.events.following, "the first polls")
    events = capture_log_events(hass)
    if how == "broken":
        sim.break_server()
    else:
        monkeypatch.setattr(SmartYardClient, "_timeout", staticmethod(lambda endpoint: 0.1))
        sim.fault("*", how)
    await until(lambda: not coordinator.last_update_success, "the loss")
    sim.ring(21)  # its push comes by way of another service
    await until(lambda: coordinator.data.ringing["21"], "the ring")
    sim.pass_time(90)
    sim.heal()
    sim.mend_server()
    sim.ring(22)
    await until(lambda: coordinator.data.ringing["22"], "another ring")
    await until(lambda: coordinator.last_update_success and entry.runtime_data.events.following, "its return")
    sim.walk_away(next(reversed(sim.rings.rows)))
    await until(lambda: [item for item in events if item.data["type"] == "MissedCall"], "the record")
    assert [item.data["data"]["bell"] for item in events if item.data["type"] == "Call"] == ["21", "22"]
    assert not hass.config_entries.flow.async_progress()


async def test_states_are_read_again_after_an_outage(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    coordinator = entry.runtime_data.coordinator
    await until(lambda: entry.runtime_data.events.following, "the first polls")
    sim.break_server()
    await until(lambda: not coordinator.last_update_success, "the loss")
    sim.block_door(21)
    sim.mend_server()
    await until(lambda: coordinator.data.doors["21:0"].blocked, "the state")


async def test_events_of_a_long_outage_are_reported_soon_after_it(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    """Failed attempts during the outage do not delay the polls after it."""
    coordinator = entry.runtime_data.coordinator
    events = capture_log_events(hass)
    await until(lambda: entry.runtime_data.events.following, "the first polls")
    sim.break_server()
    await until(lambda: not coordinator.last_update_success, "the loss")
    record = sim.happen("key", 22, flat=51)
    unread = coordinator.data.unread_messages
    sim.message("The elevator is repaired")
    sim.clear_requests()
    await until(lambda: len(sim.requests) > 40, "many attempts")
    sim.mend_server()
    await until(lambda: [event for event in events if event.data["data"].get("id") == record], "the record")
    await until(lambda: coordinator.data.unread_messages == unread + 1, "the message")


async def test_revoked_tokens_start_reauth(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    before = dict(entry.data)
    sim.revoke_tokens()
    await until(lambda: hass.config_entries.flow.async_progress(), "the question")
    (flow,) = hass.config_entries.flow.async_progress()
    assert flow["step_id"] == "reauth_smartyard"
    result: Any = await hass.config_entries.flow.async_configure(flow["flow_id"])
    result = await hass.config_entries.flow.async_configure(flow["flow_id"], {"phone": before["phone"]})
    assert result["step_id"] == "smartyard_code"
    result = await hass.config_entries.flow.async_configure(flow["flow_id"], {"code": sim.code_of()})
    assert result["reason"] == "reauth_successful"
    await until(lambda: entry.state is ConfigEntryState.LOADED, "the entry")
    assert entry.data["token"] != before["token"]
    assert {**entry.data, "token": ""} == {**before, "token": ""}
    assert len(sim.people.devices) == 1


async def test_a_token_rejected_at_setup_starts_a_reauth(hass: HomeAssistant, sim: Simulator) -> None:
    entry = await add(hass, sim)
    sim.revoke_tokens()
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.SETUP_ERROR
    (flow,) = hass.config_entries.flow.async_progress()
    assert flow["step_id"] == "reauth_smartyard"


async def test_setup_with_a_broken_server_is_retried(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    sim.break_server()
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert "server_broken" in str(entry.error_reason_translation_key)


async def test_the_journal_position_survives_a_reload(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    events = capture_log_events(hass)
    await until(lambda: entry.runtime_data.events.following, "the first polls")
    await hass.config_entries.async_reload(entry.entry_id)
    uuid = sim.happen("key")
    await until(lambda: events, "the record")
    assert [item.data["data"]["id"] for item in events] == [uuid]
