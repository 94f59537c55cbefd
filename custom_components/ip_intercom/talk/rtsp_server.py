"""An RTSP server on this machine only, with the ONVIF backchannel (RFC 2326; ONVIF Streaming, 5.3)."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from hmac import compare_digest
import logging
from secrets import token_hex, token_urlsafe
from typing import Final, Protocol

from .errors import LineBusy, RtspError, TalkError
from .h264 import KeyFrameGate
from .rtsp_messages import BACKCHANNEL, Headers, Interleaved, Parser, Request, Response, Transport, framed, is_rtcp
from .sdp import Direction, Media, SessionDescription

_LOGGER = logging.getLogger(__name__)

HOST: Final = "127.0.0.1"
METHODS: Final = ("OPTIONS", "DESCRIBE", "SETUP", "PLAY", "TEARDOWN", "GET_PARAMETER", "SET_PARAMETER")
_REFUSED: Final = frozenset({"PAUSE", "ANNOUNCE", "RECORD", "REDIRECT"})
# Seconds without a request or packet after which a session ends; go2rtc sends OPTIONS five seconds earlier.
SESSION_TIMEOUT: Final = 60
# Seconds after which a playing connection without packets gets an empty RTCP report: go2rtc gives up after five.
_QUIET: Final = 2.0
# Bytes that may wait for a slow reader: above, packets are dropped, below, video goes on with a key frame.
MOST_WAITING: Final = 262_144
_FEW_WAITING: Final = 32_768
_MOST_CONNECTIONS: Final = 64
_CHUNK: Final = 65_536
_EMPTY_REPORT: Final = bytes((0x80, 201, 0, 1, 0, 0, 0, 0))


class FeedSession(Protocol):
    """What one RTSP connection plays."""

    async def describe(self, backchannel: bool) -> SessionDescription:
        """Return the tracks: those to watch are ``recvonly``, that of the microphone is ``sendonly``."""

    async def play(self, send: Callable[[int, bytes], None]) -> None:
        """Start to send RTP and RTCP packets of tracks, numbered as in the description; return at once."""

    async def talk(self) -> None:
        """Accept the microphone: the backchannel was set up. Any TalkError refuses the SETUP."""

    def receive(self, packet: bytes) -> None:
        """Take an RTP packet of the microphone."""

    async def close(self) -> None:
        """End all: the session was torn down or the connection is lost."""


class Feed(Protocol):
    """What a path plays, one for each camera."""

    def open(self) -> FeedSession:
        """Return a new session."""


class RtspServer:
    """Plays feeds on random paths."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._feeds: dict[str, Feed] = {}
        self._connections: set[_Connection] = set()

    @property
    def port(self) -> int:
        """The port; 0 if the server is not running."""
        return int(self._server.sockets[0].getsockname()[1]) if self._server and self._server.sockets else 0

    async def start(self) -> None:
        """Start to listen.

        Raises:
            RtspError: No port is available.
        """
        try:
            self._server = await asyncio.start_server(self._accept, HOST, 0)
        except OSError as err:
            raise RtspError("the RTSP server cannot listen") from err

    def add(self, feed: Feed) -> str:
        """Return a new address that plays a feed.

        Raises:
            RtspError: The server is not running.
        """
        if not self.port:
            raise RtspError("the RTSP server is not running")
        path = token_urlsafe(24)
        self._feeds[path] = feed
        return f"rtsp://{HOST}:{self.port}/{path}"

    def remove(self, address: str) -> None:
        """Stop to play at an address, and end its connections."""
        feed = self._feeds.pop(address.rpartition("/")[2], None)
        for connection in [*self._connections]:
            if feed is not None and connection.feed is feed:
                connection.abort()

    async def stop(self) -> None:
        """End all connections, and stop to listen."""
        server, self._server = self._server, None
        self._feeds.clear()
        if server is not None:
            server.close()
        for connection in [*self._connections]:
            connection.abort()
        for connection in [*self._connections]:
            await connection.ended.wait()

    def find(self, path: str) -> Feed | None:
        """Return the feed of a path; the time that this takes does not depend on how much of the path is right."""
        found = None
        for known, feed in self._feeds.items():
            if compare_digest(known.encode(), path.encode("utf-8", "replace")):
                found = feed
        return found

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._connections) >= _MOST_CONNECTIONS:
            writer.transport.abort()
            return
        connection = _Connection(self, reader, writer)
        self._connections.add(connection)
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)
            connection.ended.set()


class _Track:
    """A track that a connection has set up."""

    def __init__(self, media: Media, transport: Transport) -> None:
        self.media = media
        self.transport = transport
        # Only H.264 is known well enough to find the next key frame.
        self.gate = KeyFrameGate() if media.find("H264") else None


class _Connection:
    """A connection, which has one session at a time."""

    def __init__(self, server: RtspServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.ended = asyncio.Event()
        self.feed: Feed | None = None
        self._server = server
        self._reader = reader
        self._writer = writer
        self._session: FeedSession | None = None
        self._id = ""
        self._description: SessionDescription | None = None
        self._tracks: dict[int, _Track] = {}
        self._playing = False
        self._sent_at = self._heard_at = 0.0
        self._timeout: asyncio.TimerHandle | None = None
        self._watch: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Answer requests until the connection ends."""
        parser = Parser()
        self._expire()
        try:
            while data := await self._reader.read(_CHUNK):
                self._heard_at = asyncio.get_running_loop().time()
                for message in parser.feed(data):
                    if isinstance(message, Interleaved):
                        self._hear(message)
                    elif isinstance(message, Request):
                        await self._answer(message)
        except RtspError as err:
            _LOGGER.debug("RTSP connection ended: %s", err)
            self._write(Response(400, Headers(("Connection", "close"))).pack())
        except OSError:
            _LOGGER.debug("RTSP connection lost")
        finally:
            if self._timeout is not None:
                self._timeout.cancel()
            await self._end_session()
            self._writer.close()
            with suppress(OSError):
                await self._writer.wait_closed()

    def abort(self) -> None:
        """End the connection from this side."""
        self._writer.transport.abort()
        self._reader.feed_eof()

    def _expire(self) -> None:
        """End the connection if nothing was heard for long; one timer costs less than one for each packet."""
        loop = asyncio.get_running_loop()
        self._heard_at = self._heard_at or loop.time()
        due = self._heard_at + SESSION_TIMEOUT
        if loop.time() >= due:
            _LOGGER.debug("RTSP session ended: no request for %s s", SESSION_TIMEOUT)
            self.abort()
        else:
            self._timeout = loop.call_at(due, self._expire)

    async def _answer(self, request: Request) -> None:
        sequence = request.headers.get("CSeq")
        response = Response(400) if sequence is None else await self._respond(request)
        headers = [("CSeq", sequence)] if sequence is not None else []
        if self._id:
            timeout = f";timeout={SESSION_TIMEOUT}" if request.method == "SETUP" else ""
            headers.append(("Session", f"{self._id}{timeout}"))
        self._write(Response(response.status, Headers(*headers, *response.headers), response.body).pack())
        if request.method == "PLAY" and response.status == 200:
            # The first packet follows the response.
            self._playing = True
            self._look()

    def _write(self, data: bytes) -> None:
        transport = self._writer.transport
        if transport.get_write_buffer_size() > 2 * MOST_WAITING:
            # It sends requests and reads no responses.
            transport.abort()
        elif not transport.is_closing():
            self._sent_at = asyncio.get_running_loop().time()
            self._writer.write(data)

    async def _respond(self, request: Request) -> Response:
        """Return the response to a request, without the headers that all have."""
        if request.version != "RTSP/1.0":
            return Response(505)
        if unknown := [tag for tag in _required(request) if tag != BACKCHANNEL]:
            return Response(551, Headers(("Unsupported", ", ".join(unknown)[:200])))
        if request.method == "OPTIONS":
            return Response(200, Headers(("Public", ", ".join(METHODS))))
        if request.method in _REFUSED:
            return Response(405, Headers(("Allow", ", ".join(METHODS))))
        if request.method not in METHODS:
            return Response(501, Headers(("Public", ", ".join(METHODS))))
        path, _, track = _path(request.uri).partition("/")
        feed = self._server.find(path)
        if feed is None or (self.feed is not None and feed is not self.feed):
            return Response(404)
        session = request.headers.get("Session")
        if session is not None and session.partition(";")[0].strip() != self._id:
            return Response(454)
        match request.method:
            case "DESCRIBE":
                return await self._describe(request, feed, path)
            case "SETUP":
                return await self._setup(request, track)
            case "PLAY":
                return await self._play()
            case "TEARDOWN":
                await self._end_session()
                return Response(200)
        # Both keep the session alive; no parameter is known.
        return Response(451 if request.body else 200)

    async def _describe(self, request: Request, feed: Feed, path: str) -> Response:
        if self._tracks:
            return Response(455)
        if self._session is None:
            self._session, self.feed = feed.open(), feed
        try:
            self._description = await self._session.describe(BACKCHANNEL in _required(request))
        except TalkError as err:
            _LOGGER.debug("RTSP stream is not available: %s", err)
            await self._end_session()
            return Response(503)
        return Response(
            200,
            Headers(
                ("Content-Type", "application/sdp"),
                ("Content-Base", f"rtsp://{HOST}:{self._server.port}/{path}/"),
            ),
            self._description.to_text().encode(),
        )

    async def _setup(self, request: Request, track: str) -> Response:
        if self._description is None or self._session is None or self._playing:
            return Response(455)
        controls = [media.control for media in self._description.media]
        if track not in controls:
            return Response(459 if not track else 404)
        index = controls.index(track)
        wanted = Transport.parse(request.headers.get("Transport") or "")
        if wanted is None:
            return Response(461)
        media = self._description.media[index]
        if media.direction is Direction.SENDONLY and index not in self._tracks:
            try:
                await self._session.talk()
            except LineBusy:
                return Response(453)
            except TalkError as err:
                _LOGGER.debug("RTSP backchannel refused: %s", err)
                return Response(503)
        transport = self._channels(index, wanted)
        self._tracks[index] = _Track(media, transport)
        self._id = self._id or token_hex(8)
        return Response(200, Headers(("Transport", str(transport))))

    def _channels(self, index: int, wanted: Transport) -> Transport:
        """Return the channels of a track: those that the client wants, if they are free."""
        others = [track.transport for other, track in self._tracks.items() if other != index]
        used = {channel for other in others for channel in (other.rtp, other.rtcp)}
        if wanted.rtp is not None and not used & {wanted.rtp, wanted.rtcp}:
            return wanted
        first = next(channel for channel in range(0, 256, 2) if not used & {channel, channel + 1})
        return Transport(first, first + 1)

    async def _play(self) -> Response:
        if self._session is None or not self._tracks:
            return Response(455)
        if not self._playing:
            try:
                await self._session.play(self._send)
            except TalkError as err:
                _LOGGER.debug("RTSP stream cannot be played: %s", err)
                return Response(503)
        return Response(200, Headers(("Range", "npt=now-")))

    def _send(self, index: int, packet: bytes) -> None:
        """Send a packet of a track, or drop it: not set up, or the reader is slow."""
        track = self._tracks.get(index)
        if track is None or not self._playing or len(packet) > 0xFFFF:
            return
        transport = self._writer.transport
        if transport.is_closing():
            return
        waiting = transport.get_write_buffer_size()
        control = is_rtcp(packet)
        if waiting > MOST_WAITING:
            if track.gate is not None:
                track.gate.close()
            return
        if track.gate is not None and not control:
            if not track.gate.is_open and waiting > _FEW_WAITING:
                return
            if not track.gate.passes(packet):
                return
        channel = track.transport.rtcp if control else track.transport.rtp
        self._sent_at = asyncio.get_running_loop().time()
        self._writer.write(framed(channel or 0, packet))

    def _look(self) -> None:
        """Send an empty report if nothing was sent lately: a camera may be slow to send a key frame."""
        loop = asyncio.get_running_loop()
        if self._watch is not None:
            self._watch.cancel()
        if not self._playing or self._writer.transport.is_closing():
            return
        if loop.time() - self._sent_at >= _QUIET:
            self._send(next(iter(self._tracks)), _EMPTY_REPORT)
        self._watch = loop.call_later(_QUIET / 2, self._look)

    def _hear(self, message: Interleaved) -> None:
        if self._session is None or not self._playing:
            return
        for track in self._tracks.values():
            if track.media.direction is Direction.SENDONLY and message.channel == track.transport.rtp:
                self._session.receive(message.data)

    async def _end_session(self) -> None:
        session, self._session, self.feed, self._description = self._session, None, None, None
        self._id, self._playing = "", False
        self._tracks.clear()
        if self._watch is not None:
            self._watch.cancel()
        if session is not None:
            await session.close()


def _required(request: Request) -> list[str]:
    """Return the features that a request requires."""
    return [tag.strip() for header in request.headers.all("Require") for tag in header.split(",") if tag.strip()]


def _path(uri: str) -> str:
    """Return the path of an address, without its first slash and its query."""
    _, scheme, rest = uri.partition("://")
    path = rest.partition("/")[2] if scheme else uri.lstrip("/")
    return path.partition("?")[0].rstrip("/")
