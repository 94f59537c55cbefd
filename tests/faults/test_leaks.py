"""A 2N that is reloaded again and again leaves nothing behind."""

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from .leaks import growth_over_reloads


async def test_reloads_leave_nothing_behind(hass: HomeAssistant, entry: ConfigEntry) -> None:
    assert await growth_over_reloads(hass, entry) == {}
