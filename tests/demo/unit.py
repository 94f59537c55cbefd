"""A device of the demo, with its simulator and its entities in Home Assistant."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from .check import Scene
from .entry import Entry
from .home_assistant import Heard, HomeAssistant
from .simulator import SimulatorControl

# What is not pushed is looked at this often at the least, but for logs of calls.
SEEN = 10.0


@dataclass(frozen=True, slots=True)
class Unit[E: Entry]:
    """A device, its simulator, and its entities."""

    scene: Scene
    device: E

    @property
    def home(self) -> HomeAssistant:
        """Home Assistant."""
        return self.scene.home

    @property
    def control(self) -> SimulatorControl:
        """The simulator's control port."""
        return self.device.control

    def entity(self, key: str) -> str:
        """Return the id of an entity."""
        return self.device.entities[key]

    def check_entities(self, keys: Iterable[str]) -> None:
        """Check that the device has the given entities."""
        missing = [key for key in keys if key not in self.device.entities]
        assert not missing, f"{self.device.name} lacks {missing}"

    def state(self, key: str) -> str:
        """Return the state of an entity."""
        return str(self.home.states[self.entity(key)]["state"])

    def attribute(self, key: str, name: str) -> Any:
        """Return an attribute of an entity, None where it has none."""
        return self.home.states[self.entity(key)]["attributes"].get(name)

    async def wait(self, key: str, wanted: Any, timeout: float = SEEN) -> dict[str, Any]:
        """Wait until an entity has a state."""
        return await self.home.wait_state(self.entity(key), wanted, timeout)

    async def wait_news(self, key: str, before: str, timeout: float = SEEN) -> dict[str, Any]:
        """Wait until an event entity has a new event."""
        return await self.wait(key, lambda state: state != before and state[:1].isdigit(), timeout)

    def logged_events(self, since: int = 0) -> list[dict[str, Any]]:
        """Return the events of the device on the bus."""
        events = [heard.event["data"] for heard in self.scene.events.heard[since:]]
        return [event for event in events if event["device_id"] == self.device.device_id]

    @property
    def mark(self) -> int:
        """Return the current position on the bus."""
        return len(self.scene.events.heard)

    async def wait_told(self, kind: str, since: int, timeout: float = SEEN) -> dict[str, Any]:
        """Wait until an event of the device is on the bus, and return its data."""

        def find(_: list[Heard]) -> dict[str, Any] | None:
            return next((event["data"] for event in self.logged_events(since) if event["type"] == kind), None)

        return await self.scene.events.wait(find, timeout, f"{kind} of {self.device.name} on the bus")

    async def wait_told_once(
        self, select: Callable[[dict[str, Any]], bool], since: int, timeout: float, what: str
    ) -> None:
        """Wait until a matching event of the device is on the bus, and check that it is there once."""

        def records() -> list[dict[str, Any]]:
            return [event for event in self.logged_events(since) if select(event)]

        def find(_: list[Heard]) -> bool | None:
            return True if records() else None

        await self.scene.events.wait(find, timeout, what)
        assert len(records()) == 1, records()

    async def requests(self, *paths: str) -> list[dict[str, Any]]:
        """Return the requests for some paths that were carried out."""
        return [request for request in await self.control.requests() if request["path"] in paths]

    async def ask(self, action: str, **data: Any) -> dict[str, Any]:
        """Perform an action of the integration for the device, and return the response."""
        return await self.home.ask(f"ip_intercom.{action}", device_id=self.device.device_id, **data)

    async def diagnostics(self) -> dict[str, Any]:
        """Download its diagnostics."""
        downloaded = await self.home.get(f"/api/diagnostics/config_entry/{self.device.entry_id}")
        data: dict[str, Any] = downloaded["data"]
        return data
