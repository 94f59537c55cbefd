"""A flood of pushes from one address: few are accepted, the loop stays free, and other pushes ring."""

import asyncio
from collections.abc import Callable
import logging
import sys
import time
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers.event import async_track_state_change_event
import pytest
from pytest_homeassistant_custom_component.components.diagnostics import get_diagnostics_for_config_entry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.ip_intercom.runtime.webhook import BURST, RATE
from tests.common import capture_log_events, entity_id, until, webhook_of

# Requests a second, and for how many seconds at least and at most.
FLOOD, SECONDS, LONGEST_FLOOD = 2000, 2.0, 45.0
# Seconds. An idle machine needs a tenth of it; what is measured stands in the test report.
LONGEST_LAG = 2.0


async def lags(stop: asyncio.Event) -> list[tuple[float, float]]:
    """Measure how late the loop wakes up, and its CPU time, until ``stop`` is set."""
    found, pause = [], 0.005
    while not stop.is_set():
        before, busy = time.perf_counter(), time.thread_time()
        await asyncio.sleep(pause)
        found.append((time.perf_counter() - before - pause, time.thread_time() - busy))
    return found


def changes(hass: HomeAssistant, entity: str) -> list[str]:
    """Return a list to which the type of each event of an entity is appended."""
    found: list[str] = []

    @callback
    def changed(event: Event[EventStateChangedData]) -> None:
        if (state := event.data["new_state"]) is not None:
            found.append(str(state.attributes.get("event_type")))

    async_track_state_change_event(hass, entity, changed)
    return found


async def assert_withstands_flood(
    hass: HomeAssistant, entry: ConfigEntry, url: str, hass_client: ClientSessionGenerator,
    caplog: pytest.LogCaptureFixture, report: Callable[[str, object], None],
    *, kind: str, ring: Callable[[], object], bell: str, query: str = "", body: str = "",
) -> None:  # fmt: skip
    """Flood the webhook of an entry from another address, ring meanwhile, and see what comes of it.

    Args:
        kind: The type of the events that the flood would make.
        ring: Has the real device or server push a ring.
        bell: The key of the event entity that rings.
        query: The query of each request of the flood.
        body: Its body.
    """
    await until(lambda: entry.runtime_data.events.following, "the first polls")
    events, rings = capture_log_events(hass), changes(hass, entity_id(hass, entry, "event", bell))
    stop = asyncio.Event()

    def warnings() -> int:
        return sum("pushes" in line.getMessage() and line.levelno == logging.WARNING for line in caplog.records)

    measuring = asyncio.create_task(lags(stop))
    address = await webhook_of(entry, url)
    began = time.monotonic()
    client = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.simulators.common.flood", f"{address}{query}", "--rate", str(FLOOD),
        "--seconds", str(LONGEST_FLOOD), "--body", body,
    )  # fmt: skip
    try:
        await until(lambda: any(event.data["type"] == kind for event in events), "the flood")
        ring()
        await until(lambda: {"ring", "ringing"} & set(rings), "the ring")
        await until(warnings, "a push to be dropped")
        await asyncio.sleep(max(0.0, began + SECONDS - time.monotonic()))
        flooding = client.returncode is None
    finally:
        if client.returncode is None:
            client.terminate()
        await client.wait()
        stop.set()
        late, busy = zip(*await measuring, strict=True)
        worst = max(late)
    taken = [event for event in events if event.data["type"] == kind]
    assert flooding, "the flood ended before the ring"
    assert 0 < len(taken) <= BURST + RATE * (time.monotonic() - began)
    assert worst < LONGEST_LAG, f"{worst:.2f} s, of which {max(busy):.2f} s of CPU"
    assert warnings() == 1, "the flood is logged once"
    diagnostics: Any = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    address_told = diagnostics["push_address"]
    assert address_told["dropped"] > 0
    assert address_told["taken"] >= len(taken)
    report("loop_lag_ms", round(worst * 1000))
    report("loop_busy_ms", round(max(busy) * 1000))
    report("events_taken", len(taken))
    report("pushes_dropped", address_told["dropped"])
