"""Snapshots and motion JPEG on port 8080, and the paths of the RTSP streams (captures/port8080_snapshot_mjpeg.md)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from http import HTTPStatus

import aiohttp
from yarl import URL

from ...common.errors import ConnectionFailed, LoginRefused, NotReached, NotSupported, TlsRefused, UnexpectedReply
from ...common.http import HttpTransport, Stream
from ...common.login import Login
from ...common.messages import Reply, Request, overload
from ...common.tls import any_certificate_fingerprint

MAIN_STREAM = "/live/ch00_0"
SUB_STREAM = "/live/ch00_1"

# Snapshot paths in the order in which they are tried.
PICTURE_PATHS = ("/picture.jpg", "/picture.cgi", "/jpeg.cgi")
MJPEG = "/video.cgi"
MAX_JPEG = 8 * 1024 * 1024
REQUEST_TIMEOUT = 15.0
_BEGIN, _END = b"\xff\xd8", b"\xff\xd9"
# Some cameras append data to the image.
_END_WITHIN = 4096

type Attempt = Callable[[tuple[aiohttp.ClientMiddlewareType, ...]], Awaitable[Reply]]


class AkuvoxCamera:
    """Camera images of one device.

    Args:
        port: Port of its image server.
        username: RTSP account, which is not the API account; empty if the device requires none.
    """

    def __init__(
        self, session: aiohttp.ClientSession, host: str, *, port: int = 8080, username: str = "", password: str = ""
    ) -> None:
        self._session = session
        self._host = host
        self._port = port
        self._login = Login(username, password)
        self._source: tuple[HttpTransport, str] | None = None
        self._find_lock = asyncio.Lock()

    async def find(self) -> None:
        """Detect whether the server uses HTTP or HTTPS, and the path of the snapshot.

        Raises:
            NotSupported: The device has no images.
            LoginRefused: The device requires a login and rejects this one.
            ConnectionFailed: No response.
        """
        await self._find_source()

    async def snapshot(self) -> bytes:
        """Return one JPEG.

        Raises:
            UnexpectedReply: The response is not a JPEG, or is incomplete.
            IntercomError: As ``find``.
        """
        transport, path = await self._find_source()
        try:
            return await self._picture(transport, path)
        except ConnectionFailed, NotSupported:
            self._source = None  # firmware or settings of the device may have changed
            raise

    @asynccontextmanager
    async def mjpeg(self) -> AsyncIterator[Stream]:
        """Open motion JPEG in full size, about 60 Mbit/s: ``multipart/x-mixed-replace``.

        Raises:
            NotSupported: The device has none.
            IntercomError: As ``find``.
        """
        transport, _ = await self._find_source()
        request = Request("GET", MJPEG)
        async with AsyncExitStack() as stack:
            opened: list[Stream] = []

            async def attempt(middlewares: tuple[aiohttp.ClientMiddlewareType, ...]) -> Reply:
                stream = await stack.enter_async_context(transport.stream(request, middlewares=middlewares))
                if stream.status != HTTPStatus.OK:
                    return await stream.reply()
                if not stream.content_type.startswith("multipart/"):
                    raise NotSupported(f"{MJPEG} is not motion JPEG")
                opened.append(stream)
                return Reply(stream.status, stream.content_type, b"", "", "")

            await self._send_with_login(MJPEG, attempt)
            yield opened[0]

    async def _find_source(self) -> tuple[HttpTransport, str]:
        async with self._find_lock:
            if self._source is not None:
                return self._source
            transport = await self._connect()
            for path in PICTURE_PATHS:
                with suppress(NotSupported):
                    await self._picture(transport, path)
                    self._source = transport, path
                    return self._source
        raise NotSupported(f"port {self._port} has no images")

    async def _connect(self) -> HttpTransport:
        try:
            fingerprint, legacy = await any_certificate_fingerprint(self._host, self._port)
        except NotReached, TlsRefused:
            return HttpTransport(self._session, URL.build(scheme="http", host=self._host, port=self._port))
        base = URL.build(scheme="https", host=self._host, port=self._port)
        return HttpTransport(self._session, base, fingerprint=fingerprint, legacy=legacy)

    async def _picture(self, transport: HttpTransport, path: str) -> bytes:
        request = Request("GET", path, timeout=REQUEST_TIMEOUT, max_bytes=MAX_JPEG)

        async def attempt(middlewares: tuple[aiohttp.ClientMiddlewareType, ...]) -> Reply:
            return await transport.request(request, middlewares=middlewares)

        reply = await self._send_with_login(path, attempt)
        if reply.content_type == "text/html":
            # Newer firmware returns its web app for every path.
            raise NotSupported(f"{path} returned an HTML page")
        return whole_jpeg(path, reply)

    async def _send_with_login(self, path: str, attempt: Attempt) -> Reply:
        reply = await attempt((self._login,))
        if reply.status == HTTPStatus.UNAUTHORIZED and self._login.take(reply.challenge, reply.authorization):
            reply = await attempt((self._login,))
        if reply.status == HTTPStatus.UNAUTHORIZED:
            raise LoginRefused(f"{path} rejected the login")
        if reply.status == HTTPStatus.NOT_FOUND:
            raise NotSupported(f"{path}: {reply.status}")
        if (busy := overload(path, reply)) is not None:
            raise busy
        if reply.status != HTTPStatus.OK:
            raise UnexpectedReply(f"{path} returned {reply.status}")
        return reply


def whole_jpeg(path: str, reply: Reply) -> bytes:
    """Return the JPEG of a response.

    Raises:
        UnexpectedReply: It is not a JPEG, or is truncated.
    """
    if not reply.body.startswith(_BEGIN) or _END not in reply.body[-_END_WITHIN:]:
        raise UnexpectedReply(f"{path} returned an incomplete or invalid JPEG")
    return reply.body
