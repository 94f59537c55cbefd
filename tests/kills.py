"""Kills of Home Assistant during events, without its process: files written at an orderly end are restored."""

import asyncio
from collections.abc import Callable
from copy import deepcopy
import time
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Event, HomeAssistant, callback

from custom_components.ip_intercom.const import DOMAIN, EVENT_LOG
from tests.common import until

# Seconds that a cursor may be behind: the promised one, and what a busy machine needs.
BEHIND = 1.0 + 0.5
LIVES = (0.4, 1.3, 0.8, 1.9)


def stored(entry: ConfigEntry, storage: dict[str, Any]) -> Any:
    """Return a copy of what is stored of an entry now."""
    return deepcopy(storage.get(f"{DOMAIN}.{entry.entry_id}"))


async def kill(hass: HomeAssistant, entry: ConfigEntry, storage: dict[str, Any], kept: Any = None) -> None:
    """End an entry as a kill of the process does.

    ``kept`` is what was on disk then; what is there now by default.
    """
    kept = kept or stored(entry, storage)
    await hass.config_entries.async_unload(entry.entry_id)
    storage[f"{DOMAIN}.{entry.entry_id}"] = kept


async def survive_kills(
    hass: HomeAssistant,
    entry: ConfigEntry,
    storage: dict[str, Any],
    happen: Callable[[], object],
    key_of: Callable[[Event], object | None],
    pause: float,
) -> None:
    """Let events happen without a pause while Home Assistant is killed again and again, and expect each of them.

    Args:
        hass: Home Assistant.
        entry: Followed, with a cursor that covers all that there was before.
        storage: What is on disk.
        happen: Makes an event, and returns its key.
        key_of: Returns the key of an event on the bus, None for others.
        pause: Seconds between two events.
    """
    happened: list[object] = []
    told: list[tuple[float, object, Event]] = []

    @callback
    def take(event: Event) -> None:
        if (key := key_of(event)) is not None:
            told.append((time.monotonic(), key, event))

    async def go_on() -> None:
        while True:
            happened.append(happen())
            await asyncio.sleep(pause)

    hass.bus.async_listen(EVENT_LOG, take)
    going = asyncio.create_task(go_on())
    try:
        for lived in LIVES:
            await asyncio.sleep(lived)
            killed_at = time.monotonic()
            await kill(hass, entry, storage)
            before = {key: at for at, key, _ in told}
            seen = len(told)
            await hass.config_entries.async_setup(entry.entry_id)
            newest = happened[-1]
            await until(lambda newest=newest: any(key == newest for _, key, _ in told), "the events after a kill")  # type: ignore[misc]  # one lambda for each life
            for _, key, event in told[seen:]:
                if key in before:
                    assert killed_at - before[key] <= BEHIND, f"{key} came again, {killed_at - before[key]:.1f} s old"
                    assert event.data["late"]
    finally:
        going.cancel()
    await until(lambda: {key for _, key, _ in told} >= set(happened), "all events")
    ids: dict[object, set[str]] = {}
    for _, key, event in told:
        assert event.data["id"], event.data
        ids.setdefault(key, set()).add(event.data["id"])
    assert all(len(found) == 1 for found in ids.values()), "an event that came again has another id"
    assert len({min(found) for found in ids.values()}) == len(ids), "two events have the same id"
