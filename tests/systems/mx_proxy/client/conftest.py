"""Simulated MX Proxies and our client for them; no Home Assistant anywhere."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from yarl import URL

from custom_components.ip_intercom.systems.common.http import HttpTransport
from custom_components.ip_intercom.systems.mx_proxy.client import Credentials, MxProxy
from tests.simulators.mx_proxy import APPS, LOGIN, PASSWORD, Request, Simulator
from tests.systems.bench import session, sockets

__all__ = ["session", "sockets"]

[(CLIENT, SECRET)] = APPS.items()


def credentials(
    username: str = LOGIN, password: str = PASSWORD, client: str = CLIENT, secret: str = SECRET
) -> Credentials:
    return Credentials(client, secret, username, password)


@dataclass(slots=True)
class Bench:
    """A server on the bench, and accounts at it."""

    sim: Simulator
    session: aiohttp.ClientSession

    def proxy(self, username: str = LOGIN, password: str = PASSWORD, **app: str) -> MxProxy:
        transport = HttpTransport(self.session, URL(self.sim.url))
        return MxProxy(transport, credentials(username, password, **app))

    def seen(self) -> list[Request]:
        """Return the requests since the last time."""
        requests = self.sim.requests
        self.sim.clear_requests()
        return requests

    def functions(self) -> list[str | None]:
        """Return which functions were asked since the last time."""
        return [request.function for request in self.seen()]


type Start = Callable[..., Awaitable[Bench]]


@pytest.fixture
async def start(session: aiohttp.ClientSession) -> AsyncGenerator[Start]:
    """Start servers that end with the test."""
    async with AsyncExitStack() as stack:

        async def start(**settings: Any) -> Bench:
            return Bench(await stack.enter_async_context(Simulator(**settings)), session)

        yield start


@pytest.fixture
async def bench(start: Start) -> Bench:
    """A server as it is."""
    return await start()


@pytest.fixture
def proxy(bench: Bench) -> MxProxy:
    """An account at it that is not logged in yet."""
    return bench.proxy()
