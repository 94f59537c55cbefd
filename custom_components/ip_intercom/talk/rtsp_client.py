"""An RTSP client over one TCP or TLS connection, with the ONVIF backchannel (RFC 2326; ONVIF Streaming, 5.3)."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
import logging
import re
import ssl
from typing import Final
from urllib.parse import unquote, urlsplit

from .digest import Authenticator
from .errors import RtspConnectionFailed, RtspError, RtspRedirected, RtspRefused, RtspUnauthorized, RtspUntrusted
from .rtsp_messages import (
    BACKCHANNEL,
    REASONS,
    Headers,
    Interleaved,
    Parser,
    Request,
    Response,
    Transport,
    framed,
    is_rtcp,
    is_uri,
)
from .sdp import Media, SessionDescription

_LOGGER = logging.getLogger(__name__)

# The ports of addresses without one, by scheme.
_PORTS: Final = {"rtsp": 554, "rtsps": 322}
# Seconds to connect, and to wait for a response.
TIMEOUT: Final = 10.0
# Seconds without a byte while playing after which the device is gone.
STALLED: Final = 15.0
# Seconds after which a session ends without a request, if the server names none (RFC 2326, 12.37).
_SESSION_TIMEOUT: Final = 60
_TIMEOUT_PARAMETER: Final = re.compile(r"\btimeout\s*=\s*([0-9]{1,5})\b", re.IGNORECASE)
# Requests that renew a session; devices list them in Public, accept, and count them independently of each other.
KEEP_ALIVES: Final = ("GET_PARAMETER", "OPTIONS", "SET_PARAMETER")
_CHUNK: Final = 65_536
# Bytes of packets that may wait to be sent; more are dropped.
_MOST_WAITING: Final = 65_536
_USER_AGENT: Final = ("User-Agent", "Home Assistant")
# A response that needs another request counts, too: a stale nonce, then a valid one.
_MOST_TRIES: Final = 3


class RtspClient:
    """A session with one device; to be closed in any case.

    The user info of the address logs in, by Digest or Basic. It is part of no message, error, or log.

    Args:
        tls: How to verify the certificate of an address that begins with rtsps://; None: as the system does.
    """

    def __init__(self, url: str, *, timeout: float = TIMEOUT, tls: ssl.SSLContext | None = None) -> None:
        """Read the address; raises RtspError if it is not one of RTSP."""
        try:
            parts = urlsplit(url)
            scheme = parts.scheme.lower()
            self._host, self._port = parts.hostname or "", parts.port or _PORTS.get(scheme, 0)
        except ValueError:
            raise RtspError("the stream address is malformed") from None
        address = parts.netloc.rpartition("@")[2]
        self._url = f"{scheme}://{address}{parts.path}" + (f"?{parts.query}" if parts.query else "")
        if scheme not in _PORTS or not self._host or not is_uri(self._url):
            raise RtspError("the stream address is malformed")
        self._login = (
            Authenticator(unquote(parts.username), unquote(parts.password or ""), basic=True, bodies=True)
            if parts.username
            else None
        )
        self._timeout = timeout
        self._is_secure, self._tls = scheme == "rtsps", tls
        self._base = self._url
        self._aggregate = self._url
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._task: asyncio.Task[None] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()
        self._sequence = 0
        self._answer: tuple[int, asyncio.Future[Response]] | None = None
        self._session = ""
        self._session_timeout = _SESSION_TIMEOUT
        self._keep_alives = list(KEEP_ALIVES)
        # Tracks by channel, and channels by track.
        self._tracks: dict[int, int] = {}
        self._channels: list[Transport] = []
        self._on_packet: Callable[[int, bytes], None] | None = None
        self._on_end: Callable[[RtspError], None] | None = None
        self._closed = False
        self._heard_at = 0.0
        self._watch: asyncio.TimerHandle | None = None

    @property
    def is_open(self) -> bool:
        """The connection is established, and not lost or closed."""
        return self._task is not None and not self._task.done() and not self._closed

    async def describe(self, backchannel: bool = False) -> SessionDescription:
        """Connect, and return the tracks.

        Args:
            backchannel: Require the ONVIF backchannel; a device without it may reject the request (551).

        Raises:
            RtspConnectionFailed: The device did not respond.
            RtspUntrusted: Its certificate is not trusted.
            RtspUnauthorized: The credentials were rejected, or are missing.
            RtspRedirected: The device redirects.
            RtspRefused: The device rejected the request otherwise.
            RtspError: The response is malformed.
            SdpError: The description is malformed.
        """
        await self._connect()
        listed = await self._ask_methods()
        self._keep_alives = sorted(KEEP_ALIVES, key=lambda method: method not in listed)
        required = [("Require", BACKCHANNEL)] if backchannel else []
        response = await self._ask("DESCRIBE", self._url, ("Accept", "application/sdp"), *required)
        self._base = next(
            (
                base
                for name in ("Content-Base", "Content-Location")
                if (base := response.headers.get(name)) and "://" in base and is_uri(base)
            ),
            self._url,
        )
        description = SessionDescription.parse(response.body.decode("utf-8", "replace"))
        self._aggregate = self._base
        if description.control not in {None, "*"}:
            self._aggregate = self._resolve(description.control or "")
        return description

    async def _ask_methods(self) -> set[str]:
        """Return the methods that the device lists; a device without OPTIONS lists none."""
        try:
            options = await self._ask("OPTIONS", self._url)
        except RtspUnauthorized, RtspRedirected:
            raise
        except RtspRefused as err:
            _LOGGER.debug("RTSP methods of %s: %s", self._host, err)
            return set()
        return {word.strip().upper() for word in (options.headers.get("Public") or "").split(",")}

    async def setup(self, media: Media) -> int:
        """Set up a track of the description, and return its number; the first one is 0.

        Raises:
            RtspError: As for ``describe``, or the device offers no transport over this connection.
        """
        track = len(self._channels)
        wanted = Transport(2 * track, 2 * track + 1)
        address = self._resolve(media.control) if media.control else self._aggregate
        response = await self._ask("SETUP", address, ("Transport", str(wanted)))
        given = Transport.parse(response.headers.get("Transport") or "")
        if given is None:
            raise RtspError("the device offers no transport over TCP")
        if given.rtp is None or given.rtcp is None:
            given = wanted
        session, _, parameters = (response.headers.get("Session") or "").partition(";")
        # Some devices name the session only once.
        self._session = session.strip()[:256] or self._session
        if (named := _TIMEOUT_PARAMETER.search(parameters)) is not None and int(named[1]) > 0:
            self._session_timeout = int(named[1])
        self._channels.append(given)
        for channel in (given.rtp, given.rtcp):
            if channel is not None:
                self._tracks[channel] = track
        return track

    async def play(
        self, on_packet: Callable[[int, bytes], None], on_end: Callable[[RtspError], None] | None = None
    ) -> None:
        """Start to receive.

        Args:
            on_packet: Gets the number of the track, and an RTP or RTCP packet.
            on_end: Gets the reason if the connection ends by itself.

        Raises:
            RtspError: As for ``describe``.
        """
        self._on_packet, self._on_end = on_packet, on_end
        await self._ask("PLAY", self._aggregate, ("Range", "npt=now-"))
        self._watch_silence()
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep_alive())

    def send(self, track: int, packet: bytes) -> None:
        """Send an RTP or RTCP packet on a track; it is dropped if the device does not read."""
        writer = self._writer
        if writer is None or not self.is_open or track >= len(self._channels) or len(packet) > 0xFFFF:
            return
        if writer.transport.is_closing() or writer.transport.get_write_buffer_size() > _MOST_WAITING:
            return
        transport = self._channels[track]
        writer.write(framed((transport.rtcp if is_rtcp(packet) else transport.rtp) or 0, packet))

    async def close(self) -> None:
        """End the session, and close the connection."""
        self._closed = True
        self._on_packet = self._on_end = None
        if self._watch is not None:
            self._watch.cancel()
        writer = self._writer
        if writer is not None and not writer.transport.is_closing() and self._session:
            # The device may be gone: its response is not awaited.
            self._write(self._request("TEARDOWN", self._aggregate, ()))
        for task in (self._keeper, self._task):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        if writer is not None:
            writer.close()
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(1):
                    await writer.wait_closed()
            writer.transport.abort()

    # ---- Requests ----

    async def _connect(self) -> None:
        if self._writer is not None:
            return
        try:
            async with asyncio.timeout(self._timeout):
                tls = await self._context() if self._is_secure else None
                self._reader, self._writer = await asyncio.open_connection(self._host, self._port, ssl=tls)
        except ssl.SSLCertVerificationError as err:
            raise RtspUntrusted(f"the certificate of {self._host} is not trusted") from err
        except (OSError, TimeoutError, UnicodeError) as err:
            raise RtspConnectionFailed(f"no connection to {self._host}") from err
        self._task = asyncio.create_task(self._read(self._reader))

    async def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            # It reads certificates from disk.
            self._tls = await asyncio.get_running_loop().run_in_executor(None, ssl.create_default_context)
        return self._tls

    def _resolve(self, control: str) -> str:
        """Return the address of a track or of all (RFC 2326, C.1.1)."""
        if not is_uri(control):
            raise RtspError("the address of a track is malformed")
        if control == "*":
            return self._base
        # Cameras mean what is appended, not what RFC 3986 resolves.
        return control if "://" in control else f"{self._base.rstrip('/')}/{control.lstrip('/')}"

    async def _ask(self, method: str, address: str, *headers: tuple[str, str]) -> Response:
        """Send a request, log in if the device asks for it, and return the response."""
        async with self._lock:
            tries, response = 1, await self._exchange(method, address, headers)
            while response.status == 401 and tries < _MOST_TRIES:
                if self._login is None or not self._login.take(response.headers.all("WWW-Authenticate")):
                    break
                if tries > 1 and not self._login.stale:
                    break
                tries, response = tries + 1, await self._exchange(method, address, headers)
        status = response.status
        if 200 <= status < 300:
            return response
        # The server's own words may repeat what was sent: they are not passed on.
        reason = REASONS.get(status, "")
        if status == 401:
            raise RtspUnauthorized(method, status, reason)
        if 300 <= status < 400:
            raise RtspRedirected(method, status, reason)
        raise RtspRefused(method, status, reason)

    async def _exchange(self, method: str, address: str, headers: tuple[tuple[str, str], ...]) -> Response:
        if not self.is_open:
            raise RtspConnectionFailed("the connection to the device is lost")
        future: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        request = self._request(method, address, headers)
        self._answer = (self._sequence, future)
        self._write(request)
        try:
            async with asyncio.timeout(self._timeout):
                return await future
        except TimeoutError as err:
            raise RtspConnectionFailed(f"no response to {method}") from err
        finally:
            self._answer = None

    def _request(self, method: str, address: str, headers: tuple[tuple[str, str], ...]) -> Request:
        self._sequence += 1
        own = [("CSeq", str(self._sequence)), _USER_AGENT]
        if self._session:
            own.append(("Session", self._session))
        if self._login is not None and (answer := self._login.answer(method, address)) is not None:
            own.append(("Authorization", answer))
        return Request(method, address, Headers(*own, *headers))

    def _write(self, message: Request | Response) -> None:
        if self._writer is not None and not self._writer.transport.is_closing():
            self._writer.write(message.pack())

    async def _keep_alive(self) -> None:
        """Keep the session by requests, in time for the timeout of the device."""
        timeout = self._session_timeout
        pause = timeout - 10 if timeout > 20 else timeout / 2
        while True:
            await asyncio.sleep(pause)
            try:
                await self._renew()
            except RtspConnectionFailed as err:
                self._lose(err)
                return

    async def _renew(self) -> None:
        """Renew the session by the first request that the device accepts; the next time, that one is sent first."""
        for method in list(self._keep_alives):
            try:
                await self._ask(method, self._aggregate)
            except RtspConnectionFailed:
                raise
            except RtspError as err:
                # For some devices the request counts although they refuse it.
                _LOGGER.debug("RTSP keep-alive of %s: %s", self._host, err)
                self._keep_alives.remove(method)
                self._keep_alives.append(method)
            else:
                return

    # ---- What the device sends ----

    def _watch_silence(self) -> None:
        """Give up a device that sends nothing any more; one timer costs less than one for each packet."""
        if self._watch is not None:
            self._watch.cancel()
        loop = asyncio.get_running_loop()
        if loop.time() >= (due := self._heard_at + STALLED):
            self._lose(RtspConnectionFailed("the device sends nothing any more"))
        else:
            self._watch = loop.call_at(due, self._watch_silence)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        parser = Parser()
        error = RtspConnectionFailed("the device closed the connection")
        try:
            while data := await reader.read(_CHUNK):
                self._heard_at = asyncio.get_running_loop().time()
                for message in parser.feed(data):
                    self._take(message)
        except OSError:
            error = RtspConnectionFailed("the connection to the device is lost")
        except RtspError as err:
            self._lose(err)
            return
        self._lose(error)

    def _take(self, message: Request | Response | Interleaved) -> None:
        if isinstance(message, Interleaved):
            track = self._tracks.get(message.channel)
            if track is not None and self._on_packet is not None:
                self._on_packet(track, message.data)
        elif isinstance(message, Response):
            if self._answer is not None:
                sequence, future = self._answer
                # Some devices leave out the number; an old response has another one.
                if message.headers.get("CSeq") in {None, str(sequence)} and not future.done():
                    future.set_result(message)
        else:
            # A device may ask whether this side is alive; it may do nothing else.
            number = ("CSeq", message.headers.get("CSeq") or "0")
            self._write(Response(200 if message.method == "OPTIONS" else 501, Headers(number)))

    def _lose(self, error: RtspError) -> None:
        """End the connection for a reason."""
        if self._writer is not None:
            self._writer.transport.abort()
        if self._answer is not None and not self._answer[1].done():
            self._answer[1].set_exception(error)
        on_end, self._on_end, self._on_packet = self._on_end, None, None
        self._closed = True
        if self._watch is not None:
            self._watch.cancel()
        if self._keeper is not None and self._keeper is not asyncio.current_task():
            self._keeper.cancel()
        if on_end is not None:
            on_end(error)
