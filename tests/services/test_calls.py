"""Dialling, answering and ending calls."""

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


async def test_dialling_a_number_rings_no_bell_here(
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


async def test_a_call_from_here_stays_silent_over_a_reload(
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


async def test_a_call_whose_answer_was_lost_rings_nothing(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, device: str
) -> None:
    sim.garbage("call/dial", "truncated")
    with pytest.raises(HomeAssistantError):
        await act(hass, "ip_intercom.dial", device_id=device, number="sip:999@192.168.1.20")
    sim.dial_from_keypad("sip:999@192.168.1.20")
    await until(lambda: state_of(hass, entry, "sensor", "call_state") == "ringing")
    assert hass.states.get("event.front_gate_doorbell") is None


async def test_dialling_people_of_the_directory(hass: HomeAssistant, sim: Simulator, device: str) -> None:
    uuid = sim.directory["Alice Gruberová"]["uuid"]
    await act(hass, "ip_intercom.dial", device_id=device, users=[uuid])
    assert len(sim.calls) == 1


async def test_dialling_nobody_or_both_is_refused(hass: HomeAssistant, device: str) -> None:
    with pytest.raises(Exception, match="at least one"):
        await act(hass, "ip_intercom.dial", device_id=device)
    with pytest.raises(Exception, match="two or more"):
        await act(hass, "ip_intercom.dial", device_id=device, number="1", users=["2"])


async def test_an_unknown_person_is_refused_with_the_devices_reason(hass: HomeAssistant, device: str) -> None:
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


async def test_no_call_to_answer_or_end(hass: HomeAssistant, sim: Simulator, device: str) -> None:
    with pytest.raises(ServiceValidationError, match="Front Gate has no incoming call"):
        await act(hass, "ip_intercom.answer", device_id=device)
    with pytest.raises(ServiceValidationError, match="Front Gate has no active call"):
        await act(hass, "ip_intercom.hang_up", device_id=device)
    with pytest.raises(HomeAssistantError, match="session not found"):
        await act(hass, "ip_intercom.hang_up", device_id=device, session=99)
    sim.press("%1")
    with pytest.raises(ServiceValidationError, match="has no incoming call"):
        await act(hass, "ip_intercom.answer", device_id=device)


async def test_a_device_that_says_it_hung_up_and_did_not(hass: HomeAssistant, sim: Simulator, device: str) -> None:
    sim.hangup_ignored = True
    session = sim.press("%1")
    assert session is not None
    with pytest.raises(HomeAssistantError, match="the call is still active"):
        await act(hass, "ip_intercom.hang_up", device_id=device, session=session)
    assert session in sim.calls


async def test_an_account_that_may_not_call(hass: HomeAssistant, sim: Simulator) -> None:
    sim.revoke(USERNAME, Privilege.PHONE_CONTROL)
    entry = await add_intercom(hass, sim)
    device = entry.runtime_data.coordinator.device_id
    with pytest.raises(ServiceValidationError, match="cannot make calls"):
        await act(hass, "ip_intercom.dial", device_id=device, number="1")


async def test_a_call_from_the_keypad_rings_the_bell_of_whom_it_calls(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    sim.dial_from_keypad("sip:101@192.168.1.20")
    await until(lambda: state_of(hass, entry, "event", "bell_1") != "unknown")


async def test_a_call_to_nobody_known_rings_a_bell_of_its_own(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    sim.dial_from_keypad("sip:999@192.168.1.20")
    await until(lambda: hass.states.get("event.front_gate_doorbell") is not None)
    await until(lambda: state_of(hass, entry, "event", "bell_call") not in {"unknown", "unavailable"})


async def test_a_button_that_nobody_has_rings_from_its_first_press(
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
