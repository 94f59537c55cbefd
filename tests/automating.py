"""Automations with the triggers of the integration."""

from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.setup import async_setup_component

from custom_components.ip_intercom.const import DOMAIN
from custom_components.ip_intercom.trigger import TRIGGERS

type Runs = list[dict[str, Any]]


async def automate(
    hass: HomeAssistant, target: dict[str, Any], *, also_late: bool = False, **options: dict[str, Any]
) -> Runs:
    """Add an automation for each trigger, and return the runs as they come."""
    config = [
        {
            "alias": key,
            "triggers": [
                {
                    "trigger": f"{DOMAIN}.{key}",
                    "target": target,
                    "options": {"also_late": also_late} | options.get(key, {}),
                }
            ],
            "actions": [{"event": "ran", "event_data": {"key": key, "late": "{{ trigger.late | default(none) }}"}}],
            "mode": "queued",
        }
        for key in TRIGGERS
    ]
    assert await async_setup_component(hass, "automation", {"automation": config})
    await hass.async_block_till_done()
    runs: Runs = []

    @callback
    def append(event: Event) -> None:
        runs.append(dict(event.data))

    hass.bus.async_listen("ran", append)
    return runs


def counts(runs: Runs) -> dict[str, int]:
    keys = [run["key"] for run in runs]
    return {key: keys.count(key) for key in keys}


def device_target(entry: ConfigEntry) -> dict[str, Any]:
    return {"device_id": entry.runtime_data.coordinator.device_id}
