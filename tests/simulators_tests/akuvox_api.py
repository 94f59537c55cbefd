"""Requests to a simulated Akuvox as the manual writes them."""

from base64 import b64encode
from dataclasses import dataclass
import json
import ssl
from typing import Any

import aiohttp

from tests.simulators.akuvox import Auth, Redirect, Simulator

DIGESTS = (Auth.DIGEST, Auth.DIGEST_SERVER, Auth.BASIC_DIGEST)


def tls(level: int = 1) -> ssl.SSLContext:
    """Accept any certificate, and the Diffie-Hellman of old devices."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers(f"DEFAULT:@SECLEVEL={level}")
    return context


def basic(name: str = "admin", password: str = "httpapi") -> dict[str, str]:  # noqa: S107 - the manual's default
    """Return the header of Basic authentication."""
    return {"Authorization": f"Basic {b64encode(f'{name}:{password}'.encode()).decode()}"}


def login(sim: Simulator, name: str = "admin", password: str = "httpapi") -> aiohttp.ClientSession:  # noqa: S107
    """Open a session that logs in as the device wants it, over a new connection each time."""
    connector = aiohttp.TCPConnector(ssl=tls(), force_close=True)
    if sim.authenticator.mode in DIGESTS:
        middleware = aiohttp.DigestAuthMiddleware(name, password)
        return aiohttp.ClientSession(connector=connector, middlewares=(middleware,))
    headers = basic(name, password) if sim.authenticator.mode == Auth.BASIC else {}
    return aiohttp.ClientSession(connector=connector, headers=headers)


@dataclass(slots=True)
class AkuvoxApi:
    """A device, and a session that is logged in: `await api.data("relay", "status")`."""

    sim: Simulator
    session: aiohttp.ClientSession

    @property
    def base(self) -> str:
        if self.sim.pipeline.redirect is Redirect.NOWHERE:
            return f"http://{self.sim.http_address}"
        return f"https://{self.sim.https_address}"

    async def raw(self, method: str, path: str, **kwargs: Any) -> tuple[int, bytes]:
        async with self.session.request(method, self.base + path, allow_redirects=False, **kwargs) as response:
            return response.status, await response.read()

    async def send(self, method: str, path: str, **kwargs: Any) -> Any:
        status, body = await self.raw(method, path, **kwargs)
        assert status == 200, (status, body)
        return json.JSONDecoder().raw_decode(body.decode("utf-8", "replace"))[0]

    async def get(self, path: str, **params: Any) -> Any:
        return await self.send("GET", f"/api/{path}", params=params)

    async def post(self, target: str, action: str, data: Any = None) -> Any:
        body = {"target": target, "action": action}
        return await self.send("POST", "/api/", json=body if data is None else {**body, "data": data})

    async def data(self, target: str, action: str, **data: Any) -> Any:
        body = await self.post(target, action, data or None)
        assert body["retcode"] >= 0, body
        return body.get("data")

    async def items(self, target: str, action: str, *items: Any) -> Any:
        """Return the items of a reply."""
        return (await self.data(target, action, item=list(items)))["item"]

    async def upload(self, path: str, content: bytes, name: str = "config", **params: str) -> Any:
        form = aiohttp.FormData(default_to_multipart=True)
        form.add_field(name, content, filename="file", content_type="application/octet-stream")
        return await self.send("POST", f"/api/{path}", data=form, params=params)

    async def download(self, path: str, **params: str) -> bytes:
        status, body = await self.raw("GET", f"/api/{path}", params=params)
        assert status == 200
        return body


def outcome(body: Any) -> tuple[int, str]:
    """Return retcode and message."""
    return body["retcode"], body["message"]
