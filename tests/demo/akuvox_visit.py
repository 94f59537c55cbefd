"""Visitors at the bell of an Akuvox of the demo."""

from dataclasses import dataclass
from typing import Any

from .akuvox import Akuvox
from .unit import SEEN, Unit
from .waiting import until

BELL = "bell_call"
DIAL_TIMEOUT = "Config.Settings.CALLTIMEOUT.DialOut"


async def relay(unit: Unit[Akuvox], name: str = "A") -> dict[str, Any]:
    """Return the state of a relay at the device itself."""
    state: dict[str, Any] = (await unit.control.state())["relays"][name]
    return state


@dataclass(frozen=True, slots=True)
class Visit:
    """A visitor at a bell, and the position on the event bus at the beginning of the visit."""

    unit: Unit[Akuvox]
    before: str
    mark: int

    @classmethod
    async def begin(cls, unit: Unit[Akuvox]) -> Visit:
        """Press the button."""
        visit = cls(unit, unit.state(BELL), unit.mark)
        assert await unit.control.do("press"), "the button started no call"
        return visit

    @classmethod
    async def unseen(cls, unit: Unit[Akuvox]) -> Visit:
        """Press the button and end the call before a poll of the call status can find it."""
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
        """Return the types of the events that reported the ring, in order."""
        return [event["type"] for event in self.unit.logged_events(self.mark)]

    def assert_once(self) -> None:
        """Assert that it rang exactly once."""
        rings = set(self.unit.scene.rung_at(self.unit.entity(BELL))) - {self.before}
        assert len(rings) == 1, f"{len(rings)} rings"
