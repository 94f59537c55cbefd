"""Parts that fail for a while recover, and report missed events once."""

import asyncio
import logging
import time

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import Event, HomeAssistant
import pytest

from custom_components.ip_intercom.systems.common import poller
from custom_components.ip_intercom.systems.mx_proxy import log
from tests.common import capture_changes, capture_log_events, command, state_of, until
from tests.simulators.common.faults import Fault
from tests.simulators.mx_proxy import Outage, Simulator

from .conftest import BEN, Start, add, pushing


def records(events: list[Event]) -> list[Event]:
    return [item for item in events if item.data["type"] == "CallLog"]


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the log lines about an outage and its end."""
    named = [item for item in caplog.records if item.name.startswith("custom_components.ip_intercom")]
    return [item.getMessage() for item in named if item.levelno >= logging.INFO]


async def away(hass: HomeAssistant, entry: ConfigEntry) -> None:
    await until(lambda: state_of(hass, entry, "sensor", "last_call") == "unavailable", "the outage to be seen")


async def back(hass: HomeAssistant, entry: ConfigEntry) -> None:
    await until(lambda: state_of(hass, entry, "sensor", "last_call") != "unavailable", "the return")


async def test_calls_before_the_setup_are_not_reported(hass: HomeAssistant, device: Start) -> None:
    sim = await device()
    sim.fill_log(2000)
    events = capture_log_events(hass)
    entry = await add(hass, sim)
    call = sim.incoming_call("3108")
    sim.hang_up(call)
    await until(lambda: records(events), "the new call")
    assert [item.data["data"]["id"] for item in events] == [sim.extensions[sim.login].log.records[-1]["record_id"]]
    assert entry.runtime_data.coordinator.data.missed_calls == 1
    since = [request.query.get("timestamp") for request in sim.requests if request.function == "call_log"]
    assert since[0] is None
    assert None not in since[1:], "thousands of records are read once"


async def test_events_while_unloaded_are_reported_once_and_late(hass: HomeAssistant, device: Start) -> None:
    sim = await device()
    entry = await add(hass, sim)
    await hass.config_entries.async_unload(entry.entry_id)
    sim.fill_log(30)
    mail = sim.leave_voicemail("3108")
    events = capture_log_events(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await until(lambda: len(records(events)) == 32, "the missed events")
    await until(lambda: len(events) == 33, "the message")
    assert {item.data["late"] for item in events} == {True}
    assert entry.runtime_data.coordinator.data.missed_calls == 31
    assert mail in entry.runtime_data.coordinator.data.voicemails
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    asked = len(sim.requests)
    await until(lambda: sum(r.function == "call_log" for r in sim.requests[asked:]) >= 2, "two more polls")
    assert len(events) == 33
    assert entry.runtime_data.coordinator.data.missed_calls == 31


def _restart_of_tokens(sim: Simulator) -> None:
    sim.rotate_key()


def _expiry(sim: Simulator) -> None:
    sim.expire_tokens()


def _lost_link(sim: Simulator) -> None:
    sim.set_reconnect(3600)
    sim.drop_link()


@pytest.mark.parametrize("happen", [_restart_of_tokens, _expiry, _lost_link])
async def test_a_rejected_token_is_no_outage(
    hass: HomeAssistant, device: Start, caplog: pytest.LogCaptureFixture, happen: object
) -> None:
    sim = await device()
    entry = await add(hass, sim)
    assert callable(happen)
    happen(sim)
    asked = len(sim.requests)
    entry.runtime_data.coordinator.system.log.poller.soon(log.CALL_LOG)
    await until(lambda: any(r.status == 401 for r in sim.requests[asked:]), "a refusal")
    if happen is _lost_link:
        sim.restore_link()  # before it is tried a second time
    sim.hang_up(sim.incoming_call("3108"))
    await until(lambda: entry.runtime_data.coordinator.data.missed_calls == 1, "the call")
    assert state_of(hass, entry, "sensor", "last_call") != "unavailable"
    assert lines(caplog) == []
    assert not hass.config_entries.flow.async_progress()


async def test_a_restarted_server_is_used_again(
    hass: HomeAssistant, device: Start, caplog: pytest.LogCaptureFixture
) -> None:
    sim = await device()
    entry = await add(hass, sim)
    sim.lose_connection()
    await away(hass, entry)
    await sim.restart()
    await back(hass, entry)
    sim.hang_up(sim.incoming_call("3108"))
    await until(lambda: entry.runtime_data.coordinator.data.missed_calls == 1, "the call")
    assert len(lines(caplog)) == 2, lines(caplog)


async def test_events_of_a_long_outage_are_reported_soon_after_it(hass: HomeAssistant, device: Start) -> None:
    """Failed attempts during the outage do not delay the polls after it."""
    sim = await device()
    entry = await add(hass, sim)
    events = capture_log_events(hass)
    sim.break_mx()
    await away(hass, entry)
    mail = sim.leave_voicemail("3108")
    sim.clear_requests()
    await until(lambda: len(sim.requests) > 40, "many attempts")
    sim.mend_mx()
    await until(lambda: len(records(events)) == 2, "the call and the message in the log")
    await until(lambda: mail in entry.runtime_data.coordinator.data.voicemails, "the message")


async def test_a_push_repeats_a_failed_poll_at_once(
    hass: HomeAssistant, device: Start, local_url: str, no_polls: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poller, "_RETRY", 600.0)
    sim = await device()
    entry = await pushing(hass, sim, local_url)
    await hass.config_entries.async_reload(entry.entry_id)
    events = capture_log_events(hass)
    await until(lambda: entry.runtime_data.events.following, "the first polls")
    sim.fault("GET /calls", Fault.STATUS, times=1)
    sim.hang_up(sim.incoming_call("3108"))
    await until(lambda: sum(r.path == "/calls" and r.status == 500 for r in sim.requests) == 1, "a failure")
    sim.hang_up(sim.incoming_call("3108"))
    await until(lambda: len(records(events)) == 2, "both calls")


@pytest.mark.parametrize("outage", list(Outage))
async def test_an_outage_of_the_exchange_and_its_end_are_logged_once(
    hass: HomeAssistant, device: Start, caplog: pytest.LogCaptureFixture, outage: Outage
) -> None:
    """The outage and its end are one log line each; events are reported after it."""
    sim = await device()
    entry = await add(hass, sim)
    events = capture_log_events(hass)
    sim.break_mx(outage)
    await away(hass, entry)
    sim.hang_up(sim.incoming_call("3108"))
    attempts = len(sim.requests)
    await until(lambda: len(sim.requests) > attempts + 6, "more attempts")
    sim.mend_mx()
    await back(hass, entry)
    await until(lambda: entry.runtime_data.coordinator.data.missed_calls == 1, "the call")
    assert len(records(events)) == 1
    assert len(lines(caplog)) == 2, lines(caplog)
    assert not hass.config_entries.flow.async_progress()


async def test_setup_without_the_exchange_is_retried(hass: HomeAssistant, device: Start) -> None:
    sim = await device()
    entry = await add(hass, sim)
    sim.break_mx()
    assert not await hass.config_entries.async_reload(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "exchange_unreachable"
    sim.mend_mx()
    assert await hass.config_entries.async_reload(entry.entry_id)


@pytest.mark.parametrize("function", ["call_log", "voicemails"])
async def test_one_unanswered_request_is_no_outage(
    hass: HomeAssistant, device: Start, caplog: pytest.LogCaptureFixture, function: str
) -> None:
    sim = await device()
    entry = await add(hass, sim)
    sim.ignore(function, 2)
    asked = len(sim.requests)
    await until(lambda: sum(r.function == function for r in sim.requests[asked:]) > 2, "the end of the silence")
    mail = sim.leave_voicemail("3108")
    await until(lambda: entry.runtime_data.coordinator.data.missed_calls == 1, "the call")
    await until(lambda: mail in entry.runtime_data.coordinator.data.voicemails, "the message")
    assert lines(caplog) == []


async def test_an_exchange_that_answers_nothing_is_an_outage(
    hass: HomeAssistant, device: Start, caplog: pytest.LogCaptureFixture
) -> None:
    sim = await device()
    entry = await add(hass, sim)
    sim.silence_mx()
    await away(hass, entry)
    sim.mend_mx()
    await back(hass, entry)
    sim.hang_up(sim.incoming_call("3108"))
    await until(lambda: entry.runtime_data.coordinator.data.missed_calls == 1, "the call")
    assert len(lines(caplog)) == 2, lines(caplog)


async def test_a_slow_call_log_delays_no_other_request(
    hass: HomeAssistant, device: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxy delays GET /calls; voicemails and commands work in the meantime."""
    sim = await device(empty=True)
    patience = asyncio.Event()
    monkeypatch.setattr(sim.mx, "pause", patience.wait)
    sim.fill_log(21)
    entry = await add(hass, sim)
    assert entry.runtime_data.coordinator.data.last_call is None
    assert not any(request.function == "call_log" for request in sim.requests), "the request has no response yet"
    mail = sim.leave_voicemail("3108")
    await until(lambda: mail in entry.runtime_data.coordinator.data.voicemails, "the message")
    session = (await command(hass, entry, "dial", number="3108"))["session"]
    assert session in sim.extensions[sim.login].calls.live
    assert not any(request.function == "call_log" for request in sim.requests), "the request has no response yet"
    patience.set()
    await until(lambda: any(request.function == "call_log" for request in sim.requests), "the log")


async def test_a_call_log_that_restarts_its_numbers_is_followed(hass: HomeAssistant, device: Start) -> None:
    """A restored exchange may restart its record numbers."""
    sim = await device()
    entry = await add(hass, sim)
    events = capture_log_events(hass)
    extension = sim.extensions[sim.login]
    extension.log.records.clear()
    extension.log._next = 1
    sim.hang_up(sim.incoming_call("3108"))
    await until(lambda: records(events), "the first record")
    sim.hang_up(sim.incoming_call("3108"))
    await until(lambda: len(records(events)) == 2, "the second record")
    assert entry.runtime_data.coordinator.data.missed_calls == 2


async def test_calls_are_reported_after_the_clock_is_set_back(hass: HomeAssistant, device: Start) -> None:
    """New records seem older than known ones, so some polls read farther back."""
    sim = await device()
    entry = await add(hass, sim)
    sim.hang_up(sim.incoming_call("3108"))
    await until(lambda: entry.runtime_data.coordinator.data.missed_calls == 1, "a call")
    sim.advance_clock(-7200)
    sim.hang_up(sim.incoming_call("3108"))
    await asyncio.sleep(3600)
    await until(lambda: entry.runtime_data.coordinator.data.missed_calls == 2, "another one")
    assert entry.runtime_data.coordinator.data.last_call.time.timestamp() < time.time() - 3600


async def test_removing_the_entry_logs_out(hass: HomeAssistant, device: Start) -> None:
    sim = await device()
    entry = await add(hass, sim)
    other = await add(hass, sim, BEN)
    await hass.config_entries.async_unload(other.entry_id)
    assert len(sim.mx.links) == 2
    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()
    assert set(sim.mx.links) == {BEN["username"]}


async def test_removal_does_not_wait_for_an_unreachable_proxy(
    hass: HomeAssistant, device: Start, caplog: pytest.LogCaptureFixture
) -> None:
    sim = await device()
    entry = await add(hass, sim)
    await hass.config_entries.async_unload(entry.entry_id)
    sim.lose_connection()
    await hass.config_entries.async_remove(entry.entry_id)
    assert "could not log out" in caplog.text
    assert not hass.config_entries.async_entries(entry.domain)


async def test_outages_of_proxy_and_exchange_are_shown_separately(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    def shown() -> tuple[str, str]:
        return state_of(hass, entry, "binary_sensor", "connectivity"), state_of(hass, entry, "binary_sensor", "link")

    changes = capture_changes(hass, entry, "event")
    assert shown() == ("on", "on")
    sim.break_mx()
    await until(lambda: shown() == ("on", "off"), "the loss of the exchange")
    sim.lose_connection()
    await until(lambda: shown() == ("off", "unknown"), "the loss of the proxy")
    await sim.restore_connection()
    await until(lambda: shown() == ("on", "off"), "the return of the proxy")
    sim.mend_mx()
    await until(lambda: shown() == ("on", "on"), "the return of the exchange")
    assert changes == []
