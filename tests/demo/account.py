"""The account of a flat in the demo: a SmartYard server in a process of its own, and its entry."""

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


class Account:
    """One simulated operator, and what Home Assistant has made of one account there."""

    name = "Account"

    def __init__(self, folder: Path) -> None:
        """Nothing runs yet; what the process says goes into `folder`."""
        self.process = Process(self.name, folder / "account.log")
        self.base = ""
        self.phone = ""
        self.control: SimulatorControl
        self.entry_id = ""
        self.device_id = ""
        self.entities: dict[str, str] = {}

    async def start(self, folder: Path) -> None:
        """Start the simulator, with `folder` as the working directory."""
        ready = await self.process.start(
            sys.executable, "-m", "tests.simulators.smartyard",
            folder=folder, environment=dict(os.environ), speaks=True,
        )  # fmt: skip
        if not ready:
            raise AssertionError("the simulated operator did not start")
        addresses = json.loads(ready)
        self.base, self.phone = addresses["base"], addresses["phone"]
        self.control = SimulatorControl(addresses["control"])
        await self.control.do("set_log_delay", seconds=0)
        await self.control.do("make_thumbnails")  # Home Assistant has no pictures of films without its stream

    async def add(self, home: HomeAssistant) -> None:
        """Add it through the config flow by a code, and have pushes brought to the address that the options tell."""
        asked = await home.add(
            DOMAIN,
            {"host": self.base, "phone": f"+{self.phone}", "security": {"verify_ssl": False}},
            step="smartyard",
        )
        code = await self.control.do("code_of")
        result = await home.continue_flow(asked["flow_id"], {"code": code})
        if result["type"] != "create_entry":
            raise AssertionError(f"the config flow of the account says {result}")
        self.entry_id = result["result"]["entry_id"]
        self.device_id = await home.device_of(self.entry_id)
        await self._set_options(home)
        self.entities = await home.entities_of(self.entry_id)

    async def _set_options(self, home: HomeAssistant) -> None:
        unread = (await home.entities_of(self.entry_id))["unread_messages"]
        async with home.reloading(unread, RELOAD, self.name):
            shown = await home.set_options(self.entry_id, {"push": True, "show_names": True})
            if shown["type"] != "form":
                raise AssertionError(f"the options flow of the account says {shown}")
            await self.control.do("push_to", url=shown["description_placeholders"]["address"])
            await home.continue_options(shown["flow_id"], {})

    async def seen(self) -> dict[str, Any]:
        """Give what the server knows."""
        return await self.control.state()

    async def stop(self) -> None:
        """End it."""
        await self.process.stop()
        if hasattr(self, "control"):
            await self.control.__aexit__(None, None, None)
