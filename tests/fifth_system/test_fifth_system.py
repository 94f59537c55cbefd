"""A new system needs one package and one row of the table: no form, platform or service knows it."""

from collections.abc import AsyncGenerator

from homeassistant.components.camera import async_get_image
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest

from custom_components.ip_intercom import systems
from custom_components.ip_intercom.systems import SystemSpec
from tests.common import act, capture_changes, enter, entity_id, state_of, until, user_input

from . import __name__ as package
from .device import PICTURE, Chime


@pytest.fixture
async def chime(sockets: None, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Chime]:
    """A device, and the row of its system."""
    row = SystemSpec(frozenset(), recognizable=True, package=package)
    monkeypatch.setattr(systems, "SYSTEMS", {"chime": row, **systems.SYSTEMS})
    async with Chime() as device:
        yield device


@pytest.fixture
async def entry(hass: HomeAssistant, chime: Chime) -> AsyncGenerator[ConfigEntry]:
    """The device, added by the form for all devices."""
    result = await enter(hass, user_input(chime.address, "", ""))
    assert result["type"] is FlowResultType.CREATE_ENTRY, result
    await hass.async_block_till_done()
    added: ConfigEntry = result["result"]
    assert (added.title, added.data["system"], added.state) == ("Garden", "chime", ConfigEntryState.LOADED)
    yield added
    await hass.config_entries.async_unload(added.entry_id)


async def test_the_door_opens(hass: HomeAssistant, chime: Chime, entry: ConfigEntry) -> None:
    await act(hass, "lock.open", entity_id=entity_id(hass, entry, "lock", "door_1_door"))
    assert chime.openings == 1
    assert state_of(hass, entry, "lock", "door_1_door") == "unlocked"


async def test_the_bell_rings_once(hass: HomeAssistant, chime: Chime, entry: ConfigEntry) -> None:
    changes = capture_changes(hass, entry, "event")
    await chime.ring()
    await until(lambda: changes, "the ring")
    assert changes == [entity_id(hass, entry, "event", "bell_button")]


async def test_a_ring_during_a_restart_is_reported(hass: HomeAssistant, chime: Chime, entry: ConfigEntry) -> None:
    await chime.ring()
    await until(lambda: state_of(hass, entry, "event", "bell_button") != "unknown", "the ring")
    old = {state_of(hass, entry, "event", "bell_button"), "unavailable"}
    await hass.config_entries.async_unload(entry.entry_id)
    await chime.ring()
    assert await hass.config_entries.async_setup(entry.entry_id)
    await until(lambda: state_of(hass, entry, "event", "bell_button") not in old, "the missed ring")


async def test_the_camera_shows_the_picture(hass: HomeAssistant, chime: Chime, entry: ConfigEntry) -> None:
    camera = next(iter(hass.states.async_entity_ids("camera")))
    assert (await async_get_image(hass, camera)).content == PICTURE
