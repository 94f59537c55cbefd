"""The lives of Home Assistant in the soak."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import takewhile
import random
import time
from typing import Any

from aiohttp import ClientError

from tests.demo import witness
from tests.demo.checks import say
from tests.demo.home_assistant import HomeAssistant, Subscription
from tests.demo.recorded import problems, recorded_events
from tests.demo.stage import DOMAIN, Stage

from .books import Tally, compare_events, compare_recorder, compare_rings, leaks, out_of_order
from .players import EVENT, Player
from .systems import PLAYERS, TwoN

# Generous, as other work may load the machine.
LOADED = 180.0
ARRIVES = 180.0
RINGS = 20.0
# Seconds that a fault lasts, that Home Assistant lives on after its checks, and that it is dead.
FAULT = (0.3, 2.5)
LIFE = (0.3, 2.0)
DEAD = (0.0, 3.0)
# Quiet seconds before things are counted.
QUIET = 3.0
# Shares: lives that end by SIGKILL, a fault of a device in a life, a reload of an entry, a visitor during a fault.
KILLED, FAULTY, RELOADED, VISITED = 0.4, 0.3, 0.25, 0.5
# Counts, half a second apart, after which no fewer tasks are to be expected; and counts at most.
SETTLED = 6
MOST_COUNTS = 60
# A life in so many is a long one, in which leaks are measured, with so many rounds.
LONG_LIFE = 100
ROUNDS = 6
# Reloads of each entry in a round: what one of them leaves behind outgrows connections that come and go.
RELOADS = 10
# The process of a 2N or Akuvox is killed after so many lives; the 2N reboots after, or in, one of so many.
DEVICE_KILLED = 4
REBOOTED_DEAD = 7
REBOOTED_ALIVE = 10


@dataclass(frozen=True, slots=True)
class Plan:
    """How long: until `minutes` are over, or else until there were so many events and restarts."""

    seed: int
    minutes: float | None = None
    events: int = 100_000
    restarts: int = 200
    rounds: int = ROUNDS
    # Share of lives that end by SIGKILL; each fourth does in any case.
    killed: float = KILLED
    # Average events of the 2N in a second.
    rate: float = 90.0
    # Which life is the first long one.
    long_life: int = 3


@dataclass(slots=True)
class Result:
    """What came of it; `faults` is empty where all is well."""

    line: str
    faults: list[str]
    details: list[str]


def held(counts: Sequence[Mapping[str, Any]]) -> str:
    """Write counts for people."""
    shown = {name: [count[name] for count in counts] for name in counts[0]}
    shown["memory"] = [f"{memory / 2**20:.0f}" for memory in shown["memory"]]
    return "; ".join(f"{name} {' '.join(map(str, values))}" for name, values in shown.items())


def unexpected(log: str) -> list[str]:
    """Return the errors of the integration in a log, beside a lost connection and a reload that a stop cuts off."""
    lines = [line for line in problems(log, DOMAIN) if " ERROR " in line and f"custom_components.{DOMAIN}" in line]
    return [line for line in lines if "] Error fetching " not in line and not line.endswith(" integration cancelled")]


@dataclass(slots=True)
class Soak:
    """One run.

    Attributes:
        kills: When Home Assistant was killed by SIGKILL, Unix time.
        restarts: Number of restarts so far.
        tasks: Number of tasks by the function that they run, after each round.
    """

    stage: Stage
    plan: Plan
    players: list[Player] = field(default_factory=list)
    kills: list[float] = field(default_factory=list)
    restarts: int = 0
    reloads: int = 0
    done_faults: int = 0
    counts: list[list[dict[str, Any]]] = field(default_factory=list)
    tasks: list[dict[str, int]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    under_way: list[asyncio.Task[None]] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    dice: random.Random = field(init=False)
    reader: witness.Reader = field(init=False)

    def __post_init__(self) -> None:
        """Make the devices' players."""
        self.dice = random.Random(f"{self.plan.seed} lives")
        self.reader = witness.Reader(self.stage.config)
        self.players = [player(self.stage, str(self.plan.seed), self.plan.rate) for player in PLAYERS]

    @property
    def home(self) -> HomeAssistant:
        """Home Assistant in its present life."""
        return self.stage.home_assistant

    @property
    def two_n(self) -> TwoN:
        """The 2N, whose log is followed at once."""
        return next(player for player in self.players if isinstance(player, TwoN))

    async def run(self) -> Result:
        """Run Home Assistant several times, and compare the results."""
        await asyncio.gather(*(player.add() for player in self.players))
        async with self._happening():
            await asyncio.sleep(2.0)
            while not self._is_over():
                await self._end()
                await self._be_dead()
                await self._begin()
                await self._live()
        # The last start reads all logs at once.
        await self._stop()
        await self._begin()
        await self._all_told()
        await self._check_entries()
        for player in self.players:
            await player.check_moves()
        books = [await player.book() for player in self.players]
        await self._stop()
        return self._compare(books)

    def _is_over(self) -> bool:
        if self.plan.minutes is not None:
            return time.monotonic() - self.began > 60 * self.plan.minutes
        reported = sum(item.kind == EVENT for item in self.reader.read())
        return self.restarts >= self.plan.restarts and reported >= self.plan.events

    @asynccontextmanager
    async def _happening(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(player.live()) for player in self.players]
        try:
            yield
            if failed := [task for task in tasks if task.done()]:
                failed[0].result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    # -- a life ----------------------------------------------------------------------------------

    async def _begin(self) -> None:
        """Start Home Assistant, and wait until it has reported the newest event."""
        await self.stage.start_home_assistant()
        await self.stage.running()
        await self._until_loaded()
        await asyncio.gather(*(player.find() for player in self.players))
        self.restarts += 1
        await self._newest_told()
        if self.restarts % 10 == 0:
            events = sum(item.kind == EVENT for item in self.reader.read())
            minutes = (time.monotonic() - self.began) / 60
            say(f"  {self.restarts} restarts, {len(self.kills)} kills, {events} events, {minutes:.1f} min")

    async def _live(self) -> None:
        """Ring at all devices, send commands, and begin faults."""
        await asyncio.gather(*(self._ring_fresh(player) for player in self.players))
        await asyncio.gather(*(self._command(player) for player in self.players))
        if self.restarts % LONG_LIFE == self.plan.long_life:
            await self._live_long()
            return
        if self.restarts % REBOOTED_ALIVE == 0:
            await self._fault(self.two_n, "reboot")
        # What is not over by then is cut off by the end of Home Assistant.
        self.under_way = [asyncio.create_task(self._trouble(player)) for player in self.players]
        await asyncio.wait(self.under_way, timeout=self.dice.uniform(*LIFE))

    async def _trouble(self, player: Player) -> None:
        if self.dice.random() < RELOADED:
            await self._cut_off(self._reload(player))
        if self.dice.random() < FAULTY:
            name = self.dice.choice(sorted(set(player.faults()) - ({"reboot"} if player is self.two_n else set())))
            work = self._fault(player, name), self._visit(player), self._cut_off(player.command(self.home))
            await asyncio.gather(*work)

    async def _visit(self, player: Player) -> None:
        """Let a visitor ring; the ring may be lost."""
        if self.dice.random() < VISITED:
            wait = self.dice.uniform(0.2, 3.0)
            await player.ring(fresh=False, rang=lambda: asyncio.sleep(wait))

    async def _fault(self, player: Player, name: str) -> None:
        self.done_faults += 1
        seconds = self.dice.uniform(*FAULT)
        if name == "reboot" and isinstance(player, TwoN):
            # Its log is gone after that, so everything has to be reported before.
            async with player.free:
                await self._told(player)
                await player.faults()[name](seconds)
            await self._newest_told()
            return
        await player.faults()[name](seconds)

    async def _reload(self, player: Player) -> None:
        self.reloads += 1
        await self.home.post(f"/api/config/config_entries/entry/{player.entry_id}/reload", {})

    async def _ring_fresh(self, player: Player) -> None:
        before = len(player.rings(self.reader.read()))

        async def rang() -> None:
            await self._until(lambda: len(player.rings(self.reader.read())) > before, RINGS)

        await player.ring(fresh=True, rang=rang)

    async def _command(self, player: Player) -> None:
        """Send a command; Home Assistant may be killed during it."""
        await player.command(self.home)

    async def _live_long(self) -> None:
        """Reload everything and let everything fail, round by round, and count what is held after each round."""
        ears, since = await self.home.subscribe(EVENT), time.time()
        counts: list[dict[str, Any]] = []
        for _ in range(self.plan.rounds):
            await asyncio.gather(*(self._torment(player) for player in self.players))
            await self._until_loaded()
            locks = [player.free for player in self.players]
            for lock in locks:
                await lock.acquire()
            try:
                await self._newest_told()
                await asyncio.sleep(QUIET)
                counts.append(await self._count())
            finally:
                for lock in locks:
                    lock.release()
        self._compare_ears(ears, since)
        self.counts.append(counts)

    async def _torment(self, player: Player) -> None:
        for _ in range(RELOADS):
            await self._reload(player)
        await self._fault(player, self.dice.choice(sorted(set(player.faults()) - {"reboot"})))
        await player.heal()
        await self._command(player)

    async def _count(self) -> dict[str, Any]:
        """Have the witness count until the tasks become no fewer: polls and pictures of visitors are under way."""
        found: list[dict[str, Any]] = []
        least = 0
        while len(found) < MOST_COUNTS and len(found) - least < SETTLED:
            before = len(self._counted())
            await self.home.post(f"/api/events/{witness.CENSUS}", {})
            await self._until(lambda before=before: len(self._counted()) > before, ARRIVES)  # type: ignore[misc]  # one lambda for each count
            found.append(dict(self._counted()[-1]))
            if found[-1]["tasks"] < found[least]["tasks"]:
                least = len(found) - 1
            await asyncio.sleep(0.5)
        names = [count.pop("names") for count in found]
        self.tasks.append(names[least])
        return {name: min(count[name] for count in found) for name in found[0]}

    def _counted(self) -> list[dict[str, Any]]:
        return [item.data for item in self.reader.read() if item.kind == witness.CENSUS]

    def _compare_ears(self, ears: Subscription, since: float) -> None:
        heard = [str(item.event["data"]) for item in ears.heard]
        reported = [str(item.data) for item in self.reader.read() if item.kind == EVENT and item.at >= since]
        # The first ones may have come between the subscription and its answer.
        if heard[-len(reported) :] != reported:
            self.wrong.append(
                f"the websocket heard {len(heard)} events since {since:.2f}, the witness {len(reported)} others"
            )

    # -- its end ---------------------------------------------------------------------------------

    async def _end(self) -> None:
        """Stop or kill Home Assistant, often during a visit or a command."""
        visits = [asyncio.create_task(self._visit(player)) for player in self.players if self.dice.random() < 0.3]
        await asyncio.sleep(self.dice.uniform(0.0, 0.5))
        if self.restarts % 4 == 0 or self.dice.random() < self.plan.killed:
            free = [player for player, task in zip(self.players, self.under_way, strict=False) if task.done()]
            visits += [asyncio.create_task(self._cut_off(player.command(self.home))) for player in free]
            await asyncio.sleep(self.dice.uniform(0.0, 0.05))
            self.kills.append(time.time())
            await self.stage.kill_home_assistant()
        else:
            await self._stop()
        await asyncio.gather(*self.under_way, *visits)
        self.under_way = []

    async def _cut_off(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin something that the end of Home Assistant may interrupt."""
        task = asyncio.create_task(work)
        await asyncio.wait({task})
        if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, ClientError):
            raise error

    async def _stop(self) -> None:
        await self.stage.stop_home_assistant()

    async def _be_dead(self) -> None:
        """Let visitors ring, devices reboot, and simulators be killed while Home Assistant does not run."""
        dead = time.monotonic() + self.dice.uniform(*DEAD)
        for number, player in enumerate(self.players):
            await player.heal()
            if (self.restarts + number) % DEVICE_KILLED == DEVICE_KILLED - 1:
                await player.kill()
            await player.ring(fresh=False, rang=lambda: asyncio.sleep(0.05))
        if self.restarts % REBOOTED_DEAD == REBOOTED_DEAD - 1:
            await self._reboot_dead()
        await asyncio.sleep(max(0.0, dead - time.monotonic()))

    async def _reboot_dead(self) -> None:
        """Reboot the 2N, which loses the events that were not reported."""
        player = self.two_n
        async with player.free:
            known = {event.key for event in player.reported(self.reader.read())}
            await player.faults()["reboot"](0.5)
            # Read after it, as the device records until it goes down. What is older than a reported record was read too.
            untold = takewhile(lambda key: key not in known, (entry.key for entry in reversed(await player.erased())))
            player.forgotten |= set(untold)

    # -- waiting ---------------------------------------------------------------------------------

    async def _until(self, condition: Callable[[], bool], timeout: float) -> bool:
        end = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > end:
                return False
            await asyncio.sleep(0.1)
        return True

    async def _until_loaded(self) -> None:
        async def states() -> list[str]:
            entries = await self.home.get(f"/api/config/config_entries/entry?domain={DOMAIN}")
            return [entry["state"] for entry in entries]

        end = time.monotonic() + LOADED
        while set(found := await states()) != {"loaded"}:
            assert time.monotonic() < end, f"entries do not load: {found}"
            await asyncio.sleep(0.1)

    async def _newest_told(self) -> None:
        """Wait until the newest record of the 2N is reported."""
        await self._told(self.two_n)

    async def _told(self, player: Player) -> None:
        book = await player.book()
        position = len(self.reader.read())
        newest = book[-1].key

        def is_reported() -> bool:
            seen = self.reader.read()
            return any(event.key == newest for event in player.reported(seen[max(0, position - 5000) :]))

        assert await self._until(is_reported, ARRIVES), (
            f"{player.name}: {newest} is not reported within {ARRIVES:.0f} s"
        )

    async def _all_told(self) -> None:
        """Wait until the newest record of each book is reported; losses are found later."""
        waits: list[Awaitable[None]] = [self._told(player) for player in self.players]
        for result in await asyncio.gather(*waits, return_exceptions=True):
            if isinstance(result, AssertionError):
                self.wrong.append(str(result))

    async def _check_entries(self) -> None:
        flows = await self.home.command("config_entries/flow/progress")
        asked = [flow["context"].get("source") for flow in flows if flow["handler"] == DOMAIN]
        if "reauth" in asked:
            self.wrong.append("an entry asks for credentials, which never changed")

    # -- comparison ------------------------------------------------------------------------------

    def _compare(self, books: list[Any]) -> Result:
        seen = self.reader.read()
        tallies: list[Tally] = []
        details: list[str] = []
        old: list[str] = []
        missed: list[str] = []
        moves: list[str] = []
        wrong = list(self.wrong)
        for player, book in zip(self.players, books, strict=True):
            reported = player.reported(seen)
            tally = compare_events(
                player.name, book, reported, self.kills, since=player.since, forgotten=player.forgotten
            )
            tallies.append(tally)
            wrong += tally.wrong
            if player.in_order:
                wrong += out_of_order(player.name, book, reported)
            late_rings, silent = compare_rings(player.name, player.presses, player.rings(seen))
            old, missed, moves = old + late_rings, missed + silent, moves + player.wrong_moves
            fresh = sum(press.fresh for press in player.presses)
            details.append(
                f"{player.name}: {tally.events} events, lost {len(tally.lost)}, doubled {tally.doubled},"
                f" {fresh} fresh and {len(player.presses) - fresh} other visitors,"
                f" {player.commands} commands ({player.refused} failed with an error)"
                + (f", {len(player.forgotten)} forgotten by the device" if player.forgotten else "")
            )
        details += [f"held after each round: {held(counts)}" for counts in self.counts]
        details += [f"tasks of the last round: {tasks}" for tasks in self.tasks[-1:]]
        leaked = [leak for counts in self.counts for leak in leaks(counts, RELOADS)]
        events = [(item.at, str(item.data)) for item in seen if item.kind == EVENT]
        recorded = [str(item.data) for item in recorded_events(self.stage.database, EVENT)]
        strange, lacking = compare_recorder(events, recorded, self.kills)
        wrong += strange + lacking
        wrong += unexpected(self.stage.log)
        lost = [text for tally in tallies for text in tally.lost]
        doubled, bound = sum(tally.doubled for tally in tallies), sum(tally.before_kills for tally in tallies)
        total = sum(tally.events for tally in tallies)
        details.append(
            f"{self.restarts} restarts, {len(self.kills)} of them SIGKILL, {self.done_faults} faults, {self.reloads} reloads,"
            f" {bound} events in the last second before a kill, {(time.monotonic() - self.began) / 60:.1f} min"
        )
        return Result(
            f"soak: {total} events, lost {len(lost)}, doubled {doubled} (all within a second before a SIGKILL),"
            f" old rings {len(old)}, fresh rings missed {len(missed)}, wrong door moves {len(moves)}, leaks {len(leaked)}",
            [*lost, *old, *missed, *moves, *leaked, *wrong],
            details,
        )
