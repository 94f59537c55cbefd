"""The doorbell, from the button to the state."""

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
import pytest

from tests.common import USERNAME, add_intercom, capture_log_events, entity_id, state_of, until
from tests.simulators.two_n import Privilege, Simulator


async def test_pressing_a_button_rings_its_bell_once(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    bell = entity_id(hass, entry, "event", "bell_1")
    rings = []
    hass.bus.async_listen(
        "state_changed", lambda event: rings.append(event) if event.data["entity_id"] == bell else None
    )
    events = capture_log_events(hass)

    sim.press("%1")

    await until(lambda: any(event.data["data"].get("state") == "ringing" for event in events), "the outgoing call")
    await hass.async_block_till_done()
    assert len(rings) == 1
    state = hass.states.get(bell)
    assert state is not None
    assert state.attributes["event_type"] == "ring"
    assert state.attributes["button"] == 1
    assert state_of(hass, entry, "binary_sensor", "ringing") == "on"
    assert state_of(hass, entry, "sensor", "call_state") == "ringing"


async def test_an_incoming_call_never_rings(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    sim.incoming_call()
    await until(lambda: state_of(hass, entry, "sensor", "call_state") == "ringing")
    assert state_of(hass, entry, "event", "bell_1") == "unknown"
    assert state_of(hass, entry, "binary_sensor", "ringing") == "off"


async def test_a_call_to_an_indoor_unit_rings_and_one_from_it_does_not(hass: HomeAssistant, sockets: None) -> None:
    """Residents press its buttons and call others: neither is a visitor."""
    async with Simulator("indoor") as sim:
        entry = await add_intercom(hass, sim)
        coordinator = entry.runtime_data.coordinator
        session = sim.press("%1")
        await until(lambda: state_of(hass, entry, "sensor", "call_state") == "ringing", "the outgoing call")
        assert state_of(hass, entry, "binary_sensor", "ringing") == "off"
        assert coordinator.data.bells == {}
        assert session is not None
        sim.terminate(session)
        await until(lambda: state_of(hass, entry, "sensor", "call_state") == "idle", "its end")
        sim.incoming_call()
        await until(lambda: state_of(hass, entry, "binary_sensor", "ringing") == "on", "a visitor")
        assert coordinator.data.bells == {}


async def test_an_intercom_with_hidden_switches_and_camera_is_no_indoor_unit(
    hass: HomeAssistant, sim: Simulator
) -> None:
    for privilege in (Privilege.SWITCH_MONITORING, Privilege.CAMERA_MONITORING):
        sim.revoke(USERNAME, privilege)
    entry = await add_intercom(hass, sim)
    sim.press("%1")
    await until(lambda: state_of(hass, entry, "binary_sensor", "ringing") == "on", "the ring")
    assert state_of(hass, entry, "event", "bell_1") != "unknown"


@pytest.mark.parametrize("reload", [False, True])
@pytest.mark.parametrize("lost", ["privilege", "failure", "forbidden"])
async def test_named_bells_ring_after_access_to_the_directory_is_lost(
    hass: HomeAssistant, sim: Simulator, reload: bool, lost: str
) -> None:
    """The buttons stay where they are: their numbers, and the numbers that they called, still tell the bell."""
    entry = await add_intercom(hass, sim)
    match lost:
        case "privilege":
            sim.revoke(USERNAME, Privilege.SYSTEM_CONTROL)
        case "failure":
            sim.fault("dir/query", "status")
        case _:
            sim.garbage("dir/query", "html", status=403)
    if reload:
        await hass.config_entries.async_reload(entry.entry_id)
        await hass.async_block_till_done()
    else:
        await entry.runtime_data.coordinator.async_describe()
    coordinator = entry.runtime_data.coordinator
    assert set(coordinator.data.bells) == {"1", "2"}
    for bell in ("1", "2"):
        assert state_of(hass, entry, "event", f"bell_{bell}") == "unknown"
    sim.press("%2")
    await until(lambda: state_of(hass, entry, "event", "bell_2") != "unknown", "the ring")
    state = hass.states.get(entity_id(hass, entry, "event", "bell_2"))
    assert state is not None and "Jiří Novák" in state.name
    assert state_of(hass, entry, "event", "bell_1") == "unknown"
    # Without records of presses, the called number identifies the button.
    sim.terminate(next(iter(sim.calls)))
    sim.revoke(USERNAME, Privilege.KEYPAD_MONITORING)
    sim.press("%1")
    await until(lambda: state_of(hass, entry, "event", "bell_1") != "unknown", "the ring of the other one")
