"""Asking again whether the device lets Home Assistant see what it kept from it."""

from typing import Any

from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
import probatio as vol

from .const import DOMAIN
from .coordinator import IntercomConfigEntry


class TickedFlow(RepairsFlow):
    """Somebody says that the box is ticked now."""

    def __init__(self, entry: IntercomConfigEntry | None) -> None:
        """Ask the device of ``entry``."""
        self._entry = entry

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Begin."""
        return await self.async_step_confirm()

    async def async_step_confirm(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Look again when somebody submits; what is still missing stays."""
        errors: dict[str, str] = {}
        issue = ir.async_get(self.hass).async_get_issue(DOMAIN, self.issue_id)
        if user_input is not None:
            if self._entry is not None and hasattr(self._entry, "runtime_data"):
                await self._entry.runtime_data.async_look_again()
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


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the flow of a repair; all of them are of the same kind."""
    entry_id = str((data or {}).get("entry_id", ""))
    return TickedFlow(hass.config_entries.async_get_entry(entry_id))
