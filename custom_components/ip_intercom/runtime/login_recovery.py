"""Loading an entry whose login was rejected during setup, once the device accepts it."""

import asyncio
import logging
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant, callback

from ..const import DOMAIN
from ..helpers.auth_retry import AuthRetry, known_controls
from ..model.features import System
from ..systems.common.errors import AuthenticationFailed, IntercomError
from .loading import async_create_system

_LOGGER = logging.getLogger(__name__)


@callback
def async_load_once_accepted(
    hass: HomeAssistant, entry: ConfigEntry[Any], retry: AuthRetry, err: AuthenticationFailed
) -> None:
    """Go on trying the login of an entry that was refused while it was set up, and load it once it is accepted.

    Home Assistant itself waits for a person, although the device may only have been starting.
    """
    # A task of the entry would end with the attempt to set it up.
    hass.async_create_background_task(
        _async_load_once_accepted(hass, entry, retry, err), f"{DOMAIN} login of {entry.title}"
    )


async def _async_load_once_accepted(
    hass: HomeAssistant, entry: ConfigEntry[Any], retry: AuthRetry, err: AuthenticationFailed
) -> None:
    tried = entry.data
    # One for all tries: it knows that the login was refused, and shows it to one function only.
    system = await async_create_system(hass, entry)
    while True:
        await asyncio.sleep(retry.pause(err))
        if entry.state is not ConfigEntryState.SETUP_ERROR or entry.data is not tried:
            return  # a person was faster
        try:
            await _async_connect(system, entry)
        except AuthenticationFailed as refused:
            err = refused
        except IntercomError as away:
            _LOGGER.debug("%s: could not verify the login: %s", entry.title, away)
        else:
            _LOGGER.info("%s: login accepted again", entry.title)
            await hass.config_entries.async_reload(entry.entry_id)
            return


async def _async_connect(system: System, entry: ConfigEntry[Any]) -> None:
    try:
        await system.connect(known_controls(entry))
    finally:
        await system.close()
