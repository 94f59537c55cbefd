"""The devices of the soak: what happens at each, its faults, its commands, and its book."""

from abc import ABC, abstractmethod
import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
import json
import random
import time
from typing import Any, override

from tests.demo.account import Account
from tests.demo.account_check import BELL as SMARTYARD_BELL, INTERCOM
from tests.demo.akuvox import Akuvox
from tests.demo.check import BELL as TWO_N_BELL
from tests.demo.extension import Extension
from tests.demo.extension_check import DOOR as CALLER
from tests.demo.home_assistant import CommandFailed, HomeAssistant
from tests.demo.simulator import SimulatorControl
from tests.demo.stage import ACCOUNT, DOMAIN, ROOT, Stage
from tests.demo.witness import Seen

from .books import Entry, Key, Press, Told

EVENT = f"{DOMAIN}_event"
# Seconds that an answered command has until the device shows it.
SHOWN = 5.0
# Seconds that a reboot and a cut of the network take.
AWAY = (0.5, 3.0)
RING_TTL = 8

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
    # Records may be told in another order than that of the book where a system has several journals.
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
        """Return which record an event on the bus tells of; None for other events."""

    def told(self, seen: Sequence[Seen]) -> list[Told]:
        """Return the records that the bus told, in their order."""
        return [
            Told(item.at, key, item.data["id"], item.data["late"])
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
            at = time.time()
            visit = await self._press()
            if visit is None:
                return
            self.presses.append(Press(at, fresh))
            try:
                await rang()
            finally:
                await self._leave(visit)

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
        """Begin to count anew: the process of the device was killed."""
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

    async def _moved_once(self) -> None:
        """Check that a command that succeeded moved the door exactly once."""
        moves = await self.moves()
        before, self._moves = self._moves, moves
        assert moves == before + 1, f"{moves - before} moves for one command"

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


class TwoN(Player):
    """The 2N. Its book is the log on its flash, boot by boot."""

    name = "2N"
    KINDS = ("UserActionActivated", "VirtualInput", "VirtualOutput", "MotionDetected", "NoiseDetected")

    @property
    @override
    def control(self) -> SimulatorControl:
        return self.stage.simulator

    @override
    async def _add(self) -> str:
        await self.stage.add_intercom()
        self.since = len(await self.book())
        return self.stage.entry_id

    @override
    async def happen(self) -> None:
        count = 1 + min(1000, int(self.dice.expovariate(1 / (self.rate * 0.75))))
        await self.control.do("fill_log", n=count, event=self.dice.choice(self.KINDS))

    @override
    async def book(self) -> list[Entry]:
        lines = self.stage.state_file.read_bytes().rpartition(b"\n")[0].splitlines()
        records = (json.loads(line).get("event") for line in lines if line)
        # No two boots begin in the same second.
        return [Entry((record[1], record[0], record[4]), record[1]) for record in records if record is not None]

    @override
    def key(self, data: Mapping[str, Any]) -> Key | None:
        if data["sequence"] is None:
            return None
        return int(datetime.fromisoformat(data["time"]).timestamp()), data["sequence"], data["type"]

    @override
    def rings(self, seen: Sequence[Seen]) -> list[float]:
        return bell_rings(seen, self.entities[TWO_N_BELL])

    @override
    async def _press(self) -> object:
        # Without a session, another call is in progress; the key is pressed all the same.
        return {"session": await self.control.do("press", key="%1")}

    @override
    async def _leave(self, visit: Any) -> None:
        await self.control.do("release", key="%1")
        if visit["session"] is not None:
            with suppress(ValueError):  # a reboot ended the call
                await self.control.do("terminate", session=visit["session"])

    @override
    async def moves(self) -> int:
        activations = (await self.control.state())["activations"]
        return sum(account == ACCOUNT[0] for _, _, account, _ in activations)

    @override
    def actions(self) -> Sequence[Command]:
        return (self._open, self._open, self._hold, self._output, self._dial)

    async def _open(self, home: HomeAssistant) -> None:
        if await self._is_held():  # an earlier command was cut off
            await self._set_held(home, held=False)
        await self._act(home, "lock.open", self.entities["door_1_door"])
        await self._moved_once()

    async def _hold(self, home: HomeAssistant) -> None:
        for held in (False, True) if await self._is_held() else (True, False):
            await self._set_held(home, held=held)

    async def _is_held(self) -> bool:
        return bool((await self.control.state())["switches"]["1"]["held"])

    async def _set_held(self, home: HomeAssistant, *, held: bool) -> None:
        await self._act(home, f"switch.turn_{'on' if held else 'off'}", self.entities["door_1_hold_open"])
        await self._moved_once()
        assert await self._is_held() is held, f"the door is {'not ' if held else ''}held open"

    async def _output(self, home: HomeAssistant) -> None:
        for word, state in (("on", True), ("off", False)):
            await self._act(home, f"switch.turn_{word}", self.entities["port_output1"])
            found = (await self.control.state())["ports"]["output1"]
            assert bool(found) is state, f"the output is {found} after turn_{word}"

    async def _dial(self, home: HomeAssistant) -> None:
        await home.ask(f"{DOMAIN}.dial", device_id=self.device_id, number="sip:101@192.168.1.20")
        await home.ask(f"{DOMAIN}.hang_up", device_id=self.device_id)

    @override
    def faults(self) -> Mapping[str, Callable[[float], Awaitable[None]]]:
        return {**super().faults(), "answer lost": self._lose_answer}

    async def _lose_answer(self, _: float) -> None:
        await self.control.do("lose_next_pull_response")

    @override
    async def kill(self) -> None:
        async with self.free:
            await self.check_moves()
            await self.stage.restart_two_n()
            self.forget_moves()


class SideDoor(Player):
    """The Akuvox, which is polled. Its book is the door log on its flash."""

    name = "Akuvox"

    @property
    def device(self) -> Akuvox:
        """The device of the demo."""
        (device,) = self.stage.akuvox.values()
        return device

    @property
    @override
    def control(self) -> SimulatorControl:
        return self.device.control

    @override
    async def _add(self) -> str:
        await self.device.add(self.stage.home_assistant)
        return self.device.entry_id

    @override
    async def happen(self) -> None:
        await self.control.do("fill_door_log", n=self.dice.randint(1, 4))

    @override
    async def book(self) -> list[Entry]:
        content = self.device.state_file.read_bytes() if self.device.state_file.exists() else b""
        lines = (json.loads(line) for line in content.rpartition(b"\n")[0].splitlines() if line)
        records = (line["record"] for line in lines if line["log"] == "doors" and "record" in line)
        return [
            Entry(int(record["ID"]), datetime.fromisoformat(f"{record['Date']}T{record['Time']}+00:00").timestamp())
            for record in records
        ]

    @override
    def key(self, data: Mapping[str, Any]) -> Key | None:
        return data["sequence"] if data["type"] == "DoorLog" else None

    @override
    def rings(self, seen: Sequence[Seen]) -> list[float]:
        return bell_rings(seen, self.entities["bell_call"])

    @override
    async def _press(self) -> object:
        return True if await self.control.do("press") else None

    @override
    async def _leave(self, visit: Any) -> None:
        await self.control.do("call_ended")

    @override
    async def moves(self) -> int:
        return int((await self.control.state())["relays"]["A"]["openings"])

    @override
    def actions(self) -> Sequence[Command]:
        return (self._open,)

    async def _open(self, home: HomeAssistant) -> None:
        await self._act(home, "lock.open", self.entities["door_A_door"])
        await self._moved_once()

    @override
    async def kill(self) -> None:
        async with self.free:
            await self.check_moves()
            await self.device.restart(ROOT)
            self.forget_moves()


class Phone(Player):
    """The extension behind an MX Proxy. Its book is the call log of the server."""

    name = "MX Proxy"

    @property
    def device(self) -> Extension:
        """The extension of the demo."""
        assert self.stage.extension is not None
        return self.stage.extension

    @property
    @override
    def control(self) -> SimulatorControl:
        return self.device.control

    @override
    async def _add(self) -> str:
        await self.device.add(self.stage.home_assistant)
        return self.device.entry_id

    @override
    async def happen(self) -> None:
        if self.dice.random() < 0.5:
            await self.control.do("fill_log", n=self.dice.randint(1, 3))

    @override
    async def book(self) -> list[Entry]:
        return [Entry(number, end) for number, end in await self.control.do("book")]

    @override
    def key(self, data: Mapping[str, Any]) -> Key | None:
        return data["sequence"] if data["type"] == "CallLog" else None

    @override
    def rings(self, seen: Sequence[Seen]) -> list[float]:
        ours = (item for item in seen if item.kind == EVENT and item.data["device_id"] in self.device_ids)
        return [item.at for item in ours if item.data["type"] == "Delivered" and not item.data["late"]]

    @override
    async def _press(self) -> object:
        return await self.control.do("incoming_call", caller=CALLER)

    @override
    async def _leave(self, visit: Any) -> None:
        if any(str(visit) in calls for calls in (await self.control.state())["calls"].values()):
            await self.control.do("hang_up", call=visit)

    @override
    async def moves(self) -> int:
        return 0

    @override
    def actions(self) -> Sequence[Command]:
        return (self._dial,)

    async def _dial(self, home: HomeAssistant) -> None:
        await home.ask(f"{DOMAIN}.dial", device_id=self.device_id, number=CALLER)
        await home.ask(f"{DOMAIN}.hang_up", device_id=self.device_id)

    @override
    async def _refuse_once(self, _: float) -> None:
        await self.control.do("expire_tokens")

    @override
    async def _reboot(self, seconds: float) -> None:
        await self.control.do("restart", seconds=seconds)


class Apartment(Player):
    """The account of a SmartYard. Its book is the history of the server."""

    name = "SmartYard"
    in_order = False
    KINDS = ("key", "face", "code", "missed", "answered", "vehicle")

    @property
    def device(self) -> Account:
        """The account of the demo."""
        assert self.stage.account is not None
        return self.stage.account

    @property
    @override
    def control(self) -> SimulatorControl:
        return self.device.control

    @override
    async def _add(self) -> str:
        await self.device.add(self.stage.home_assistant)
        await self.control.do("set_push_ttl", seconds=RING_TTL)
        return self.device.entry_id

    @override
    async def happen(self) -> None:
        if self.dice.random() < 0.3:
            await self.control.do("happen", event=self.dice.choice(self.KINDS), domophone=INTERCOM)

    @override
    async def book(self) -> list[Entry]:
        return [Entry(uuid, moment) for uuid, _, moment in await self.control.do("book")]

    @override
    def key(self, data: Mapping[str, Any]) -> Key | None:
        return data["data"]["id"] if (data["id"] or "").startswith("history-") else None

    @override
    def rings(self, seen: Sequence[Seen]) -> list[float]:
        return bell_rings(seen, self.entities[SMARTYARD_BELL])

    @override
    async def _press(self) -> object:
        return await self.control.do("ring", domophone=INTERCOM)

    @override
    async def _leave(self, visit: Any) -> None:
        await self.control.do("walk_away", ring=visit)

    @override
    async def moves(self) -> int:
        return len((await self.control.state())["opened"])

    @override
    def actions(self) -> Sequence[Command]:
        return (self._open,)

    async def _open(self, home: HomeAssistant) -> None:
        await self._act(home, "lock.open", self.entities[f"door_{INTERCOM}:0_door"])
        await self._moved_once()

    @override
    async def _refuse_once(self, _: float) -> None:
        await self.control.do("fault", path="*", fault="status", status=401, times=1)

    @override
    async def _reboot(self, seconds: float) -> None:
        await self.control.do("restart", seconds=seconds)


def bell_rings(seen: Sequence[Seen], bell: str) -> list[float]:
    """Return when an event entity told of something new; what a restart restores is no other time."""
    states = {
        item.data["state"]
        for item in seen
        if item.kind == "state_changed" and item.data["entity_id"] == bell and item.data["state"][:1].isdigit()
    }
    return sorted(datetime.fromisoformat(state).timestamp() for state in states)


PLAYERS: Sequence[type[Player]] = (TwoN, SideDoor, Phone, Apartment)
