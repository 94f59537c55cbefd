"""Diagnostics without private data."""

from dataclasses import asdict, fields
from typing import Any

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError

from .const import (
    CONF_ACCOUNT,
    CONF_CALL_DEVICE,
    CONF_CLIENT_ID,
    CONF_CLIENT_SECRET,
    CONF_DEVICE_TOKEN,
    CONF_FINGERPRINT,
    CONF_MOBILE_NUMBER,
    CONF_OPENING_PASSWORD,
    CONF_OPENING_USERNAME,
    CONF_PASSWORD,
    CONF_PHONE,
    CONF_PUSH_TOKEN,
    CONF_STREAM_PASSWORD,
    CONF_STREAM_PATH,
    CONF_STREAM_USERNAME,
    CONF_TOKEN,
    CONF_URL,
    CONF_USERNAME,
    CONFS_FCM,
)
from .model.features import Features
from .model.parts import CameraId
from .runtime import IntercomConfigEntry, IntercomRuntime

TO_REDACT = {
    CONF_ACCOUNT,
    CONF_CALL_DEVICE,
    CONF_CLIENT_ID,
    CONF_CLIENT_SECRET,
    CONF_DEVICE_TOKEN,
    CONF_FINGERPRINT,
    CONF_MOBILE_NUMBER,
    CONF_OPENING_PASSWORD,
    CONF_OPENING_USERNAME,
    CONF_PASSWORD,
    CONF_PHONE,
    CONF_PUSH_TOKEN,
    CONF_STREAM_PASSWORD,
    CONF_STREAM_PATH,
    CONF_STREAM_USERNAME,
    CONF_TOKEN,
    CONF_URL,
    CONF_USERNAME,
    *CONFS_FCM,
    "access_code",
    "description",
    "device",
    "discovery_keys",
    "door_codes",
    "extension",
    "id",
    "last_access",
    "last_call",
    "mac",
    "name",
    "note",
    "number",
    "peer",
    "peers",
    "serial",
    "title",
    "unique_id",
}


async def async_get_config_entry_diagnostics(hass: HomeAssistant, entry: IntercomConfigEntry) -> dict[str, Any]:
    """Return the entry, the description of the device, and its state."""
    diagnostics = {"entry": async_redact_data(entry.as_dict(), TO_REDACT)}
    runtime: IntercomRuntime | None = getattr(entry, "runtime_data", None)
    if runtime is None:
        return diagnostics  # never connected
    coordinator = runtime.coordinator
    description = coordinator.description
    try:
        examined = await coordinator.async_command(coordinator.system.examine())
    except HomeAssistantError as err:
        examined = {"unreachable": err.translation_key}
    return diagnostics | {
        "identity": async_redact_data(asdict(description.identity), TO_REDACT),
        "controls": sorted(description.controls),
        "missing": sorted(f"{missing.kind}: {missing.name}" for missing in description.missing),
        "features": [part.name for part in fields(Features) if getattr(coordinator.features, part.name) is not None],
        "pushes": description.pushes,
        "push_address": {
            "taken": runtime.push_address.limiter.accepted,
            "dropped": runtime.push_address.limiter.dropped,
        },
        "examined": dict(examined),
        "talk": _talk(runtime),
        "connected": coordinator.last_update_success,
        "state": async_redact_data(_plain(asdict(coordinator.data)), TO_REDACT - {"id"}),
    }


def _talk(runtime: IntercomRuntime) -> dict[str, Any] | None:
    """Return the state of talk at each camera, and the number of packets from unknown senders; None without talk."""
    if (talk := runtime.coordinator.features.talk) is None:
        return None
    report = talk.examine()
    cameras: dict[CameraId, dict[str, Any]] = {}
    for found in (runtime.talk.statuses, report.lines):
        for camera, part in found.items():
            cameras.setdefault(camera, {}).update(asdict(part))
    return {"cameras": cameras, "ignored": report.ignored}


def _plain(value: Any) -> Any:
    """Return a value with text keys and with lists for sets, for JSON."""
    if isinstance(value, dict):
        return {
            " ".join(map(str, key)) if isinstance(key, tuple) else str(key): _plain(inner)
            for key, inner in value.items()
        }
    if isinstance(value, set | frozenset):
        return sorted(map(_plain, value), key=str)
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value
