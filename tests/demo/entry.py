"""What the demo adds to Home Assistant: a simulator in a process of its own, and its entry."""

from collections.abc import Mapping
import json
import os
from pathlib import Path
import sys
from typing import Any

from .home_assistant import HomeAssistant
from .process import Process
from .simulator import SimulatorControl

DOMAIN = "ip_intercom"
RELOAD = 60.0


def ports(addresses: Mapping[str, str | None], *names: str) -> list[str]:
    """Return the options with which a simulator listens on the same ports again; none before its first start."""
    known = {name: address for name in names if (address := addresses.get(name)) is not None}
    return [part for name, at in known.items() for part in (f"--{name}-port", at.rpartition(":")[2])]


class Entry:
    """A simulated device or account, and its entry in Home Assistant."""

    control: SimulatorControl

    def __init__(self, name: str, log: Path) -> None:
        """Nothing runs yet; what the process says goes into `log`."""
        self.name = name
        self.process = Process(name, log)
        self.entry_id = ""
        self.title = ""
        self.device_id = ""
        self.entities: dict[str, str] = {}

    async def run(self, folder: Path, *command: str) -> dict[str, Any]:
        """Start a simulator as by its command line, with `folder` as the working directory; gives its addresses."""
        ready = await self.process.start(
            sys.executable, "-m", *command, folder=folder, environment=dict(os.environ), speaks=True
        )
        if not ready:
            raise AssertionError(f"the simulator of {self.name} did not start")
        addresses: dict[str, Any] = json.loads(ready)
        self.control = SimulatorControl(addresses["control"])
        return addresses

    async def adopt(self, home: HomeAssistant, result: dict[str, Any]) -> None:
        """Store the result of the config flow."""
        if result["type"] != "create_entry":
            raise AssertionError(f"the config flow of {self.name} says {result}")
        self.entry_id = result["result"]["entry_id"]
        self.title = result["title"]
        self.device_id = await home.device_of(self.entry_id)
        self.entities = await home.entities_of(self.entry_id)

    async def choose(self, home: HomeAssistant, options: dict[str, Any], *, probe: str) -> None:
        """Set its options; an entity, `probe`, shows when they are in effect.

        What is to be forwarded is brought to the address that they tell.
        """
        async with home.reloading(self.entities[probe], RELOAD, self.name):
            shown = await home.set_options(self.entry_id, options)
            if shown["type"] == "form":
                await self.control.do("push_to", url=shown["description_placeholders"]["address"])
                shown = await home.continue_options(shown["flow_id"], {})
            if shown["type"] != "create_entry":
                raise AssertionError(f"the options flow of {self.name} says {shown}")
        self.entities = await home.entities_of(self.entry_id)

    async def stop(self) -> None:
        """End it."""
        await self.process.stop()
        if hasattr(self, "control"):
            await self.control.__aexit__(None, None, None)
