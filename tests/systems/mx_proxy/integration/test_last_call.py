"""The last call is shown as soon as it is known."""

from homeassistant.core import HomeAssistant

from tests.common import state_of, until

from .conftest import Start, add


async def test_the_last_call_is_shown_after_a_slow_first_poll(hass: HomeAssistant, device: Start) -> None:
    """A full block delays the first poll: its records are not new, but the last call is shown."""
    sim = await device(empty=True)
    sim.set_patience(20)
    sim.fill_log(21)
    entry = await add(hass, sim)
    assert state_of(hass, entry, "sensor", "last_call") == "unknown"
    await until(lambda: state_of(hass, entry, "sensor", "last_call") != "unknown", "the last call")
    last = sim.extensions[sim.login].log.records[-1]
    assert entry.runtime_data.coordinator.data.last_call.id == str(last["record_id"])
    assert entry.runtime_data.coordinator.data.missed_calls == 0
