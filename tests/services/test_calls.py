"""Dialing, answering, and ending calls."""

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import device_registry as dr
import pytest

from tests.common import USERNAME, act, add_intercom, capture_log_events, entity_id, state_of, until
from tests.simulators.two_n import Privilege, Simulator


@pytest.fixture
def device(hass: HomeAssistant, entry: ConfigEntry) -> str:
    """The intercom's id in the device registry."""
    return dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)[0].id


async def test_dialing_a_number_does_not_ring(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, device: str
) -> None:
    events = capture_log_events(hass)
    response = await act(hass, "ip_intercom.dial", response=True, device_id=device, number="sip:200@192.168.1.20")
    assert list(sim.calls) == [response["session"]]
    await until(lambda: any(event.data["data"].get("state") == "ringing" for event in events))
    assert state_of(hass, entry, "event", "bell_1") == "unknown"
    assert state_of(hass, entry, "event", "bell_2") == "unknown"
    await until(lambda: state_of(hass, entry, "sensor", "call_state") == "ringing")
    assert state_of(hass, entry, "binary_sensor", "ringing") == "off"


async def test_a_dialed_call_does_not_ring_after_a_reload(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, device: str
) -> None:
    await act(hass, "ip_intercom.dial", device_id=device, number="sip:999@192.168.1.20")
    await hass.config_entries.async_reload(entry.entry_id)
    await sim.wait_for_pull()
    session = next(iter(sim.calls))
    sim.emit("CallStateChanged", direction="outgoing", state="ringing", peer="sip:9@x", session=session, call=99)
    events = capture_log_events(hass)
    sim.emit("InputChanged", port="input1", state=True)
    await until(lambda: events)
    assert hass.states.get("event.front_gate_doorbell") is None


async def test_a_dialed_call_with_a_lost_response_does_not_ring(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, device: str
) -> None:
    sim.garbage("call/dial", "truncated")
    with pytest.raises(HomeAssistantError):
        await act(hass, "ip_intercom.dial", device_id=device, number="sip:999@192.168.1.20")
    sim.dial_from_keypad("sip:999@192.168.1.20")
    await until(lambda: state_of(hass, entry, "sensor", "call_state") == "ringing")
    assert hass.states.get("event.front_gate_doorbell") is None


async def test_dialing_a_directory_user_starts_a_call(hass: HomeAssistant, sim: Simulator, device: str) -> None:
    uuid = sim.directory["Alice Gruberová"]["uuid"]
    await act(hass, "ip_intercom.dial", device_id=device, users=[uuid])
    assert len(sim.calls) == 1


async def test_dialing_needs_either_a_number_or_users(hass: HomeAssistant, device: str) -> None:
    with pytest.raises(Exception, match="at least one"):
        await act(hass, "ip_intercom.dial", device_id=device)
    with pytest.raises(Exception, match="two or more"):
        await act(hass, "ip_intercom.dial", device_id=device, number="1", users=["2"])


async def test_dialing_an_unknown_user_raises_the_reason_of_the_device(hass: HomeAssistant, device: str) -> None:
    with pytest.raises(ServiceValidationError, match="Front Gate rejected the request"):
        await act(hass, "ip_intercom.dial", device_id=device, users=["00000000-0000-0000-0000-000000000001"])


async def test_answering_and_ending_an_incoming_call(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, device: str
) -> None:
    session = sim.incoming_call()
    response = await act(hass, "ip_intercom.answer", response=True, device_id=device)
    assert response == {"session": session}
    await until(lambda: state_of(hass, entry, "sensor", "call_state") == "connected")
    state = hass.states.get(entity_id(hass, entry, "sensor", "call_state"))
    assert state is not None
    assert state.attributes["direction"] == "incoming"
    response = await act(hass, "ip_intercom.hang_up", response=True, device_id=device, reason="busy")
    assert response == {"sessions": [session]}
    assert sim.calls == {}
    await until(lambda: state_of(hass, entry, "sensor", "call_state") == "idle")


async def test_buttons_answer_and_hang_up(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    sim.incoming_call()
    await act(hass, "button.press", entity_id=entity_id(hass, entry, "button", "answer"))
    await act(hass, "button.press", entity_id=entity_id(hass, entry, "button", "hang_up"))
    assert sim.calls == {}


async def test_answer_and_hang_up_without_a_call_are_errors(hass: HomeAssistant, sim: Simulator, device: str) -> None:
    with pytest.raises(ServiceValidationError, match="Front Gate has no incoming call"):
        await act(hass, "ip_intercom.answer", device_id=device)
    with pytest.raises(ServiceValidationError, match="Front Gate has no active call"):
        await act(hass, "ip_intercom.hang_up", device_id=device)
    with pytest.raises(HomeAssistantError, match="session not found"):
        await act(hass, "ip_intercom.hang_up", device_id=device, session=99)
    sim.press("%1")
    with pytest.raises(ServiceValidationError, match="has no incoming call"):
        await act(hass, "ip_intercom.answer", device_id=device)


async def test_an_ineffective_hang_up_is_an_error(hass: HomeAssistant, sim: Simulator, device: str) -> None:
    sim.hangup_ignored = True
    session = sim.press("%1")
    assert session is not None
    with pytest.raises(HomeAssistantError, match="the call is still active"):
        await act(hass, "ip_intercom.hang_up", device_id=device, session=session)
    assert session in sim.calls


async def test_dial_without_the_call_privilege_is_an_error(hass: HomeAssistant, sim: Simulator) -> None:
    sim.revoke(USERNAME, Privilege.PHONE_CONTROL)
    entry = await add_intercom(hass, sim)
    device = entry.runtime_data.coordinator.device_id
    with pytest.raises(ServiceValidationError, match="cannot make calls"):
        await act(hass, "ip_intercom.dial", device_id=device, number="1")


async def test_a_keypad_call_rings_the_bell_of_the_called_user(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    sim.dial_from_keypad("sip:101@192.168.1.20")
    await until(lambda: state_of(hass, entry, "event", "bell_1") != "unknown")


async def test_a_call_to_an_unknown_number_rings_the_general_doorbell(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    sim.dial_from_keypad("sip:999@192.168.1.20")
    await until(lambda: hass.states.get("event.front_gate_doorbell") is not None)
    await until(lambda: state_of(hass, entry, "event", "bell_call") not in {"unknown", "unavailable"})


async def test_an_unassigned_button_rings_from_its_first_press(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    sim.press("%7")
    await until(lambda: hass.states.get("event.front_gate_doorbell_7") is not None)
    await until(lambda: state_of(hass, entry, "event", "bell_7") not in {"unknown", "unavailable"})
    sim.press("%7")
    state = state_of(hass, entry, "event", "bell_7")
    await until(lambda: state_of(hass, entry, "event", "bell_7") != state)


async def test_steps_of_a_call_are_events(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    call = entity_id(hass, entry, "event", "call")
    session = sim.incoming_call()
    await until(lambda: hass.states.get(call).attributes.get("event_type") == "ringing")  # type: ignore[union-attr]
    sim.terminate(session)
    await until(lambda: hass.states.get(call).attributes.get("event_type") == "terminated")  # type: ignore[union-attr]
