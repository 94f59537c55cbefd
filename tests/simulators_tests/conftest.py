"""Sockets for the simulators, and a plain HTTP client that reads like the manual's examples."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import aiohttp
from aiohttp import web
import pytest

from tests.simulators import akuvox as akuvox_simulator, mx_proxy as mx_simulator, smartyard as smartyard_simulator
from tests.simulators.two_n import Simulator

from .akuvox_api import AkuvoxApi, login
from .mx_proxy_api import Inbox, MxApi
from .smartyard_api import Catcher, YardApi, YardFactory


@pytest.fixture(autouse=True)
def sockets(socket_enabled: None) -> None:
    """The simulators listen on 127.0.0.1, which the Home Assistant plugin forbids by default."""


OK = {"success": True}


def failure(body: Any) -> tuple[int, str | None]:
    """Return code and parameter of a negative reply."""
    assert body["success"] is False, body
    return body["error"]["code"], body["error"].get("param")


async def until(condition: Callable[[], object]) -> None:
    """Wait for something that happens on the device."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


@dataclass(slots=True)
class Api:
    """Requests as the manual writes them: `await api.get("switch/ctrl", switch=1, action="on")`."""

    sim: Simulator
    session: aiohttp.ClientSession

    def url(self, path: str) -> str:
        return f"http://{self.sim.http_address}/api/{path}"

    async def send(self, method: str, path: str, **kwargs: Any) -> Any:
        async with self.session.request(method, self.url(path), **kwargs) as response:
            return await response.json(content_type=None)

    async def get(self, path: str, **params: Any) -> Any:
        return await self.send("GET", path, params=params)

    async def result(self, path: str, **params: Any) -> Any:
        body = await self.get(path, **params)
        assert body["success"] is True, body
        return body["result"]

    async def do(self, path: str, **params: Any) -> None:
        assert await self.get(path, **params) == {"success": True}

    async def error(self, path: str, **params: Any) -> tuple[int, str | None]:
        return failure(await self.get(path, **params))

    async def subscribe(self, **params: Any) -> int:
        number: int = (await self.result("log/subscribe", **params))["id"]
        return number

    async def pull(self, number: int, timeout: int = 0) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = (await self.result("log/pull", id=number, timeout=timeout))["events"]
        return events

    async def put(self, path: str, blobs: dict[str, bytes | str] | None = None, **params: Any) -> Any:
        """Upload in the way of HTTP API 2.2; without `blobs` a PUT without a body."""
        form = aiohttp.FormData(default_to_multipart=True)
        for name, data in (blobs or {}).items():
            content = data.encode() if isinstance(data, str) else data
            form.add_field(name, content, filename="file", content_type="application/octet-stream")
        return await self.send("PUT", path, params=params, data=form if blobs else None)

    async def put_error(
        self, path: str, blobs: dict[str, bytes | str] | None = None, **params: Any
    ) -> tuple[int, str | None]:
        return failure(await self.put(path, blobs, **params))

    async def delete(self, path: str, **params: Any) -> Any:
        return await self.send("DELETE", path, params=params)

    async def events(self, *names: str, since: int = 0) -> list[tuple[str, dict[str, Any]]]:
        """Return the events of those types that the device has recorded, read by a channel of their own."""
        number = await self.subscribe(include="all", filter=",".join(names))
        events = await self.pull(number)
        await self.do("log/unsubscribe", id=number)
        return [(event["event"], event["params"]) for event in events if event["id"] > since]

    async def directory(self, method: str, path: str, **body: Any) -> Any:
        answer = await self.send(method, f"dir/{path}", json=body)
        assert answer["success"] is True, answer
        return answer["result"]


def digest() -> aiohttp.ClientSession:
    """Open a session that answers Digest challenges for the default account."""
    return aiohttp.ClientSession(middlewares=(aiohttp.DigestAuthMiddleware("ha", "ha-pass"),))


type Factory = Callable[..., Awaitable[Api]]


@pytest.fixture
async def device() -> AsyncGenerator[Factory]:
    """Make simulators of any model that end with the test."""
    async with AsyncExitStack() as stack:

        async def start(model: str = "verso", **settings: Any) -> Api:
            sim = await stack.enter_async_context(Simulator(model, **settings))
            return Api(sim, await stack.enter_async_context(digest()))

        yield start


@pytest.fixture
async def api(device: Factory) -> Api:
    """A Verso at twenty times the speed."""
    return await device("verso", speed=20)


type AkuvoxFactory = Callable[..., Awaitable[AkuvoxApi]]


@pytest.fixture
async def akuvox() -> AsyncGenerator[AkuvoxFactory]:
    """Make simulated Akuvox devices of any dialect that end with the test; the client's address is on the whitelist."""
    async with AsyncExitStack() as stack:

        async def start(dialect: str = "a_series", **settings: Any) -> AkuvoxApi:
            settings.setdefault("whitelist", ["127.0.0.1"])
            sim = await stack.enter_async_context(akuvox_simulator.Simulator(dialect, **settings))
            return AkuvoxApi(sim, await stack.enter_async_context(login(sim)))

        yield start


async def open_api[A: (MxApi, YardApi)](
    stack: AsyncExitStack, simulator: Callable[..., Any], api: type[A], *, logged_in: bool = True, **settings: Any
) -> A:
    """Start a server, and open a session with it that has a token unless it is not to."""
    sim = await stack.enter_async_context(simulator(**settings))
    connector = aiohttp.TCPConnector(ssl=False)
    opened = api(sim, await stack.enter_async_context(aiohttp.ClientSession(connector=connector)))
    if logged_in:
        await opened.login()
    return opened


type MxFactory = Callable[..., Awaitable[MxApi]]


@pytest.fixture
async def mx() -> AsyncGenerator[MxFactory]:
    """Make simulated MX Proxies that end with the test."""
    async with AsyncExitStack() as stack:
        yield partial(open_api, stack, mx_simulator.Simulator, MxApi)


@pytest.fixture
async def yard() -> AsyncGenerator[YardFactory]:
    """Make simulated SmartYards that end with the test."""
    async with AsyncExitStack() as stack:
        yield partial(open_api, stack, smartyard_simulator.Simulator, YardApi)


@asynccontextmanager
async def listening[T: (Inbox, Catcher)](taken: T) -> AsyncGenerator[T]:
    """Have something take pushes at its address."""
    runner = web.ServerRunner(web.Server(taken.take, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    taken.url = f"http://{host}:{port}/api/webhook/secret"
    yield taken
    await runner.cleanup()


@pytest.fixture
async def inbox() -> AsyncGenerator[Inbox]:
    """A web server for pushes of an MX Proxy."""
    async with listening(Inbox()) as taken:
        yield taken


@pytest.fixture
async def catcher() -> AsyncGenerator[Catcher]:
    """A web server for pushes of a SmartYard."""
    async with listening(Catcher()) as taken:
        yield taken
