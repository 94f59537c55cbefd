"""Rings with disturbances: each rings once, and each ends."""

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest

from custom_components.ip_intercom.const import DOMAIN
from custom_components.ip_intercom.runtime import event_stream as push
from tests.common import PATIENCE, capture_log_events, state_of, until
from tests.entity_states import entity_state
from tests.simulators.smartyard import Form, Simulator
from tests.simulators.smartyard.fixtures import GARDEN
from tests.simulators.smartyard.houses import Door

from .conftest import Start, pushing


async def becomes_known(hass: HomeAssistant, entry: ConfigEntry, platform: str, key: str) -> None:
    """Wait until an entity is there and has a state."""

    def is_known() -> bool:
        found = er.async_get(hass).async_get_entity_id(platform, DOMAIN, f"{entry.unique_id}_{key}")
        state = None if found is None else hass.states.get(found)
        return state is not None and state.state not in {"unknown", "unavailable"}

    await until(is_known, key)


@pytest.mark.parametrize("form", list(Form))
async def test_a_ring_repeated_after_a_restart_rings_once(
    hass: HomeAssistant, device: Start, local_url: str, form: Form
) -> None:
    sim = await device()
    entry = await pushing(hass, sim, local_url, form)
    events = capture_log_events(hass)
    sim.ring(21)
    await until(lambda: events, "the ring")
    assert await hass.config_entries.async_reload(entry.entry_id)
    sim.repeat_push()
    await sim.wait_for_pushes(2)
    sim.ring(22)
    await until(lambda: [item for item in events if item.data["data"].get("bell") == "22"], "another one")
    assert [item.data["data"]["bell"] for item in events if item.data["type"] == "Call"] == ["21", "22"]


async def test_a_repeated_ring_is_detected_after_a_reload_and_many_rings(
    hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry
) -> None:
    events, many = capture_log_events(hass), 65
    sim.ring(21)
    await sim.wait_for_pushes(1)
    first = sim.pushes.last
    assert first is not None
    for _ in range(many):
        sim.ring(22)
    await sim.wait_for_pushes(1 + many, PATIENCE)
    assert await hass.config_entries.async_reload(pushed.entry_id)
    sim.pushes.send(first)
    sim.ring(25)
    await until(lambda: [item for item in events if item.data["data"].get("bell") == "25"], "another one")
    bells = [item.data["data"]["bell"] for item in events if item.data["type"] == "Call"]
    assert (bells.count("21"), bells.count("22")) == (1, many)


async def test_a_message_repeated_after_a_restart_is_reported_once(
    hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry
) -> None:
    events = capture_log_events(hass)

    def titles() -> list[str]:
        return [item.data["data"]["title"] for item in events if item.data["type"] == "Message"]

    sim.text_push("inbox", "Вода", "Завтра не будет воды")
    await until(titles, "the message")
    assert await hass.config_entries.async_reload(pushed.entry_id)
    sim.repeat_push()
    await sim.wait_for_pushes(2)
    sim.text_push("inbox", "Свет", "Завтра будет свет")
    await until(lambda: "Свет" in titles(), "another one")
    assert titles() == ["Вода", "Свет"]


@pytest.mark.parametrize("trouble", ["refused", "broken"])
async def test_a_ring_ends_while_the_server_is_unavailable(
    hass: HomeAssistant, device: Start, local_url: str, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    # The server is not asked again while this test lasts.
    monkeypatch.setattr(push, "_BACK_OFF", (0.1, 600.0))
    monkeypatch.setattr("custom_components.ip_intercom.helpers.failures._CERTAIN", 1e4)
    sim = await device()
    entry = await pushing(hass, sim, local_url)
    coordinator = entry.runtime_data.coordinator
    await until(lambda: entry.runtime_data.events.following, "the first polls")
    sim.set_push_ttl(3)
    if trouble == "refused":
        sim.revoke_tokens()
        await until(lambda: hass.config_entries.flow.async_progress(), "the question")
    else:
        sim.break_server()
        await until(lambda: not coordinator.last_update_success, "the loss")
    asked = len(sim.requests)
    sim.ring(21)
    await until(lambda: coordinator.data.ringing["21"], "the ring")
    await until(lambda: not coordinator.data.ringing["21"], "its end")
    if trouble == "refused":
        # A refused token is not tried again and again because of it; the picture needs none.
        assert {request.function for request in sim.requests[asked:]} <= {"/call/camshot/{hash}"}


async def test_a_ring_at_a_new_door_adds_its_doorbell(hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry) -> None:
    await until(lambda: pushed.runtime_data.events.following, "the first polls")
    sim.town.doors.append(Door(26, 0, "wicket", "Новая калитка", 37, GARDEN))
    events = capture_log_events(hass)
    sim.ring(26, flat=51)
    await becomes_known(hass, pushed, "event", "bell_26")
    assert entity_state(hass, pushed, "event", "bell_26").attributes["event_type"] == "ring"
    await becomes_known(hass, pushed, "image", "bell_26_last_visitor")
    assert state_of(hass, pushed, "binary_sensor", "bell_26_ringing") == "on"
    assert [item.data["type"] for item in events] == ["Changed", "Call"]


async def test_a_ring_of_a_new_apartment_adds_its_doorbell(
    hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry
) -> None:
    """The push names an unknown apartment and an unknown intercom, and no house."""
    await until(lambda: pushed.runtime_data.events.following, "the first polls")
    sim.move_in(sim.phone, 52)
    events = capture_log_events(hass)
    sim.ring(23, flat=52)
    await becomes_known(hass, pushed, "event", "bell_23")
    assert entity_state(hass, pushed, "event", "bell_23").attributes["event_type"] == "ring"
    await until(lambda: state_of(hass, pushed, "binary_sensor", "bell_23_ringing") == "on", "the ringing sensor")
    assert [item.data["type"] for item in events] == ["Changed", "Call"]


async def test_a_ring_without_a_door_has_a_picture(hass: HomeAssistant, device: Start, local_url: str) -> None:
    sim = await device()
    for number in (21, 22):
        door = sim.town.door(number)
        assert door is not None
        door.name = "Подъезд"
    entry = await pushing(hass, sim, local_url, Form.SEED)
    name = sim.ring(22)
    await becomes_known(hass, entry, "event", "bell_call")
    await becomes_known(hass, entry, "image", "last_visitor")
    assert name not in str(hass.states.async_all())


async def test_a_ring_at_two_doors_of_one_name_rings_the_general_bell(
    hass: HomeAssistant, device: Start, local_url: str
) -> None:
    sim = await device()
    for number in (21, 22):
        door = sim.town.door(number)
        assert door is not None
        door.name = "Подъезд"
    await pushing(hass, sim, local_url, Form.SEED)  # its pushes do not tell the intercom
    events = capture_log_events(hass)
    sim.ring(22)
    await until(lambda: events, "the ring")
    assert events[0].data["data"]["bell"] == "call"


async def test_a_call_of_the_support_rings_no_door(hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry) -> None:
    events = capture_log_events(hass)
    sim.support_calls()
    await until(lambda: events, "the call")
    assert events[0].data["data"] == {"support": True, "caller": "Support"}
    assert not any(pushed.runtime_data.coordinator.data.ringing.values())
