"""The phone extension of the demo: an MX Proxy with a small office behind it, in its own process, and its entry."""

from pathlib import Path
from typing import Any

from .entry import DOMAIN, Entry
from .home_assistant import HomeAssistant

# The application that the administrator registered for Home Assistant, and Anna's account.
APP = ("home-assistant", "pw-Qu4rtz-cl1ent-64")
PERSON = ("anna@office.test", "pw-Basalt-77")
MOBILE = "12025550107"


class Extension(Entry):
    """One simulated server, and what Home Assistant has made of one extension on it."""

    def __init__(self, folder: Path) -> None:
        """Nothing runs yet; what the process says goes into `folder`."""
        super().__init__("Extension", folder / "extension.log")
        self.address = ""

    async def start(self, folder: Path) -> None:
        """Start the simulator, with `folder` as the working directory."""
        addresses = await self.run(folder, "tests.simulators.mx_proxy", "--app", "=".join(APP))
        self.address = addresses["http"]
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
        await self.adopt(home, result)
        options = {"push": True, "show_names": True, "mobile_number": MOBILE}
        await self.choose(home, options, probe="call_state")

    async def seen(self) -> dict[str, Any]:
        """Return the state of the exchange for the extension."""
        state = await self.control.state()
        kinds = ("calls", "modes", "assigned", "voicemails", "conferences")
        return {kind: state[kind].get(PERSON[0]) for kind in kinds}
