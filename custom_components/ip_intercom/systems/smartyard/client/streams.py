"""Where a camera can be seen: every kind of server is asked in its own way (field notes 6)."""

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
from .links import expect_success, parsed, request_to, transport_to
from .pictures import MAX_IMAGE, picture

MAX_PREVIEW = 16 * 1024 * 1024
_WHAT = "a server of cameras"
# What the name of the first box of an MP4 is, after its length.
_FIRST_BOX = slice(4, 8)
_MP4 = b"ftyp"


_FLUSSONIC = frozenset({ServerType.FLUSSONIC, ServerType.SESAME})
_REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_MAX_NAME = 2048
_BOM = b"\xef\xbb\xbf"
_PLAYLIST = b"#EXTM3U"
# Macroscop's picture as the apps want it.
_STILL = {
    "withcontenttype": "true",
    "mode": "realtime",
    "resolutionx": "480",
    "resolutiony": "270",
    "streamtype": "mainvideo",
}

# Sessions at Trassir servers, by what asks and which camera: the token and the session that it has begun.
_SESSIONS: WeakKeyDictionary[ClientSession, dict[URL, tuple[str, str]]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Still:
    """How a camera looks now: a picture, or the address of a film of one picture.

    Attributes:
        image: The picture, None where there is an address.
        content_type: Media type of it, ``video/mp4`` where there is an address.
        url: Where the film is.
    """

    image: bytes | None = field(default=None, repr=False)
    content_type: str = "video/mp4"
    url: URL | None = field(default=None, repr=False)


async def live_url(session: ClientSession, camera: Camera, *, verify: bool = True) -> URL:
    """Return the HLS playlist of a camera, with what lets us see it inside.

    Nimble is not asked for it, and Flussonic only where its mode is not known: ``check`` tells whether they take the
    token.

    Args:
        session: For the requests.
        camera: The camera.
        verify: Check the server's certificate against the system's authorities.

    Raises:
        StreamRefused: The server refuses the token.
        NotSupported: The kind of server is not known.
        InvalidRequest: The camera has no proper address.
        NoData: The server has no such camera, or no stream of it now.
        UnexpectedReply: The server answers something else.
        ConnectionFailed: The server does not answer.
    """
    url = parsed(camera.url, "camera")
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
    raise NotSupported(f"no way is known to cameras of {camera.server_type[:20]}")


async def still(session: ClientSession, camera: Camera, *, now: datetime | None = None, verify: bool = True) -> Still:
    """Return how a camera looks now.

    Nimble is not asked: what shows the film finds out whether it takes the token, or ``check`` does.

    Args:
        session: For the requests.
        camera: The camera.
        now: The time in the zone of the server, which Trassir wants to be told; UTC by default.
        verify: Check the server's certificate against the system's authorities.

    Raises:
        IntercomError: As ``live_url``; its ``UnexpectedReply`` also for what is no picture, or a large one.
    """
    url = parsed(camera.url, "camera")
    server = _Server(session, url, camera, verify=verify)
    if camera.server_type in _FLUSSONIC:
        try:
            return await server.image(_below(camera, "preview.jpg", "token"))
        except NoData, UnexpectedReply:
            # It makes them only where its owner wants them; the film is there always.
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
    raise NotSupported(f"no way is known to cameras of {camera.server_type[:20]}")


def archive_url(camera: Camera, begin: int, duration: int) -> URL:
    """Return the playlist of what was recorded.

    Args:
        camera: The camera.
        begin: From when, in Unix time.
        duration: Seconds.

    Raises:
        NotSupported: Its kind of server has none.
        InvalidRequest: The camera has no proper address.
    """
    parsed(camera.url, "camera")
    if camera.server_type in _FLUSSONIC:
        return _below(camera, f"index-{begin}-{duration}.m3u8", "token")
    if camera.server_type == ServerType.NIMBLE:
        return _below(camera, f"playlist_dvr_range-{begin}-{duration}.m3u8", "wmsAuthSign")
    raise NotSupported(f"no recordings of cameras of {camera.server_type[:20]}")


async def check(session: ClientSession, url: URL, *, verify: bool = True) -> None:
    """See whether a playlist of ``live_url`` can be had.

    Raises:
        IntercomError: As ``live_url``.
    """
    reply = _expect(await transport_to(session, url, verify=verify).request(request_to(url)))
    if not reply.body.lstrip(_BOM).startswith(_PLAYLIST):
        raise UnexpectedReply("a server of cameras answered without a playlist")


async def _flussonic_live(session: ClientSession, camera: Camera, *, verify: bool) -> URL:
    modern, old = (_below(camera, name, "token") for name in ("index.fmp4.m3u8", "index.m3u8"))
    if camera.hls_mode is not None:
        return modern if camera.hls_mode == "fmp4" else old
    # Cameras of intercoms come without a mode, and apps do not agree on what that means: the server knows.
    try:
        await check(session, modern, verify=verify)
    except NoData:
        return old
    return modern


class _Server:
    """The server of a camera, which wants to be asked for addresses."""

    def __init__(self, session: ClientSession, url: URL, camera: Camera, *, verify: bool) -> None:
        self._session = session
        self._verify = verify
        self.url = url
        self.query: Mapping[str, str] = dict(url.query)
        self._token = camera.token
        # With these the token is a piece of a query: a login, say.
        self.login: Mapping[str, str] = dict(URL.build(query_string=camera.token).query)

    async def macroscop_live(self) -> URL:
        """Ask for the name of a stream."""
        reply = await self._ask(self.url, {**self.query, **self.login})
        return self._named("/hls/", reply.body.decode(errors="replace").strip().lstrip("/"))

    async def trassir_live(self) -> URL:
        """Ask for a stream in a session."""

        async def ask(sid: str) -> URL:
            query = {**self.query, "container": "hls", "sid": sid, "stream": "main"}
            answer = _json(await self._ask(self.url.with_path("/get_video"), query))
            if (token := text(answer.get("token"))) is None:
                raise _unsaid()
            return self._named("/hls/", f"{token}/master.m3u8").with_query(None)

        return await self._in_session(ask)

    async def trassir_still(self, now: datetime) -> Still:
        """Take a picture in a session."""
        channel = self.query.get("channel", "")
        if not channel or "/" in channel:
            raise InvalidRequest("not an address", "camera")

        async def ask(sid: str) -> Still:
            query = {"timestamp": f"{now:%Y-%m-%d %H:%M:%S}", "sid": sid}
            return await self.image(self.url.with_path(f"/screenshot/{channel}"), query)

        return await self._in_session(ask)

    async def forpost(self, *, still: bool = False) -> URL:
        """Ask for the address of the stream, or of a picture."""
        form = {**self.query, **self.login, **({"Format": "JPG"} if still else {})}
        answer = _json(await self._ask(self.url, form, method="POST"))
        if (address := text(answer.get("URL"))) is None:
            raise _unsaid()
        try:
            return parsed(address, "URL")
        except InvalidRequest as err:
            raise UnexpectedReply("a server of cameras answered without an address") from err

    async def image(self, url: URL, query: Mapping[str, str] | None = None) -> Still:
        """Return a picture at an address."""
        found = picture(await self._ask(url, query, max_bytes=MAX_IMAGE), "what a server of cameras sent")
        return Still(found.data, found.content_type)

    async def _in_session[T](self, ask: Callable[[str], Awaitable[T]]) -> T:
        """Ask in the session that there is, and in a new one where that has ended: a server has only so many."""
        sessions = _SESSIONS.setdefault(self._session, {})
        token, sid = sessions.get(self.url, ("", ""))
        if sid and token == self._token:
            try:
                return await ask(sid)
            except StreamRefused, NoData, UnexpectedReply:
                sessions.pop(self.url, None)
        sid = await self._begin_session()
        sessions[self.url] = (self._token, sid)
        return await ask(sid)

    async def _begin_session(self) -> str:
        answer = _json(await self._ask(self.url.with_path("/login"), self.login))
        if (sid := text(answer.get("sid"))) is None:
            raise _unsaid()
        return sid

    async def _ask(
        self, url: URL, query: Mapping[str, str] | None, *, method: str = "GET", max_bytes: int = 1024 * 1024
    ) -> Reply:
        transport = transport_to(self._session, url, verify=self._verify)
        reply = await transport.request(request_to(url, method=method, params=query, max_bytes=max_bytes))
        return _expect(reply)

    def _named(self, path: str, name: str) -> URL:
        """Return the address on this server that a name of its own stands for."""
        usable = 0 < len(name) <= _MAX_NAME and name.isprintable() and not set(name) & set(" \"'<>\\^`{|}")
        if not usable or ".." in name or "://" in name:
            raise UnexpectedReply("a server of cameras answered without a name")
        try:
            return self.url.with_path("/").with_query(None).join(URL(f"{path}{name}"))
        except ValueError as err:
            raise UnexpectedReply("a server of cameras answered without a name") from err


def _below(camera: Camera, name: str, parameter: str) -> URL:
    """Return an address below that of a camera; the token goes into it as it is, as the apps do it."""
    url = parsed(camera.url, "camera").with_fragment(None)
    address = f"{str(url.with_query(None)).rstrip('/')}/{name}"
    return parsed(f"{address}?{parameter}={camera.token}" if camera.token else address, "camera")


def _expect(reply: Reply) -> Reply:
    """Return a success."""
    if reply.status in _REFUSED:
        raise StreamRefused("a server of cameras refuses the token")
    expect_success(reply.status, "a server of cameras")
    return reply


def _json(reply: Reply) -> Fields:
    found = decode_json(reply.body)
    if found is None:
        raise UnexpectedReply("a server of cameras answered no JSON")
    return fields(found)


def _unsaid() -> StreamRefused:
    """Return what it means that a server does not say what it was asked for; why, each says in words of its own."""
    return StreamRefused("a server of cameras gives no stream for the token")


async def preview(session: ClientSession, url: URL, *, verify: bool = True) -> bytes:
    """Return the MP4 at the address of a ``Still``.

    Args:
        session: For the request.
        url: The address.
        verify: Check the server's certificate against the system's authorities.

    Raises:
        StreamRefused: The server refuses the token.
        NoData: The server has no such camera, or no picture of it now.
        UnexpectedReply: It is no MP4, or larger than ``MAX_PREVIEW``.
        ConnectionFailed: The server does not answer.
    """
    reply = await transport_to(session, url, verify=verify).request(request_to(url, max_bytes=MAX_PREVIEW))
    if reply.status in _REFUSED:
        raise StreamRefused(f"{_WHAT} refuses the token")
    expect_success(reply.status, _WHAT)
    if reply.body[_FIRST_BOX] != _MP4:
        raise UnexpectedReply(f"{_WHAT} sent no film")
    return reply.body
