"""Removal of an entry: its device, for as long as it takes to remove everything of ours from it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
import logging
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from ..model.features import Features
from ..systems import spec_of
from ..systems.common.errors import IntercomError, WrongDevice
from .loading import async_create_system

_LOGGER = logging.getLogger(__name__)


@asynccontextmanager
async def async_parting(hass: HomeAssistant, entry: ConfigEntry[Any]) -> AsyncIterator[Features]:
    """Connect once more, and give what the device can be asked to do."""
    system = await async_create_system(hass, entry)
    try:
        description = await system.connect(None)
        if entry.unique_id not in description.identity.names:
            raise WrongDevice("another device answers at the address")
        yield system.features
    finally:
        await system.close()


async def async_log_out(hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
    """Have nothing kept open for the account of an entry that is removed; what cannot be reached ends by itself."""
    if not spec_of(entry.data).logs_in:
        return
    # Not as ``async_parting``: to look at all that an account has takes long, and changes nothing here.
    system = await async_create_system(hass, entry)
    try:
        if system.features.session is not None:
            await system.features.session.log_out()
    except IntercomError as err:
        _LOGGER.debug("%s: could not log out: %s", entry.title, err)
    finally:
        await system.close()
