"""Places are devices below that of their entry; they are added, moved, and removed."""

from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.ip_intercom.const import DOMAIN
from custom_components.ip_intercom.helpers.devices import async_remove_places, async_show_places
from custom_components.ip_intercom.model.parts import Identity, Place, PlaceId

IDENTITY = Identity("account", None, None, "Maker", "Account", "Home", None, None, has_page=False)
HOUSE = Place("house", "Garden 3")
FLAT = Place("flat", "Flat 7", "house")
GATE = Place("gate", "Gate", "house")


class Registry:
    """The devices of an entry, and what is asked of them."""

    def __init__(self, hass: HomeAssistant) -> None:
        self.hass = hass
        self.entry = MockConfigEntry(domain=DOMAIN)
        self.entry.add_to_hass(hass)
        own = dr.async_get(hass).async_get_or_create(
            config_entry_id=self.entry.entry_id, identifiers={(DOMAIN, "account")}, name="Home"
        )
        self.own = own.id

    def show(self, *places: Place) -> None:
        async_show_places(self.hass, self.own, IDENTITY, {place.id: place for place in places})

    def remove(self, *places: Place, offered: set[tuple[str, str | None]] | None = None) -> None:
        async_remove_places(self.hass, self.own, IDENTITY, {place.id: place for place in places}, offered or set())

    def find(self, place: PlaceId) -> dr.DeviceEntry | None:
        wanted = (DOMAIN, f"account_{place}")
        devices = dr.async_entries_for_config_entry(dr.async_get(self.hass), self.entry.entry_id)
        return next((device for device in devices if wanted in device.identifiers), None)

    def device(self, place: PlaceId) -> dr.DeviceEntry:
        found = self.find(place)
        assert found is not None, place
        return found


@pytest.fixture
def registry(hass: HomeAssistant) -> Registry:
    return Registry(hass)


def test_each_device_is_below_its_parent_in_any_order(registry: Registry) -> None:
    registry.show(FLAT, GATE, HOUSE)
    house, flat, gate = (registry.device(place.id) for place in (HOUSE, FLAT, GATE))
    assert (house.name, house.model, house.manufacturer) == ("Garden 3", None, "Maker")
    assert house.via_device_id == registry.own
    assert flat.via_device_id == gate.via_device_id == house.id


def test_a_device_with_an_unknown_parent_is_below_the_entry(registry: Registry) -> None:
    registry.show(FLAT)
    assert registry.device("flat").via_device_id == registry.own


def test_places_with_circular_parents_get_devices(registry: Registry) -> None:
    registry.show(Place("a", "A", "b"), Place("b", "B", "a"))
    assert {registry.device("a").name, registry.device("b").name} == {"A", "B"}


def test_a_device_follows_the_name_and_parent_of_its_place(registry: Registry) -> None:
    registry.show(HOUSE, FLAT)
    before = registry.device("flat").id
    registry.show(HOUSE, Place("flat", "Flat 8"))
    flat = registry.device("flat")
    assert (flat.id, flat.name, flat.via_device_id) == (before, "Flat 8", registry.own)


def test_devices_without_offered_entities_are_removed(hass: HomeAssistant, registry: Registry) -> None:
    registry.show(HOUSE, FLAT, GATE)
    entities = er.async_get(hass)
    gone, kept = (
        entities.async_get_or_create(
            "lock", DOMAIN, place, config_entry=registry.entry, device_id=registry.device(place).id
        )
        for place in ("gate", "flat")
    )
    registry.remove(HOUSE, offered={("lock", "flat")})
    assert registry.find("gate") is None
    assert entities.async_get(gone.entity_id) is None
    # The adapter no longer reports it, but its entities still exist, and so does its device.
    assert registry.find("flat") is not None
    assert entities.async_get(kept.entity_id) is not None
    registry.remove(HOUSE)
    assert (registry.find("flat"), registry.find("house") is not None) == (None, True)
    assert dr.async_get(hass).async_get(registry.own) is not None


def test_an_entry_without_a_device_gets_no_places(hass: HomeAssistant, registry: Registry) -> None:
    dr.async_get(hass).async_remove_device(registry.own)
    registry.show(HOUSE)
    registry.remove()
    assert registry.find("house") is None


def test_devices_with_equal_names_show_their_parent(registry: Registry) -> None:
    other = Place("house2", "Garden 5")
    registry.show(HOUSE, GATE, other, Place("gate2", "Gate", "house2"))
    assert registry.device("gate").name == "Gate (Garden 3)"
    assert registry.device("gate2").name == "Gate (Garden 5)"
    registry.show(HOUSE, GATE)
    assert registry.device("gate").name == "Gate"
