"""Visitors of an account are stored, with the pictures of pushes and of the history."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

from homeassistant.components import media_source
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
import pytest
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.ip_intercom.const import DOMAIN
from custom_components.ip_intercom.model.visitors import Visitor
from custom_components.ip_intercom.runtime.event_stream import EventStream
from tests.common import choose, entity_id, state_of, until
from tests.simulators.smartyard import Simulator

from .conftest import add
from .test_history import read_again


def rows(entry: ConfigEntry) -> list[Visitor]:
    """Return the stored visitors, newest first."""
    visitors: list[Visitor] = entry.runtime_data.visitors.newest_first
    return visitors


def pictured(entry: ConfigEntry, count: int) -> bool:
    """Return whether so many visitors have a picture."""
    return sum(visitor.taken is not None for visitor in rows(entry)) == count


def requests(sim: Simulator, function: str) -> list[Any]:
    return [request for request in sim.requests if request.path.startswith(f"/mobile{function}")]


async def test_a_ring_and_its_record_are_one_visitor(hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry) -> None:
    await read_again(sim)
    ring = sim.ring(21)
    await until(lambda: rows(pushed) and rows(pushed)[0].taken, "the picture")
    sim.answer(ring, opened=False)
    await until(lambda: rows(pushed)[0].outcome, "the outcome")
    visitor, *others = rows(pushed)
    assert others == []
    assert (visitor.outcome, visitor.bell, visitor.late) == ("answered", "21", False)
    assert visitor.record is not None
    assert visitor.place is not None


async def test_a_visit_gets_its_outcome_after_a_reload(
    hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry
) -> None:
    await read_again(sim)
    ring = sim.ring(21)
    await until(lambda: rows(pushed) and rows(pushed)[0].taken, "the picture")
    assert await hass.config_entries.async_unload(pushed.entry_id)
    sim.walk_away(ring)
    assert await hass.config_entries.async_setup(pushed.entry_id)
    await until(lambda: rows(pushed)[0].outcome, "the outcome")
    assert [visitor.outcome for visitor in rows(pushed)] == ["missed"]


async def test_a_visitor_known_from_the_history_alone_is_stored(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    """The push is missing, so the picture is that of the record."""
    await read_again(sim)
    sim.walk_away(sim.ring(21))
    await until(lambda: rows(entry) and rows(entry)[0].taken, "the picture")
    assert rows(entry)[0].outcome == "missed"
    picture = await entry.runtime_data.visitors.async_picture(rows(entry)[0].id)
    assert picture is not None
    assert picture.startswith(b"\xff\xd8")
    assert not requests(sim, "/call/live/")
    assert not any(request.host == "flussonic" for request in sim.requests)
    assert state_of(hass, entry, "image", "bell_21_last_visitor") != "unknown"


async def test_a_visitor_of_an_outage_has_the_picture_of_the_history(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    await read_again(sim)
    assert await hass.config_entries.async_unload(entry.entry_id)
    await asyncio.sleep(7200)
    sim.happen("missed", 21, ago=3600)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await until(lambda: rows(entry) and rows(entry)[0].taken, "the picture")
    visitor = rows(entry)[0]
    assert (visitor.late, visitor.outcome, visitor.taken) == (True, "missed", visitor.time)
    assert state_of(hass, entry, "image", "bell_21_last_visitor") == "unknown"


async def test_a_late_ring_gets_no_current_picture(
    hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def marked(_: EventStream, event: Any) -> Any:
        return event.__replace__(late=True)

    monkeypatch.setattr(EventStream, "_marked_if_repeated", marked)
    sim.refuse(f"/call/camshot/{sim.ring(21)}", 404, None)
    await until(lambda: rows(pushed), "the visitor")
    await until(lambda: requests(sim, "/call/camshot/"), "the picture to be asked for")
    await hass.async_block_till_done(wait_background_tasks=False)
    assert (rows(pushed)[0].late, rows(pushed)[0].taken) == (True, None)
    assert not requests(sim, "/call/live/")
    sim.ring(22)
    await until(lambda: rows(pushed)[0].taken, "the picture of a late ring that the server took")
    assert rows(pushed)[0].late is True


@pytest.mark.parametrize(("names", "name"), [(True, "A123BC68"), (False, None)])
async def test_an_access_is_stored_with_a_picture(
    hass: HomeAssistant, sim: Simulator, names: bool, name: str | None, hass_storage: dict[str, Any]
) -> None:
    entry = await add(hass, sim, show_names=names)
    await read_again(sim)
    sim.happen("vehicle", 22)
    await until(lambda: rows(entry) and rows(entry)[0].taken, "the picture")
    visitor = rows(entry)[0]
    assert (visitor.granted, visitor.name, visitor.entrance) == (True, name, "Калитка")
    key = f"{DOMAIN}.{entry.entry_id}.visitors"
    await until(lambda: "taken" in str(hass_storage.get(key)), "the row")
    assert ("A123BC68" in str(hass_storage[key])) is names
    # Names go when the option is turned off.
    await choose(hass, entry, {**entry.options, "show_names": False})
    assert [visitor.name for visitor in rows(entry)] == [None]
    assert "A123BC68" not in str(hass_storage[key])


async def test_accesses_are_not_stored_with_zero_days(hass: HomeAssistant, sim: Simulator) -> None:
    entry = await add(hass, sim, visitor_days=0)
    await read_again(sim)
    sim.happen("vehicle", 22)
    await until(lambda: entry.runtime_data.coordinator.data.last_access, "the access")
    await read_again(sim)
    assert rows(entry) == []
    assert not Path(hass.config.path(".storage", f"{DOMAIN}.{entry.entry_id}.pictures")).exists()


async def test_each_entrance_has_its_visitors(
    local_url: str, hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry, hass_ws_client: WebSocketGenerator
) -> None:
    for count, bell in enumerate((21, 22), start=1):
        sim.ring(bell)
        await until(partial(pictured, pushed, count), "the picture")
    client = await hass_ws_client(hass)

    async def listed(**target: str) -> list[Any]:
        await client.send_json_auto_id({"type": f"{DOMAIN}/visitors", **target})
        visitors: list[Any] = (await client.receive_json())["result"]["visitors"]
        return visitors

    everyone = await listed(device_id=pushed.runtime_data.coordinator.device_id)
    assert len(everyone) == 2
    entrance = await listed(entity_id=entity_id(hass, pushed, "image", "bell_21_last_visitor"))
    ids = {row.bell: row.id for row in rows(pushed)}
    assert [visitor["id"] for visitor in entrance] == [ids["21"]]
    assert {visitor["id"] for visitor in everyone} == set(ids.values())
    assert entrance[0]["bell"]
    root = await media_source.async_browse_media(hass, f"media-source://{DOMAIN}")
    assert root.children is not None
    assert len(root.children) == 2
    devices = {child.identifier.rpartition("/")[2] for child in root.children if hasattr(child, "identifier")}
    assert pushed.runtime_data.coordinator.device_id not in devices
    registry = dr.async_get(hass)
    entrances = [device for name in devices if isinstance(device := registry.async_get(name), dr.DeviceEntry)]
    assert len(entrances) == 2
    # A house contains its entrances.
    house = entrances[0].via_device_id
    assert house is not None
    assert await listed(device_id=house)
