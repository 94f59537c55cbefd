"""A simulated camera with an RTSP server, written from RFC 2326 and ONVIF Streaming; not product code.

Its video is made of NAL units by hand: parameter sets and a key frame each second, slices between them.
"""

import asyncio
from base64 import b64decode
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
import hashlib
import re
import struct
from typing import Self

SPS = bytes.fromhex("6742c01f8c8d40501e9080")
PPS = bytes.fromhex("68ce3c80")
SPROP = "Z0LAH4yNQFAekIA=,aM48gA=="
FRAMES = 10  # in a second
FILM = ((SPS, PPS, b"\x65" + bytes(range(200))), *((b"\x41" + bytes(range(90)),) for _ in range(FRAMES - 1)))


@dataclass
class Ways:
    """How a camera does what the RFC leaves open, and what it does wrong.

    Attributes:
        sound: Payload types of its microphone, none without one.
        speaker: It has a backchannel; ``refuses`` means that it knows nothing of the Require header.
        login: "none", "basic", "digest", or "sha256".
        control: How tracks are addressed: "relative", "absolute".
        base: It sends Content-Base.
        stale: Nonces are valid for this number of requests.
        shift: It answers with other channels than those asked for.
        drop: Headers that it leaves out.
        status: Responses to methods that it refuses.
        mute: Methods that it does not respond to.
    """

    sound: tuple[int, ...] = (0,)
    speaker: bool = True
    refuses: bool = False
    login: str = "none"
    control: str = "relative"
    base: bool = True
    aggregate: str = "*"
    stale: int = 0
    shift: int = 0
    timeout: str = ";timeout=30"
    public: str = "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER"
    transport: str | None = None
    drop: frozenset[str] = frozenset()
    status: dict[str, tuple[int, str]] = field(default_factory=dict)
    mute: frozenset[str] = frozenset()
    body: bytes | None = None


class Camera:
    """A camera on a port of this machine.

    Attributes:
        requests: Methods, in their order.
        heard: RTP of its speaker.
        open: Number of connections.
        film: RTP payloads of each picture (RFC 6184), over and over.
    """

    def __init__(self, ways: Ways | None = None, *, username: str = "admin", password: str = "s3cr/t@:") -> None:  # noqa: S107
        self.ways = ways or Ways()
        self.username, self.password = username, password
        self.requests: list[str] = []
        self.lines: list[str] = []
        self.heard: list[bytes] = []
        self.reports: list[bytes] = []
        self.plays: set[_Link] = set()
        self.links: set[_Link] = set()
        self.nonce, self.uses, self.expired = 0, 0, False
        self.frame = 0
        self.film: Sequence[Sequence[bytes]] = FILM
        self.still = False
        self.codec = "H264"
        # Seconds until it responds to DESCRIBE.
        self.delay = 0.0
        self.port = 0
        self._server: asyncio.Server | None = None
        self._film: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start, on the same port as before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        self._film = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Lose power."""
        if self._server is not None:
            self._server.close()
        if self._film is not None:
            self._film.cancel()
        for link in [*self.links]:
            link.writer.transport.abort()
        await asyncio.sleep(0.01)

    @property
    def url(self) -> str:
        """Address without a login."""
        return f"rtsp://127.0.0.1:{self.port}/live/ch0?x=1"

    @property
    def login_url(self) -> str:
        """Address with the login, percent-encoded."""
        return self.url.replace("//", "//admin:s3cr%2Ft%40%3A@")

    def send(self, track: int, packet: bytes) -> None:
        """Send a packet to all that play."""
        for link in self.plays:
            if track in link.channels:
                link.frame(link.channels[track] + (192 <= packet[1] <= 223), packet)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = _Link(self, reader, writer)
        self.links.add(link)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await link.serve()
        finally:
            self.links.discard(link)
            self.plays.discard(link)
            writer.close()

    async def _run(self) -> None:
        """Film, and send the sound of the door: 0x11 in all samples."""
        video = sound = 0
        while True:
            await asyncio.sleep(1 / FRAMES)
            if self.still:
                continue
            units = self.film[self.frame % len(self.film)]
            for index, unit in enumerate(units):
                marker = 0x80 if index == len(units) - 1 else 0
                header = struct.pack("!BBHII", 0x80, 96 | marker, video & 0xFFFF, self.frame * 9000, 0xCA)
                self.send(0, header + unit)
                video += 1
            self.frame += 1
            for _ in range(50 // FRAMES):
                if self.ways.sound:
                    header = struct.pack("!BBHII", 0x80, self.ways.sound[0], sound & 0xFFFF, sound * 160, 0xCB)
                    self.send(1, header + b"\x11" * 160)
                    sound += 1


class _Link:
    """A connection."""

    def __init__(self, camera: Camera, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.camera = camera
        self.reader, self.writer = reader, writer
        self.channels: dict[int, int] = {}
        self.tracks = 0

    def frame(self, channel: int, packet: bytes) -> None:
        if not self.writer.is_closing():
            self.writer.write(struct.pack("!cBH", b"$", channel, len(packet)) + packet)

    async def serve(self) -> None:
        while True:
            first = await self.reader.readexactly(1)
            if first == b"$":
                channel, size = struct.unpack("!BH", await self.reader.readexactly(3))
                data = await self.reader.readexactly(size)
                (self.camera.reports if channel % 2 else self.camera.heard).append(data)
                continue
            head = (first + await self.reader.readuntil(b"\r\n\r\n")).decode()
            start, *lines = head.strip().split("\r\n")
            self.camera.lines.append(head)
            if start.startswith("RTSP/"):
                self.camera.requests.append(start)
                continue
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            method, uri, _ = start.split()
            self.camera.requests.append(method)
            if method in self.camera.ways.mute:
                continue
            if method == "DESCRIBE":
                await asyncio.sleep(self.camera.delay)
            self.respond(method, uri, headers)

    def respond(self, method: str, uri: str, headers: dict[str, str]) -> None:
        ways, sent, body = self.camera.ways, {"CSeq": headers["cseq"]}, b""
        status, reason = 200, "OK"
        if method in ways.status:
            status, reason = ways.status[method]
            sent["Location"] = "rtsp://192.0.2.66/elsewhere"
        elif ways.login != "none" and method != "OPTIONS" and not self.allowed(method, uri, headers):
            status, reason = 401, "Unauthorized"
        elif ways.refuses and "require" in headers:
            status, reason = 551, "Option not supported"
            sent["Unsupported"] = headers["require"]
        elif method == "OPTIONS":
            sent["Public"] = ways.public
        elif method == "DESCRIBE":
            sent["Content-Type"] = "application/sdp"
            if ways.base:
                sent["Content-Base"] = self.camera.url + "/"
            body = self.description("www.onvif.org/ver20/backchannel" in headers.get("require", ""))
            body = body if ways.body is None else ways.body
        elif method == "SETUP":
            self.setup(uri, headers, sent)
        elif method == "PLAY":
            sent["Session"] = "12345678"
            self.camera.plays.add(self)
        elif method == "TEARDOWN":
            self.camera.plays.discard(self)
        if status == 401:
            self.challenge(sent)
        if body:
            sent["Content-Length"] = str(len(body))
        text = "".join(f"{name}: {value}\r\n" for name, value in sent.items() if name not in ways.drop)
        self.writer.write(f"RTSP/1.0 {status} {reason}\r\n{text}\r\n".encode() + body)

    def setup(self, uri: str, headers: dict[str, str], sent: dict[str, str]) -> None:
        found = re.search(r"interleaved=(\d+)-(\d+)", headers["transport"])
        track = re.search(r"track(\d)$", uri)
        assert found and track, uri
        channel = int(found[1]) + self.camera.ways.shift
        self.channels[int(track[1])] = channel
        sent["Session"] = f"12345678{self.camera.ways.timeout}"
        given = f"RTP/AVP/TCP;unicast;interleaved={channel}-{channel + 1};ssrc=000000CA"
        sent["Transport"] = given if self.camera.ways.transport is None else self.camera.ways.transport

    def description(self, backchannel: bool) -> bytes:
        ways = self.camera.ways
        prefix = f"{self.camera.url}/" if ways.control == "absolute" else ""
        lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=camera", "t=0 0", f"a=control:{ways.aggregate}"]
        lines += [
            "m=video 0 RTP/AVP 96",
            f"a=rtpmap:96 {self.camera.codec}/90000",
            f"a=fmtp:96 packetization-mode=1;profile-level-id=42C01F;sprop-parameter-sets={SPROP}",
            f"a=control:{prefix}track0",
            "a=recvonly",
        ]
        if ways.sound:
            names = {0: "PCMU/8000", 8: "PCMA/8000", 97: "MPEG4-GENERIC/16000"}
            lines.append(f"m=audio 0 RTP/AVP {' '.join(map(str, ways.sound))}")
            lines += [f"a=rtpmap:{payload} {names[payload]}" for payload in ways.sound]
            lines += [f"a=control:{prefix}track1", "a=recvonly"]
        if backchannel and ways.speaker:
            lines += ["m=audio 0 RTP/AVP 0", f"a=control:{prefix}track2", "a=sendonly"]
        return "".join(f"{line}\r\n" for line in lines).encode()

    # ---- Login (RFC 2617, RFC 7616) ----

    def challenge(self, sent: dict[str, str]) -> None:
        camera = self.camera
        if camera.ways.login == "basic":
            sent["WWW-Authenticate"] = 'Basic realm="camera"'
            return
        algorithm = ', algorithm=SHA-256, qop="auth"' if camera.ways.login == "sha256" else ""
        stale = ", stale=true" if camera.expired else ""
        camera.nonce, camera.uses = camera.nonce + 1, 0
        sent["WWW-Authenticate"] = f'Digest realm="camera", nonce="n{camera.nonce}"{algorithm}{stale}'

    def allowed(self, method: str, uri: str, headers: dict[str, str]) -> bool:
        camera = self.camera
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if camera.ways.login == "basic":
            return scheme == "Basic" and b64decode(given).decode() == f"{camera.username}:{camera.password}"
        values = {name: quoted or plain for name, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|([^,]*))', given)}
        camera.uses += 1
        nonce = values.get("nonce", "")
        camera.expired = bool(nonce) and (
            nonce != f"n{camera.nonce}" or bool(camera.ways.stale and camera.uses > camera.ways.stale)
        )
        if not nonce or camera.expired:
            return False

        def digest(text: str) -> str:
            return hashlib.new("sha256" if camera.ways.login == "sha256" else "md5", text.encode()).hexdigest()

        middle = f":{values['nc']}:{values['cnonce']}:{values['qop']}" if "qop" in values else ""
        secret = digest(f"{camera.username}:camera:{camera.password}")
        expected = digest(f"{secret}:n{camera.nonce}{middle}:{digest(f'{method}:{uri}')}")
        return (values["username"], values["uri"], values["response"]) == (camera.username, uri, expected)
