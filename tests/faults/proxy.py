"""A proxy that spoils replies: it records those of a simulator, passes them on, or plays them without it."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Self

import aiohttp
from yarl import URL

from .grammar import Reply

# Bytes of an endless reply that are recorded, and seconds without any after which it counts as complete.
_MOST = 256 * 1024
_PAUSE = 2.0
# Bytes: a client may send back a spoiled token.
_LONGEST_HEAD = 2**24
# Headers of one connection only.
HOPS = frozenset({"connection", "content-encoding", "content-length", "transfer-encoding", "keep-alive", "host"})


@dataclass(frozen=True, slots=True)
class Asked:
    """A request."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def path(self) -> str:
        """Return the path without the query."""
        return self.target.partition("?")[0]


type Answer = Callable[[Asked], Awaitable[Reply]]


@dataclass(slots=True)
class Proxy:
    """A server on 127.0.0.1 that answers as ``answer`` says.

    Attributes:
        answer: Returns the reply to a request.
        examples: Recorded replies by path.
    """

    answer: Answer
    url: URL = field(default_factory=URL)
    examples: defaultdict[str, list[Reply]] = field(default_factory=lambda: defaultdict(list))
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @classmethod
    @asynccontextmanager
    async def start(cls, answer: Answer) -> AsyncGenerator[Self]:
        """Serve until the end of the context."""
        proxy = cls(answer)
        server = await asyncio.start_server(proxy._accept, "127.0.0.1", 0, limit=_LONGEST_HEAD)
        proxy.url = URL.build(scheme="http", host="127.0.0.1", port=server.sockets[0].getsockname()[1])
        try:
            yield proxy
        finally:
            server.close()
            for task in proxy._tasks:
                task.cancel()
            await asyncio.gather(*proxy._tasks, return_exceptions=True)

    def learn(self, path: str, reply: Reply) -> None:
        """Keep a reply as an example."""
        if len(known := self.examples[path]) < 20 and reply not in known:
            known.append(reply)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                while (asked := await _read(reader)) is not None:
                    wire, ends = (await self.answer(asked)).wire()
                    writer.write(wire)
                    await writer.drain()
                    if ends:
                        break
        finally:
            self._tasks.discard(task)
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Asked | None:
    """Read a request, None at the end of the connection."""
    head = await reader.readuntil(b"\r\n\r\n")
    line, *lines = head.decode("latin-1").split("\r\n")[:-2]
    method, target, _ = line.split(" ", 2)
    headers = tuple((name, value.strip()) for name, _, value in (each.partition(":") for each in lines))
    named = {name.lower(): value for name, value in headers}
    body = b""
    if "chunked" in named.get("transfer-encoding", ""):
        while size := int(await reader.readline(), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readline()
    elif length := int(named.get("content-length", "0")):
        body = await reader.readexactly(length)
    return Asked(method, target, headers, body)


async def fetched(session: aiohttp.ClientSession, base: URL, asked: Asked) -> Reply:
    """Return the reply of a simulator to a request; an endless one is cut off.

    Args:
        session: A session that keeps no cookies.
        base: The address of the simulator.
        asked: The request.
    """
    headers = [(name, value) for name, value in asked.headers if name.lower() not in HOPS - {"host"}]
    url = URL(f"{base.origin()}{asked.target}", encoded=True)
    async with session.request(
        asked.method, url, headers=headers, data=asked.body or None, allow_redirects=False, ssl=False
    ) as response:
        body = b""
        with suppress(TimeoutError, aiohttp.ClientError):
            async with asyncio.timeout(_PAUSE):
                while len(body) < _MOST and (piece := await response.content.readany()):
                    body += piece
        kept = tuple((name, value) for name, value in response.headers.items() if name.lower() not in HOPS)
        return Reply(f"{response.status} {response.reason}", kept, body)
