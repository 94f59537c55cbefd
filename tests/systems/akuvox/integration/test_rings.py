"""A visitor rings once, by the first of three routes."""

from collections.abc import Callable

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers.event import async_track_state_change_event
import pytest

from custom_components.ip_intercom.model.parts import VisitOutcome
from custom_components.ip_intercom.systems.akuvox import log
from tests.common import act, capture_log_events, command, entity_id, state_of, until
from tests.simulators.akuvox import Simulator
from tests.simulators.akuvox.envelope import ApiError, Reply

from .conftest import Start, add, shows

PHONES = ("e18", "e16c", "r29")


def count_rings(hass: HomeAssistant, entry: ConfigEntry) -> Callable[[], int]:
    """Return a function that counts the rings from now on."""
    rings: list[Event[EventStateChangedData]] = []

    @callback
    def rang(event: Event[EventStateChangedData]) -> None:
        new = event.data["new_state"]
        if new is not None and new.state not in {"unknown", "unavailable"}:
            rings.append(event)

    async_track_state_change_event(hass, entity_id(hass, entry, "event", "bell_call"), rang)
    return lambda: len(rings)


async def reach(count: Callable[[], int], number: int) -> None:
    """Wait until a count is reached."""
    await until(lambda: count() == number, f"number {number}")


def poll_only(monkeypatch: pytest.MonkeyPatch, *routes: str) -> None:
    """Disable all polls except those of the given routes."""
    for name in {"_CALL_INTERVALS", "_CALL_LOG_INTERVALS", "_DOOR_LOG_INTERVALS"} - set(routes):
        monkeypatch.setattr(log, name, (600.0, 600.0))


async def following(sim: Simulator, function: str = "call/status", n: int = 2) -> None:
    """Wait for the given number of polls of a function."""
    sim.clear_requests()
    await until(lambda: sum(request.function == function for request in sim.requests) >= n, f"polls of {function}")


@pytest.mark.parametrize("dialect", PHONES)
async def test_a_visitor_rings_by_call_status_alone(
    hass: HomeAssistant, device: Start, dialect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll_only(monkeypatch, "_CALL_INTERVALS")
    sim = await device(dialect)
    entry = await add(hass, sim)
    rings = count_rings(hass, entry)
    await following(sim)
    assert sim.press()
    await until(rings, "the ring")
    await shows(hass, entry, "binary_sensor", "ringing", "on")  # the bell is faster
    sim.call_answered()
    await shows(hass, entry, "sensor", "call_state", "connected")
    assert state_of(hass, entry, "binary_sensor", "ringing") == "off"
    sim.call_ended()
    await shows(hass, entry, "sensor", "call_state", "idle")
    assert rings() == 1


@pytest.mark.parametrize("dialect", PHONES)
async def test_a_visitor_rings_by_the_call_log_alone(
    hass: HomeAssistant, device: Start, dialect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A visitor who gives up between two polls of the call rings."""
    poll_only(monkeypatch)
    monkeypatch.setattr(log, "_CALL_LOG_INTERVALS", (3.0, 3.0))
    sim = await device(dialect)
    entry = await add(hass, sim)
    rings = count_rings(hass, entry)
    await following(sim, "calllog/get")
    assert sim.press()
    sim.call_ended()
    await until(rings, "the ring")
    await following(sim, "calllog/get")
    assert rings() == 1
    assert state_of(hass, entry, "sensor", "call_state") == "idle"


@pytest.mark.parametrize("dialect", PHONES)
async def test_a_visitor_rings_by_a_push_alone(
    hass: HomeAssistant, device: Start, dialect: str, local_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll_only(monkeypatch)
    sim = await device(dialect)
    entry = await add(hass, sim, push=True)
    rings = count_rings(hass, entry)
    await until(lambda: sim.config["Config.Features.ACTIONURL.Enable"] == "1", "the Action URLs")
    events = capture_log_events(hass)
    assert sim.press()
    await until(rings, "the ring")
    sim.call_ended()
    await until(lambda: len(events) == 2, "the end of the call")
    await shows(hass, entry, "sensor", "call_state", "idle")
    assert rings() == 1
    assert [(event.data["type"], event.data["data"]) for event in events] == [
        ("MakeCall", {"remote": "192.168.1.20"}),
        ("HangUp", {"remote": "192.168.1.20"}),
    ]


@pytest.mark.parametrize("dialect", PHONES)
async def test_status_log_and_push_of_a_call_make_one_ring(
    hass: HomeAssistant, device: Start, dialect: str, local_url: str
) -> None:
    sim = await device(dialect)
    entry = await add(hass, sim, push=True)
    rings = count_rings(hass, entry)
    await until(lambda: sim.config["Config.Features.ACTIONURL.Enable"] == "1", "the Action URLs")
    events = capture_log_events(hass)

    def records() -> int:
        return sum(event.data["type"] == "CallLog" for event in events)

    for number in (1, 2):
        assert sim.press()
        await reach(rings, number)
        await following(sim, "call/status", 1)
        sim.call_answered()
        await shows(hass, entry, "sensor", "call_state", "connected")
        sim.call_ended()
        await reach(records, number)
        assert rings() == number
    assert state_of(hass, entry, "sensor", "call_state") == "idle"


async def test_a_call_dialed_by_home_assistant_does_not_ring(
    hass: HomeAssistant, device: Start, local_url: str
) -> None:
    sim = await device("e16c")
    entry = await add(hass, sim, push=True)
    rings = count_rings(hass, entry)
    await until(lambda: sim.config["Config.Features.ACTIONURL.Enable"] == "1", "the Action URLs")
    events = capture_log_events(hass)
    answer = await command(hass, entry, "dial", number="192.168.1.58")
    await until(lambda: any(event.data["type"] == "MakeCall" for event in events), "the push")
    assert list(entry.runtime_data.coordinator.data.calls) == [answer["session"]]
    assert state_of(hass, entry, "binary_sensor", "ringing") == "off"
    ended = await command(hass, entry, "hang_up")
    assert ended == {"sessions": [answer["session"]]}
    await until(lambda: any(event.data["type"] == "CallLog" for event in events), "the record")
    assert rings() == 0
    assert not entry.runtime_data.coordinator.data.calls


async def test_a_record_written_early_does_not_end_the_call(hass: HomeAssistant, device: Start) -> None:
    """The manual does not say when a call is logged: the record does not end a live call."""
    sim = await device("e16c")
    sim.phone.records_at_once = True
    entry = await add(hass, sim)
    rings, events = count_rings(hass, entry), capture_log_events(hass)
    await following(sim)
    assert sim.press()
    await until(lambda: any(event.data["type"] == "CallLog" for event in events), "the record of a call that goes on")
    await following(sim)
    assert rings() == 1
    assert state_of(hass, entry, "binary_sensor", "ringing") == "on"
    sim.call_ended()
    await shows(hass, entry, "sensor", "call_state", "idle")
    await following(sim, "calllog/get")
    assert rings() == 1
    assert sum(event.data["type"] == "CallStatus" for event in events) == 2


async def test_an_early_record_does_not_make_a_pushed_visitor_missed(
    hass: HomeAssistant, device: Start, local_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "_CALL_LOG_INTERVALS", (1.0, 1.0))
    sim = await device("e16c")
    sim.phone.records_at_once = True
    entry = await add(hass, sim, push=True)
    rings, events = count_rings(hass, entry), capture_log_events(hass)
    await until(lambda: sim.config["Config.Features.ACTIONURL.Enable"] == "1", "the Action URLs")
    for number in (1, 2):
        assert sim.press()
        await reach(rings, number)
        sim.call_answered()
        await reach(lambda: sum(event.data["type"] == "CallLog" for event in events), number)
        await shows(hass, entry, "sensor", "call_state", "connected")
        sim.call_ended()
        await shows(hass, entry, "sensor", "call_state", "idle")
    assert rings() == 2
    outcomes = [visitor.outcome for visitor in entry.runtime_data.visitors.newest_first]
    assert outcomes == [VisitOutcome.ANSWERED, VisitOutcome.ANSWERED]


async def test_a_visitor_known_from_the_log_may_still_be_let_in(
    hass: HomeAssistant, device: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record does not show whether the call continues or was answered."""
    poll_only(monkeypatch)
    monkeypatch.setattr(log, "_CALL_LOG_INTERVALS", (3.0, 3.0))
    sim = await device("e16c")
    sim.phone.records_at_once = True
    entry = await add(hass, sim)
    rings = count_rings(hass, entry)
    await following(sim, "calllog/get")
    assert sim.press()
    await until(rings, "the ring")
    assert state_of(hass, entry, "event", "visitor") == "unknown"
    outcomes = [visitor.outcome for visitor in entry.runtime_data.visitors.newest_first]
    assert outcomes == [None]
    await act(hass, "lock.open", entity_id=entity_id(hass, entry, "lock", "door_A_door"))
    await until(lambda: state_of(hass, entry, "event", "visitor") != "unknown", "the outcome")
    assert [visitor.outcome for visitor in entry.runtime_data.visitors.newest_first] == [VisitOutcome.OPENED]


async def test_an_incoming_call_does_not_ring_once_its_status_is_learned(hass: HomeAssistant, device: Start) -> None:
    """Only READY is documented; call records show the meaning of other words."""
    sim = await device("e16c", config={"Config.Account1.AUTO_ANSWER.Enable": "0"})
    entry = await add(hass, sim)
    events = capture_log_events(hass)
    await following(sim)

    async def incoming(n: int) -> None:
        sim.incoming_call("101", "Reception")
        await until(lambda: state_of(hass, entry, "sensor", "call_state") != "idle")
        sim.call_ended()
        await until(lambda: sum(event.data["type"] == "CallLog" for event in events) == n, "the record")
        await shows(hass, entry, "sensor", "call_state", "idle")

    await incoming(1)
    rings = count_rings(hass, entry)
    await incoming(2)
    assert rings() == 0
    assert sim.press()
    await until(rings, "the ring of a visitor")


async def test_an_incoming_call_does_not_ring_if_calls_are_pushed(
    hass: HomeAssistant, device: Start, local_url: str
) -> None:
    sim = await device("r29", config={"Config.Account1.AUTO_ANSWER.Enable": "0"})
    entry = await add(hass, sim, push=True)
    rings = count_rings(hass, entry)
    await until(lambda: sim.config["Config.Features.ACTIONURL.Enable"] == "1", "the Action URLs")
    assert sim.press()
    await reach(rings, 1)
    sim.call_ended()
    await shows(hass, entry, "sensor", "call_state", "idle")
    sim.incoming_call("101", "Reception")
    await shows(hass, entry, "sensor", "call_state", "ringing")
    assert state_of(hass, entry, "binary_sensor", "ringing") == "off"
    sim.call_ended()
    await shows(hass, entry, "sensor", "call_state", "idle")
    assert rings() == 1


async def test_calls_before_the_setup_do_not_ring(hass: HomeAssistant, device: Start) -> None:
    sim = await device("e16c")
    for _ in range(3):
        assert sim.press()
        sim.call_ended()
    entry = await add(hass, sim)
    rings = count_rings(hass, entry)
    events = capture_log_events(hass)
    await following(sim, "calllog/get")
    assert not events
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert sim.press()
    sim.call_ended()
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    await until(lambda: events, "the record of a call while Home Assistant was away")
    assert [(event.data["type"], event.data["late"]) for event in events] == [("CallLog", True)]
    assert rings() == 0


@pytest.mark.parametrize("idle", ["Standby", "Ruhe", "Not in call"])
async def test_a_device_with_another_idle_status_rings(
    hass: HomeAssistant, device: Start, monkeypatch: pytest.MonkeyPatch, idle: str
) -> None:
    """Its idle word means no call, and visitors ring, also after a reload."""
    poll_only(monkeypatch, "_CALL_INTERVALS")
    sim = await device("e16c")
    sim.phone.words["READY"] = idle
    entry = await add(hass, sim)
    assert state_of(hass, entry, "sensor", "call_state") == "idle"
    for number in (1, 2):
        rings = count_rings(hass, entry)
        await following(sim)
        assert sim.press()
        await reach(rings, 1)
        await until(lambda: state_of(hass, entry, "sensor", "call_state") != "idle", "the call")
        sim.call_ended()
        await shows(hass, entry, "sensor", "call_state", "idle")
        if number == 1:
            assert await hass.config_entries.async_reload(entry.entry_id)


async def test_an_indoor_monitor_has_no_doorbell(hass: HomeAssistant, device: Start) -> None:
    sim = await device("it83")
    entry = await add(hass, sim)
    await following(sim)
    assert sim.press()
    await until(lambda: state_of(hass, entry, "sensor", "call_state") != "idle")
    assert not entry.runtime_data.coordinator.data.bells
    assert state_of(hass, entry, "binary_sensor", "ringing") == "off"


async def test_a_restart_ends_the_call(hass: HomeAssistant, device: Start) -> None:
    sim = await device("e16c")
    entry = await add(hass, sim)
    events = capture_log_events(hass)
    await following(sim)
    assert sim.press()
    await until(lambda: state_of(hass, entry, "sensor", "call_state") != "idle")
    await sim.reboot(0.5)
    await until(lambda: any(event.data["type"] == "DeviceRestarted" for event in events), "the restart")
    await shows(hass, entry, "sensor", "call_state", "idle")


async def test_a_visitor_rings_while_the_door_log_is_unreadable(
    hass: HomeAssistant, device: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other polls continue, and the device stays available."""
    sim = await device("e16c")
    entry = await add(hass, sim)
    states: list[str] = []

    @callback
    def changed(event: Event[EventStateChangedData]) -> None:
        if (new := event.data["new_state"]) is not None:
            states.append(new.state)

    async_track_state_change_event(hass, entity_id(hass, entry, "sensor", "call_state"), changed)

    def broken(_: object) -> Reply:
        raise ApiError(-1, "Internal error")

    await following(sim)
    monkeypatch.setitem(sim.pipeline._handlers, "doorlog/get", broken)
    await following(sim, "doorlog/get", 1)
    await following(sim, n=10)
    assert sum(request.function == "doorlog/get" for request in sim.requests) < 5
    rings = count_rings(hass, entry)
    assert sim.press()
    await until(rings, "the ring")
    assert "unavailable" not in states


async def test_a_function_that_was_missing_once_is_used_again(hass: HomeAssistant, device: Start) -> None:
    """A starting device reports that it has no functions."""
    sim = await device("e16c")
    await add(hass, sim)
    await following(sim)
    sim.withhold("call/status")
    sim.clear_requests()
    await until(lambda: any("call/status" in request.path for request in sim.requests), "the refusal")
    sim.withhold("call/status", False)
    await following(sim)


@pytest.mark.parametrize("pushed", [True, False])
async def test_a_call_in_progress_does_not_ring_again_after_a_reload(
    hass: HomeAssistant, device: Start, local_url: str, pushed: bool
) -> None:
    """The call ends and is logged after the reload."""
    sim = await device("e18")
    entry = await add(hass, sim, push=pushed)
    rung = count_states(hass, entry)
    if pushed:
        await until(lambda: sim.config["Config.Features.ACTIONURL.Enable"] == "1", "the Action URLs")
    else:
        await following(sim)
    assert sim.press()
    await until(rung, "the ring")
    assert await hass.config_entries.async_reload(entry.entry_id)
    await following(sim, n=1)
    await until(lambda: state_of(hass, entry, "sensor", "call_state") in {"connecting", "ringing"}, "the call")
    # The first look at the log of calls comes before the record.
    await until(lambda: any(request.function == "calllog/get" for request in sim.requests), "the call log")
    events = capture_log_events(hass)
    sim.call_ended()
    await until(lambda: any(event.data["type"] == "CallLog" for event in events), "the record")
    await hass.async_block_till_done()
    assert rung() == 1


def count_states(hass: HomeAssistant, entry: ConfigEntry) -> Callable[[], int]:
    """Return how many different times the doorbell had; a restored one counts once."""
    told: set[str] = set()

    @callback
    def changed(event: Event[EventStateChangedData]) -> None:
        new = event.data["new_state"]
        if new is not None and new.state not in {"unknown", "unavailable"}:
            told.add(new.state)

    async_track_state_change_event(hass, entity_id(hass, entry, "event", "bell_call"), changed)
    return lambda: len(told)
