"""Changed certificates: the fingerprints to compare, and accepting the new one."""

import logging
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback

from ..const import CONF_FINGERPRINT, CONF_LEGACY_TLS
from ..systems.common.connection import certificate_of
from ..systems.common.discovery import Certificate
from ..systems.common.errors import IntercomError

_LOGGER = logging.getLogger(__name__)


def fingerprint_text(fingerprint: bytes) -> str:
    """Format a SHA-256 as browsers and web pages of devices do."""
    return fingerprint.hex(":").upper()


class Certificates:
    """The pinned certificate of an entry, and the one that its address presents now.

    Args:
        hass: Home Assistant.
        entry: The entry of the device.
    """

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
