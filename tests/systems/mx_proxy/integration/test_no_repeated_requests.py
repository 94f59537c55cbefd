"""No request is sent twice."""

from collections import Counter
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EVENT_STATE_CHANGED, EVENT_STATE_REPORTED
from homeassistant.core import Event, HomeAssistant, callback
import pytest

from custom_components.ip_intercom import coordinator
from custom_components.ip_intercom.systems.mx_proxy import log
from tests.common import capture_log_events, until
from tests.simulators.mx_proxy import Simulator

from .conftest import Start, add, pushing


async def test_the_call_log_is_read_once_after_a_call(
    hass: HomeAssistant, sim: Simulator, local_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "_CALL_LOG_INTERVALS", (600.0, 600.0))
    monkeypatch.setattr(coordinator, "_CALL_LOG_DELAY", 0.0)
    entry: ConfigEntry = await pushing(hass, sim, local_url)
    events = capture_log_events(hass)
    before = sum(request.function == "call_log" for request in sim.requests)
    for count in (1, 2):
        sim.hang_up(sim.incoming_call("3108"))
        await until(lambda: entry.runtime_data.coordinator.data.missed_calls == count, "the record")  # noqa: B023
        assert sum(request.function == "call_log" for request in sim.requests) == before + count
    assert [item.data["type"] for item in events].count("CallLog") == 2
    assert entry.runtime_data.coordinator.data.last_call.number == "3108"


async def test_removing_the_entry_takes_two_requests(hass: HomeAssistant, sim: Simulator, local_url: str) -> None:
    entry = await pushing(hass, sim, local_url)
    await hass.config_entries.async_unload(entry.entry_id)
    before = len(sim.requests)
    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()
    asked = [request.function for request in sim.requests[before:] if request.function is not None]
    assert asked == ["login", "logout"]
    assert not sim.mx.links


async def test_polls_without_changes_write_no_state(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    written: list[str] = []

    @callback
    def take(event: Event[Any]) -> None:
        written.append(event.data["entity_id"])

    @callback
    def of_every_entity(_: Any) -> bool:
        return True

    hass.bus.async_listen(EVENT_STATE_CHANGED, take)
    hass.bus.async_listen(EVENT_STATE_REPORTED, take, event_filter=of_every_entity)
    before = len(sim.requests)
    await until(lambda: len(sim.requests) >= before + 6, "polls")
    await entry.runtime_data.coordinator.async_refresh()
    await hass.async_block_till_done()
    assert written == []


async def test_setup_and_reload_request_nothing_twice(hass: HomeAssistant, device: Start, no_polls: None) -> None:
    sim = await device()
    entry = await add(hass, sim)
    # The last ones are asked at the same time.
    asked = Counter(["login", "user_info", "contacts", "conferences", "voicemails", "call_log"])
    # Before it sends the credentials, the config flow checks that a proxy responds.
    # The first delivery of the log is followed by a read, in any order.
    assert Counter(request.function for request in sim.requests[:7]) == asked + Counter(["user_info"])
    assert {request.function for request in sim.requests[7:]} <= {"voicemails", "conferences"}
    assert await hass.config_entries.async_unload(entry.entry_id)
    before = len(sim.requests)
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert Counter(request.function for request in sim.requests[before:]) == asked
