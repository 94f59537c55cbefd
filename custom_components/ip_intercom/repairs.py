"""Repairs that a user confirms: a privilege is selected, a clock is to be set, a certificate is correct."""

import logging
from typing import Any, override

from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
import probatio as vol

from .const import DOMAIN
from .helpers.certificates import Certificates, fingerprint_text
from .helpers.issues import CERTIFICATE
from .runtime import IntercomConfigEntry, IntercomRuntime
from .runtime.clock_watch import CLOCK
from .services.maintenance import async_sync_clock

_LOGGER = logging.getLogger(__name__)


class TickedFlow(RepairsFlow):
    """User confirmed the fix."""

    def __init__(self, entry: IntercomConfigEntry | None) -> None:
        self._entry = entry

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Begin."""
        return await self.async_step_confirm()

    async def async_step_confirm(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Check again after a confirmation; what is still missing stays."""
        errors: dict[str, str] = {}
        issue = ir.async_get(self.hass).async_get_issue(DOMAIN, self.issue_id)
        if user_input is not None:
            if self._entry is not None and self._entry.state is ConfigEntryState.SETUP_RETRY:
                await self.hass.config_entries.async_reload(self._entry.entry_id)
            elif self._entry is not None and hasattr(self._entry, "runtime_data"):
                await self.async_mend(self._entry.runtime_data)
            still = ir.async_get(self.hass).async_get_issue(DOMAIN, self.issue_id)
            if still is None or not still.active:
                return self.async_create_entry(data={})
            errors["base"] = "still_missing"
        return self.async_show_form(
            step_id="confirm",
            data_schema=vol.Schema({}),
            errors=errors,
            description_placeholders=issue.translation_placeholders if issue is not None else None,
        )

    async def async_mend(self, runtime: IntercomRuntime) -> None:
        """Look whether it is mended."""
        coordinator = runtime.coordinator
        if not coordinator.last_update_success:
            await coordinator.async_refresh()
        if coordinator.last_update_success:
            await runtime.async_recheck()


class ClockFlow(TickedFlow):
    """Sets the clock of a device."""

    @override
    async def async_mend(self, runtime: IntercomRuntime) -> None:
        """Set it."""
        try:
            await async_sync_clock(runtime)
        except HomeAssistantError as err:
            _LOGGER.debug("%s: could not set the clock: %s", runtime.coordinator.name, err)


class CertificateFlow(RepairsFlow):
    """Shows the certificate from before and the one shown now, and takes the new one once a person confirms it."""

    def __init__(self, entry: IntercomConfigEntry, certificates: Certificates) -> None:
        self._entry = entry
        self._certificates = certificates
        self._shown = b""

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Begin."""
        return await self.async_step_confirm()

    async def async_step_confirm(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Show both fingerprints; take the one that was shown before, and no third one."""
        errors: dict[str, str] = {}
        confirmed, self._shown = self._shown, await self._certificates.read()
        if self._shown == self._certificates.pinned:
            return self.async_create_entry(data={})  # it is the one from before again
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
    """Return the flow of a repair."""
    entry_id = str((data or {}).get("entry_id", ""))
    entry = hass.config_entries.async_get_entry(entry_id)
    if entry is not None and issue_id.startswith(f"{CERTIFICATE}_"):
        return CertificateFlow(entry, Certificates(hass, entry))
    return ClockFlow(entry) if issue_id.startswith(f"{CLOCK}_") else TickedFlow(entry)
