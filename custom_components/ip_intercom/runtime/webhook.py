"""The webhook that receives the pushes of a device, with a rate limit.

Senders are not authenticated: the path of the address is random, only the local network gets a response unless a
forwarder sends from outside (``Push.local``), and a push can only cause events of its device.
"""

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus
import logging
from math import inf
import time
from typing import Any

from aiohttp import web
from homeassistant.components import webhook
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EVENT_CORE_CONFIG_UPDATE
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers.network import NoURLAvailableError

from ..const import CONF_PUSH, CONF_PUSH_ORIGINALS, CONF_PUSH_TOKEN, DOMAIN
from ..coordinator import IntercomCoordinator
from ..helpers.issues import async_report_left_behind
from ..model.features import PushMessage
from ..model.state import Missing
from ..systems import spec_of
from ..systems.common.errors import IntercomError, NotSupported
from .event_stream import EventStream
from .loading import async_connected_features

# Pushes per second from one address, and the burst. A busy exchange sends about ten events of a call within a second.
RATE, BURST = 20.0, 80.0
# The same for all addresses together.
_TOTAL_RATE, _TOTAL_BURST = 100.0, 400.0
# Number of addresses with a bucket.
_MAX_SOURCES = 256


class _Bucket:
    """A token bucket: it refills at a steady rate, and each push takes one token."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate, self._burst = rate, burst
        self._left, self._at = burst, now

    def take(self, now: float) -> bool:
        """Take one token, and return whether there was one."""
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class PushLimiter:
    """Accepts or drops pushes by their rate, and counts them.

    Attributes:
        accepted: The number of accepted pushes.
        dropped: The number of dropped pushes.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.accepted = 0
        self.dropped = 0
        self._monotonic = monotonic
        self._total = _Bucket(_TOTAL_RATE, _TOTAL_BURST, monotonic())
        self._sources: dict[str, _Bucket] = {}

    def admit(self, source: str) -> bool:
        """Return whether to accept a push from an address."""
        now = self._monotonic()
        bucket = self._sources.pop(source, None) or _Bucket(RATE, BURST, now)
        self._sources[source] = bucket  # the most recent one is last
        if len(self._sources) > _MAX_SOURCES:
            del self._sources[next(iter(self._sources))]
        if bucket.take(now) and self._total.take(now):
            self.accepted += 1
            return True
        self.dropped += 1
        return False


_LOGGER = logging.getLogger(__name__)

_METHODS = ("GET", "POST")
# Longest body in bytes; an event has some hundred.
_MAX_BODY = 16 * 1024
# Timeout for reading a body, in seconds.
_PATIENCE = 10.0
# Delay of the response to a dropped push, in seconds.
_DROP_DELAY = 0.2
# Seconds without dropped pushes until the next one is logged again.
_FLOOD_PAUSE = 60.0
# Seconds until a retry of a failed registration.
_RETRY_DELAY = 60.0
# Seconds without a push by a lossy method until its issue is deleted: one of two forwarders may still use it.
_METHOD_PAUSE = 86400.0
_SOURCE = "push"
_NO_URL = Missing("push_no_url", "Home Assistant URL")
_METHOD_SOURCE = "push method"


class PushAddress:
    """The push address of one entry.

    Args:
        events: Processes the push messages.
    """

    def __init__(self, coordinator: IntercomCoordinator, events: EventStream) -> None:
        self._coordinator = coordinator
        self._events = events
        self._hass = coordinator.hass
        self._entry = coordinator.config_entry
        self._registered: str | None = None
        self._stopped = False
        self._lock = asyncio.Lock()
        self._dropped_at = -inf
        # Monotonic time of the last push by a lossy method.
        self._lossy_at = -inf
        self.limiter = PushLimiter()

    @property
    def _is_enabled(self) -> bool:
        return bool(self._entry.options.get(CONF_PUSH))

    @callback
    def async_start(self) -> None:
        """Register the webhook, and the address at the device in the background."""
        self._async_register_webhook()
        self._async_subscribe_soon()
        self._entry.async_on_unload(
            self._hass.bus.async_listen(EVENT_CORE_CONFIG_UPDATE, self._async_update, event_filter=_changes_url)
        )

    @callback
    def _async_subscribe_soon(self) -> None:
        self._entry.async_create_background_task(
            self._hass, self.async_subscribe(), f"{DOMAIN} push address of {self._coordinator.name}"
        )

    @callback
    def _async_update(self, _: Event) -> None:
        """Register the changed address of Home Assistant at the device."""
        if self._is_enabled:
            self._async_subscribe_soon()

    @callback
    def _async_register_webhook(self) -> None:
        """Register the webhook once the device is known to support pushes."""
        if self._is_enabled and self._registered is None and (push := self._coordinator.features.push) is not None:
            token = self._entry.data.get(CONF_PUSH_TOKEN) or webhook.async_generate_id()
            self._async_store(CONF_PUSH_TOKEN, token)
            webhook.async_register(
                self._hass,
                DOMAIN,
                self._coordinator.name,
                token,
                self._async_receive,
                local_only=push.local,
                allowed_methods=_METHODS,
            )
            self._registered = token

    @callback
    def async_stop(self) -> None:
        """Unregister the webhook; the device keeps the address for the next start."""
        self._stopped = True
        if self._registered is not None:
            webhook.async_unregister(self._hass, self._registered)
            self._registered = None

    async def async_subscribe(self) -> None:
        """Register the address at the device, or remove it if the user turned pushes off."""
        async with self._lock:
            if not self._stopped:  # the next loaded entry continues from the stored token
                self._async_register_webhook()
                await self._async_subscribe()

    async def _async_subscribe(self) -> None:
        push, token = self._coordinator.features.push, self._entry.data.get(CONF_PUSH_TOKEN)
        if push is None or token is None:
            return
        try:
            if not self._is_enabled:
                await push.unsubscribe(token, self._entry.data.get(CONF_PUSH_ORIGINALS, {}))
                self._async_store(CONF_PUSH_TOKEN, None)
                self._async_store(CONF_PUSH_ORIGINALS, None)
                return
            url = webhook.async_generate_url(
                self._hass, token, allow_external=not push.local, prefer_external=not push.local
            )
            if CONF_PUSH_ORIGINALS not in self._entry.data:
                self._async_store(CONF_PUSH_ORIGINALS, dict(await push.originals()))
            missing = await push.subscribe(url, token)
        except NoURLAvailableError:
            self._coordinator.device_issues.async_note(_SOURCE, frozenset({_NO_URL}))
            return
        except IntercomError as err:
            _LOGGER.debug("%s: could not register the push address: %s", self._coordinator.name, err)
            if not isinstance(err, NotSupported):  # the next description calls this again
                self._coordinator.timers.async_do(_RETRY_DELAY, _SOURCE, self.async_subscribe)
            return
        self._coordinator.device_issues.async_note(_SOURCE, missing)

    @callback
    def _async_store(self, key: str, value: object) -> None:
        """Store a value in the entry's data; None removes it."""
        data = {name: known for name, known in self._entry.data.items() if name != key}
        self._hass.config_entries.async_update_entry(self._entry, data=data if value is None else {**data, key: value})

    async def _async_receive(self, hass: HomeAssistant, webhook_id: str, request: web.Request) -> web.Response:
        """Process a push; the response only shows whether the rate limit was exceeded."""
        source = request.remote or ""
        if not self.limiter.admit(source):
            self._log_dropped(source)
            # The delay slows down the next request of the same connection.
            await asyncio.sleep(_DROP_DELAY)
            return web.Response(status=HTTPStatus.TOO_MANY_REQUESTS)
        await asyncio.sleep(0)  # requests of one connection may arrive without a pause
        body = await _read(request)
        if self._events.async_receive(PushMessage(request.method, dict(request.query), body)):
            self._async_check_method(request.method)
        return web.Response(text="OK")

    @callback
    def _async_check_method(self, method: str) -> None:
        """Report the HTTP method of the pushes as an issue if pushes by it may get lost."""
        push, now = self._coordinator.features.push, time.monotonic()
        if push is not None and method in push.lossy:
            self._lossy_at = now
            self._coordinator.device_issues.async_note(_METHOD_SOURCE, frozenset({Missing("push_by_get", method)}))
        elif now - self._lossy_at >= _METHOD_PAUSE:
            self._coordinator.device_issues.async_note(_METHOD_SOURCE, frozenset())

    @callback
    def async_clear_method(self) -> None:
        """Clear the issue of the HTTP method until the next push: the user confirmed a fix."""
        self._lossy_at = -inf
        self._coordinator.device_issues.async_note(_METHOD_SOURCE, frozenset())

    def _log_dropped(self, source: str) -> None:
        now = time.monotonic()
        if now - self._dropped_at > _FLOOD_PAUSE:
            _LOGGER.warning(
                "%s: more than %d pushes per second from %s: dropping the excess",
                self._coordinator.name,
                RATE,
                source or "Home Assistant Cloud",
            )
        self._dropped_at = now


@callback
def _changes_url(data: Mapping[str, Any]) -> bool:
    """Return whether the core settings changed an address of Home Assistant."""
    return not {"internal_url", "external_url"}.isdisjoint(data)


async def _read(request: web.Request) -> bytes:
    """Return the body of a request; empty if it is too long, takes too long, or is broken."""
    content, body = request.content, b""  # the content of a cloudhook starts again with each access
    try:
        async with asyncio.timeout(_PATIENCE):
            while piece := await content.read(_MAX_BODY + 1):
                body += piece
                if len(body) > _MAX_BODY:
                    return b""
    except TimeoutError, ConnectionError, web.RequestPayloadError:
        return b""
    return body


async def async_remove_push_address(hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
    """Remove the push address of a removed entry from its device."""
    if (token := entry.data.get(CONF_PUSH_TOKEN)) is None or spec_of(entry.data).forwarded:
        return  # the address is not registered at a device
    try:
        async with async_connected_features(hass, entry) as features:
            if features.push is not None:
                await features.push.unsubscribe(token, entry.data.get(CONF_PUSH_ORIGINALS, {}))
    except IntercomError as err:
        _LOGGER.warning(
            "%s: could not remove the push address, delete it on the web page of the device: %s", entry.title, err
        )
        async_report_left_behind(hass, entry.entry_id, entry.title, "action_urls_left_behind", "Action URL")
