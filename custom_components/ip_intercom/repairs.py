"""Fix flows of repair issues: missing privileges, an unset clock, a changed certificate."""

import logging
from typing import Any, override

from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
import probatio as vol

from .const import DOMAIN
from .helpers.connection import Certificates, fingerprint_text
from .helpers.issues import CERTIFICATE
from .runtime import IntercomConfigEntry, IntercomRuntime
from .runtime.clock_watch import CLOCK
from .services.maintenance import async_sync_clock

_LOGGER = logging.getLogger(__name__)


class ConfirmedFlow(RepairsFlow):
    """Checks again after the user confirmed a fix."""

    def __init__(self, entry: IntercomConfigEntry | None) -> None:
        self._entry = entry

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Start the flow."""
        return await self.async_step_confirm()

    async def async_step_confirm(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Check again after the confirmation; an issue that persists is shown again."""
        errors: dict[str, str] = {}
        entry, issue = self._entry, ir.async_get(self.hass).async_get_issue(DOMAIN, self.issue_id)
        if user_input is not None:
            if entry is not None and entry.state is ConfigEntryState.SETUP_RETRY:
                await self.hass.config_entries.async_reload(entry.entry_id)
            # An entry that loads from what is stored has asked the device for little yet.
            if entry is not None and entry.state is ConfigEntryState.LOADED:
                await self.async_fix(entry.runtime_data)
            remaining = ir.async_get(self.hass).async_get_issue(DOMAIN, self.issue_id)
            if remaining is None or not remaining.active:
                return self.async_create_entry(data={})
            errors["base"] = "still_missing"
        return self.async_show_form(
            step_id="confirm",
            data_schema=vol.Schema({}),
            errors=errors,
            description_placeholders=issue.translation_placeholders if issue is not None else None,
        )

    async def async_fix(self, runtime: IntercomRuntime) -> None:
        """Check whether the issue is fixed."""
        coordinator = runtime.coordinator
        if not coordinator.last_update_success:
            await coordinator.async_refresh()
        if coordinator.last_update_success:
            await runtime.async_recheck()


class ClockFlow(ConfirmedFlow):
    """Sets the clock of a device."""

    @override
    async def async_fix(self, runtime: IntercomRuntime) -> None:
        """Set the clock."""
        try:
            await async_sync_clock(runtime)
        except HomeAssistantError as err:
            _LOGGER.debug("%s: could not set the clock: %s", runtime.coordinator.name, err)


class CertificateFlow(RepairsFlow):
    """Shows the pinned and the presented certificate, and pins the presented one after a confirmation."""

    def __init__(self, entry: IntercomConfigEntry, certificates: Certificates) -> None:
        self._entry = entry
        self._certificates = certificates
        self._shown = b""

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Start the flow."""
        return await self.async_step_confirm()

    async def async_step_confirm(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Show both fingerprints; pin the certificate only if it is still the one that was shown."""
        errors: dict[str, str] = {}
        confirmed, self._shown = self._shown, await self._certificates.read()
        if self._shown == self._certificates.pinned:
            return self.async_create_entry(data={})  # the pinned certificate is presented again
        if not self._shown:
            errors["base"] = "cannot_connect"
        elif user_input is not None and confirmed == self._shown:
            self._certificates.async_pin()
            return self.async_create_entry(data={})
        elif user_input is not None:
            errors["base"] = "another_certificate"
        return self.async_show_form(
            step_id="confirm",
            data_schema=vol.Schema({}),
            errors=errors,
            description_placeholders={
                "device": self._entry.title,
                "old": fingerprint_text(self._certificates.pinned),
                "new": fingerprint_text(self._shown) or "–",
            },
        )


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the fix flow of an issue."""
    entry_id = str((data or {}).get("entry_id", ""))
    entry = hass.config_entries.async_get_entry(entry_id)
    if entry is not None and issue_id.startswith(f"{CERTIFICATE}_"):
        return CertificateFlow(entry, Certificates(hass, entry))
    return ClockFlow(entry) if issue_id.startswith(f"{CLOCK}_") else ConfirmedFlow(entry)
