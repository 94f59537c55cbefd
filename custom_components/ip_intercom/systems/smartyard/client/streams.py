"""Stream and image URLs of cameras, for each type of server (field notes 6)."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from weakref import WeakKeyDictionary

from aiohttp import ClientSession
from yarl import URL

from ...common.errors import InvalidRequest, NoData, NotSupported, StreamRefused, UnexpectedReply
from ...common.messages import Reply
from ...common.parse import Fields, decode_json, fields, text
from .cameras import Camera, ServerType
from .pictures import MAX_IMAGE, expect_success, picture, request_to, transport_to, web_url

MAX_PREVIEW = 16 * 1024 * 1024
_WHAT = "a camera server"
# Type of the first box of an MP4, after its length.
_FIRST_BOX = slice(4, 8)
_MP4 = b"ftyp"


_FLUSSONIC = frozenset({ServerType.FLUSSONIC, ServerType.SESAME})
_REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_MAX_NAME = 2048
_BOM = b"\xef\xbb\xbf"
_PLAYLIST = b"#EXTM3U"
# Format of Macroscop images, as in the apps.
_STILL = {
    "withcontenttype": "true",
    "mode": "realtime",
    "resolutionx": "480",
    "resolutiony": "270",
    "streamtype": "mainvideo",
}

# Trassir sessions by client session and camera: the token and the server's session ID.
_SESSIONS: WeakKeyDictionary[ClientSession, dict[URL, tuple[str, str]]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Still:
    """The current image of a camera: its data, or the URL of a video with one frame.

    Attributes:
        image: Image data, None if there is a URL.
        content_type: Media type, ``video/mp4`` if there is a URL.
        url: URL of the video.
    """

    image: bytes | None = field(default=None, repr=False)
    content_type: str = "video/mp4"
    url: URL | None = field(default=None, repr=False)


async def live_url(session: ClientSession, camera: Camera, *, verify: bool = True) -> URL:
    """Return the HLS playlist of a camera, including its credentials.

    No request is sent to Nimble, and to Flussonic only if its mode is unknown; ``check`` verifies the token there.

    Args:
        verify: Verify the certificate against the trusted authorities.

    Raises:
        StreamRefused: The server rejects the token.
        NotSupported: The server type is unknown.
        InvalidRequest: The camera has an invalid URL.
        NoData: The server has no such camera, or no stream at the moment.
        UnexpectedReply: The response is invalid.
        ConnectionFailed: The server does not respond.
    """
    url = web_url(camera.url, "camera")
    server = _Server(session, url, camera, verify=verify)
    if camera.server_type in _FLUSSONIC:
        return await _flussonic_live(session, camera, verify=verify)
    match camera.server_type:
        case ServerType.NIMBLE:
            return _below(camera, "playlist.m3u8", "wmsAuthSign")
        case ServerType.MACROSCOP:
            return await server.macroscop_live()
        case ServerType.TRASSIR:
            return await server.trassir_live()
        case ServerType.FORPOST:
            return await server.forpost()
    raise NotSupported(f"unknown camera server type {camera.server_type[:20]}")


async def still(session: ClientSession, camera: Camera, *, now: datetime | None = None, verify: bool = True) -> Still:
    """Return the current image of a camera.

    No request is sent to Nimble; the token is verified when the video is downloaded, or by ``check``.

    Args:
        now: Current time in the server's time zone, which Trassir requires; UTC by default.
        verify: Verify the certificate against the trusted authorities.

    Raises:
        IntercomError: As ``live_url``; ``UnexpectedReply`` also for invalid or too large images.
    """
    url = web_url(camera.url, "camera")
    server = _Server(session, url, camera, verify=verify)
    if camera.server_type in _FLUSSONIC:
        try:
            return await server.image(_below(camera, "preview.jpg", "token"))
        except NoData, UnexpectedReply:
            # JPEGs are optional on the server; the video always exists.
            return Still(url=_below(camera, "preview.mp4", "token"))
    match camera.server_type:
        case ServerType.NIMBLE:
            return Still(url=_below(camera, "dvr_thumbnail.mp4", "wmsAuthSign"))
        case ServerType.MACROSCOP:
            return await server.image(url.with_path("/site"), {**server.query, **server.login, **_STILL})
        case ServerType.TRASSIR:
            return await server.trassir_still(now or datetime.now(UTC))
        case ServerType.FORPOST:
            return await server.image(await server.forpost(still=True))
    raise NotSupported(f"unknown camera server type {camera.server_type[:20]}")


def archive_url(camera: Camera, begin: int, duration: int) -> URL:
    """Return the playlist of a recording.

    Args:
        begin: Start in Unix seconds.
        duration: Seconds.

    Raises:
        NotSupported: The server type has no recordings.
        InvalidRequest: The camera has an invalid URL.
    """
    web_url(camera.url, "camera")
    if camera.server_type in _FLUSSONIC:
        return _below(camera, f"index-{begin}-{duration}.m3u8", "token")
    if camera.server_type == ServerType.NIMBLE:
        return _below(camera, f"playlist_dvr_range-{begin}-{duration}.m3u8", "wmsAuthSign")
    raise NotSupported(f"no recordings on camera server type {camera.server_type[:20]}")


async def check(session: ClientSession, url: URL, *, verify: bool = True) -> None:
    """Check that a playlist of ``live_url`` is available.

    Raises:
        IntercomError: As ``live_url``.
    """
    reply = _expect(await transport_to(session, url, verify=verify).request(request_to(url)))
    if not reply.body.lstrip(_BOM).startswith(_PLAYLIST):
        raise UnexpectedReply("a camera server answered without a playlist")


async def _flussonic_live(session: ClientSession, camera: Camera, *, verify: bool) -> URL:
    modern, old = (_below(camera, name, "token") for name in ("index.fmp4.m3u8", "index.m3u8"))
    if camera.hls_mode is not None:
        return modern if camera.hls_mode == "fmp4" else old
    # Cameras of intercoms lack the mode and apps interpret this differently, so query the server.
    try:
        await check(session, modern, verify=verify)
    except NoData:
        return old
    return modern


class _Server:
    """A camera server that must be queried for URLs."""

    def __init__(self, session: ClientSession, url: URL, camera: Camera, *, verify: bool) -> None:
        self._session = session
        self._verify = verify
        self.url = url
        self.query: Mapping[str, str] = dict(url.query)
        self._token = camera.token
        # The token is part of a query with credentials.
        self.login: Mapping[str, str] = dict(URL.build(query_string=camera.token).query)

    async def macroscop_live(self) -> URL:
        """Request the name of a stream."""
        reply = await self._request(self.url, {**self.query, **self.login})
        return self._named("/hls/", reply.body.decode(errors="replace").strip().lstrip("/"))

    async def trassir_live(self) -> URL:
        """Request a stream in a session."""

        async def request(sid: str) -> URL:
            query = {**self.query, "container": "hls", "sid": sid, "stream": "main"}
            answer = _json(await self._request(self.url.with_path("/get_video"), query))
            if (token := text(answer.get("token"))) is None:
                raise _missing_value()
            return self._named("/hls/", f"{token}/master.m3u8").with_query(None)

        return await self._in_session(request)

    async def trassir_still(self, now: datetime) -> Still:
        """Request an image in a session."""
        channel = self.query.get("channel", "")
        if not channel or "/" in channel:
            raise InvalidRequest("not an address", "camera")

        async def request(sid: str) -> Still:
            query = {"timestamp": f"{now:%Y-%m-%d %H:%M:%S}", "sid": sid}
            return await self.image(self.url.with_path(f"/screenshot/{channel}"), query)

        return await self._in_session(request)

    async def forpost(self, *, still: bool = False) -> URL:
        """Request the URL of the stream or of an image."""
        form = {**self.query, **self.login, **({"Format": "JPG"} if still else {})}
        answer = _json(await self._request(self.url, form, method="POST"))
        if (address := text(answer.get("URL"))) is None:
            raise _missing_value()
        try:
            return web_url(address, "URL")
        except InvalidRequest as err:
            raise UnexpectedReply("a camera server answered without an address") from err

    async def image(self, url: URL, query: Mapping[str, str] | None = None) -> Still:
        """Return the image at a URL."""
        found = picture(await self._request(url, query, max_bytes=MAX_IMAGE), "the response of a camera server")
        return Still(found.data, found.content_type)

    async def _in_session[T](self, request: Callable[[str], Awaitable[T]]) -> T:
        """Run a request in the current session, or a new one if it has expired, because sessions are limited."""
        sessions = _SESSIONS.setdefault(self._session, {})
        token, sid = sessions.get(self.url, ("", ""))
        if sid and token == self._token:
            try:
                return await request(sid)
            except StreamRefused, NoData, UnexpectedReply:
                sessions.pop(self.url, None)
        sid = await self._begin_session()
        sessions[self.url] = (self._token, sid)
        return await request(sid)

    async def _begin_session(self) -> str:
        answer = _json(await self._request(self.url.with_path("/login"), self.login))
        if (sid := text(answer.get("sid"))) is None:
            raise _missing_value()
        return sid

    async def _request(
        self, url: URL, query: Mapping[str, str] | None, *, method: str = "GET", max_bytes: int = 1024 * 1024
    ) -> Reply:
        transport = transport_to(self._session, url, verify=self._verify)
        reply = await transport.request(request_to(url, method=method, params=query, max_bytes=max_bytes))
        return _expect(reply)

    def _named(self, path: str, name: str) -> URL:
        """Return the URL of a path and a name from the server."""
        usable = 0 < len(name) <= _MAX_NAME and name.isprintable() and not set(name) & set(" \"'<>\\^`{|}")
        if not usable or ".." in name or "://" in name:
            raise UnexpectedReply("a camera server answered without a name")
        try:
            return self.url.with_path("/").with_query(None).join(URL(f"{path}{name}"))
        except ValueError as err:
            raise UnexpectedReply("a camera server answered without a name") from err


def _below(camera: Camera, name: str, parameter: str) -> URL:
    """Return a URL below that of a camera; the token is not escaped, as in the apps."""
    url = web_url(camera.url, "camera").with_fragment(None)
    address = f"{str(url.with_query(None)).rstrip('/')}/{name}"
    return web_url(f"{address}?{parameter}={camera.token}" if camera.token else address, "camera")


def _expect(reply: Reply) -> Reply:
    """Return a successful response."""
    if reply.status in _REFUSED:
        raise StreamRefused("a camera server rejects the token")
    expect_success(reply.status, "a camera server")
    return reply


def _json(reply: Reply) -> Fields:
    found = decode_json(reply.body)
    if found is None:
        raise UnexpectedReply("a camera server answered without JSON")
    return fields(found)


def _missing_value() -> StreamRefused:
    """Return the error for a missing value, as the reason differs between servers."""
    return StreamRefused("a camera server returned no stream for the token")


async def preview(session: ClientSession, url: URL, *, verify: bool = True) -> bytes:
    """Return the MP4 at the URL of a ``Still``.

    Args:
        url: URL of the video.
        verify: Verify the certificate against the trusted authorities.

    Raises:
        StreamRefused: The server rejects the token.
        NoData: The server has no such camera, or no image at the moment.
        UnexpectedReply: The response is not an MP4, or larger than ``MAX_PREVIEW``.
        ConnectionFailed: The server does not respond.
    """
    reply = await transport_to(session, url, verify=verify).request(request_to(url, max_bytes=MAX_PREVIEW))
    if reply.status in _REFUSED:
        raise StreamRefused(f"{_WHAT} rejects the token")
    expect_success(reply.status, _WHAT)
    if reply.body[_FIRST_BOX] != _MP4:
        raise UnexpectedReply(f"{_WHAT} is not an MP4")
    return reply.body
