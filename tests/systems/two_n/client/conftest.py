"""A simulated 2N and our client for it; no Home Assistant anywhere."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from yarl import URL

from custom_components.ip_intercom.systems.common.http import HttpTransport
from custom_components.ip_intercom.systems.two_n.client import TwoNClient, TwoNDevice
from tests.simulators.two_n import MODELS, Request, Service, Simulator
from tests.systems.bench import session, sockets

__all__ = ["session", "sockets"]

USERNAME = "ha"
PASSWORD = "ha-pass"


@dataclass(slots=True)
class Bench:
    """A device on the bench, and a client connected to it."""

    sim: Simulator
    session: aiohttp.ClientSession

    def client(self, username: str = USERNAME, password: str = PASSWORD, *, secure: bool = False) -> TwoNClient:
        address = f"https://{self.sim.https_address}" if secure else f"http://{self.sim.http_address}"
        return TwoNClient(HttpTransport(self.session, URL(address)), username, password)

    def device(self, username: str = USERNAME, password: str = PASSWORD, *, secure: bool = False) -> TwoNDevice:
        return TwoNDevice(self.client(username, password, secure=secure))

    def seen(self) -> list[Request]:
        """Return the requests since the last time."""
        requests = self.sim.requests
        self.sim.clear_requests()
        return requests

    def refused(self) -> int:
        """Return how many of them brought credentials and were refused: what a lock-out counts."""
        return sum(request.status == 401 and request.authorization is not None for request in self.seen())

    def has(self, function: str, major: int = 0, minor: int = 0) -> bool:
        """Return whether this model has a function, which came with that firmware."""
        return self.sim.model.since(major, minor) and not self.sim.lacks & {function, function.partition("/")[0]}

    def set_auth(self, **schemes: str) -> None:
        for service, scheme in schemes.items():
            self.sim.set_auth(Service(service), scheme)


type Start = Callable[..., Awaitable[Bench]]


@pytest.fixture
async def start(session: aiohttp.ClientSession) -> AsyncGenerator[Start]:
    """Start devices of any model that end with the test."""
    async with AsyncExitStack() as stack:

        async def start(model: str = "verso", **settings: Any) -> Bench:
            return Bench(await stack.enter_async_context(Simulator(model, **settings)), session)

        yield start


@pytest.fixture
async def bench(start: Start) -> Bench:
    """A Verso."""
    return await start()


@pytest.fixture(params=sorted(MODELS))
async def any_bench(request: pytest.FixtureRequest, start: Start) -> Bench:
    """Each of the models in turn."""
    return await start(request.param)
