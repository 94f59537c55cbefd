"""The benchmark of many devices in one Home Assistant: load, CPU, a power cut, rings at once, memory.

It fails if a device is not loaded or not heard, if a ring does not arrive, or if the integration logs an error other than a
lost connection; never because of a time, and never because of an error of Home Assistant itself.

All devices are new to Home Assistant when it starts. Times are on the monotonic clock, which all processes share.
"""

import argparse
import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
import json
import os
from pathlib import Path
import re
import resource
import sys
import tempfile
import time
from typing import Any

import aiohttp

from .__main__ import run
from .checks import say
from .home_assistant import Heard
from .memory import cpu, memory
from .process import Process
from .stage import ACCOUNT, DOMAIN, ROOT, Stage, free_port

# So many devices live in one process.
SHARE = 125
LOADED_TIMEOUT = 300.0
POWER_CUT = 30.0
BACK_TIMEOUT = 180.0
WATCH = 60.0
RING_TIMEOUT = 30.0
# What a log line says of a device that is taken for silent.
SILENT = ("Failed to connect", "does not answer", "not respond", "Timed out")
# Where the integration appears in a log record: as its logger, or in its traceback.
OURS = (f"custom_components.{DOMAIN}", f"custom_components/{DOMAIN}")
# Home Assistant's voice assistant decides about all new entities in a single event when Home Assistant has started. Each
# decision fires two more events, of which Home Assistant allows 10,000 (homeassistant/core.py).
OVERFLOW = "events were queued by event listeners"


class Devices:
    """The simulated devices, in several processes."""

    def __init__(self, folder: Path) -> None:
        """Nothing runs yet; what the processes say goes into `folder`."""
        self.addresses: list[tuple[str, str]] = []
        self._folder = folder
        self._controls: list[str] = []
        self._processes: list[Process] = []
        self._session: aiohttp.ClientSession

    @asynccontextmanager
    async def running(self, count: int) -> AsyncIterator[None]:
        """Run so many devices."""
        async with AsyncExitStack() as stack:
            timeout = aiohttp.ClientTimeout(total=120)
            self._session = await stack.enter_async_context(aiohttp.ClientSession(timeout=timeout))
            for first in range(0, count, SHARE):
                process = Process("fleet", self._folder / f"fleet{first}.log")
                stack.push_async_callback(process.stop)
                ready = await process.start(
                    sys.executable, "-m", "tests.simulators.two_n.fleet", "--first", str(first),
                    "--devices", str(min(SHARE, count - first)), "--account", ":".join(ACCOUNT),
                    folder=ROOT, environment=dict(os.environ), speaks=True,
                )  # fmt: skip
                if not ready:
                    raise AssertionError(f"the simulators did not start: {process.tail(20)}")
                found = json.loads(ready)
                self._controls.append(found["control"])
                self.addresses += [(address, mac) for address, mac in found["devices"]]
            yield

    async def do(self, verb: str) -> list[Any]:
        """Have all processes do something at once."""

        async def one(control: str) -> Any:
            async with self._session.post(f"{control}/{verb}", json={}) as response:
                return await response.json()

        return await asyncio.gather(*(one(control) for control in self._controls))

    async def requests(self) -> tuple[int, int, Counter[str]]:
        """Return how many requests there were since the last `clear`, the most in one second, and the paths."""
        seconds, paths, total = Counter[str](), Counter[str](), 0
        for part in await self.do("requests"):
            seconds.update(part["seconds"])
            paths.update(part["paths"])
            total += part["total"]
        return total, max(seconds.values(), default=0), paths

    async def pulling(self) -> int:
        """Return how many devices are asked for their events now."""
        return sum(await self.do("pulling"))


class FleetBench:
    """Measures one Home Assistant with many devices."""

    def __init__(self, stage: Stage, devices: Devices) -> None:
        """Both are running, or about to."""
        self.stage = stage
        self.devices = devices
        self.count = 0
        # Memory of Home Assistant without the integration, in MiB.
        self.bare = 0.0
        self.rows: list[tuple[str, str]] = []
        # What was promised and not kept.
        self.broken: list[str] = []

    def tell(self, what: str, measured: str) -> None:
        """Add a row."""
        self.rows.append((what, measured))
        say(f"  {what}: {measured}")

    def expect_all(self, what: str, count: int) -> None:
        """Note a broken promise unless something is true for all devices."""
        if count < self.count:
            self.broken.append(f"{what}: {count} of {self.count}")

    def tell_memory(self, when: str) -> None:
        """Add a row with the memory, and how much of it each device takes."""
        taken = memory(self.stage.pid)
        self.tell(f"memory {when}", f"{taken:.0f} MiB, {(taken - self.bare) / self.count:.2f} for each device")

    async def prepare(self, count: int) -> None:
        """Make the entries: one by the config flow, the others like it in the storage."""
        self.count = count
        self.bare = memory(self.stage.pid)
        address, _ = self.devices.addresses[0]
        self.stage.address = address
        await self.stage.add_intercom()
        await self.stage.stop_home_assistant()
        storage = self.stage.config / ".storage"
        path = storage / "core.config_entries"
        content = json.loads(path.read_text())
        entries = content["data"]["entries"]
        (model,) = [entry for entry in entries if entry["domain"] == DOMAIN]
        entries.remove(model)
        for number, (address, mac) in enumerate(self.devices.addresses):
            url = f"http://{address}"
            entries.append(
                {
                    **model,
                    "entry_id": f"{number:026d}",
                    "title": f"Entrance {number}",
                    "unique_id": mac.lower().replace("-", ":"),
                    "data": {**model["data"], "url": url},
                }
            )
        path.write_text(json.dumps(content))
        for name in ("core.device_registry", "core.entity_registry"):
            (storage / name).unlink(missing_ok=True)

    async def load(self) -> None:
        """Start Home Assistant with all devices."""
        await self.devices.do("clear")
        began = time.monotonic()
        home = await self.stage.start_home_assistant()
        while True:
            # Not by the websocket: Home Assistant disconnects a client that it cannot keep up with.
            entries = await home.get(f"/api/config/config_entries/entry?domain={DOMAIN}")
            states = Counter(entry["state"] for entry in entries)
            if states["loaded"] >= self.count or time.monotonic() - began > LOADED_TIMEOUT:
                break
            await asyncio.sleep(0.5)
        seconds = time.monotonic() - began
        self.expect_all("loaded", states["loaded"])
        total, peak, _ = await self.devices.requests()
        self.tell("loaded, with the start of Home Assistant", f"{states['loaded']} of {self.count} in {seconds:.1f} s")
        self.tell("a client of all events", "kept" if home.connected else "DISCONNECTED while loading")
        if not home.connected:
            await home.connect()
        self.tell("requests while loading", f"{total / self.count:.1f} for each device, at most {peak} in a second")

    async def settle(self) -> None:
        """Measure the first minute after the start."""
        await self.devices.do("clear")
        before = cpu(self.stage.pid)
        await asyncio.sleep(WATCH)
        total, peak, paths = await self.devices.requests()
        self.tell("CPU in the minute after", f"{cpu(self.stage.pid) - before:.1f} s of {WATCH:.0f}")
        told = ", ".join(f"{count} {path.removeprefix('/api/')}" for path, count in paths.most_common(6))
        self.tell("requests in that minute", f"{total / self.count:.2f} for each device, at most {peak}/s ({told})")
        heard = await self.devices.pulling()
        self.expect_all("heard", heard)
        self.tell("heard", f"{heard} of {self.count}")
        self.tell_memory("then")

    async def rings(self) -> None:
        """Press all buttons at once."""
        home = self.stage.home_assistant
        if not home.connected:
            self.tell("a client of all events", "DISCONNECTED")
            await home.connect()
        registry = await home.command("config/entity_registry/list")
        ours = [entry for entry in registry if entry["platform"] == DOMAIN]
        bells = {entry["entity_id"] for entry in ours if entry["unique_id"].endswith("_bell_1")}
        home.changes.clear()
        began = min(await self.devices.do("press"))

        def all_rang(heard: list[Heard]) -> int | None:
            rang = {item.event["data"]["entity_id"] for item in heard} & bells
            return len(rang) if len(rang) >= self.count else None

        with suppress(AssertionError):
            await home.changes.wait(all_rang, RING_TIMEOUT, "the rings")
        times: dict[str, float] = {}
        for item in home.changes.heard:
            entity = item.event["data"]["entity_id"]
            if entity in bells:
                times.setdefault(entity, item.at - began)
        self.expect_all("rings", len(times))
        ordered = sorted(times.values()) or [0.0]
        self.tell(
            "rings at once",
            f"{len(times)} of {self.count}, median {ordered[len(ordered) // 2]:.2f} s, last {ordered[-1]:.2f} s",
        )

    async def power_cut(self) -> None:
        """Cut the power of all devices for a while; they restart after it."""
        await self.devices.do("cut_power")
        await asyncio.sleep(POWER_CUT)
        await self.devices.do("clear")
        before = cpu(self.stage.pid)
        began = min(await self.devices.do("restore"))
        while (heard := await self.devices.pulling()) < self.count and time.monotonic() - began < BACK_TIMEOUT:
            await asyncio.sleep(0.5)
        self.expect_all("heard again", heard)
        seconds = time.monotonic() - began
        await asyncio.sleep(max(0.0, WATCH - seconds))
        total, peak, paths = await self.devices.requests()
        self.tell(f"power cut of {POWER_CUT:.0f} s", f"{heard} of {self.count} heard again within {seconds:.1f} s")
        told = ", ".join(f"{count} {path.removeprefix('/api/')}" for path, count in paths.most_common(6))
        self.tell(
            "requests afterwards", f"{total / self.count:.1f} for each device, at most {peak} in a second ({told})"
        )
        self.tell("CPU in the minute afterwards", f"{cpu(self.stage.pid) - before:.1f} s")

    def log(self) -> None:
        """Tell the errors of the integration and those of Home Assistant apart."""
        records = re.split(r"\n(?=20\d\d-)", self.stage.log)
        errors = [record for record in records if " ERROR " in record.partition("\n")[0]]
        silent = [record for record in records if any(word in record for word in SILENT)]
        overflow = [record for record in errors if OVERFLOW in record]
        ours = [record for record in errors if any(name in record for name in OURS)]
        ours = [record for record in ours if record not in silent and record not in overflow]
        foreign = len(errors) - len(ours) - len(overflow) - sum(record in silent for record in errors)
        self.tell(
            "log",
            f"{len(records)} records; errors: {len(ours)} of the integration beside {len(silent)} lost connections, "
            f"{len(overflow)} of Home Assistant's own voice assistant, {foreign} of other parts of Home Assistant",
        )
        kinds = Counter(record.partition("\n")[0].split("] ", 1)[-1][:60] for record in errors)
        for kind, times in kinds.most_common(5):
            say(f"      {times} x {kind}")
        if ours:
            self.broken.append(f"{len(ours)} errors of the integration, the first: {ours[0][:300]}")


async def measure(count: int, log: Path | None) -> None:
    """Measure everything."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix="ip-intercom-fleet-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        devices = Devices(folder)
        stage = Stage(folder / "stage", free_port())
        stage.folder.mkdir()
        try:
            async with devices.running(count):
                stage.write_configuration("", "warning", all_entities=False)
                await stage.start_home_assistant()
                await stage.running()
                # The first start compiles modules, which takes memory of its own.
                await stage.stop_home_assistant()
                await stage.start_home_assistant()
                await stage.running()
                bench = FleetBench(stage, devices)
                await bench.prepare(count)
                await bench.load()
                await bench.settle()
                await bench.rings()
                await bench.power_cut()
                await bench.rings()
                bench.tell_memory("after all of this")
                bench.log()
                assert not bench.broken, "; ".join(bench.broken)
        finally:
            await asyncio.shield(stage.stop())
            if log is not None:
                log.write_text(stage.log)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="scripts/bench --fleet", description="Many devices in one Home Assistant.")
    parser.add_argument("devices", type=int, help="how many")
    parser.add_argument("--log", type=Path, metavar="FILE", help="also keep the log of Home Assistant there")
    options = parser.parse_args()
    sys.exit(run(measure(options.devices, options.log)))
