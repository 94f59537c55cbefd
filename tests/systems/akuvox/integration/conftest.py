"""Simulated Akuvox devices of each dialect, and Home Assistant to add them to."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest

from custom_components.ip_intercom.systems.akuvox.client import discovery, exchange
from tests.common import created_with, enter, state_of, until, user_input
from tests.simulators.akuvox import Redirect, Simulator

# The number that the call button of a door phone calls.
BUTTON = {"Config.Programable.SOFTKEY01.LocalParam1": "192.168.1.20"}

# An E18 mixes replies that come too close, an R29 refuses more than ten requests a second.
SENSITIVE = frozenset({"e18", "r29"})
# They bear so many times as many here, and get as many: tests/systems/akuvox/client asks them at their real pace.
HURRY = 5.0

type Start = Callable[..., Awaitable[Simulator]]


@pytest.fixture
async def device(sockets: None, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Start]:
    """Start simulated devices, which end with the test; Home Assistant's address is on their whitelists.

    Those that bear it are asked without pauses.
    """
    waits = ((exchange, "PACE"), (exchange, "GAP"), (exchange, "SECOND_TRY"), (discovery, "GAP"))
    usual = {wait: getattr(*wait) for wait in waits}
    async with AsyncExitStack() as stack:

        async def start(
            dialect: str | None = None, *, config: dict[str, str] | None = None, **settings: Any
        ) -> Simulator:
            for (module, name), seconds in usual.items():
                monkeypatch.setattr(module, name, seconds / HURRY)
            if dialect not in SENSITIVE:
                monkeypatch.setattr(exchange, "PACE", 0.0)
                monkeypatch.setattr(discovery, "GAP", 0.0)
            has_phone = dialect != "a_series"
            settings.setdefault("whitelist", ["127.0.0.1"])
            config = (BUTTON if has_phone else {}) | (config or {})
            sim = Simulator(dialect or "e16c", config=config, **settings)
            if dialect is None:
                sim.pipeline.redirect = Redirect.NOWHERE
            sim.pipeline.hurry(HURRY)
            return await stack.enter_async_context(sim)

        yield start


@pytest.fixture
def quick_device(device: Start, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Start door phones without TLS, redirects, pauses, and limits, so that tests are quick."""

    async def start(**settings: Any) -> Simulator:
        sim = await device("r29", **settings)
        monkeypatch.setattr(exchange, "PACE", 0.0)
        monkeypatch.setattr(discovery, "GAP", 0.0)
        sim.pipeline.throttle = 0
        sim.pipeline.redirect = Redirect.NOWHERE
        return sim

    return start


def address_of(sim: Simulator) -> str:
    """Return the address at which a person would reach a device: without a scheme where it has its usual ports."""
    return f"https://{sim.https_address}" if sim.pipeline.redirect is Redirect.HTTPS else f"http://{sim.http_address}"


async def add(hass: HomeAssistant, sim: Simulator, **options: Any) -> ConfigEntry:
    """Add a device through the config flow, with options, and wait until its events are followed."""
    if sim.camera_address is not None:
        options.setdefault("picture_port", int(sim.camera_address.rpartition(":")[2]))
        options.setdefault("stream_username", "admin")
        options.setdefault("stream_password", "admin")
    with created_with(options):
        result = await enter(hass, user_input(address_of(sim), "admin", "httpapi"))
    assert result["type"] is FlowResultType.CREATE_ENTRY, result
    await hass.async_block_till_done()
    entry: ConfigEntry = result["result"]
    return entry


async def shows(hass: HomeAssistant, entry: ConfigEntry, platform: str, key: str, wanted: str) -> None:
    """Wait until an entity shows a state."""
    await until(lambda: state_of(hass, entry, platform, key) == wanted, f"{key} to be {wanted}")
