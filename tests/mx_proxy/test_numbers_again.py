"""Numbers of calls: they come again, and some are of calls that nobody knows to be over."""

from itertools import count

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
import pytest

from custom_components.ip_intercom.systems.mx_proxy import log, tracker
from tests.common import command, refusal, until
from tests.simulators.mx_proxy import Simulator

from .conftest import pushing
from .looking import becomes


async def test_a_number_that_was_dialled_once_rings_when_it_comes_in(
    hass: HomeAssistant, sim: Simulator, local_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracker, "_ECHO", 0.0)
    entry = await pushing(hass, sim, local_url)
    session = (await command(hass, entry, "dial", number="3108"))["session"]
    await command(hass, entry, "hang_up")
    await becomes(hass, entry, "sensor", "call_state", "idle")
    sim.advance_clock(60)
    for extension in sim.extensions.values():
        extension.calls._numbers.next = count(session).__next__
    assert sim.incoming_call("3108") == session
    await becomes(hass, entry, "sensor", "call_state", "ringing")
    await becomes(hass, entry, "binary_sensor", "ringing", "on")
