"""Systems, imported outside the event loop."""

from collections.abc import Mapping
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from ..const import CONF_SYSTEM
from ..helpers.client_session import async_client_session
from ..model.features import System
from ..systems import create_system, load_systems


async def async_load_systems(hass: HomeAssistant, *names: str) -> None:
    """Import systems, all by default."""
    await hass.async_add_import_executor_job(load_systems, names)


async def async_create_system(
    hass: HomeAssistant, entry: ConfigEntry[Any], cursor: Mapping[str, object] | None = None
) -> System:
    """Return the system of an entry; ``cursor`` as in ``create_system``."""
    await async_load_systems(hass, entry.data[CONF_SYSTEM])
    return create_system(async_client_session(hass), entry.data, entry.options, cursor)
