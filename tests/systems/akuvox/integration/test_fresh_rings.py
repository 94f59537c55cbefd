"""A ring that only the call log reports is in time, and a late one does not ring."""

from collections.abc import Callable
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Event, HomeAssistant
import pytest

from custom_components.ip_intercom.systems.akuvox import log, log_reader
from custom_components.ip_intercom.systems.akuvox.client import client
from custom_components.ip_intercom.systems.common.parse import LIVE_WINDOW
from tests.common import capture_log_events, until
from tests.simulators.akuvox import LogForm, Positions, Simulator
from tests.simulators.common.faults import Fault
from tests.systems.akuvox.client.conftest import wait_for_answers

from .conftest import Start, add, shows
from .test_rings import count_rings, count_states, following

ALONE = log._CALL_LOG_ONLY_INTERVAL
NEVER = (600.0, 600.0)


@pytest.fixture(autouse=True)
def no_other_route(monkeypatch: pytest.MonkeyPatch) -> None:
    """Disable all polls of the call log except those for devices that report calls by no other route."""
    monkeypatch.setattr(log, "_CALL_LOG_INTERVALS", NEVER)
    monkeypatch.setattr(log, "_CALL_LOG_ONLY_INTERVAL", 0.1)
    monkeypatch.setattr(log, "_CALL_INTERVALS", (0.1, 0.1))
    monkeypatch.setattr(log, "_DOOR_LOG_INTERVALS", (0.1, 0.1))
    # The clocks of the simulator jump.
    monkeypatch.setattr(log_reader, "_FRESH_FOR", 0.0)


async def silent(quick_device: Start, **settings: Any) -> Simulator:
    """Start a door phone whose firmware has no call status."""
    sim = await quick_device(**settings)
    sim.withhold("call/status")
    return sim


def visit(sim: Simulator, lasted: float = 0.0) -> None:
    """Press the button, and end the call after the given device seconds."""
    assert sim.press()
    assert sim.phone.session is not None
    sim.phone.session.begun -= lasted
    sim.call_ended()


def lateness(events: list[Event[Any]]) -> list[bool]:
    """Return for each call record whether it was late."""
    return [event.data["late"] for event in events if event.data["type"] == "CallLog"]


async def assert_lateness(events: list[Event[Any]], hass: HomeAssistant, *late: bool) -> None:
    await until(lambda: len(lateness(events)) >= len(late), "the record")
    await hass.async_block_till_done()
    assert lateness(events) == [*late]


def test_the_call_log_is_polled_within_the_live_window() -> None:
    assert ALONE < LIVE_WINDOW - 1


@pytest.mark.parametrize("has_clock", [True, False])
@pytest.mark.parametrize("begun", [False, True])
async def test_a_short_call_rings(hass: HomeAssistant, quick_device: Start, has_clock: bool, begun: bool) -> None:
    sim = await silent(quick_device, has_clock=has_clock)
    sim.call_log.form.begun = begun
    entry = await add(hass, sim)
    rings, events = count_rings(hass, entry), capture_log_events(hass)
    await following(sim, "calllog/get")
    for number in (1, 2):
        visit(sim)
        await until(lambda number=number: rings() == number, "the ring")  # type: ignore[misc]  # one lambda for each
    await assert_lateness(events, hass, False, False)


async def test_a_hanging_clock_request_does_not_delay_a_ring(
    hass: HomeAssistant, quick_device: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_for_answers(monkeypatch, 0.5)
    sim = await silent(quick_device)
    entry = await add(hass, sim)
    rings = count_rings(hass, entry)
    await following(sim, "calllog/get")
    sim.fault("system/status", Fault.HANG)
    for number in (1, 2):
        visit(sim)
        await until(lambda number=number: rings() == number, "the ring")  # type: ignore[misc]  # one lambda for each


async def test_a_fragile_device_rings_while_its_state_hangs(
    hass: HomeAssistant, quick_device: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The device gets one request at a time, so the log waits for the hanging one."""
    wait_for_answers(monkeypatch, 0.3)
    monkeypatch.setattr(client, "UNRESPONSIVE_TIMEOUT", 0.3)
    monkeypatch.setitem(log_reader.LIVE_FOR, log_reader.RING, 2.5)
    sim = await quick_device(has_clock=False)
    entry = await add(hass, sim)
    sim.fault("relay/status", Fault.QUOTED_TEXT, times=1)
    await entry.runtime_data.coordinator.async_refresh()
    assert entry.runtime_data.coordinator.system.device.client.fragile
    await following(sim)
    sim.fault("call/status", Fault.HANG)
    await until(lambda: entry.runtime_data.coordinator.log_health.working is False, "call/status to be missed")
    rings, events = count_rings(hass, entry), capture_log_events(hass)
    sim.clear_requests()
    await until(lambda: any(request.path.endswith("call/status") for request in sim.requests), "a hanging poll")
    for number in (1, 2):
        visit(sim)
        await until(lambda number=number: len(lateness(events)) == number, "the record")  # type: ignore[misc]  # one lambda for each
    await assert_lateness(events, hass, False, False)
    assert rings() == 2


async def test_a_log_without_pages_rings(hass: HomeAssistant, quick_device: Start) -> None:
    sim = await silent(quick_device)
    sim.fill_call_log(30)
    sim.call_log.form.refuses_page = True
    entry = await add(hass, sim)
    rings = count_rings(hass, entry)
    await following(sim, "calllog/get")
    visit(sim)
    await until(rings, "the ring")


@pytest.mark.parametrize("oldest_first", [False, True])
@pytest.mark.parametrize("positions", [None, *Positions])
async def test_a_full_log_rings_in_any_order_with_any_numbers(
    hass: HomeAssistant, quick_device: Start, oldest_first: bool, positions: Positions | None
) -> None:
    sim = await silent(quick_device)
    sim.call_log.form = LogForm(oldest_first=oldest_first, positions=positions, kept=20)
    sim.advance_clock(-20 * 60)
    for _ in range(20):
        sim.fill_call_log(1)
        sim.advance_clock(60)
    entry = await add(hass, sim)
    rings, events = count_rings(hass, entry), capture_log_events(hass)
    await following(sim, "calllog/get", 8)  # the first read may search for the newest page
    for number in (1, 2):
        visit(sim)
        await until(lambda number=number: rings() == number, "the ring")  # type: ignore[misc]  # one lambda for each
    await assert_lateness(events, hass, False, False)


@pytest.mark.parametrize("fault", [Fault.STATUS, Fault.REFUSED])
async def test_the_call_log_is_polled_often_while_the_call_status_fails(
    hass: HomeAssistant, quick_device: Start, fault: Fault
) -> None:
    sim = await quick_device()
    entry = await add(hass, sim)
    rings = count_rings(hass, entry)
    await following(sim, n=5)
    assert [request.function for request in sim.requests].count("calllog/get") <= 1, (
        "the call status is enough, so the call log is not polled"
    )
    sim.fault("call/status", fault)
    await following(sim, "calllog/get", 3)
    visit(sim)
    await until(rings, "the ring")
    sim.heal()
    await entry.runtime_data.async_recheck()
    await following(sim, n=3)
    await following(sim, n=5)
    assert [request.function for request in sim.requests].count("calllog/get") <= 1, "the call log is no longer polled"


async def test_a_finished_long_call_is_late(hass: HomeAssistant, quick_device: Start) -> None:
    """The record has the time of the press."""
    sim = await silent(quick_device)
    sim.call_log.form.begun = True
    entry = await add(hass, sim)
    rings, events = count_rings(hass, entry), capture_log_events(hass)
    await following(sim, "calllog/get")
    visit(sim, LIVE_WINDOW + 15)
    await assert_lateness(events, hass, True)
    assert rings() == 0


async def test_a_call_missed_by_the_status_polls_rings_by_its_record(
    hass: HomeAssistant, quick_device: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "_CALL_INTERVALS", NEVER)
    monkeypatch.setattr(log, "_CALL_LOG_INTERVALS", (0.3, 0.3))
    sim = await quick_device()
    entry = await add(hass, sim)
    rings, events = count_rings(hass, entry), capture_log_events(hass)
    await following(sim, "calllog/get")
    visit(sim)
    await until(rings, "the ring")
    sim.fault("calllog/get", Fault.STATUS)
    visit(sim)
    sim.clock.skip(LIVE_WINDOW + 5)
    sim.heal()
    await assert_lateness(events, hass, False, True)
    assert rings() == 1


@pytest.mark.parametrize(("window", "late"), [(LIVE_WINDOW, False), (0.5, True)])
async def test_a_call_answered_before_the_first_poll_rings_by_its_record(
    hass: HomeAssistant, quick_device: Start, monkeypatch: pytest.MonkeyPatch, window: float, late: bool
) -> None:
    """Only the record shows that a visitor started the call, and it may be late."""
    monkeypatch.setitem(log_reader.LIVE_FOR, log_reader.RING, window)
    sim = await quick_device()
    entry = await add(hass, sim)
    rings, events = count_rings(hass, entry), capture_log_events(hass)
    await following(sim, "call/status")
    assert sim.press()
    sim.call_answered()
    await shows(hass, entry, "sensor", "call_state", "connected")
    await following(sim, n=8 if late else 1)
    sim.call_ended()
    await assert_lateness(events, hass, late)
    assert rings() == (0 if late else 1)


async def begin_outage(sim: Simulator, how: str) -> Callable[[], None]:
    """Begin an outage, and return the function that ends it."""
    if how == "the log fails":
        sim.fault("calllog/get", Fault.STATUS)
        await until(lambda: any(request.path.endswith("calllog/get") for request in sim.requests), "a failure")
        return sim.heal
    sim.lose_connection()

    def return_() -> None:
        sim.restore_connection()

    return return_


@pytest.mark.parametrize("how", ["the log fails", "the device is away"])
@pytest.mark.parametrize("ago", [0.0, LIVE_WINDOW + 5])
async def test_the_clock_decides_whether_a_ring_after_a_gap_is_late(
    hass: HomeAssistant, quick_device: Start, how: str, ago: float
) -> None:
    sim = await silent(quick_device)
    entry = await add(hass, sim)
    rings, events = count_rings(hass, entry), capture_log_events(hass)
    await following(sim, "calllog/get")
    sim.clear_requests()
    end = await begin_outage(sim, how)
    visit(sim)
    sim.clock.skip(ago)
    end()
    await assert_lateness(events, hass, ago > LIVE_WINDOW)
    assert rings() == (0 if ago else 1)


async def test_a_call_after_a_gap_without_a_clock_is_late(
    hass: HomeAssistant, quick_device: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its age is unknown; it was not in the log before the gap."""
    monkeypatch.setitem(log_reader.LIVE_FOR, log_reader.RING, 0.5)
    sim = await silent(quick_device, has_clock=False)
    entry = await add(hass, sim)
    rings, events = count_rings(hass, entry), capture_log_events(hass)
    await following(sim, "calllog/get")
    sim.clear_requests()
    sim.fault("calllog/get", Fault.STATUS)
    visit(sim)

    def failures() -> int:
        return sum(request.path.endswith("calllog/get") for request in sim.requests)

    await until(lambda: failures() >= 6, "a gap")
    sim.heal()
    await assert_lateness(events, hass, True)
    assert rings() == 0


async def reloaded(hass: HomeAssistant, entry: ConfigEntry, meanwhile: Callable[[], object]) -> None:
    assert await hass.config_entries.async_unload(entry.entry_id)
    meanwhile()
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()


@pytest.mark.parametrize(("ago", "has_clock"), [(0.0, True), (LIVE_WINDOW + 5, True), (0.0, False)])
async def test_a_call_while_the_entry_is_reloaded(
    hass: HomeAssistant, quick_device: Start, ago: float, has_clock: bool
) -> None:
    """A fresh call rings after the reload, which restores the time zone of the device."""
    sim = await silent(quick_device, has_clock=has_clock)
    sim.advance_clock(3 * 3600)
    entry = await add(hass, sim)
    rung, events = count_states(hass, entry), capture_log_events(hass)
    await following(sim, "calllog/get")
    visit(sim)
    await until(rung, "the ring before")

    def meanwhile() -> None:
        visit(sim)
        sim.clock.skip(ago)

    await reloaded(hass, entry, meanwhile)
    is_old = ago > LIVE_WINDOW or not has_clock
    await assert_lateness(events, hass, False, is_old)
    assert rung() == (1 if is_old else 2)


@pytest.mark.parametrize(("ago", "late"), [(0.0, False), (60.0, False), (120.0, True)])
async def test_an_old_access_is_late(hass: HomeAssistant, quick_device: Start, ago: float, late: bool) -> None:
    """The last poll may be before or after the reload."""
    sim = await quick_device()
    entry = await add(hass, sim)
    events = capture_log_events(hass)

    def accesses() -> list[bool]:
        return [event.data["late"] for event in events if event.data["type"] == "DoorLog"]

    await following(sim, "doorlog/get")
    sim.enter_code("1111")
    await until(accesses, "the first one")

    def meanwhile() -> None:
        sim.enter_code("2222")
        sim.clock.skip(ago)

    await reloaded(hass, entry, meanwhile)
    await until(lambda: len(accesses()) == 2, "the second one")
    assert accesses() == [False, late]


async def test_a_device_without_calls_has_no_doorbell(hass: HomeAssistant, device: Start) -> None:
    """Its call log is always empty and is not polled."""
    sim = await device("a_series")
    entry = await add(hass, sim)
    assert not entry.runtime_data.coordinator.data.bells
    await following(sim, "doorlog/get", 5)
    assert "calllog/get" not in {request.function for request in sim.requests}
