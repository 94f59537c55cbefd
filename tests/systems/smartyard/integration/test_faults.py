"""A part of an account fails alone: the others work, and it is added when it responds."""

import asyncio

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr, entity_registry as er, issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.ip_intercom.const import DOMAIN
from custom_components.ip_intercom.helpers.failures import PATIENCE
from custom_components.ip_intercom.systems.common import parts
from custom_components.ip_intercom.systems.smartyard.client import client
from tests.common import act, capture_log_events, entity_id, state_of, until
from tests.outages import lines, pass_time, repairs, unusable
from tests.simulators.common.faults import Fault
from tests.simulators.smartyard import PHONE, Simulator

from .conftest import add
from .test_devices import place

# What of the entities needs a part.
NEEDS = {
    "address/getAddressList": ("door_2", "bell_", "camera_intercom_"),
    "address/getSettingsList": ("flat_",),
    "address/intercom": ("flat_",),
    "cctv/all": ("camera_4",),
    "cctv/camMap": ("camera_intercom_",),
    "ext/options": (),
    "inbox/unreaded": ("unread_messages",),
    "user/notification": ("setting_text_messages", "setting_money_messages"),
}
KINDS = [
    (Fault.RESET, 0), (Fault.STATUS, 500), (Fault.STATUS, 404), (Fault.PAGE, 200), (Fault.DEEP, 200),
    (Fault.WRONG_SHAPES, 0), (Fault.REFUSED, 0),
]  # fmt: skip
CASES = [(path, Fault.HANG, 0) for path in NEEDS] + [
    (path, fault, status) for path in ("address/getAddressList", "cctv/all") for fault, status in KINDS
]


async def test_each_failed_function_is_retried_and_leaves_the_others(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    devices = {device.id for device in dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)}
    assert unusable(hass, entry) == set()
    for path, fault, status in CASES:
        what = f"{path} {fault} {status}"
        assert await hass.config_entries.async_unload(entry.entry_id), what
        sim.fault(path, fault, status=status)
        with monkeypatch.context() as patched:
            if fault is Fault.HANG:
                patched.setattr(parts, "_FIRST_TIMEOUT", 0.2)
            assert await hass.config_entries.async_setup(entry.entry_id), what
        await hass.async_block_till_done()
        lost = unusable(hass, entry)
        assert bool(lost) is bool(NEEDS[path]), (what, lost)
        assert [key for key in lost if not any(marker in key for marker in NEEDS[path])] == [], what
        sim.heal()
        await pass_time(hass, 11)
        await until(lambda: not unusable(hass, entry), what)
    there = {device.id for device in dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)}
    assert there == devices, "no entity was removed and added again"


@pytest.mark.parametrize("path", NEEDS)
async def test_wrong_ids_for_a_while_lose_no_entity(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, path: str
) -> None:
    known = {one.unique_id for one in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)}
    assert await hass.config_entries.async_unload(entry.entry_id)
    sim.fault(path, Fault.WRONG_VALUES)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    sim.heal()
    await entry.runtime_data.coordinator.async_describe()
    await until(lambda: not unusable(hass, entry), path)
    assert {one.unique_id for one in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)} == known


async def test_an_entry_loads_without_doors_and_gets_them_later(hass: HomeAssistant, sim: Simulator) -> None:
    sim.fault("address/getAddressList", Fault.STATUS)
    entry = await add(hass, sim)
    assert entry.state is ConfigEntryState.LOADED
    assert state_of(hass, entry, "sensor", "unread_messages") == "0"
    assert state_of(hass, entry, "switch", "setting_flat_51_cms") == "on"
    sim.heal()
    await pass_time(hass, 11)
    await until(lambda: entry.runtime_data.coordinator.data.doors, "the doors")
    await act(hass, "lock.open", entity_id=entity_id(hass, entry, "lock", "door_21:0_door"))
    assert sim.address_functions.opened == [(21, 0, PHONE)]


async def test_opening_a_door_does_not_wait_for_hanging_lists(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    for path in ("address/getAddressList", "address/getSettingsList", "user/notification", "inbox/unreaded"):
        sim.fault(path, Fault.HANG)
    reading = asyncio.ensure_future(entry.runtime_data.coordinator.system.read())
    await until(lambda: len(sim._handling) >= client.MAX_QUERIES, "all of them to hang")
    await act(hass, "lock.open", entity_id=entity_id(hass, entry, "lock", "door_21:0_door"))
    assert sim.address_functions.opened == [(21, 0, PHONE)]
    reading.cancel()


# -- a source of events ----------------------------------------------------------------------------

SOURCE = "address/plog"
SILENT = [(Fault.HANG, 0), (Fault.RESET, 0), (Fault.STATUS, 500), (Fault.STATUS, 429), (Fault.PAGE, 200)]


async def lose(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, fault: Fault, status: int = 500) -> None:
    """Let the event logs fail until this is noticed."""
    await until(lambda: entry.runtime_data.events.following, "the first polls")
    sim.fault(SOURCE, fault, status=status)
    await until(lambda: state_of(hass, entry, "binary_sensor", "event_log") == "off", "the journals to be missed")


@pytest.mark.parametrize(("fault", "status"), SILENT)
async def test_failing_journals_leave_entities_and_messages_working(
    hass: HomeAssistant,
    sim: Simulator,
    entry: ConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
    status: int,
) -> None:
    if fault is Fault.HANG:
        monkeypatch.setattr(client, "QUERY_TIMEOUT", 0.3)
    events = capture_log_events(hass)
    await lose(hass, sim, entry, fault, status)
    assert unusable(hass, entry) == set()
    sim.message("Завтра не будет воды", "Вода")
    await until(lambda: state_of(hass, entry, "sensor", "unread_messages") == "1", "the other source")
    await entry.runtime_data.coordinator.async_refresh()
    assert state_of(hass, entry, "binary_sensor", "connectivity") == "on"
    assert repairs(hass) == [], "not at once"
    caplog.clear()
    await pass_time(hass, PATIENCE + 1)
    assert repairs(hass) == ["event_source_lost"]
    (issue,) = [issue for issue in ir.async_get(hass).issues.values() if issue.domain == DOMAIN]
    assert issue.translation_placeholders == {"device": entry.title, "name": SOURCE}
    uuid = sim.happen("key")
    sim.heal()
    await until(lambda: state_of(hass, entry, "binary_sensor", "event_log") == "on", "the journals to be back")
    assert repairs(hass) == []
    await until(lambda: [event for event in events if event.data["data"].get("id") == uuid], "the record")
    assert len(lines(caplog)) == 2, lines(caplog)


async def test_a_failing_journal_leaves_that_of_another_apartment(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    events = capture_log_events(hass)
    await until(lambda: entry.runtime_data.events.following, "the first polls")
    sim.break_log(53)
    await until(lambda: state_of(hass, entry, "binary_sensor", "event_log") == "off", "the journal to be missed")
    uuid = sim.happen("key", 22, flat=51)
    await until(
        lambda: [event for event in events if event.data["data"].get("id") == uuid], "the log of the other apartment"
    )
    await pass_time(hass, PATIENCE + 1)
    assert repairs(hass) == ["event_source_lost"]


async def test_the_repair_retries_the_journals(
    hass: HomeAssistant,
    sim: Simulator,
    entry: ConfigEntry,
    local_url: str,
    hass_client: ClientSessionGenerator,
) -> None:
    await lose(hass, sim, entry, Fault.STATUS)
    await pass_time(hass, PATIENCE + 1)
    (issue,) = [issue for issue in ir.async_get(hass).issues.values() if issue.domain == DOMAIN]
    # By itself it would be asked for in minutes.
    for look in entry.runtime_data.coordinator.system.log._poller._jobs.values():
        look.due += 600 * (look.failures > 0)
    client = await hass_client()
    answer = await client.post("/api/repairs/issues/fix", json={"handler": DOMAIN, "issue_id": issue.issue_id})
    flow = (await answer.json())["flow_id"]
    sim.heal()
    done = await (await client.post(f"/api/repairs/issues/fix/{flow}", json={})).json()
    assert done["type"] == "create_entry"
    assert repairs(hass) == []


# -- a server that is busy -------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "key"), [(503, "overloaded"), (429, "throttled")])
async def test_a_busy_server_is_unavailable_and_gets_no_requests(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, caplog: pytest.LogCaptureFixture, status: int, key: str
) -> None:
    coordinator = entry.runtime_data.coordinator
    await until(lambda: entry.runtime_data.events.following, "the first polls")
    caplog.clear()
    sim.overload(status, "300")
    await until(lambda: not coordinator.last_update_success, "the device to be unavailable")
    assert coordinator.last_exception.translation_key == key
    await hass.async_block_till_done()
    sim.clear_requests()
    for _ in range(3):
        await pass_time(hass, 100)
        await asyncio.sleep(30)  # for attempts in the background
    assert sim.requests == [], "it asked to be left alone"
    flat = place(hass, entry, "flat_51").id
    with pytest.raises(HomeAssistantError) as failed:
        await act(hass, f"{DOMAIN}.history_query", response=True, device_id=flat, day="2026-11-20")
    assert failed.value.translation_key == key
    sim.heal()
    entry.runtime_data.events.async_hasten()
    await until(lambda: coordinator.last_update_success, "the device to be available")
    assert len(lines(caplog)) == 2, lines(caplog)


@pytest.mark.parametrize(("status", "key"), [(503, "overloaded"), (429, "throttled")])
async def test_setup_of_a_busy_server_waits_for_retry_after(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, status: int, key: str
) -> None:
    await hass.config_entries.async_unload(entry.entry_id)
    sim.clear_requests()
    sim.overload(status, "300")
    for is_first in (True, False):
        await hass.config_entries.async_reload(entry.entry_id)
        assert entry.state is ConfigEntryState.SETUP_RETRY
        assert entry.error_reason_translation_key == key
        assert bool(sim.requests) is is_first
        sim.clear_requests()


async def test_a_busy_function_gets_no_requests(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    await hass.config_entries.async_unload(entry.entry_id)
    sim.fault("cctv/all", Fault.STATUS, status=503, retry_after="300")
    assert await hass.config_entries.async_setup(entry.entry_id)
    sim.clear_requests()
    await pass_time(hass, 100)
    assert [request for request in sim.requests if request.function == "/cctv/all"] == []
    sim.heal()
    await pass_time(hass, 301)
    await until(lambda: not unusable(hass, entry), "the cameras")
