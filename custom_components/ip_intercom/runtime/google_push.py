"""Pushes through Google's service, if the user entered the keys of the app.

Only then is the library installed and imported. Failures are retried and do not affect the device. Push messages are
as untrusted as those of a forwarder (``webhook``).
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
import importlib
import logging
import random
import time
from typing import TYPE_CHECKING, Any

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.storage import Store
from homeassistant.requirements import RequirementsNotFound, async_clear_install_history, async_process_requirements

from ..const import CONF_FCM_API_KEY, CONF_FCM_APP_ID, CONF_FCM_PROJECT_ID, CONF_FCM_SENDER_ID, CONFS_FCM, DOMAIN
from ..coordinator import IntercomCoordinator
from ..helpers.storage import async_load_stored
from ..model.features import PushMessage
from ..model.state import Missing
from ..systems import options_of
from ..systems.common.errors import AppRefused, IntercomError, LoginRefused, NotSupported
from .event_stream import EventStream

if TYPE_CHECKING:
    from ..systems.common import fcm

_LOGGER = logging.getLogger(__name__)

# Pinned to the tested version. It is installed only for users who enter the keys of an app.
REQUIREMENTS = ["firebase-messaging==0.4.5"]
_STORAGE_VERSION = 1
# Seconds until the first retry, doubled each time, and the longest delay.
_RETRY_DELAY = 30.0
_MAX_RETRY_DELAY = 3600.0
_JITTER = 0.2
# A connection that lasted this many seconds resets the delay.
_LASTED = 300.0
# Seconds between registrations of the token at the server, and until a retry after a failure.
_CHECK_INTERVAL = 3600.0
_CHECK_RETRY = 60.0
# Seconds to wait for the result after a user confirmed a fix.
_OUTCOME = 30.0
_SOURCE = "google push"
_REFUSED = Missing("push_key_refused", "Firebase Cloud Messaging")


def credential_store(hass: HomeAssistant, entry_id: str) -> Store[dict[str, Any]]:
    """Return the storage of an entry's registration at Google."""
    return Store(hass, _STORAGE_VERSION, f"{DOMAIN}.{entry_id}.google_push", private=True, atomic_writes=True)


class GooglePush:
    """Receives the pushes of one entry.

    Args:
        events: Processes the push messages.
    """

    def __init__(self, coordinator: IntercomCoordinator, events: EventStream, store: Store[dict[str, Any]]) -> None:
        self._coordinator = coordinator
        self._events = events
        self._hass = coordinator.hass
        self._entry = coordinator.config_entry
        self._store = store
        self._stored: dict[str, Any] | None = None
        self._task: asyncio.Task[None] | None = None
        self._connected_at: float | None = None
        self._failing = False
        self._retry_now = asyncio.Event()
        self._outcome = asyncio.Event()

    @property
    def _configured(self) -> bool:
        return all(self._entry.options.get(key) for key in CONFS_FCM)

    @callback
    def async_start(self) -> None:
        """Start to receive in the background, or delete the registration if it is not configured."""
        if self._configured:
            work = self._async_follow()
        elif options_of(self._entry.data).issuperset(CONFS_FCM):
            work = self._store.async_remove()
        else:
            return
        self._task = self._entry.async_create_background_task(
            self._hass, work, f"{DOMAIN} Google's pushes of {self._coordinator.name}"
        )

    async def async_stop(self) -> None:
        """Stop receiving; Google keeps pushes in the meantime."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def async_recheck(self) -> None:
        """Retry a failed connection at once, and wait for the result: the user confirmed a fix."""
        if self._task is None or not self._failing:
            return
        self._outcome.clear()
        self._retry_now.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(_OUTCOME):
                await self._outcome.wait()

    async def _async_follow(self) -> None:
        failures = 0
        while True:
            self._retry_now.clear()
            self._connected_at = None
            try:
                await self._async_attempt()
            except AppRefused as err:
                self._coordinator.device_issues.async_note(_SOURCE, frozenset({_REFUSED}))
                self._async_failed(err)
            except LoginRefused as err:
                await self._async_store({})
                self._async_failed(err)
            except RequirementsNotFound as err:
                # Without this, Home Assistant retries only after its next start.
                async_clear_install_history(self._hass)
                self._async_failed(err)
            except IntercomError as err:
                self._async_failed(err)
            except Exception as err:  # noqa: BLE001 - also incompatible libraries, which an update may fix
                self._async_failed(err, fault=True)
            if self._lasted():
                failures = 0
            with suppress(TimeoutError):
                async with asyncio.timeout(back_off(failures) * random.uniform(1 - _JITTER, 1 + _JITTER)):
                    await self._retry_now.wait()
            failures += 1

    def _lasted(self) -> bool:
        """Return whether the last connection lasted."""
        return self._connected_at is not None and time.monotonic() - self._connected_at >= _LASTED

    async def _async_attempt(self) -> None:
        """Register and receive until the connection fails."""
        await async_process_requirements(self._hass, DOMAIN, REQUIREMENTS, is_built_in=False)
        library = await self._hass.async_add_import_executor_job(
            importlib.import_module, "..systems.common.fcm", __package__
        )
        if (stored := self._stored) is None:
            self._stored, _ = await async_load_stored(self._hass, self._store, self._coordinator.name, _parse)
            stored = self._stored or {}
        options = self._entry.options
        project = {key: options[key] for key in (CONF_FCM_PROJECT_ID, CONF_FCM_APP_ID, CONF_FCM_SENDER_ID)}
        credentials = stored.get("credentials") if stored.get("project") == project else None
        receiver: fcm.FcmReceiver = library.FcmReceiver(
            async_get_clientsession(self._hass),
            library.Project(
                options[CONF_FCM_PROJECT_ID],
                options[CONF_FCM_APP_ID],
                options[CONF_FCM_API_KEY],
                options[CONF_FCM_SENDER_ID],
            ),
            credentials,
            self._async_process,
            self._async_connected,
        )
        token = await receiver.register()
        await self._async_store({"project": project, "credentials": receiver.credentials})
        self._coordinator.device_issues.async_note(_SOURCE, frozenset())
        registering = self._entry.async_create_background_task(
            self._hass, self._async_keep_registered(token), f"{DOMAIN} push token of {self._coordinator.name}"
        )
        try:
            await receiver.run()
        finally:
            registering.cancel()

    async def _async_store(self, registration: dict[str, Any]) -> None:
        if registration != self._stored:
            self._stored = registration
            await self._store.async_save(registration)

    async def _async_keep_registered(self, token: str) -> None:
        """Register the token at the server, and repeat that regularly."""
        while True:
            delay = _CHECK_INTERVAL
            try:
                if (service := self._coordinator.features.push_service) is None:
                    raise NotSupported("the server has not been read yet")
                await service.register(token)
            except IntercomError as err:
                _LOGGER.debug("%s: could not register the push token: %s", self._coordinator.name, err)
                delay = _CHECK_RETRY
            await asyncio.sleep(delay)

    @callback
    def _async_process(self, body: bytes) -> None:
        """Process a push message."""
        self._events.async_receive(PushMessage("POST", {}, body))

    @callback
    def _async_connected(self) -> None:
        self._connected_at = self._connected_at or time.monotonic()
        self._outcome.set()
        if self._failing:
            self._failing = False
            _LOGGER.info("%s: pushes through Google's service restored", self._coordinator.name)

    @callback
    def _async_failed(self, err: Exception, *, fault: bool = False) -> None:
        """Record a failure; only the first one is logged above debug level."""
        level = logging.DEBUG if self._failing else logging.ERROR if fault else logging.WARNING
        self._failing = True
        self._outcome.set()
        _LOGGER.log(
            level,
            "%s: pushes through Google's service unavailable: %s",
            self._coordinator.name,
            err,
            exc_info=err if fault else None,
        )


def back_off(failures: int) -> float:
    """Return the seconds to wait after a failure, given the number of earlier failures."""
    return min(_RETRY_DELAY * 2.0 ** min(failures, 16), _MAX_RETRY_DELAY)


def _parse(content: Mapping[str, Any], _: list[Exception]) -> dict[str, Any]:
    if not isinstance(content.get("credentials"), Mapping | None):
        raise TypeError("stored credentials are no object")
    return dict(content)
