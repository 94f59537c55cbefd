"""An idle device gets no requests except polls."""

from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
import pytest

from tests.common import until

from .conftest import Start, add


@pytest.mark.parametrize("dialect", ["a_series", "e16c", "r29"])
async def test_polls_without_changes_write_no_state(hass: HomeAssistant, device: Start, dialect: str) -> None:
    sim = await device(dialect)
    entry = await add(hass, sim)
    function = "doorlog/get" if dialect == "a_series" else "call/status"
    await until(lambda: any(request.function == function for request in sim.requests), "the polls")
    await entry.runtime_data.coordinator.async_refresh()
    writes: list[Event[EventStateChangedData]] = []

    @callback
    def wrote(event: Event[EventStateChangedData]) -> None:
        writes.append(event)

    hass.bus.async_listen(EVENT_STATE_CHANGED, wrote)
    sim.clear_requests()
    for _ in range(3):
        await entry.runtime_data.coordinator.async_refresh()
    await until(lambda: sum(request.function == function for request in sim.requests) >= 5, "more polls")
    await hass.async_block_till_done()
    assert not writes
