"""Helpers for tests of outages: unavailable entities, log lines, repair issues, and a clock to advance."""

from datetime import timedelta
import logging

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.ip_intercom.const import DOMAIN


async def pass_time(hass: HomeAssistant, seconds: float) -> None:
    """Advance the clock of Home Assistant."""
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=seconds))
    await hass.async_block_till_done()


def repairs(hass: HomeAssistant) -> list[str | None]:
    """Return the translation keys of the repair issues."""
    return [issue.translation_key for issue in ir.async_get(hass).issues.values() if issue.domain == DOMAIN]


def unusable(hass: HomeAssistant, entry: ConfigEntry) -> set[str]:
    """Return the keys of the entities of an entry that are unavailable or unknown."""
    enabled = [
        one
        for one in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
        if one.disabled_by is None
    ]  # fmt: skip
    states = {one.unique_id.removeprefix(f"{entry.unique_id}_"): hass.states.get(one.entity_id) for one in enabled}
    return {key for key, state in states.items() if state is None or state.state == "unavailable"}


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the log lines about an outage and its end."""
    ours = [item for item in caplog.records if item.name.startswith("custom_components.ip_intercom")]
    return [item.getMessage() for item in ours if item.levelno >= logging.INFO]
