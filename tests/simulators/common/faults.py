"""Answers that no manual describes, and delays."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from aiohttp import web

MIB = 2**20
CHUNK = 2**16


class Garbage(StrEnum):
    """Kinds of wrong answers."""

    TRUNCATED = "truncated"
    HTML = "html"
    EMPTY = "empty"
    HUGE = "huge"
    ENDLESS = "endless"


type Bodies = Mapping[str, tuple[str, bytes]]


def bodies(opening: bytes, page: bytes) -> Bodies:
    """Give what a system answers wrongly; `opening` begins an object in an object that is then not finished."""
    return {
        Garbage.TRUNCATED: ("application/json", opening + b'"filler" : ['),
        Garbage.HTML: ("text/html", page),
        Garbage.EMPTY: ("application/json", b""),
        Garbage.HUGE: ("application/json", opening + b'"filler" : "'),
        Garbage.ENDLESS: ("application/json", opening + b'"filler" : "'),
    }


@dataclass(slots=True)
class WrongAnswer:
    """What a path answers instead; `left` counts down, None is for ever."""

    bodies: Bodies
    body: str | bytes
    content_type: str | None = None
    status: int = 200
    mebibytes: int = 64
    left: int | None = None

    async def send(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer with it."""
        default_type, data = self.bodies.get(str(self.body), ("text/plain", b""))
        if self.body not in self.bodies:
            data = self.body.encode() if isinstance(self.body, str) else self.body
        content_type = self.content_type or default_type
        if self.body not in (Garbage.HUGE, Garbage.ENDLESS):
            return web.Response(body=data, status=self.status, headers={"Content-Type": content_type})
        response = web.StreamResponse(status=self.status, headers={"Content-Type": content_type})
        await response.prepare(request)
        with suppress(ConnectionError):
            await response.write(data)
            sent = 0
            while self.body == Garbage.ENDLESS or sent < self.mebibytes * MIB:
                await response.write(b"x" * CHUNK)
                sent += CHUNK
                # Endless, but not at the full speed of the machine.
                await asyncio.sleep(0.01 if self.body == Garbage.ENDLESS else 0)
            await response.write(b'"}}')
        return response
