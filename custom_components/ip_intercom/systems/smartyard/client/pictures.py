"""Pictures of calls and of the journal, and films of recordings (field notes 3: the only GET requests, without a token)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from ...common.errors import InvalidRequest, UnexpectedReply
from ...common.http import HttpTransport, Stream
from ...common.messages import Reply, Request
from .client import MOST, REQUEST_TIMEOUT
from .endpoints import CALL_LIVE, CALL_SHOT, FILM, LOG_SHOT
from .links import TIMEOUT, expect_success, kept, own, request_to

# An hour of a camera has one or two.
MAX_FILM = 8 * 1024**3
_FILM_TYPES = ("video/", "application/octet-stream", "application/mp4")


MAX_IMAGE = 8 * 1024 * 1024
_IMAGE_TYPES = frozenset({"image/jpeg", "image/jpg", "image/pjpeg", "image/png", "image/webp", "image/gif"})


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture and its media type."""

    data: bytes = field(repr=False)
    content_type: str


class Images:
    """Pictures below the base address, and none from elsewhere."""

    def __init__(self, transport: HttpTransport) -> None:
        self._transport = transport
        self._turns = asyncio.Semaphore(MOST)

    async def camshot(self, key: str) -> bytes:
        """Return who rang.

        Args:
            key: The hash of the call, good for some three minutes.

        Raises:
            NoData: It is over, or there was no such call.
            InvalidRequest: It is no such key.
            UnexpectedReply: What comes is no picture, or larger than ``MAX_IMAGE``.
        """
        return await self._kept(CALL_SHOT, key)

    async def live(self, key: str) -> bytes:
        """Return how it looks there now; arguments and errors are those of ``camshot``."""
        return await self._kept(CALL_LIVE, key)

    async def log_picture(self, picture: str) -> bytes:
        """Return the picture of a ``LogRecord``; errors are those of ``camshot``."""
        return await self._kept(LOG_SHOT, picture)

    def has(self, address: str) -> bool:
        """Return whether an untrusted address belongs to this server."""
        try:
            own(address, self._transport.base, "image")
        except InvalidRequest:
            return False
        return True

    async def at(self, address: str) -> bytes:
        """Return the image at an untrusted address, such as from a push: of this server only.

        Raises:
            InvalidRequest: It is another server's, and was not asked.
            NoData: There is none any more.
            UnexpectedReply: As ``camshot``.
        """
        url = own(address, self._transport.base, "image")
        return (await self._picture(request_to(url, max_bytes=MAX_IMAGE), "image")).data

    async def _kept(self, path: str, key: str) -> bytes:
        request = kept(self._transport.base, path, key, timeout=REQUEST_TIMEOUT, max_bytes=MAX_IMAGE)
        return (await self._picture(request, path)).data

    async def _picture(self, request: Request, what: str) -> Picture:
        async with self._turns:
            reply = await self._transport.request(request)
        expect_success(reply.status, what)
        return picture(reply, what)


def picture(reply: Reply, what: str) -> Picture:
    """Return the picture that a reply is.

    Raises:
        UnexpectedReply: It is none.
    """
    kind = reply.content_type.lower()
    if kind not in _IMAGE_TYPES or not reply.body:
        raise UnexpectedReply(f"{what} is no picture")
    return Picture(reply.body, kind)


class Film:
    """A film on its way; ``content_type`` is its media type."""

    def __init__(self, stream: Stream) -> None:
        self.content_type = stream.content_type.partition(";")[0].strip().lower()
        self._stream = stream

    def chunks(self) -> AsyncIterator[bytes]:
        """Iterate over the bytes as they come.

        Raises:
            ConnectionFailed: The connection broke.
            UnexpectedReply: There are more than ``MAX_FILM``.
        """
        return self._stream.chunks()


class Films:
    """Films that the server keeps, and none from elsewhere."""

    def __init__(self, transport: HttpTransport) -> None:
        self._transport = transport

    @asynccontextmanager
    async def open(self, film: str) -> AsyncIterator[Film]:
        """Open a film.

        Args:
            film: Its address as ``Cameras.download`` or the message tells it, or the UUID at the end of it.

        Raises:
            InvalidRequest: It is another server's, and was not asked.
            NoData: There is none, or not yet.
            UnexpectedReply: It is no film.
            ConnectionFailed: The connection broke.
        """
        base = self._transport.base
        if "/" in film:
            request = request_to(own(film, base, "film"), max_bytes=MAX_FILM)
        else:
            request = kept(base, FILM, film, timeout=TIMEOUT, max_bytes=MAX_FILM)
        async with self._transport.stream(replace(request, stall=TIMEOUT, begin=TIMEOUT)) as stream:
            expect_success(stream.status, FILM)
            found = Film(stream)
            if not found.content_type.startswith(_FILM_TYPES):
                raise UnexpectedReply(f"{FILM} is no film")
            yield found
