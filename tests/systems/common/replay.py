"""A server that answers with recorded bytes."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus

from tests.recordings import Recording


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that came; names of headers are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Replay:
    """Answers each request as it was answered once; a request that was not recorded gets nothing."""

    recordings: Mapping[tuple[str, str], Recording]
    url: str = ""
    asked: list[Asked] = field(default_factory=list)

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[Replay]:
        """Listen."""
        async with await asyncio.start_server(self._answer, "127.0.0.1", 0) as server:
            host, port = server.sockets[0].getsockname()[:2]
            self.url = f"http://{host}:{port}"
            yield self

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
            method, path, _ = head[0].split(" ")
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:-1])}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            self.asked.append(Asked(method, path, headers, body))
            if (recording := self.recordings.get((method, path))) is not None:
                writer.write(_bytes(recording))
                await writer.drain()
        finally:
            writer.close()


def _bytes(recording: Recording) -> bytes:
    status = HTTPStatus(recording.status)
    lines = [f"HTTP/1.1 {status.value} {status.phrase}"]
    lines += [f"{name}: {value}" for name, value in recording.reply_headers.items()]
    body = recording.reply
    if length := recording.reply_headers.get("Content-Length"):
        assert len(body) == int(length)
    elif "Transfer-Encoding" in recording.reply_headers:
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body
