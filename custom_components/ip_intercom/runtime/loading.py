"""Systems of entries: import, creation, setup after a rejected login, and cleanup on removal."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
import logging
import random
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from ..const import CONF_SYSTEM, CONF_TALK, DOMAIN
from ..helpers.connection import async_check_port, async_client_session
from ..helpers.failures import AuthRetry, known_controls
from ..model.features import Features, System
from ..systems import create_system, load_systems, spec_of
from ..systems.common.errors import AuthenticationFailed, ConnectionFailed, IntercomError, NotReached, WrongDevice

_LOGGER = logging.getLogger(__name__)


async def async_load_systems(hass: HomeAssistant, *names: str, talk: bool = False) -> None:
    """Import systems; ``talk`` as in ``load_systems``."""
    await hass.async_add_import_executor_job(partial(load_systems, names, talk=talk))


# Systems of new entries, which the config flow hands to their first setup, by unique id.
_HANDED_OVER: HassKey[dict[str, tuple[System, CALLBACK_TYPE]]] = HassKey(f"{DOMAIN}_handed_over")
# Seconds after which such a system is closed if there was no setup.
_HAND_OVER_TIME = 30.0

# Seconds between two connections to the port of a device that was unreachable during setup, and for each of them.
_SEARCH_PAUSE, _SEARCH_PATIENCE = 5.0, 4.0
# Entries whose device accepted connections, and whose setup failed nevertheless.
_VAIN: HassKey[set[str]] = HassKey(f"{DOMAIN}_vain")


@callback
def async_hand_over(hass: HomeAssistant, unique_id: str, system: System) -> None:
    """Keep the system of a new entry until its first setup, which then repeats no request."""

    async def close(_: datetime) -> None:
        if _async_take_over(hass, unique_id) is system:
            await system.close()

    handed_over = hass.data.setdefault(_HANDED_OVER, {})
    handed_over[unique_id] = system, async_call_later(hass, _HAND_OVER_TIME, close)


@callback
def _async_take_over(hass: HomeAssistant, unique_id: str | None) -> System | None:
    system, cancel = hass.data.get(_HANDED_OVER, {}).pop(unique_id or "", (None, None))
    if cancel is not None:
        cancel()
    return system


async def async_create_system(
    hass: HomeAssistant, entry: ConfigEntry[Any], cursor: Mapping[str, object] | None = None
) -> System:
    """Create the system of an entry, or continue that of its config flow; ``cursor`` as in ``create_system``."""
    system = _async_take_over(hass, entry.unique_id)
    if system is not None and entry.options:  # the config flow knows no options
        await system.close()
        system = None
    if system is None:
        await async_load_systems(hass, entry.data[CONF_SYSTEM], talk=entry.options.get(CONF_TALK, False))
        system = create_system(async_client_session(hass), entry.data, entry.options, cursor)
    if (clock := system.features.local_clock) is not None:
        clock.home_zone = dt_util.get_default_time_zone
    return system


@callback
def async_load_once_accepted(
    hass: HomeAssistant, entry: ConfigEntry[Any], retry: AuthRetry, err: AuthenticationFailed
) -> None:
    """Retry a login that was rejected during setup, and load the entry once it is accepted.

    Home Assistant itself waits for reauth, although the device may only have been starting.
    """
    # A task of the entry would be canceled with the failed setup.
    hass.async_create_background_task(
        _async_load_once_accepted(hass, entry, retry, err), f"{DOMAIN} login of {entry.title}"
    )


async def _async_load_once_accepted(
    hass: HomeAssistant, entry: ConfigEntry[Any], retry: AuthRetry, err: AuthenticationFailed
) -> None:
    tried = entry.data
    # One system for all attempts: after a rejection, it tries the login with a single function.
    system = await async_create_system(hass, entry)
    while True:
        await asyncio.sleep(retry.pause(err))
        if entry.state is not ConfigEntryState.SETUP_ERROR or entry.data is not tried:
            return  # the user reloaded or changed the entry
        try:
            await _async_connect(system, entry)
        except AuthenticationFailed as rejected:
            err = rejected
        except IntercomError as unreachable:
            _LOGGER.debug("%s: could not verify the login: %s", entry.title, unreachable)
        else:
            _LOGGER.info("%s: login accepted again", entry.title)
            await hass.config_entries.async_reload(entry.entry_id)
            return


@callback
def async_load_once_reachable(hass: HomeAssistant, entry: ConfigEntry[Any], err: IntercomError | None) -> None:
    """Load an entry whose setup failed as soon as its device accepts connections again, if it was unreachable.

    Home Assistant itself retries the setup after pauses of up to ten minutes.
    """
    if not isinstance(err, ConnectionFailed):
        return
    # A task of the entry would be canceled with the failed setup.
    search = hass.async_create_background_task(
        _async_load_once_reachable(hass, entry, err), f"{DOMAIN} search for {entry.title}"
    )

    @callback
    def end() -> None:
        if entry.state is not ConfigEntryState.SETUP_RETRY:
            search.cancel()

    unsubscribe = entry.async_on_state_change(end)
    search.add_done_callback(lambda _: unsubscribe())


async def _async_load_once_reachable(hass: HomeAssistant, entry: ConfigEntry[Any], err: ConnectionFailed) -> None:
    vain = hass.data.setdefault(_VAIN, set())
    was_closed = isinstance(err, NotReached) and entry.entry_id not in vain
    while True:
        try:
            await async_check_port(hass, entry, _SEARCH_PATIENCE)
        except NotReached:
            was_closed = True
        else:
            break
        await asyncio.sleep(_SEARCH_PAUSE * random.uniform(0.8, 1.0))
    if was_closed:  # else it responds, but not as expected: the retries of Home Assistant are enough
        _LOGGER.debug("%s: accepts connections again", entry.title)
        hass.async_create_task(_async_load(hass, entry.entry_id), f"{DOMAIN} return of {entry.title}")


async def _async_load(hass: HomeAssistant, entry_id: str) -> None:
    hass.data[_VAIN].add(entry_id)
    if await hass.config_entries.async_reload(entry_id):
        hass.data[_VAIN].discard(entry_id)


async def _async_connect(system: System, entry: ConfigEntry[Any]) -> None:
    try:
        await system.connect(known_controls(entry))
    finally:
        await system.close()


@asynccontextmanager
async def async_connected_features(hass: HomeAssistant, entry: ConfigEntry[Any]) -> AsyncIterator[Features]:
    """Connect to the device of an entry that is not loaded, and return its features."""
    system = await async_create_system(hass, entry)
    try:
        description = await system.connect(None)
        if entry.unique_id not in description.identity.names:
            raise WrongDevice("another device answers at the address")
        yield system.features
    finally:
        await system.close()


async def async_log_out(hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
    """End the session of an entry that is removed; without a response it expires by itself."""
    if not spec_of(entry.data).logs_in:
        return
    # Not ``async_connected_features``: reading the whole account takes long and is not needed here.
    system = await async_create_system(hass, entry)
    try:
        if system.features.session is not None:
            await system.features.session.log_out()
    except IntercomError as err:
        _LOGGER.debug("%s: could not log out: %s", entry.title, err)
    finally:
        await system.close()
