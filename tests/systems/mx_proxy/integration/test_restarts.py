"""Home Assistant restarts during a call, whose state is shown again."""

from collections.abc import Callable

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
import pytest

from tests.common import command, state_of, until
from tests.entity_states import entity_state, wait_for_state
from tests.simulators.mx_proxy import Simulator

pytestmark = pytest.mark.usefixtures("no_polls")


async def restart(hass: HomeAssistant, entry: ConfigEntry, meanwhile: Callable[[], object]) -> None:
    """Have something happen while Home Assistant is away."""
    assert await hass.config_entries.async_unload(entry.entry_id)
    meanwhile()
    assert await hass.config_entries.async_setup(entry.entry_id)


@pytest.mark.parametrize(
    ("before", "meanwhile", "after"),
    [
        ("ringing", lambda sim, call: None, "ringing"),
        ("ringing", Simulator.pick_up, "connected"),
        ("ringing", Simulator.hang_up, "idle"),
        ("connected", lambda sim, call: None, "connected"),
        ("connected", Simulator.hang_up, "idle"),
        ("held", lambda sim, call: None, "held"),
    ],
)
async def test_a_call_shows_its_state_after_a_restart(
    hass: HomeAssistant,
    sim: Simulator,
    pushed: ConfigEntry,
    before: str,
    meanwhile: Callable[[Simulator, int], object],
    after: str,
) -> None:
    call = sim.incoming_call("3108")
    if before != "ringing":
        sim.pick_up(call)
    if before == "held":
        sim.hold(call)
    await wait_for_state(hass, pushed, "sensor", "call_state", before)
    await restart(hass, pushed, lambda: meanwhile(sim, call))
    assert state_of(hass, pushed, "sensor", "call_state") == after
    assert entity_state(hass, pushed, "sensor", "call_state").attributes.get("peer") == (
        None if after == "idle" else "3108"
    )
    if after != "idle":
        sim.hang_up(call)
        await wait_for_state(hass, pushed, "sensor", "call_state", "idle")


async def test_an_unanswered_dialed_call_survives_a_restart(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    """The proxy does not know the call."""
    session = (await command(hass, entry, "dial", number="3108"))["session"]
    await wait_for_state(hass, entry, "sensor", "call_state", "connecting")
    await restart(hass, entry, lambda: None)
    assert state_of(hass, entry, "sensor", "call_state") == "connecting"
    sim.pick_up(session)
    await wait_for_state(hass, entry, "sensor", "call_state", "connected")


async def test_a_later_call_with_a_reused_number_is_shown(
    hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry
) -> None:
    call = sim.incoming_call("3108")
    await wait_for_state(hass, pushed, "sensor", "call_state", "ringing")

    def reuse() -> None:
        sim.hang_up(call)
        sim._numbers.next = lambda: call
        sim.incoming_call("12025550142")

    await restart(hass, pushed, reuse)
    (session,) = pushed.runtime_data.coordinator.data.calls.values()
    assert (session.id, session.peer) == (call, "12025550142")
    await until(lambda: state_of(hass, pushed, "sensor", "call_state") == "ringing", "the later call")
