"""The Akuvox devices of the demo: a simulator for each dialect, in a process of its own, and its entry."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .entry import DOMAIN, Entry, ports
from .home_assistant import HomeAssistant

LOCALHOST = "127.0.0.1"

# The three logins of a device: of its API, of its pictures, and of *Open Relay via HTTP*.
API = ("admin", "pw-Gr4nite-58")
RTSP = ("admin", "pw-V1deo-33")
OPENING = ("opener", "pw-R3lay-76")

_BUTTON = {"Config.Programable.SOFTKEY01.LocalParam1": "192.168.1.20"}
_PICTURES = {"Config.DoorSetting.RTSP.Password": RTSP[1]}
_OPENING = {
    "Config.DoorSetting.RELAY.HttpTrig": "1",
    "Config.DoorSetting.RELAY.UserName": OPENING[0],
    "Config.DoorSetting.RELAY.Password": OPENING[1],
}
_LOCATION = "Config.DoorSetting.DEVICENODE.Location"


@dataclass(frozen=True, slots=True)
class Plan:
    """A device: what its installer has set, and the options that it gets in Home Assistant."""

    dialect: str
    name: str
    config: Mapping[str, str] = field(default_factory=dict)
    push: bool = False
    # Its port for pictures, and the logins beside that of the API, are entered.
    has_options: bool = True


PLANS = (
    Plan("e16c", "Side door", _BUTTON | _PICTURES, push=True),
    Plan("r29", "Lobby", _BUTTON | _PICTURES | _OPENING | {"Config.DoorSetting.RELAY.RelayADelay": "5"}),
    Plan("e18", "Courtyard", _BUTTON, has_options=False),
    Plan("a_series", "Cellar", has_options=False),
    Plan("it83", "Hallway", _OPENING),
)
PUSHING, POLLED, LOGGED, CELLAR, MONITOR = (plan.dialect for plan in PLANS)


class Akuvox(Entry):
    """One simulated device, and what Home Assistant has made of it."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        """Nothing runs yet; what the process says goes into `folder`."""
        super().__init__(plan.name, folder / f"akuvox-{plan.dialect}.log")
        self.plan = plan
        self.addresses: Mapping[str, str | None] = {}
        self.state_file = folder / f"akuvox-{plan.dialect}.state"

    async def start(self, folder: Path) -> None:
        """Start the simulator, with `folder` as the working directory."""
        config = {_LOCATION: self.plan.name, **self.plan.config}
        settings = [part for key, value in config.items() for part in ("--config", f"{key}={value}")]
        self.addresses = await self.run(
            folder, "tests.simulators.akuvox", "--dialect", self.plan.dialect, "--username", API[0],
            "--password", API[1], "--whitelist", LOCALHOST, "--state", str(self.state_file),
            *ports(self.addresses, "http", "https", "camera", "control"), *settings,
        )  # fmt: skip

    async def restart(self, folder: Path) -> None:
        """Kill the simulator, and start it again at the same addresses and with its logs."""
        await self.process.kill()
        await self.control.__aexit__(None, None, None)
        await self.start(folder)

    async def add(self, home: HomeAssistant) -> None:
        """Add it through the config flow, and set its options through theirs."""
        username, password = API
        result = await home.add(
            DOMAIN,
            {
                "host": f"http://{self.addresses['http']}",
                "username": username,
                "password": password,
                "security": {"verify_ssl": False},
            },
            step="device",
        )
        await self.adopt(home, result)
        if self.plan.has_options:
            await self.choose(home, self._options(), probe="door_A_door")

    def _options(self) -> dict[str, Any]:
        camera = self.addresses["camera"]
        stream = {} if camera is None else {
            "stream_username": RTSP[0], "stream_password": RTSP[1], "picture_port": int(camera.rpartition(":")[2]),
        }  # fmt: skip
        opening = {"opening_username": OPENING[0], "opening_password": OPENING[1]}
        return {"push": self.plan.push, "show_names": True, "stream": stream, "opening": opening}
