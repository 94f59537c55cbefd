"""Simulated Akuvox devices, added to Home Assistant."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
import pytest

from custom_components.ip_intercom.systems.akuvox.client import exchange
from tests.common import command, refusal
from tests.simulators.akuvox import Simulator
from tests.systems.akuvox.integration.conftest import Start, add as add_entry


@dataclass(slots=True)
class Intercom:
    """A device and its entry."""

    hass: HomeAssistant
    sim: Simulator
    entry: ConfigEntry

    async def do(self, action: str, **data: Any) -> Any:
        """Call one of our actions and return its response."""
        return await command(self.hass, self.entry, action, **data)

    async def refuses(self, action: str, **data: Any) -> str:
        """Call an action that fails, and return the translation key of the error."""
        return await refusal(self.hass, self.entry, action, **data)

    def asked(self, function: str) -> int:
        """Return how often a function was asked for since the last time."""
        requests = self.sim.requests
        self.sim.clear_requests()
        return sum(request.function == function for request in requests)


type Add = Callable[..., Awaitable[Intercom]]


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the pauses between requests."""
    monkeypatch.setattr(exchange, "PACE", 0.0)


@pytest.fixture
async def add(hass: HomeAssistant, device: Start) -> AsyncGenerator[Add]:
    """Add devices of any dialect, whose entries are unloaded before they end."""
    async with AsyncExitStack() as stack:

        async def add(dialect: str = "a_series", **settings: Any) -> Intercom:
            sim = await device(dialect, **settings)
            sim.pipeline.throttle = 0
            entry = await add_entry(hass, sim)
            stack.push_async_callback(hass.config_entries.async_unload, entry.entry_id)
            return Intercom(hass, sim, entry)

        yield add


@pytest.fixture
async def intercom(add: Add) -> Intercom:
    """A device that follows the manual, at a hundred times the speed."""
    return await add(speed=100)
