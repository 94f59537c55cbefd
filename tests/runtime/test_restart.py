"""After a restart or reload, entities show the state of the last event until the device reports another."""

import shutil
from typing import Any

from homeassistant.components.image import DATA_COMPONENT
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er, restore_state
import pytest

from custom_components.ip_intercom.const import DOMAIN
from tests.common import capture_changes, entity_id, state_of, until
from tests.simulators.two_n import Simulator

ALARMS = ("door_open", "door_held_open", "lockdown", "motion", "motion_2", "noise", "rescue")


def alarms(hass: HomeAssistant, entry: ConfigEntry) -> dict[str, str]:
    return {alarm: state_of(hass, entry, "binary_sensor", f"alarm_{alarm}") for alarm in ALARMS}


def everything(hass: HomeAssistant, entry: ConfigEntry) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return the states that are known only from events or pictures."""
    keys = [("binary_sensor", f"alarm_{alarm}") for alarm in ALARMS]
    keys += [("binary_sensor", "port_virtual_input_3"), ("sensor", "last_access"), ("sensor", "public_floors")]
    keys += [("image", "last_visitor"), ("event", "bell_1")]
    shown = {}
    for platform, key in keys:
        state = hass.states.get(entity_id(hass, entry, platform, key))
        assert state is not None
        passing = {"access_token", "entity_picture"}  # Home Assistant makes new ones
        attributes = {name: value for name, value in state.attributes.items() if name not in passing}
        shown[key] = state.state, attributes
    return shown


@pytest.fixture
async def states_before(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> dict[str, tuple[str, dict[str, Any]]]:
    """The states after each kind of event."""
    sim.door(opened=True)
    sim.door_too_long(True)
    sim.lockdown(True)
    sim.motion(True, profile=1)
    sim.motion(True, profile=2)
    sim.noise(True)
    sim.noise(False)
    sim.rescue("in")
    sim.virtual_input("3", True)
    sim.lift_public_floors([2, 5])
    sim.swipe_card("4BD9E903")
    sim.press("%1", call=False)
    await until(lambda: state_of(hass, entry, "image", "last_visitor") != "unknown", "the picture")
    await until(lambda: alarms(hass, entry)["rescue"] == "on", "the alarms")
    shown = everything(hass, entry)
    assert {key: state for key, (state, _) in shown.items() if key.startswith("alarm")} == {
        f"alarm_{alarm}": "off" if alarm == "noise" else "on" for alarm in ALARMS
    }
    return shown


async def restart(hass: HomeAssistant, entry: ConfigEntry, sim: Simulator, *, killed: bool = False) -> None:
    """Load the entry again; after a kill, without the files that Home Assistant writes at its end."""
    assert await hass.config_entries.async_unload(entry.entry_id)
    if killed:
        # One dictionary until Home Assistant 2026.10, two from 2026.11 on.
        for name, states in vars(restore_state.async_get(hass)).items():
            if name.startswith("last_states"):
                states.clear()
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    await sim.wait_for_pull()


async def test_all_states_survive_a_restart(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, states_before: dict[str, tuple[str, dict[str, Any]]]
) -> None:
    changes = capture_changes(hass, entry, "event")
    await restart(hass, entry, sim)
    assert everything(hass, entry) == states_before
    assert {changes.count(changed) for changed in changes} == {2}, "each entity changes twice, without an event"


async def test_event_only_states_survive_a_kill(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, states_before: dict[str, tuple[str, dict[str, Any]]]
) -> None:
    await restart(hass, entry, sim, killed=True)
    shown = everything(hass, entry)
    assert {key: shown[key] for key in states_before if key != "bell_1"} == {
        key: states_before[key] for key in states_before if key != "bell_1"
    }


async def test_the_visitor_image_survives_a_restart_until_removal(
    hass: HomeAssistant,
    sim: Simulator,
    entry: ConfigEntry,
    states_before: dict[str, tuple[str, dict[str, Any]]],
    hass_storage: dict[str, Any],
) -> None:
    async def picture() -> bytes | None:
        image = hass.data[DATA_COMPONENT].get_entity(entity_id(hass, entry, "image", "last_visitor"))
        assert image is not None
        return await image.async_image()

    before = await picture()
    assert before
    await restart(hass, entry, sim)
    assert await picture() == before
    stored = f"{DOMAIN}.{entry.entry_id}.visitors"
    assert stored in hass_storage
    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()
    assert stored not in hass_storage


async def test_removing_the_image_entity_deletes_its_pictures(
    hass: HomeAssistant,
    sim: Simulator,
    entry: ConfigEntry,
    states_before: dict[str, tuple[str, dict[str, Any]]],
    hass_storage: dict[str, Any],
) -> None:
    stored = hass_storage[f"{DOMAIN}.{entry.entry_id}.visitors"]
    assert stored["data"]
    er.async_get(hass).async_remove(entity_id(hass, entry, "image", "last_visitor"))
    await hass.async_block_till_done()
    assert hass_storage[f"{DOMAIN}.{entry.entry_id}.visitors"]["data"] == {"visitors": []}


@pytest.mark.parametrize("broken", [["2026-11-28T20:00:00+00:00", "not base64!"], ["yesterday", ""], [], None])
async def test_an_entry_loads_with_an_unreadable_picture(
    hass: HomeAssistant,
    sim: Simulator,
    entry: ConfigEntry,
    states_before: dict[str, tuple[str, dict[str, Any]]],
    hass_storage: dict[str, Any],
    broken: object,
) -> None:
    key = f"{DOMAIN}.{entry.entry_id}.visitors"
    assert await hass.config_entries.async_unload(entry.entry_id)
    shutil.rmtree(hass.config.path(".storage", f"{DOMAIN}.{entry.entry_id}.pictures"))
    hass_storage[key] = {"version": 1, "minor_version": 1, "key": key, "data": {"last_visitor": broken}}
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    await sim.wait_for_pull()
    assert state_of(hass, entry, "image", "last_visitor") == "unknown"
    assert state_of(hass, entry, "lock", "door_1_door") == "locked"


async def test_events_during_a_restart_update_the_states(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, states_before: dict[str, tuple[str, dict[str, Any]]]
) -> None:
    assert await hass.config_entries.async_unload(entry.entry_id)
    sim.door(opened=False)
    sim.motion(False, profile=2)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    await until(lambda: alarms(hass, entry)["motion_2"] == "off", "the events of the restart")
    shown = alarms(hass, entry)
    assert (shown["door_open"], shown["motion"], shown["lockdown"]) == ("off", "on", "on")


async def test_alarms_are_unknown_after_a_reboot_during_a_restart(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, states_before: dict[str, tuple[str, dict[str, Any]]]
) -> None:
    assert await hass.config_entries.async_unload(entry.entry_id)
    await sim.reboot(0.0)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    await until(lambda: set(alarms(hass, entry).values()) == {"unknown"}, "the start of the device")
    assert state_of(hass, entry, "sensor", "last_access") == states_before["last_access"][0]
