"""A recent visitor rings after an outage; an earlier one does not."""

import asyncio
import logging
import os
import time
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import CoreState, Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers.event import async_track_state_change_event
import pytest

from custom_components.ip_intercom.helpers import connection
from custom_components.ip_intercom.runtime import event_stream
from tests.common import add_intercom, capture_log_events, entity_id, state_of, until
from tests.simulators.two_n import Account, Privilege, Simulator, Timing

# Seconds from the press to the ring at the most, after any outage (the back-off and one connection).
PROMISE = 4.0
# Only the kernel finds a power cut, so this is the one outage that takes as long as it says.
LONG = pytest.mark.skipif(os.environ.get("RING_OUTAGES") != "all", reason="takes as long as the outage")


class Bell:
    """Notes when a bell rings."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry, key: str = "bell_1") -> None:
        self.rang_at: list[float] = []
        self._known: set[str] = set()
        async_track_state_change_event(hass, entity_id(hass, entry, "event", key), self._changed)

    @callback
    def _changed(self, event: Event[EventStateChangedData]) -> None:
        # An entity that comes back has the state of before.
        new = event.data["new_state"]
        if new is not None and new.state not in {"unavailable", "unknown", *self._known}:
            self._known.add(new.state)
            self.rang_at.append(time.monotonic())

    async def rings(self, count: int = 1) -> None:
        await until(lambda: len(self.rang_at) >= count, f"ring {count}")
        assert len(self.rang_at) == count


def presses(events: list[Event[Any]]) -> list[tuple[str, bool]]:
    """Return the keys pressed, and whether each came late."""
    return [
        (event.data["data"].get("key"), event.data["late"]) for event in events if event.data["type"] == "KeyPressed"
    ]


async def visited(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> tuple[Bell, list[Event[Any]]]:
    """Let a visitor ring, so that the position in the log is known, and begin to count after it."""
    bell, events = Bell(hass, entry), capture_log_events(hass)
    sim.press("%1", call=False)
    await bell.rings()
    await until(lambda: presses(events))  # the bell is faster
    bell.rang_at.clear()
    events.clear()
    return bell, events


async def settled(hass: HomeAssistant, sim: Simulator) -> None:
    await sim.wait_for_pull(20)
    await hass.async_block_till_done()


async def rings_in_time(sim: Simulator, bell: Bell, events: list[Event[Any]], outage: str) -> None:
    """Press a button just after an outage, and see the bell ring once and soon."""
    await asyncio.sleep(0.3)
    pressed_at = time.monotonic()
    sim.press("%1")
    await bell.rings()
    took = bell.rang_at[0] - pressed_at
    logging.getLogger(__name__).info("%s: rings %.2f s after the press", outage, took)
    assert took < PROMISE
    await until(lambda: presses(events) == [("%1", False)])


# -- after an outage ---------------------------------------------------------------------------------


@pytest.mark.parametrize("outage", [1, 4, 20, 75])
async def test_a_press_just_after_an_outage_rings(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, outage: float
) -> None:
    bell, events = Bell(hass, entry), capture_log_events(hass)
    await sim.drop_network(outage)
    await rings_in_time(sim, bell, events, f"outage of {outage} s")


@pytest.mark.real_time
@pytest.mark.parametrize("outage", [0, pytest.param(20, marks=LONG)])
async def test_a_press_just_after_a_power_cut_rings(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, outage: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No packet says that the device lost power or that it is back."""
    if not outage:
        for name in ("IDLE", "INTERVAL", "LOST"):
            monkeypatch.setattr(connection, name, 1)
    bell, events = await visited(hass, sim, entry)
    await sim.wait_for_pull()
    sim.cut_power()
    cut_at = time.monotonic()
    await until(lambda: state_of(hass, entry, "binary_sensor", "connectivity") == "off")
    await asyncio.sleep(max(0.0, outage - (time.monotonic() - cut_at)))
    await sim.restore_connection()
    await rings_in_time(sim, bell, events, f"power cut of {outage} s")


async def test_a_stalled_response_does_not_delay_a_ring(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    """The connection stays open, and the poll has a minute left."""
    bell, events = await visited(hass, sim, entry)
    await sim.wait_for_pull()
    poll = entry.runtime_data.coordinator.system.log.reader.poll
    sim.fault("log/pull", "stall", times=1)
    sim.reset_connections()
    await sim.wait_for_pull()
    sim.press("%1", call=False)
    await bell.rings()
    await until(lambda: presses(events) == [("%1", False)])
    assert entry.runtime_data.coordinator.system.log.reader.poll == poll


@pytest.mark.parametrize("seconds", [0.5, 1.0, 1.5, 2.0])
async def test_a_slow_device_rings_soon_after_an_outage(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, seconds: float
) -> None:
    bell, events = await visited(hass, sim, entry)
    sim.lose_connection()
    await asyncio.sleep(4)
    sim.delay(seconds)
    await sim.restore_connection()
    await asyncio.sleep(0.3)
    sim.press("%1", call=False)
    await bell.rings()
    await until(lambda: presses(events) == [("%1", False)])


# -- at the start of Home Assistant ------------------------------------------------------------------


@pytest.mark.parametrize("age", [0.2, 1.5, 3.0, 4.5])
async def test_a_press_while_home_assistant_starts_rings(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, age: float
) -> None:
    """The log is followed this many seconds after the press."""
    bell, events = await visited(hass, sim, entry)
    assert await hass.config_entries.async_unload(entry.entry_id)
    hass.set_state(CoreState.starting)
    assert await hass.config_entries.async_setup(entry.entry_id)
    sim.press("%1")
    sim.pass_time(age)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await bell.rings()
    await until(lambda: presses(events) == [("%1", False)])  # the bell is faster
    await settled(hass, sim)
    assert len(bell.rang_at) == 1


@pytest.mark.parametrize("age", [8, 33, 3600])
async def test_a_press_long_before_the_start_is_late_and_silent(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, age: float
) -> None:
    bell, events = await visited(hass, sim, entry)
    assert await hass.config_entries.async_unload(entry.entry_id)
    sim.press("%1")
    sim.pass_time(age)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await until(lambda: presses(events) == [("%1", True)])
    await settled(hass, sim)
    assert bell.rang_at == []


WRONG = {
    "503": {"body": "", "status": 503},
    "500": {"body": "", "status": 500},
    "html": {"body": "html"},
    "code 14": {"body": '{"success": false, "error": {"code": 14}}', "content_type": "application/json"},
}


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
async def test_a_press_during_a_log_failure_after_a_reload_is_late(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, answer: dict[str, Any]
) -> None:
    """No prompt event has arrived yet to compare with."""
    bell, events = await visited(hass, sim, entry)
    assert await hass.config_entries.async_unload(entry.entry_id)
    sim.garbage("log/pull", **answer)
    assert await hass.config_entries.async_setup(entry.entry_id)
    sim.press("%1", call=False)
    await asyncio.sleep(0.5)
    sim.pass_time(33)
    sim.heal()
    await until(lambda: presses(events) == [("%1", True)])
    await settled(hass, sim)
    assert bell.rang_at == []

    sim.garbage("log/pull", **answer)
    sim.reset_connections()
    await asyncio.sleep(0.5)
    sim.press("%1", call=False)
    sim.heal()
    await bell.rings()
    await until(lambda: presses(events) == [("%1", True), ("%1", False)])


async def test_a_failing_log_is_retried_with_few_requests(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    sim.garbage("log/pull", "", status=500)
    sim.reset_connections()
    await asyncio.sleep(1)
    sim.clear_requests()
    await asyncio.sleep(4)
    asked = [request.path for request in sim.requests]
    assert 2 <= len(asked) <= 6, asked
    assert set(asked) == {"/api/log/pull"}


# -- devices and accounts that tell less -------------------------------------------------------------


NO_SYSTEM = Privilege.MONITORING & ~Privilege.SYSTEM_MONITORING


@pytest.mark.parametrize(
    ("model", "privileges"),
    [
        ("verso", Privilege.ALL),
        ("verso", Privilege.MONITORING),  # the clock, but not the uptime
        ("verso", NO_SYSTEM),  # neither
        ("vario", Privilege.ALL),
        ("vario", Privilege.MONITORING),  # firmware without system/time
    ],
)
@pytest.mark.parametrize("clock", ["right", "1970", "set meanwhile"])
async def test_fresh_and_late_presses_are_detected_with_any_account(
    hass: HomeAssistant, sockets: None, model: str, privileges: Privilege, clock: str
) -> None:
    async with Simulator(model, accounts=[Account("ha", "ha-pass", privileges)]) as sim:
        if clock == "1970":
            sim.set_time(0)
        entry = await add_intercom(hass, sim, address=sim.http_address)
        events = capture_log_events(hass)
        sim.press("%1", call=False)
        await until(lambda: presses(events) == [("%1", False)])
        assert await hass.config_entries.async_unload(entry.entry_id)
        sim.press("%2", call=False)
        sim.pass_time(30)
        if clock == "set meanwhile":
            sim.advance_clock(3600)
        sim.press("%3", call=False)
        assert await hass.config_entries.async_setup(entry.entry_id)
        await until(lambda: len(presses(events)) == 3)
        assert presses(events)[1:] == [("%2", True), ("%3", False)]
        sim.press("%4", call=False)
        await until(lambda: presses(events)[3:] == [("%4", False)])
        assert await hass.config_entries.async_unload(entry.entry_id)


@pytest.mark.parametrize("fault", ["hang", "500", "html"])
async def test_a_failing_uptime_request_does_not_delay_a_ring(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, fault: str
) -> None:
    bell, events = await visited(hass, sim, entry)
    assert await hass.config_entries.async_unload(entry.entry_id)
    hass.set_state(CoreState.starting)
    assert await hass.config_entries.async_setup(entry.entry_id)
    for path in ("system/status", "system/time"):
        if fault == "hang":
            sim.delay(60, path)
        else:
            sim.garbage(path, "html" if fault == "html" else "", status=200 if fault == "html" else 500)
    sim.press("%1", call=False)
    sim.pass_time(20)
    sim.press("%1", call=False)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await bell.rings()
    await until(lambda: presses(events) == [("%1", True), ("%1", False)])
    pressed_at = time.monotonic()
    sim.press("%1", call=False)
    await bell.rings(2)
    assert bell.rang_at[1] - pressed_at < 3


@pytest.mark.parametrize("privileges", [Privilege.ALL, Privilege.MONITORING, NO_SYSTEM])
async def test_rings_are_fresh_after_the_uptime_counter_wraps(
    hass: HomeAssistant, sockets: None, privileges: Privilege
) -> None:
    async with Simulator("verso", accounts=[Account("ha", "ha-pass", privileges)]) as sim:
        entry = await add_intercom(hass, sim)
        key = "bell_1" if privileges is Privilege.ALL else "bell_call"  # the directory names the bells
        bell, events = Bell(hass, entry, key), capture_log_events(hass)
        sim.press("%1", call=False)
        await bell.rings()
        sim.clock.wraps = sim.clock.uptime() - 1
        for count in (2, 3):
            sim.press("%1", call=False)
            await bell.rings(count)
        await until(lambda: presses(events) == [("%1", False)] * 3)
        assert await hass.config_entries.async_unload(entry.entry_id)


# -- calls over a reload -----------------------------------------------------------------------------


async def test_a_call_that_began_while_home_assistant_started_rings(hass: HomeAssistant, sockets: None) -> None:
    """The account sees no key events, so only the call shows the visitor."""
    account = Account("ha", "ha-pass", Privilege.ALL & ~Privilege.KEYPAD_MONITORING)
    async with Simulator("verso", accounts=[account]) as sim:
        entry = await add_intercom(hass, sim)
        bell = Bell(hass, entry)
        session = sim.press("%1")
        assert session is not None
        await bell.rings()
        sim.terminate(session)
        await asyncio.sleep(0.3)
        assert await hass.config_entries.async_unload(entry.entry_id)
        sim.press("%1")
        sim.pass_time(2)
        assert await hass.config_entries.async_setup(entry.entry_id)
        await bell.rings(2)
        await settled(hass, sim)
        # A reload in the middle of it rings no more.
        assert await hass.config_entries.async_reload(entry.entry_id)
        await settled(hass, sim)
        assert len(bell.rang_at) == 2
        assert await hass.config_entries.async_unload(entry.entry_id)


@pytest.mark.parametrize("keys", [True, False])
async def test_a_call_in_progress_does_not_ring_again_after_a_reload(
    hass: HomeAssistant, sockets: None, keys: bool
) -> None:
    """The press or the first call record is before the reload, the others are after it."""
    privileges = Privilege.ALL if keys else Privilege.ALL & ~Privilege.KEYPAD_MONITORING
    timing = Timing(ring_delay=3)
    async with Simulator("verso", accounts=[Account("ha", "ha-pass", privileges)], timing=timing) as sim:
        entry = await add_intercom(hass, sim)
        bell, events = Bell(hass, entry), capture_log_events(hass)
        sim.press("%1", call=not keys)
        await bell.rings()
        assert await hass.config_entries.async_unload(entry.entry_id)
        if keys:
            sim.phone.call_out(sim.directory.peers_of_button(1))
        assert await hass.config_entries.async_setup(entry.entry_id)
        await until(lambda: any(event.data["data"].get("state") == "ringing" for event in events), "the call rings")
        await settled(hass, sim)
        assert len(bell.rang_at) == 1
        assert await hass.config_entries.async_unload(entry.entry_id)


async def test_background_work_waits_until_a_ring_is_dispatched(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    """This includes work that a listener starts during the dispatch of the ring."""
    events, waited = entry.runtime_data.events, []

    async def work(began: float) -> None:
        await events.async_let_ring_pass()
        waited.append(time.monotonic() - began)

    @callback
    def rang(_: object) -> None:
        hass.async_create_background_task(work(time.monotonic()), "other work")

    events.rings.async_listen(None, rang)
    sim.press("%1", call=False)
    await until(lambda: waited, "the ring")
    assert waited[0] >= event_stream.RING_FIRST


async def test_the_next_poll_waits_until_a_ring_is_dispatched(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    """Its request would take longer than Home Assistant needs to send the state of the doorbell."""
    await sim.wait_for_pull()
    asked: list[float] = []
    log = entry.runtime_data.coordinator.system.log
    read = log.reader.read

    async def noted(*arguments: Any) -> Any:
        asked.append(time.monotonic())
        return await read(*arguments)

    log.reader.read = noted
    rang: list[float] = []
    entry.runtime_data.events.rings.async_listen(None, lambda _: rang.append(time.monotonic()))
    sim.press("%1", call=False)
    await until(lambda: asked, "the next poll")
    assert len(rang) == 1
    assert asked[0] - rang[0] >= event_stream.RING_FIRST
    asked.clear()
    sim.emit("InputChanged", port="input1", state=True)
    began = time.monotonic()
    await until(lambda: asked, "the poll after that")
    assert asked[0] - began < event_stream.RING_FIRST, "other events do not delay it"


async def test_a_visit_begins_after_its_ring_and_before_its_event(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    runtime, order = entry.runtime_data, list[str]()
    runtime.visits.async_listen(lambda _: order.append("visit"))
    runtime.events.rings.async_listen(None, lambda _: order.append("ring"))
    runtime.events.async_listen_events(lambda event, _: order.append(event.type))
    sim.press("%1", call=False)
    await until(lambda: len(order) >= 3, "the event")
    assert order == ["ring", "visit", "KeyPressed"]


async def test_an_unload_right_after_a_ring_loses_no_visit(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    runtime, order = entry.runtime_data, list[str]()
    runtime.visits.async_listen(lambda _: order.append("visit"))
    rang = asyncio.Event()
    runtime.events.rings.async_listen(None, lambda _: rang.set())
    sim.press("%1", call=False)
    await rang.wait()
    assert order == []
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert order == ["visit"]
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert len(entry.runtime_data.visitors.newest_first) == 1
