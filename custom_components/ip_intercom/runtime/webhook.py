"""The webhook that a device pushes to, and the limit of what it may push.

Pushes beyond so many a second are dropped. All who know the address may send to it: its path is random, only machines of
the local network get an answer unless a forwarder sends from elsewhere (``Push.local``), and nothing that comes opens a
door or is believed to be more than an event of its device.
"""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
import logging
from math import inf
import time
from typing import Any

from aiohttp import web
from homeassistant.components import webhook
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.network import NoURLAvailableError

from ..const import CONF_PUSH, CONF_PUSH_ORIGINALS, CONF_PUSH_TOKEN, DOMAIN
from ..coordinator import IntercomCoordinator
from ..model.features import PushMessage
from ..model.state import Missing
from ..systems import spec_of
from ..systems.common.errors import IntercomError, NotSupported
from .event_stream import EventStream
from .loading import async_parting

# Pushes a second, and how many at once after a silence. A busy exchange tells some ten events of a call within a second.
RATE, BURST = 20.0, 80.0
# The same for all addresses together.
_TOTAL_RATE, _TOTAL_BURST = 100.0, 400.0
# Addresses that are remembered.
_MOST_SOURCES = 256


class _Bucket:
    """A bucket that fills at a steady rate; each push takes one out."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate, self._burst = rate, burst
        self._left, self._at = burst, now

    def take(self, now: float) -> bool:
        """Take one out, and return whether there was one."""
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class PushLimiter:
    """Decides which pushes are taken, and counts.

    Args:
        monotonic: A clock in seconds.

    Attributes:
        taken: Pushes that were taken.
        dropped: Pushes that were dropped.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.taken = 0
        self.dropped = 0
        self._monotonic = monotonic
        self._total = _Bucket(_TOTAL_RATE, _TOTAL_BURST, monotonic())
        self._sources: dict[str, _Bucket] = {}

    def admit(self, source: str) -> bool:
        """Return whether a push from an address is to be taken."""
        now = self._monotonic()
        bucket = self._sources.pop(source, None) or _Bucket(RATE, BURST, now)
        self._sources[source] = bucket  # the one heard last stands last
        if len(self._sources) > _MOST_SOURCES:
            del self._sources[next(iter(self._sources))]
        if bucket.take(now) and self._total.take(now):
            self.taken += 1
            return True
        self.dropped += 1
        return False


_LOGGER = logging.getLogger(__name__)

_METHODS = ("GET", "POST")
# An event is some hundred bytes.
_MAX_BODY = 16 * 1024
# Seconds for which a client may go on sending one.
_PATIENCE = 10.0
# Seconds until the answer to a push that is dropped.
_DROP_DELAY = 0.2
# A flood that pauses for this many seconds is another one.
_FLOOD_PAUSE = 60.0
# Seconds until another attempt where the device could not be told.
_AGAIN = 60.0
# One of two forwarders may use another method: the repair goes once nothing came that way for so many seconds.
_METHOD_PAUSE = 86400.0
_SOURCE = "push"
_NO_URL = Missing("push_no_url", "Home Assistant URL")
_METHOD_SOURCE = "push method"


class PushAddress:
    """The address of one entry.

    Args:
        coordinator: The device that pushes.
        events: Receives what it pushes.
    """

    def __init__(self, coordinator: IntercomCoordinator, events: EventStream) -> None:
        self._coordinator = coordinator
        self._events = events
        self._hass = coordinator.hass
        self._entry = coordinator.config_entry
        self._registered: str | None = None
        self._stopped = False
        self._turn = asyncio.Lock()
        self._dropped_at = -inf
        # When something came by a method by which pushes get lost.
        self._lossy_at = -inf
        self.limiter = PushLimiter()

    @property
    def _wanted(self) -> bool:
        return bool(self._entry.options.get(CONF_PUSH))

    @callback
    def async_start(self) -> None:
        """Open the address, and register it at the device without blocking the caller."""
        self._async_open()
        self._entry.async_create_background_task(
            self._hass, self.async_subscribe(), f"{DOMAIN} push address of {self._coordinator.name}"
        )

    @callback
    def _async_open(self) -> None:
        """Open the address as soon as the device is known to push, which may not be at first."""
        if self._wanted and self._registered is None and (push := self._coordinator.features.push) is not None:
            token = self._entry.data.get(CONF_PUSH_TOKEN) or webhook.async_generate_id()
            self._async_keep(CONF_PUSH_TOKEN, token)
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
        """Close the address; the device goes on pushing, for it will be opened again."""
        self._stopped = True
        if self._registered is not None:
            webhook.async_unregister(self._hass, self._registered)
            self._registered = None

    async def async_subscribe(self) -> None:
        """Have the device push to the address, or no more where the user does not want it any more."""
        async with self._turn:
            if not self._stopped:  # the one who comes next has to find what is there
                self._async_open()
                await self._async_subscribe()

    async def _async_subscribe(self) -> None:
        push, token = self._coordinator.features.push, self._entry.data.get(CONF_PUSH_TOKEN)
        if push is None or token is None:
            return
        try:
            if not self._wanted:
                await push.unsubscribe(token, self._entry.data.get(CONF_PUSH_ORIGINALS, {}))
                self._async_keep(CONF_PUSH_TOKEN, None)
                self._async_keep(CONF_PUSH_ORIGINALS, None)
                return
            url = webhook.async_generate_url(
                self._hass, token, allow_external=not push.local, prefer_external=not push.local
            )
            if CONF_PUSH_ORIGINALS not in self._entry.data:
                self._async_keep(CONF_PUSH_ORIGINALS, dict(await push.originals()))
            missing = await push.subscribe(url, token)
        except NoURLAvailableError:
            self._coordinator.device_issues.async_note(_SOURCE, frozenset({_NO_URL}))
            return
        except IntercomError as err:
            _LOGGER.debug("%s: could not register the push address: %s", self._coordinator.name, err)
            if not isinstance(err, NotSupported):  # what is not there now may be with the next description
                self._coordinator.timers.async_do(_AGAIN, _SOURCE, self.async_subscribe)
            return
        self._coordinator.device_issues.async_note(_SOURCE, missing)

    @callback
    def _async_keep(self, key: str, value: object) -> None:
        """Keep something in the entry's data, or no more."""
        data = {name: known for name, known in self._entry.data.items() if name != key}
        self._hass.config_entries.async_update_entry(self._entry, data=data if value is None else {**data, key: value})

    async def _async_receive(self, hass: HomeAssistant, webhook_id: str, request: web.Request) -> web.Response:
        """Take what was sent; the answer says only whether it was too much."""
        source = request.remote or ""
        if not self.limiter.admit(source):
            self._note_dropped(source)
            # The next one of the same connection has to wait, and the loop is free meanwhile.
            await asyncio.sleep(_DROP_DELAY)
            return web.Response(status=HTTPStatus.TOO_MANY_REQUESTS)
        await asyncio.sleep(0)  # many requests of one connection would come without a pause
        body = await _read(request)
        if self._events.async_receive(PushMessage(request.method, dict(request.query), body)):
            self._async_judge(request.method)
        return web.Response(text="OK")

    @callback
    def _async_judge(self, method: str) -> None:
        """Have a person change how pushes are sent, if others than those that arrive may get lost."""
        push, now = self._coordinator.features.push, time.monotonic()
        if push is not None and method in push.lossy:
            self._lossy_at = now
            self._coordinator.device_issues.async_note(_METHOD_SOURCE, frozenset({Missing("push_by_get", method)}))
        elif now - self._lossy_at >= _METHOD_PAUSE:
            self._coordinator.device_issues.async_note(_METHOD_SOURCE, frozenset())

    @callback
    def async_forget_method(self) -> None:
        """Wait for the next push: the user says that it is sent in another way now."""
        self._lossy_at = -inf
        self._coordinator.device_issues.async_note(_METHOD_SOURCE, frozenset())

    def _note_dropped(self, source: str) -> None:
        now = time.monotonic()
        if now - self._dropped_at > _FLOOD_PAUSE:
            _LOGGER.warning(
                "%s: more than %d pushes per second from %s: dropping the excess",
                self._coordinator.name,
                RATE,
                source or "Home Assistant Cloud",
            )
        self._dropped_at = now


async def _read(request: web.Request) -> bytes:
    """Return what was sent, in however many pieces it comes; nothing of what is, or takes, too long to be an event."""
    content, body = request.content, b""  # of a cloudhook, each access begins at the first byte
    try:
        async with asyncio.timeout(_PATIENCE):
            while piece := await content.read(_MAX_BODY + 1):
                body += piece
                if len(body) > _MAX_BODY:
                    return b""
    except TimeoutError:
        return b""
    return body


async def async_take_back(hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
    """Take the address away from the device of an entry that is removed."""
    if (token := entry.data.get(CONF_PUSH_TOKEN)) is None or spec_of(entry.data).forwarded:
        return  # no device was told
    try:
        async with async_parting(hass, entry) as features:
            if features.push is not None:
                await features.push.unsubscribe(token, entry.data.get(CONF_PUSH_ORIGINALS, {}))
    except IntercomError as err:
        _LOGGER.warning(
            "%s: could not remove the push address, delete it on the web page of the device: %s", entry.title, err
        )
