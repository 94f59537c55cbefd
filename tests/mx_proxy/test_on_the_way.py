"""What stands between a house and a server far from it: nothing of that is a wrong password, and all of it passes."""

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
import pytest

from custom_components.ip_intercom import push
from tests.common import state_of, until
from tests.outages import lines
from tests.simulators.mx_proxy import Simulator

from .conftest import Start, add

# What answers in place of the server, where it leads to, and what a person is told.
ON_THE_WAY = {
    "a captive portal": (200, None, "unexpected_reply"),
    "a portal that sends on": (302, "https://portal.example/login", "redirected"),
    "a proxy that refuses": (403, None, "unexpected_reply"),
    "a page with a login": (401, None, "unexpected_reply"),
    "a proxy with a login": (407, None, "unexpected_reply"),
    "a network with a login": (511, None, "unexpected_reply"),
}


@pytest.fixture(autouse=True)
def quick_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again soon, and be sure of a refusal soon."""
    monkeypatch.setattr(push, "_BACK_OFF", (0.05, 0.1))
    monkeypatch.setattr("custom_components.ip_intercom.refusals.RETRY_DELAY", 0.02)
    monkeypatch.setattr("custom_components.ip_intercom.refusals._SPAN", 0.02)


@pytest.mark.parametrize("with_token", [True, False])
@pytest.mark.parametrize(("status", "location", "key"), ON_THE_WAY.values(), ids=ON_THE_WAY)
async def test_what_is_on_the_way_is_an_outage_with_a_sentence(
    hass: HomeAssistant,
    sim: Simulator,
    entry: ConfigEntry,
    caplog: pytest.LogCaptureFixture,
    status: int,
    location: str | None,
    key: str,
    with_token: bool,
) -> None:
    """Also where the token has ended, and a login is due."""
    coordinator = entry.runtime_data
    await until(lambda: coordinator.feed.following, "the first looks")
    caplog.clear()
    if not with_token:
        coordinator.system._proxy.client.login.forget()
    sim.intercept(status, location)
    await until(lambda: not coordinator.last_update_success, "it to be away")
    assert coordinator.last_exception.translation_key == key
    sim.clear_requests()
    await until(lambda: len(sim.requests) > 8, "more attempts")
    sim.heal()
    await until(lambda: state_of(hass, entry, "sensor", "call_state") == "idle", "it to be back")
    assert not hass.config_entries.flow.async_progress()
    assert len(lines(caplog)) == 2, lines(caplog)


@pytest.mark.parametrize(("status", "location", "key"), ON_THE_WAY.values(), ids=ON_THE_WAY)
async def test_what_is_on_the_way_at_the_start(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, status: int, location: str | None, key: str
) -> None:
    sim.intercept(status, location)
    await hass.config_entries.async_reload(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == key
    assert not hass.config_entries.flow.async_progress()
    sim.heal()
    assert await hass.config_entries.async_reload(entry.entry_id)


async def test_a_certificate_of_another_is_no_wrong_password(hass: HomeAssistant, device: Start) -> None:
    """Something on the way has opened the connection: it gets neither password nor token."""
    sim = await device(https=True)
    entry = await add(hass, sim)
    await until(lambda: entry.runtime_data.feed.following, "the first looks")
    sim.renew_certificate()
    sim.reset_connections()
    sim.clear_requests()
    await until(lambda: not entry.runtime_data.last_update_success, "it to be away")
    assert entry.runtime_data.last_exception.translation_key == "certificate_changed"
    assert sim.requests == []
    assert not hass.config_entries.flow.async_progress()


@pytest.mark.parametrize("seconds", [-300, 300])
async def test_a_clock_that_is_minutes_off_costs_nothing(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, seconds: int
) -> None:
    await until(lambda: entry.runtime_data.feed.following, "the first looks")
    sim.advance_clock(seconds)
    sim.hang_up(sim.incoming_call("3108"))
    await until(lambda: entry.runtime_data.data.missed_calls == 1 or seconds < 0, "the call")
    entry.runtime_data.system._proxy.client.login.forget()
    await entry.runtime_data.async_refresh()
    assert state_of(hass, entry, "sensor", "call_state") == "idle"
    assert not hass.config_entries.flow.async_progress()
