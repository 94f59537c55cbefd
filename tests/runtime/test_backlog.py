"""A backlog is delivered in portions: the loop stays free, and websocket clients keep up."""

import asyncio
import time
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Event, HomeAssistant
import pytest
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.ip_intercom.const import DOMAIN, EVENT_LOG
from custom_components.ip_intercom.model.ring_detector import Ring
from tests.common import capture_log_events, choose, until
from tests.kills import kill, stored
from tests.simulators.common.clock import Stamp
from tests.simulators.two_n import Simulator

MANY = 9_900


async def leave_with_backlog(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, count: int) -> None:
    """Let events happen while Home Assistant is away."""
    await hass.config_entries.async_unload(entry.entry_id)
    for number in range(1, count + 1):
        sim.emit("UserActionActivated", id=number, state="in")


def numbers(events: list[Event]) -> list[int]:
    return [event.data["data"]["id"] for event in events if event.data["type"] == "UserActionActivated"]


async def test_a_websocket_client_receives_a_whole_backlog(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, hass_ws_client: WebSocketGenerator
) -> None:
    await leave_with_backlog(hass, sim, entry, MANY)
    client = await hass_ws_client(hass)
    await client.send_json_auto_id({"type": "subscribe_events"})
    assert (await client.receive_json())["success"]
    heard: list[int] = []
    changes: list[str] = []

    async def hear() -> None:
        while not heard or heard[-1] != MANY:
            message = await client.receive_json()
            data = message["event"]["data"]
            if message["event"]["event_type"] == EVENT_LOG and data["type"] == "UserActionActivated":
                heard.append(data["data"]["id"])
            if message["event"]["event_type"] == "state_changed":
                changes.append(data["entity_id"])

    await hass.config_entries.async_setup(entry.entry_id)
    async with asyncio.timeout(120):
        await hear()
    assert heard == list(range(1, MANY + 1))


async def test_the_event_loop_is_not_blocked_by_a_backlog(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    await leave_with_backlog(hass, sim, entry, 2_000)
    events = capture_log_events(hass)
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            if 0 < len(numbers(events)) < 2_000:
                turns += 1

    counting = asyncio.create_task(count_turns())
    await hass.config_entries.async_setup(entry.entry_id)
    await until(lambda: len(numbers(events)) == 2_000)
    counting.cancel()
    assert turns >= 30
    assert numbers(events) == list(range(1, 2_001))


async def test_a_ring_does_not_wait_for_a_backlog(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    await leave_with_backlog(hass, sim, entry, MANY)
    events = capture_log_events(hass)
    handed_on: list[int] = []
    await hass.config_entries.async_setup(entry.entry_id)
    entry.runtime_data.events.rings.async_listen(None, lambda _: handed_on.append(len(numbers(events))))
    await until(lambda: len(numbers(events)) > 100)
    sim.press("%1", call=False)
    await until(lambda: len(numbers(events)) == MANY)
    await until(lambda: events[-1].data["type"] == "KeyPressed")
    assert events[-1].data["late"] is False
    assert len(handed_on) == 1
    assert handed_on[0] < MANY / 2


async def test_a_ring_ahead_of_a_backlog_rings_once(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    """A reload drops the waiting events and reads them again."""
    await leave_with_backlog(hass, sim, entry, MANY)
    events = capture_log_events(hass)
    rings: list[Ring] = []
    await hass.config_entries.async_setup(entry.entry_id)
    entry.runtime_data.events.rings.async_listen(None, rings.append)
    await until(lambda: len(numbers(events)) > 100)
    sim.press("%1", call=False)
    await until(lambda: len(rings) == 1, "the ring")
    await hass.config_entries.async_unload(entry.entry_id)
    assert numbers(events)[-1] < MANY
    await hass.config_entries.async_setup(entry.entry_id)
    entry.runtime_data.events.rings.async_listen(None, rings.append)
    await until(lambda: numbers(events)[-1] == MANY)
    await until(lambda: events[-1].data["type"] == "KeyPressed")
    assert len(rings) == 1
    assert numbers(events) == list(range(1, MANY + 1))


async def test_intermediate_states_of_a_backlog_are_not_shown(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    await hass.config_entries.async_unload(entry.entry_id)
    for number in range(1, 401):
        sim.emit("InputChanged", port="input1", state=bool(number % 2))
        sim.emit("UserActionActivated", id=number, state="in")
    events = capture_log_events(hass)
    shown: list[str] = []

    def changed(event: Event) -> None:
        if event.data["entity_id"].endswith("input1") and event.data["new_state"] is not None:
            shown.append(event.data["new_state"].state)

    hass.bus.async_listen("state_changed", changed)
    await hass.config_entries.async_setup(entry.entry_id)
    await until(lambda: len(numbers(events)) == 400)
    await hass.async_block_till_done()
    assert "on" not in shown


async def test_a_backlog_continues_after_a_kill(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, hass_storage: dict[str, Any]
) -> None:
    await leave_with_backlog(hass, sim, entry, 5_000)
    told: list[float] = []
    events = capture_log_events(hass)
    hass.bus.async_listen(EVENT_LOG, lambda _: told.append(time.monotonic()))
    await hass.config_entries.async_setup(entry.entry_id)
    await until(lambda: len(numbers(events)) > 1_500)
    kept = stored(entry, hass_storage)
    at = time.monotonic()
    before = len(numbers(events))
    recent = sum(moment > at - 1.5 for moment in told)
    await kill(hass, entry, hass_storage, kept)
    before = max(before, len(numbers(events)))
    await hass.config_entries.async_setup(entry.entry_id)
    await until(lambda: numbers(events)[-1] == 5_000)
    assert set(numbers(events)) == set(range(1, 5_001))
    again = len(numbers(events)) - 5_000
    assert again <= recent + (before - len(set(numbers(events)[:before]))) + 100
    ids = {(event.data["id"], event.data["data"]["id"]) for event in events if "id" in event.data["data"]}
    assert len(ids) == 5_000


@pytest.mark.parametrize(("hours", "expected"), [(None, [1, 2]), (2, [2]), (0, [])])
async def test_late_events_older_than_the_option_are_dropped(
    hass: HomeAssistant,
    sim: Simulator,
    entry: ConfigEntry,
    hass_storage: dict[str, Any],
    hours: int | None,
    expected: list[int],
) -> None:
    await choose(hass, entry, {} if hours is None else {"late_hours": hours})
    events = capture_log_events(hass)

    def happen(number: int, hours_ago: int) -> int:
        utc, uptime = sim.clock.stamp()
        stamp = Stamp(utc - hours_ago * 3600, uptime - hours_ago * 3600)
        return sim.log.append("UserActionActivated", {"id": number, "state": "in"}, stamp).id

    def read_last() -> int:
        kept = stored(entry, hass_storage)
        return 0 if kept is None or kept["data"]["cursor"]["last"] is None else kept["data"]["cursor"]["last"][0]

    known = happen(0, 4)
    await until(lambda: read_last() == known, "the cursor")
    await hass.config_entries.async_unload(entry.entry_id)
    happen(1, 3)
    happen(2, 1)
    events.clear()
    await hass.config_entries.async_setup(entry.entry_id)
    await sim.wait_for_pull()
    sim.emit("UserActionActivated", id=3, state="in")
    await until(lambda: 3 in numbers(events))
    assert numbers(events) == [*expected, 3]


async def test_the_option_for_late_events_is_offered(hass: HomeAssistant, entry: ConfigEntry) -> None:
    form: Any = await hass.config_entries.options.async_init(entry.entry_id)
    assert "late_hours" in {str(key) for key in form["data_schema"].schema}
    assert entry.domain == DOMAIN
