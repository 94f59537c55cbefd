"""An MX that does not respond behind a proxy that does, and lost links to the MX."""

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
import pytest

from custom_components.ip_intercom.systems.mx_proxy import log
from tests.common import capture_changes, capture_log_events, state_of, until
from tests.entity_states import wait_for_state
from tests.outages import lines
from tests.simulators.mx_proxy import Simulator

from .conftest import Start, add, pushing

# Seconds of the MX in one of ours: its patience is short then.


def entity_state(hass: HomeAssistant, entry: ConfigEntry) -> tuple[str, str, str]:
    """Return the proxy, its link to the exchange, and something of the extension."""
    return (
        state_of(hass, entry, "binary_sensor", "connectivity"),
        state_of(hass, entry, "binary_sensor", "link"),
        state_of(hass, entry, "sensor", "call_state"),
    )


HERE, SILENT = ("on", "on", "idle"), ("on", "off", "unavailable")


@pytest.mark.parametrize("empty", [False, True])
async def test_a_silent_exchange_is_unavailable_until_it_answers(
    hass: HomeAssistant, device: Start, caplog: pytest.LogCaptureFixture, empty: bool
) -> None:
    """The proxy returns an empty call log while the exchange is silent."""
    sim = await device(empty=empty)
    entry = await add(hass, sim)
    await until(lambda: entry.runtime_data.events.following, "the first polls")
    caplog.clear()
    sim.silence_mx()
    await until(lambda: entity_state(hass, entry) == SILENT, "the silence to be seen")
    sim.clear_requests()
    await until(lambda: sum(r.path == "/calls" for r in sim.requests) >= 5, "more empty logs")
    await entry.runtime_data.coordinator.async_refresh()
    assert entity_state(hass, entry) == SILENT
    assert entry.runtime_data.coordinator.last_exception.translation_key == "exchange_silent"
    assert len(lines(caplog)) == 1, lines(caplog)
    sim.mend_mx()
    await until(lambda: entity_state(hass, entry) == HERE, "its return")
    sim.hang_up(sim.incoming_call("3108"))
    await until(lambda: entry.runtime_data.coordinator.data.missed_calls == 1, "the call")
    assert len(lines(caplog)) == 2, lines(caplog)


async def test_a_live_call_does_not_hide_a_silent_exchange(hass: HomeAssistant, device: Start, local_url: str) -> None:
    """The proxy returns calls from its cache."""
    sim = await device()
    entry = await pushing(hass, sim, local_url)
    sim.incoming_call("3108")
    await wait_for_state(hass, entry, "sensor", "call_state", "ringing")
    sim.silence_mx()
    await until(lambda: entity_state(hass, entry) == SILENT, "the silence to be seen")
    changes = capture_changes(hass, entry, "binary_sensor")
    sim.clear_requests()
    await until(lambda: sum(r.path == "/calls" for r in sim.requests) >= 5, "more empty logs")
    assert changes == []


async def test_calls_before_a_retried_setup_are_not_reported(hass: HomeAssistant, device: Start) -> None:
    sim = await device()
    entry = await add(hass, sim)
    await hass.config_entries.async_remove(entry.entry_id)
    sim.silence_mx()
    events = capture_log_events(hass)
    await hass.config_entries.async_add(entry)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "exchange_silent"
    sim.mend_mx()
    await hass.config_entries.async_reload(entry.entry_id)
    sim.hang_up(sim.incoming_call("3108"))
    await until(lambda: events, "the new call")
    assert entry.runtime_data.coordinator.data.missed_calls == 1
    assert [event.data["type"] for event in events] == ["CallLog"]


# -- the link of the proxy to the exchange ---------------------------------------------------------


async def test_a_lost_link_causes_no_login(hass: HomeAssistant, device: Start, local_url: str) -> None:
    """A login would make a second link, and every push would be sent twice."""
    sim = await device()
    entry = await pushing(hass, sim, local_url)
    await until(lambda: entry.runtime_data.events.following, "the first polls")
    sim.set_reconnect(90)
    sim.clear_requests()
    sim.drop_link()
    await until(lambda: entity_state(hass, entry) == SILENT, "the loss")
    await until(lambda: entity_state(hass, entry) == HERE, "the return")
    assert not any(request.function == "login" for request in sim.requests)
    sim.incoming_call("3108")
    await sim.wait_for_pushes(1)
    await wait_for_state(hass, entry, "sensor", "call_state", "ringing")
    assert len(sim.pushes.sent) == 1


async def test_an_account_that_was_logged_out_is_logged_in_again(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    sim.mx.disconnect(sim.login)
    await until(lambda: entity_state(hass, entry) == SILENT, "the loss")
    await until(lambda: entity_state(hass, entry) == HERE, "the return")


async def test_pushes_are_expected_again_after_the_exchange_was_away(
    hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry
) -> None:
    sim.hang_up(sim.incoming_call("3108"))
    await wait_for_state(hass, pushed, "sensor", "pushes", "arriving")
    sim.break_mx()
    await until(lambda: entity_state(hass, pushed) == SILENT, "the loss")
    sim.mend_mx()
    await wait_for_state(hass, pushed, "sensor", "pushes", "expected")
    sim.hang_up(sim.incoming_call("3108"))
    await wait_for_state(hass, pushed, "sensor", "pushes", "arriving")


async def test_live_calls_are_polled_once_the_exchange_is_back(
    hass: HomeAssistant, sim: Simulator, local_url: str, no_polls: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "_CALL_INTERVAL", 600.0)
    entry = await pushing(hass, sim, local_url)
    call = sim.incoming_call("3108")
    await wait_for_state(hass, entry, "sensor", "call_state", "ringing")
    sim.break_mx()
    entry.runtime_data.coordinator.system.log.poller.soon(log.VOICEMAILS)
    await until(lambda: entity_state(hass, entry) == SILENT, "the loss")
    sim.hang_up(call)
    sim.mend_mx()
    await until(lambda: entity_state(hass, entry) == HERE, "the end of the call")
