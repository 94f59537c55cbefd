"""A made-up intercom: JSON over HTTP, without an account."""

import asyncio
from types import TracebackType
from typing import Self

from aiohttp import web
from aiohttp.test_utils import TestServer

PICTURE = b"\xff\xd8 a visitor \xff\xd9"


class Chime:
    """The device on 127.0.0.1, which is also its own visitor."""

    def __init__(self) -> None:
        self.openings = 0
        self._rings = 0
        self._rang = asyncio.Condition()
        app = web.Application()
        app.router.add_get("/about", self._about)
        app.router.add_post("/open", self._open)
        app.router.add_get("/rings", self._wait)
        app.router.add_get("/picture", self._picture)
        self._server = TestServer(app, host="127.0.0.1")

    async def __aenter__(self) -> Self:
        """Listen."""
        await self._server.start_server()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        await self._server.close()

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{self._server.host}:{self._server.port}"

    async def ring(self) -> None:
        """Press the button."""
        async with self._rang:
            self._rings += 1
            self._rang.notify_all()

    async def _about(self, _: web.Request) -> web.Response:
        return web.json_response({"product": "Chime", "serial": "C-1", "name": "Garden", "rings": self._rings})

    async def _open(self, _: web.Request) -> web.Response:
        self.openings += 1
        return web.json_response({"open": True})

    async def _wait(self, request: web.Request) -> web.Response:
        """Answer as soon as it has rung more often than the client knows."""
        known = int(request.query["known"])
        async with self._rang:
            await self._rang.wait_for(lambda: self._rings > known)
        return web.json_response({"rings": self._rings})

    async def _picture(self, _: web.Request) -> web.Response:
        return web.Response(body=PICTURE, content_type="image/jpeg")
