"""A single function fails at setup: the others work, and it is added later."""

from datetime import timedelta
import json

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from tests.common import act, add_intercom, entity_id, state_of, until
from tests.simulators.common.faults import Fault
from tests.simulators.two_n import Simulator


async def pass_time(hass: HomeAssistant, seconds: float) -> None:
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=seconds))
    await hass.async_block_till_done()


@pytest.mark.parametrize(
    ("path", "domain", "key"),
    [
        ("camera/caps", "camera", "camera_internal"),
        ("switch/caps", "lock", "door_1_door"),
        ("io/caps", "switch", "port_output1"),
    ],
)
async def test_a_failed_function_is_retried_until_it_has_an_entity(
    hass: HomeAssistant, sim: Simulator, path: str, domain: str, key: str
) -> None:
    sim.fault(path, Fault.STATUS)
    entry = await add_intercom(hass, sim)
    assert entry.state is ConfigEntryState.LOADED
    registry = er.async_get(hass)

    def there() -> bool:
        return registry.async_get_entity_id(domain, "ip_intercom", f"{entry.unique_id}_{key}") is not None

    assert not there()
    others = {"camera_internal": "door_1_door"}.get(key, "camera_internal")
    assert state_of(hass, entry, "camera" if others.startswith("camera") else "lock", others) != "unavailable"
    await pass_time(hass, 11)
    assert not there()
    sim.heal()
    await pass_time(hass, 40)
    await until(there, key)
    await until(lambda: state_of(hass, entry, domain, key) not in {"unavailable", "unknown"} or domain == "camera")


async def test_entities_stay_while_their_function_fails(hass: HomeAssistant, sim: Simulator) -> None:
    entry = await add_intercom(hass, sim)
    lock = entity_id(hass, entry, "lock", "door_1_door")
    er.async_get(hass).async_update_entity(lock, name="Garden gate")
    for path in ("switch/ctrl", "switch/status", "switch/caps"):
        sim.fault(path, Fault.STATUS)
        await entry.runtime_data.coordinator.async_describe()
        assert hass.states.get(lock) is not None, path
        await hass.config_entries.async_reload(entry.entry_id)
        await hass.async_block_till_done()
        kept = er.async_get(hass).async_get(lock)
        assert kept is not None and kept.name == "Garden gate", path
        sim.heal()
        await hass.config_entries.async_reload(entry.entry_id)
        await hass.async_block_till_done()
    await act(hass, "lock.open", entity_id=lock)


async def test_a_slow_directory_delays_nothing(hass: HomeAssistant, sim: Simulator) -> None:
    sim.delay(3.0, "dir/query")
    entry = await add_intercom(hass, sim)
    assert state_of(hass, entry, "lock", "door_1_door") == "locked"
    assert er.async_get(hass).async_get_entity_id("event", "ip_intercom", f"{entry.unique_id}_bell_1") is None
    await until(lambda: er.async_get(hass).async_get_entity_id("event", "ip_intercom", f"{entry.unique_id}_bell_1"))
    state = hass.states.get(entity_id(hass, entry, "event", "bell_1"))
    assert state is not None and "Alice" in state.name


@pytest.mark.parametrize(
    ("path", "result"),
    [
        ("switch/caps", {"switches": None}),
        ("io/caps", {"ports": None}),
        ("camera/caps", {"jpegResolution": None, "sources": None}),
        ("dir/query", {"series": "1", "timestamp": 1, "users": None}),
        ("call/status", {"sessions": None}),
        ("phone/status", {"accounts": None}),
    ],
)
async def test_null_is_an_empty_list(hass: HomeAssistant, sim: Simulator, path: str, result: dict[str, object]) -> None:
    sim.garbage(path, json.dumps({"success": True, "result": result}), "application/json")
    entry = await add_intercom(hass, sim)
    assert entry.runtime_data.coordinator.description.missing == frozenset()
