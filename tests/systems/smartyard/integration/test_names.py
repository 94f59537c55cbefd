"""Names, also of several parts of a kind in one place, and of parts without a name."""

from dataclasses import replace

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
import pytest

from custom_components.ip_intercom.const import DOMAIN
from custom_components.ip_intercom.model.events import BellRings, ButtonPressed, Event, MessageReceived
from custom_components.ip_intercom.model.parts import Bell, Camera, Door, Setting
from tests.common import state_of
from tests.entity_states import entity_state

GATE = "door_25_0"
HOME = "г. Примерск, ул. Садовая, д. 3, кв. 7 (127.0.0.1)"


@pytest.fixture
async def several(hass: HomeAssistant, entry: ConfigEntry) -> ConfigEntry:
    """An account whose gate has a second door, bell, and camera."""
    coordinator = entry.runtime_data.coordinator
    state = coordinator.data
    coordinator.async_change(
        doors={
            **state.doors,
            "car": Door("car", None, name="Driveway", blocked=True, blockable=False, place=GATE),
            "foot": Door("foot", None, blocked=False, blockable=True, place=GATE),
        },
        bells={**state.bells, "car": Bell("car", "Driveway", place=GATE), "call": Bell("call")},
        cameras={**state.cameras, "car": Camera("car", name="Driveway", place=GATE), "more": Camera("more")},
        settings={**state.settings, "new": Setting("new", "unheard_of", True)},
    )
    await hass.async_block_till_done()
    return entry


@pytest.mark.parametrize(
    ("platform", "key", "name"),
    [
        ("lock", "door_car_door", "Ворота Driveway"),
        ("lock", "door_foot_door", "Ворота Door foot"),
        ("binary_sensor", "door_car_blocked", "Ворота Driveway blocked"),
        ("switch", "door_foot_block", "Ворота Block door foot"),
        ("event", "bell_car", "Ворота Doorbell Driveway"),
        ("event", "bell_call", f"{HOME} Doorbell"),
        ("binary_sensor", "bell_car_ringing", "Ворота Ringing Driveway"),
        ("image", "bell_car_last_visitor", "Ворота Last visitor Driveway"),
        ("image", "last_visitor", f"{HOME} Last visitor"),
        ("camera", "camera_car", "Ворота Driveway"),
        ("camera", "camera_more", f"{HOME} Camera more"),
        ("camera", "camera_intercom_25", "Ворота Camera"),
    ],
)
async def test_entities_of_several_parts_have_distinct_names(
    hass: HomeAssistant, several: ConfigEntry, platform: str, key: str, name: str
) -> None:
    assert entity_state(hass, several, platform, key).name == name


async def test_parts_with_equal_names_at_one_place_show_their_id(hass: HomeAssistant, several: ConfigEntry) -> None:
    coordinator = several.runtime_data.coordinator
    state = coordinator.data
    coordinator.async_change(
        doors={**state.doors, "bike": Door("bike", None, name="driveway", place=GATE)},
        bells={**state.bells, "bike": Bell("bike", "Driveway", place=GATE), "also": Bell("also", place=GATE)},
        cameras={**state.cameras, "bike": Camera("bike", name="Driveway", place=GATE)},
    )
    await hass.async_block_till_done()
    for platform, key, name in (
        ("lock", "door_bike_door", "driveway (bike)"),
        ("event", "bell_bike", "Doorbell Driveway (bike)"),
        ("event", "bell_also", "Doorbell also"),
        ("image", "bell_bike_last_visitor", "Last visitor Driveway (bike)"),
        ("binary_sensor", "bell_bike_ringing", "Ringing Driveway (bike)"),
        ("camera", "camera_bike", "Driveway (bike)"),
    ):
        assert entity_state(hass, several, platform, key).name == f"Ворота {name}"


async def test_doors_blocked_by_the_operator_have_no_switch(hass: HomeAssistant, several: ConfigEntry) -> None:
    known = {
        entity.unique_id.removeprefix(f"{several.unique_id}_")
        for entity in er.async_entries_for_config_entry(er.async_get(hass), several.entry_id)
    }
    assert "door_car_block" not in known
    assert "door_foot_blocked" not in known
    assert not {key for key in known if key.endswith("_hold_open")}
    assert "setting_new" not in known


async def test_a_removed_setting_is_unavailable(hass: HomeAssistant, entry: ConfigEntry) -> None:
    coordinator = entry.runtime_data.coordinator
    rabbit = coordinator.data.settings["flat_51_white_rabbit"]
    odd = {rabbit.id: replace(rabbit, value="4")}
    coordinator.async_change(settings=odd)
    await hass.async_block_till_done()
    assert state_of(hass, entry, "select", "setting_flat_51_white_rabbit") == "unknown"
    assert state_of(hass, entry, "switch", "setting_flat_51_cms") == "unavailable"


async def test_a_bell_rings_for_a_while(hass: HomeAssistant, entry: ConfigEntry) -> None:
    coordinator = entry.runtime_data.coordinator
    for on, state in ((True, "on"), (False, "off")):
        coordinator.async_fold(Event("Call", dt_util.utcnow(), facts=(BellRings("21", on),)))
        coordinator.async_publish()
        assert state_of(hass, entry, "binary_sensor", "bell_21_ringing") == state


async def test_a_ring_at_an_unknown_door_rings_the_general_bell(hass: HomeAssistant, several: ConfigEntry) -> None:
    coordinator = several.runtime_data.coordinator
    ring = Event("Call", dt_util.utcnow(), facts=(ButtonPressed("call", None), BellRings("call", True)))
    assert several.runtime_data.events.rings.async_process(ring)
    coordinator.async_fold(ring)
    coordinator.async_publish()
    await hass.async_block_till_done()
    assert state_of(hass, several, "binary_sensor", "bell_call_ringing") == "on"
    assert entity_state(hass, several, "event", "bell_call").attributes["event_type"] == "ring"
    assert state_of(hass, several, "event", "bell_21") == "unknown"


async def test_unknown_fields_of_a_message_are_not_shown(hass: HomeAssistant, entry: ConfigEntry) -> None:
    details = {"id": "17", "title": "Water", "hash": "secret-hash"}
    event = Event("Message", dt_util.utcnow(), facts=(MessageReceived("unheard_of", details),))
    entry.runtime_data.events._async_dispatch_event(event)
    told = entity_state(hass, entry, "event", "message").attributes
    assert (told["event_type"], told["id"], told["title"]) == ("other", "17", "Water")
    assert "hash" not in told
    assert er.async_get(hass).async_get_entity_id("event", DOMAIN, f"{entry.unique_id}_message") is not None
