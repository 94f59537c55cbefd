"""The devices of the four systems in the soak."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
import json
from typing import Any, override

from tests.demo.account import Account
from tests.demo.account_check import BELL as SMARTYARD_BELL, INTERCOM
from tests.demo.akuvox import Akuvox
from tests.demo.check import BELL as TWO_N_BELL
from tests.demo.extension import Extension
from tests.demo.extension_check import DOOR as CALLER
from tests.demo.home_assistant import HomeAssistant
from tests.demo.simulator import SimulatorControl
from tests.demo.stage import ACCOUNT, DOMAIN, ROOT
from tests.demo.witness import Seen

from .books import Entry, Key
from .players import EVENT, Command, Player

# Seconds that a ring of an apartment is worth something.
RING_TTL = 8


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
        return [entry for boot in self._boots() for entry in boot]

    async def erased(self) -> list[Entry]:
        """Return the records that its last reboot erased."""
        return self._boots()[-2]

    def _boots(self) -> list[list[Entry]]:
        """Return all records, oldest first, a list for each boot."""
        boots: list[list[Entry]] = [[]]
        for line in self.stage.state_file.read_bytes().rpartition(b"\n")[0].splitlines():
            content = json.loads(line)
            if content.get("boot"):
                boots.append([])
            elif (record := content.get("event")) is not None:
                # No two boots begin in the same second.
                boots[-1].append(Entry((record[1], record[0], record[4]), record[1]))
        return boots

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
        released = (await self.control.state())["switches"]["1"]["active"]
        await self._open_door(home, self.entities["door_1_door"], released=released)

    async def _hold(self, home: HomeAssistant) -> None:
        for held in (False, True) if await self._is_held() else (True, False):
            await self._set_held(home, held=held)

    async def _is_held(self) -> bool:
        return bool((await self.control.state())["switches"]["1"]["held"])

    async def _set_held(self, home: HomeAssistant, *, held: bool) -> None:
        await self._act(home, f"switch.turn_{'on' if held else 'off'}", self.entities["door_1_hold_open"])
        await self._expect_move(1)
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
        released = (await self.control.state())["relays"]["A"]["open"]
        await self._open_door(home, self.entities["door_A_door"], released=released)

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
        await self._open_door(home, self.entities[f"door_{INTERCOM}:0_door"], released=False)

    @override
    async def _refuse_once(self, _: float) -> None:
        await self.control.do("fault", path="*", fault="status", status=401, times=1)

    @override
    async def _reboot(self, seconds: float) -> None:
        await self.control.do("restart", seconds=seconds)


def bell_rings(seen: Sequence[Seen], bell: str) -> list[float]:
    """Return when an event entity had a new event; a restored state has the time of its event."""
    states = {
        item.data["state"]
        for item in seen
        if item.kind == "state_changed" and item.data["entity_id"] == bell and item.data["state"][:1].isdigit()
    }
    return sorted(datetime.fromisoformat(state).timestamp() for state in states)


PLAYERS: Sequence[type[Player]] = (TwoN, SideDoor, Phone, Apartment)
