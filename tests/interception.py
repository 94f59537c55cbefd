"""Captive portals and proxies that intercept the connection to a remote server, for each system that has one."""

from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant

from .common import until

# The response in place of the server: status, target of a redirect, and the error that users see.
INTERCEPTIONS = {
    "a captive portal": (200, None, "unexpected_reply"),
    "a portal that sends on": (302, "https://portal.example/login", "redirected"),
    "a proxy that refuses": (403, None, "unexpected_reply"),
    "a page with a login": (401, None, "unexpected_reply"),
    "a proxy with a login": (407, None, "unexpected_reply"),
    "a network with a login": (511, None, "unexpected_reply"),
}


async def assert_setup_retried(
    hass: HomeAssistant, sim: Any, entry: ConfigEntry, status: int, location: str | None, key: str
) -> None:
    """Assert that an entry whose server is replaced by another retries setup and starts no reauth."""
    sim.intercept(status, location)
    await hass.config_entries.async_reload(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == key
    assert not hass.config_entries.flow.async_progress()
    sim.heal()
    assert await hass.config_entries.async_reload(entry.entry_id)


async def assert_no_secret_sent(hass: HomeAssistant, sim: Any, entry: ConfigEntry) -> None:
    """Assert that a proxy that intercepts TLS receives neither password nor token."""
    await until(lambda: entry.runtime_data.events.following, "the first polls")
    sim.renew_certificate()
    sim.reset_connections()
    sim.clear_requests()
    await until(lambda: not entry.runtime_data.coordinator.last_update_success, "the device to be unavailable")
    assert entry.runtime_data.coordinator.last_exception.translation_key == "certificate_changed"
    assert sim.requests == []
    assert not hass.config_entries.flow.async_progress()
