"""Each house, entrance, apartment, and camera of an account is a device with its entities."""

from datetime import timedelta

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import area_registry as ar, device_registry as dr, entity_registry as er
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.ip_intercom.const import DOMAIN
from tests.common import act, assert_assumed_locked, capture_changes, entity_id, state_of, until
from tests.entity_states import entity_state, wait_for_state
from tests.simulators.common.faults import Fault
from tests.simulators.smartyard import PHONE, Role, Simulator

from .conftest import Start, add

HOUSE, FLAT = "house_11", "flat_51"
GATES = {"door_21_0", "door_21_1", "door_22_0"}
CAMERAS = {"camera_42", "camera_43"}
ELSEWHERE = {"house_12", "flat_53", "door_24_0", "door_25_0"}


def place(hass: HomeAssistant, entry: ConfigEntry, name: str) -> dr.DeviceEntry:
    found = places(hass, entry).get(name)
    assert found is not None, name
    return found


def places(hass: HomeAssistant, entry: ConfigEntry) -> dict[str, dr.DeviceEntry]:
    """Return the devices below that of the entry."""
    found = {}
    for device in dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id):
        ((_, identifier),) = device.identifiers
        if identifier != entry.unique_id:
            found[identifier.removeprefix(f"{entry.unique_id}_")] = device
    return found


def entities(hass: HomeAssistant, entry: ConfigEntry, name: str | None = None) -> dict[str, set[str]]:
    """Return the entities of a place by platform, those of the entry's own device for none."""
    device = entry.runtime_data.coordinator.device_id if name is None else place(hass, entry, name).id
    found: dict[str, set[str]] = {}
    for entity in er.async_entries_for_device(er.async_get(hass), device, include_disabled_entities=True):
        found.setdefault(entity.domain, set()).add(entity.unique_id.removeprefix(f"{entry.unique_id}_"))
    return found


async def test_each_place_is_a_device(hass: HomeAssistant, entry: ConfigEntry) -> None:
    found = places(hass, entry)
    assert set(found) == {HOUSE, FLAT} | GATES | CAMERAS | ELSEWHERE
    assert (found[HOUSE].name, found[HOUSE].model) == ("г. Примерск, ул. Садовая, д. 3", None)
    assert found[HOUSE].via_device_id == entry.runtime_data.coordinator.device_id
    assert {found[name].via_device_id for name in GATES | {FLAT}} == {found[HOUSE].id}
    # Of a camera that belongs to no intercom, the server does not tell the house.
    assert {found[name].via_device_id for name in CAMERAS} == {entry.runtime_data.coordinator.device_id}
    assert (found["door_21_1"].name, found["door_21_1"].model) == ("Шлагбаум", None)
    assert (found["camera_42"].name, found["camera_42"].model) == ("Двор", None)


async def test_each_device_has_its_entities(hass: HomeAssistant, entry: ConfigEntry) -> None:
    assert entities(hass, entry, "door_21_0") == {
        "lock": {"door_21:0_door"},
        "binary_sensor": {"door_21:0_blocked", "bell_21_ringing"},
        "event": {"bell_21", "door_21_0_visitor"},
        "image": {"bell_21_last_visitor"},
        "camera": {"camera_intercom_21"},
    }
    assert entities(hass, entry, "door_21_1") == {"lock": {"door_21:1_door"}, "binary_sensor": {"door_21:1_blocked"}}
    assert entities(hass, entry, "camera_42") == {"camera": {"camera_42"}}
    assert entities(hass, entry, FLAT) == {
        "button": {"new_door_code_flat_51"},
        "select": {"setting_flat_51_white_rabbit"},
        "switch": {
            f"setting_flat_51_{kind}"
            for kind in ("allow_door_code", "cms", "disable_log", "hidden_log", "open_for_guests", "voip")
        },
    }
    assert entities(hass, entry, HOUSE) == {}
    assert entities(hass, entry) == {
        "binary_sensor": {"connectivity", "event_log"},
        "button": {"test_message"},
        "event": {"access", "message"},
        "sensor": {"last_access", "pushes", "recordings", "unread_messages"},
        "switch": {"setting_text_messages", "setting_money_messages"},
    }


async def test_all_enabled_entities_are_available_at_setup(hass: HomeAssistant, entry: ConfigEntry) -> None:
    for entity in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id):
        if entity.disabled_by is None:
            state = hass.states.get(entity.entity_id)
            assert state is not None
            assert state.state != "unavailable", entity.entity_id


@pytest.mark.parametrize(
    ("platform", "key", "name"),
    [
        ("lock", "door_21:0_door", "Подъезд 1"),
        ("lock", "door_21:1_door", "Шлагбаум"),
        ("binary_sensor", "door_21:0_blocked", "Подъезд 1 Blocked"),
        ("binary_sensor", "bell_21_ringing", "Подъезд 1 Ringing"),
        ("event", "bell_21", "Подъезд 1 Doorbell"),
        ("image", "bell_21_last_visitor", "Подъезд 1 Last visitor"),
        ("camera", "camera_intercom_21", "Подъезд 1 Camera"),
        ("camera", "camera_42", "Двор"),
        ("switch", "setting_flat_51_cms", "г. Примерск, ул. Садовая, д. 3, кв. 7 Handset rings"),
        # These are of our own device at the operator: the apps of the family ring all the same.
        ("switch", "setting_flat_51_voip", "г. Примерск, ул. Садовая, д. 3, кв. 7 Rings in Home Assistant"),
        (
            "switch",
            "setting_text_messages",
            "г. Примерск, ул. Садовая, д. 3, кв. 7 (127.0.0.1) Messages in Home Assistant",
        ),
        (
            "switch",
            "setting_money_messages",
            "г. Примерск, ул. Садовая, д. 3, кв. 7 (127.0.0.1) Balance messages in Home Assistant",
        ),
    ],
)
async def test_entities_are_named_by_their_place(
    hass: HomeAssistant, entry: ConfigEntry, platform: str, key: str, name: str
) -> None:
    assert entity_state(hass, entry, platform, key).name == name


def areas(hass: HomeAssistant, entry: ConfigEntry) -> dict[str, str]:
    """Return the names of the areas of those places that have one."""
    registry = ar.async_get(hass)
    found = {}
    for name, device in places(hass, entry).items():
        if device.area_id is not None and (area := registry.async_get_area(device.area_id)) is not None:
            found[name] = area.name
    return found


async def test_an_entrance_is_an_area(hass: HomeAssistant, entry: ConfigEntry) -> None:
    assert areas(hass, entry) == {
        "door_21_0": "Подъезд 1",
        "door_21_1": "Шлагбаум",
        "door_22_0": "Калитка",
        "door_24_0": places(hass, entry)["door_24_0"].name,
        "door_25_0": "Ворота",
    }
    assert entity_id(hass, entry, "lock", "door_22:0_door") == "lock.kalitka"


async def test_areas_are_suggested_once(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    registry = dr.async_get(hass)
    home = ar.async_get(hass).async_create("Home")
    registry.async_update_device(place(hass, entry, "door_21_0").id, area_id=home.id)
    registry.async_update_device(place(hass, entry, "door_22_0").id, area_id=None)
    registry.async_update_device(place(hass, entry, "door_24_0").id, area_id=None)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    sim.move_out(PHONE, 53)
    await entry.runtime_data.coordinator.async_describe()
    sim.move_in(PHONE, 53, Role.OWNER)
    await entry.runtime_data.coordinator.async_describe()
    await hass.async_block_till_done()
    assert areas(hass, entry) == {"door_21_0": "Home", "door_21_1": "Шлагбаум", "door_25_0": "Ворота"}


async def test_an_entrance_that_appears_is_an_area(hass: HomeAssistant, sim: Simulator) -> None:
    sim.move_out(PHONE, 53)
    entry = await add(hass, sim)
    assert "door_25_0" not in areas(hass, entry)
    sim.move_in(PHONE, 53, Role.OWNER)
    await entry.runtime_data.coordinator.async_describe()
    await hass.async_block_till_done()
    assert areas(hass, entry)["door_25_0"] == "Ворота"
    assert entity_id(hass, entry, "lock", "door_25:0_door") == "lock.vorota"


async def test_moving_out_and_in_removes_and_adds_devices(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    coordinator = entry.runtime_data.coordinator
    sim.move_out(PHONE, 53)
    await coordinator.async_describe()
    assert set(places(hass, entry)) == {HOUSE, FLAT} | GATES | CAMERAS
    assert er.async_get(hass).async_get_entity_id("lock", DOMAIN, f"{entry.unique_id}_door_24:0_door") is None
    assert er.async_get(hass).async_get_entity_id("event", DOMAIN, f"{entry.unique_id}_bell_24") is None
    sim.move_in(PHONE, 53, Role.OWNER)
    await coordinator.async_describe()
    await hass.async_block_till_done()
    assert set(places(hass, entry)) >= ELSEWHERE
    await act(hass, "lock.open", entity_id=entity_id(hass, entry, "lock", "door_24:0_door"))
    assert sim.address_functions.opened == [(24, 0, PHONE)]
    assert entry.runtime_data.coordinator is coordinator, "the entry was reloaded"


async def test_devices_of_a_left_apartment_are_removed_at_setup(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    assert await hass.config_entries.async_unload(entry.entry_id)
    sim.move_out(PHONE, 53)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert set(places(hass, entry)) == {HOUSE, FLAT} | GATES | CAMERAS


@pytest.mark.parametrize("function", ["cctv/all", "cctv/camMap"])
@pytest.mark.parametrize("status", [403, 404, 422])
async def test_cameras_stay_while_their_list_is_rejected(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, function: str, status: int
) -> None:
    before, cameras = set(places(hass, entry)), set(entry.runtime_data.coordinator.data.cameras)
    sim.refuse(function, status, None)
    await entry.runtime_data.coordinator.async_describe()
    assert set(places(hass, entry)) == before
    assert set(entry.runtime_data.coordinator.data.cameras) == cameras


@pytest.mark.parametrize("status", [403, 404])
@pytest.mark.parametrize("function", ["cctv/all", "cctv/camMap", "address/intercom", "user/notification"])
async def test_devices_of_a_rejected_list_stay_until_it_is_read(
    hass: HomeAssistant,
    sim: Simulator,
    entry: ConfigEntry,
    function: str,
    status: int,
) -> None:
    registry = er.async_get(hass)

    def known() -> set[str]:
        return {entity.id for entity in er.async_entries_for_config_entry(registry, entry.entry_id)}

    def away() -> set[str]:
        enabled = (
            one for one in er.async_entries_for_config_entry(registry, entry.entry_id) if one.disabled_by is None
        )
        states = {one.entity_id: hass.states.get(one.entity_id) for one in enabled}
        return {name for name, state in states.items() if state is None or state.state == "unavailable"}

    before, entities_before = set(places(hass, entry)), known()
    sim.refuse(function, status, None)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert away()
    await entry.runtime_data.coordinator.async_describe()
    await entry.runtime_data.coordinator.async_refresh()
    assert set(places(hass, entry)) >= before
    assert known() >= entities_before
    # Others that went meanwhile are gone all the same.
    sim.move_out(PHONE, 53)
    await entry.runtime_data.coordinator.async_describe()
    assert not {"house_12", "flat_53", "door_24_0"} & set(places(hass, entry))
    sim.mend_server()
    await entry.runtime_data.coordinator.async_refresh()
    await until(lambda: not away(), "all of it")
    assert set(places(hass, entry)) == {HOUSE, FLAT} | GATES | CAMERAS


async def test_a_door_is_opened(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    lock = entity_id(hass, entry, "lock", "door_21:1_door")
    assert_assumed_locked(hass, entry, "door_21:1_door")
    await act(hass, "lock.open", entity_id=lock)
    await act(hass, "ip_intercom.open_door", entity_id=lock)
    assert sim.address_functions.opened == [(21, 1, PHONE)] * 2


async def test_a_lost_door_response_is_an_error_and_not_repeated(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    sim.lose_next_answer("address/openDoor")
    with pytest.raises(HomeAssistantError) as failed:
        await act(hass, "lock.open", entity_id=entity_id(hass, entry, "lock", "door_21:1_door"))
    assert failed.value.translation_key == "door_may_have_opened"
    assert sim.address_functions.opened == [(21, 1, PHONE)]


async def test_a_blocked_door_has_a_sensor_and_rejects_opening(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    assert state_of(hass, entry, "binary_sensor", "door_22:0_blocked") == "off"
    sim.block_door(22)
    await entry.runtime_data.coordinator.async_refresh()
    await wait_for_state(hass, entry, "binary_sensor", "door_22:0_blocked", "on")
    assert state_of(hass, entry, "lock", "door_22:0_door") != "unavailable"
    with pytest.raises(Exception, match="rejected") as failed:
        await act(hass, "lock.open", entity_id=entity_id(hass, entry, "lock", "door_22:0_door"))
    assert type(failed.value).__name__ == "HomeAssistantError"
    assert sim.address_functions.opened == []
    sim.block_door(22, reason="")
    await entry.runtime_data.coordinator.async_refresh()
    await until(lambda: state_of(hass, entry, "binary_sensor", "door_22:0_blocked") == "off")


@pytest.mark.parametrize("language", ["en", "ru"])
async def test_a_door_that_rejects_opening_as_blocked_is_blocked(
    hass: HomeAssistant, sim: Simulator, language: str
) -> None:
    hass.config.language = language
    entry = await add(hass, sim)
    lock, key = entity_id(hass, entry, "lock", "door_21:0_door"), "door_21:0_blocked"
    sim.block_flat(51)
    await entry.runtime_data.coordinator.async_refresh()
    assert state_of(hass, entry, "binary_sensor", key) == "off"
    for _ in range(2):
        with pytest.raises(HomeAssistantError):
            await act(hass, "lock.open", entity_id=lock)
        assert state_of(hass, entry, "binary_sensor", key) == "on"
        await entry.runtime_data.coordinator.async_refresh()
        assert state_of(hass, entry, "binary_sensor", key) == "on"
    assert state_of(hass, entry, "binary_sensor", "door_24:0_blocked") == "off"
    sim.block_flat(51, False)
    await act(hass, "lock.open", entity_id=lock)
    assert state_of(hass, entry, "binary_sensor", key) == "off"


async def test_an_unreachable_door_is_not_blocked(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    sim.break_door(21)
    with pytest.raises(HomeAssistantError):
        await act(hass, "lock.open", entity_id=entity_id(hass, entry, "lock", "door_21:0_door"))
    assert state_of(hass, entry, "binary_sensor", "door_21:0_blocked") == "off"


async def test_an_opened_door_is_shown_unlocked_for_seconds(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    lock = entity_id(hass, entry, "lock", "door_21:0_door")
    await act(hass, "lock.open", entity_id=lock)
    state = hass.states.get(lock)
    assert state is not None
    assert (state.state, state.attributes.get("assumed_state")) == ("unlocked", True)
    # News of other things does not end it.
    await entry.runtime_data.coordinator.async_refresh()
    assert state_of(hass, entry, "lock", "door_21:0_door") == "unlocked"
    assert_assumed_locked(hass, entry, "door_21:1_door")
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=6))
    await hass.async_block_till_done()
    assert_assumed_locked(hass, entry, "door_21:0_door")


async def test_an_unanswered_opening_is_an_error_that_says_it_may_be_open(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    sim.fault("address/openDoor", Fault.HANG)
    with pytest.raises(HomeAssistantError, match="may have opened") as failed:
        await act(hass, "lock.open", entity_id=entity_id(hass, entry, "lock", "door_21:0_door"))
    assert failed.value.translation_key == "door_may_have_opened"
    assert "Подъезд 1" in str(failed.value)
    assert_assumed_locked(hass, entry, "door_21:0_door")


async def test_devices_and_entities_have_distinct_names(hass: HomeAssistant, device: Start) -> None:
    sim = await device()
    sim.rename_door(22, name="Подъезд 1")
    sim.rename_door(24, name="Подъезд 1")
    entry = await add(hass, sim)
    found = places(hass, entry)
    names = sorted(str(place.name) for place in found.values())
    assert names == sorted(set(names))
    # Within a house by their numbers, of two houses by these.
    house = found[HOUSE].name
    assert {found[gate].name for gate in ("door_21_0", "door_22_0")} == {
        f"Подъезд 1 ({house}) (21_0)",
        f"Подъезд 1 ({house}) (22_0)",
    }
    assert found["door_24_0"].name == f"Подъезд 1 ({found['house_12'].name})"
    entities = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    told = [(entity.domain, entity.device_id, entity.original_name) for entity in entities]
    assert len(told) == len(set(told))


async def test_renaming_an_entrance_writes_no_event_entity(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    """The doorbell gets the new name with the next ring."""
    changes = capture_changes(hass, entry)
    sim.rename_door(21, name="Entrance A")
    await entry.runtime_data.coordinator.async_describe()
    await hass.async_block_till_done()
    assert places(hass, entry)["door_21_0"].name == "Entrance A"
    assert entity_state(hass, entry, "binary_sensor", "bell_21_ringing").name == "Entrance A Ringing"
    assert changes == []


async def test_a_renamed_entrance_is_noticed_by_the_next_poll(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    sim.rename_door(21, name="Entrance A")
    await entry.runtime_data.coordinator.async_refresh()
    await until(lambda: places(hass, entry)["door_21_0"].name == "Entrance A")


async def test_the_right_to_a_journal_is_noticed_by_the_next_poll(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    system = entry.runtime_data.coordinator.system

    def journals() -> set[bool | None]:
        return {flat.has_log for flat in system._topology.flats.values()}

    for flat in (51, 53):
        sim.disable_log(flat)
    await system.read()
    await until(lambda: journals() == {False}, "the loss")
    for flat in (51, 53):
        sim.disable_log(flat, disabled=False)
    await system.read()
    await until(lambda: journals() == {True}, "the return")
