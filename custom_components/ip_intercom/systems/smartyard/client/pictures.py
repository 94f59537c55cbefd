"""Images of calls and journals, and recordings (field notes 3: the only GET requests, without a token)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from ...common.errors import InvalidRequest, UnexpectedReply
from ...common.http import HttpTransport, Stream
from ...common.messages import Reply, Request
from .client import MAX_QUERIES, REQUEST_TIMEOUT
from .endpoints import CALL_LIVE, CALL_SHOT, FILM, LOG_SHOT
from .links import TIMEOUT, expect_success, kept, own, request_to

# One hour of video has one or two GB.
MAX_FILM = 8 * 1024**3
_FILM_TYPES = ("video/", "application/octet-stream", "application/mp4")


MAX_IMAGE = 8 * 1024 * 1024
_IMAGE_TYPES = frozenset({"image/jpeg", "image/jpg", "image/pjpeg", "image/png", "image/webp", "image/gif"})


@dataclass(frozen=True, slots=True)
class Picture:
    """An image and its media type."""

    data: bytes = field(repr=False)
    content_type: str


class Images:
    """Images below the base URL; other servers are not requested."""

    def __init__(self, transport: HttpTransport) -> None:
        self._transport = transport
        self._limit = asyncio.Semaphore(MAX_QUERIES)

    async def camshot(self, key: str) -> bytes:
        """Return the image of the visitor of a call.

        Args:
            key: Hash of the call, valid for about three minutes.

        Raises:
            NoData: The call has ended or does not exist.
            InvalidRequest: The key is invalid.
            UnexpectedReply: The response is not an image, or larger than ``MAX_IMAGE``.
        """
        return await self._kept(CALL_SHOT, key)

    async def live(self, key: str) -> bytes:
        """Return a live image of a call; arguments and errors as in ``camshot``."""
        return await self._kept(CALL_LIVE, key)

    async def log_picture(self, picture: str) -> bytes:
        """Return the image of a ``LogRecord``; errors as in ``camshot``."""
        return await self._kept(LOG_SHOT, picture)

    def has(self, address: str) -> bool:
        """Return whether an untrusted URL belongs to this server."""
        try:
            own(address, self._transport.base, "image")
        except InvalidRequest:
            return False
        return True

    async def at(self, address: str) -> bytes:
        """Return the image at an untrusted URL, such as from a push, if it belongs to this server.

        Raises:
            InvalidRequest: The URL belongs to another server; no request was sent.
            NoData: The image does not exist any more.
            UnexpectedReply: As ``camshot``.
        """
        url = own(address, self._transport.base, "image")
        return (await self._picture(request_to(url, max_bytes=MAX_IMAGE), "image")).data

    async def _kept(self, path: str, key: str) -> bytes:
        request = kept(self._transport.base, path, key, timeout=REQUEST_TIMEOUT, max_bytes=MAX_IMAGE)
        return (await self._picture(request, path)).data

    async def _picture(self, request: Request, what: str) -> Picture:
        async with self._limit:
            reply = await self._transport.request(request)
        expect_success(reply.status, what)
        return picture(reply, what)


def picture(reply: Reply, what: str) -> Picture:
    """Return the image of a response.

    Raises:
        UnexpectedReply: The response is not an image.
    """
    kind = reply.content_type.lower()
    if kind not in _IMAGE_TYPES or not reply.body:
        raise UnexpectedReply(f"{what} is not an image")
    return Picture(reply.body, kind)


class Film:
    """A recording being downloaded; ``content_type`` is its media type."""

    def __init__(self, stream: Stream) -> None:
        self.content_type = stream.content_type.partition(";")[0].strip().lower()
        self._stream = stream

    def chunks(self) -> AsyncIterator[bytes]:
        """Iterate over the data as it arrives.

        Raises:
            ConnectionFailed: The connection broke.
            UnexpectedReply: The recording is larger than ``MAX_FILM``.
        """
        return self._stream.chunks()


class Films:
    """Recordings on this server; other servers are not requested."""

    def __init__(self, transport: HttpTransport) -> None:
        self._transport = transport

    @asynccontextmanager
    async def open(self, film: str) -> AsyncIterator[Film]:
        """Open a recording.

        Args:
            film: URL from ``Cameras.download`` or a message, or the UUID at its end.

        Raises:
            InvalidRequest: The URL belongs to another server; no request was sent.
            NoData: The recording does not exist, or is not ready.
            UnexpectedReply: The response is not a video.
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
                raise UnexpectedReply(f"{FILM} is not a video")
            yield found
