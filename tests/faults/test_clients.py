"""Spoiled replies to every function of every client: only its own errors come out, at once, and nothing piles up."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
import gc
import logging
import os
from pathlib import Path
from random import Random
import sys
from typing import Any

import aiohttp
import pytest
from yarl import URL

from custom_components.ip_intercom.systems.akuvox import client as akuvox
from custom_components.ip_intercom.systems.akuvox.client import exchange
from custom_components.ip_intercom.systems.common.errors import IntercomError
from custom_components.ip_intercom.systems.common.http import HttpTransport
from custom_components.ip_intercom.systems.mx_proxy import client as mx_proxy
from custom_components.ip_intercom.systems.mx_proxy.client import discovery as mx_discovery
from custom_components.ip_intercom.systems.smartyard import client as smartyard
from custom_components.ip_intercom.systems.smartyard.client import discovery as smartyard_discovery, streams
from custom_components.ip_intercom.systems.smartyard.client.cameras import Camera
from custom_components.ip_intercom.systems.two_n import client as two_n
from custom_components.ip_intercom.systems.two_n.client.log import LogReader
from tests import mx_proxy_recordings, smartyard_recordings
from tests.demo.memory import memory
from tests.recordings import CAPTURES
from tests.simulators.akuvox import Redirect, Simulator as Akuvox
from tests.simulators.mx_proxy import APPS, LOGIN, PASSWORD, Simulator as MxProxy
from tests.simulators.smartyard import PHONE, Simulator as SmartYard
from tests.simulators.two_n import Simulator as TwoN
from tests.systems.bench import sockets

from .functions import Function, bound, names
from .grammar import Reply, spoiled
from .lag import Lag
from .proxy import HOPS, Asked, Proxy, fetched

__all__ = ["sockets"]

# The long run: IP_INTERCOM_FUZZ=100000.
ROUNDS = int(os.environ.get("IP_INTERCOM_FUZZ", "2000"))
# Inputs until the caches of libraries are filled.
WARM_UP = 200
# Seconds on the virtual clock after which a function counts as hanging: more than all its patience.
PATIENCE = 3600.0
# Blocks of memory that Python may hold more after a run of any length: caches of libraries, but nothing for each input.
GROWTH = 30_000
# Functions after which a simulator is of no use, or a device has another address.
FINAL = ("restart", "reboot", "reset", "factory", "clear", "logout", "upgrade", "apply", "import_")
NOT_FOUND = Reply("404 Not Found", (("Content-Type", "text/html"),), b"<html>404</html>")


@dataclass(slots=True)
class Subject:
    """A client, the simulator whose replies are spoiled, and recordings of real ones."""

    simulator: URL
    make: Callable[[aiohttp.ClientSession, URL], object]
    given: Mapping[str, object] = field(default_factory=dict)
    # Functions that no attribute of the client has.
    others: Mapping[str, Callable[[aiohttp.ClientSession, URL], Function]] = field(default_factory=dict)
    recorded: Mapping[str, list[Reply]] = field(default_factory=dict)
    # Servers of functions that do not talk to the simulator itself.
    homes: Mapping[str, URL] = field(default_factory=dict)

    def names(self, session: aiohttp.ClientSession) -> list[str]:
        """Return the names of all functions."""
        return [*names(self.make(session, self.simulator)), *self.others]

    def function(self, name: str, session: aiohttp.ClientSession, url: URL) -> Function:
        """Return a function of a new client."""
        if (other := self.others.get(name)) is not None:
            return other(session, url)
        return bound(self.make(session, url), name, self.given)


def recorded_files(folder: str) -> list[Reply]:
    """Return recordings that are only JSON, where they are at hand."""
    files = sorted((CAPTURES / folder).rglob("*.json"))
    return [Reply("200 OK", (("Content-Type", "application/json"),), file.read_bytes()) for file in files]


def recorded_replies(files: list[Path], read: Callable[[Path], Any]) -> dict[str, list[Reply]]:
    """Return recorded replies by path, where they are at hand."""
    found: dict[str, list[Reply]] = {}
    for recording in map(read, files):
        headers = tuple((name, value) for name, value in recording.reply_headers.items() if name.lower() not in HOPS)
        reply = Reply(f"{recording.status} OK", headers, recording.reply)
        found.setdefault(recording.path.partition("?")[0], []).append(reply)
    return found


@asynccontextmanager
async def two_n_subject() -> AsyncGenerator[Subject]:
    """A Verso in the middle of a call."""

    def make(session: aiohttp.ClientSession, url: URL) -> two_n.TwoNDevice:
        return two_n.TwoNDevice(two_n.TwoNClient(HttpTransport(session, url), "ha", "ha-pass"))

    def find(session: aiohttp.ClientSession, url: URL) -> Function:
        async def call() -> None:
            await two_n.find_device(session, str(url), username="ha", password="ha-pass")

        return call

    def read_log(session: aiohttp.ClientSession, url: URL) -> Function:
        async def call() -> None:
            device = make(session, url)
            reader = LogReader(device.log, frozenset({"KeyPressed", "CallStateChanged"}), system=device.system)
            try:
                for _ in range(3):
                    await reader.read()
            finally:
                with suppress(IntercomError):
                    await reader.close()

        return call

    async with TwoN("verso") as sim:
        sim.press("%1")
        sim.enter_code("1234")
        given = {"port": "relay1", "display": "ext1", "source": "internal", "number": "4711", "include": "new"}
        url = URL(f"http://{sim.http_address}")
        recorded = {"": recorded_files("2n")}
        yield Subject(url, make, given, {"find_device": find, "read_log": read_log}, recorded)


@asynccontextmanager
async def akuvox_subject() -> AsyncGenerator[Subject]:
    """A door phone with some people and calls in its lists."""

    def make(session: aiohttp.ClientSession, url: URL) -> akuvox.AkuvoxDevice:
        return akuvox.AkuvoxDevice(akuvox.AkuvoxClient(HttpTransport(session, url), "admin", "httpapi"))

    def camera(name: str) -> Callable[[aiohttp.ClientSession, URL], Function]:
        def of(session: aiohttp.ClientSession, url: URL) -> Function:
            assert url.host is not None and url.port is not None
            return bound(akuvox.AkuvoxCamera(session, url.host, port=url.port), name, {})

        return of

    def find(session: aiohttp.ClientSession, url: URL) -> Function:
        async def call() -> None:
            await akuvox.find_device(session, str(url), username="admin", password="httpapi")

        return call

    others = {"find_device": find, **{f"camera.{name}": camera(name) for name in ("find", "snapshot", "mjpeg")}}
    async with Akuvox("r29", whitelist=["127.0.0.1"]) as sim:
        sim.pipeline.throttle, sim.pipeline.redirect = 0, Redirect.NOWHERE
        recorded = {"": recorded_files("akuvox")}
        homes = {name: URL(f"http://{sim.camera_address}") for name in others if name.startswith("camera.")}
        yield Subject(URL(f"http://{sim.http_address}"), make, {"path": "/x.jpg"}, others, recorded, homes)


@asynccontextmanager
async def mx_proxy_subject() -> AsyncGenerator[Subject]:
    """An office with calls, voicemails, and conferences."""
    [(app, secret)] = APPS.items()
    account = mx_proxy.Credentials(app, secret, LOGIN, PASSWORD)

    def make(session: aiohttp.ClientSession, url: URL) -> mx_proxy.MxProxy:
        return mx_proxy.MxProxy(HttpTransport(session, url), account)

    def find(session: aiohttp.ClientSession, url: URL) -> Function:
        async def call() -> None:
            await mx_discovery.find(session, str(url), account, verify=False, pinned=None)

        return call

    async with MxProxy(speed=10) as sim:
        files = recorded_replies(mx_proxy_recordings.FILES, mx_proxy_recordings.read)
        yield Subject(URL(sim.url), make, {}, {"find": find}, files)


@asynccontextmanager
async def smartyard_subject() -> AsyncGenerator[Subject]:
    """An account with two apartments, and cameras on servers of each kind."""

    def make(session: aiohttp.ClientSession, url: URL) -> smartyard.SmartYard:
        transport = HttpTransport(session, url.with_path(URL(sim.url).path))
        return smartyard.SmartYard(transport, token, system_info="a,b,c,d")

    def find(session: aiohttp.ClientSession, url: URL) -> Function:
        async def call() -> None:
            await smartyard_discovery.find(session, str(url), verify=False, pinned=None)

        return call

    def watch(function: Callable[..., Any], camera: Camera) -> Callable[[aiohttp.ClientSession, URL], Function]:
        def of(session: aiohttp.ClientSession, url: URL) -> Function:
            async def call() -> None:
                there = URL(camera.url).with_host("127.0.0.1").with_port(url.port)
                await function(session, replace(camera, url=str(there)), verify=False)

            return call

        return of

    def look(function: Callable[..., Any], path: str) -> Callable[[aiohttp.ClientSession, URL], Function]:
        def of(session: aiohttp.ClientSession, url: URL) -> Function:
            async def call() -> None:
                await function(session, url.with_path(path), verify=False)

            return call

        return of

    def picture(session: aiohttp.ClientSession, url: URL) -> Function:
        async def call() -> None:
            yard = make(session, url)
            await yard.images.at(str(url.with_path(f"{URL(sim.url).path.rstrip('/')}/call/camshot/x")))

        return call

    async with SmartYard() as sim, aiohttp.ClientSession() as session:
        token: str | None = None
        yard = make(session, URL(sim.url))
        await yard.login.request_code(PHONE)
        token = (await yard.login.confirm_code(PHONE, sim.code_of(PHONE), smartyard.new_device_token())).token
        yard = make(session, URL(sim.url))
        cameras, [flat, *_], [house, *_] = (
            await yard.cameras.all(), await yard.address.settings(), await yard.address.houses(),
        )  # fmt: skip
        given = {
            "phone": PHONE, "token": "t", "flat_id": flat.id, "house_id": house.id, "camera_id": cameras[0].id,
            "domophone_id": house.doors[0].domophone_id, "door_id": house.doors[0].door_id,
        }  # fmt: skip
        seen = URL(cameras[0].url)
        others = {
            "find": find, "check": look(streams.check, seen.path), "preview": look(streams.preview, seen.path),
            "picture": picture,
        }  # fmt: skip
        homes = {"check": seen, "preview": seen}
        for camera in {camera.server_type: camera for camera in cameras}.values():
            for name, function in (("live_url", streams.live_url), ("still", streams.still)):
                others[f"{name}.{camera.server_type}"] = watch(function, camera)
                homes[f"{name}.{camera.server_type}"] = URL(camera.url)
        files = recorded_replies(smartyard_recordings.FILES, smartyard_recordings.read)
        yield Subject(URL(sim.url), make, given, others, files, homes)


SUBJECTS = {
    "two_n": two_n_subject, "akuvox": akuvox_subject, "mx_proxy": mx_proxy_subject, "smartyard": smartyard_subject,
}  # fmt: skip


class Bench:
    """A client behind a proxy that first learns and then plays."""

    def __init__(self, subject: Subject, proxy: Proxy, session: aiohttp.ClientSession) -> None:
        self.subject, self.proxy, self.session = subject, proxy, session
        self.random = Random()
        self.sent: list[bytes] = []
        self.genuine = 0
        self.lag = Lag()
        self._everything: list[Reply] = []

    async def learn(self) -> None:
        """Record the reply to each function."""
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as far:
            home = self.subject.simulator

            async def record(asked: Asked) -> Reply:
                reply = await fetched(far, home, asked)
                self.proxy.learn(asked.path, reply)
                return reply

            self.proxy.answer = record
            for name in self.subject.names(self.session):
                if not name.rpartition(".")[2].startswith(FINAL):
                    home = self.subject.homes.get(name, self.subject.simulator)
                    with suppress(IntercomError):
                        await self.subject.function(name, self.session, self.proxy.url)()
        for path, replies in self.subject.recorded.items():
            for reply in replies:
                self.proxy.learn(path, reply)
        self._everything = [reply for replies in self.proxy.examples.values() for reply in replies]

    async def play(self, asked: Asked) -> Reply:
        """Answer with a recorded reply: the first ones as they are, so that a login succeeds, later ones mostly spoiled."""
        with self.lag.excluded():
            return self._reply(asked)

    def _reply(self, asked: Asked) -> Reply:
        random = self.random
        own = self.proxy.examples.get(asked.path)
        if len(self.sent) < self.genuine and own is not None:
            good = [reply for reply in own if reply.status.startswith("200")]
            reply = random.choice(good or own)
        else:
            if own is None and random.random() < 0.5:
                reply = NOT_FOUND
            else:
                reply = random.choice(self._everything if own is None or random.random() < 0.05 else own)
            if random.random() < 0.8:
                reply = spoiled(reply, random)
        self.sent.append(reply.wire()[0])
        return reply

    @property
    def held(self) -> bool:
        """Whether a connection is in use."""
        return self.session.connector is not None and bool(self.session.connector._acquired)

    async def run(self, seed: int, all_names: list[str]) -> str | None:
        """Call a function with spoiled replies, and return the name of the error that it raised."""
        self.random = Random(seed)
        self.sent = []
        self.genuine = self.random.choice((0, 0, 1, 2, 3))
        name = self.random.choice(all_names)
        self.lag.doing = f"{name} of seed {seed}"
        try:
            async with asyncio.timeout(PATIENCE):
                await self.subject.function(name, self.session, self.proxy.url)()
        except IntercomError as err:
            # Messages reach the log: they have to be text.
            str(err).encode()
            return type(err).__name__
        except Exception as err:
            err.add_note(f"seed {seed}: {name} after {[wire[:3000] for wire in self.sent]}")
            raise
        finally:
            if self.held:
                await asyncio.sleep(1)  # a reader of the log ends in the background
            assert not self.held, f"seed {seed}: {name} holds a connection after {[wire[:3000] for wire in self.sent]}"
        return None


def blocks() -> int:
    """Return the number of memory blocks that Python holds."""
    gc.collect()
    return sys.getallocatedblocks()


@pytest.mark.parametrize("system", SUBJECTS)
async def test_clients_raise_only_their_own_errors(
    system: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(exchange, "PACE", 0.0)
    # pytest keeps everything that is logged until the end.
    caplog.set_level(logging.WARNING)
    async with AsyncExitStack() as stack:
        subject = await stack.enter_async_context(SUBJECTS[system]())
        session = await stack.enter_async_context(aiohttp.ClientSession())
        proxy = await stack.enter_async_context(Proxy.start(_not_found))
        bench = Bench(subject, proxy, session)
        await bench.learn()
        assert len(proxy.examples) > 10
        proxy.answer = bench.play
        all_names = subject.names(session)
        # Garbage is collected as in Home Assistant, which leaves out what it has loaded.
        gc.freeze()
        gc.enable()
        stack.callback(gc.unfreeze)
        stack.callback(gc.disable)
        for seed in range(WARM_UP):
            await bench.run(seed, all_names)
        before, resident = blocks(), memory(os.getpid())
        outcomes: Counter[str | None] = Counter()
        errors: list[str] = []
        with bench.lag:
            for seed in range(ROUNDS):
                outcomes[await bench.run(seed, all_names)] += 1
                errors += (f"seed {seed}: {text}" for text in logged_errors(caplog))
                caplog.clear()
        grown = blocks() - before
        with capsys.disabled():
            # Resident memory also grows because freed memory is in pieces.
            more = f"{grown:+} blocks, {memory(os.getpid()) - resident:+.0f} MiB"
            told = f"{ROUNDS} inputs, {len(all_names)} functions, {bench.lag}, {more}"
            print(f"\n{system}: {told}, {dict(outcomes)}")  # noqa: T201
        errors += logged_errors(caplog)
    assert errors == []
    assert grown < GROWTH
    # Both kinds: what is spoiled is noticed, and what is not too bad is read.
    assert outcomes[None] > ROUNDS // 20
    assert len(outcomes) > 5


def logged_errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged as an error, with its traceback."""
    formatter = logging.Formatter()
    return [formatter.format(record) for record in caplog.records if record.levelno >= logging.ERROR]


async def _not_found(_: Asked) -> Reply:
    return NOT_FOUND
