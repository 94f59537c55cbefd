"""A single source of the events of an Akuvox fails: the others work, and a repair is created after a minute."""

from datetime import timedelta
import logging
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed
from pytest_homeassistant_custom_component.components.diagnostics import get_diagnostics_for_config_entry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.ip_intercom.const import DOMAIN
from custom_components.ip_intercom.helpers.failures import PATIENCE
from custom_components.ip_intercom.systems.akuvox import log
from tests.common import act, capture_log_events, entity_id, state_of, until
from tests.simulators.akuvox import Simulator
from tests.simulators.common.faults import Fault
from tests.systems.akuvox.client.conftest import wait_for_answers

from .conftest import Start, add
from .test_rings import count_rings, following

LOOKS = ("call/status", "calllog/get", "doorlog/get")
STATES = ("input/status", "relay/status")
CASES = [
    *((source, Fault.RESET) for source in (*LOOKS, *STATES)),
    *(("doorlog/get", fault) for fault in (Fault.HANG, Fault.STATUS, Fault.PAGE, Fault.REFUSED, Fault.WRONG_SHAPES)),
    ("call/status", Fault.HANG),
    ("input/status", Fault.HANG),
]


@pytest.fixture(autouse=True)
def hurry_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the timeouts and the pauses between attempts."""
    for name in ("_CALL_INTERVALS", "_CALL_LOG_INTERVALS", "_DOOR_LOG_INTERVALS"):
        monkeypatch.setattr(log, name, (0.1, 0.1))
    wait_for_answers(monkeypatch, 0.5)


def repairs(hass: HomeAssistant) -> list[tuple[str | None, str]]:
    """Return the open repairs."""
    issues = [issue for issue in ir.async_get(hass).issues.values() if issue.domain == DOMAIN]
    return [(issue.translation_key, (issue.translation_placeholders or {})["name"]) for issue in issues]


def unavailable(hass: HomeAssistant) -> list[str]:
    return [state.entity_id for state in hass.states.async_all() if state.state == "unavailable"]


def failing(hass: HomeAssistant, entry: ConfigEntry) -> list[str]:
    """Return the sources that *Event log* names."""
    state = hass.states.get(entity_id(hass, entry, "binary_sensor", "event_log"))
    assert state is not None
    return list(state.attributes.get("failing", []))


async def pass_time(hass: HomeAssistant, seconds: float) -> None:
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=seconds))
    await hass.async_block_till_done()


async def fail(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, source: str, fault: Fault) -> None:
    """Let a source fail until it is noticed; each poll reads a state, and once more if it fails."""
    sim.fault(source, fault)
    if source in STATES:
        await entry.runtime_data.coordinator.async_refresh()
    await until(lambda: failing(hass, entry) == [source], f"{source} to be missed")
    await hass.async_block_till_done()


@pytest.mark.parametrize(("source", "fault"), CASES)
async def test_a_failing_source_leaves_entities_and_other_sources_working(
    hass: HomeAssistant, quick_device: Start, caplog: pytest.LogCaptureFixture, source: str, fault: Fault
) -> None:
    sim = await quick_device()
    entry = await add(hass, sim)
    await following(sim)
    before = unavailable(hass)
    await fail(hass, sim, entry, source, fault)
    assert unavailable(hass) == before
    assert state_of(hass, entry, "binary_sensor", "connectivity") == "on"
    assert repairs(hass) == [], "not at once"

    for other in LOOKS:
        if other != source:
            await following(sim, other)
    rings, events = count_rings(hass, entry), capture_log_events(hass)
    assert sim.press()
    if source == "call/status":
        sim.call_ended()
    await until(rings, "the ring")
    if source != "doorlog/get":
        sim.swipe_card("00000000")
        await until(lambda: any(event.data["type"] == "DoorLog" for event in events), "the stranger")
    if source != "relay/status":
        await act(hass, "lock.open", entity_id=entity_id(hass, entry, "lock", "door_A_door"))
        assert sim.relay_status()["A"]

    await pass_time(hass, PATIENCE + 1)
    assert repairs(hass) == [("event_source_lost", source)]
    assert unavailable(hass) == before
    ours = [record for record in caplog.records if record.name.startswith("custom_components")]
    assert [source in record.message for record in ours if record.levelno >= logging.WARNING] == [True], "one line"

    sim.heal()
    if source in STATES:
        await entry.runtime_data.coordinator.async_refresh()
    await until(lambda: state_of(hass, entry, "binary_sensor", "event_log") == "on", "the source to be back")
    assert repairs(hass) == []


async def test_the_repair_retries_the_failed_source(
    hass: HomeAssistant,
    quick_device: Start,
    local_url: str,
    hass_client: ClientSessionGenerator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sim = await quick_device()
    entry = await add(hass, sim)
    await following(sim)
    monkeypatch.setattr(log, "_MAX_FAILED_INTERVAL", 600.0)
    await fail(hass, sim, entry, "doorlog/get", Fault.STATUS)
    await pass_time(hass, PATIENCE + 1)
    [issue] = [issue for issue in ir.async_get(hass).issues.values() if issue.domain == DOMAIN]
    client_ = await hass_client()
    answer = await client_.post("/api/repairs/issues/fix", json={"handler": DOMAIN, "issue_id": issue.issue_id})
    flow = (await answer.json())["flow_id"]
    sim.heal()
    done = await (await client_.post(f"/api/repairs/issues/fix/{flow}", json={})).json()
    assert done["type"] == "create_entry"
    assert repairs(hass) == []


async def test_an_unreachable_device_has_no_failing_source(hass: HomeAssistant, quick_device: Start) -> None:
    sim = await quick_device()
    entry = await add(hass, sim)
    await following(sim)
    sim.lose_connection()
    await until(lambda: state_of(hass, entry, "binary_sensor", "connectivity") == "off", "the loss")
    await pass_time(hass, PATIENCE + 1)
    assert repairs(hass) == []
    await sim.restore_connection()
    await until(lambda: state_of(hass, entry, "binary_sensor", "event_log") == "on", "the return")
    rings = count_rings(hass, entry)
    assert sim.press()
    await until(rings, "the ring")


@pytest.mark.parametrize("fault", [Fault.STATUS, Fault.RESET, Fault.HANG])
async def test_a_device_without_an_uptime_recovers_from_an_outage(
    hass: HomeAssistant, quick_device: Start, fault: Fault
) -> None:
    """The reader requests the uptime first but does not depend on it."""
    sim = await quick_device()
    entry = await add(hass, sim)
    await following(sim)
    sim.fault("system/status", fault)
    sim.lose_connection()
    await until(lambda: state_of(hass, entry, "binary_sensor", "connectivity") == "off", "the loss")
    await sim.restore_connection()
    await until(lambda: state_of(hass, entry, "binary_sensor", "connectivity") == "on", "the return")
    rings = count_rings(hass, entry)
    assert sim.press()
    await until(rings, "the ring")


async def test_an_access_is_reported_while_the_user_list_hangs(
    hass: HomeAssistant, quick_device: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The access is reported without a name."""
    wait_for_answers(monkeypatch, 30.0)
    sim = await quick_device()
    entry = await add(hass, sim)
    await following(sim, "doorlog/get")
    events, rings = capture_log_events(hass), count_rings(hass, entry)
    sim.fault("user/get", Fault.HANG)
    sim.door_log.enter("Card", "4BD9E903", {1}, None, success=True)
    await until(lambda: any("user/get" in request.path for request in sim.requests), "the search for a name")
    assert sim.press()
    await until(rings, "the ring")
    await until(lambda: any(event.data["type"] == "DoorLog" for event in events), "the access")
    [access] = [event for event in events if event.data["type"] == "DoorLog"]
    assert (access.data["late"], access.data["data"]["name"]) == (False, None)


async def test_unreadable_records_are_counted(
    hass: HomeAssistant, quick_device: Start, hass_client: ClientSessionGenerator
) -> None:
    sim = await quick_device()
    entry = await add(hass, sim)
    await following(sim, "doorlog/get")
    events = capture_log_events(hass)
    sim.door_log.form.shown = {"2": "a text"}
    for _ in range(3):
        sim.swipe_card("00000000")
    await until(lambda: len([event for event in events if event.data["type"] == "DoorLog"]) == 2, "the records")
    assert [event.data["sequence"] for event in events if event.data["type"] == "DoorLog"] == [1, 3]
    event_types: Any = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    assert event_types["examined"]["skipped"]["/api/doorlog/get"] >= 1


async def test_events_of_a_long_outage_are_reported_soon_after_it(
    hass: HomeAssistant, quick_device: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Failed attempts during the outage do not delay the polls after it."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(log, "_MAX_FAILED_INTERVAL", 300.0)
    sim = await quick_device()
    entry = await add(hass, sim)
    events = capture_log_events(hass)
    await until(lambda: entry.runtime_data.events.following, "the first polls")
    sim.lose_connection()
    await until(lambda: unavailable(hass), "the loss")
    sim.press()
    sim.call_ended()
    sim.swipe_card("0A1B2C3D")
    tried = caplog.text.count("event stream interrupted")
    await until(lambda: caplog.text.count("event stream interrupted") > tried + 60, "many attempts")
    await sim.restore_connection()

    def event_types() -> set[str]:
        return {event.data["type"] for event in events}

    await until(lambda: {"CallLog", "DoorLog"} <= event_types(), "the call and the card")
