"""Changed certificates: the fingerprints to compare, and accepting the new one."""

import logging
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback

from ..const import CONF_FINGERPRINT, CONF_LEGACY_TLS
from ..systems.common.connection import shown_certificate
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
        self._shown = b""
        self._legacy = False

    @property
    def pinned(self) -> bytes:
        """The SHA-256 of the pinned certificate; empty without one."""
        return bytes.fromhex(self._entry.data.get(CONF_FINGERPRINT) or "")

    async def read(self) -> bytes:
        """Return the SHA-256 of the presented certificate, empty if unreachable; sends only a TLS handshake."""
        try:
            self._shown, self._legacy = await shown_certificate(self._entry.data)
        except IntercomError as err:
            _LOGGER.debug("%s: could not read the certificate: %s", self._entry.title, err)
            self._shown = b""
        return self._shown

    @callback
    def async_pin(self) -> None:
        """Pin the certificate that was read last, and reload the entry."""
        data = {**self._entry.data, CONF_FINGERPRINT: self._shown.hex(), CONF_LEGACY_TLS: self._legacy}
        self._hass.config_entries.async_update_entry(self._entry, data=data)
        self._hass.config_entries.async_schedule_reload(self._entry.entry_id)
