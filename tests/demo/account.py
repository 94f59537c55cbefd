"""The account of a flat in the demo: a SmartYard server in a process of its own, and its entry."""

from pathlib import Path
from typing import Any

from .entry import DOMAIN, Entry
from .home_assistant import HomeAssistant


class Account(Entry):
    """One simulated operator, and what Home Assistant has made of one account there."""

    def __init__(self, folder: Path) -> None:
        """Nothing runs yet; what the process says goes into `folder`."""
        super().__init__("Account", folder / "account.log")
        self.base = ""
        self.phone = ""

    async def start(self, folder: Path) -> None:
        """Start the simulator, with `folder` as the working directory."""
        addresses = await self.run(folder, "tests.simulators.smartyard")
        self.base, self.phone = addresses["base"], addresses["phone"]
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
        await self.adopt(home, await home.continue_flow(asked["flow_id"], {"code": code}))
        await self.choose(home, {"push": True, "show_names": True, "fcm": {}}, probe="unread_messages")

    async def seen(self) -> dict[str, Any]:
        """Return the state of the simulated server."""
        return await self.control.state()
