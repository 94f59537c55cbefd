"""The event logs of apartments: each record is reported once, and only new ones are."""

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Event, HomeAssistant
import pytest

from tests.common import capture_log_events, until
from tests.simulators.smartyard import PHONE, ROOMMATE, Simulator

from .conftest import Start, add


def types(events: list[Event]) -> list[str]:
    return [item.data["type"] for item in events if item.data["type"] not in {"Unread", "Message"}]


async def read_again(sim: Simulator) -> None:
    """Wait until all journals were read once more, and their events were delivered.

    There are two flats, each of which is requested for two days around midnight; the events of a poll are
    delivered before the next one begins.
    """
    before = asked(sim)
    await until(lambda: asked(sim) > before + 8, "polls")


def asked(sim: Simulator) -> int:
    """Return how often a journal was asked for."""
    return sum(request.function == "/address/plog" for request in sim.requests)


async def test_records_before_the_setup_are_not_reported(hass: HomeAssistant, device: Start) -> None:
    sim = await device()
    sim.happen("key")
    sim.happen("app", ago=3600)
    events = capture_log_events(hass)
    entry = await add(hass, sim)
    await read_again(sim)
    assert types(events) == []
    assert entry.runtime_data.coordinator.data.last_access is None


@pytest.mark.parametrize(
    ("what", "kind", "method", "name"),
    [
        ("key", "Key", "card", "Ключ"),
        ("app", "App", "app", None),
        ("face", "Face", "face", None),
        ("code", "Code", "code", None),
        ("guest", "GuestCall", "guest_call", None),
        ("vehicle", "Vehicle", "license_plate", "A123BC68"),
    ],
)
async def test_each_access_is_reported_once(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, what: str, kind: str, method: str, name: str | None
) -> None:
    events = capture_log_events(hass)
    await read_again(sim)
    uuid = sim.happen(what, 22)
    await until(lambda: kind in types(events), kind)
    await read_again(sim)
    assert types(events) == [kind]
    data = events[-1].data
    assert data["late"] is False
    assert data["data"]["id"] == uuid
    assert (data["data"]["flat"], data["data"]["entrance"]) == ("7", "Калитка")
    access = entry.runtime_data.coordinator.data.last_access
    assert (access.granted, access.method, access.name, access.entrance) == (True, method, name, "Калитка")
    secrets = ("0000001A2B3C4D", PHONE, ROOMMATE, "40374", "79161234599", "74752000000")
    assert not [secret for secret in secrets if secret in str(data)]
    picture = await entry.runtime_data.coordinator.system.history.picture(data["data"]["picture"])
    assert picture.startswith(b"\xff\xd8")


async def test_names_are_omitted_without_the_option(hass: HomeAssistant, sim: Simulator) -> None:
    entry = await add(hass, sim, show_names=False)
    events = capture_log_events(hass)
    await read_again(sim)
    sim.happen("vehicle", 22)
    sim.happen("key", 22)
    await until(lambda: len(types(events)) == 2, "both")
    assert "A123BC68" not in str([item.data for item in events])
    assert "Ключ" not in str([item.data for item in events])
    assert entry.runtime_data.coordinator.data.last_access.name is None


async def test_calls_in_the_journal_are_no_access(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    events = capture_log_events(hass)
    await read_again(sim)
    rings: list[object] = []
    entry.runtime_data.events.rings.async_listen(None, rings.append)
    sim.answer(sim.ring(21))
    sim.walk_away(sim.ring(21))
    await until(lambda: len(types(events)) == 2, "both")
    assert sorted(types(events)) == ["Answered", "MissedCall"]
    assert entry.runtime_data.coordinator.data.last_access is None
    assert rings == []


async def test_accesses_while_the_entry_was_unloaded_are_late(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    await read_again(sim)
    assert await hass.config_entries.async_unload(entry.entry_id)
    events = capture_log_events(hass)
    sim.happen("key", 24, flat=53, ago=9)
    sim.happen("app", 24, flat=53, ago=5)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await until(lambda: len(types(events)) == 2, "both")
    await read_again(sim)
    assert types(events) == ["Key", "App"]
    assert {item.data["late"] for item in events} == {True}
    sim.happen("face", 24, flat=53)
    await until(lambda: "Face" in types(events), "news")
    assert entry.runtime_data.coordinator.data.last_access.method == "face"


async def test_an_unavailable_journal_does_not_stop_the_others(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    events = capture_log_events(hass)
    await read_again(sim)
    sim.leave_unpaid(51)
    sim.happen("key", 21)
    sim.happen("key", 24, flat=53)
    await until(lambda: types(events) == ["Key"], "the paid apartment")
    assert events[-1].data["data"]["flat"] == "3"
    sim.leave_unpaid(51, unpaid=False)
    await until(lambda: types(events) == ["Key", "Key"], "the other one")
    assert entry.runtime_data.coordinator.last_update_success
