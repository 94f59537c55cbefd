"""SmartYards with set responses, and our client for them; without Home Assistant."""

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
import json
from typing import Any

import aiohttp
from aiohttp import web
import pytest
from yarl import URL

from custom_components.ip_intercom.systems.common.http import HttpTransport
from custom_components.ip_intercom.systems.smartyard.client import SmartYard, new_device_token
from tests.simulators.smartyard import PHONE, Simulator
from tests.systems.bench import session, sockets

__all__ = ["session", "sockets"]

TOKEN = "6f9619ff-8b86-d011-b42d-00cf4fc964ff"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that came."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def values(self) -> Any:
        """What it says in JSON."""
        return json.loads(self.body)


@dataclass(slots=True)
class Server:
    """Responds to each path as set, and to all others as unknown."""

    url: URL = field(default_factory=URL)
    asked: list[Asked] = field(default_factory=list)
    _answers: dict[str, Callable[[], Any]] = field(default_factory=dict)

    def respond(
        self,
        path: str,
        content: object = None,
        status: int = 200,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Answer a path with bytes, text, or JSON of anything else; None is an empty body."""
        body = content if isinstance(content, bytes) else content.encode() if isinstance(content, str) else None
        if body is None:
            body = b"" if content is None else json.dumps(content).encode()

        def answer() -> web.Response:
            return web.Response(body=body, status=status, content_type=content_type, headers=headers)

        self._answers[path] = answer

    def respond_data(self, path: str, data: object) -> None:
        """Answer a path with a success."""
        self.respond(path, {"code": 200, "name": "OK", "message": "OK", "data": data})

    def respond_with(self, path: str, action: Callable[[], Any]) -> None:
        """Answer a path with what a coroutine function returns."""
        self._answers[path] = action

    def breaks(self, path: str) -> None:
        """End the connection when a path is asked."""
        self._answers[path] = lambda: None

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        self.asked.append(Asked(request.method, request.path, dict(request.query), dict(request.headers), body))
        if (action := self._answers.get(request.path)) is None:
            return web.Response(status=404, text="<html>404</html>", content_type="text/html")
        found = action()
        if found is None:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        return found if isinstance(found, web.StreamResponse) else await found

    def yard(self, session: aiohttp.ClientSession, token: str | None = TOKEN, path: str = "/mobile") -> SmartYard:
        """Return an account at it."""
        return SmartYard(HttpTransport(session, self.url.with_path(path)), token, system_info="a,b,c,d")


def stranger(sim: Simulator, session: aiohttp.ClientSession, token: str | None = None) -> SmartYard:
    """Return an account at a simulated server, which has not logged in."""
    return SmartYard(HttpTransport(session, URL(sim.url)), token)


async def log_in(
    sim: Simulator,
    session: aiohttp.ClientSession,
    phone: str = PHONE,
    device_token: str | None = None,
    method: str | None = None,
) -> SmartYard:
    """Return an account at a simulated server that has logged in with a code."""
    yard = stranger(sim, session)
    await yard.login.request_code(phone, method)
    await yard.login.confirm_code(phone, sim.code_of(phone), device_token or new_device_token())
    return yard


@pytest.fixture
async def server() -> AsyncGenerator[Server]:
    """A server without set responses."""
    server = Server()
    runner = web.ServerRunner(web.Server(server.handle))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = URL.build(scheme="http", host="127.0.0.1", port=runner.addresses[0][1])
    yield server
    await runner.cleanup()


@pytest.fixture
def yard(server: Server, session: aiohttp.ClientSession) -> SmartYard:
    """An account at it that is logged in."""
    return server.yard(session)
