"""A plain HTTP client of the simulated MX Proxy."""

from dataclasses import dataclass, field
import json
from typing import Any

import aiohttp
from aiohttp import web

from tests.simulators.mx_proxy import APPS, LOGIN, PASSWORD, Simulator

[(CLIENT, SECRET)] = APPS.items()
GRANT = {"grant_type": "password"}


@dataclass(slots=True)
class MxApi:
    """A server, and a session with a token: `await api.get("/contacts")`."""

    sim: Simulator
    session: aiohttp.ClientSession
    token: str = ""

    async def raw(
        self, method: str, path: str, *, token: str | None = None, **kwargs: Any
    ) -> tuple[aiohttp.ClientResponse, bytes]:
        """Send a request as it is; gives the response and its body."""
        headers = {**kwargs.pop("headers", {})}
        bearer = self.token if token is None else token
        if bearer:
            headers.setdefault("Authorization", f"Bearer {bearer}")
        kwargs.setdefault("allow_redirects", False)
        async with self.session.request(method, self.sim.url + path, headers=headers, **kwargs) as response:
            return response, await response.read()

    async def send(self, method: str, path: str, body: Any = None, **kwargs: Any) -> Any:
        """Return the body of a success, None for 204."""
        response, data = await self.raw(method, path, **({} if body is None else {"json": body}), **kwargs)
        assert response.status in (200, 204), (response.status, data)
        if response.status == 204:
            assert data == b""
            assert "Content-Type" not in response.headers
            return None
        return json.loads(data)

    async def error(self, method: str, path: str, body: Any = None, **kwargs: Any) -> tuple[int, str]:
        """Return status and text of a refusal."""
        response, data = await self.raw(method, path, **({} if body is None else {"json": body}), **kwargs)
        content = json.loads(data)
        assert list(content) == ["error"], content
        return response.status, content["error"]

    async def get(self, path: str) -> Any:
        return await self.send("GET", path)

    async def try_login(
        self, username: str = LOGIN, password: str = PASSWORD, client: str = CLIENT, secret: str = SECRET, **form: str
    ) -> tuple[aiohttp.ClientResponse, Any]:
        """Ask for a token."""
        response, data = await self.raw(
            "POST",
            "/auth",
            token="",
            headers={"Authorization": aiohttp.encode_basic_auth(client, secret)},
            data={"username": username, "password": password, **GRANT, **form},
        )
        return response, json.loads(data)

    async def login(self, username: str = LOGIN, password: str = PASSWORD) -> None:
        """Take a token."""
        response, content = await self.try_login(username, password)
        assert response.status == 200, content
        self.token = content["access_token"]

    async def call(self, number: int) -> Any:
        """Return the proxy's record of a call."""
        return (await self.get(f"/calls/{number}"))["callInfo"]


@dataclass(slots=True)
class Inbox:
    """A web server that takes pushes."""

    url: str = ""
    bodies: list[Any] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    status: int = 200

    async def take(self, request: web.BaseRequest) -> web.Response:
        self.bodies.append(json.loads(await request.read()))
        self.headers.append(dict(request.headers))
        return web.Response(status=self.status)
