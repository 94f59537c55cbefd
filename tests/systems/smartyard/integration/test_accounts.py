"""Several accounts at one operator, and an account without data."""

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest

from tests.common import entity_id, until
from tests.repository.repository_rules import translations
from tests.simulators.smartyard import NEIGHBOUR, PHONE, ROOMMATE, Simulator

from .conftest import add, log_in
from .test_devices import places
from .test_get_pushes import repairs

STRANGER = "79160009999"


async def test_an_unknown_phone_number_is_added_with_a_repair(hass: HomeAssistant, sim: Simulator) -> None:
    result = await log_in(hass, sim, STRANGER)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["description"] == "no_flats"
    entry = result["result"]
    assert entry.state is ConfigEntryState.LOADED
    assert entry.title == "127.0.0.1 (…9999)"
    assert repairs(hass) == ["no_flats"]
    # The operator enters the number.
    sim.move_in(STRANGER, 52)
    await entry.runtime_data.coordinator.async_refresh()
    await until(lambda: "door_23_0" in places(hass, entry), "the door")
    assert repairs(hass) == []
    assert entity_id(hass, entry, "lock", "door_23:0_door") == "lock.podezd_2"


async def test_an_account_without_apartments_is_a_repair(hass: HomeAssistant, sim: Simulator) -> None:
    entry = await add(hass, sim, NEIGHBOUR)
    assert repairs(hass) == []
    sim.move_out(NEIGHBOUR, 52)
    await entry.runtime_data.coordinator.async_describe()
    assert places(hass, entry) == {}
    assert repairs(hass) == ["no_flats"]
    # Lists that do not answer are no proof.
    sim.move_in(NEIGHBOUR, 52)
    await entry.runtime_data.coordinator.async_describe()
    sim.refuse("address/getSettingsList", 404, None)
    sim.move_out(NEIGHBOUR, 52)
    await entry.runtime_data.coordinator.async_describe()
    assert repairs(hass) == []


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_form_has_a_text_for_an_account_without_apartments(language: str) -> None:
    assert translations(language)["config"]["create_entry"]["no_flats"]


async def test_accounts_of_one_house_have_distinct_names(hass: HomeAssistant, sim: Simulator) -> None:
    accounts = [await add(hass, sim, phone) for phone in (PHONE, ROOMMATE, NEIGHBOUR)]
    flat = "г. Примерск, ул. Садовая, д. 3, кв."
    # Two of them have the same flat.
    assert [entry.title for entry in accounts] == [
        f"{flat} 7 (127.0.0.1)",
        f"{flat} 7 (127.0.0.1 …4502)",
        f"{flat} 42 (127.0.0.1)",
    ]
    registry = er.async_get(hass)
    ids = [
        entity.entity_id for entry in accounts for entity in er.async_entries_for_config_entry(registry, entry.entry_id)
    ]
    assert [name for name in ids if name.endswith(("_2", "_3")) and name[:-2] in ids] == []
    locks = [entity_id(hass, entry, "lock", "door_22:0_door") for entry in accounts]
    assert locks == ["lock.kalitka", "lock.kalitka_4502", "lock.kalitka_4503"]
    devices = dr.async_get(hass)
    names = [device.name for entry in accounts for device in dr.async_entries_for_config_entry(devices, entry.entry_id)]
    assert len(names) == len(set(names))
    # They keep their names, whichever is loaded first.
    for entry in reversed(accounts):
        assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    again = [device.name for entry in accounts for device in dr.async_entries_for_config_entry(devices, entry.entry_id)]
    assert again == names
