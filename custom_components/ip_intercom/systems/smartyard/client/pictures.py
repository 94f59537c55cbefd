"""Images and recordings behind URLs that may contain secrets, which errors never show (field notes 3)."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from http import HTTPStatus

from aiohttp import ClientSession
from yarl import URL

from ...common.errors import InvalidRequest, NoData, Overloaded, ServerBroken, Throttled, UnexpectedReply
from ...common.http import HttpTransport, Stream
from ...common.messages import Reply, Request
from .client import MAX_QUERIES, REQUEST_TIMEOUT
from .protocol import CALL_LIVE, CALL_SHOT, FILM, LOG_SHOT

# One hour of video has one or two GB.
MAX_FILM = 8 * 1024**3
_FILM_TYPES = ("video/", "application/octet-stream", "application/mp4")


MAX_IMAGE = 8 * 1024 * 1024
_IMAGE_TYPES = frozenset({"image/jpeg", "image/jpg", "image/pjpeg", "image/png", "image/webp", "image/gif"})

TIMEOUT = 20.0
MAX_TEXT = 1024 * 1024
_GONE = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
# A hash has 32 characters, a UUID has 36.
_MAX_KEY = 256


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
            own_url(address, self._transport.base, "image")
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
        url = own_url(address, self._transport.base, "image")
        return (await self._picture(request_to(url, max_bytes=MAX_IMAGE), "image")).data

    async def _kept(self, path: str, key: str) -> bytes:
        request = object_request(self._transport.base, path, key, timeout=REQUEST_TIMEOUT, max_bytes=MAX_IMAGE)
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
            request = request_to(own_url(film, base, "film"), max_bytes=MAX_FILM)
        else:
            request = object_request(base, FILM, film, timeout=TIMEOUT, max_bytes=MAX_FILM)
        async with self._transport.stream(replace(request, stall=TIMEOUT, begin=TIMEOUT)) as stream:
            expect_success(stream.status, FILM)
            found = Film(stream)
            if not found.content_type.startswith(_FILM_TYPES):
                raise UnexpectedReply(f"{FILM} is not a video")
            yield found


def web_url(address: str, what: str) -> URL:
    """Return a web URL.

    Raises:
        InvalidRequest: The URL is invalid; ``what`` is its purpose.
    """
    try:
        url = URL(address)
        usable = url.scheme in {"http", "https"} and bool(url.host) and url.port is not None
    except ValueError:
        usable = False
    if not usable:
        raise InvalidRequest("not an address", what)
    return url


def own_url(address: str, base: URL, what: str) -> URL:
    """Return a URL of the server of a base URL.

    Raises:
        InvalidRequest: The URL is invalid or belongs to another server; ``what`` is its purpose.
    """
    url = web_url(address, what)
    if url.origin() != base.origin() or url.user is not None or url.password is not None:
        raise InvalidRequest("an address of a different server", what)
    return url


def object_request(base: URL, path: str, key: str, *, timeout: float, max_bytes: int) -> Request:
    """Return the request of an object below the base URL; no error contains its key.

    Raises:
        InvalidRequest: The key is invalid.
    """
    if not key.isprintable() or "/" in key or len(key) > _MAX_KEY:
        raise InvalidRequest("not a key", "key")
    folder = base.raw_path.rstrip("/").replace("{", "{{").replace("}", "}}")
    return Request("GET", f"{folder}/{path}", timeout=timeout, max_bytes=max_bytes, parts={"key": key})


def expect_success(status: int, what: str) -> None:
    """Raise for failed responses, none of which is about the account, because no token was sent.

    Raises:
        NoData: The object does not exist, or access has expired.
        ServerBroken: The server reports an internal failure.
        Throttled: The server receives too many requests.
        UnexpectedReply: Any other response, such as a redirect.
    """
    if status == HTTPStatus.OK:
        return
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise Throttled(f"{what}: {status}")
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        raise Overloaded(f"{what}: {status}")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise ServerBroken(f"{what}: {status}")
    raise NoData(f"{what}: {status}") if status in _GONE else UnexpectedReply(f"{what}: {status}")


def transport_to(session: ClientSession, url: URL, *, verify: bool) -> HttpTransport:
    """Return the transport to the server of a URL."""
    return HttpTransport(session, url.with_path("/").with_query(None).with_fragment(None), verify=verify)


def request_to(
    url: URL, *, method: str = "GET", params: Mapping[str, str] | None = None, max_bytes: int = MAX_TEXT
) -> Request:
    """Return the request of a URL; no error contains its path.

    Args:
        method: HTTP method; the query of a POST becomes a form.
        params: Query to use instead of the URL's.
        max_bytes: Size limit of the response.

    Raises:
        InvalidRequest: The path contains ``..``.
    """
    # The first part is the leading slash.
    segments = url.parts[1:]
    query = dict(url.query) if params is None else params
    return Request(
        method,
        "/" + "/".join(f"{{part{place}}}" for place in range(len(segments))),
        query if method == "GET" else None,
        timeout=TIMEOUT,
        max_bytes=max_bytes,
        form=None if method == "GET" else query,
        parts={f"part{place}": segment for place, segment in enumerate(segments)},
    )
