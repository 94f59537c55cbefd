"""Call numbers: they are reused, and some belong to calls whose end was missed."""

from itertools import count

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
import pytest

from custom_components.ip_intercom.systems.mx_proxy import log, tracker
from tests.common import command, refusal, until
from tests.entity_states import wait_for_state
from tests.simulators.mx_proxy import Simulator

from .conftest import pushing


async def test_a_reused_call_number_of_an_incoming_call_rings(
    hass: HomeAssistant, sim: Simulator, local_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracker, "_DELAYED", 0.0)
    entry = await pushing(hass, sim, local_url)
    session = (await command(hass, entry, "dial", number="3108"))["session"]
    await command(hass, entry, "hang_up")
    await wait_for_state(hass, entry, "sensor", "call_state", "idle")
    sim.advance_clock(60)
    for extension in sim.extensions.values():
        extension.calls._numbers.next = count(session).__next__
    assert sim.incoming_call("3108") == session
    await wait_for_state(hass, entry, "sensor", "call_state", "ringing")
    await wait_for_state(hass, entry, "binary_sensor", "ringing", "on")


async def test_hang_up_ends_all_calls_though_one_is_over(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unanswered call may have ended without an event."""
    monkeypatch.setattr(log, "_CALL_INTERVAL", 600.0)
    monkeypatch.setattr(log, "_UNANSWERED_INTERVAL", 600.0)
    monkeypatch.setattr(log, "_CALL_LOG_INTERVALS", (600.0, 600.0))
    over = (await command(hass, entry, "dial", number="3108"))["session"]
    live = (await command(hass, entry, "dial", number="12025550142"))["session"]
    await until(lambda: set(entry.runtime_data.coordinator.data.calls) == {over, live}, "both calls")
    sim.hang_up(over)
    assert set((await command(hass, entry, "hang_up"))["sessions"]) == {over, live}
    assert not sim.extensions[sim.login].calls.live
    assert await refusal(hass, entry, "hang_up", session=over) == "no_such_call"
