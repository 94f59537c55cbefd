"""Home Assistant with this integration, and a simulated 2N to add to it."""

from collections.abc import AsyncGenerator

from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.common import add_intercom
from tests.simulators.two_n import MODELS, Simulator


@pytest.fixture(autouse=True)
def integration(enable_custom_integrations: None) -> None:
    """Let Home Assistant find this repository's integration."""


@pytest.fixture
def sockets(socket_enabled: None) -> None:
    """Let simulators listen on 127.0.0.1, which the Home Assistant plugin forbids by default."""


@pytest.fixture
async def sim(sockets: None) -> AsyncGenerator[Simulator]:
    """A Verso."""
    async with Simulator("verso") as simulator:
        yield simulator


@pytest.fixture(params=sorted(MODELS))
async def any_model(request: pytest.FixtureRequest, sockets: None) -> AsyncGenerator[Simulator]:
    """Each of the models in turn."""
    async with Simulator(request.param) as simulator:
        yield simulator


@pytest.fixture
async def entry(hass: HomeAssistant, sim: Simulator) -> MockConfigEntry:
    """The Verso, added to Home Assistant and followed."""
    return await add_intercom(hass, sim)
