"""What an entry leaves behind when it is reloaded again and again."""

import asyncio
import gc
import os
from pathlib import Path
import threading

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant

# The long run: IP_INTERCOM_RELOADS=500.
RELOADS = int(os.environ.get("IP_INTERCOM_RELOADS", "6"))
WARM_UP = 3
# Seconds after each reload: idle connections are closed by then.
PAUSE = 30.0
PACKAGE = "custom_components.ip_intercom"


def held(hass: HomeAssistant) -> dict[str, int]:
    """Count what a leak would pile up: tasks, listeners, sockets and files, threads, and objects of the integration."""
    gc.collect()
    kinds: dict[str, int] = {}
    for thing in gc.get_objects():
        kind = type(thing)
        if kind.__module__.startswith(PACKAGE):
            kinds[kind.__name__] = kinds.get(kind.__name__, 0) + 1
    return {
        **kinds,
        "tasks": len(asyncio.all_tasks()),
        "listeners": sum(hass.bus.async_listeners().values()),
        "files": len(list(Path("/proc/self/fd").iterdir())),
        "threads": threading.active_count(),
    }


async def growth_over_reloads(hass: HomeAssistant, entry: ConfigEntry) -> dict[str, int]:
    """Reload an entry, and return what there is more of afterwards than after a few reloads."""
    before: dict[str, int] = {}
    for number in range(WARM_UP + RELOADS):
        if number == WARM_UP:
            before = held(hass)
        assert await hass.config_entries.async_reload(entry.entry_id)
        await hass.async_block_till_done()
        assert entry.state is ConfigEntryState.LOADED
        await asyncio.sleep(PAUSE)
    after = held(hass)
    # Less than one for each reload is no leak: a task or connection may be on its way.
    return {name: count for name, count in after.items() if count - before.get(name, 0) >= RELOADS}
