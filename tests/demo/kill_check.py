"""Home Assistant is killed ten times under dense events, and the 2N with it now and then: none is lost.

It is a Home Assistant of its own with a 2N and an Akuvox. Events and records are told apart by their numbers; an integration inside Home Assistant writes down what the bus told.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
import random
import time

from . import witness
from .akuvox import PLANS, Plan
from .check import BELL
from .checks import Checks
from .stage import Stage, set_up
from .witness import Seen

KILLS = 10
# In these, the 2N is killed as well, and goes on with its log.
BOTH_KILLED = (3, 7)
PAUSES = (0.05, 0.8)
RECORD_PAUSES = (0.3, 1.2)
# How long Home Assistant lives between two kills; the first time hardly longer than it needs to write down the entry.
LIVES = (1.0, 3.0)
FIRST_LIFE = 2.0
# A press this long before Home Assistant listens is old.
SURELY_OLD = 6.0
RINGS_WITHIN = 6.0
ARRIVES = 60.0
BEHIND = 1.0
# What a write takes besides on a busy machine.
WRITE = 0.3

AKUVOX = Plan(PLANS[0].dialect, "Side door", PLANS[0].config, has_options=False)


@dataclass(slots=True)
class Load:
    """What the devices were told to log, and when Home Assistant was killed (Unix time)."""

    stage: Stage
    dice: random.Random = field(default_factory=lambda: random.Random(11))
    events: list[int] = field(default_factory=list)
    records: int = 0
    kills: list[float] = field(default_factory=list)
    fresh: int = 0
    missed: int = 0
    paused: asyncio.Lock = field(default_factory=asyncio.Lock)

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        """Let events happen in the background."""
        tasks = [asyncio.create_task(self._emit()), asyncio.create_task(self._open_doors())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _emit(self) -> None:
        while True:
            async with self.paused:
                number = await self.stage.simulator.do("emit", event="UserActionActivated", id=1, state="in")
                self.events.append(number)
            await asyncio.sleep(self.dice.uniform(*PAUSES))

    async def _open_doors(self) -> None:
        control = self.stage.akuvox[AKUVOX.dialect].control
        while True:
            await control.do("fill_door_log", n=1)
            self.records += 1
            await asyncio.sleep(self.dice.uniform(*RECORD_PAUSES))

    async def press(self) -> None:
        """Press a button whose call is over at once."""
        session = await self.stage.simulator.do("press", key="%1")
        if session is not None:
            await self.stage.simulator.do("terminate", session=session)

    def seen(self) -> list[Seen]:
        return witness.seen(self.stage.config)

    async def until(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Wait for something that the witness sees; give whether it came."""
        end = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > end:
                return False
            await asyncio.sleep(0.1)
        return True


def _events(seen: list[Seen]) -> list[tuple[float, int, Seen]]:
    return [(item.at, item.data["sequence"], item) for item in seen if item.data.get("type") == "UserActionActivated"]


def _records(seen: list[Seen]) -> list[tuple[float, int, Seen]]:
    return [(item.at, item.data["sequence"], item) for item in seen if item.data.get("type") == "DoorLog"]


def _rings(seen: list[Seen], bell: str) -> set[str]:
    """Give when a bell rang; what a restart restores is no other time."""
    return {
        item.data["state"] for item in seen if item.data.get("entity_id") == bell and item.data["state"][:1].isdigit()
    }


async def check_kills(checks: Checks, port: int = 0) -> None:
    """Kill it, and compare what was told with what happened."""
    async with set_up(port, more=f"{witness.NAME}:\n", log_level="warning", akuvox=(AKUVOX,), witnessed=True) as stage:
        load = Load(stage)
        await stage.add_intercom()
        await stage.add_akuvox()
        bell = (await stage.entities())[BELL]
        with checks(f"Home Assistant is killed {KILLS} times under dense events") as details:
            async with load.going_on():
                for number in range(1, KILLS + 1):
                    await _live(load, bell, first=number == 1)
                    load.kills.append(time.time())
                    await stage.kill_home_assistant()
                    await _be_dead(load, both=number in BOTH_KILLED)
                await _live(load, bell)
            await load.until(lambda: _told(load), ARRIVES)
            details.append(_compare(load, bell))
        await stage.stop_home_assistant()


async def _live(load: Load, bell: str, *, first: bool = False) -> None:
    """Wait for what happened meanwhile, let a visitor ring, and live for a while."""
    if first:
        await asyncio.sleep(FIRST_LIFE)
        return
    newest = load.events[-1]
    arrived = await load.until(lambda: any(number >= newest for _, number, _ in _events(load.seen())), ARRIVES)
    assert arrived, "no event arrives after a kill"
    before = _rings(load.seen(), bell)
    await load.press()
    load.fresh += 1
    load.missed += not await load.until(lambda: _rings(load.seen(), bell) > before, RINGS_WITHIN)
    await asyncio.sleep(load.dice.uniform(*LIVES))


async def _be_dead(load: Load, *, both: bool) -> None:
    """Let a visitor ring while Home Assistant is dead, and start again."""
    if both:
        async with load.paused:
            await load.stage.restart_two_n()
    await load.press()
    pressed = time.monotonic()
    await asyncio.sleep(max(0.0, pressed + SURELY_OLD - time.monotonic()))
    await load.stage.start_home_assistant()
    await load.stage.running()


def _told(load: Load) -> bool:
    seen = load.seen()
    events = {number for _, number, _ in _events(seen)}
    records = {number for _, number, _ in _records(seen)}
    return load.events[-1] in events and load.records in records


def _compare(load: Load, bell: str) -> str:
    seen = load.seen()
    events, records = _events(seen), _records(seen)
    arrived = {number for _, number, _ in events}
    lost = [number for number in load.events if number not in arrived]
    first_record = min((number for _, number, _ in records), default=1)
    told = {number for _, number, _ in records}
    lost_records = [number for number in range(first_record, load.records + 1) if number not in told]
    again = bound = 0
    for told_of in (events, records):
        came, most = _again(load, told_of)
        again, bound = again + came, bound + most
    old = len(_rings(seen, bell)) - (load.fresh - load.missed)
    result = (
        f"{len(load.events)} events and {load.records} records, lost {len(lost) + len(lost_records)}, delivered again {again}"
        f" of {bound} in the last seconds, old rings {old}, fresh rings missed {load.missed}"
    )
    assert not lost and not lost_records, f"{result}: {lost} {lost_records}"
    assert again <= bound, result
    assert (old, load.missed) == (0, 0), result
    return result


def _again(load: Load, told: list[tuple[float, int, Seen]]) -> tuple[int, int]:
    """Give how many events came again, and how many there were in the last second before each kill."""
    first: dict[int, Seen] = {}
    again = 0
    for at, key, item in told:
        if key not in first:
            first[key] = item
            continue
        again += 1
        assert item.data["late"], f"{key} came again and is not late"
        assert item.data["id"] == first[key].data["id"], f"{key} came again with another id"
        killed = max(kill for kill in load.kills if kill < at)
        behind = killed - first[key].at
        assert behind <= BEHIND + WRITE, f"{key} came again, {behind:.1f} s old at the kill"
    assert len({item.data["id"] for item in first.values()}) == len(first), "two events have the same id"
    last = sum(kill - BEHIND <= item.at <= kill for kill in load.kills for item in first.values())
    return again, last
