"""Cameras, and the servers of each type on hosts of their own (field notes 6)."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
import hashlib
import hmac
from itertools import count
import json
import re
import secrets
from urllib.parse import parse_qs, parse_qsl

from aiohttp import web

from .pictures import scene
from .video import SEGMENT, one_frame, segment

PLAYLIST = "application/vnd.apple.mpegurl"
# Segments that a playlist has.
WINDOW = 3
PART = re.compile(r".*/(?P<key>[0-9a-f]{16})-(?P<number>[0-9]{1,9})\.ts")


class Kind(StrEnum):
    """Types of servers, each of which is one host here."""

    FLUSSONIC = "flussonic"
    NIMBLE = "nimble"
    MACROSCOP = "macroscop"
    TRASSIR = "trassir"
    FORPOST = "forpost"


# How each of them takes its credentials, as in the replies of the API.
TOKENS = {
    Kind.FLUSSONIC: "{secret}",
    Kind.NIMBLE: "{secret}",
    Kind.MACROSCOP: "login=root&password={secret}",
    Kind.TRASSIR: "username=u&password={secret}",
    Kind.FORPOST: "AdminLogin=a&AdminPassword={secret}&Format=HLS",
}


@dataclass(slots=True)
class Camera:
    """One camera; `path` is what comes after the host of its server, `house` None for those of the city."""

    id: int
    name: str
    kind: Kind
    path: str
    house: int | None
    lat: str = "52.7"
    lon: str = "41.4"
    has_sound: bool = False
    fmp4: bool = False
    # What the API calls the type, where it is not the name of its kind: `sesame` is a Flussonic, and so is nothing.
    called: str | None = None
    # Does a visitor stand before it?
    visitor: bool = False
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(12), repr=False)
    issued: int = 0
    # Answers with a refusal that are left, with any token.
    refusals: int = 0

    @property
    def server_type(self) -> str:
        """Return the type as the API does."""
        return self.kind.value if self.called is None else self.called

    @property
    def token(self) -> str:
        """Return the token as the API does."""
        return TOKENS[self.kind].format(secret=self.secret)


def jpeg(data: bytes) -> web.Response:
    """Return a picture."""
    return web.Response(body=data, content_type="image/jpeg")


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


class CameraServers:
    """Responds to requests at the hosts of the cameras."""

    def __init__(self, cameras: Callable[[], list[Camera]], now: Callable[[], int]) -> None:
        """`cameras` are all there are."""
        # Seconds that a token lives; None is for ever.
        self.token_ttl: int | None = None
        # Flussonic makes JPEGs only where thumbnails are on.
        self.thumbnails = False
        self._cameras = cameras
        self._now = now
        self._sessions: dict[str, str] = {}
        self._streams: dict[str, Camera] = {}
        # By the names of segments.
        self._parts: dict[str, Camera] = {}
        self._began = now()
        self._number = count(1)
        self._answers = {
            Kind.FLUSSONIC: self._flussonic,
            Kind.NIMBLE: self._nimble,
            Kind.MACROSCOP: self._macroscop,
            Kind.TRASSIR: self._trassir,
            Kind.FORPOST: self._forpost,
        }

    def renew(self, camera: Camera) -> None:
        """Replace the token of a camera; the old one is refused."""
        camera.secret = secrets.token_urlsafe(12)
        camera.issued = self._now()

    def token(self, camera: Camera) -> str:
        """Return a valid token for the API."""
        if self._expired(camera):
            self.renew(camera)
        return camera.token

    def _expired(self, camera: Camera) -> bool:
        return self.token_ttl is not None and self._now() - camera.issued >= self.token_ttl

    def _takes(self, camera: Camera, secret: str) -> bool:
        if camera.refusals:
            camera.refusals -= 1
            return False
        return _same(secret, camera.secret) and not self._expired(camera)

    def _of(self, kind: Kind) -> list[Camera]:
        return [camera for camera in self._cameras() if camera.kind is kind]

    async def answer(self, kind: Kind, request: web.BaseRequest) -> web.Response:
        """Answer a request at the host of that type."""
        body = await request.read()
        part = PART.fullmatch(request.path)
        camera = None if part is None else self._parts.get(part["key"])
        if part is None or camera is None:
            return self._answers[kind](request, body)
        data = await asyncio.to_thread(segment, self._picture(camera), int(part["number"]))
        return web.Response(body=data, content_type="video/mp2t")

    def _live(self, name: str) -> web.Response:
        camera = self._streams.get(name)
        return self._missing() if camera is None else self._playlist(camera)

    def _playlist(self, camera: Camera) -> web.Response:
        """Return the segments of the last seconds; their names are all that their readers need."""
        key = hashlib.sha256(f"{camera.id} {camera.secret}".encode()).hexdigest()[:16]
        self._parts[key] = camera
        last = (self._now() - self._began) // SEGMENT + WINDOW
        lines = ["#EXTM3U", "#EXT-X-VERSION:3", f"#EXT-X-TARGETDURATION:{SEGMENT}"]
        lines.append(f"#EXT-X-MEDIA-SEQUENCE:{last - WINDOW + 1}")
        for number in range(last - WINDOW + 1, last + 1):
            lines += (f"#EXTINF:{SEGMENT}.000,", f"{key}-{number}.ts")
        return web.Response(body="\n".join((*lines, "")).encode(), content_type=PLAYLIST)

    def _picture(self, camera: Camera) -> bytes:
        return scene(camera.name, self._now(), camera=camera.id, visitor=camera.visitor)

    @staticmethod
    def _refused() -> web.Response:
        return web.Response(status=403)

    @staticmethod
    def _missing() -> web.Response:
        return web.Response(status=404)

    def _named(self, kind: Kind, request: web.BaseRequest) -> tuple[Camera, str] | None:
        """Find the camera of a request by its path, and the rest of the path."""
        if request.method != "GET":
            return None
        path, _, name = request.path.rpartition("/")
        camera = next((row for row in self._of(kind) if row.path == path), None)
        return None if camera is None else (camera, name)

    def _flussonic(self, request: web.BaseRequest, _: bytes) -> web.Response:
        found = self._named(Kind.FLUSSONIC, request)
        if found is None:
            return self._missing()
        camera, name = found
        if not self._takes(camera, request.query.get("token", "")):
            return self._refused()
        if name == ("index.fmp4.m3u8" if camera.fmp4 else "index.m3u8"):
            return self._playlist(camera)
        if name == "preview.mp4":
            return web.Response(body=one_frame(self._picture(camera)), content_type="video/mp4")
        if name == "preview.jpg" and self.thumbnails:
            return jpeg(self._picture(camera))
        return self._missing()

    def _nimble(self, request: web.BaseRequest, _: bytes) -> web.Response:
        found = self._named(Kind.NIMBLE, request)
        if found is None:
            return self._missing()
        camera, name = found
        if not self._takes(camera, request.query.get("wmsAuthSign", "")):
            return self._refused()
        if name == "playlist.m3u8":
            return self._playlist(camera)
        if name in ("dvr_thumbnail.mp4", "thumbnail.mp4"):
            return web.Response(body=one_frame(self._picture(camera)), content_type="video/mp4")
        return self._missing()

    def _macroscop(self, request: web.BaseRequest, _: bytes) -> web.Response:
        if request.method != "GET":
            return web.Response(status=405)
        if request.path.startswith("/hls/"):
            return self._live(request.path.removeprefix("/hls/"))
        query = request.query
        camera = next((row for row in self._of(Kind.MACROSCOP) if row.path.endswith(query.get("channelid", "?"))), None)
        if camera is None or request.path not in ("/hls", "/site"):
            return self._missing()
        if query.get("login") != "root" or not self._takes(camera, query.get("password", "")):
            return web.Response(status=401)
        if request.path == "/hls":
            text = f"{next(self._number)}/stream.m3u8"
            self._streams[text] = camera
            return web.Response(text=text)
        wanted = {"withcontenttype": "true", "mode": "realtime", "streamtype": "mainvideo"}
        if any(query.get(name) != value for name, value in wanted.items()):
            return web.Response(status=400)
        return jpeg(self._picture(camera))

    def _trassir(self, request: web.BaseRequest, _: bytes) -> web.Response:
        if request.method != "GET":
            return web.Response(status=405)
        query, path = request.query, request.path
        if path == "/login":
            camera = next((row for row in self._of(Kind.TRASSIR) if self._takes(row, query.get("password", ""))), None)
            if camera is None or query.get("username") != "u":
                return self._json({"success": 0, "error_code": "invalid username or password"})
            sid = secrets.token_urlsafe(8)
            self._sessions[sid] = camera.secret
            return self._json({"success": 1, "sid": sid})
        if path.startswith("/hls/"):
            name = path.removeprefix("/hls/").removesuffix("/master.m3u8")
            return self._live(name)
        camera = self._with_session(query.get("sid", ""))
        if camera is None:
            return self._json({"success": 0, "error_code": "no session"})
        channel = camera.path.rpartition("=")[2]
        if path == "/get_video":
            if query.get("channel") != channel or (query.get("container"), query.get("stream")) != ("hls", "main"):
                return self._json({"success": 0, "error_code": "channel not found"})
            token = secrets.token_urlsafe(8)
            self._streams[token] = camera
            return self._json({"success": 1, "token": token})
        if path == f"/screenshot/{channel}":
            return jpeg(self._picture(camera))
        return self._missing()

    def _with_session(self, sid: str) -> Camera | None:
        secret = self._sessions.get(sid)
        return next((row for row in self._of(Kind.TRASSIR) if row.secret == secret and not self._expired(row)), None)

    def _forpost(self, request: web.BaseRequest, body: bytes) -> web.Response:
        parts = request.path.strip("/").split("/")
        if request.method == "GET" and len(parts) == 3 and parts[0] == "hls" and parts[1] in self._streams:
            return self._live(parts[1])
        if request.method == "GET" and len(parts) == 2 and parts[0] == "shot":
            camera = self._streams.get(parts[1].removesuffix(".jpg"))
            return self._missing() if camera is None else jpeg(self._picture(camera))
        if request.path != "/system-api/GetTranslationURL":
            return self._missing()
        if request.method != "POST":
            return web.Response(status=405)
        form = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
        wanted = form.get("CameraID", "")
        camera = next(
            (
                row
                for row in self._of(Kind.FORPOST)
                if dict(parse_qsl(row.path.partition("?")[2]))["CameraID"] == wanted
            ),
            None,
        )
        if camera is None:
            return self._json({"ErrorCode": 4, "Error": "camera not found"})
        if form.get("AdminLogin") != "a" or not self._takes(camera, form.get("AdminPassword", "")):
            return self._json({"ErrorCode": 2, "Error": "access denied"})
        name = secrets.token_urlsafe(8)
        self._streams[name] = camera
        path = {"HLS": f"hls/{name}/index.m3u8", "JPG": f"shot/{name}.jpg"}.get(form.get("Format", ""))
        if path is None:
            return self._json({"ErrorCode": 5, "Error": "unknown format"})
        return self._json({"URL": f"http://{request.host}/{path}"})

    @staticmethod
    def _json(body: object) -> web.Response:
        return web.Response(body=json.dumps(body).encode(), content_type="application/json")
