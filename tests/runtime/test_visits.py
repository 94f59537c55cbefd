"""The event entity of the visitor shows each outcome once."""

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Event, HomeAssistant, callback
import pytest

from custom_components.ip_intercom.event import async_listen_late_events
from tests.common import add_intercom, choose, command, entity_id, state_of, until
from tests.simulators.two_n import Simulator


@pytest.fixture
def outcomes(hass: HomeAssistant, entry: ConfigEntry) -> list[str]:
    """Return the outcomes that the entity shows, as they come."""
    visitor, shown = entity_id(hass, entry, "event", "visitor"), []

    def append(event: Event) -> None:
        if event.data["entity_id"] == visitor and (kind := event.data["new_state"].attributes.get("event_type")):
            shown.append(kind)

    hass.bus.async_listen("state_changed", append)
    return shown


async def test_a_call_that_ends_without_an_answer_is_missed(sim: Simulator, outcomes: list[str]) -> None:
    session = sim.press("%1")
    assert session is not None
    sim.terminate(session)
    await until(lambda: outcomes, "the outcome")
    assert outcomes == ["missed"]


async def test_an_answer_and_an_opened_door_are_shown(sim: Simulator, outcomes: list[str]) -> None:
    session = sim.press("%1")
    assert session is not None
    sim.answer(session)
    await until(lambda: outcomes == ["answered"], "the answer")
    sim.enter_code("1234")
    await until(lambda: outcomes == ["answered", "opened"], "the opened door")
    sim.terminate(session)
    sim.press("%1", call=False)
    await until(lambda: outcomes[2:], "the next visitor")
    assert outcomes == ["answered", "opened", "missed"]


async def test_a_door_that_home_assistant_opens_lets_the_visitor_in(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, outcomes: list[str]
) -> None:
    sim.press("%1")
    await until(lambda: entry.runtime_data.coordinator.data.calls, "the call")
    lock = entity_id(hass, entry, "lock", "door_1_door")
    await hass.services.async_call("lock", "open", {"entity_id": lock}, blocking=True)
    await until(lambda: outcomes, "the outcome")
    assert outcomes == ["opened"]
    state = hass.states.get(entity_id(hass, entry, "event", "visitor"))
    assert state is not None
    assert state.attributes["rang"]


async def test_a_call_belongs_to_the_button_of_its_number_also_with_a_slow_directory(
    hass: HomeAssistant, sim: Simulator
) -> None:
    sim.delay(3.0, "dir/query")
    entry = await add_intercom(hass, sim)
    await until(lambda: len(entry.runtime_data.coordinator.data.bells) > 1, "the directory")
    for button in ("%1", "%2"):
        sim.press(button, call=False)
    visitors = entry.runtime_data.visitors
    await until(lambda: len(visitors.newest_first) == 2, "the rings")
    sim.answer(sim.phone.call_out(sim.directory.peers_of_button(1)).number)
    await until(lambda: any(visitor.outcome for visitor in visitors.newest_first), "the answer")
    assert {visitor.bell: visitor.outcome for visitor in visitors.newest_first} == {"1": "answered", "2": None}


async def test_a_press_without_a_call_is_missed_after_a_while(sim: Simulator, outcomes: list[str]) -> None:
    sim.press("%1", call=False)
    await until(lambda: outcomes, "the outcome")
    assert outcomes == ["missed"]


async def test_a_call_dialed_by_home_assistant_is_no_visit(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, outcomes: list[str]
) -> None:
    await command(hass, entry, "dial", number="2229")
    await until(lambda: entry.runtime_data.coordinator.data.calls, "the call")
    sim.terminate(next(iter(entry.runtime_data.coordinator.data.calls)))
    await until(lambda: not entry.runtime_data.coordinator.data.calls, "its end")
    assert outcomes == []


async def test_a_visitor_of_an_outage_is_a_late_event(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, outcomes: list[str]
) -> None:
    late: list[tuple[str, str]] = []

    @callback
    def append(entity: str, kind: str, _: dict[str, object]) -> None:
        late.append((entity, kind))

    async_listen_late_events(hass, append)
    sim.set_input("input1", True)
    await until(lambda: state_of(hass, entry, "binary_sensor", "port_input1") == "on", "an event")
    assert await hass.config_entries.async_unload(entry.entry_id)
    session = sim.press("%1")
    assert session is not None
    sim.terminate(session)
    sim.pass_time(120)
    assert await hass.config_entries.async_setup(entry.entry_id)
    visitor, bell = (entity_id(hass, entry, "event", key) for key in ("visitor", "bell_1"))
    await until(lambda: (visitor, "missed") in late, "the missed visitor")
    assert late.count((bell, "ring")) == late.count((visitor, "missed")) == 1
    assert "missed" not in outcomes


async def test_an_event_before_the_ring_of_an_outage_is_no_outcome(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    sim.set_input("input1", True)
    await until(lambda: state_of(hass, entry, "binary_sensor", "port_input1") == "on", "an event")
    assert await hass.config_entries.async_unload(entry.entry_id)
    sim.press("%2", call=False)
    sim.pass_time(600)
    sim.enter_code("1234")
    sim.pass_time(60)
    session = sim.press("%1")
    assert session is not None
    sim.terminate(session)
    sim.pass_time(120)
    assert await hass.config_entries.async_setup(entry.entry_id)
    visitors = entry.runtime_data.visitors
    await until(lambda: len(visitors.newest_first) == 2, "the visitors")
    await until(lambda: all(visitor.outcome for visitor in visitors.newest_first), "the outcomes")
    assert [visitor.outcome for visitor in visitors.newest_first] == ["missed", "missed"]


async def test_a_restart_before_the_ring_does_not_end_the_visit(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, outcomes: list[str]
) -> None:
    await sim.reboot(5)
    session = sim.press("%1")
    assert session is not None
    sim.answer(session)
    await until(lambda: outcomes, "the outcome")
    assert outcomes == ["answered"]


async def test_a_switch_that_drives_no_door_lets_no_visitor_in(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, outcomes: list[str]
) -> None:
    await choose(hass, entry, {"plain_switches": ["2"]})
    session = sim.press("%1")
    assert session is not None
    await until(lambda: entry.runtime_data.coordinator.data.calls, "the call")
    switch = entity_id(hass, entry, "switch", "door_2_relay")
    await hass.services.async_call("switch", "turn_on", {"entity_id": switch}, blocking=True)
    sim.terminate(session)
    await until(lambda: outcomes, "the outcome")
    assert outcomes == ["missed"]
