"""Opening, holding and blocking doors, and switching outputs."""

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
import pytest

from tests.common import USERNAME, act, add_intercom, entity_id, state_of, until
from tests.simulators.two_n import Privilege, Simulator


def commands(sim: Simulator) -> list[dict[str, str]]:
    """Return the commands that reached the device's switches."""
    return [request.query for request in sim.requests if request.path == "/api/switch/ctrl"]


def relay_of(sim: Simulator, number: int) -> tuple[bool, bool, bool]:
    """Return whether a switch of the device is active, held and locked."""
    switch = sim.switches[number]
    return switch.active, switch.held, switch.locked


@pytest.fixture
async def lock(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> str:
    """The lock of switch 1, a strike that falls back after 5 seconds."""
    sim.clear_requests()
    return entity_id(hass, entry, "lock", "door_1_door")


@pytest.mark.parametrize("action", ["lock.open", "lock.unlock"])
async def test_opening_releases_the_strike_with_one_command(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, lock: str, action: str
) -> None:
    assert state_of(hass, entry, "lock", "door_1_door") == "locked"
    await act(hass, action, entity_id=lock)
    assert sim.switches[1].active
    await until(lambda: state_of(hass, entry, "lock", "door_1_door") == "unlocked")
    assert commands(sim) == [{"switch": "1", "action": "on"}]
    # The log asks for events, and once for the uptime.
    others = {"/api/log/pull", "/api/system/status"}
    paths = [request.path for request in sim.requests if request.path not in others]
    assert paths == ["/api/switch/status", "/api/switch/ctrl", "/api/switch/status"]


async def test_a_lock_is_locked_again_after_the_strike_time(hass: HomeAssistant, sockets: None) -> None:
    async with Simulator("verso", speed=20) as sim:
        entry = await add_intercom(hass, sim)
        await act(hass, "lock.open", entity_id=entity_id(hass, entry, "lock", "door_1_door"))
        await until(lambda: state_of(hass, entry, "lock", "door_1_door") == "unlocked")
        await until(lambda: state_of(hass, entry, "lock", "door_1_door") == "locked")


async def test_a_latching_relay_stays_until_it_is_locked(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    lock = entity_id(hass, entry, "lock", "door_2_door")
    await act(hass, "lock.open", entity_id=lock)
    await act(hass, "lock.open", entity_id=lock)
    assert relay_of(sim, 2) == (True, False, False)
    await act(hass, "lock.lock", entity_id=lock)
    assert relay_of(sim, 2) == (False, False, False)


async def test_a_door_is_held_open_for_a_time(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, lock: str
) -> None:
    done = await act(hass, "ip_intercom.open_door", response=True, entity_id=lock, hold_time={"minutes": 2})
    assert done == {lock: {"door": "1", "hold_time": 120}}
    assert commands(sim) == [{"switch": "1", "action": "hold", "timeout": "120"}]
    assert relay_of(sim, 1) == (True, True, False)
    await until(lambda: state_of(hass, entry, "switch", "door_1_hold_open") == "on")
    held = hass.states.get(entity_id(hass, entry, "switch", "door_1_hold_open"))
    assert held is not None
    assert held.attributes["until"] > dt_util.utcnow()
    await act(hass, "lock.lock", entity_id=lock)
    assert relay_of(sim, 1) == (False, False, False)
    await until(lambda: state_of(hass, entry, "lock", "door_1_door") == "locked")


async def test_a_door_opens_without_a_hold_time(hass: HomeAssistant, sim: Simulator, lock: str) -> None:
    await act(hass, "ip_intercom.open_door", entity_id=lock)
    assert commands(sim) == [{"switch": "1", "action": "on"}]


async def test_the_switches_hold_and_block_the_door(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, lock: str
) -> None:
    hold = entity_id(hass, entry, "switch", "door_1_hold_open")
    block = entity_id(hass, entry, "switch", "door_1_block")
    await act(hass, "switch.turn_on", entity_id=hold)
    assert relay_of(sim, 1) == (True, True, False)
    await until(lambda: state_of(hass, entry, "switch", "door_1_hold_open") == "on")
    await act(hass, "switch.turn_off", entity_id=hold)
    assert relay_of(sim, 1) == (False, False, False)
    await act(hass, "switch.turn_on", entity_id=block)
    assert relay_of(sim, 1) == (False, False, True)
    await until(lambda: state_of(hass, entry, "switch", "door_1_block") == "on")
    with pytest.raises(HomeAssistantError, match="Front Gate rejected the request: action failed") as refusal:
        await act(hass, "lock.open", entity_id=lock)
    assert refusal.value.translation_key == "command_failed"
    await act(hass, "switch.turn_off", entity_id=block)
    assert relay_of(sim, 1) == (False, False, False)


async def test_a_plain_switch_is_turned_on_and_off(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    hass.config_entries.async_update_entry(entry, options={"plain_switches": ["2"]})
    await hass.config_entries.async_reload(entry.entry_id)
    await sim.wait_for_pull()
    relay = entity_id(hass, entry, "switch", "door_2_relay")
    await act(hass, "switch.turn_on", entity_id=relay)
    assert relay_of(sim, 2) == (True, False, False)
    await until(lambda: state_of(hass, entry, "switch", "door_2_relay") == "on")
    await act(hass, "switch.turn_off", entity_id=relay)
    assert relay_of(sim, 2) == (False, False, False)


async def test_an_output_is_switched(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    output = entity_id(hass, entry, "switch", "port_output1")
    await act(hass, "switch.turn_on", entity_id=output)
    assert sim.ports["output1"].state
    await until(lambda: state_of(hass, entry, "switch", "port_output1") == "on")
    await act(hass, "switch.turn_off", entity_id=output)
    await until(lambda: state_of(hass, entry, "switch", "port_output1") == "off")


async def test_a_door_error_names_the_missing_privilege_or_service(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, lock: str
) -> None:
    sim.revoke(USERNAME, Privilege.SWITCH_CONTROL)
    with pytest.raises(ServiceValidationError, match="select Switches – Control"):
        await act(hass, "lock.open", entity_id=lock)
    sim.disable("switch")
    with pytest.raises(ServiceValidationError, match="Switch API is disabled on Front Gate"):
        await act(hass, "lock.open", entity_id=lock)


async def test_an_unsent_door_command_is_an_error(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, lock: str
) -> None:
    sim.lose_connection()
    with pytest.raises(HomeAssistantError, match="Failed to connect to Front Gate"):
        await act(hass, "lock.open", entity_id=lock)


@pytest.mark.parametrize(
    ("action", "target", "command", "relay"),
    [
        ("lock.open", ("lock", "door_1_door"), "on", (True, False, False)),
        ("switch.turn_on", ("switch", "door_1_hold_open"), "hold", (True, True, False)),
        ("switch.turn_on", ("switch", "door_1_block"), "lock", (False, False, True)),
    ],
)
async def test_a_lost_door_response_is_verified_by_reading_the_state(
    hass: HomeAssistant,
    sim: Simulator,
    entry: ConfigEntry,
    action: str,
    target: tuple[str, str],
    command: str,
    relay: tuple[bool, bool, bool],
) -> None:
    sim.lose_next_answer("switch/ctrl")
    await act(hass, action, entity_id=entity_id(hass, entry, *target))
    assert relay_of(sim, 1) == relay
    assert [activation.action for activation in sim.switch_activations] == [command]


async def test_a_lost_release_response_is_verified_by_reading_the_state(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, lock: str
) -> None:
    await act(hass, "ip_intercom.open_door", entity_id=lock, hold_time={"minutes": 2})
    sim.lose_next_answer("switch/ctrl", 2)
    await act(hass, "lock.lock", entity_id=lock)
    assert relay_of(sim, 1) == (False, False, False)
    assert [activation.action for activation in sim.switch_activations] == ["hold", "release"]


@pytest.mark.parametrize(
    ("target", "path"),
    [(("switch", "port_output1"), "io/ctrl"), (("switch", "access_point_entry"), "accesspoint/blocking/ctrl")],
)
async def test_lost_responses_of_outputs_and_access_points_are_verified(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, target: tuple[str, str], path: str
) -> None:
    switch = entity_id(hass, entry, *target)
    sim.clear_requests()
    sim.lose_next_answer(path)
    await act(hass, "switch.turn_on", entity_id=switch)
    await until(lambda: state_of(hass, entry, *target) == "on")
    await act(hass, "switch.turn_on", entity_id=switch)
    assert [request.path for request in sim.requests].count(f"/api/{path}") == 1


async def test_no_command_is_sent_if_the_door_is_in_that_state(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, lock: str
) -> None:
    await act(hass, "lock.lock", entity_id=lock)
    await act(hass, "switch.turn_off", entity_id=entity_id(hass, entry, "switch", "door_1_hold_open"))
    await act(hass, "switch.turn_off", entity_id=entity_id(hass, entry, "switch", "door_1_block"))
    assert commands(sim) == []


async def test_an_unrelated_event_does_not_stop_the_state_check(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, lock: str
) -> None:
    sim.revoke(USERNAME, Privilege.IO_MONITORING)
    await hass.config_entries.async_reload(entry.entry_id)
    await sim.wait_for_pull()
    await act(hass, "lock.open", entity_id=lock)
    sim.motion(True)
    await until(lambda: state_of(hass, entry, "lock", "door_1_door") == "unlocked")
    await until(lambda: state_of(hass, entry, "lock", "door_1_door") == "locked")


async def test_the_door_state_is_read_if_firmware_has_no_event(hass: HomeAssistant, sockets: None) -> None:
    async with Simulator("vario") as sim:
        entry = await add_intercom(hass, sim)
        # This firmware logs no SwitchStateChanged, and this relay changes no port that is logged.
        sim.revoke(USERNAME, Privilege.IO_MONITORING)
        lock = entity_id(hass, entry, "lock", "door_1_door")
        await act(hass, "lock.open", entity_id=lock)
        assert sim.switches[1].active
        await until(lambda: state_of(hass, entry, "lock", "door_1_door") == "unlocked")
        await until(lambda: state_of(hass, entry, "lock", "door_1_door") == "locked")


@pytest.mark.parametrize(
    "end", [("switch.turn_off", "switch", "door_1_hold_open"), ("lock.lock", "lock", "door_1_door")]
)
async def test_the_end_of_a_hold_is_shown_though_an_event_interrupts_the_read(
    hass: HomeAssistant, sockets: None, end: tuple[str, str, str]
) -> None:
    """Firmware without SwitchOperationChanged reports the switch state, but not the end of the hold."""
    async with Simulator("verso") as sim:
        sim.log.leave_out("SwitchOperationChanged")
        entry = await add_intercom(hass, sim)
        await act(hass, "switch.turn_on", entity_id=entity_id(hass, entry, "switch", "door_1_hold_open"))
        await until(lambda: state_of(hass, entry, "switch", "door_1_hold_open") == "on")
        sim.delay(0.1, "switch/status")
        action, platform, key = end
        await act(hass, action, entity_id=entity_id(hass, entry, platform, key))
        assert relay_of(sim, 1) == (False, False, False)
        assert state_of(hass, entry, "switch", "door_1_hold_open") == "off"
        assert state_of(hass, entry, "lock", "door_1_door") == "locked"


@pytest.mark.parametrize("minutes", [0, 2])
async def test_a_door_is_held_open_for_the_hold_time(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, lock: str, minutes: int
) -> None:
    number = entity_id(hass, entry, "number", "door_1_hold_time")
    assert state_of(hass, entry, "number", "door_1_hold_time") == "0.0"
    await act(hass, "number.set_value", entity_id=number, value=minutes)
    await act(hass, "switch.turn_on", entity_id=entity_id(hass, entry, "switch", "door_1_hold_open"))
    [sent] = commands(sim)
    assert sent == {"switch": "1", "action": "hold"} | ({"timeout": "120"} if minutes else {})


async def test_a_hold_time_survives_a_reload_but_not_its_entity(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    number = entity_id(hass, entry, "number", "door_1_hold_time")
    await act(hass, "number.set_value", entity_id=number, value=15)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await until(lambda: state_of(hass, entry, "number", "door_1_hold_time") == "15.0", "the value")
    assert entry.runtime_data.hold_times == {"1": 900}
    er.async_get(hass).async_update_entity(number, disabled_by=er.RegistryEntryDisabler.USER)
    await until(lambda: hass.states.get(number) is None, "the removal")
    assert entry.runtime_data.hold_times == {}


async def test_an_output_that_ignores_a_command_is_never_shown_as_switched(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    """The device only says that it received the command: its state is read half a second later."""
    output = entity_id(hass, entry, "switch", "port_output1")
    shown: list[str] = []
    hass.bus.async_listen(
        "state_changed",
        lambda event: shown.append(event.data["new_state"].state) if event.data["entity_id"] == output else None,
    )
    before = state_of(hass, entry, "switch", "port_output1")
    sim.garbage("io/ctrl", '{"success": true}', "application/json", times=1)
    await act(hass, "switch.turn_off" if before == "on" else "switch.turn_on", entity_id=output)

    def reads() -> int:
        return sum(request.path == "/api/io/status" for request in sim.requests)

    asked = reads()
    await until(lambda: reads() > asked, "the poll of the effect")
    await hass.async_block_till_done()
    assert (state_of(hass, entry, "switch", "port_output1"), shown) == (before, [])
