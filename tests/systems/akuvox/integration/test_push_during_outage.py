"""Pushes while the device rejects requests or does not respond: they are reported, but do not end the outage."""

from homeassistant.core import HomeAssistant
import pytest

from custom_components.ip_intercom.helpers import failures as refusals
from custom_components.ip_intercom.systems.akuvox import log
from tests.common import capture_changes, capture_log_events, entity_id, until
from tests.simulators.akuvox import Simulator

from .conftest import Start, shows
from .test_push import pushing


@pytest.fixture(autouse=True)
def quick_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the time until an outage is certain."""
    monkeypatch.setattr(refusals, "_CERTAIN", 1e4)


def poller(sim: Simulator) -> int:
    """Return the number of attempts to reach the device."""
    return sum(request.function == "system/status" for request in sim.requests)


async def test_a_push_does_not_end_reauth(hass: HomeAssistant, device: Start, local_url: str) -> None:
    """Reauth stays pending, and pushes cannot lock the account."""
    sim = await device("e16c")
    entry = await pushing(hass, sim)
    events = capture_log_events(hass)
    sim.change_password("another")
    await until(hass.config_entries.flow.async_progress, "the reauth")
    (flow,) = hass.config_entries.flow.async_progress()
    await shows(hass, entry, "binary_sensor", "connectivity", "off")
    changes = capture_changes(hass, entry, "event")
    before = poller(sim)
    for _ in range(5):
        assert sim.press()
        sim.call_ended()
    await until(lambda: sum(event.data["type"] == "MakeCall" for event in events) == 5, "all of them to be heard")
    await hass.async_block_till_done()
    assert entity_id(hass, entry, "event", "bell_call") in changes
    assert poller(sim) == before
    assert [found["flow_id"] for found in hass.config_entries.flow.async_progress()] == [flow["flow_id"]]
    await shows(hass, entry, "sensor", "call_state", "unavailable")


async def test_a_pushed_alarm_ends_while_the_login_is_rejected(
    hass: HomeAssistant, device: Start, local_url: str
) -> None:
    sim = await device("e16c")
    await pushing(hass, sim)
    events = capture_log_events(hass)
    sim.change_password("another")
    await until(hass.config_entries.flow.async_progress, "the reauth")
    sim.tamper()
    await until(lambda: any(event.data["type"] == log.ALARM_OVER_EVENT for event in events), "the end of the alarm")
    assert len(hass.config_entries.flow.async_progress()) == 1
