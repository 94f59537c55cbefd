"""What simulated devices show: the entities and features of each system, as `tests/data/inventory` records them.

A test of each system compares the record with what Home Assistant finds; `scripts/api-docs --record` writes it again.
"""

from collections.abc import Iterable
from dataclasses import fields
import json
import os
from pathlib import Path
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

FOLDER = Path(__file__).parents[1] / "data" / "inventory"
# Set by scripts/api-docs --record.
RECORD = "IP_INTERCOM_RECORD"
# The systems and what they are called in texts.
SYSTEMS = {"two_n": "2N", "akuvox": "Akuvox", "mx_proxy": "MX Proxy", "smartyard": "SmartYard"}

type Found = dict[str, dict[str, Any]]


def recorded(system: str) -> dict[str, Any]:
    """Return the record of a system."""
    content: dict[str, Any] = json.loads((FOLDER / f"{system}.json").read_text(encoding="utf-8"))
    return content


def entities_of(hass: HomeAssistant, entry: ConfigEntry) -> Found:
    """Return the entities of an entry by platform and translation key."""
    found: Found = {}
    for entity in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id):
        # An entity without a name of its own is named by its device class.
        name = entity.translation_key or entity.original_device_class
        details = found.setdefault(f"{entity.domain}.{name}", {"enabled": []})
        enabled = entity.disabled_by is not er.RegistryEntryDisabler.INTEGRATION
        details["enabled"] = sorted({*details["enabled"], enabled})
        if entity.entity_category is not None:
            details["category"] = str(entity.entity_category)
        if kinds := (entity.capabilities or {}).get("event_types"):
            details["event_types"] = sorted({*details.get("event_types", ()), *map(str, kinds)})
    return found


def merged(parts: Iterable[Found]) -> Found:
    """Return the entities of several devices of one system."""
    everything: Found = {}
    for part in parts:
        for name, details in part.items():
            known = everything.setdefault(name, {"enabled": []})
            for key in ("enabled", "event_types"):
                if key in details:
                    known[key] = sorted({*known.get(key, ()), *details[key]})
            if "category" in details:
                known["category"] = details["category"]
    return dict(sorted(everything.items()))


def check(hass: HomeAssistant, system: str, entries: Iterable[ConfigEntry]) -> None:
    """Compare what entries show with the record of their system, or write the record."""
    entries = list(entries)
    features = set()
    for entry in entries:
        found = entry.runtime_data.coordinator.features
        features |= {field.name for field in fields(found) if getattr(found, field.name) is not None}
    shown = merged(entities_of(hass, entry) for entry in entries)
    now = {"entities": shown, "features": sorted(features)}
    if os.environ.get(RECORD):
        FOLDER.mkdir(exist_ok=True)
        # One entity a line.
        rows = ",\n".join(f"    {json.dumps(name)}: {json.dumps(row)}" for name, row in shown.items())
        text = f'{{\n  "entities": {{\n{rows}\n  }},\n  "features": {json.dumps(sorted(features))}\n}}\n'
        (FOLDER / f"{system}.json").write_text(text, encoding="utf-8")
    assert now == recorded(system), "run scripts/api-docs --record"
