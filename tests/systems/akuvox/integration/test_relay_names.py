"""Relays under each name that devices use, and undocumented names."""

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
import pytest

from custom_components.ip_intercom.const import CONF_PUSH_TOKEN
from tests.common import entity_id
from tests.simulators.akuvox import RelayNames

from .conftest import Start, add, shows
from .test_push import pushing, urls
from .test_setup import entities

UNKNOWN = {"RelayE": 0, "RelaySA": 0, "Relay": 1, "Relay12": 0, "DoorX": 1, "RelaySpare": 0}


@pytest.mark.parametrize("names", RelayNames)
async def test_each_relay_name_makes_a_door(hass: HomeAssistant, device: Start, names: RelayNames) -> None:
    """Unknown names are skipped; the others open by their number."""
    sim = await device("a_series", relay_names=names)
    sim.relays.others |= UNKNOWN
    entry = await add(hass, sim)
    assert entry.state is ConfigEntryState.LOADED
    doors = [names.of(letter)[-1] for letter in "ABC"]
    assert entities(hass, entry, "lock") == {f"door_{door}_door" for door in doors}
    lock = entity_id(hass, entry, "lock", f"door_{doors[1]}_door")
    await hass.services.async_call("lock", "open", {"entity_id": lock}, blocking=True)
    assert sim.relay_status() == {"A": False, "B": True, "C": False}
    await shows(hass, entry, "lock", f"door_{doors[1]}_door", "unlocked")


@pytest.mark.parametrize("names", RelayNames)
async def test_action_urls_of_each_relay_name_are_written_and_received(
    hass: HomeAssistant, device: Start, names: RelayNames, local_url: str
) -> None:
    sim = await device("a_series", relay_names=names)
    entry = await pushing(hass, sim)
    assert entry.data[CONF_PUSH_TOKEN] in urls(sim)[f"{names}Closed"]
    door = f"door_{names[-1]}_door"
    before = sum(request.function == "relay/status" for request in sim.requests)
    sim.relays.open(sim.relays.all["A"], seconds=600)
    await shows(hass, entry, "lock", door, "unlocked")
    sim.relays.close(sim.relays.all["A"])
    await shows(hass, entry, "lock", door, "locked")
    assert sum(request.function == "relay/status" for request in sim.requests) == before


@pytest.mark.parametrize("names", [RelayNames.RELAY_NUMBER, RelayNames.DOOR_NUMBER])
async def test_a_push_may_use_another_relay_name_than_the_status(
    hass: HomeAssistant, device: Start, names: RelayNames, local_url: str
) -> None:
    """The spelling of the keys is not confirmed."""
    sim = await device("a_series", relay_names=names)
    entry = await pushing(hass, sim)
    webhook = urls(sim)[f"{names}Triggered"].replace(f"{names}Triggered", "RelayATriggered")
    sim.action_urls.send("RelayATriggered", webhook)
    await shows(hass, entry, "lock", "door_1_door", "unlocked")


async def test_a_status_without_known_relays_makes_no_door(hass: HomeAssistant, device: Start) -> None:
    sim = await device("a_series")
    sim.relays.all.clear()
    sim.relays.others |= UNKNOWN
    entry = await add(hass, sim)
    assert entry.state is ConfigEntryState.LOADED
    assert not entities(hass, entry, "lock")
