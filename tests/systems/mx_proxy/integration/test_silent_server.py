"""A proxy that accepts connections without responding, and one that rejects its own tokens."""

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
import pytest

from custom_components.ip_intercom.runtime import event_stream as push
from tests.common import capture_log_events, enter, state_of, until
from tests.outages import lines
from tests.simulators.common.faults import Fault
from tests.simulators.mx_proxy import Simulator

from .conftest import Start, add, user_input

AWAY, HERE = ("off", "unavailable"), ("on", "idle")


def shown(hass: HomeAssistant, entry: ConfigEntry) -> tuple[str, str]:
    return state_of(hass, entry, "binary_sensor", "connectivity"), state_of(hass, entry, "sensor", "call_state")


def hang(sim: Simulator) -> None:
    """Do not respond, not even to the requests sent before `heal`."""
    sim.fault("*", Fault.HANG)


async def test_a_proxy_that_answers_nothing_is_unavailable_at_once(
    hass: HomeAssistant, device: Start, caplog: pytest.LogCaptureFixture
) -> None:
    """The call log may take minutes; the outage is detected before that."""
    sim = await device()
    entry = await add(hass, sim)
    await until(lambda: entry.runtime_data.events.following, "the first polls")
    caplog.clear()
    sim.clear_requests()
    hang(sim)
    await until(lambda: shown(hass, entry) == AWAY, "the silence to be seen")
    assert len(lines(caplog)) == 1, lines(caplog)
    attempts = len(sim.requests)
    await until(lambda: len(sim.requests) > attempts + 3, "more attempts")
    assert shown(hass, entry) == AWAY
    sim.heal()
    await until(lambda: shown(hass, entry) == HERE, "its return")
    assert len(lines(caplog)) == 2, lines(caplog)
    assert not hass.config_entries.flow.async_progress()


async def test_a_poll_interrupted_by_an_outage_is_repeated_after_it(hass: HomeAssistant, device: Start) -> None:
    sim = await device()
    entry = await add(hass, sim)
    events = capture_log_events(hass)
    await until(lambda: entry.runtime_data.events.following, "the first polls")
    hang(sim)
    await until(lambda: shown(hass, entry) == AWAY, "the silence to be seen")
    sim.hang_up(sim.incoming_call("3108"))
    sim.heal()
    await until(lambda: [event for event in events if event.data["type"] == "CallLog"], "the call")
    assert entry.runtime_data.coordinator.data.missed_calls == 1


async def test_a_late_failure_of_an_outage_is_no_second_outage(
    hass: HomeAssistant, device: Start, caplog: pytest.LogCaptureFixture
) -> None:
    """A request sent during the outage may fail after the return."""
    sim = await device()
    entry = await add(hass, sim)
    await until(lambda: entry.runtime_data.events.following, "the first polls")
    caplog.clear()
    hang(sim)
    await until(lambda: shown(hass, entry) == AWAY, "the silence to be seen")
    sim.clear_requests()
    poll = hass.async_create_task(entry.runtime_data.coordinator.async_refresh())
    await until(lambda: any(request.path == "/conferences" for request in sim.requests), "a poll")
    sim.heal()
    await until(lambda: shown(hass, entry) == HERE, "its return")
    await poll
    await hass.async_block_till_done()
    assert shown(hass, entry) == HERE
    assert len(lines(caplog)) == 2, lines(caplog)


async def test_a_successful_poll_ends_the_back_off_of_the_log(
    hass: HomeAssistant, device: Start, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    sim = await device()
    entry = await add(hass, sim)
    events = capture_log_events(hass)
    await until(lambda: entry.runtime_data.events.following, "the first polls")
    caplog.clear()
    sim.break_mx()
    await until(lambda: shown(hass, entry)[1] == "unavailable", "the loss")
    monkeypatch.setattr(push, "_BACK_OFF", (600.0,))
    sim.clear_requests()
    await until(lambda: sim.requests, "one more attempt")
    sim.hang_up(sim.incoming_call("3108"))
    sim.mend_mx()
    await until(lambda: sim.mx.links, "the link")
    await entry.runtime_data.coordinator.async_refresh()
    await until(lambda: [event for event in events if event.data["type"] == "CallLog"], "the call")
    assert len(lines(caplog)) == 2, lines(caplog)


async def test_a_server_that_rejects_its_own_tokens_starts_no_reauth(
    hass: HomeAssistant, device: Start, caplog: pytest.LogCaptureFixture
) -> None:
    sim = await device()
    entry = await add(hass, sim)
    await until(lambda: entry.runtime_data.events.following, "the first polls")
    caplog.clear()
    sim.clear_requests()
    sim.refuse_new_tokens()
    await until(lambda: shown(hass, entry)[1] == "unavailable", "the refusal to be seen")
    assert entry.runtime_data.coordinator.last_exception.translation_key == "token_not_taken"
    await until(lambda: sum(r.function == "login" for r in sim.requests) >= 2, "another login")
    assert not hass.config_entries.flow.async_progress()
    sim.refuse_new_tokens(False)
    await until(lambda: shown(hass, entry) == HERE, "its return")
    assert len(lines(caplog)) == 2, lines(caplog)


async def test_a_server_that_rejects_its_own_tokens_cannot_be_added(hass: HomeAssistant, device: Start) -> None:
    sim = await device()
    sim.refuse_new_tokens()
    result = await enter(hass, user_input(sim), "mx_proxy")
    assert result["errors"] == {"base": "token_not_taken"}
