"""Entities of each model, and of a read-only account."""

from homeassistant.components.binary_sensor import BinarySensorDeviceClass
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest

from tests.common import USERNAME, add_intercom, capture_log_events, entity_id, state_of, until
from tests.simulators.two_n import Privilege, Service, Simulator

ALARMS = {
    "access_limited", "door_forced", "door_held_open", "door_open", "lift", "lockdown", "motion", "noise", "rescue",
    "switches_blocked", "tamper",
}  # fmt: skip

# What the visitor of the test does not set off.
QUIET = {"access_limited", "lift", "lockdown", "rescue", "switches_blocked"}

PHONE = {"line_1", "line_2", "ringing"}
CALLS = {"answer", "hang_up"}
UPKEEP = {"restart", "sync_clock"}
DOORS = {"door_1_door", "door_2_door"}
DOOR_SWITCHES = {"door_1_hold_open", "door_1_block", "door_2_hold_open", "door_2_block"}
ACCESS_POINTS = {"access_point_entry", "access_point_exit"}
OCCURRENCES = {"exit_button", "login_blocked", "silent_alarm"}

VERSO = {
    "binary_sensor": {"connectivity", "event_log", "port_input1", *PHONE} | {f"alarm_{name}" for name in ALARMS},
    "button": CALLS | UPKEEP,
    "camera": {"camera_internal"},
    "event": {"bell_1", "bell_2", "access", "call", "audio_test", "tone", "visitor", *OCCURRENCES},
    "image": {"last_visitor"},
    "lock": DOORS,
    "number": {"door_1_hold_time", "door_2_hold_time"},
    "sensor": {"call_state", "clock_drift", "firmware_expires", "last_access", "last_call"},
    "switch": DOOR_SWITCHES | ACCESS_POINTS | {"port_led_secured", "port_relay1", "port_output1"},
    "update": {"firmware"},
}

# What each model shows, by platform: everything that it reports, nothing that it has not.
EXPECTED = {
    "verso": VERSO,
    "verso3": {
        **VERSO,
        "binary_sensor": VERSO["binary_sensor"] | {"line_3", "line_4", "port_tamper", "alarm_device_error"},
        "notify": {"display_ext1"},
    },
    "vario": {
        "binary_sensor": {"connectivity", "event_log"} | PHONE - {"line_2"},
        "button": CALLS | {"restart"},
        "camera": {"camera_internal", "camera_external"},
        "event": {"bell_call", "access", "call", "audio_test", "visitor"},
        "image": {"last_visitor"},
        "lock": DOORS,
        "notify": {"display_internal"},
        "sensor": {"call_state", "firmware_expires", "last_access"},
        "switch": {"port_relay1", "port_relay2"},
        "update": {"firmware"},
    },
    "access_unit": {
        "binary_sensor": {"connectivity", "event_log", "port_input1", "port_tamper"}
        | {f"alarm_{name}" for name in ALARMS - {"motion", "noise"}},
        "button": UPKEEP,
        "event": {"access", *OCCURRENCES},
        "lock": {"door_1_door"},
        "number": {"door_1_hold_time"},
        "sensor": {"clock_drift", "firmware_expires", "last_access"},
        "switch": {"door_1_hold_open", "door_1_block", "port_led_secured", "port_relay1", *ACCESS_POINTS},
        "update": {"firmware"},
    },
    "indoor": {
        "binary_sensor": {"connectivity", "event_log", "port_input1", *PHONE},
        "button": CALLS | UPKEEP,
        "event": {"call", "login_blocked", "tone"},
        "notify": {"display_internal"},
        "sensor": {"call_state", "clock_drift", "firmware_expires", "last_call"},
        "update": {"firmware"},
    },
}


def shown(hass: HomeAssistant, entry: ConfigEntry) -> dict[str, set[str]]:
    """Return the entities of a device by platform, without what they all begin with."""
    found: dict[str, set[str]] = {}
    for entity in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id):
        found.setdefault(entity.domain, set()).add(entity.unique_id.removeprefix(f"{entry.unique_id}_"))
    return found


async def test_each_model_loads_and_every_entity_is_available(hass: HomeAssistant, any_model: Simulator) -> None:
    entry = await add_intercom(hass, any_model)
    entities = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    assert entities
    for entity in entities:
        if entity.disabled_by is None:
            state = hass.states.get(entity.entity_id)
            assert state is not None
            assert state.state != "unavailable", entity.entity_id
    assert shown(hass, entry) == EXPECTED[any_model.model_key]


async def test_the_device_has_model_firmware_and_address(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    device = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)[0]
    assert (device.manufacturer, device.model, device.name) == ("2N", "IP Verso", "Front Gate")
    assert device.sw_version == sim.model.info["swVersion"]
    assert (dr.CONNECTION_NETWORK_MAC, entry.unique_id) in device.connections
    assert device.configuration_url == f"http://{sim.http_address}"


async def test_bells_are_named_from_the_directory(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    state = hass.states.get(entity_id(hass, entry, "event", "bell_1"))
    assert state is not None
    assert state.name == "Front Gate Doorbell Alice Gruberová"


async def test_inputs_and_alarms_follow_the_device(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    assert state_of(hass, entry, "binary_sensor", "port_input1") == "off"
    assert state_of(hass, entry, "binary_sensor", "alarm_motion") == "unknown"
    sim.set_input("input1", True)
    sim.motion(True)
    sim.tamper(True)
    sim.door(opened=True)
    sim.unauthorized_door(True)
    sim.door_too_long(True)
    sim.noise(True)
    keys = ["port_input1", *(f"alarm_{name}" for name in ALARMS - QUIET)]
    await until(lambda: all(state_of(hass, entry, "binary_sensor", key) == "on" for key in keys))
    sim.motion(False)
    await until(lambda: state_of(hass, entry, "binary_sensor", "alarm_motion") == "off")
    motion = hass.states.get(entity_id(hass, entry, "binary_sensor", "alarm_motion"))
    assert motion is not None
    assert motion.attributes["device_class"] == BinarySensorDeviceClass.MOTION


async def test_a_tamper_port_has_a_state_at_setup(hass: HomeAssistant, sockets: None) -> None:
    async with Simulator("access_unit") as sim:
        entry = await add_intercom(hass, sim)
        assert state_of(hass, entry, "binary_sensor", "alarm_tamper") == "off"


async def test_registration_follows_the_device(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    assert state_of(hass, entry, "binary_sensor", "line_1") == "on"
    sim.register(1, False)
    await until(lambda: state_of(hass, entry, "binary_sensor", "line_1") == "off")


async def test_a_read_only_account_has_no_control_entities(hass: HomeAssistant, sim: Simulator) -> None:
    sim.revoke(USERNAME, Privilege.ALL)
    sim.grant(USERNAME, Privilege.MONITORING)
    entry = await add_intercom(hass, sim)
    found = shown(hass, entry)
    assert not {"lock", "switch", "button"} & set(found)
    assert {"door_1_door", "door_2_door", "port_relay1"} <= found["binary_sensor"]
    assert state_of(hass, entry, "binary_sensor", "door_1_door") == "off"
    sim.swipe_card("4BD9E903")
    await until(lambda: state_of(hass, entry, "binary_sensor", "door_1_door") == "on")
    assert not any(activation.account for activation in sim.switch_activations)


@pytest.mark.parametrize("service", [Service.SWITCH, Service.IO, Service.CAMERA, Service.PHONE, Service.LOGGING])
async def test_a_disabled_service_removes_only_its_own_entities(
    hass: HomeAssistant, sim: Simulator, service: Service
) -> None:
    sim.disable(service)
    entry = await add_intercom(hass, sim)
    found = shown(hass, entry)
    gone = {
        Service.SWITCH: "lock",
        Service.CAMERA: "camera",
        Service.PHONE: "sensor",
    }
    for other, platform in gone.items():
        keys = found.get(platform, set()) - {"clock_drift", "firmware_expires", "last_access"}
        assert bool(keys) is (other is not service)
    description = entry.runtime_data.coordinator.description
    assert {(missing.kind) for missing in description.missing} == {"service"}
    assert description.pushes is (service is not Service.LOGGING)


@pytest.mark.parametrize(
    "privilege",
    [Privilege.SYSTEM_CONTROL, Privilege.SWITCH_MONITORING, Privilege.IO_MONITORING, Privilege.CAMERA_MONITORING],
)
async def test_a_missing_privilege_does_not_break_the_rest(
    hass: HomeAssistant, sim: Simulator, privilege: Privilege
) -> None:
    sim.revoke(USERNAME, privilege)
    if privilege is Privilege.SWITCH_MONITORING:
        sim.revoke(USERNAME, Privilege.SWITCH_CONTROL)
    entry = await add_intercom(hass, sim)
    assert {missing.kind for missing in entry.runtime_data.coordinator.description.missing} == {"privilege"}
    assert "event" in shown(hass, entry)


def names(hass: HomeAssistant, entry: ConfigEntry) -> list[str]:
    """Return the names of all entities of a device, disabled ones as well, with their platforms."""
    entities = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    return [f"{entity.domain} {entity.original_name}" for entity in entities]


async def test_no_two_entities_have_the_same_name(hass: HomeAssistant, any_model: Simulator) -> None:
    entry = await add_intercom(hass, any_model)
    told = names(hass, entry)
    assert sorted(told) == sorted(set(told))


@pytest.mark.parametrize("model", ["verso3", "access_unit"])
async def test_the_alarm_has_the_clean_id_of_a_port_of_its_name(hass: HomeAssistant, sockets: None, model: str) -> None:
    async with Simulator(model) as sim:
        entry = await add_intercom(hass, sim)
        alarm = entity_id(hass, entry, "binary_sensor", "alarm_tamper")
        port = entity_id(hass, entry, "binary_sensor", "port_tamper")
        assert (alarm.endswith("_tamper"), port.endswith("_tamper_contact")) == (True, True), (alarm, port)


async def test_doorbells_with_equal_names_show_their_button(hass: HomeAssistant, sockets: None) -> None:
    people = [("Alice", "1"), ("Alice", "2"), ("Bob", "3,4"), ("Carol", "5")]
    async with Simulator("verso", directory=[{"name": name, "buttons": buttons} for name, buttons in people]) as sim:
        entry = await add_intercom(hass, sim)
        told = {name for name in names(hass, entry) if name.startswith("event Doorbell")}
        assert told == {f"event Doorbell {name}" for name in ("Alice (1)", "Alice (2)", "Bob (3)", "Bob (4)", "Carol")}


async def test_the_number_of_motion_entities_is_limited(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    events = capture_log_events(hass)

    def shown_motions() -> set[str]:
        return {key for key in shown(hass, entry)["binary_sensor"] if key.startswith("alarm_motion_")}

    for number in range(1, 41):
        sim.motion(True, profile=number)
        sim.motion(False, profile=number)
    sim.motion(True, profile=99)
    wanted = {f"alarm_motion_{number}" for number in range(1, 17)}
    await until(lambda: shown_motions() >= wanted and len(events) >= 81, "the motions")
    await hass.async_block_till_done()
    assert shown_motions() == wanted
    assert state_of(hass, entry, "binary_sensor", "alarm_motion") == "on"
    # Of an earlier version.
    registry = er.async_get(hass)
    registry.async_get_or_create(
        "binary_sensor", "ip_intercom", f"{entry.unique_id}_alarm_motion_30", config_entry=entry
    )
    assert await hass.config_entries.async_reload(entry.entry_id)
    await sim.wait_for_pull()
    assert shown_motions() == wanted
    assert state_of(hass, entry, "binary_sensor", "alarm_motion") == "on"
