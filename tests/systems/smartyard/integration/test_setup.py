"""Entities and state of an account in Home Assistant."""

from collections import Counter

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr

from custom_components.ip_intercom.model.parts import Camera, Door, Place
from tests.simulators.smartyard import PHONE, Simulator

from .conftest import add


async def test_an_account_has_houses_apartments_doors_and_cameras(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    assert entry.state is ConfigEntryState.LOADED
    assert entry.title == "г. Примерск, ул. Садовая, д. 3, кв. 7 (127.0.0.1)"
    assert PHONE not in str(entry.unique_id)
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    (account,) = [row for row in devices if row.id == entry.runtime_data.coordinator.device_id]
    assert (account.manufacturer, account.model, account.configuration_url) == ("SmartYard", "Account", None)
    state = entry.runtime_data.coordinator.data
    garden = "г. Примерск, ул. Садовая, д. 3"
    assert state.places["house_11"] == Place("house_11", garden)
    assert state.places["flat_51"] == Place("flat_51", f"{garden}, кв. 7", "house_11")
    assert state.places["door_22_0"] == Place("door_22_0", "Калитка", "house_11")
    assert state.places["door_21_1"] == Place("door_21_1", "Шлагбаум", "house_11")
    assert state.places["door_25_0"] == Place("door_25_0", "Ворота", "house_12")
    assert state.places["camera_43"].name == "Парковка"
    assert state.doors["21:1"] == Door("21:1", None, blocked=False, blockable=False, place="door_21_1")
    assert {bell.id: bell.place for bell in state.bells.values()} == {
        "21": "door_21_0", "22": "door_22_0", "24": "door_24_0", "25": "door_25_0"
    }  # fmt: skip
    assert state.cameras["intercom_21"] == Camera("intercom_21", place="door_21_0")
    assert state.cameras["43"] == Camera("43", place="camera_43")
    assert set(state.cameras) == {"intercom_21", "intercom_22", "intercom_24", "intercom_25", "42", "43"}
    assert state.door_codes == {"flat_51": "40374", "flat_53": "62596"}
    assert state.unread_messages == 0
    assert state.ringing == dict.fromkeys(state.bells, False)
    assert state.settings["flat_51_white_rabbit"].options[:3] == ("0", "1", "2")
    assert state.settings["text_messages"].value is True


async def test_setup_and_reload_request_each_list_once(hass: HomeAssistant, sim: Simulator) -> None:
    entry = await add(hass, sim)
    lists = Counter(
        {
            "/ext/options": 1,
            "/address/getAddressList": 1,
            "/address/getSettingsList": 1,
            "/cctv/all": 1,
            "/cctv/camMap": 1,
            "/user/notification": 1,
            "/inbox/unreaded": 1,
            "/address/intercom": 2,
        }
    )
    login = Counter(["/user/phonePattern", "/user/requestCode", "/user/confirmCode"])
    asked = Counter(str(request.function) for request in sim.requests)
    # The log begins with the journal of each apartment and the unread count.
    assert asked - lists - login <= Counter({"/address/plog": 2, "/inbox/unreaded": 1})
    assert lists + login <= asked
    assert await hass.config_entries.async_unload(entry.entry_id)
    before = len(sim.requests)
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert Counter(str(request.function) for request in sim.requests[before:]) == lists


async def test_lists_written_as_objects_are_read_as_lists(hass: HomeAssistant, sim: Simulator) -> None:
    """PHP writes them as objects, with the numbers of the items as names."""
    whole = await add(hass, sim)
    expected = whole.runtime_data.coordinator.data
    assert await hass.config_entries.async_unload(whole.entry_id)
    sim.pipeline.loose.holes = True
    assert await hass.config_entries.async_setup(whole.entry_id)
    state = whole.runtime_data.coordinator.data
    for part in ("doors", "places", "bells", "cameras", "settings", "door_codes"):
        assert getattr(state, part) == getattr(expected, part), part
