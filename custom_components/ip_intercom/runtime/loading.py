"""Creating, recovering, and removing the system of an entry outside the event loop."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
import logging
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant, callback

from ..const import CONF_SYSTEM, DOMAIN
from ..helpers.auth_retry import AuthRetry, known_controls
from ..helpers.client_session import async_client_session
from ..model.features import Features, System
from ..systems import create_system, load_systems, spec_of
from ..systems.common.errors import AuthenticationFailed, IntercomError, WrongDevice

_LOGGER = logging.getLogger(__name__)


async def async_load_systems(hass: HomeAssistant, *names: str) -> None:
    """Import systems, all by default."""
    await hass.async_add_import_executor_job(load_systems, names)


async def async_create_system(
    hass: HomeAssistant, entry: ConfigEntry[Any], cursor: Mapping[str, object] | None = None
) -> System:
    """Return the system of an entry; ``cursor`` as in ``create_system``."""
    await async_load_systems(hass, entry.data[CONF_SYSTEM])
    return create_system(async_client_session(hass), entry.data, entry.options, cursor)


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
