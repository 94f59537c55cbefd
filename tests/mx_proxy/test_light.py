"""Nothing is asked twice."""

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
import pytest

from custom_components.ip_intercom import coordinator
from custom_components.ip_intercom.systems.mx_proxy import log
from tests.common import capture_log_events, until
from tests.simulators.mx_proxy import Simulator

from .conftest import pushing


async def test_the_record_of_a_call_is_read_once(
    hass: HomeAssistant, sim: Simulator, local_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "_CALL_LOG_LOOKS", (600.0, 600.0))
    monkeypatch.setattr(coordinator, "_CALL_LOG_DELAY", 0.0)
    entry: ConfigEntry = await pushing(hass, sim, local_url)
    events = capture_log_events(hass)
    before = sum(request.function == "call_log" for request in sim.requests)
    for count in (1, 2):
        sim.hang_up(sim.incoming_call("3108"))
        await until(lambda: entry.runtime_data.data.missed_calls == count, "the record")  # noqa: B023
        assert sum(request.function == "call_log" for request in sim.requests) == before + count
    assert [item.data["type"] for item in events].count("CallLog") == 2
    assert entry.runtime_data.data.last_call.number == "3108"
