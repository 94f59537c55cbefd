"""An RTSP server with an audio backchannel (RFC 2326; ONVIF Streaming Specification 5.3), as a door station has one.

It speaks the raw protocol: nothing of the integration is used. RTP is interleaved in the connection (RFC 2326, 10.12).
"""

import asyncio
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
import hashlib
import secrets
import struct
from typing import Self
from urllib.parse import urlsplit
from urllib.request import parse_http_list, parse_keqv_list

HOST = "127.0.0.1"
BACKCHANNEL = "www.onvif.org/ver20/backchannel"
# Seconds between two pictures.
FRAME = 0.04
# A sequence and a picture parameter set, and the beginning of a picture that refers to them.
NALS = (bytes.fromhex("6742c00dd900a0f7"), bytes.fromhex("68cb83cb20"), bytes.fromhex("6588840a") + bytes(60))

REASONS: Mapping[int, str] = {
    200: "OK",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    454: "Session Not Found",
    461: "Unsupported Transport",
    551: "Option not supported",
}


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it was read."""

    method: str
    uri: str
    headers: Mapping[str, str] = field(repr=False)


class _Connection:
    """One client."""

    def __init__(self, server: RtspServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        self._session = ""
        # The channel of RTP of each track that was set up.
        self._channels: dict[str, int] = {}
        self._playing: asyncio.Task[None] | None = None

    async def serve(self) -> None:
        """Answer until the client leaves."""
        try:
            while True:
                first = await self._reader.readexactly(1)
                if first == b"$":
                    channel, size = struct.unpack(">BH", await self._reader.readexactly(3))
                    self._receive(channel, await self._reader.readexactly(size))
                    continue
                head = (first + await self._reader.readuntil(b"\r\n\r\n")).decode()
                line, *rest = head.strip().split("\r\n")
                method, uri, _ = line.split(" ", 2)
                headers = {name.strip().lower(): value.strip() for name, _, value in (h.partition(":") for h in rest)}
                if size := int(headers.get("content-length", "0")):
                    await self._reader.readexactly(size)
                self._answer(Request(method, uri, headers))
        except asyncio.IncompleteReadError, ConnectionError:
            pass
        finally:
            self._end()
            self._writer.close()

    def _receive(self, channel: int, packet: bytes) -> None:
        if channel == self._channels.get("audioback"):
            self._server.microphone.append(packet)

    def _end(self) -> None:
        if self._playing is not None:
            self._playing.cancel()
            self._playing = None
        if self._channels.pop("audioback", None) is not None:
            self._server.talking -= 1
        self._channels.clear()

    def _answer(self, request: Request) -> None:
        server = self._server
        server.requests.append(request)
        if (status := server.check(request)) != 200:
            extra = "".join(f"WWW-Authenticate: {value}\r\n" for value in server.challenges()) if status == 401 else ""
            self._send(request, status, extra)
            return
        match request.method:
            case "OPTIONS":
                self._send(request, 200, "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER\r\n")
            case "DESCRIBE":
                body = server.description(BACKCHANNEL in request.headers.get("require", ""))
                base = request.uri.rstrip("/")
                self._send(request, 200, f"Content-Base: {base}/\r\nContent-Type: application/sdp\r\n", body)
            case "SETUP":
                self._set_up(request)
            case "PLAY" | "GET_PARAMETER" | "TEARDOWN" if (
                request.headers.get("session", "").split(";")[0] != self._session
            ):
                self._send(request, 454)
            case "PLAY":
                self._send(request, 200, "Range: npt=0.000-\r\n")
                if self._playing is None:
                    self._playing = asyncio.create_task(self._play())
            case "GET_PARAMETER":
                self._send(request, 200)
            case "TEARDOWN":
                self._end()
                self._send(request, 200)
            case _:
                self._send(request, 405)

    def _set_up(self, request: Request) -> None:
        track = request.uri.rpartition("/")[2]
        transport = request.headers.get("transport", "")
        if track not in self._server.tracks:
            self._send(request, 404)
            return
        if "RTP/AVP/TCP" not in transport or "interleaved=" not in transport:
            self._send(request, 461)
            return
        channels = transport.partition("interleaved=")[2].partition(";")[0]
        if track == "audioback" and track not in self._channels:
            self._server.talking += 1
        self._channels[track] = int(channels.partition("-")[0])
        self._session = self._session or secrets.token_hex(8)
        self._send(request, 200, f"Transport: RTP/AVP/TCP;unicast;interleaved={channels};ssrc=1234ABCD\r\n")

    async def _play(self) -> None:
        number = frame = 0
        while True:
            if (channel := self._channels.get("video")) is not None:
                payloads = self._server.film[frame % len(self._server.film)]
                time = frame * int(FRAME * 90000) & 0xFFFFFFFF
                for index, payload in enumerate(payloads):
                    marker = 0x80 if index == len(payloads) - 1 else 0
                    packet = struct.pack(">BBHII", 0x80, marker | 96, number & 0xFFFF, time, 0x1234ABCD) + payload
                    self._writer.write(struct.pack(">cBH", b"$", channel, len(packet)) + packet)
                    number += 1
            frame += 1
            await asyncio.sleep(FRAME)

    def _send(self, request: Request, status: int, headers: str = "", body: str = "") -> None:
        session = f"Session: {self._session};timeout=60\r\n" if self._session else ""
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        number = request.headers.get("cseq", "0")
        head = f"RTSP/1.0 {status} {REASONS[status]}\r\nCSeq: {number}\r\n{session}{headers}{length}\r\n"
        self._writer.write(head.encode() + body.encode())


class RtspServer:
    """The RTSP server of one device; ports and paths are those of a door station if not given."""

    def __init__(self) -> None:
        """As it is when everything is enabled."""
        self.users = {"viewer": "p@ss/w"}
        # It offers Basic as well, and this is how go2rtc logs in; false if its offer is a trap.
        self.allows_basic = False
        # Direction of the track to the door: "sendonly", "recvonly", "sendrecv", or None for no such track.
        self.speaker: str | None = "sendonly"
        self.codec = "0 PCMU/8000"
        # The status for everything, such as 403 or 404 without a license.
        self.refusal: int | None = None
        # It does not know the option of the header ``Require``.
        self.refuses_backchannel = False
        # Paths that it has; None for all.
        self.paths: frozenset[str] | None = None
        # RTP payloads of each picture (RFC 6184), over and over.
        self.film: Sequence[Sequence[bytes]] = (NALS,)
        self.requests: list[Request] = []
        # RTP packets that arrived on the track to the door.
        self.microphone: list[bytes] = []
        # Connections that have set up that track.
        self.talking = 0
        self.port = 0
        self._nonce = secrets.token_hex(16)
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Listen."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()

    async def start(self) -> None:
        """Listen, on the same port again after a stop."""
        self._server = await asyncio.start_server(self._serve, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Refuse connections, and end those that are open."""
        if self._server is not None:
            self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await _Connection(self, reader, writer).serve()
        finally:
            self._connections.discard(task)

    @property
    def tracks(self) -> frozenset[str]:
        """The tracks that can be set up."""
        return frozenset({"video", "audio", *(() if self.speaker is None else ("audioback",))})

    def challenges(self) -> tuple[str, ...]:
        """Return the values of ``WWW-Authenticate``."""
        return (f'Digest realm="2N RTSP", nonce="{self._nonce}"',)

    def check(self, request: Request) -> int:
        """Return the status that refuses a request, 200 if nothing does."""
        if request.method != "OPTIONS" and not self._is_known(request):
            return 401
        if self.refusal is not None and request.method != "OPTIONS":
            return self.refusal
        if self.paths is not None and not urlsplit(request.uri).path.startswith(tuple(self.paths)):
            return 404
        if self.refuses_backchannel and "require" in request.headers:
            return 551
        return 200

    def _is_known(self, request: Request) -> bool:
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        if scheme == "Basic" and self.allows_basic:
            name, _, password = b64decode(credentials).decode().partition(":")
            return self.users.get(name) == password
        if scheme != "Digest":
            return False
        given = parse_keqv_list(parse_http_list(credentials))
        known = self.users.get(given.get("username", ""))
        if known is None or given.get("nonce") != self._nonce or given.get("uri") != request.uri:
            return False

        def md5(text: str) -> str:
            return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

        ha1, ha2 = md5(f"{given['username']}:2N RTSP:{known}"), md5(f"{request.method}:{request.uri}")
        return given.get("response") == md5(f"{ha1}:{self._nonce}:{ha2}")

    def description(self, backchannel: bool) -> str:
        """Return the session description; the track to the door only for clients that ask for it."""
        lines = [
            "v=0",
            f"o=- 0 0 IN IP4 {HOST}",
            "s=2N",
            f"c=IN IP4 {HOST}",
            "t=0 0",
            "a=control:*",
            "m=video 0 RTP/AVP 96",
            "a=rtpmap:96 H264/90000",
            "a=fmtp:96 packetization-mode=1",
            "a=control:video",
            "a=recvonly",
            "m=audio 0 RTP/AVP 0",
            "a=rtpmap:0 PCMU/8000",
            "a=control:audio",
            "a=recvonly",
        ]
        if backchannel and self.speaker is not None:
            payload, _, name = self.codec.partition(" ")
            lines += [f"m=audio 0 RTP/AVP {payload}", f"a=rtpmap:{payload} {name}", "a=control:audioback"]
            lines.append(f"a={self.speaker}")
        return "".join(f"{line}\r\n" for line in lines)
