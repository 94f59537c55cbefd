"""Connections to devices: the shared HTTP session with TCP keepalive, and changed certificates."""

import logging
import socket
from typing import Any, override

from aiohttp import ClientRequest, ClientResponse, ClientSession, hdrs
from aiohttp.connector import Connection
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EVENT_HOMEASSISTANT_CLOSE
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers.aiohttp_client import async_create_clientsession
from homeassistant.helpers.singleton import singleton
from homeassistant.util.hass_dict import HassKey

from ..const import CONF_FINGERPRINT, CONF_LEGACY_TLS, DOMAIN
from ..systems.common.adapter import certificate_of, transport_of
from ..systems.common.discovery import Certificate
from ..systems.common.errors import IntercomError
from ..systems.common.http import UPLOAD_STALL

_LOGGER = logging.getLogger(__name__)

_SESSION: HassKey[ClientSession] = HassKey(f"{DOMAIN}_session")

# Seconds of silence before the first keepalive probe, and between probes.
IDLE = 4
INTERVAL = 2
# Seconds without an acknowledgment after which the connection is lost.
LOST = 10
# Not every platform has all of them.
_KEEP_IDLE: int | None = getattr(socket, "TCP_KEEPIDLE", None)
_KEEP_INTERVAL: int | None = getattr(socket, "TCP_KEEPINTVL", None)
_USER_TIMEOUT: int | None = getattr(socket, "TCP_USER_TIMEOUT", None)


class KeepAliveRequest(ClientRequest):
    """A request whose connection is monitored by TCP keepalive (``request_class`` of a session).

    Without it, a long poll to a device without power would wait for a minute. The probes also keep the connection alive
    in firewalls.
    """

    @override
    async def send(self, conn: Connection) -> ClientResponse:
        sock = None if conn.transport is None else conn.transport.get_extra_info("socket")
        if sock is not None:
            # A device may stop reading an upload while it writes to flash.
            uploads = self.headers.get(hdrs.CONTENT_TYPE, "").startswith("multipart/")
            lost = max(LOST, UPLOAD_STALL) if uploads else LOST
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in ((_KEEP_IDLE, IDLE), (_KEEP_INTERVAL, INTERVAL), (_USER_TIMEOUT, int(lost * 1000))):
                if option is not None:
                    sock.setsockopt(socket.IPPROTO_TCP, option, value)
        return await super().send(conn)


@singleton(_SESSION)
@callback
def async_client_session(hass: HomeAssistant) -> ClientSession:
    """Return the session for requests to devices and servers."""
    session = async_create_clientsession(hass, auto_cleanup=False, request_class=KeepAliveRequest)

    @callback
    def detach(_: Event) -> None:
        session.detach()

    hass.bus.async_listen_once(EVENT_HOMEASSISTANT_CLOSE, detach)
    return session


def fingerprint_text(fingerprint: bytes) -> str:
    """Format a SHA-256 as browsers and web pages of devices do."""
    return fingerprint.hex(":").upper()


class Certificates:
    """The pinned certificate of an entry, and the one that its address presents now."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
        self._hass = hass
        self._entry = entry
        self._shown = Certificate(None)

    @property
    def pinned(self) -> bytes:
        """The SHA-256 of the pinned certificate; empty without one."""
        return bytes.fromhex(self._entry.data.get(CONF_FINGERPRINT) or "")

    async def read(self) -> bytes:
        """Return the SHA-256 of the presented certificate, empty if unreachable; sends only a TLS handshake."""
        try:
            self._shown = await certificate_of(self._entry.data)
        except IntercomError as err:
            _LOGGER.debug("%s: could not read the certificate: %s", self._entry.title, err)
            self._shown = Certificate(None)
        return self._shown.fingerprint or b""

    @callback
    def async_pin(self) -> None:
        """Pin the certificate that was read last, and reload the entry."""
        shown = {CONF_FINGERPRINT: (self._shown.fingerprint or b"").hex(), CONF_LEGACY_TLS: self._shown.legacy}
        data = {**self._entry.data, **shown}
        self._hass.config_entries.async_update_entry(self._entry, data=data)
        self._hass.config_entries.async_schedule_reload(self._entry.entry_id)


async def async_check_port(hass: HomeAssistant, entry: ConfigEntry[Any], patience: float) -> None:
    """Check that the port of the device of an entry accepts connections.

    Raises:
        NotReached: It does not within ``patience`` seconds.
    """
    await transport_of(async_client_session(hass), entry.data).check_port(patience)
