"""A simulated SmartYard, and Home Assistant to add an account to."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from homeassistant.components import camera as camera_component
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest

from tests.common import created_with, enter, webhook_of
from tests.simulators.smartyard import PHONE, Form, Simulator
from tests.simulators.smartyard.telephony import Telephony

UNVERIFIED = {"security": {"verify_ssl": False}}

type Start = Callable[..., Awaitable[Simulator]]


@pytest.fixture
async def device(sockets: None) -> AsyncGenerator[Start]:
    """Start simulated servers, which end with the test; their journals are written at once."""
    async with AsyncExitStack() as stack:

        async def start(**settings: Any) -> Simulator:
            sim = await stack.enter_async_context(Simulator(**settings))
            sim.set_log_delay(0)
            return sim

        yield start


def user_input(sim: Simulator, phone: str = PHONE) -> dict[str, Any]:
    """Return what a person enters to add an account."""
    return {"host": sim.url, "phone": f"+{phone}", **UNVERIFIED}


async def log_in(hass: HomeAssistant, sim: Simulator, phone: str = PHONE) -> Any:
    """Add an account through the config flow, by a code, and return what comes of it."""
    result = await enter(hass, user_input(sim, phone), "smartyard")
    assert result["step_id"] == "smartyard_code", result
    result = await hass.config_entries.flow.async_configure(result["flow_id"], {"code": sim.code_of(phone)})
    await hass.async_block_till_done()
    return result


async def add(hass: HomeAssistant, sim: Simulator, phone: str = PHONE, **options: Any) -> ConfigEntry:
    """Add an account through the config flow, with options."""
    with created_with(options):
        result = await log_in(hass, sim, phone)
    assert result["type"] is FlowResultType.CREATE_ENTRY, result
    entry: ConfigEntry = result["result"]
    return entry


async def pushing(hass: HomeAssistant, sim: Simulator, url: str, form: Form = Form.FCM, **options: Any) -> ConfigEntry:
    """Add an account whose pushes are forwarded to its webhook."""
    entry = await add(hass, sim, push=True, **options)
    sim.push_to(await webhook_of(entry, url), form)
    return entry


@pytest.fixture
async def sim(device: Start) -> Simulator:
    """A server with two houses."""
    return await device()


@pytest.fixture
async def entry(hass: HomeAssistant, sim: Simulator) -> ConfigEntry:
    """The account of a user with two flats, to which nothing is pushed."""
    return await add(hass, sim)


@pytest.fixture
async def pushed(hass: HomeAssistant, sim: Simulator, local_url: str) -> ConfigEntry:
    """The same account, with a forwarder of pushes."""
    return await pushing(hass, sim, local_url)


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """Stands for the class that came with Home Assistant 2026.11."""

    two_way_audio: bool = False


@pytest.fixture
def capabilities(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let cameras have capabilities in Home Assistant 2026.10, too."""
    if not hasattr(camera_component, "CameraEntityCapabilities"):
        monkeypatch.setattr(camera_component, "CameraEntityCapabilities", Capabilities, raising=False)


@pytest.fixture
async def phones(sim: Simulator) -> Telephony:
    """The phone server of the operator."""
    phones = await sim.start_telephony()
    phones.formats = "0 8 101"
    return phones


@pytest.fixture
async def talking(
    capabilities: None, hass: HomeAssistant, sim: Simulator, phones: Telephony, local_url: str
) -> ConfigEntry:
    """An account with *Talk*."""
    return await pushing(hass, sim, local_url, talk=True)
