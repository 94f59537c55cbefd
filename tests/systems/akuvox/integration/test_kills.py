"""Home Assistant is killed during records of the door log: none is lost."""

from typing import Any

from homeassistant.core import Event, HomeAssistant
import pytest

from custom_components.ip_intercom.systems.akuvox.push import Pushed
from tests.common import capture_log_events, until
from tests.kills import kill, stored, survive_kills
from tests.simulators.akuvox import Simulator

from .conftest import Start, add


def number_of(event: Event) -> object | None:
    return event.data["sequence"] if event.data["type"] == "DoorLog" else None


def record(sim: Simulator) -> int:
    sim.fill_door_log(1)
    return int(sim.door_log.records[0]["ID"])


@pytest.mark.parametrize("dialect", ["e16c", "e18", "a_series"])
async def test_kills_under_records_lose_nothing(
    hass: HomeAssistant, device: Start, hass_storage: dict[str, Any], dialect: str
) -> None:
    sim = await device(dialect)
    entry = await add(hass, sim)
    await until(lambda: (stored(entry, hass_storage) or {"data": {"cursor": {}}})["data"]["cursor"].get("doors"))
    await survive_kills(hass, entry, hass_storage, lambda: record(sim), number_of, 0.1)


async def test_more_records_than_one_poll_reads_are_reported(
    hass: HomeAssistant, device: Start, hass_storage: dict[str, Any]
) -> None:
    sim = await device("e16c", speed=60)
    entry = await add(hass, sim)
    await until(lambda: (stored(entry, hass_storage) or {"data": {"cursor": {}}})["data"]["cursor"].get("doors"))
    await kill(hass, entry, hass_storage)
    sim.fill_door_log(320)
    events = capture_log_events(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await until(lambda: number_of(events[-1]) == 320 if events else False, "the newest record")
    numbers = [number for event in events if (number := number_of(event)) is not None]
    assert numbers == list(range(1, 321))
    assert all(event.data["late"] for event in events if number_of(event) is not None)


async def test_a_push_during_a_name_request_loses_no_record(
    hass: HomeAssistant, device: Start, hass_storage: dict[str, Any]
) -> None:
    """The cursor written by the push does not cover a record that was not reported yet."""
    sim = await device("e16c")
    entry = await add(hass, sim, push=True)
    await until(lambda: (stored(entry, hass_storage) or {"data": {"cursor": {}}})["data"]["cursor"].get("doors"))
    await until(lambda: number_read(entry) is not None, "the first poll")
    events = capture_log_events(hass)
    sim.delay(3.0, "user/get")
    sim.clear_requests()
    sim.door_log.enter("Card", "4BD9E903", {1}, None, success=True)
    number = int(sim.door_log.records[0]["ID"])
    await until(lambda: any(request.function == "user/get" for request in sim.requests), "the request for a name")
    entry.runtime_data.coordinator.system.log.receive_push(Pushed("MakeCall", None))
    await until(lambda: any(event.data["type"] == "MakeCall" for event in events), "the push")
    await until(lambda: stored(entry, hass_storage)["data"]["cursor"]["doors"] is not None)
    await kill(hass, entry, hass_storage)
    sim.heal()
    await hass.config_entries.async_setup(entry.entry_id)
    await until(lambda: any(number_of(event) == number for event in events), "the record")


def number_read(entry: Any) -> object:
    return entry.runtime_data.coordinator.system.log._jobs["doorlog/get"].polled_at
