"""The telephone extension of the demo: an MX Proxy with a small office behind it, in a process of its own, and its entry."""

import json
import os
from pathlib import Path
import sys
from typing import Any

from .home_assistant import HomeAssistant
from .process import Process
from .simulator import SimulatorControl

DOMAIN = "ip_intercom"

# The application that the administrator registered for Home Assistant, and Anna's account.
APP = ("home-assistant", "pw-Qu4rtz-cl1ent-64")
PERSON = ("anna@office.test", "pw-Basalt-77")
MOBILE = "12025550107"
RELOAD = 60.0


class Extension:
    """One simulated server, and what Home Assistant has made of one extension on it."""

    name = "Extension"

    def __init__(self, folder: Path) -> None:
        """Nothing runs yet; what the process says goes into `folder`."""
        self.process = Process(self.name, folder / "extension.log")
        self.address = ""
        self.control: SimulatorControl
        self.entry_id = ""
        self.device_id = ""
        self.entities: dict[str, str] = {}

    async def start(self, folder: Path) -> None:
        """Start the simulator, with `folder` as the working directory."""
        ready = await self.process.start(
            sys.executable, "-m", "tests.simulators.mx_proxy", "--app", "=".join(APP),
            folder=folder, environment=dict(os.environ), speaks=True,
        )  # fmt: skip
        if not ready:
            raise AssertionError("the simulated exchange did not start")
        addresses = json.loads(ready)
        self.address = addresses["http"]
        self.control = SimulatorControl(addresses["control"])
        await self.control.do("change_password", password=PERSON[1])

    async def add(self, home: HomeAssistant) -> None:
        """Add it through the config flow, and have its exchange push to the address that the options tell."""
        result = await home.add(
            DOMAIN,
            {
                "host": f"http://{self.address}",
                "client_id": APP[0],
                "client_secret": APP[1],
                "username": PERSON[0],
                "password": PERSON[1],
                "security": {"verify_ssl": False},
            },
            step="mx_proxy",
        )
        if result["type"] != "create_entry":
            raise AssertionError(f"the config flow of the extension says {result}")
        self.entry_id = result["result"]["entry_id"]
        self.device_id = await home.device_of(self.entry_id)
        await self._set_options(home)
        self.entities = await home.entities_of(self.entry_id)

    async def _set_options(self, home: HomeAssistant) -> None:
        options = {"push": True, "show_names": True, "mobile_number": MOBILE}
        entities = await home.entities_of(self.entry_id)
        async with home.reloading(entities["call_state"], RELOAD, self.name):
            shown = await home.set_options(self.entry_id, options)
            if shown["type"] != "form":
                raise AssertionError(f"the options flow of the extension says {shown}")
            await self.control.do("push_to", url=shown["description_placeholders"]["address"])
            await home.continue_options(shown["flow_id"], {})

    async def stop(self) -> None:
        """End it."""
        await self.process.stop()
        if hasattr(self, "control"):
            await self.control.__aexit__(None, None, None)

    async def seen(self) -> dict[str, Any]:
        """Give what the exchange knows of the extension."""
        state = await self.control.state()
        kinds = ("calls", "modes", "assigned", "voicemails", "conferences")
        return {kind: state[kind].get(PERSON[0]) for kind in kinds}
