"""Rejected logins, and servers that send Retry-After."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import cycle, pairwise
import logging
import random
import time
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
import pytest

from custom_components.ip_intercom.const import DOMAIN
from custom_components.ip_intercom.helpers import failures as refusals
from custom_components.ip_intercom.helpers.failures import AuthRetry
from custom_components.ip_intercom.runtime import event_stream as push
from custom_components.ip_intercom.systems.common.errors import AuthenticationFailed, PersonRefused
from custom_components.ip_intercom.systems.common.messages import MAX_RETRY_AFTER, retry_after
from tests.common import PASSWORD, USERNAME, add_intercom, begin, configure, refusal, state_of, until, user_input
from tests.simulators.two_n import Service, Simulator
from tests.systems.akuvox.integration.conftest import Start, add as add_akuvox, device

__all__ = ["device"]

FOR_GOOD = 10**6


def questions(hass: HomeAssistant) -> list[Any]:
    """Return the flows that ask for a password."""
    return list(hass.config_entries.flow.async_progress_by_handler(DOMAIN))


def lines(caplog: pytest.LogCaptureFixture, name: str) -> list[str]:
    """Return the log lines about the availability of a device."""
    return [
        record.message
        for record in caplog.records
        if name in record.message
        and record.name.startswith("custom_components.ip_intercom")
        and (record.levelno >= logging.WARNING or "recovered" in record.message)
    ]


# -- when the login is tried -----------------------------------------------------------------------


def tries(monkeypatch: pytest.MonkeyPatch, seconds: float, err: AuthenticationFailed) -> tuple[list[float], float]:
    """Return the times of login attempts and of the reauth, with a login that is rejected for a while."""
    monkeypatch.setattr(refusals, "RETRY_DELAY", 6.0)
    monkeypatch.setattr(refusals, "_SPAN", 9.0)
    now = 0.0
    counted = AuthRetry(lambda: now)
    moments, asked_at = [], float("inf")
    while now < seconds:
        moments.append(now)
        if counted.count():
            asked_at = min(asked_at, now)
        now += counted.pause(err)
    return [*moments, now], asked_at


@pytest.mark.parametrize("seconds", [1, 13, 26, 45, 80, 110])
def test_a_login_is_retried_within_ten_seconds(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    moments, _ = tries(monkeypatch, seconds, AuthenticationFailed())
    # Those who follow events wait up to a fifth longer.
    assert (moments[-1] - seconds) * (1 + push._JITTER) < 10


@pytest.mark.parametrize(("err", "most"), [(AuthenticationFailed(), 70), (PersonRefused(), 20)])
def test_a_wrong_password_starts_reauth_soon_and_is_retried_rarely(
    monkeypatch: pytest.MonkeyPatch, err: AuthenticationFailed, most: int
) -> None:
    moments, asked_at = tries(monkeypatch, 3600, err)
    assert asked_at <= 20
    assert len(moments) <= most
    assert len([moment for moment in moments if moment < 120]) <= (6 if err.locks else 17)
    assert max(later - before for before, later in pairwise(moments)) < 301


async def test_an_entry_loads_once_its_login_is_accepted_again(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    await hass.config_entries.async_unload(entry.entry_id)
    sim.stray_401(FOR_GOOD)
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_ERROR
    await until(lambda: questions(hass), "the reauth")
    sim.stray_401(0)
    await until(lambda: entry.state is ConfigEntryState.LOADED, "the entry to load by itself")
    await until(lambda: not questions(hass), "the reauth to end")
    await sim.wait_for_pull()


async def test_an_entry_loads_after_a_reboot_during_login_retries(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    await hass.config_entries.async_unload(entry.entry_id)
    sim.stray_401(FOR_GOOD)
    await hass.config_entries.async_setup(entry.entry_id)
    await sim.reboot(0.3)
    sim.stray_401(0)
    await until(lambda: entry.state is ConfigEntryState.LOADED, "the entry to load by itself")
    await sim.wait_for_pull()


async def test_the_old_login_is_not_retried_after_reauth(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "_CERTAIN", 50.0)
    await hass.config_entries.async_unload(entry.entry_id)
    sim.change_password(USERNAME, "new")
    await hass.config_entries.async_setup(entry.entry_id)
    await until(lambda: questions(hass))
    (flow,) = questions(hass)
    done = await configure(hass, flow, {"username": USERNAME, "password": "new"})
    assert done["reason"] == "reauth_successful"
    await until(lambda: entry.state is ConfigEntryState.LOADED)
    await sim.wait_for_pull()
    sim.clear_requests()
    await hass.async_block_till_done(wait_background_tasks=False)
    assert not [request for request in sim.requests if request.status == 401 and request.authorization]


async def test_a_rejected_login_of_the_event_log_recovers(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    sim.stray_401(FOR_GOOD)
    sim.reset_connections()
    await until(lambda: questions(hass), "the reauth")
    before = len(sim.requests)
    await entry.runtime_data.coordinator.async_refresh()
    polled = {request.path for request in sim.requests[before:]} - {"/api/log/subscribe", "/api/log/pull"}
    assert not polled, "only the event log tries the login"
    sim.stray_401(0)
    await until(lambda: state_of(hass, entry, "lock", "door_1_door") == "locked")
    await until(lambda: not questions(hass), "the reauth to end")


@pytest.mark.parametrize("bounds", [[max], [min, min, min, max]], ids=["long pauses", "short pauses"])
async def test_reauth_starts_within_15_seconds_of_the_first_rejection(
    hass: HomeAssistant,
    sim: Simulator,
    entry: ConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
    bounds: list[Callable[[float, float], float]],
) -> None:
    """An idle device rejects nothing before the end of the long poll."""
    pauses = cycle(bounds)
    sim.change_password(USERNAME, "new")
    monkeypatch.setattr(random, "uniform", lambda low, high: next(pauses)(low, high))
    sim.clear_requests()
    sim.reset_connections()
    await until(lambda: questions(hass), "the reauth")
    rejected = [request.at for request in sim.requests if request.status == 401 and request.authorization]
    assert time.monotonic() - rejected[0] <= 15


async def test_a_rejected_login_of_a_poll_recovers(hass: HomeAssistant, sim: Simulator) -> None:
    sim.disable(Service.LOGGING)
    entry = await add_intercom(hass, sim)
    sim.stray_401(FOR_GOOD)
    await entry.runtime_data.coordinator.async_refresh()
    await until(lambda: questions(hass), "the reauth")
    assert state_of(hass, entry, "lock", "door_1_door") == "unavailable"
    sim.stray_401(0)
    await until(lambda: state_of(hass, entry, "lock", "door_1_door") == "locked")
    await until(lambda: not questions(hass), "the reauth to end")


async def test_polls_recover_though_the_rejected_log_is_disabled(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    sim.stray_401(FOR_GOOD)
    sim.reset_connections()
    await until(lambda: questions(hass), "the reauth")
    sim.disable(Service.LOGGING)
    sim.stray_401(0)
    await until(lambda: state_of(hass, entry, "lock", "door_1_door") == "locked")
    await until(lambda: not questions(hass), "the reauth to end")


# -- what is busy ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "20"}, 20.0),
        ({"Retry-After": " 20 "}, 20.0),
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": "864000"}, MAX_RETRY_AFTER),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "²"}, None),
        # A device whose clock stands at 1970.
        ({"Retry-After": "Thu, 01 Jan 1970 00:01:30 GMT", "Date": "Thu, 01 Jan 1970 00:01:00 GMT"}, 30.0),
        ({"Retry-After": "Thu, 01 Jan 1970 00:00:30 GMT", "Date": "Thu, 01 Jan 1970 00:01:00 GMT"}, 0.0),
        ({"Retry-After": "Thu, 01 Jan 1970 00:01:30 GMT", "Date": "nonsense"}, None),
        # Without a zone.
        ({"Retry-After": "Thu, 01 Jan 1970 00:01:30 -0000", "Date": "Thu, 01 Jan 1970 00:01:00 GMT"}, 30.0),
    ],
)
def test_retry_after_is_parsed(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_retry_after_without_a_date_header_counts_from_now() -> None:
    wish = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert (retry_after({"Retry-After": wish}) or 0.0) == pytest.approx(60, abs=5)


BUSY = [(503, "overloaded"), (429, "throttled")]


@pytest.mark.parametrize(("status", "key"), BUSY)
async def test_a_busy_2n_is_unavailable_with_a_reason_and_few_requests(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, caplog: pytest.LogCaptureFixture, status: int, key: str
) -> None:
    sim.overload(status, "30")
    sim.reset_connections()
    coordinator = entry.runtime_data.coordinator
    await until(lambda: not coordinator.last_update_success, "the device to be unavailable")
    assert coordinator.last_exception.translation_key == key
    assert await refusal(hass, entry, "directory_query") == key
    # Nothing but the log is due, and that asks once in half a minute.
    sim.clear_requests()
    await asyncio.sleep(45)
    assert len([request for request in sim.requests if request.path == "/api/log/subscribe"]) <= 2
    sim.heal()
    await until(lambda: state_of(hass, entry, "lock", "door_1_door") == "locked")
    assert len(lines(caplog, "Front Gate")) == 2, lines(caplog, "Front Gate")


@pytest.mark.parametrize(("status", "key"), BUSY)
async def test_setup_of_a_busy_2n_waits_for_retry_after(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, status: int, key: str
) -> None:
    await hass.config_entries.async_unload(entry.entry_id)
    sim.overload(status, "1")
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == key
    sim.clear_requests()
    await hass.config_entries.async_reload(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == key
    assert sim.requests == []
    sim.heal()
    await asyncio.sleep(1.1)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await sim.wait_for_pull()


@pytest.mark.parametrize(("status", "key"), BUSY)
async def test_the_config_flow_reports_a_busy_2n(hass: HomeAssistant, sim: Simulator, status: int, key: str) -> None:
    sim.overload(status, "20")
    result = await configure(hass, await begin(hass), user_input(sim.https_address, USERNAME, PASSWORD))
    assert result["errors"] == {"base": key}


# -- Akuvox ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "key"), [(500, "unexpected_reply"), (200, "unexpected_reply"), (503, "overloaded"), (429, "throttled")]
)
async def test_an_outage_of_an_akuvox_is_logged_once_and_its_return_once(
    hass: HomeAssistant, device: Start, caplog: pytest.LogCaptureFixture, status: int, key: str
) -> None:
    sim = await device("e16c")
    entry = await add_akuvox(hass, sim)
    coordinator = entry.runtime_data.coordinator
    await until(lambda: entry.runtime_data.events.following or coordinator.last_update_success)
    caplog.clear()
    sim.overload(status)
    await coordinator.async_refresh()
    assert coordinator.last_exception.translation_key == key
    for _ in range(5):
        await asyncio.sleep(10)
        assert not coordinator.last_update_success, "the device is not available again"
        await coordinator.async_refresh()
    assert len(lines(caplog, entry.title)) == 1, lines(caplog, entry.title)
    sim.heal()
    await until(lambda: coordinator.last_update_success, "the device to be available")
    assert len(lines(caplog, entry.title)) == 2, lines(caplog, entry.title)


@pytest.mark.parametrize(("status", "key"), BUSY)
async def test_the_config_flow_reports_a_busy_akuvox(hass: HomeAssistant, device: Start, status: int, key: str) -> None:
    sim = await device("e16c")
    sim.overload(status, "20")
    form = await begin(hass)
    result = await configure(hass, form, user_input(f"https://{sim.https_address}", "admin", "httpapi"))
    assert result["errors"] == {"base": key}
