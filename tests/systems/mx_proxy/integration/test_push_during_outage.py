"""Pushes while the proxy rejects requests or does not respond: they are reported, but do not end the outage."""

import aiohttp
from homeassistant.core import HomeAssistant
import pytest

from custom_components.ip_intercom.const import CONF_PUSH_TOKEN
from tests.common import capture_log_events, state_of, until
from tests.simulators.mx_proxy import Simulator
from tests.simulators.mx_proxy.events import Kind, event

from .conftest import pushing


def logins(sim: Simulator) -> int:
    return sum(request.function == "login" for request in sim.requests)


async def test_a_push_does_not_end_reauth(hass: HomeAssistant, sim: Simulator, local_url: str) -> None:
    """Reauth stays pending, and pushes cannot lock the account."""
    entry = await pushing(hass, sim, local_url)
    events = capture_log_events(hass)
    sim.change_password("another")
    sim.rotate_key()
    await until(hass.config_entries.flow.async_progress, "the reauth")
    (flow,) = hass.config_entries.flow.async_progress()
    asked = logins(sim)
    for _ in range(5):
        call = sim.incoming_call("3108")
        sim.hang_up(call)
    await until(lambda: len(events) == 10, "all of them to be heard")
    await hass.async_block_till_done()
    assert logins(sim) == asked
    assert [found["flow_id"] for found in hass.config_entries.flow.async_progress()] == [flow["flow_id"]]
    assert state_of(hass, entry, "sensor", "call_state") == "unavailable"


async def test_a_push_does_not_end_an_outage_of_the_exchange(
    hass: HomeAssistant, sim: Simulator, local_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    entry = await pushing(hass, sim, local_url)
    events = capture_log_events(hass)
    address = f"{local_url}/api/webhook/{entry.data[CONF_PUSH_TOKEN]}"
    sim.break_mx()
    await until(lambda: state_of(hass, entry, "sensor", "call_state") == "unavailable", "the outage")
    async with aiohttp.ClientSession() as session:
        for call in (900, 901):
            told = event(Kind.DELIVERED, sim.clock.utc(), callId=call, callingDevice="110", calledDevice="3107")
            await session.post(address, json=told)
    await until(lambda: len(events) == 2, "both to be heard")
    assert "recovered" not in caplog.text
    assert state_of(hass, entry, "sensor", "call_state") == "unavailable"
    sim.mend_mx()
    await until(lambda: state_of(hass, entry, "sensor", "call_state") == "idle", "the end of the made-up call")
    assert caplog.text.count("recovered") == 1
