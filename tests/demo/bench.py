"""The benchmark: how fast and how light the integration is, beside a bare client in the same run. Asserts nothing.

Times are taken on the machine's monotonic clock, which all processes share. A ring begins with the command to the
simulator to press the button; a command ends when the simulator has carried it out.
"""

import argparse
import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
import json
from pathlib import Path
from statistics import median, quantiles
import sys
import time
from typing import Any

from .__main__ import run
from .akuvox import PLANS, PUSHING
from .checks import say
from .home_assistant import Heard, HomeAssistant
from .memory import cpu, memory
from .simulator import DeviceClient, SimulatorControl
from .stage import ACCOUNT, DOMAIN, RECORDER, WATCHER, Stage, set_up

ROUNDS = 60
WARM_UP = 5
IDLE = 310.0  # the slow poll comes every five minutes
AFTER_REBOOT = 60.0
# So slow that answers of one round trip stand apart from those of the next.
SLOW = 0.2
REAUTH_TIMEOUT = 90.0
STRAYS = 6
# Seconds after the setup in which the rest is read.
AFTERWARDS = 3.0
# Pushes per second.
FLOOD = 2000
# Seconds after a ring until the next round.
CALM = 0.3
# Seconds after which presses are no news at the first contact.
LONG_AGO = 60.0
# A type that the simulator's models do not list and the integration does not ask for: only the bare client hears it.
FLOOR_EVENT = "BenchmarkProbe"
DOOR_COMMAND = "/api/switch/ctrl"
REFUSED = frozenset({401, 403})


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table."""

    what: str
    aim: str
    measured: str


@dataclass(frozen=True, slots=True)
class Spread:
    """Milliseconds of many rounds."""

    median: float
    p95: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Spread:
        """Return the spread of the given rounds."""
        return cls(median(seconds) * 1000, quantiles(seconds, n=20)[-1] * 1000)

    def against(self, floor: Spread) -> str:
        """Return the text with the ratio to a floor."""
        ratio, ratio95 = self.median / floor.median, self.p95 / floor.p95
        return f"{self}, x {ratio:.2f} (p95 x {ratio95:.2f})"

    def plus(self, other: Spread) -> Spread:
        """Return the sum with another spread."""
        return Spread(self.median + other.median, self.p95 + other.p95)

    def __str__(self) -> str:
        """Write median and p95."""
        return f"{self.median:.2f} ms, p95 {self.p95:.2f} ms"


class Bench:
    """Measures Home Assistant and the simulator on a stage."""

    def __init__(self, stage: Stage, floor: DeviceClient) -> None:
        """`floor` is the bare client."""
        self.stage = stage
        self.home: HomeAssistant = stage.home_assistant
        self.simulator: SimulatorControl = stage.simulator
        self.entities: dict[str, str] = {}
        self.floor = floor
        self.lines: list[Line] = []
        # Seconds that the simulator needs for a press, beside a single event.
        self.pressing = 0.0
        # Home Assistant stamps with the time of day.
        self._epoch = time.time() - time.monotonic()

    def tell(self, what: str, aim: str, measured: str) -> None:
        """Add a line to the table."""
        self.lines.append(Line(what, aim, measured))
        say(f"  {what}: {measured}")

    def _monotonic(self, stamp: str) -> float:
        return datetime.fromisoformat(stamp).timestamp() - self._epoch

    async def _answered(self, path: str, account: str) -> float:
        """Return when the last request of an account for a path was answered."""
        while True:
            found = [request["at"] for request in await self.simulator.requests(account) if request["path"] == path]
            if found:
                return float(found[-1])
            await asyncio.sleep(0.01)

    async def first_contact(self) -> None:
        """Add the intercom, and count what it takes until its entities are there, and soon after."""
        bare = memory(self.stage.pid)
        await self.simulator.do("clear_requests")
        began = time.monotonic()
        await self.stage.add_intercom()
        seconds, first = time.monotonic() - began, await self.simulator.requests()
        self.entities = await self.stage.entities()
        await asyncio.sleep(AFTERWARDS)
        requests = await self.simulator.requests()
        self.tell("first contact: seconds until the entry is there", "0.3", f"{seconds:.2f}")
        self.tell(
            "first contact: requests until then", "20",
            f"{len(first)}, {_refused(first)} of them refused; {len(requests)} within {AFTERWARDS:.0f} s more",
        )  # fmt: skip
        self.tell("memory with one device: MiB more", "6", f"{memory(self.stage.pid) - bare:.1f}")

    async def flood(self) -> None:
        """Push far more than any device does, and see how long Home Assistant takes to answer meanwhile."""
        device = self.stage.akuvox[PUSHING]
        await device.add(self.home)
        await asyncio.sleep(AFTERWARDS)  # Home Assistant saves entries with a delay
        entries = json.loads((self.stage.config / ".storage/core.config_entries").read_text())["data"]["entries"]
        (token,) = {entry["data"]["push_token"] for entry in entries if "push_token" in entry["data"]}
        address = f"{self.stage.url}/api/webhook/{token}?event=InputATriggered&n={{n}}"
        client = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.simulators.common.flood", address, "--rate", str(FLOOD), "--seconds", "5"
        )
        pings, before = [], cpu(self.stage.pid)
        while client.returncode is None:
            began = time.monotonic()
            await self.home.command("ping")
            pings.append(time.monotonic() - began)
            await asyncio.sleep(0.01)
        self.tell(
            f"pushes, {FLOOD}/s at one address: slowest answer on the websocket", "100 ms",
            f"{max(pings) * 1000:.0f} ms, median {median(pings) * 1000:.1f} ms, {cpu(self.stage.pid) - before:.1f} s CPU",
        )  # fmt: skip

    async def presses(self, rounds: int) -> None:
        """Measure what a press costs the simulator beside a single event, while only the bare client listens."""
        channel = await self.floor.open_log()
        event, press = list[float](), list[float]()
        for _ in range(rounds + WARM_UP):
            event.append(await self._floor(channel, "emit", event=FLOOR_EVENT))
            press.append(await self._floor(channel, "press", key="%1"))
            await self.simulator.do("release", key="%1")
            for session in (await self.simulator.state())["calls"]:
                await self.simulator.do("terminate", session=int(session))
        await self.floor.get("log/unsubscribe", id=channel)
        await self.simulator.do("pass_time", seconds=LONG_AGO)
        self.pressing = median(press[WARM_UP:]) - median(event[WARM_UP:])
        self.tell("ring: the press itself, in the simulator", "", f"{self.pressing * 1000:.2f} ms")

    async def rings(self, rounds: int) -> None:
        """Measure from the press at the door to the state of the doorbell."""
        channel = await self.floor.open_log()
        rounds_of: dict[str, list[float]] = {name: [] for name in ("bare", "ping", "seen", "written", "states")}
        for number in range(rounds + WARM_UP):
            times = {"bare": await self._floor(channel, "emit", event=FLOOR_EVENT)} | await self._ring()
            if number >= WARM_UP:
                for name, seconds in times.items():
                    rounds_of[name].append(seconds)
        states = rounds_of.pop("states")
        bare, ping, seen, written = (Spread.of(seconds) for seconds in rounds_of.values())
        self.tell("ring: floor, press to a bare client's long poll returning", "", str(bare))
        self.tell("ring: press to doorbell state written", "x 1.25", written.against(bare))
        self.tell("ring: press to doorbell state seen on the websocket", "x 2.4", seen.against(bare))
        self.tell("ring: the same, to floor + a ping of the websocket", "", seen.against(bare.plus(ping)))
        pressed = bare.plus(Spread(self.pressing * 1000, self.pressing * 1000))
        self.tell(
            "ring: written and seen, to floor + the press itself",
            "",
            f"{written.against(pressed)}; {seen.against(pressed)}",
        )
        self.tell("ring: states written for a press and its call", "", f"{median(states):g}")

    async def _floor(self, channel: str, verb: str, **arguments: str) -> float:
        """Time what only the bare client waits for."""
        while await self.floor.pull(channel, 0):
            pass
        await self.simulator.do("clear_requests")
        pull = asyncio.create_task(self.floor.pull(channel, 30))
        while not any(item["pulling"] and item["id"] == int(channel) for item in await self._channels()):
            await asyncio.sleep(0.005)
        began = time.monotonic()
        doing = asyncio.create_task(self.simulator.do(verb, **arguments))
        await pull
        returned = time.monotonic()
        await doing
        return returned - began

    async def _ring(self) -> dict[str, float]:
        """Time a ring that only Home Assistant waits for, with all records of a press and its call at once; and a ping."""
        await self.simulator.do("clear_requests")
        self.home.changes.clear()
        began = time.monotonic()
        session = await self.simulator.do("press", key="%1")
        heard = await self.home.changes.wait(self._find_ring, 10.0, "the ring")
        # What the ring sets off (the picture) is over before the next round.
        await self._answered("/api/camera/snapshot", ACCOUNT[0])
        written = self._monotonic(heard.event["data"]["new_state"]["last_updated"])
        pinged = time.monotonic()
        await self.home.command("ping")
        ping = time.monotonic() - pinged
        await self.simulator.do("release", key="%1")
        if session is not None:
            await self.simulator.do("terminate", session=session)
        await asyncio.sleep(CALM)
        ours, changed = set(self.entities.values()), 0
        for item in self.home.changes.heard:
            changed += item.event["data"]["entity_id"] in ours
        return {"ping": ping, "seen": heard.at - began, "written": written - began, "states": changed}

    def _find_ring(self, heard: list[Heard]) -> Heard | None:
        bell = self.entities["bell_1"]
        return next((item for item in heard if item.event["data"]["entity_id"] == bell), None)

    async def _channels(self) -> list[dict[str, Any]]:
        channels: list[dict[str, Any]] = (await self.simulator.state())["channels"]
        return channels

    async def opens(self, rounds: int) -> None:
        """Measure from the command to the request at the simulator."""
        lock = self.entities["door_2_door"]
        calls = await self.home.subscribe("call_service")
        bare, outside, inside, counts = [], [], [], Counter[int]()
        for number in range(rounds + WARM_UP):
            await self.simulator.do("clear_requests")
            began = time.monotonic()
            await self.floor.get("switch/ctrl", switch="2", action="off")
            floor = await self._answered(DOOR_COMMAND, WATCHER[0]) - began
            await self.simulator.do("clear_requests")
            calls.clear()
            began = time.monotonic()
            await self.home.act("lock.open", lock)
            carried_out = await self._answered(DOOR_COMMAND, ACCOUNT[0])
            requests = [item for item in await self.simulator.requests() if item["path"] == DOOR_COMMAND]
            if number >= WARM_UP:
                bare.append(floor)
                outside.append(carried_out - began)
                inside.append(carried_out - self._monotonic(calls.heard[-1].event["time_fired"]))
                counts[len(requests)] += 1
        await self.floor.get("switch/ctrl", switch="2", action="off")
        floor_spread = Spread.of(bare)
        self.tell("lock.open: floor, a bare client's request", "", str(floor_spread))
        self.tell("lock.open: action begun to request, to floor", "x 1.2", Spread.of(inside).against(floor_spread))
        self.tell("lock.open: sent on the websocket, to floor", "", Spread.of(outside).against(floor_spread))
        self.tell("lock.open: requests when warm", "1", " or ".join(map(str, sorted(counts))))

    async def bring_up(self) -> None:
        """Count what it takes to load the entry."""
        disable = {"entry_id": self.stage.entry_id}
        await self.home.command("config_entries/disable", **disable, disabled_by="user")
        await self.simulator.do("clear_requests")
        await self.simulator.do("delay", seconds=SLOW)
        await self.home.command("config_entries/disable", **disable, disabled_by=None)
        await self.home.wait_state(self.entities["door_1_door"], lambda state: state != "unavailable", 60.0)
        await self.simulator.do("delay", seconds=0)
        requests = await self.simulator.requests()
        waves: list[list[str]] = []
        for request, before in zip(requests, [None, *requests], strict=False):
            if before is None or request["at"] - before["at"] > SLOW / 2:
                waves.append([])
            waves[-1].append(request["path"].removeprefix("/api/") + ("" if _is_fine(request) else " (refused)"))
        fetched = Counter((item["path"], json.dumps(item["query"])) for item in requests if _is_fine(item))
        twice = [path for (path, _), count in fetched.items() if count > 1]
        await asyncio.sleep(AFTERWARDS)
        rest = len(await self.simulator.requests()) - len(requests)
        told = f"{len(requests)}, {_refused(requests)} of them refused; {rest} in the background afterwards"
        self.tell("bring-up: requests", "<= 12", told)
        self.tell("bring-up: round trips", "<= 4", f"{len(waves)}: {'; '.join(', '.join(wave) for wave in waves)}")
        self.tell("bring-up: fetched twice", "0", f"{len(twice)} {' '.join(twice)}".rstrip())

    async def unchanged(self) -> None:
        """Count the states written although nothing has changed."""
        entity = self.entities["door_1_door"]
        before = await self._reported()
        self.home.changes.clear()
        await self.simulator.do("clear_requests")
        await self.home.act("homeassistant.update_entity", entity)
        requests = await self.simulator.requests(ACCOUNT[0])
        after = await self._reported()
        ours = set(self.entities.values())
        changed = sum(item.event["data"]["entity_id"] in ours for item in self.home.changes.heard)
        reported = sum(before[entity_id] != stamp for entity_id, stamp in after.items())
        self.tell("unchanged poll: states written", "0", f"{max(changed, reported)} ({len(requests)} requests)")

    async def _reported(self) -> dict[str, str]:
        ours = set(self.entities.values())
        return {
            s["entity_id"]: s["last_reported"] for s in await self.home.get("/api/states") if s["entity_id"] in ours
        }

    async def idle(self, seconds: float) -> None:
        """Count requests while nothing happens."""
        await self.simulator.do("clear_requests")
        await asyncio.sleep(seconds)
        requests = await self.simulator.requests()
        paths = Counter(request["path"] for request in requests)
        per_minute = len(requests) * 60 / seconds
        told = ", ".join(f"{count} {path.removeprefix('/api/')}" for path, count in paths.items())
        self.tell("idle: requests per minute", "<= 2.5", f"{per_minute:.2f} over {seconds:.0f} s ({told})")
        self.tell("idle: refused", "0", str(_refused(requests)))

    async def reboot(self) -> None:
        """Count requests after a reboot, from the moment it begins."""
        await self.simulator.do("clear_requests")
        begin = time.monotonic()
        await self.simulator.do("reboot")
        await asyncio.sleep(max(0.0, AFTER_REBOOT - (time.monotonic() - begin)))
        requests = await self.simulator.requests()
        rate = len(requests) / AFTER_REBOOT
        self.tell("after a reboot: requests per second", "< 0.2", f"{rate:.2f} ({len(requests)} in a minute)")

    async def strays(self) -> None:
        """Measure single 401 responses to valid requests."""
        flows = await self.home.follow("config_entries/flow/subscribe")
        await self.simulator.do("clear_requests")
        for number in range(STRAYS):
            await self.simulator.do("stray_401")
            await self.simulator.do("emit", event="VirtualInput", port=f"stray {number}")
            await asyncio.sleep(2.0)
        refused = _refused(await self.simulator.requests())
        self.tell("stray 401: reauth requests", "0", f"{len(_reauths(flows.heard))} ({refused} refused)")

    async def password(self) -> None:
        """Change the password, and wait until Home Assistant asks for it."""
        username, password = ACCOUNT
        flows = await self.home.follow("config_entries/flow/subscribe")
        await self.simulator.do("clear_requests")
        await self.simulator.do("change_password", account=username, password=f"{password}-new")
        await self.simulator.do("emit", event="VirtualInput", port="password")
        asked = await flows.wait(lambda heard: next(iter(_reauths(heard)), None), REAUTH_TIMEOUT, "reauth")
        requests = await self.simulator.requests()
        refused = [request["at"] for request in requests if request["status"] in REFUSED]
        self.tell(
            "changed password: seconds from the first rejection to the reauth request", "<= 15",
            f"{asked.at - refused[0]:.1f} ({len(refused)} refused)",
        )  # fmt: skip


def _reauths(heard: Sequence[Heard]) -> list[Heard]:
    return [
        item
        for item in heard
        if item.event["type"] in {None, "added"}
        and item.event["flow"]["handler"] == DOMAIN
        and item.event["flow"]["context"]["source"] == "reauth"
    ]


def _is_fine(request: dict[str, Any]) -> bool:
    return request["status"] not in REFUSED and request["error_code"] is None


def _refused(requests: Sequence[dict[str, Any]]) -> int:
    return sum(not _is_fine(request) for request in requests)


def table(lines: Sequence[Line]) -> str:
    """Return the table as text."""
    rows = [("", "aim", "measured"), *((line.what, line.aim, line.measured) for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    return "\n".join(f"{what:<{widths[0]}}  {aim:<{widths[1]}}  {measured}" for what, aim, measured in rows)


async def measure(rounds: int, idle: float, file: Path | None, more: str) -> None:
    """Measure everything and print the table."""
    plan = next(plan for plan in PLANS if plan.dialect == PUSHING)
    async with set_up(more=more, log_level="warning", akuvox=[plan]) as stage:
        bench = Bench(stage, stage.watcher)
        await bench.presses(rounds)
        await bench.first_contact()
        await bench.rings(rounds)
        await bench.opens(rounds)
        await bench.bring_up()
        await bench.unchanged()
        await bench.strays()
        await bench.idle(idle)
        await bench.reboot()
        await bench.password()
        await bench.flood()
    say(f"\n{table(bench.lines)}")
    if file is not None:
        file.write_text(json.dumps([asdict(line) for line in bench.lines], indent=2) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="scripts/bench", description="How fast and how light, beside a bare client.")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="rings and openings to measure")
    parser.add_argument("--idle", type=float, default=IDLE, help="seconds to watch while nothing happens")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the table there")
    parser.add_argument("--recorder", action="store_true", help="with the recorder, whose thread takes its share")
    options = parser.parse_args()
    sys.exit(run(measure(options.rounds, options.idle, options.json, RECORDER if options.recorder else "")))
