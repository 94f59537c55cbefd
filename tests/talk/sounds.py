"""Sounds to announce, and a web server that has them."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from io import BytesIO
import math
import struct
import wave

from aiohttp import web
from aiohttp.test_utils import TestServer


def tone(seconds: float, frequency: float = 1000, rate: int = 44100) -> bytes:
    """Return a WAV file with a stereo tone."""
    file = BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(2)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        values = (int(9000 * math.sin(2 * math.pi * frequency * at / rate)) for at in range(rate))
        second = b"".join(struct.pack("<hh", value, value) for value in values)
        sound.writeframes((second * math.ceil(seconds))[: 4 * int(seconds * rate)])
    return file.getvalue()


@asynccontextmanager
async def file_server() -> AsyncIterator[Callable[..., str]]:
    """Run a web server, and yield the function that adds a file and returns its address."""
    contents: dict[str, bytes] = {}

    async def get(request: web.Request) -> web.Response:
        return web.Response(body=contents[request.match_info["name"]])

    app = web.Application()
    app.router.add_get("/{name}", get)
    async with TestServer(app) as server:

        def add(content: bytes, name: str = "sound.wav") -> str:
            contents[name] = content
            return str(server.make_url(f"/{name}"))

        yield add
