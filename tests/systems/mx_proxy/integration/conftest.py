"""A simulated MX Proxy, and Home Assistant to add an extension to."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest

from custom_components.ip_intercom.systems.mx_proxy import log
from tests.common import created_with, enter, webhook_of
from tests.simulators.mx_proxy import APPS, LOGIN, PASSWORD, Form, Simulator

UNVERIFIED = {"security": {"verify_ssl": False}}
(CLIENT,) = APPS
ACCOUNT = {"client_id": CLIENT, "client_secret": APPS[CLIENT], "username": LOGIN, "password": PASSWORD}
BEN = {**ACCOUNT, "username": "ben@office.test", "password": "pbx-ben"}

type Start = Callable[..., Awaitable[Simulator]]


@pytest.fixture
def no_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Poll the log and the mailbox only after a push."""
    monkeypatch.setattr(log, "_CALL_LOG_INTERVALS", (600.0, 600.0))
    monkeypatch.setattr(log, "_VOICEMAIL_INTERVALS", (600.0, 600.0))


@pytest.fixture
async def device(sockets: None) -> AsyncGenerator[Start]:
    """Start simulated servers, which end with the test."""
    async with AsyncExitStack() as stack:

        async def start(**settings: Any) -> Simulator:
            sim = await stack.enter_async_context(Simulator(**settings))
            sim.set_reconnect(0.3)
            return sim

        yield start


def user_input(sim: Simulator, **account: str) -> dict[str, Any]:
    """Return what a person enters to add the first user's extension; ``account`` differs."""
    return {"host": sim.url, **ACCOUNT, **account, **UNVERIFIED}


async def add(
    hass: HomeAssistant, sim: Simulator, account: dict[str, str] | None = None, **options: Any
) -> ConfigEntry:
    """Add an extension through the config flow, with options."""
    with created_with(options):
        result = await enter(hass, user_input(sim, **(account or {})), "mx_proxy")
    assert result["type"] is FlowResultType.CREATE_ENTRY, result
    await hass.async_block_till_done()
    entry: ConfigEntry = result["result"]
    return entry


async def pushing(hass: HomeAssistant, sim: Simulator, url: str, form: Form = Form.BARE, **options: Any) -> ConfigEntry:
    """Add an extension whose events are forwarded to its webhook."""
    entry = await add(hass, sim, push=True, **options)
    sim.push_to(await webhook_of(entry, url), form)
    return entry


@pytest.fixture
async def sim(device: Start) -> Simulator:
    """A proxy with an office behind it."""
    return await device()


@pytest.fixture
async def entry(hass: HomeAssistant, sim: Simulator) -> ConfigEntry:
    """The first user's extension, to which nothing is pushed."""
    return await add(hass, sim)


@pytest.fixture
async def pushed(hass: HomeAssistant, sim: Simulator, local_url: str) -> ConfigEntry:
    """The first user's extension, with a forwarder of pushes."""
    return await pushing(hass, sim, local_url)
