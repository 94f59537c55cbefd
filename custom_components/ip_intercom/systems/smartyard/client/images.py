"""Pictures of calls and of the journal (field notes 3: the only GET requests, without a token)."""

import asyncio
from dataclasses import dataclass, field

from ...common.errors import InvalidRequest, UnexpectedReply
from ...common.http import HttpTransport, Reply, Request
from .client import MOST, REQUEST_TIMEOUT
from .endpoints import CALL_LIVE, CALL_SHOT, LOG_SHOT
from .links import expect_success, kept, own, request_to

MAX_IMAGE = 8 * 1024 * 1024
_TYPES = frozenset({"image/jpeg", "image/jpg", "image/pjpeg", "image/png", "image/webp", "image/gif"})


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
    if kind not in _TYPES or not reply.body:
        raise UnexpectedReply(f"{what} is no picture")
    return Picture(reply.body, kind)
