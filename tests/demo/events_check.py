"""No event lost, none twice: 300 events over a network drop, a device reboot and a restart of Home Assistant.

Each event carries a mark, 1 to 300. What arrived is read from the recorder's database once Home Assistant has
stopped, and compared with what was emitted and with what the device still held, as another client of its log saw it.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import cycle
import time
from typing import Any

from .check import BELL, CONNECTIVITY, EVENT, SECOND_BELL, Scene
from .checks import Checks
from .home_assistant import Heard
from .recorded import Recorded, recorded_events, recorded_states

TOTAL = 300
# How often the integration loses the device: the drop and the reboot.
OUTAGES = 2
DROP = 20.0
REBOOT = 3.0
# An event that arrives later than this is late (the integration's own limit is 5 s); the device counts whole seconds.
SURELY_LATE = 7.0
SURELY_NEWS = 2.0
RECONNECT = 60.0

_KINDS = ("VirtualInput", "UserActionActivated", "VirtualOutput", "RexActivated", "AudioLoopTest")


@dataclass(frozen=True, slots=True)
class Emitted:
    """An event to log with the simulator."""

    mark: int
    kind: str
    id: int
    boot: int
    at: float


@dataclass(slots=True)
class Run:
    """The events that were emitted, for the comparison with those that arrived."""

    scene: Scene
    began: float = field(default_factory=time.time)
    emitted: list[Emitted] = field(default_factory=list)
    boot: int = 1
    # What the device held at last of each boot, as the watcher read it.
    held: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    # Ring presses during an outage, and when (Unix time): from, until.
    silence: list[tuple[float, float]] = field(default_factory=list)
    # Marks by boot and number, and boots by what the bus calls them, in their order.
    marks: dict[tuple[int, int], int] = field(default_factory=dict)
    boots: dict[str, int] = field(default_factory=dict)
    kinds: Iterator[str] = field(default_factory=lambda: cycle(_KINDS))

    async def emit(self, count: int, pause: float = 0.0) -> None:
        """Log the next events."""
        for _ in range(count):
            mark, kind = len(self.emitted) + 1, next(self.kinds)
            number = await self.scene.simulator.do("emit", event=kind, mark=mark, note=f"event {mark} of {TOTAL}")
            self.emitted.append(Emitted(mark, kind, number, self.boot, time.time()))
            self.marks[self.boot, number] = mark
            if pause:
                await asyncio.sleep(pause)

    def mark_of(self, data: dict[str, Any]) -> int | None:
        """Return the number of an event on the bus, from its boot and id."""
        if data.get("boot") is None:
            return None
        boot = self.boots.setdefault(data["boot"], len(self.boots) + 1)
        return self.marks.get((boot, data["sequence"]))

    async def heard(self, mark: int, timeout: float = 10.0) -> None:
        """Wait until an event is on the bus."""

        def find(heard: list[Heard]) -> bool | None:
            return any(self.mark_of(item.event["data"]) == mark for item in reversed(heard)) or None

        await self.scene.events.wait(find, timeout, f"event {mark} of {TOTAL} on the bus")

    async def available(self) -> None:
        """Wait until the intercom is back."""
        await self.scene.home.wait_state(self.scene.entities[CONNECTIVITY], lambda state: state == "on", RECONNECT)

    async def ring(self) -> None:
        """Press a button whose call is over at once."""
        session = await self.scene.simulator.do("press", key="%1")
        if session is not None:
            await self.scene.simulator.do("terminate", session=session)


async def run_events(checks: Checks, scene: Scene) -> Run:
    """Emit the events during outages of the network, the device, and Home Assistant."""
    run = Run(scene)
    with checks("60 events arrive as they happen") as details:
        await run.emit(20, pause=0.02)
        await run.emit(40)
        await run.heard(60)
        details.append("1 to 60")
    with checks(f"{DROP:.0f} s without network: what happened meanwhile arrives, and no old ring rings") as details:
        rung, since = run.scene.last_rung(), time.time()
        dropped = asyncio.create_task(scene.simulator.do("drop_network", seconds=DROP))
        try:
            await run.emit(70, pause=DROP / 160)
            await run.ring()
            await run.emit(70, pause=DROP / 160)
            assert run.scene.last_rung() == rung, "a bell rang without a network"
            await dropped
        finally:
            dropped.cancel()
        await run.heard(200, RECONNECT)
        await run.available()
        assert run.scene.last_rung() == rung, "an old ring was reported as new"
        run.silence.append((since, time.time()))
        details.append("61 to 200")
    with checks("events and rings are fresh after the outage") as details:
        rung = run.scene.last_rung()
        await run.emit(10)
        await run.heard(210)
        await run.ring()
        await scene.home.wait_state(scene.entities[BELL], lambda state: state[:1].isdigit() and state != rung[0])
        details.append("201 to 210")
    await _reboot(checks, run)
    await _restart(checks, run)
    return run


async def _reboot(checks: Checks, run: Run) -> None:
    scene = run.scene
    with checks("events since a reboot of the device arrive, and no old ring rings") as details:
        await run.emit(1)
        await run.heard(211)
        run.held[1] = await scene.stage.watcher.history()
        scene.events.clear()
        rung, since = run.scene.last_rung(), time.time()
        await scene.simulator.do("lose_connection")
        await run.emit(14)  # these the device forgets
        await scene.simulator.do("reboot", seconds=REBOOT)
        run.boot = 2
        await run.emit(10)
        await run.ring()
        await run.emit(20)
        at_once = len(run.emitted)
        await run.heard(at_once, RECONNECT)
        await run.available()
        details.append("226 to 255, 212 to 225 are lost with the device's memory")
        gaps = [heard for heard in scene.events.heard if heard.event["data"]["type"] == "LogGap"]
        assert len(gaps) == 1, f"{len(gaps)} events tell of the gap"
        # The ring came while we were reconnecting: whether it was still news depends on how fast that was.
        late = [heard.event["data"]["late"] for heard in scene.events.heard if _is_press(heard)]
        assert run.scene.last_rung() == rung or late == [False], "an old ring was reported as new"
        if late == [True]:
            run.silence.append((since, time.time()))


def _is_press(heard: Heard) -> bool:
    data = heard.event["data"]
    return bool(data["type"] == "KeyPressed" and data["data"].get("key") == "%1")


async def _restart(checks: Checks, run: Run) -> None:
    stage = run.scene.stage
    with checks("events during a restart of Home Assistant arrive, and no old ring rings") as details:
        since = time.time()
        stopping = asyncio.create_task(stage.stop_home_assistant())
        await run.emit(10, pause=0.02)
        await stopping
        await run.emit(10)
        await run.ring()
        await asyncio.sleep(SURELY_LATE)  # so that this ring is old for certain
        starting = asyncio.create_task(stage.start_home_assistant())
        await run.emit(10, pause=0.2)
        home = await starting
        run.scene = Scene(stage, home, stage.simulator, run.scene.entities, await home.subscribe(EVENT))
        await stage.running()
        run.silence.append((since, time.time()))
        details.append("256 to 285")
    with checks("events and rings are fresh after the restart") as details:
        await run.emit(14)
        await run.heard(len(run.emitted), RECONNECT)
        rung = run.scene.last_rung()
        await run.ring()
        await run.scene.home.wait_state(
            run.scene.entities[BELL], lambda state: state[:1].isdigit() and state != rung[0]
        )
        await run.emit(1)
        await run.heard(TOTAL)
        run.held[2] = await stage.watcher.history()
        details.append("286 to 300")


def compare(checks: Checks, run: Run) -> None:
    """Compare what the recorder kept with what was emitted and held."""
    stage = run.scene.stage
    logged = (item for item in recorded_events(stage.database, EVENT) if item.data["device_id"] == stage.device_id)
    received = [item for item in logged if item.at >= run.began]
    marked = [(mark, item) for item in received if (mark := run.mark_of(item.data)) is not None]
    lost_by_device = {emitted.mark for emitted in run.emitted} - _marks_held(run)
    with checks("no event that the device still stores is lost") as details:
        missing = _marks_held(run) - {mark for mark, _ in marked}
        assert not missing, f"{len(missing)} lost: {sorted(missing)}"
        assert lost_by_device == set(range(212, 226)), f"the device forgot {sorted(lost_by_device)}"
        details.append(f"{TOTAL} emitted, {len(lost_by_device)} forgotten by the device, {len(marked)} arrived, 0 lost")
    with checks("no event is reported twice") as details:
        times = Counter(mark for mark, _ in marked)
        assert not (twice := [mark for mark, count in times.items() if count > 1]), f"doubled: {twice}"
        details.append("0 doubled")
    with checks("events arrive in order") as details:
        marks = [mark for mark, _ in marked]
        assert marks == sorted(marks), f"out of order: {marks}"
        details.append(f"{_compare_with_held(run, received)} events of two boots, id by id")
    with checks("exactly the late events are marked as late") as details:
        late = _compare_lateness(run, marked)
        details.append(f"{late} late")
    with checks("one event reports the gap of the reboot with its bounds") as details:
        details.append(_compare_gap(run, received))
    with checks("no bell rang while only old rings came in") as details:
        for bell in (BELL, SECOND_BELL):
            states = recorded_states(run.scene.stage.database, run.scene.entities[bell])
            for since, until in run.silence:
                before = next((state for at, state in reversed(states) if at < since and state != "unavailable"), None)
                during = {state for at, state in states if since <= at <= until} - {"unavailable", "unknown", before}
                assert not during, f"{run.scene.entities[bell]} rang at {during}"
        details.append(f"{len(run.silence)} times of silence")


def _marks_held(run: Run) -> set[int]:
    return {event["params"]["mark"] for events in run.held.values() for event in events if "mark" in event["params"]}


def _compare_with_held(run: Run, received: Sequence[Recorded]) -> int:
    """Compare id by id with the device's log from the first mark of each boot; gives how many there were."""
    sequence = [(item.data["sequence"], item.data["type"]) for item in received if item.data["sequence"] is not None]
    expected: list[tuple[int, str]] = []
    for boot, events in run.held.items():
        begin = next(emitted.id for emitted in run.emitted if emitted.boot == boot) if boot == 1 else 1
        expected.extend((event["id"], event["event"]) for event in events if event["id"] >= begin)
    first = sequence.index(expected[0])
    found = sequence[first : first + len(expected)]
    different = next((i for i, pair in enumerate(zip(found, expected, strict=False)) if pair[0] != pair[1]), None)
    assert different is None, f"differs at {different}: {found[different]} instead of {expected[different]}"
    assert len(found) == len(expected), f"{len(found)} instead of {len(expected)}"
    return len(found)


def _compare_lateness(run: Run, marked: Sequence[tuple[int, Recorded]]) -> int:
    """Compare the flag with the time each event took; gives how many were late."""
    emitted = {item.mark: item for item in run.emitted}
    wrong = []
    for mark, item in marked:
        age = item.at - emitted[mark].at
        # An event from an outage is old at any age; without an outage, a quick one must be news.
        news = mark <= 60 or 200 < mark <= 211 or mark == TOTAL
        if item.data["late"] and news and age < SURELY_NEWS:
            wrong.append(f"{mark} is late after {age:.1f} s")
        if not item.data["late"] and age > SURELY_LATE:
            wrong.append(f"{mark} is news after {age:.1f} s")
    assert not wrong, "; ".join(wrong[:5])
    return sum(1 for _, item in marked if item.data["late"])


def _compare_gap(run: Run, received: Sequence[Recorded]) -> str:
    gaps = [item.data for item in received if item.data["type"] == "LogGap"]
    assert len(gaps) == 1, f"{len(gaps)} gaps: {gaps}"
    gap = gaps[0]["data"]
    start, end = (datetime.fromisoformat(gap[bound]).timestamp() for bound in ("start", "end"))
    forgotten = [item.at for item in run.emitted if 212 <= item.mark <= 225]
    first_again = next(item.at for item in run.emitted if item.boot == 2)
    last_before = next(item.at for item in run.emitted if item.mark == 211)
    assert last_before - 1 <= start <= forgotten[0], f"begins {start - forgotten[0]:+.1f} s from the first event lost"
    assert forgotten[-1] - 1 <= end <= first_again + 1, f"ends {end - forgotten[-1]:+.1f} s from the last event lost"
    assert gaps[0]["late"] and gap["reason"] == "restart", gaps[0]
    return f"{gap['start'][11:19]} to {gap['end'][11:19]}, {gap['reason']}"
