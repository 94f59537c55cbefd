"""System health: devices, event channels, and events. It names no device, as users publish it in reports."""

from typing import Any

from homeassistant.components import system_health
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.util import dt as dt_util

from .const import DOMAIN
from .runtime import IntercomConfigEntry, IntercomRuntime
from .runtime.event_counter import EVENT_COUNTER


@callback
def async_register(hass: HomeAssistant, register: system_health.SystemHealthRegistration) -> None:
    """Register the information."""
    register.async_register_info(_async_info, f"/config/integrations/integration/{DOMAIN}")


async def _async_info(hass: HomeAssistant) -> dict[str, Any]:
    return _info(hass) | {"events_last_hour": hass.data[EVENT_COUNTER].last_hour()}


def _info(hass: HomeAssistant) -> dict[str, Any]:
    entries: list[IntercomConfigEntry] = hass.config_entries.async_entries(DOMAIN)
    runtimes = [entry.runtime_data for entry in entries if entry.state is ConfigEntryState.LOADED]
    channels = [runtime for runtime in runtimes if runtime.coordinator.system.log is not None]
    return {
        "devices": len(entries),
        "devices_available": sum(runtime.coordinator.last_update_success for runtime in runtimes),
        "event_channels": len(channels),
        "event_channels_open": sum(runtime.coordinator.log_health.working is True for runtime in channels),
        **_last_gap(channels),
    }


def _last_gap(channels: list[IntercomRuntime]) -> dict[str, Any]:
    """Return the beginning and the length of the last time without the events of a device; nothing without one."""
    gaps = [gap for runtime in channels if (gap := runtime.coordinator.log_health.last_gap) is not None]
    if not gaps:
        return {}
    began, ended = max(gaps, key=lambda gap: gap[0])
    length = (ended or dt_util.utcnow()) - began
    return {"last_gap": began, "last_gap_seconds": round(length.total_seconds())}
