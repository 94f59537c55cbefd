"""A sensor shows whether a device responds; events stay visible during an outage."""

import asyncio
import gc
from traceback import walk_tb

import aiohttp
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest

from custom_components.ip_intercom.helpers import connection
from custom_components.ip_intercom.systems.common.errors import IntercomError
from tests.common import USERNAME, capture_changes, capture_log_events, entity_id, state_of, until
from tests.simulators.two_n import Simulator


@pytest.fixture(autouse=True)
def quick_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the timeouts and the pauses between attempts."""
    for name in ("IDLE", "INTERVAL", "LOST"):
        monkeypatch.setattr(connection, name, 1)


def connectivity(hass: HomeAssistant, entry: ConfigEntry) -> str:
    return state_of(hass, entry, "binary_sensor", "connectivity")


async def test_an_outage_changes_connectivity_but_no_event_entity(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    sim.press("%1", call=False)
    await until(lambda: state_of(hass, entry, "event", "bell_1") != "unknown", "a ring")
    await until(lambda: state_of(hass, entry, "image", "last_visitor") != "unknown", "its picture")
    changes = capture_changes(hass, entry)
    for _ in range(2):
        sim.lose_connection()
        await until(lambda: state_of(hass, entry, "lock", "door_1_door") == "unavailable", "the loss")
        assert connectivity(hass, entry) == "off"
        await sim.restore_connection()
        await until(lambda: connectivity(hass, entry) == "on", "the return")
        await until(lambda: state_of(hass, entry, "lock", "door_1_door") == "locked", "the return of the rest")
    await hass.async_block_till_done()
    assert changes == []


def request_errors() -> list[IntercomError | aiohttp.ClientError]:
    """Return the errors of requests that something keeps."""
    gc.collect()
    return [found for found in gc.get_objects() if isinstance(found, IntercomError | aiohttp.ClientError)]


async def test_an_outage_keeps_no_frames_of_failed_requests(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    """A frame keeps everything that the request used."""
    earlier = request_errors()  # of other tests

    def kept_frames() -> int:
        errors = [error for error in request_errors() if not any(error is known for known in earlier)]
        return sum(len(list(walk_tb(error.__traceback__))) for error in errors)

    sim.lose_connection()
    await until(lambda: connectivity(hass, entry) == "off", "the loss")
    await asyncio.sleep(60)
    await until(lambda: kept_frames() <= 2, "the end of the last request")
    await sim.restore_connection()
    await until(lambda: connectivity(hass, entry) == "on", "the return")
    await sim.wait_for_pull()
    await until(lambda: kept_frames() == 0, "the end of the failures")
    assert entry.runtime_data.coordinator.last_exception is None


@pytest.mark.real_time
async def test_a_power_loss_is_detected_during_a_long_poll(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    """No packet shows the power loss, and the poll would wait for a minute."""
    events = capture_log_events(hass)
    await sim.wait_for_pull()
    sim.cut_power()
    await until(lambda: connectivity(hass, entry) == "off", "the loss")
    await sim.restore_connection()
    sim.press("%1", call=False)
    await until(lambda: [event.data["late"] for event in events if event.data["type"] == "KeyPressed"] == [False])
    await until(lambda: state_of(hass, entry, "event", "bell_1") != "unknown", "a ring")
    await until(lambda: connectivity(hass, entry) == "on", "the return")


async def test_each_device_has_a_connectivity_sensor(hass: HomeAssistant, entry: ConfigEntry) -> None:
    registered = er.async_get(hass).async_get(entity_id(hass, entry, "binary_sensor", "connectivity"))
    assert registered is not None
    assert registered.entity_category is EntityCategory.DIAGNOSTIC
    assert registered.device_id == entry.runtime_data.coordinator.device_id
    assert connectivity(hass, entry) == "on"


@pytest.mark.usefixtures("quick_refusals")
async def test_a_rejected_password_changes_no_event_entity(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    changes = capture_changes(hass, entry)
    sim.change_password(USERNAME, "new")
    sim.reset_connections()
    await until(lambda: connectivity(hass, entry) == "off", "the loss")
    assert changes == []


async def test_a_reload_fires_no_event_entity(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    sim.press("%1", call=False)
    await until(lambda: state_of(hass, entry, "event", "bell_1") != "unknown", "a ring")
    bell = entity_id(hass, entry, "event", "bell_1")
    rang = hass.states.get(bell)
    changes = capture_changes(hass, entry, "event")
    assert await hass.config_entries.async_reload(entry.entry_id)
    await sim.wait_for_pull()
    assert entry.state is ConfigEntryState.LOADED
    now = hass.states.get(bell)
    assert rang is not None and now is not None
    assert (now.state, now.attributes) == (rang.state, rang.attributes)
    # Away with its entry and back again, and nothing in between.
    assert {changes.count(changed) for changed in changes} == {2}
