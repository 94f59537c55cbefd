"""Simulated Akuvox devices and our client for them; no Home Assistant anywhere."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import aiohttp
import pytest
from yarl import URL

from custom_components.ip_intercom.systems.akuvox.client import (
    AkuvoxCamera,
    AkuvoxClient,
    AkuvoxDevice,
    exchange,
    protocol,
)
from custom_components.ip_intercom.systems.common.http import HttpTransport, Stream
from tests.simulators.akuvox import DIALECTS, Redirect, Request, Simulator
from tests.systems.bench import session, sockets

__all__ = ["session", "sockets"]

USERNAME = "admin"
PASSWORD = "httpapi"
EXCHANGE = exchange.__name__


@dataclass(slots=True)
class Bench:
    """A device on the bench, and a client connected to it."""

    sim: Simulator
    session: aiohttp.ClientSession

    @property
    def secure(self) -> bool:
        return self.sim.pipeline.redirect is not Redirect.NOWHERE

    @property
    def base(self) -> URL:
        return URL(f"https://{self.sim.https_address}" if self.secure else f"http://{self.sim.http_address}")

    def client(self, username: str = USERNAME, password: str = PASSWORD, *, post: bool = False) -> AkuvoxClient:
        return AkuvoxClient(HttpTransport(self.session, self.base), username, password, post=post)

    def device(self, username: str = USERNAME, password: str = PASSWORD, *, post: bool = False) -> AkuvoxDevice:
        return AkuvoxDevice(self.client(username, password, post=post))

    def camera(self, username: str = "", password: str = "") -> AkuvoxCamera:
        address = self.sim.camera_address or "127.0.0.1:1"
        host, _, port = address.partition(":")
        return AkuvoxCamera(self.session, host, port=int(port), username=username, password=password)

    def seen(self) -> list[Request]:
        """Return the requests since the last time."""
        requests = self.sim.requests
        self.sim.clear_requests()
        return requests

    def functions(self) -> list[str | None]:
        """Return which functions were asked since the last time, refused logins aside."""
        return [request.function for request in self.seen() if request.status != 401]


async def whole(stream: Stream) -> bytes:
    """Read a file to its end."""
    return b"".join([chunk async for chunk in stream.chunks()])


def file(content: bytes, name: str = "file") -> tuple[BytesIO, str, int]:
    """Return the arguments of an import."""
    return BytesIO(content), name, len(content)


def wait_for_answers(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Set the timeout of every function."""
    for patience in protocol.Patience:
        monkeypatch.setitem(protocol.TIMEOUTS, patience, seconds)


type Start = Callable[..., Awaitable[Bench]]


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the pauses between requests; tests of these pauses set them again."""
    monkeypatch.setattr(f"{EXCHANGE}.PACE", 0.0)


@pytest.fixture
async def start(session: aiohttp.ClientSession) -> AsyncGenerator[Start]:
    """Start devices of any dialect that end with the test; our address is on the whitelist."""
    async with AsyncExitStack() as stack:

        async def start(dialect: str = "a_series", **settings: Any) -> Bench:
            settings.setdefault("whitelist", ["127.0.0.1"])
            sim = await stack.enter_async_context(Simulator(dialect, **settings))
            sim.pipeline.throttle = 0
            return Bench(sim, session)

        yield start


@pytest.fixture
async def bench(start: Start) -> Bench:
    """A device that behaves as the manual says."""
    return await start()


@pytest.fixture(params=sorted(DIALECTS))
async def any_bench(request: pytest.FixtureRequest, start: Start) -> Bench:
    """Each of the dialects in turn."""
    return await start(request.param)
