"""Lost and restored connections: no event is lost or repeated, and no needless reauth is started."""

import asyncio
import logging
from unittest.mock import patch

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.const import EVENT_HOMEASSISTANT_CLOSE, EVENT_HOMEASSISTANT_STARTED, EVENT_HOMEASSISTANT_STOP
from homeassistant.core import CoreState, Event, HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.update_coordinator import UpdateFailed
import pytest

from custom_components.ip_intercom.const import DOMAIN
from custom_components.ip_intercom.helpers import failures as refusals
from custom_components.ip_intercom.model.events import Event as IntercomEvent
from custom_components.ip_intercom.model.state import State
from custom_components.ip_intercom.runtime.cursor_store import CursorStore
from tests.common import USERNAME, act, add_intercom, capture_changes, capture_log_events, entity_id, state_of, until
from tests.simulators.two_n import Privilege, Service, Simulator


def numbers(events: list[Event]) -> list[object]:
    """Return the numbers of the events of a test."""
    return [event.data["data"]["id"] for event in events if event.data["type"] == "UserActionActivated"]


def mark(sim: Simulator, number: int) -> None:
    """Write a numbered event into the log of the device."""
    sim.emit("UserActionActivated", id=number, state="in")


@pytest.fixture
async def events(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> list[Event]:
    """The events of the device on the bus, after the first one."""
    captured = capture_log_events(hass)
    mark(sim, 1)
    await until(lambda: numbers(captured) == [1])
    return captured


async def test_events_of_an_outage_arrive_late_in_order_and_once(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, caplog: pytest.LogCaptureFixture, events: list[Event]
) -> None:
    sim.lose_connection()
    mark(sim, 2)
    sim.press("%1")
    sim.set_input("input1", True)
    mark(sim, 3)
    sim.pass_time(30)
    await until(lambda: state_of(hass, entry, "lock", "door_1_door") == "unavailable")
    await sim.restore_connection()
    await until(lambda: numbers(events) == [1, 2, 3])
    await until(lambda: state_of(hass, entry, "binary_sensor", "port_input1") == "on")
    mark(sim, 4)
    await until(lambda: numbers(events) == [1, 2, 3, 4])
    late = [event.data["late"] for event in events if event.data["type"] == "UserActionActivated"]
    assert late == [False, True, True, False]
    assert state_of(hass, entry, "event", "bell_1") == "unknown"
    lost = [record for record in caplog.records if record.levelno >= logging.WARNING and "Front Gate" in record.message]
    assert len(lost) == 1
    assert "Fetching Front Gate data recovered" in caplog.text


async def test_events_of_a_lost_response_are_requested_again(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, events: list[Event]
) -> None:
    sim.lose_next_pull_response()
    mark(sim, 2)
    sim.press("%1")
    await until(lambda: numbers(events) == [1, 2])
    # A mere hiccup: the visitor at the door still rings.
    await until(lambda: state_of(hass, entry, "event", "bell_1") != "unknown")
    assert state_of(hass, entry, "lock", "door_1_door") != "unavailable"


async def test_a_reboot_is_a_gap_with_bounds_and_rings_nothing(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, events: list[Event]
) -> None:
    await sim.reboot(0.3)
    mark(sim, 2)
    await until(lambda: numbers(events) == [1, 2])
    gaps = [event.data for event in events if event.data["type"] == "LogGap"]
    assert len(gaps) == 1
    assert gaps[0]["data"]["reason"] == "restart"
    assert gaps[0]["data"]["start"] <= gaps[0]["data"]["end"]
    types = [event.data["type"] for event in events]
    assert types.index("LogGap") < types.index("DeviceState")
    await until(lambda: state_of(hass, entry, "lock", "door_1_door") == "locked")
    assert state_of(hass, entry, "event", "bell_1") == "unknown"


async def test_events_while_the_entry_was_unloaded_are_late(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, events: list[Event]
) -> None:
    await hass.config_entries.async_unload(entry.entry_id)
    assert not sim.channels
    mark(sim, 2)
    sim.press("%1")
    mark(sim, 3)
    sim.pass_time(30)
    await hass.config_entries.async_setup(entry.entry_id)
    await until(lambda: numbers(events) == [1, 2, 3])
    assert [event.data["late"] for event in events if event.data["type"] == "KeyPressed"] == [True]
    assert state_of(hass, entry, "event", "bell_1") == "unknown"


async def test_events_wait_until_home_assistant_has_started(hass: HomeAssistant, sim: Simulator) -> None:
    entry = await add_intercom(hass, sim)
    await hass.config_entries.async_unload(entry.entry_id)
    hass.set_state(CoreState.starting)
    events = capture_log_events(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    mark(sim, 1)
    await asyncio.sleep(0.1)
    assert events == []
    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await until(lambda: numbers(events) == [1])


async def test_the_cursor_is_written_when_home_assistant_stops(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, events: list[Event]
) -> None:
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    await hass.async_block_till_done()
    await hass.config_entries.async_unload(entry.entry_id)
    stored = await CursorStore(hass, entry.entry_id, "Front Gate").async_load()
    assert stored["cursor"]["last"] is not None


async def test_nothing_fails_while_home_assistant_stops(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    """Home Assistant closes client sessions while a slow device may still be responding."""
    coordinator = entry.runtime_data.coordinator
    sim.delay(5, "/api/switch/status")
    slow = hass.async_create_background_task(coordinator.async_refresh(), "a poll of a slow device")
    await asyncio.sleep(1)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    await asyncio.sleep(1)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_CLOSE)
    await slow
    coordinator.async_read_soon()
    await asyncio.sleep(10)
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_a_removed_device_leaves_nothing_behind(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, hass_storage: dict[str, object]
) -> None:
    await hass.config_entries.async_unload(entry.entry_id)
    await hass.config_entries.async_remove(entry.entry_id)
    assert f"{DOMAIN}.{entry.entry_id}" not in hass_storage
    assert not sim.channels


async def test_a_device_that_is_away_is_tried_again(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    await hass.config_entries.async_unload(entry.entry_id)
    sim.lose_connection()
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.reason is not None
    assert entry.reason.startswith("Failed to connect to Front Gate")


@pytest.mark.parametrize("over_tls", [True])
async def test_another_certificate_is_not_trusted(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, refused_handshakes: None
) -> None:
    await hass.config_entries.async_unload(entry.entry_id)
    sim.renew_certificate()
    sim.clear_requests()
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.reason is not None
    assert "different certificate" in entry.reason
    assert sim.requests == []


async def test_a_changed_password_asks_for_the_new_one(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    sim.change_password(USERNAME, "new")
    sim.reset_connections()
    await until(lambda: hass.config_entries.flow.async_progress_by_handler(DOMAIN))
    flow = hass.config_entries.flow.async_progress_by_handler(DOMAIN)[0]
    assert flow["step_id"] == "reauth_confirm"
    # The old password back on the device: it recovers by itself, and asks no more.
    sim.change_password(USERNAME, "ha-pass")
    await until(lambda: state_of(hass, entry, "lock", "door_1_door") == "locked")
    assert not hass.config_entries.flow.async_progress_by_handler(DOMAIN)


async def test_a_changed_password_is_noticed_at_the_start(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    await hass.config_entries.async_unload(entry.entry_id)
    sim.change_password(USERNAME, "new")
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_ERROR
    await hass.async_block_till_done()
    assert hass.config_entries.flow.async_progress_by_handler(DOMAIN)


async def test_stray_401_responses_start_no_reauth(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    for _ in range(3):
        sim.stray_401(2)
        await entry.runtime_data.coordinator.async_refresh()
        assert entry.runtime_data.coordinator.last_update_success
        await entry.runtime_data.coordinator.async_refresh()
    assert not hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    assert state_of(hass, entry, "lock", "door_1_door") == "locked"


async def test_a_poll_that_is_refused_for_good_asks_for_the_password(hass: HomeAssistant, sim: Simulator) -> None:
    sim.disable(Service.LOGGING)
    entry = await add_intercom(hass, sim)
    coordinator = entry.runtime_data.coordinator
    sim.change_password(USERNAME, "new")
    for _ in range(refusals.REFUSALS - 1):
        await coordinator.async_refresh()
        assert coordinator.last_update_success
        await asyncio.sleep(refusals.RETRY_DELAY)
    await coordinator.async_refresh()
    assert not coordinator.last_update_success
    assert hass.config_entries.flow.async_progress_by_handler(DOMAIN)


async def test_an_unchanged_poll_writes_nothing(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    await act(hass, "ip_intercom.open_door", entity_id=entity_id(hass, entry, "lock", "door_1_door"), hold_time=600)
    await until(lambda: state_of(hass, entry, "switch", "door_1_hold_open") == "on")
    await entry.runtime_data.coordinator.async_refresh()
    await hass.async_block_till_done()
    writes: list[Event] = []
    hass.bus.async_listen("state_changed", writes.append)
    sim.clear_requests()
    for _ in range(3):
        await entry.runtime_data.coordinator.async_refresh()
    await hass.async_block_till_done()
    assert writes == []
    assert len([request for request in sim.requests if request.path != "/api/log/pull"]) == 3 * 5


async def test_an_event_during_a_poll_is_kept(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    sim.delay(0.3, "phone/status")
    poll = asyncio.create_task(entry.runtime_data.coordinator.async_refresh())
    await until(lambda: any(request.path == "/api/io/status" for request in sim.requests[-6:]))
    sim.set_input("input1", True)
    await until(lambda: state_of(hass, entry, "binary_sensor", "port_input1") == "on")
    await poll
    assert state_of(hass, entry, "binary_sensor", "port_input1") == "on"


async def test_a_privilege_granted_later_adds_its_entities(hass: HomeAssistant, sim: Simulator) -> None:
    sim.revoke(USERNAME, Privilege.SWITCH_CONTROL)
    entry = await add_intercom(hass, sim)
    assert hass.states.get("lock.front_gate_door_1") is None
    sim.grant(USERNAME, Privilege.SWITCH_CONTROL)
    with patch("custom_components.ip_intercom.coordinator._DESCRIBE_EVERY", 0.0):
        await entry.runtime_data.coordinator.async_refresh()
        await until(lambda: hass.states.get("lock.front_gate_door_1") is not None)


async def test_a_privilege_withdrawn_later_is_noticed_by_the_next_poll(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    sim.revoke(USERNAME, Privilege.SWITCH_MONITORING | Privilege.SWITCH_CONTROL)
    await entry.runtime_data.coordinator.async_refresh()
    await until(lambda: state_of(hass, entry, "lock", "door_1_door") == "unavailable")
    assert any(issue.translation_key == "privilege_missing" for issue in ir.async_get(hass).issues.values())


async def test_without_the_log_the_device_is_polled(hass: HomeAssistant, sim: Simulator) -> None:
    sim.disable(Service.LOGGING)
    entry = await add_intercom(hass, sim)
    coordinator = entry.runtime_data.coordinator
    assert coordinator.update_interval is not None
    assert coordinator.update_interval.total_seconds() == 30
    sim.set_input("input1", True)
    await coordinator.async_refresh()
    assert state_of(hass, entry, "binary_sensor", "port_input1") == "on"


async def test_a_failed_poll_makes_entities_unavailable(hass: HomeAssistant, sim: Simulator) -> None:
    sim.disable(Service.LOGGING)
    entry = await add_intercom(hass, sim)
    sim.garbage("switch/status", "truncated")
    await entry.runtime_data.coordinator.async_refresh()
    assert state_of(hass, entry, "lock", "door_1_door") == "locked", "one failed part leaves the others available"
    for path in ("io/status", "phone/status", "call/status"):
        sim.garbage(path, "truncated")
    await entry.runtime_data.coordinator.async_refresh()
    assert isinstance(entry.runtime_data.coordinator.last_exception, UpdateFailed)
    assert state_of(hass, entry, "lock", "door_1_door") == "unavailable"


async def test_an_unreadable_directory_changes_no_bell(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    sim.garbage("dir/query", "html")
    await entry.runtime_data.coordinator._async_refresh_bells()
    sim.heal()
    sim.revoke(USERNAME, Privilege.SYSTEM_CONTROL)
    await entry.runtime_data.coordinator._async_refresh_bells()
    assert state_of(hass, entry, "event", "bell_1") == "unknown"


async def test_another_device_at_the_address_is_not_commanded(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    await hass.config_entries.async_unload(entry.entry_id)
    async with Simulator("verso3") as stranger:
        data = {**entry.data, "url": f"http://{stranger.http_address}", "fingerprint": None}
        hass.config_entries.async_update_entry(entry, data=data)
        await hass.config_entries.async_setup(entry.entry_id)
        assert entry.state is ConfigEntryState.SETUP_RETRY
        assert entry.reason is not None
        assert "A different device" in entry.reason
        await hass.config_entries.async_unload(entry.entry_id)


async def test_a_device_keeps_its_id_when_firmware_adds_a_mac_address(
    hass: HomeAssistant, sockets: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Simulator("vario") as sim:
        entry = await add_intercom(hass, sim)
        serial = entry.unique_id
        await hass.config_entries.async_unload(entry.entry_id)
        monkeypatch.setitem(sim.model.info, "macAddr", "7C-1E-B3-00-00-99")
        await hass.config_entries.async_setup(entry.entry_id)
        assert entry.state is ConfigEntryState.LOADED
        assert entity_id(hass, entry, "lock", "door_1_door") == "lock.2n_helios_ip_vario_door_1"
        assert entry.unique_id == serial
        await sim.wait_for_pull()


async def test_an_event_that_fails_is_skipped_and_logged(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    events = capture_log_events(hass)

    def fold(state: State, event: IntercomEvent) -> State:
        if event.data.get("id") == 1:
            raise KeyError("odd")
        return state

    await hass.config_entries.async_unload(entry.entry_id)
    for number in (1, 2, 3):
        mark(sim, number)
    with patch("custom_components.ip_intercom.coordinator.reduce", fold):
        await hass.config_entries.async_setup(entry.entry_id)
        await until(lambda: numbers(events) == [2, 3])
    assert "error while handling event UserActionActivated" in caplog.text


async def test_a_changed_event_filter_during_a_backlog_loses_no_event(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, events: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    sim.lose_connection()
    for number in range(2, 302):
        mark(sim, number)
    sim.delay(0.3, "log/pull")
    sim.delay(1.0, "log/unsubscribe")
    sim.clear_requests()
    await sim.restore_connection()
    await until(lambda: any(request.path == "/api/log/subscribe" for request in sim.requests))
    # Between two pulls.
    monkeypatch.setattr(sim.log, "_supported", tuple(set(sim.log._supported) - {"NoiseDetected"}))
    await entry.runtime_data.coordinator.async_describe()
    sim.heal()
    await until(lambda: len(numbers(events)) >= 301)
    assert numbers(events) == list(range(1, 302))
    sim.press("%1")
    await until(lambda: state_of(hass, entry, "event", "bell_1") != "unknown")


async def test_an_entry_loads_with_an_unreadable_directory(hass: HomeAssistant, sim: Simulator) -> None:
    sim.garbage("dir/query", "html", times=2)
    entry = await add_intercom(hass, sim)
    assert entry.state is ConfigEntryState.LOADED
    sim.press("%1")
    await until(lambda: state_of(hass, entry, "event", "bell_call") != "unknown")


async def test_a_disabled_log_stops_only_the_events(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    coordinator = entry.runtime_data.coordinator
    sim.disable(Service.LOGGING)
    sim.reset_connections()
    await until(lambda: "the doorbell does not ring" in caplog.text)
    assert state_of(hass, entry, "lock", "door_1_door") == "locked"
    assert coordinator.update_interval.total_seconds() == 30
    sim.enable(Service.LOGGING)
    await until(lambda: coordinator.update_interval.total_seconds() == 300)
    sim.press("%1")
    await until(lambda: state_of(hass, entry, "event", "bell_1") != "unknown")


async def test_a_ring_is_reported_after_a_failed_poll(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    for path in ("switch/status", "io/status", "phone/status", "call/status"):
        sim.garbage(path, "truncated")
    changes = capture_changes(hass, entry, "event")
    await entry.runtime_data.coordinator.async_refresh()
    assert state_of(hass, entry, "lock", "door_1_door") == "unavailable"
    assert changes == []
    sim.press("%1", call=False)
    await until(lambda: changes)
    assert changes == [entity_id(hass, entry, "event", "bell_1")]


async def test_a_slow_poll_does_not_delay_a_ring(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    sim.delay(2.0, "phone/status")
    sim.lose_next_pull_response()
    sim.emit("InputChanged", port="input1", state=True)
    await until(lambda: state_of(hass, entry, "binary_sensor", "port_input1") == "on")
    sim.press("%1")
    await until(lambda: state_of(hass, entry, "event", "bell_1") not in {"unknown", "unavailable"})
    assert not any(request.path == "/api/phone/status" for request in sim.requests[-3:])


async def test_a_bell_found_by_ringing_rings_again_after_a_restart(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    sim.press("%7", call=False)
    await until(lambda: hass.states.get("event.front_gate_doorbell_7") is not None)
    await hass.config_entries.async_reload(entry.entry_id)
    await sim.wait_for_pull()
    before = state_of(hass, entry, "event", "bell_7")
    assert before not in {"unknown", "unavailable"}
    sim.press("%7", call=False)
    await until(lambda: state_of(hass, entry, "event", "bell_7") != before)


async def test_a_failed_setup_closes_its_log_channel(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    await hass.config_entries.async_unload(entry.entry_id)
    with patch("custom_components.ip_intercom.device_info", side_effect=ValueError("odd")):
        await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_ERROR
    assert not sim.channels


async def test_changing_a_door_to_a_switch_removes_its_door_entities(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    hass.config_entries.async_update_entry(entry, options={"plain_switches": ["2"]})
    await hass.config_entries.async_reload(entry.entry_id)
    await sim.wait_for_pull()
    assert hass.states.get("lock.front_gate_door_2") is None
    assert hass.states.get("switch.front_gate_hold_door_2_open") is None
    assert state_of(hass, entry, "switch", "door_2_relay") == "off"
    assert state_of(hass, entry, "lock", "door_1_door") == "locked"
