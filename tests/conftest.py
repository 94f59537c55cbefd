"""Home Assistant with this integration, and a simulated 2N to add to it."""

from asyncio import AbstractEventLoop
from collections.abc import AsyncGenerator, Generator
from functools import cache
import gc
import logging
import os
from pathlib import Path
import ssl
import tempfile
from typing import Any
from unittest.mock import patch

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import mock_storage
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
import slugify

from custom_components.ip_intercom.const import DOMAIN
from custom_components.ip_intercom.entity import IntercomEntity
from custom_components.ip_intercom.helpers import failures as refusals
from tests.clock import SkippingLoop
from tests.common import add_intercom
from tests.demo.memory import free_memory, memory
from tests.simulators.two_n import MODELS, Simulator

# Collections take a fifth of the time of all tests, which leave about a MiB each.
gc.disable()
# The harness writes all that Home Assistant logs to a terminal that pytest captures: a twelfth of the time. Tests that read
# the log have the fixture ``caplog``, which sets its level.
logging.getLogger().handlers.clear()
logging.getLogger().setLevel(logging.WARNING)
# For each name with letters outside of ASCII, slugify tries to import a package that is not installed.
vars(slugify)["slugify"] = cache(slugify.slugify)


def pytest_collection_finish() -> None:
    """Leave all that was imported out of the collections."""
    gc.freeze()


def pytest_sessionfinish() -> None:
    """Leave out of pytest's last collection what ends with the process."""
    gc.freeze()


@pytest.fixture(scope="session")
def _asyncio_loop_factory() -> type[AbstractEventLoop]:
    """Run every test on the shared clock.

    This is the fixture behind the hook ``pytest_asyncio_loop_factories``. With the hook, pytest-asyncio creates the fixtures
    of the session again for each test.
    """
    return SkippingLoop


@pytest.fixture(scope="session")
def most_memory() -> float:
    """The memory of this process from which on garbage is collected: all processes may take half of what is free."""
    return memory(os.getpid()) + free_memory() / 2 / int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))


@pytest.fixture(autouse=True, scope="module")
def garbage_collection(most_memory: float) -> None:
    """Replace the collection of the harness before each module."""
    if memory(os.getpid()) > most_memory:
        gc.collect()
        gc.freeze()


@pytest.fixture(scope="session")
def config_dirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the config folders."""
    return tmp_path_factory.mktemp("config")


@pytest.fixture
def hass_config_dir(config_dirs: Path) -> str:
    """Return a folder of this test for the files of Home Assistant, such as pictures.

    Not by ``mktemp`` of pytest, which lists all existing folders each time.
    """
    return tempfile.mkdtemp(dir=config_dirs)


# The harness creates these two mocks for each test, which takes a third of the time of the fixture ``hass``. Tests share
# only the mocks: nothing looks at the calls of those of the server, and each test begins with an empty storage.
@pytest.fixture(autouse=True, scope="module")
def disable_http_server() -> Generator[None]:
    """Do not start the HTTP server of Home Assistant."""
    server = "homeassistant.components.http.HomeAssistantHTTP"
    with patch(f"{server}.async_bind"), patch(f"{server}.start"):
        yield


@pytest.fixture(scope="module")
def storage() -> Generator[dict[str, Any]]:
    """Replace the files in the storage of Home Assistant; tests use ``hass_storage``."""
    with mock_storage() as files:
        yield files


@pytest.fixture
def hass_storage(storage: dict[str, Any]) -> dict[str, Any]:
    """Return the empty storage of this test."""
    storage.clear()
    return storage


@pytest.fixture(autouse=True)
def integration(request: pytest.FixtureRequest) -> None:
    """Let Home Assistant find this repository's integration, in tests that have a Home Assistant."""
    if "hass" in request.fixturenames:
        request.getfixturevalue("enable_custom_integrations")


@pytest.fixture(autouse=True)
def all_entities(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Enable every entity; a test of the defaults has the marker ``default_entities``."""
    if "default_entities" not in request.keywords:
        monkeypatch.setattr("homeassistant.helpers.entity.Entity.entity_registry_enabled_default", True)


@pytest.fixture(autouse=True)
def state_changes_are_written(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """Fail if an entity's state changes without being written: ``shows`` lacks a part of the state that it uses."""
    update, stale = IntercomEntity._handle_coordinator_update, []

    def checked(entity: IntercomEntity) -> None:
        update(entity)
        changed, shows = entity.coordinator.changed_parts, entity.shows
        if changed is None or shows is None or not changed.isdisjoint(shows):
            return
        if (written := entity.hass.states.get(entity.entity_id)) is None:
            return
        now = entity._async_calculate_state()
        if (now.state, now.attributes) != (written.state, written.attributes):
            stale.append(f"{type(entity).__name__} after {sorted(changed)}: {now} {written}")

    monkeypatch.setattr(IntercomEntity, "_handle_coordinator_update", checked)
    yield
    assert stale == []


@pytest.fixture(autouse=True)
def enable_event_loop_debug() -> None:
    """Leave asyncio's debug mode off: it takes as much time as all else. ``PYTHONASYNCIODEBUG=1`` turns it on."""


@pytest.fixture
def sockets(socket_enabled: None, refused_handshakes: None) -> None:
    """Allow simulators to listen on 127.0.0.1, which the Home Assistant plugin forbids by default.

    A TLS handshake that is aborted because a device becomes unreachable is not a failure.
    """


@pytest.fixture
async def sim(sockets: None) -> AsyncGenerator[Simulator]:
    """A simulated 2N IP Verso."""
    async with Simulator("verso") as simulator:
        yield simulator


@pytest.fixture(params=sorted(MODELS))
async def any_model(request: pytest.FixtureRequest, sockets: None) -> AsyncGenerator[Simulator]:
    """A simulated 2N of each model."""
    async with Simulator(request.param) as simulator:
        yield simulator


@pytest.fixture
def over_tls() -> bool:
    """Whether the Verso is added over HTTPS; modules of tests about certificates replace it."""
    return False


@pytest.fixture
async def entry(hass: HomeAssistant, sim: Simulator, over_tls: bool) -> ConfigEntry:
    """The config entry of the Verso; its events are delivered."""
    added: ConfigEntry = await add_intercom(hass, sim, secure=over_tls)
    return added


@pytest.fixture
def refused_handshakes(hass: HomeAssistant) -> Generator[None]:
    """Ignore errors of the simulator in a TLS handshake that the client aborts."""
    report = hass.loop.get_exception_handler()

    def handle(loop: AbstractEventLoop, context: dict[str, Any]) -> None:
        if not isinstance(context.get("exception"), (ConnectionResetError, ssl.SSLError)) and report is not None:
            report(loop, context)

    hass.loop.set_exception_handler(handle)
    yield
    hass.loop.set_exception_handler(report)


@pytest.fixture
def quick_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be certain soon that a login is refused."""
    monkeypatch.setattr(refusals, "RETRY_DELAY", 0.1)
    monkeypatch.setattr(refusals, "_SPAN", 0.2)


@pytest.fixture
async def local_url(hass: HomeAssistant, hass_client_no_auth: ClientSessionGenerator) -> str:
    """Start the HTTP server of Home Assistant, and return its internal URL."""
    # Views cannot be registered once the server runs.
    components = (
        "websocket_api",
        "media_source",
        "repairs",
        "diagnostics",
        "camera",
        "image",
        "calendar",
        "media_player",
    )
    for component in (*components, DOMAIN):
        assert await async_setup_component(hass, component, {})
    client = await hass_client_no_auth()
    url = str(client.make_url("/")).rstrip("/")
    hass.config.internal_url = url
    return url


@pytest.fixture
def files(hass: HomeAssistant, tmp_path: Path) -> Path:
    """A directory in the allowlist of Home Assistant."""
    hass.config.allowlist_external_dirs = {str(tmp_path)}
    return tmp_path
