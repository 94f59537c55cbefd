"""A device in the soak: what happens at it, its faults, its commands, and its book."""

from abc import ABC, abstractmethod
import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
import random
import time
from typing import Any

from tests.demo.home_assistant import CommandFailed, HomeAssistant
from tests.demo.simulator import SimulatorControl
from tests.demo.stage import DOMAIN, Stage
from tests.demo.witness import Seen

from .books import Entry, Key, Press, Reported

EVENT = f"{DOMAIN}_event"

type Command = Callable[[HomeAssistant], Awaitable[None]]


class Player(ABC):
    """A simulated device, what happens at it, and what it has written down.

    Attributes:
        entry_id: Its config entry.
        device_id: Its device now.
        device_ids: All that it had: Home Assistant gives another if a kill comes before it stored a new one.
        presses: All visitors.
        forgotten: Keys of records that the device lost by itself.
        wrong_moves: Moves of a door that were not asked for, or not as asked for.
        commands: Number of commands.
        refused: Those that failed with an error.
        free: Held by what must not be disturbed: a restart of the simulator, the measuring of leaks.
    """

    name = ""
    # Systems with several journals may report records in another order than that of the book.
    in_order = True

    def __init__(self, stage: Stage, seed: str, rate: float) -> None:
        """`rate` is the average number of records a second, where the device takes so many."""
        self.stage = stage
        self.dice = random.Random(f"{seed} {self.name}")
        self.rate = rate
        self.entry_id = ""
        self.device_id = ""
        self.device_ids: set[str] = set()
        self.entities: Mapping[str, str] = {}
        self.presses: list[Press] = []
        self.forgotten: set[Key] = set()
        self.wrong_moves: list[str] = []
        self.commands = self.refused = 0
        self.since: int | None = None
        self.free = asyncio.Lock()
        self._moves = 0
        # Commands whose outcome is unknown: each may still move the door once.
        self._open_commands = 0

    @property
    @abstractmethod
    def control(self) -> SimulatorControl:
        """The control port of the simulator."""

    async def add(self) -> None:
        """Add it to Home Assistant."""
        self.entry_id = await self._add()
        await self.find()

    @abstractmethod
    async def _add(self) -> str:
        """Add it, and return the config entry."""

    async def find(self) -> None:
        """Find its device and its entities."""
        home = self.stage.home_assistant
        self.device_id = await home.device_of(self.entry_id)
        self.device_ids.add(self.device_id)
        self.entities = await home.entities_of(self.entry_id)

    @abstractmethod
    async def happen(self) -> None:
        """Let a few things happen that the device logs."""

    async def live(self) -> None:
        """Let things happen until cancelled."""
        while True:
            async with self.free:
                await self.happen()
            await asyncio.sleep(self.dice.uniform(0.25, 1.25))

    # -- books -----------------------------------------------------------------------------------

    @abstractmethod
    async def book(self) -> list[Entry]:
        """Read the book of the device."""

    @abstractmethod
    def key(self, data: Mapping[str, Any]) -> Key | None:
        """Return the record of an event on the bus; None for other events."""

    def reported(self, seen: Sequence[Seen]) -> list[Reported]:
        """Return the records that came on the bus, in their order."""
        return [
            Reported(item.at, key, item.data["id"], item.data["late"])
            for item in seen
            if item.kind == EVENT
            and item.data["device_id"] in self.device_ids
            and (key := self.key(item.data)) is not None
        ]

    # -- rings -----------------------------------------------------------------------------------

    @abstractmethod
    def rings(self, seen: Sequence[Seen]) -> list[float]:
        """Return when it rang in Home Assistant."""

    @abstractmethod
    async def _press(self) -> object:
        """Let a visitor ring; return what ends it, None if the device is busy."""

    @abstractmethod
    async def _leave(self, visit: Any) -> None:
        """Let the visitor go."""

    async def ring(self, *, fresh: bool, rang: Callable[[], Awaitable[None]]) -> None:
        """Let a visitor ring, wait until `rang` returns, and let the visitor go."""
        async with self.free:
            at, visit, is_confirmed = time.time(), None, False
            try:
                visit = await self._press()
                is_confirmed = True
                if visit is not None:
                    await rang()
            finally:
                try:
                    if visit is not None:
                        await self._leave(visit)
                finally:
                    # A device that did not confirm may have pressed. Some record a call at its end, with the time of the end.
                    if visit is not None or not is_confirmed:
                        self.presses.append(Press(at, fresh and is_confirmed, time.time()))

    # -- commands --------------------------------------------------------------------------------

    @abstractmethod
    async def moves(self) -> int:
        """Return how often the device moved its doors for Home Assistant since it started."""

    @abstractmethod
    def actions(self) -> Sequence[Command]:
        """Return what may be commanded. Each raises `CommandFailed`, or `AssertionError` where the device does other."""

    async def check_moves(self) -> None:
        """Compare the moves with the commands before."""
        moves = await self.moves()
        if not self._moves <= moves <= self._moves + self._open_commands:
            extra = moves - self._moves - self._open_commands
            self.wrong_moves.append(f"{self.name}: {extra} moves too many before {time.time():.2f}")
        self._moves, self._open_commands = moves, 0

    def forget_moves(self) -> None:
        """Restart the count: the process of the device was killed."""
        self._moves = self._open_commands = 0

    async def command(self, home: HomeAssistant) -> None:
        """Command something, and compare it with what the device did."""
        await self.check_moves()
        self.commands += 1
        # A command that is cut off, also by a kill of Home Assistant, may arrive or not.
        self._open_commands = 1
        action = self.dice.choice(self.actions())
        began = time.time()
        try:
            await action(home)
        except CommandFailed:
            self.refused += 1
        except AssertionError as error:
            self.wrong_moves.append(f"{self.name}: {error}, commanded at {began:.2f}")
            self._moves = await self.moves()
        else:
            self._open_commands = 0

    async def _act(self, home: HomeAssistant, action: str, entity_id: str) -> None:
        """Perform an action; raise `CommandFailed` where Home Assistant may have passed over an unavailable entity."""
        before = home.states[entity_id]["state"]
        await home.act(action, entity_id)
        if "unavailable" in (before, home.states[entity_id]["state"]):
            raise CommandFailed(f"{entity_id} is unavailable")

    async def _open_door(self, home: HomeAssistant, lock: str, *, released: bool) -> None:
        """Open a door; one that is `released` already is as it was asked for, also if the command itself was lost."""
        await self._act(home, "lock.open", lock)
        await self._expect_move(*(0, 1) if released else (1,))

    async def _expect_move(self, *expected: int) -> None:
        """Check how often a command that succeeded moved the door."""
        moves = await self.moves()
        before, self._moves = self._moves, moves
        assert moves - before in expected, f"{moves - before} moves for one command"

    # -- faults ----------------------------------------------------------------------------------

    def faults(self) -> Mapping[str, Callable[[float], Awaitable[None]]]:
        """Return the faults, each lasts the given seconds at most and is over when it returns."""
        return {
            "connections reset": self._reset,
            "network cut": lambda seconds: self.control.do("drop_network", seconds=seconds),
            "black hole": self._black_hole,
            "500": lambda seconds: self._overload(500, seconds),
            "503": lambda seconds: self._overload(503, seconds),
            "401 once": self._refuse_once,
            "reboot": self._reboot,
        }

    async def heal(self) -> None:
        """End what an interrupted fault has left."""
        await self.control.do("heal")
        await self.control.do("restore_connection")

    async def _reset(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            await self.control.do("reset_connections")
            await asyncio.sleep(0.3)

    async def _black_hole(self, seconds: float) -> None:
        await self.control.do("cut_power")
        await asyncio.sleep(seconds)
        await self.control.do("restore_connection")

    async def _overload(self, status: int, seconds: float) -> None:
        await self.control.do("overload", status=status)
        await asyncio.sleep(seconds)
        await self.control.do("heal")

    async def _refuse_once(self, _: float) -> None:
        await self.control.do("stray_401")

    async def _reboot(self, seconds: float) -> None:
        await self.control.do("reboot", seconds=seconds)

    async def kill(self) -> None:  # noqa: B027 -- most devices do not keep their log
        """Kill the process of the device and start it again, if it keeps its log over that."""
