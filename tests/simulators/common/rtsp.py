"""An RTSP server with an audio backchannel, as cameras and door stations have one (RFC 2326; ONVIF Streaming 5.3).

It speaks the raw protocol: nothing of the integration is used. RTP is interleaved in the connection (RFC 2326, 10.12).
Its video is made of NAL units by hand: parameter sets and a key frame each second, slices between them.
"""

import asyncio
from base64 import b64decode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
import hashlib
import secrets
import ssl
import struct
from typing import Self
from urllib.parse import urlsplit
from urllib.request import parse_http_list, parse_keqv_list

HOST = "127.0.0.1"
BACKCHANNEL = "www.onvif.org/ver20/backchannel"
SPS = bytes.fromhex("6742c01f8c8d40501e9080")
PPS = bytes.fromhex("68ce3c80")
SPROP = "Z0LAH4yNQFAekIA=,aM48gA=="
FRAMES = 10  # in a second
FILM = ((SPS, PPS, b"\x65" + bytes(range(200))), *((b"\x41" + bytes(range(90)),) for _ in range(FRAMES - 1)))
# 20 ms of the door: 0x11 in all samples.
SOUND = b"\x11" * 160
CODECS = {0: "PCMU/8000", 8: "PCMA/8000", 97: "MPEG4-GENERIC/16000"}

OK = (200, "OK")
UNAUTHORIZED = (401, "Unauthorized")


@dataclass
class Ways:
    """How a camera does what the RFC leaves open, and what it does wrong.

    Attributes:
        sound: Payload types of its microphone, none without one.
        speaker: Direction of the track to the door: "sendonly", "recvonly", "sendrecv"; None for no such track.
        codec: Payload type and name of that track; a static type needs no name.
        refuses: It knows nothing of the Require header.
        login: "none", "basic", "digest", "sha256", or "integrity", which is Digest with auth-int only.
        takes_basic: It takes Basic without offering it, as go2rtc logs in.
        paths: Beginnings of the paths that it has; None for all.
        video: Codec of its video.
        fmtp: Parameters of its video.
        control: How tracks are addressed: "relative", "absolute".
        base: It sends Content-Base.
        stale: Nonces are valid for this number of requests.
        shift: It answers with other channels than those asked for.
        names_once: It names the session only in the first response to SETUP.
        renewed_by: Methods that renew a session, which ends after ``lasts`` seconds otherwise; None if it never ends.
        drop: Headers that it leaves out.
        status: Responses to methods that it refuses, after the login.
        mute: Methods that it does not respond to.
        delay: Seconds until it responds to DESCRIBE.
    """

    sound: tuple[int, ...] = (0,)
    speaker: str | None = "sendonly"
    codec: str = "0"
    refuses: bool = False
    login: str = "none"
    realm: str = "camera"
    takes_basic: bool = False
    paths: tuple[str, ...] | None = None
    video: str = "H264"
    fmtp: str = f"packetization-mode=1;profile-level-id=42C01F;sprop-parameter-sets={SPROP}"
    control: str = "relative"
    base: bool = True
    aggregate: str = "*"
    stale: int = 0
    shift: int = 0
    names_once: bool = False
    timeout: str = ";timeout=30"
    renewed_by: frozenset[str] | None = None
    lasts: float = 30.0
    public: str = "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER"
    transport: str | None = None
    drop: frozenset[str] = frozenset()
    status: dict[str, tuple[int, str]] = field(default_factory=dict)
    mute: frozenset[str] = frozenset()
    delay: float = 0.0
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it was read."""

    method: str
    uri: str
    headers: Mapping[str, str] = field(repr=False)


class RtspCamera:
    """A camera on a port of this machine.

    Attributes:
        ways: What it does; may change at any time.
        users: Passwords by user name.
        requests: Requests, in their order.
        responses: First lines of the responses to its own requests.
        microphone: RTP packets that arrived on the track to the door.
        reports: RTCP of that track.
        links: Open connections.
        film: RTP payloads of each picture (RFC 6184), over and over.
        still: It sends nothing.
        tls: Its connections are encrypted; None for plain ones.
    """

    def __init__(self, ways: Ways | None = None, users: Mapping[str, str] | None = None) -> None:
        self.ways = ways or Ways()
        self.users = dict(users or {"admin": "s3cr/t@:"})
        self.requests: list[Request] = []
        self.responses: list[str] = []
        self.microphone: list[bytes] = []
        self.reports: list[bytes] = []
        self.links: set[_Link] = set()
        self.film: Sequence[Sequence[bytes]] = FILM
        self.still = False
        self.tls: ssl.SSLContext | None = None
        self.port = 0
        # The number of requests with each nonce.
        self.nonces: dict[str, int] = {}
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()

    async def start(self) -> None:
        """Start, on the same port as before."""
        self._server = await asyncio.start_server(self._serve, HOST, self.port, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        self._tasks.add(asyncio.create_task(self._run()))

    async def stop(self) -> None:
        """Lose power."""
        if self._server is not None:
            self._server.close()
        for link in self.links:
            link.writer.transport.abort()
        tasks = [*self._tasks]
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()
            self._server = None

    @property
    def url(self) -> str:
        """Address without a login."""
        return f"{'rtsps' if self.tls else 'rtsp'}://{HOST}:{self.port}/live/ch0?x=1"

    @property
    def login_url(self) -> str:
        """Address with the login, percent-encoded."""
        return self.url.replace("//", "//admin:s3cr%2Ft%40%3A@")

    @property
    def methods(self) -> list[str]:
        """Methods of the requests."""
        return [request.method for request in self.requests]

    @property
    def talking(self) -> int:
        """The number of connections that have set up the track to the door."""
        return sum("audioback" in link.channels for link in self.links)

    @property
    def tracks(self) -> set[str]:
        """The tracks that can be set up."""
        optional = {"audio": self.ways.sound, "audioback": self.ways.speaker}
        return {"video", *(track for track, found in optional.items() if found)}

    def send(self, track: str, packet: bytes) -> None:
        """Send a packet to all that play."""
        for link in self.links:
            if link.plays and track in link.channels:
                link.frame(link.channels[track] + (192 <= packet[1] <= 223), packet)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = _Link(self, reader, writer)
        task = asyncio.current_task()
        assert task is not None
        self.links.add(link)
        self._tasks.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await link.serve()
        finally:
            self.links.discard(link)
            self._tasks.discard(task)
            writer.close()

    def _end_sessions(self) -> None:
        """End the sessions that no request has renewed."""
        if self.ways.renewed_by is not None:
            for link in self.links:
                if link.plays and asyncio.get_running_loop().time() - link.renewed_at > self.ways.lasts:
                    link.writer.transport.abort()

    async def _run(self) -> None:
        """Film, and send the sound of the door."""
        frame = video = sound = 0
        while True:
            await asyncio.sleep(1 / FRAMES)
            self._end_sessions()
            if self.still:
                continue
            units = self.film[frame % len(self.film)]
            for index, unit in enumerate(units):
                marker = 0x80 if index == len(units) - 1 else 0
                header = struct.pack("!BBHII", 0x80, 96 | marker, video & 0xFFFF, frame * 9000, 0xCA)
                self.send("video", header + unit)
                video += 1
            frame += 1
            for _ in range(50 // FRAMES):
                if self.ways.sound:
                    header = struct.pack("!BBHII", 0x80, self.ways.sound[0], sound & 0xFFFF, sound * 160, 0xCB)
                    self.send("audio", header + SOUND)
                    sound += 1

    def description(self, backchannel: bool) -> bytes:
        """Return the session description; the track to the door only for clients that ask for it."""
        ways = self.ways
        prefix = f"{self.url}/" if ways.control == "absolute" else ""
        lines = ["v=0", f"o=- 1 1 IN IP4 {HOST}", "s=camera", "t=0 0", f"a=control:{ways.aggregate}"]
        lines += ["m=video 0 RTP/AVP 96", f"a=rtpmap:96 {ways.video}/90000", f"a=fmtp:96 {ways.fmtp}"]
        lines += [f"a=control:{prefix}video", "a=recvonly"]
        if ways.sound:
            lines.append(f"m=audio 0 RTP/AVP {' '.join(map(str, ways.sound))}")
            lines += [f"a=rtpmap:{payload} {CODECS[payload]}" for payload in ways.sound]
            lines += [f"a=control:{prefix}audio", "a=recvonly"]
        if backchannel and ways.speaker is not None:
            payload, _, name = ways.codec.partition(" ")
            lines += [f"m=audio 0 RTP/AVP {payload}", *([f"a=rtpmap:{payload} {name}"] if name else [])]
            lines += [f"a=control:{prefix}audioback", f"a={ways.speaker}"]
        return "".join(f"{line}\r\n" for line in lines).encode()


class _Link:
    """A connection."""

    def __init__(self, camera: RtspCamera, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.camera = camera
        self.reader, self.writer = reader, writer
        # The channel of RTP of each track that was set up.
        self.channels: dict[str, int] = {}
        self.plays = False
        self.session = ""
        self.renewed_at = 0.0
        # The nonce of the latest request was too old.
        self.expired = False

    def frame(self, channel: int, packet: bytes) -> None:
        """Send a packet."""
        if not self.writer.is_closing():
            self.writer.write(struct.pack("!cBH", b"$", channel, len(packet)) + packet)

    async def serve(self) -> None:
        """Answer until the client leaves."""
        camera = self.camera
        while True:
            first = await self.reader.readexactly(1)
            if first == b"$":
                channel, size = struct.unpack("!BH", await self.reader.readexactly(3))
                data = await self.reader.readexactly(size)
                if (talk := self.channels.get("audioback")) is not None and channel in (talk, talk + 1):
                    (camera.microphone if channel == talk else camera.reports).append(data)
                continue
            head = (first + await self.reader.readuntil(b"\r\n\r\n")).decode()
            start, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            if size := int(headers.get("content-length", "0")):
                await self.reader.readexactly(size)
            if start.startswith("RTSP/"):
                camera.responses.append(start)
                continue
            method, uri, _ = start.split()
            request = Request(method, uri, headers)
            camera.requests.append(request)
            if method in camera.ways.mute:
                continue
            if method == "DESCRIBE":
                await asyncio.sleep(camera.ways.delay)
            self.answer(request)

    def answer(self, request: Request) -> None:
        """Respond to a request."""
        ways, sent, body = self.camera.ways, {"CSeq": request.headers["cseq"]}, b""
        status, reason = self.refusal(request, sent) or self.obey(request, sent)
        if request.method == "DESCRIBE" and status == 200:
            body = self.camera.description(BACKCHANNEL in request.headers.get("require", ""))
            body = body if ways.body is None else ways.body
            sent["Content-Length"] = str(len(body))
        text = "".join(f"{name}: {value}\r\n" for name, value in sent.items() if name not in ways.drop)
        self.writer.write(f"RTSP/1.0 {status} {reason}\r\n{text}\r\n".encode() + body)

    def refusal(self, request: Request, sent: dict[str, str]) -> tuple[int, str] | None:
        """Return the status that refuses a request, and add its headers; None if nothing does."""
        ways = self.camera.ways
        if ways.login != "none" and request.method != "OPTIONS" and not self.knows(request):
            sent["WWW-Authenticate"] = self.challenge()
            return UNAUTHORIZED
        if request.method in ways.status:
            sent["Location"] = "rtsp://192.0.2.66/elsewhere"
            return ways.status[request.method]
        if ways.paths is not None and not urlsplit(request.uri).path.startswith(ways.paths):
            return 404, "Not Found"
        if ways.refuses and "require" in request.headers:
            sent["Unsupported"] = request.headers["require"]
            return 551, "Option not supported"
        return None

    def obey(self, request: Request, sent: dict[str, str]) -> tuple[int, str]:
        """Do what a request asks for; return the status, and add the headers of the response."""
        session = request.headers.get("session", "").split(";")[0]
        if session and request.method in {"PLAY", *(self.camera.ways.renewed_by or ())}:
            self.renewed_at = asyncio.get_running_loop().time()
        match request.method:
            case "OPTIONS":
                sent["Public"] = self.camera.ways.public
            case "DESCRIBE":
                sent["Content-Type"] = "application/sdp"
                if self.camera.ways.base:
                    sent["Content-Base"] = request.uri.rstrip("/") + "/"
            case "SETUP":
                return self.set_up(request, sent)
            case "PLAY" | "GET_PARAMETER" | "SET_PARAMETER" | "TEARDOWN" if session != self.session:
                return 454, "Session Not Found"
            case "PLAY":
                sent["Session"] = self.session
                self.plays = True
            case "GET_PARAMETER" | "SET_PARAMETER":
                pass
            case "TEARDOWN":
                self.plays = False
                self.channels.clear()
            case _:
                return 405, "Method Not Allowed"
        return OK

    def set_up(self, request: Request, sent: dict[str, str]) -> tuple[int, str]:
        """Set up a track."""
        ways, track = self.camera.ways, request.uri.rpartition("/")[2]
        transport = request.headers.get("transport", "")
        if track not in self.camera.tracks:
            return 404, "Not Found"
        if "RTP/AVP/TCP" not in transport or "interleaved=" not in transport:
            return 461, "Unsupported Transport"
        channel = int(transport.partition("interleaved=")[2].partition("-")[0]) + ways.shift
        self.channels[track] = channel
        if not self.session or not ways.names_once:
            self.session = self.session or secrets.token_hex(8)
            sent["Session"] = f"{self.session}{ways.timeout}"
        given = f"RTP/AVP/TCP;unicast;interleaved={channel}-{channel + 1};ssrc=000000CA"
        sent["Transport"] = given if ways.transport is None else ways.transport
        return OK

    # ---- Login (RFC 2617, RFC 7616) ----

    def challenge(self) -> str:
        """Return a value of WWW-Authenticate with a new nonce."""
        ways = self.camera.ways
        if ways.login == "basic":
            return f'Basic realm="{ways.realm}"'
        algorithm = {"sha256": ', algorithm=SHA-256, qop="auth"', "integrity": ', qop="auth-int"'}.get(ways.login, "")
        stale = ", stale=true" if self.expired else ""
        nonce = f"n{len(self.camera.nonces)}"
        self.camera.nonces[nonce] = 0
        return f'Digest realm="{ways.realm}", nonce="{nonce}"{algorithm}{stale}'

    def knows(self, request: Request) -> bool:
        """Return whether a request has the login of a user."""
        ways, users, nonces = self.camera.ways, self.camera.users, self.camera.nonces
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme == "Basic":
            name, _, password = b64decode(given).decode().partition(":")
            return (ways.login == "basic" or ways.takes_basic) and users.get(name) == password
        if scheme != "Digest" or ways.login == "basic":
            return False
        values = parse_keqv_list(parse_http_list(given))
        nonce, known = values.get("nonce", ""), users.get(values.get("username", ""))
        if nonce in nonces:
            nonces[nonce] += 1
        self.expired = bool(nonce) and (nonce not in nonces or 0 < ways.stale < nonces[nonce])
        if not nonce or self.expired or known is None or values.get("uri") != request.uri:
            return False

        def digest(text: str) -> str:
            return hashlib.new("sha256" if ways.login == "sha256" else "md5", text.encode()).hexdigest()

        if ways.login == "integrity" and values.get("qop") != "auth-int":
            return False
        middle = f":{values['nc']}:{values['cnonce']}:{values['qop']}" if "qop" in values else ""
        # No request has a body.
        whole = f":{digest('')}" if ways.login == "integrity" else ""
        secret = digest(f"{values['username']}:{ways.realm}:{known}")
        expected = digest(f"{secret}:{nonce}{middle}:{digest(f'{request.method}:{request.uri}{whole}')}")
        return values.get("response") == expected
