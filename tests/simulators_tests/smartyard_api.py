"""A plain HTTP client of the simulated SmartYard server."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
import json
from typing import Any

import aiohttp
from aiohttp import web

from tests.simulators.common.host import drain
from tests.simulators.smartyard import PHONE, Simulator

DEVICE = "ha-0123456789abcdef"
PUSH_TOKEN = "ha-webhook-0123456789abcdef"

type Refused = tuple[int, str, str]


@dataclass(slots=True)
class YardApi:
    """A server, and a session with a token: `await api.post("user/getName")`."""

    sim: Simulator
    session: aiohttp.ClientSession
    token: str = ""
    language: str = "en"

    async def raw(
        self, method: str, path: str, *, token: str | None = None, **kwargs: Any
    ) -> tuple[aiohttp.ClientResponse, bytes]:
        """Send a request as it is, below the base or at a whole address; gives the response and its body."""
        headers = {**kwargs.pop("headers", {})}
        bearer = self.token if token is None else token
        if bearer:
            headers.setdefault("Authorization", f"Bearer {bearer}")
        if self.language:
            headers.setdefault("Accept-Language", self.language)
        kwargs.setdefault("allow_redirects", False)
        url = path if path.startswith("http") else f"{self.sim.url}/{path}"
        async with self.session.request(method, url, headers=headers, **kwargs) as response:
            return response, await response.read()

    async def post(self, path: str, *, token: str | None = None, **body: Any) -> Any:
        """Return the data of a success; None for 204, and for 200 without data."""
        response, data = await self.raw("POST", path, json=body, token=token)
        assert response.status in (200, 204), (response.status, data)
        if response.status == 204:
            assert data == b""
            return None
        content = json.loads(data)
        assert content["code"] == 200
        return content.get("data")

    async def error(self, path: str, *, token: str | None = None, **body: Any) -> Refused:
        """Return status, name and message of a refusal."""
        response, data = await self.raw("POST", path, json=body, token=token)
        content = json.loads(data)
        assert list(content) == ["code", "name", "message"], content
        assert content["code"] == response.status
        return content["code"], content["name"], content["message"]

    async def get(self, url: str) -> bytes:
        """Take a picture without a token."""
        response, data = await self.raw("GET", url, token="")
        assert response.status == 200, (response.status, data)
        assert response.content_type == "image/jpeg"
        assert data.startswith(b"\xff\xd8")
        return data

    async def login(self, phone: str = PHONE, device: str = DEVICE, platform: int = 0) -> str:
        """Take a token by a code."""
        await self.post("user/requestCode", userPhone=phone, token="")
        body = {"userPhone": phone, "smsCode": self.sim.code_of(phone), "deviceToken": device, "platform": platform}
        answer = await self.post("user/confirmCode", token="", **body)
        self.token = answer["accessToken"]
        return self.token


@dataclass(slots=True)
class Catcher:
    """A web server that takes pushes."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    queries: list[dict[str, str]] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    status: int = 200
    answer: str = "OK"

    @property
    def contents(self) -> list[Any]:
        """What came as JSON."""
        return [json.loads(body) for body in self.bodies]

    async def take(self, request: web.BaseRequest) -> web.Response:
        try:
            self.bodies.append(await request.read())
        except web.HTTPRequestEntityTooLarge:
            await drain(request)
            return web.Response(status=413)
        self.queries.append(dict(request.query))
        self.methods.append(request.method)
        self.types.append(request.content_type)
        return web.Response(status=self.status, text=self.answer)


type YardFactory = Callable[..., Awaitable[YardApi]]
