"""A simulated MX Proxy, and the adapter of an extension; no Home Assistant anywhere."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from yarl import URL

from custom_components.ip_intercom.model.events import Event
from custom_components.ip_intercom.model.reducer import reduce
from custom_components.ip_intercom.model.state import State
from custom_components.ip_intercom.systems.common.errors import IntercomError
from custom_components.ip_intercom.systems.common.http import HttpTransport
from custom_components.ip_intercom.systems.mx_proxy.client import Credentials, MxProxy
from custom_components.ip_intercom.systems.mx_proxy.system import MxSystem, Options
from tests.simulators.mx_proxy import APPS, LOGIN, PASSWORD, Request, Simulator
from tests.systems.bench import session, sockets

__all__ = ["session", "sockets"]


@dataclass(slots=True)
class Bench:
    """An extension, its events, and its state."""

    sim: Simulator
    system: MxSystem
    state: State = field(default_factory=State)
    events: list[Event] = field(default_factory=list)
    cursor: Mapping[str, object] = field(default_factory=dict)
    errors: list[IntercomError] = field(default_factory=list)
    task: asyncio.Task[None] | None = None

    async def follow(self) -> None:
        """Apply the events of the log, as Home Assistant does."""
        assert self.system.log is not None
        while True:
            try:
                delivery = await self.system.log.next()
            except IntercomError as err:
                self.errors.append(err)
                await asyncio.sleep(0.05)
                continue
            for event in delivery.events:
                self.state = reduce(self.state, event)
                self.events.append(event)
            self.cursor = delivery.cursor

    def types(self) -> list[str]:
        return [event.type for event in self.events]

    def calls(self) -> dict[int, str]:
        return {session: call.state.value for session, call in self.state.calls.items()}

    def asked(self, function: str) -> list[Request]:
        return [request for request in self.sim.requests if request.function == function]

    async def close(self) -> None:
        if self.task is not None:
            self.task.cancel()
            with suppress(asyncio.CancelledError):
                await self.task
        await self.system.close()


type Start = Callable[..., Awaitable[Bench]]


def proxy_of(sim: Simulator, session: aiohttp.ClientSession, login: str = LOGIN, password: str = PASSWORD) -> MxProxy:
    credentials = Credentials("intercom", APPS["intercom"], login, password)
    return MxProxy(HttpTransport(session, URL(sim.url)), credentials)


@pytest.fixture
async def start(session: aiohttp.ClientSession) -> AsyncGenerator[Start]:
    """Start servers, and connect an extension whose events are followed."""
    async with AsyncExitStack() as stack:

        async def start(
            *,
            choices: Options | None = None,
            cursor: Mapping[str, object] | None = None,
            prepare: Callable[[Simulator], None] = lambda _: None,
            **settings: Any,
        ) -> Bench:
            sim = await stack.enter_async_context(Simulator(**settings))
            prepare(sim)
            bench = Bench(sim, MxSystem(proxy_of(sim, session), cursor, choices))
            stack.push_async_callback(bench.close)
            bench.state = (await bench.system.connect(None)).state
            bench.task = asyncio.create_task(bench.follow())
            return bench

        yield start


@pytest.fixture
async def bench(start: Start) -> Bench:
    """The first user's extension."""
    return await start()
