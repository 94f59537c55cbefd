"""Conferences without an end or with other values that calendars do not expect."""

from datetime import timedelta

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
import pytest

from tests.common import act, entity_id, state_of
from tests.simulators.mx_proxy import Simulator


@pytest.mark.parametrize(
    "differs", [{"duration": 0}, {"startDate": 0}, {"name": ""}, {"duration": 10**18}, {"duration": -5}]
)
async def test_an_invalid_conference_does_not_hide_the_others(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, differs: dict[str, object]
) -> None:
    conferences = sim.extensions[sim.login].conferences
    for extra in ({}, differs):
        conferences.create({"name": "Monday", "startDate": sim.clock.utc() + 600, "duration": 30, **extra})
    await entry.runtime_data.coordinator.async_refresh()
    calendar = entity_id(hass, entry, "calendar", "conferences")
    assert state_of(hass, entry, "calendar", "conferences") in {"on", "off"}
    now = dt_util.utcnow()
    found = await act(
        hass,
        "calendar.get_events",
        response=True,
        entity_id=calendar,
        start_date_time=now - timedelta(days=3650),
        end_date_time=now + timedelta(days=3650),
    )
    assert found[calendar]["events"]
