"""What an entry leaves behind when it is reloaded again and again."""

import asyncio
from collections.abc import Awaitable, Callable
import gc
import os
from pathlib import Path
import threading
from unittest.mock import NonCallableMock

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store

from tests.demo.memory import memory

# The long run: IP_INTERCOM_RELOADS=500.
RELOADS = int(os.environ.get("IP_INTERCOM_RELOADS", "4"))
WARM_UP = 3 if RELOADS < 100 else 40
# Reloads after which garbage is collected, and what the simulator keeps is forgotten.
COLLECT = 10
# Looks for what is left at the end: a poll may be under way.
LOOKS = 5
# Seconds after each reload: idle connections are closed by then.
PAUSE = 30.0
PACKAGE = "custom_components.ip_intercom"
# What is kept on purpose, with each visitor.
KEPT = {"Visitor"}
# KiB that the memory of this process may grow by with each reload: simulated phones keep what they heard. A whole entry has 250.
MEMORY = 160


def held(hass: HomeAssistant) -> dict[str, int]:
    """Count what a leak would pile up: tasks, listeners, timers, sockets, files, threads, and objects of the integration."""
    gc.collect()
    kinds: dict[str, int] = {}
    for thing in gc.get_objects():
        kind = type(thing)
        if str(kind.__module__).startswith(PACKAGE):  # that of some C types is no text
            kinds[kind.__name__] = kinds.get(kind.__name__, 0) + 1
    opened = [str(file.readlink()) for file in Path("/proc/self/fd").iterdir() if file.is_symlink()]
    timers = hass.loop._scheduled  # type: ignore[attr-defined]
    return {
        **kinds,
        "tasks": len(asyncio.all_tasks()),
        "listeners": sum(hass.bus.async_listeners().values()),
        "timers": sum(not timer.cancelled() for timer in timers),
        "sockets": sum(file.startswith("socket:") for file in opened),
        "files": sum(not file.startswith("socket:") for file in opened),
        "threads": threading.active_count(),
    }


def forget_writes() -> None:
    """Forget the stored files: the mock of the harness keeps each version."""
    write = Store._async_write_data
    if isinstance(getattr(write, "mock", None), NonCallableMock):
        write.mock.reset_mock()  # type: ignore[attr-defined]


async def growth_over_reloads(
    hass: HomeAssistant,
    entry: ConfigEntry,
    rest: Callable[[], object],
    use: Callable[[], Awaitable[object]] | None = None,
) -> tuple[dict[str, int], str]:
    """Reload an entry, each time while ``use`` is under way; return what there is more of than after a few reloads, and a report."""
    gc.freeze()  # what earlier tests left
    before, mib = dict[str, int](), 0.0
    for number in range(WARM_UP + RELOADS):
        if number == WARM_UP:
            before, mib = held(hass), memory(os.getpid())
        if number % COLLECT == COLLECT - 1:
            gc.collect()  # tests/conftest.py turned it off
            rest()
            forget_writes()
        if use is not None:
            await use()
        assert await hass.config_entries.async_reload(entry.entry_id)
        await hass.async_block_till_done()
        assert entry.state is ConfigEntryState.LOADED
        await asyncio.sleep(PAUSE)
    named = ("tasks", "listeners", "timers", "sockets", "files", "threads")
    for _ in range(LOOKS):
        after = held(hass)
        # Less than one for each reload is no leak: a task or connection may be on its way.
        grown = {name: n for name, n in after.items() if n - before.get(name, 0) >= RELOADS and name not in KEPT}
        if not grown:
            break
        await asyncio.sleep(PAUSE)
    kib = round(1024 * (memory(os.getpid()) - mib))
    report = ", ".join(f"{name} {before[name]} → {after[name]}" for name in named)
    if RELOADS >= 100 and kib > MEMORY * RELOADS:
        grown["KiB"] = kib
    return grown, f"{RELOADS} reloads: {report}, memory {kib:+d} KiB"
