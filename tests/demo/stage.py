"""The stage: a temporary directory, the simulators and Home Assistant as processes of their own, what is added to it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
import json
import os
from pathlib import Path
import shutil
import socket
import sys
import tempfile
from typing import Any

from . import witness
from .account import Account
from .akuvox import Akuvox, Plan
from .entry import ports
from .extension import Extension
from .home_assistant import CommandFailed, HomeAssistant
from .process import Process
from .simulator import DeviceClient, SimulatorControl

ROOT = Path(__file__).parents[2]
DOMAIN = "ip_intercom"
HOST = "127.0.0.1"

# The account of Home Assistant at the device, and that of who watches.
ACCOUNT = ("homeassistant", "pw-Tr4pdoor-91")
WATCHER = ("watcher", "pw-W4tch-27")

# The device takes 10 s to write its firmware.
HURRY = {"firmware_apply": 1}

START_TIMEOUT = 120.0
# The exit code with which Home Assistant asks for a restart.
RESTART = 100

CONFIGURATION = """\
homeassistant:
  name: Home
  latitude: 50.1
  longitude: 14.5
  elevation: 250
  unit_system: metric
  time_zone: {time_zone}
  country: CZ
  language: en
  currency: EUR
  internal_url: http://{host}:{port}
  allowlist_external_dirs:
    - {files}
http:
  server_host: {host}
  server_port: {port}
api:
config:
frontend:
{more}logger:
  default: warning
  logs:
    custom_components.ip_intercom: {log_level}
"""
# The checks look at entities that are disabled by default, too. To enable them later would take a reload after 30 s.
ALL_ENTITIES = "all_entities"
ALL_ENTITIES_FILES = {
    "manifest.json": json.dumps({"domain": ALL_ENTITIES, "name": "All entities", "version": "1.0.0"}),
    "__init__.py": """\
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.entity import Entity

CONFIG_SCHEMA = cv.empty_config_schema("all_entities")
Entity.entity_registry_enabled_default = True


async def async_setup(hass, config):
    return True
""",
}
RECORDER = """\
history:
logbook:
recorder:
  commit_interval: 1
"""

# The step that is left out would add four integrations that look for the internet.
ONBOARDING = {"version": 4, "minor_version": 1, "key": "onboarding", "data": {"done": ["core_config"]}}

# Home Assistant's list of actions needs its voice assistant to be importable, whose two audio libraries the package
# index does not have ready-made for every machine.
AUDIO_STAND_INS = {"pymicro_vad": "class MicroVad: ...\n", "pyspeex_noise": "class AudioProcessor: ...\n"}


class Stage:
    """What runs, and where. Made by `set_up`."""

    def __init__(self, folder: Path, port: int, akuvox: Iterable[Plan] = (), *, others: bool = False) -> None:
        """`folder` is temporary, `port` is Home Assistant's; the Akuvox devices are beside the 2N.

        So are `others`: the extension of an exchange and the account of a flat.
        """
        self.folder = folder
        self.config = folder / "config"
        # Where actions may read and write.
        self.files = folder / "files"
        self._modules = folder / "modules"
        self.url = f"http://{HOST}:{port}"
        self.port = port
        self.address = ""
        self.simulator: SimulatorControl
        self.watcher: DeviceClient
        self.home_assistant: HomeAssistant
        self.entry_id = ""
        self.device_id = ""
        self.akuvox = {plan.dialect: Akuvox(plan, folder) for plan in akuvox}
        self.extension = Extension(folder) if others else None
        self.account = Account(folder) if others else None
        self._simulator_process = Process("simulator", folder / "simulator.log")
        self._home_assistant_process = Process("Home Assistant", folder / "output.log")
        self._token: str | None = None
        self._model = ""
        self._ports: list[str] = []
        self._clients = AsyncExitStack()

    @property
    def log(self) -> str:
        """What Home Assistant has logged, over its restarts."""
        return self._home_assistant_process.log.read_text(errors="replace")

    @property
    def pid(self) -> int:
        """The process of Home Assistant."""
        return self._home_assistant_process.pid

    @property
    def state_file(self) -> Path:
        """The log of the 2N on its flash."""
        return self.folder / "two_n.state"

    @property
    def database(self) -> Path:
        """The recorder's database."""
        return self.config / "home-assistant_v2.db"

    def log_tail(self, lines: int = 40) -> str:
        """Return the last log lines of Home Assistant and the simulator."""
        return "\n".join((self._home_assistant_process.tail(lines), self._simulator_process.tail(lines)))

    async def start_simulators(self, model: str) -> None:
        """Start the 2N, and those beside it."""
        await asyncio.gather(self._start_two_n(model), *(other.start(ROOT) for other in self._others))

    @property
    def _others(self) -> list[Akuvox | Extension | Account]:
        return [*self.akuvox.values(), *(other for other in (self.extension, self.account) if other is not None)]

    async def _start_two_n(self, model: str) -> None:
        self._model = model
        accounts = [part for account in (ACCOUNT, WATCHER) for part in ("--account", ":".join(account))]
        kept = ["--state", str(self.state_file), *self._ports]
        timing = [part for name, seconds in HURRY.items() for part in ("--timing", f"{name}={seconds}")]
        ready = await self._simulator_process.start(
            sys.executable, "-m", "tests.simulators.two_n", "--model", model, *accounts, *timing, *kept,
            folder=ROOT, environment=dict(os.environ), speaks=True,
        )  # fmt: skip
        if not ready:
            raise AssertionError("the simulator did not start")
        addresses = json.loads(ready)
        self.address = addresses["http"]
        self._ports = ports(addresses, "http", "control")
        if not hasattr(self, "simulator"):
            self.simulator = SimulatorControl(addresses["control"])
            self.watcher = DeviceClient(self.address, *WATCHER)

    async def restart_two_n(self) -> None:
        """Kill the 2N, and start it again at the same address and with its log."""
        await self._simulator_process.kill()
        await self._start_two_n(self._model)

    def write_configuration(self, more: str, log_level: str, *, all_entities: bool = True, fresh: bool = False) -> None:
        """Write what Home Assistant starts with; `all_entities` enables those that are disabled by default.

        A `fresh` one has neither the integration nor a user.
        """
        if fresh:
            self.config.mkdir()
        else:
            self._write_integration()
        self.files.mkdir()
        text = CONFIGURATION.format(
            host=HOST, port=self.port, files=self.files, time_zone=_time_zone(),
            more=more + (f"{ALL_ENTITIES}:\n" if all_entities else ""), log_level=log_level,
        )  # fmt: skip
        (self.config / "configuration.yaml").write_text(text)
        self._modules.mkdir()
        for name, source in AUDIO_STAND_INS.items():
            (self._modules / f"{name}.py").write_text(source)
        if not fresh:
            storage = self.config / ".storage"
            storage.mkdir()
            (storage / "onboarding").write_text(json.dumps(ONBOARDING))

    def _write_integration(self) -> None:
        shutil.copytree(
            ROOT / "custom_components" / DOMAIN,
            self.config / "custom_components" / DOMAIN,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        helper = self.config / "custom_components" / ALL_ENTITIES
        helper.mkdir()
        for name, source in ALL_ENTITIES_FILES.items():
            (helper / name).write_text(source)

    async def start_home_assistant(self) -> HomeAssistant:
        """Start Home Assistant and log in."""
        client = await self.start_process()
        if self._token is None:
            await client.onboard()
            await self.log_in()
        else:
            await client.connect()
        return client

    async def start_process(self) -> HomeAssistant:
        """Start Home Assistant; its client is not logged in."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        environment["PYTHONPATH"] = str(self._modules)
        await self._home_assistant_process.start(
            sys.executable, "-m", "homeassistant", "--config", str(self.config), "--skip-pip", "--log-no-color",
            folder=self.config, environment=environment,
        )  # fmt: skip
        client = await self._clients.enter_async_context(HomeAssistant(self.url, self._token))
        await self._until(client.answers)
        self.home_assistant = client
        return client

    async def log_in(self, token: str | None = None) -> None:
        """Connect with the token of a login, by default that of the onboarding, and confirm the port."""
        client = self.home_assistant
        client.token = token or client.token
        await client.connect()
        # The token of a login is valid for half an hour only.
        self._token = client.token = await client.command(
            "auth/long_lived_access_token", client_name="Demo", lifespan=1
        )
        # A port from YAML is on trial until a user has logged in through it.
        with suppress(CommandFailed):
            await client.command("http/config/promote")

    async def running(self) -> None:
        """Wait until Home Assistant has started."""

        async def started() -> bool:
            return bool((await self.home_assistant.get("/api/config"))["state"] == "RUNNING")

        await self._until(started)

    async def _until(self, condition: Callable[[], Any]) -> None:
        async with asyncio.timeout(START_TIMEOUT):
            while not await condition():
                if (code := self._home_assistant_process.exit_code) is not None:
                    raise AssertionError(f"Home Assistant ended with exit code {code}")
                await asyncio.sleep(0.1)

    async def start_after_restart(self) -> None:
        """Wait until Home Assistant ends in order to be restarted, and start it as a service manager does."""
        async with asyncio.timeout(START_TIMEOUT):
            while (code := self._home_assistant_process.exit_code) is None:
                await asyncio.sleep(0.1)
        if code != RESTART:
            raise AssertionError(f"Home Assistant ended with exit code {code}")
        await self._clients.aclose()
        await self.start_home_assistant()

    async def stop_home_assistant(self) -> None:
        """Stop Home Assistant, as a restart does."""
        await self._clients.aclose()
        await self._home_assistant_process.stop()

    async def kill_home_assistant(self) -> None:
        """End Home Assistant as a power cut does."""
        await self._home_assistant_process.kill()
        await self._clients.aclose()

    async def add_intercom(self) -> dict[str, Any]:
        """Add the intercom through the config flow; gives the flow's result."""
        username, password = ACCOUNT
        user_input = {
            "host": self.address,
            "username": username,
            "password": password,
            "security": {"verify_ssl": False},
        }
        result = await self.home_assistant.add(DOMAIN, user_input, step="device")
        if result["type"] != "create_entry":
            raise AssertionError(f"the config flow says {result}")
        self.entry_id = result["result"]["entry_id"]
        self.device_id = await self.home_assistant.device_of(self.entry_id)
        return result

    async def add_akuvox(self) -> None:
        """Add the Akuvox devices, all at once."""
        await asyncio.gather(*(device.add(self.home_assistant) for device in self.akuvox.values()))

    async def add_extension(self) -> None:
        """Add the extension."""
        assert self.extension is not None
        await self.extension.add(self.home_assistant)

    async def add_account(self) -> None:
        """Add the account of a flat."""
        assert self.account is not None
        await self.account.add(self.home_assistant)

    async def entities(self) -> dict[str, str]:
        """Return the ids of the intercom's enabled entities by the key in their unique ids."""
        return await self.home_assistant.entities_of(self.entry_id)

    @property
    def ended(self) -> bool:
        """Has every process ended?"""
        processes = [other.process for other in self._others]
        return not any(process.runs for process in (self._simulator_process, self._home_assistant_process, *processes))

    async def stop(self) -> None:
        """Stop everything."""
        try:
            await self.stop_home_assistant()
        finally:
            await asyncio.gather(self._simulator_process.stop(), *(other.stop() for other in self._others))
            for client in ("simulator", "watcher"):
                if hasattr(self, client):
                    await getattr(self, client).__aexit__(None, None, None)


@asynccontextmanager
async def set_up(
    port: int = 0,
    model: str = "verso",
    more: str = RECORDER,
    log_level: str = "debug",
    akuvox: Iterable[Plan] = (),
    others: bool = False,
    witnessed: bool = False,
) -> AsyncIterator[Stage]:
    """Start simulators and Home Assistant with the frontend and a user; stop and remove everything at the end.

    `more` is added to Home Assistant's configuration, `log_level` is that of the integration, `akuvox` are devices
    beside the 2N, and so are the `others`: the extension of a phone system and the account of a flat. Where it is
    `witnessed`, `witness` is installed.
    """
    with tempfile.TemporaryDirectory(prefix="ip-intercom-demo-", ignore_cleanup_errors=True) as folder:
        stage = Stage(Path(folder), port or free_port(), akuvox, others=others)
        try:
            stage.write_configuration(more, log_level)
            if witnessed:
                witness.install(stage.config)
            await stage.start_simulators(model)
            client = await stage.start_home_assistant()
            await stage.running()
            for issue in (await client.command("repairs/list_issues"))["issues"]:
                notice = {"domain": issue["domain"], "issue_id": issue["issue_id"]}
                await client.command("repairs/ignore_issue", **notice, ignore=True)
            yield stage
        finally:
            await asyncio.shield(stage.stop())


def free_port() -> int:
    """Return a port without a listener."""
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        port: int = sock.getsockname()[1]
    return port


def _time_zone() -> str:
    """Return the time zone of the machine where it has a name."""
    place = Path("/etc/localtime").resolve()
    return "/".join(place.parts[-2:]) if "zoneinfo" in place.parts and len(place.parts) > 5 else "UTC"
