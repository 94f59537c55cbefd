"""Home Assistant is killed: no event that the device still holds is lost, and repeated events keep their ids."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
import itertools
import time
from typing import Any, Literal

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import Event, HomeAssistant
from homeassistant.helpers.storage import Store
import pytest

from custom_components.ip_intercom.const import DOMAIN
from custom_components.ip_intercom.runtime.cursor_store import CursorStore
from tests.common import add_intercom, capture_log_events, until
from tests.kills import BEHIND, kill, stored, survive_kills
from tests.simulators.common.clock import Stamp
from tests.simulators.two_n import Simulator


def mark(sim: Simulator, number: int) -> None:
    """Write a numbered event into the log of the device."""
    sim.emit("UserActionActivated", id=number, state="in")


def marked(events: list[Event]) -> list[Event]:
    return [event for event in events if event.data["type"] == "UserActionActivated"]


def numbers(events: list[Event]) -> list[int]:
    return [event.data["data"]["id"] for event in marked(events)]


async def shown(events: list[Event], number: int, times: int = 1) -> None:
    """Wait until a numbered event was reported the given number of times."""
    await until(lambda: numbers(events).count(number) == times, f"event {number}")


@contextmanager
def writing(sim: Simulator, pause: float) -> Iterator[None]:
    """Let the device write numbered events in the background."""

    async def write() -> None:
        for number in itertools.count(1):
            mark(sim, number)
            await asyncio.sleep(pause)

    task = asyncio.create_task(write())
    try:
        yield
    finally:
        task.cancel()


async def test_the_cursor_follows_dense_events_within_a_second(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, hass_storage: dict[str, Any]
) -> None:
    events = capture_log_events(hass)
    key = f"{DOMAIN}.{entry.entry_id}"
    arrived: list[tuple[float, int]] = []
    hass.bus.async_listen("ip_intercom_event", lambda event: arrived.append((time.monotonic(), event.data["sequence"])))
    written: list[object] = []
    behind = 0.0
    with writing(sim, 0.05):
        began = time.monotonic()
        while time.monotonic() < began + 4:
            await asyncio.sleep(0.05)
            now = hass_storage.get(key)
            if now is not None and not any(now is known for known in written):
                written.append(now)
            last = None if now is None else now["data"]["cursor"]["last"]
            newer = [at for at, sequence in arrived if last is None or sequence > last[0]]
            behind = max(behind, time.monotonic() - min(newer, default=time.monotonic()))
    assert len(numbers(events)) > 40
    assert behind <= BEHIND
    # One at once, then one a second.
    assert len(written) <= 6


async def test_a_new_entry_has_a_cursor_before_its_first_event(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, hass_storage: dict[str, Any]
) -> None:
    await until(lambda: f"{DOMAIN}.{entry.entry_id}" in hass_storage)
    await kill(hass, entry, hass_storage)
    events = capture_log_events(hass)
    mark(sim, 1)
    await hass.config_entries.async_setup(entry.entry_id)
    await until(lambda: numbers(events) == [1])


async def test_kills_under_dense_events_lose_nothing(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, hass_storage: dict[str, Any]
) -> None:
    count = itertools.count(1)

    def happen() -> int:
        mark(sim, number := next(count))
        return number

    def number_of(event: Event) -> object | None:
        return event.data["data"]["id"] if event.data["type"] == "UserActionActivated" else None

    await survive_kills(hass, entry, hass_storage, happen, number_of, 0.05)


async def test_a_ring_before_a_kill_does_not_ring_again(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, hass_storage: dict[str, Any]
) -> None:
    await until(lambda: f"{DOMAIN}.{entry.entry_id}" in hass_storage)
    before = stored(entry, hass_storage)
    events = capture_log_events(hass)
    sim.press("%1")

    def presses() -> list[Any]:
        return [event.data for event in events if event.data["type"] == "KeyPressed"]

    await until(presses)
    await kill(hass, entry, hass_storage, before)
    await hass.config_entries.async_setup(entry.entry_id)
    await until(lambda: len(presses()) == 2)
    first, again = presses()
    assert (first["late"], again["late"]) == (False, True)
    assert first["id"] == again["id"]


@pytest.mark.parametrize("clock", ["set", "unset"])
async def test_ids_of_two_starts_of_a_device_differ(
    hass: HomeAssistant, sim: Simulator, clock: str, hass_storage: dict[str, Any]
) -> None:
    if clock == "unset":
        sim.set_time(sim.clock.uptime())
    entry = await add_intercom(hass, sim)
    await until(lambda: f"{DOMAIN}.{entry.entry_id}" in hass_storage)
    events = capture_log_events(hass)
    mark(sim, 1)
    await until(lambda: numbers(events) == [1])
    # The clock is set by the network: it is the same start.
    sim.advance_clock(7200)
    mark(sim, 2)
    await until(lambda: numbers(events) == [1, 2])
    sim.advance_clock(-7200)
    await asyncio.sleep(1.2)
    for number in (3, 4):
        before = stored(entry, hass_storage)
        sim.advance_clock(60)  # no device starts twice within seconds
        await sim.reboot(0.1)
        if clock == "unset":
            sim.set_time(sim.clock.uptime())
        # Without a clock, a record with the same number at the same time since a start could be the last one read.
        await asyncio.sleep((number - 3) * 2.0)
        mark(sim, number)
        await shown(events, number)
        # Read again after a kill, the start has the same name.
        await kill(hass, entry, hass_storage, before)
        await hass.config_entries.async_setup(entry.entry_id)
        await shown(events, number, times=2)
        await asyncio.sleep(1.2)
    boots = [event.data["boot"] for event in marked(events)]
    assert numbers(events) == [1, 2, 3, 3, 4, 4]
    assert boots[0] == boots[1]
    assert boots[2] == boots[3]
    assert boots[4] == boots[5]
    assert len(set(boots)) == 3


async def test_a_restart_of_a_device_without_a_clock_loses_no_events(
    hass: HomeAssistant, sockets: None, hass_storage: dict[str, Any]
) -> None:
    """Its records repeat the numbers and times of the boot before; only the uptime differs."""
    async with Simulator("verso", has_clock=False) as sim:
        await sim.reboot(0.0)
        entry = await add_intercom(hass, sim)
        events = capture_log_events(hass)
        mark(sim, 1)
        await shown(events, 1)
        await until(lambda: stored(entry, hass_storage)["data"]["cursor"]["last"] is not None)
        await hass.config_entries.async_unload(entry.entry_id)
        kept = stored(entry, hass_storage)
        key = kept["data"]["cursor"]["last"]
        kept["data"]["cursor"]["complete_until"] -= 60
        key[3] -= 60
        hass_storage[f"{DOMAIN}.{entry.entry_id}"] = kept
        await sim.reboot(0.0)
        while sim.log.history[-1].id < key[0] - 1:
            sim.emit("RexActivated", ap=0, session=1)
        record = sim.log.append("UserActionActivated", {"id": 2, "state": "in"}, Stamp(key[1], key[2]))
        assert (record.id, record.utc) == (key[0], key[1])
        await hass.config_entries.async_setup(entry.entry_id)
        await shown(events, 2)
        first, second = marked(events)
        assert first.data["id"] != second.data["id"]


@pytest.mark.parametrize(
    "data",
    [
        {},
        [],
        None,
        {"cursor": []},
        {"cursor": {"complete_until": "x", "last": {}}, "bells": {"a": 1}},
        {"cursor": {"complete_until": 1e300, "last": [1, 2, 3, 1e300]}, "bells": [[1], "x", None], "ports": [[]]},
        {"cursor": {"complete_until": 1.0, "last": [1, 2, 3, -1e300], "boot": [7]}, "alarm_parts": [["x"], 5]},
    ],
)
async def test_an_entry_loads_with_a_broken_cursor_file(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, hass_storage: dict[str, Any], data: object
) -> None:
    await hass.config_entries.async_unload(entry.entry_id)
    hass_storage[f"{DOMAIN}.{entry.entry_id}"] = {"version": 1, "minor_version": 1, "key": "x", "data": data}
    events = capture_log_events(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.LOADED
    await sim.wait_for_pull()
    mark(sim, 1)
    await until(lambda: 1 in numbers(events))
    assert [event.data["late"] for event in marked(events)] == [False]


async def test_an_aborted_write_of_the_cursor_writes_nothing(hass: HomeAssistant, hass_storage: dict[str, Any]) -> None:
    class Late(asyncio.Event):
        """Is set at the moment when the wait for it ends by itself."""

        async def wait(self) -> Literal[True]:
            store._data = None
            raise TimeoutError

    store = CursorStore(hass, "entry", "Front Gate", interval=0.0)
    store._data = lambda: {"cursor": None}
    store._aborted = Late()
    await store._async_write()
    assert not hass_storage


async def test_a_slow_disk_stores_a_change_within_a_second(
    hass: HomeAssistant, hass_storage: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    written: dict[int, float] = {}

    async def save(_: Store[dict[str, Any]], data: dict[str, Any]) -> None:
        await asyncio.sleep(0.4)
        written[data["change"]] = time.monotonic()

    monkeypatch.setattr(Store, "async_save", save)
    store = CursorStore(hass, "entry", "Front Gate")
    changed: dict[int, float] = {}
    for change in range(40):
        changed[change] = time.monotonic()
        store.async_save_soon(partial(dict, change=change))
        await asyncio.sleep(0.1)
    await until(lambda: 39 in written)
    ages = [min(at for later, at in written.items() if later >= change) - changed[change] for change in changed]
    assert max(ages) < 1.05
    assert len(written) <= 8


async def test_a_cursor_file_of_a_later_version_is_ignored(
    hass: HomeAssistant, hass_storage: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    hass_storage[f"{DOMAIN}.entry"] = {"version": 99, "minor_version": 1, "key": "x", "data": {"cursor": {"id": 5}}}
    store = CursorStore(hass, "entry", "Front Gate")
    assert await store.async_load() == {}
    assert not store.exists
    assert "could not read stored data" in caplog.text


async def test_events_before_the_start_may_repeat_after_a_kill(
    hass: HomeAssistant, hass_storage: dict[str, Any]
) -> None:
    """After a kill, any event before the start of this process may have been reported."""
    hass_storage[f"{DOMAIN}.entry"] = {"version": 1, "minor_version": 1, "key": "x", "data": {"cursor": {"id": 5}}}
    store = CursorStore(hass, "entry", "Front Gate")
    assert await store.async_load() == {"cursor": {"id": 5}}
    assert store.exists
    assert store.repeats_until is not None
    assert store.repeats_until <= time.monotonic()


async def test_a_full_disk_loses_only_the_event_position(
    hass: HomeAssistant, hass_storage: dict[str, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("homeassistant.helpers.storage.Store.async_save", fail)
    await CursorStore(hass, "entry", "Front Gate").async_end({"cursor": None})
    assert "Could not store the event position: no space left" in caplog.text
