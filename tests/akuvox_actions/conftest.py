"""Simulated Akuvox devices, added to Home Assistant."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from homeassistant.config_entries import SOURCE_USER, ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest

from custom_components.ip_intercom.api.akuvox import exchange
from custom_components.ip_intercom.const import DOMAIN
from tests.common import command, refusal, user_input
from tests.simulators.akuvox import Redirect, Simulator


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
        """Call an action that fails, and return the key of the sentence."""
        return await refusal(self.hass, self.entry, action, **data)

    def asked(self, function: str) -> int:
        """Return how often a function was asked for since the last time."""
        requests = self.sim.requests
        self.sim.clear_requests()
        return sum(request.function == function for request in requests)


type Add = Callable[..., Awaitable[Intercom]]


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask as fast as a device bears that is not fragile."""
    monkeypatch.setattr(exchange, "PACE", 0.0)


@pytest.fixture
async def add(hass: HomeAssistant, sockets: None, refused_handshakes: None) -> AsyncGenerator[Add]:
    """Add devices of any dialect, which are let go with the test."""
    async with AsyncExitStack() as stack:

        async def add(dialect: str = "a_series", **settings: Any) -> Intercom:
            settings.setdefault("whitelist", ["127.0.0.1"])
            sim = await stack.enter_async_context(Simulator(dialect, **settings))
            sim.pipeline.throttle = 0
            secure = sim.dialect.redirect is Redirect.HTTPS
            address = f"https://{sim.https_address}" if secure else f"http://{sim.http_address}"
            result: Any = await hass.config_entries.flow.async_init(
                DOMAIN, context={"source": SOURCE_USER}, data=user_input(address, "admin", "httpapi")
            )
            assert result["type"] is FlowResultType.CREATE_ENTRY, result
            await hass.async_block_till_done()
            entry: ConfigEntry = result["result"]
            stack.push_async_callback(hass.config_entries.async_unload, entry.entry_id)
            return Intercom(hass, sim, entry)

        yield add


@pytest.fixture
async def intercom(add: Add) -> Intercom:
    """A device that behaves as the manual says, a hundred times as fast."""
    return await add(speed=100)
