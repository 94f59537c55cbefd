"""An Akuvox of the demo from both sides, its own and that of Home Assistant, and visitors at its bell."""

from dataclasses import dataclass
from typing import Any

from .akuvox import Akuvox
from .check import Scene
from .home_assistant import Heard, HomeAssistant
from .simulator import SimulatorControl
from .waiting import until

BELL = "bell_call"
DIAL_TIMEOUT = "Config.Settings.CALLTIMEOUT.DialOut"
# What a device does not push is looked at this often at the least, but for its log of calls.
SEEN = 10.0


@dataclass(frozen=True, slots=True)
class Unit:
    """A device, with what Home Assistant shows of it."""

    scene: Scene
    device: Akuvox

    @property
    def home(self) -> HomeAssistant:
        """Home Assistant."""
        return self.scene.home

    @property
    def control(self) -> SimulatorControl:
        """The simulator's control port."""
        return self.device.control

    def entity(self, key: str) -> str:
        """Give the id of an entity."""
        return self.device.entities[key]

    def state(self, key: str) -> str:
        """Give the state of an entity."""
        return str(self.home.states[self.entity(key)]["state"])

    async def wait(self, key: str, wanted: Any, timeout: float = SEEN) -> dict[str, Any]:
        """Wait until an entity has a state."""
        return await self.home.wait_state(self.entity(key), wanted, timeout)

    async def wait_news(self, key: str, before: str, timeout: float = SEEN) -> dict[str, Any]:
        """Wait until an event entity tells of something new."""
        return await self.wait(key, lambda state: state != before and state[:1].isdigit(), timeout)

    def told(self, since: int = 0) -> list[dict[str, Any]]:
        """Give its events on the bus."""
        events = [heard.event["data"] for heard in self.scene.events.heard[since:]]
        return [event for event in events if event["device_id"] == self.device.device_id]

    @property
    def mark(self) -> int:
        """Where the bus is now."""
        return len(self.scene.events.heard)

    async def wait_told(self, kind: str, since: int, timeout: float = SEEN) -> dict[str, Any]:
        """Wait until an event of the device is on the bus; gives its data."""

        def find(_: list[Heard]) -> dict[str, Any] | None:
            return next((event["data"] for event in self.told(since) if event["type"] == kind), None)

        return await self.scene.events.wait(find, timeout, f"{kind} of {self.device.plan.name} on the bus")

    async def relay(self, name: str = "A") -> dict[str, Any]:
        """Give the state of a relay at the device itself."""
        relay: dict[str, Any] = (await self.control.state())["relays"][name]
        return relay

    async def requests(self, *paths: str) -> list[dict[str, Any]]:
        """Give the requests for some paths that were carried out."""
        return [request for request in await self.control.requests() if request["path"] in paths]


@dataclass(frozen=True, slots=True)
class Visit:
    """A visitor at a bell, and where the bus was when they came."""

    unit: Unit
    before: str
    mark: int

    @classmethod
    async def begin(cls, unit: Unit) -> Visit:
        """Press the button."""
        visit = cls(unit, unit.state(BELL), unit.mark)
        assert await unit.control.do("press"), "the button called nobody"
        return visit

    @classmethod
    async def unseen(cls, unit: Unit) -> Visit:
        """Press the button and give up at once: no look at the state of the call can find it."""
        await unit.control.do("configure", key=DIAL_TIMEOUT, value="0")
        visit = await cls.begin(unit)

        async def call() -> str:
            return str((await unit.control.state())["call"])

        await until(call, lambda word: word == "READY" or None, "the visitor gives up", SEEN)
        await unit.control.do("configure", key=DIAL_TIMEOUT, value="60")
        return visit

    async def rung(self, timeout: float = SEEN) -> dict[str, Any]:
        """Wait for the ring."""
        state = await self.unit.wait_news(BELL, self.before, timeout)
        assert state["attributes"]["event_type"] == "ring", state["attributes"]
        return state

    def routes(self) -> list[str]:
        """Give the types of the events that told of it, in order."""
        return [event["type"] for event in self.unit.told(self.mark)]

    def assert_once(self) -> None:
        """Assert that it rang exactly once."""
        rings = set(self.unit.scene.rung_at(self.unit.entity(BELL))) - {self.before}
        assert len(rings) == 1, f"{len(rings)} rings"
