"""Captive portals and proxies between Home Assistant and the server: an outage, not a wrong password."""

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
import pytest

from tests.common import state_of, until
from tests.interception import INTERCEPTIONS, assert_no_secret_sent, assert_setup_retried
from tests.outages import lines
from tests.simulators.mx_proxy import Simulator

from .conftest import Start, add


@pytest.mark.parametrize("with_token", [True, False])
@pytest.mark.parametrize(("status", "location", "key"), INTERCEPTIONS.values(), ids=INTERCEPTIONS)
async def test_an_interfering_server_is_an_outage_with_a_reason(
    hass: HomeAssistant,
    sim: Simulator,
    entry: ConfigEntry,
    caplog: pytest.LogCaptureFixture,
    status: int,
    location: str | None,
    key: str,
    with_token: bool,
) -> None:
    """The token may have expired."""
    coordinator = entry.runtime_data.coordinator
    await until(lambda: entry.runtime_data.events.following, "the first polls")
    caplog.clear()
    if not with_token:
        coordinator.system.proxy.client.login.discard_token()
    sim.intercept(status, location)
    await until(lambda: not coordinator.last_update_success, "the device to be unavailable")
    assert coordinator.last_exception.translation_key == key
    sim.clear_requests()
    await until(lambda: len(sim.requests) > 8, "more attempts")
    sim.heal()
    await until(lambda: state_of(hass, entry, "sensor", "call_state") == "idle", "the device to be available")
    assert not hass.config_entries.flow.async_progress()
    assert len(lines(caplog)) == 2, lines(caplog)


@pytest.mark.parametrize(("status", "location", "key"), INTERCEPTIONS.values(), ids=INTERCEPTIONS)
async def test_setup_behind_an_interfering_server_is_retried(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, status: int, location: str | None, key: str
) -> None:
    await assert_setup_retried(hass, sim, entry, status, location, key)


async def test_a_changed_certificate_starts_no_reauth(hass: HomeAssistant, device: Start) -> None:
    """The connection is intercepted: it gets neither password nor token."""
    sim = await device(https=True)
    await assert_no_secret_sent(hass, sim, await add(hass, sim))


@pytest.mark.parametrize("seconds", [-300, 300])
async def test_a_clock_that_is_minutes_off_has_no_effect(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, seconds: int
) -> None:
    await until(lambda: entry.runtime_data.events.following, "the first polls")
    sim.advance_clock(seconds)
    sim.hang_up(sim.incoming_call("3108"))
    await until(lambda: entry.runtime_data.coordinator.data.missed_calls == 1 or seconds < 0, "the call")
    entry.runtime_data.coordinator.system.proxy.client.login.discard_token()
    await entry.runtime_data.coordinator.async_refresh()
    assert state_of(hass, entry, "sensor", "call_state") == "idle"
    assert not hass.config_entries.flow.async_progress()
