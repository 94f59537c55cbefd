"""Video files made from recordings of a camera (field notes 3: a GET without a token)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from ....common.errors import UnexpectedReply
from ....common.http import HttpTransport, Stream
from ..endpoints import FILM
from ..links import TIMEOUT, expect_success, kept, own, request_to

# An hour of a camera has one or two.
MAX_FILM = 8 * 1024**3
_TYPES = ("video/", "application/octet-stream", "application/mp4")


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
            if not found.content_type.startswith(_TYPES):
                raise UnexpectedReply(f"{FILM} is no film")
            yield found
