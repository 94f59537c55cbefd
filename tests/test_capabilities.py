"""New and lost capabilities of a device change its entities without a reload; names follow the directory."""

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest

from custom_components.ip_intercom.const import CONF_CONTROLS, DOMAIN
from tests.common import USERNAME, act, add_intercom, capture_changes, capture_log_events, entity_id, state_of, until
from tests.simulators.two_n import Privilege, Service, Simulator


def there(hass: HomeAssistant, entry: ConfigEntry, platform: str, key: str) -> bool:
    return er.async_get(hass).async_get_entity_id(platform, DOMAIN, f"{entry.unique_id}_{key}") is not None


async def test_a_module_is_plugged_in_and_pulled_out(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    coordinator = entry.runtime_data.coordinator
    sim.plug_module("ext3", "io")
    await until(lambda: there(hass, entry, "binary_sensor", "port_ext3_input1"))
    assert there(hass, entry, "switch", "port_ext3_relay1")
    sim.set_input("ext3_input1", True)
    await until(lambda: state_of(hass, entry, "binary_sensor", "port_ext3_input1") == "on")
    await act(hass, "switch.turn_on", entity_id=entity_id(hass, entry, "switch", "port_ext3_relay1")) if (
        hass.states.get(entity_id(hass, entry, "switch", "port_ext3_relay1"))
    ) else None
    sim.unplug_module("ext3")
    await until(lambda: not there(hass, entry, "binary_sensor", "port_ext3_input1"))
    assert not there(hass, entry, "switch", "port_ext3_relay1")
    assert there(hass, entry, "binary_sensor", "port_input1")
    assert entry.runtime_data.coordinator is coordinator, "it was reloaded"


async def test_a_switch_is_enabled_and_disabled(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    assert not there(hass, entry, "lock", "door_3_door")
    sim.configure_switch(3, enabled=True)
    await until(lambda: there(hass, entry, "lock", "door_3_door"))
    await hass.async_block_till_done()
    await act(hass, "lock.open", entity_id=entity_id(hass, entry, "lock", "door_3_door"))
    await until(lambda: state_of(hass, entry, "lock", "door_3_door") in {"open", "unlocked"})
    sim.configure_switch(3, enabled=False)
    await until(lambda: not there(hass, entry, "lock", "door_3_door"))
    assert there(hass, entry, "lock", "door_1_door")


async def test_capability_changes_lose_and_repeat_no_event(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    events = capture_log_events(hass)
    for number in range(30):
        sim.emit("UserActionActivated", id=number, state="in")
        if number == 10:
            sim.configure_switch(4, enabled=True)
        if number == 20:
            sim.take_licence("audio")

    def numbers() -> list[object]:
        return [event.data["data"]["id"] for event in events if event.data["type"] == "UserActionActivated"]

    await until(lambda: len(numbers()) >= 30)
    await until(lambda: there(hass, entry, "lock", "door_4_door"))
    assert numbers() == list(range(30))


async def test_entities_stay_when_their_capability_request_fails_once(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    sim.garbage("io/caps", "html", times=1)
    sim.emit("CapabilitiesChanged")
    await until(lambda: not sim._garbage or sim._garbage["/api/io/caps"].left == 0)
    await hass.async_block_till_done()
    assert there(hass, entry, "binary_sensor", "port_input1")


async def test_entities_of_a_disabled_service_are_unavailable(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    sim.disable("io")
    sim.emit("CapabilitiesChanged")
    await until(lambda: state_of(hass, entry, "binary_sensor", "port_input1") == "unavailable")
    assert there(hass, entry, "binary_sensor", "port_input1")
    sim.enable("io")
    sim.emit("CapabilitiesChanged")
    await until(lambda: state_of(hass, entry, "binary_sensor", "port_input1") == "off")


@pytest.mark.parametrize(
    ("service", "platform", "key"),
    [(Service.IO, "binary_sensor", "port_input1"), (Service.LOGGING, "event", "access")],
)
async def test_entities_of_a_disabled_service_stay_registered(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, service: Service, platform: str, key: str
) -> None:
    sim.disable(service)
    for _ in range(3):
        await entry.runtime_data.coordinator.async_describe()
    assert there(hass, entry, platform, key)
    sim.enable(service)
    await entry.runtime_data.coordinator.async_describe()
    await until(lambda: state_of(hass, entry, platform, key) != "unavailable")


@pytest.mark.parametrize(
    ("path", "platform", "key"),
    [
        ("display/caps", "notify", "display_ext1"),
        ("accesspoint/blocking/status", "switch", "access_point_entry"),
        ("phone/calllog", "sensor", "last_call"),
    ],
)
async def test_entities_of_an_extra_stay_after_one_invalid_response(
    hass: HomeAssistant, sockets: None, path: str, platform: str, key: str
) -> None:
    async with Simulator("verso3") as sim:
        entry = await add_intercom(hass, sim)
        assert there(hass, entry, platform, key)
        sim.garbage(path, "html", times=1)
        await entry.runtime_data.coordinator.async_describe()
        assert there(hass, entry, platform, key)
        assert state_of(hass, entry, platform, key) != "unavailable"


async def test_one_invalid_directory_response_adds_no_doorbell(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    sim.garbage("dir/query", "html", times=1)
    await entry.runtime_data.coordinator.async_describe()
    assert not there(hass, entry, "event", "bell_call")
    # And who is called is still known.
    sim.revoke(USERNAME, Privilege.KEYPAD_MONITORING)
    sim.press("%2")
    await until(lambda: state_of(hass, entry, "event", "bell_2") != "unknown")


async def test_a_failed_capability_request_is_repeated(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    sim.garbage("io/caps", "html", times=1)
    sim.configure_switch(3, enabled=True)
    await until(lambda: there(hass, entry, "lock", "door_3_door"))


async def test_an_access_unit_gets_no_doorbell(hass: HomeAssistant, sockets: None) -> None:
    async with Simulator("access_unit") as sim:
        entry = await add_intercom(hass, sim)
        sim.garbage("switch/status", "html", times=1)
        await entry.runtime_data.coordinator.async_describe()
        read = sum(request.path == "/api/dir/query" for request in sim.requests)
        sim.rename_entry("Alice Gruberová", "Karel Čapek")
        await until(lambda: sum(request.path == "/api/dir/query" for request in sim.requests) > read)
        await hass.async_block_till_done()
        assert not there(hass, entry, "event", "bell_1")


async def test_revoking_control_replaces_locks_by_sensors(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    assert "doors" in entry.data[CONF_CONTROLS]
    sim.revoke(USERNAME, Privilege.SWITCH_CONTROL)
    sim.emit("CapabilitiesChanged")
    await until(lambda: there(hass, entry, "binary_sensor", "door_1_door"))
    assert not there(hass, entry, "lock", "door_1_door")
    assert "doors" not in entry.data[CONF_CONTROLS]
    sim.grant(USERNAME, Privilege.SWITCH_CONTROL)
    sim.emit("CapabilitiesChanged")
    await until(lambda: there(hass, entry, "lock", "door_1_door"))
    assert not there(hass, entry, "binary_sensor", "door_1_door")
    assert entry.state is ConfigEntryState.LOADED


async def test_a_bell_takes_its_new_name_when_it_rings(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    bell = entity_id(hass, entry, "event", "bell_1")
    changes = capture_changes(hass, entry, "event")

    def name() -> object:
        state = hass.states.get(bell)
        return state and state.attributes["friendly_name"]

    assert name() == "Front Gate Doorbell Alice Gruberová"
    sim.rename_entry("Alice Gruberová", "Karel Čapek")
    await until(lambda: entry.runtime_data.coordinator.data.bells["1"].name == "Karel Čapek", "the name")
    await hass.async_block_till_done()
    assert changes == []
    sim.press("%1", call=False)
    await until(lambda: name() == "Front Gate Doorbell Karel Čapek", "the ring with the name")
    assert changes == [bell], "one ring runs automations once"
    registered = er.async_get(hass).async_get(bell)
    assert registered is not None and registered.original_name == "Doorbell Karel Čapek"


async def test_renaming_the_device_writes_no_event_entity(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    bell = entity_id(hass, entry, "event", "bell_1")
    device = entry.runtime_data.coordinator.device_id
    devices = dr.async_get(hass)
    sim.press("%1", call=False)
    await until(lambda: state_of(hass, entry, "event", "bell_1") != "unknown", "a first ring")
    await until(lambda: state_of(hass, entry, "image", "last_visitor") != "unknown", "its picture")
    changes = capture_changes(hass, entry)
    sim.model.info["deviceName"] = "Back Gate"
    sim.emit("ConfigurationChanged")
    await until(lambda: getattr(devices.async_get(device), "name", None) == "Back Gate", "the name")
    await until(
        lambda: getattr(hass.states.get("lock.front_gate_door_1"), "name", "").startswith("Back Gate"), "others"
    )
    assert changes == []
    sim.press("%1", call=False)
    await until(lambda: changes, "the next ring")
    state = hass.states.get(bell)
    assert state is not None and state.name == "Back Gate Doorbell Alice Gruberová"
    # Who renames it in Home Assistant sees that at once.
    devices.async_update_device(device, name_by_user="Mine")
    await hass.async_block_till_done()
    state = hass.states.get(bell)
    assert state is not None and state.name == "Mine Doorbell Alice Gruberová"


async def test_pressing_an_unassigned_button_adds_its_doorbell(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    assert not there(hass, entry, "event", "bell_3")
    sim.press("%3", call=False)
    await until(lambda: there(hass, entry, "event", "bell_3"))
    assert entry.runtime_data.coordinator.found.bells.keys() == {"3"}


async def test_a_reboot_refreshes_firmware_and_states(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    sim.model.info["swVersion"] = "2.50.1.1.1"
    sim.set_input("input1", True)
    await sim.reboot(0.2)
    await until(lambda: entry.runtime_data.coordinator.description.identity.firmware == "2.50.1.1.1")
    await until(lambda: state_of(hass, entry, "binary_sensor", "port_input1") == "on")


async def test_a_reboot_refreshes_states_though_capabilities_fail(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    sim.garbage("io/caps", "html")
    sim.ports["input1"].state = True
    await sim.reboot(0.2)
    await until(lambda: state_of(hass, entry, "binary_sensor", "port_input1") == "on")


async def test_motion_zones_and_virtual_ports_survive_a_reload(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    sim.motion(True, profile=2)
    sim.virtual_input("1", True)
    await until(lambda: there(hass, entry, "binary_sensor", "alarm_motion_2"))
    await until(lambda: there(hass, entry, "binary_sensor", "port_virtual_input_1"))
    await until(lambda: state_of(hass, entry, "binary_sensor", "alarm_motion_2") == "on")
    assert state_of(hass, entry, "binary_sensor", "alarm_motion") == "on"
    sim.motion(True, profile=1)
    sim.motion(False, profile=2)
    await until(lambda: state_of(hass, entry, "binary_sensor", "alarm_motion_2") == "off")
    assert state_of(hass, entry, "binary_sensor", "alarm_motion") == "on"
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert state_of(hass, entry, "binary_sensor", "alarm_motion_2") == "off"
    assert state_of(hass, entry, "binary_sensor", "port_virtual_input_1") == "on"


async def test_an_indoor_unit_has_a_clock_sensor(hass: HomeAssistant, sockets: None) -> None:
    async with Simulator("indoor") as sim:
        entry = await add_intercom(hass, sim)
        assert there(hass, entry, "sensor", "clock_drift")
        assert not there(hass, entry, "switch", "access_point_entry")
