"""The event log fails alone: doors, camera, and switches work, and a repair is created after a minute."""

from datetime import timedelta
import logging

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.ip_intercom.const import DOMAIN
from custom_components.ip_intercom.helpers.failures import PATIENCE
from custom_components.ip_intercom.systems.two_n.client.ages import Pace
from tests.common import act, capture_log_events, entity_id, state_of, until
from tests.simulators.common.faults import Fault
from tests.simulators.two_n import Simulator

# With these no event can be read.
SILENT = [Fault.RESET, Fault.STATUS, Fault.PAGE, Fault.REFUSED, Fault.DEEP, Fault.DIGITS, Fault.BARE]
# With these all of them can be.
READABLE = [Fault.BROKEN_TEXT, Fault.CONTROL_TEXT]


def repairs(hass: HomeAssistant) -> list[str | None]:
    """Return the open repairs."""
    return [issue.translation_key for issue in ir.async_get(hass).issues.values() if issue.domain == DOMAIN]


def unavailable(hass: HomeAssistant, entry: ConfigEntry) -> list[str]:
    """Return the unavailable entities."""
    return [state.entity_id for state in hass.states.async_all() if state.state == "unavailable"]


async def pass_time(hass: HomeAssistant, seconds: float) -> None:
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=seconds))
    await hass.async_block_till_done()


async def fail(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, fault: Fault) -> None:
    """Let the log fail from the next pull on, and wait until the failure is noticed."""
    sim.fault("log/pull", fault)
    sim.emit("UserActionActivated", id=1, state="in")
    await until(lambda: state_of(hass, entry, "binary_sensor", "event_log") == "off", "the log to be missed")
    sim.clear_requests()
    await until(lambda: [request for request in sim.requests if request.path == "/api/log/pull"], "another pull")
    await hass.async_block_till_done()


async def test_a_service_that_is_disabled_later_is_logged_once(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    sim.disable("logging")
    sim.emit("UserActionActivated", id=1, state="in")
    await until(lambda: state_of(hass, entry, "binary_sensor", "event_log") == "off", "the log to be missed")
    await pass_time(hass, PATIENCE + 1)
    assert "event_log_lost" in repairs(hass)
    ours = [record for record in caplog.records if record.name.startswith("custom_components")]
    lines = [record.message for record in ours if record.levelno >= logging.WARNING and "Front Gate" in record.message]
    assert len(lines) == 1 and "Logging API is disabled" in lines[0]


@pytest.mark.parametrize("fault", SILENT)
async def test_entities_stay_available_while_the_log_fails(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    assert state_of(hass, entry, "binary_sensor", "event_log") in {"on", "unknown"}
    before = unavailable(hass, entry)
    await fail(hass, sim, entry, fault)
    assert unavailable(hass, entry) == before
    assert state_of(hass, entry, "binary_sensor", "connectivity") == "on"
    sim.clear_requests()
    await act(hass, "lock.open", entity_id=entity_id(hass, entry, "lock", "door_1_door"))
    assert [request.query["action"] for request in sim.requests if request.path == "/api/switch/ctrl"] == ["on"]
    sim.set_input("input1", True)
    await entry.runtime_data.coordinator.async_refresh()
    assert state_of(hass, entry, "binary_sensor", "port_input1") == "on"

    assert repairs(hass) == [], "there is no repair before the delay ends"
    await pass_time(hass, PATIENCE + 1)
    assert repairs(hass) == ["event_log_lost"]
    ours = [record for record in caplog.records if record.name.startswith("custom_components")]
    lines = [record for record in ours if record.levelno >= logging.WARNING and "Front Gate" in record.message]
    assert len(lines) == 1, "the failure is logged once"

    sim.heal()
    events = capture_log_events(hass)
    entry.runtime_data.events.async_hasten()
    await until(lambda: state_of(hass, entry, "binary_sensor", "event_log") == "on", "the log to be back")
    assert repairs(hass) == []
    sim.emit("UserActionActivated", id=2, state="in")
    await until(lambda: [event for event in events if event.data["data"].get("id") == 2], "the event")


@pytest.mark.parametrize("fault", READABLE)
async def test_events_with_a_broken_character_are_reported(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, fault: Fault
) -> None:
    events = capture_log_events(hass)
    sim.fault("log/pull", fault, text="in")
    for number in range(1, 4):
        sim.emit("UserActionActivated", id=number, state="in")
    await until(lambda: len([event for event in events if event.data["type"] == "UserActionActivated"]) == 3)
    assert [event.data["data"]["id"] for event in events if event.data["type"] == "UserActionActivated"] == [1, 2, 3]
    assert not unavailable(hass, entry)


async def test_entities_stay_available_while_the_log_hangs(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = entry.runtime_data.coordinator.system.log.reader
    monkeypatch.setattr(log._poll, "seconds", 1)
    pace = Pace(polls=(1,), patience=0.3, reach=0.3, reopen=(0.3,), uptime=0.3)
    monkeypatch.setattr(log, "_pace", pace)
    monkeypatch.setattr(log.ages, "_pace", pace)
    await fail(hass, sim, entry, Fault.HANG)
    assert state_of(hass, entry, "lock", "door_1_door") == "locked"
    await pass_time(hass, PATIENCE + 1)
    assert repairs(hass) == ["event_log_lost"]


async def test_a_device_that_is_away_is_no_repair(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    sim.lose_connection()
    await until(lambda: state_of(hass, entry, "lock", "door_1_door") == "unavailable")
    await pass_time(hass, PATIENCE + 1)
    await pass_time(hass, PATIENCE + 1)
    assert repairs(hass) == []


async def test_the_repair_asks_for_the_log_again(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, local_url: str, hass_client: ClientSessionGenerator
) -> None:
    await fail(hass, sim, entry, Fault.STATUS)
    await pass_time(hass, PATIENCE + 1)
    [issue] = [issue for issue in ir.async_get(hass).issues.values() if issue.domain == DOMAIN]
    client = await hass_client()
    answer = await client.post("/api/repairs/issues/fix", json={"handler": DOMAIN, "issue_id": issue.issue_id})
    flow = (await answer.json())["flow_id"]
    sim.heal()
    done = await (await client.post(f"/api/repairs/issues/fix/{flow}", json={})).json()
    assert done["type"] == "create_entry"
    assert repairs(hass) == []
