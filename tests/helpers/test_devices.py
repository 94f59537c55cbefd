"""Names of bells, doors, and cameras are distinct within a place."""

from itertools import permutations

from homeassistant.core import HomeAssistant
import pytest

from custom_components.ip_intercom.helpers.devices import bell_label, distinct_name, place_names
from custom_components.ip_intercom.model.parts import Bell, Camera, Door, Place
from tests.common import add_intercom, entity_id
from tests.simulators.two_n import Simulator


@pytest.mark.parametrize(
    ("bells", "labels"),
    [
        ([Bell("1", "Alice", 1)], ["Alice"]),
        ([Bell("1", "Alice", 1), Bell("2", "Bob", 2)], ["Alice", "Bob"]),
        ([Bell("1", "Alice", 1), Bell("2", "Alice", 2)], ["Alice (1)", "Alice (2)"]),
        ([Bell("1", "Alice", 1), Bell("2", "alice ", 2)], ["Alice (1)", "alice (2)"]),
        ([Bell("1", None, 1), Bell("2", None, 2)], ["1", "2"]),
        ([Bell("1", "2", 1), Bell("2", None, 2)], ["2 (1)", "2 (2)"]),
        ([Bell("call"), Bell("1", "Alice", 1)], [None, "Alice"]),
        ([Bell("x"), Bell("y")], ["x", "y"]),
        ([Bell("x", "Gate", place="a"), Bell("y", "Gate", place="b")], [None, None]),
        ([Bell("x", "Gate", place="a"), Bell("y", "Gate", place="a")], ["Gate (x)", "Gate (y)"]),
        ([Bell("1", "A", 1), Bell("2", "A", 2), Bell("3", "A (1)", 3)], ["A (1) (1)", "A (2)", "A (1)"]),
    ],
)
def test_equal_bell_labels_get_their_numbers(bells: list[Bell], labels: list[str | None]) -> None:
    for ordered in permutations(bells):
        assert [bell_label(bell, ordered) for bell in bells] == labels


def test_equal_names_of_doors_and_cameras_get_their_ids() -> None:
    doors = [Door("A", None, name="Gate"), Door("B", None, name="gate"), Door("C", None), Door("D", None, name="Yard")]
    assert [distinct_name(door, doors) for door in doors] == ["Gate (A)", "gate (B)", None, "Yard"]
    doors = [Door("A", None), Door("B", None, name="Door A"), Door("C", None, name="Yard")]
    assert [distinct_name(door, doors) for door in doors] == [None, "Door A (B)", "Yard"]
    cameras = [Camera("1", name="Yard"), Camera("2", name="Yard", place="house"), Camera("3", name="Yard")]
    assert [distinct_name(camera, cameras) for camera in cameras] == ["Yard (1)", "Yard", "Yard (3)"]


def test_places_with_equal_names_get_their_parent_or_id_appended() -> None:
    places = [
        Place("house_1", "Garden 3"),
        Place("house_2", "Garden 5"),
        Place("door_7_0", "Entrance 1", "house_1"),
        Place("door_8_0", "Entrance 1", "house_2"),
        Place("door_9_0", "Gate", "house_2"),
        Place("door_9_1", "Gate", "house_2"),
        Place("camera_1", "Yard"),
        Place("camera_2", "Yard"),
    ]
    assert list(place_names({place.id: place for place in places}).values()) == [
        "Garden 3",
        "Garden 5",
        "Entrance 1 (Garden 3)",
        "Entrance 1 (Garden 5)",
        "Gate (Garden 5) (9_0)",
        "Gate (Garden 5) (9_1)",
        "Yard (1)",
        "Yard (2)",
    ]


def test_an_overlong_name_is_cut() -> None:
    long = "Gate " * 10_000
    assert distinct_name(Door("A", None, name=long), []) == f"{long[:99]}…"
    assert place_names({"x": Place("x", long), "y": Place("y", "Yard")}) == {"x": f"{long[:99]}…", "y": "Yard"}


async def test_friendly_names_cut_an_overlong_device_name(hass: HomeAssistant, sim: Simulator) -> None:
    sim.model.info["deviceName"] = "Gate " * 10_000
    entry = await add_intercom(hass, sim)
    lock = hass.states.get(entity_id(hass, entry, "lock", "door_1_door"))
    assert lock is not None
    assert len(lock.attributes["friendly_name"]) < 200
