"""Pictures on port 8080 (captures/port8080_snapshot_mjpeg.md)."""

import asyncio
from collections import deque
from datetime import UTC, datetime
from enum import StrEnum
import secrets

from aiohttp import web

from tests.simulators.common.clock import Clock
from tests.simulators.common.digest import Digest, StaleNonceError, check_basic
from tests.simulators.common.host import drain
from tests.simulators.common.scene import draw_frame

from .config import Config
from .config_keys import RTSP
from .dialects import Dialect
from .pipeline import WEB_APP

PICTURES = ("/picture.jpg", "/picture.cgi", "/jpeg.cgi")
STREAM = "/video.cgi"
SIZE = (640, 480)
FRAME_RATE = 10
BOUNDARY = "akuvox-frame"
REALM = "HTTP API"
# How long before and after a press a visitor stands before the door, in device seconds.
VISIT = (4.0, 25.0)


class Broken(StrEnum):
    """Ways in which a picture is none."""

    # The web app with 200, as newer firmware answers every path.
    HTML = "html"
    CUT = "cut"
    EMPTY = "empty"


class Camera:
    """Pictures for who has the login of RTSP, which is not that of the API."""

    def __init__(self, dialect: Dialect, config: Config, clock: Clock) -> None:
        """The name of the device is written into the picture."""
        self.streams = 0
        self.broken: deque[Broken] = deque()
        # Newer firmware shows the web app on every path of this port.
        self.web_app_only = False
        self._dialect = dialect
        self._config = config
        self._clock = clock
        self._digest = Digest(REALM, opaque=secrets.token_hex(8))
        self._visit: float | None = None

    def visit(self) -> None:
        """A visitor stands before the door."""
        self._visit = self._clock.now()

    def frame(self, utc: float | None = None) -> bytes:
        """Return the picture of this moment, or of another one in Unix seconds."""
        now, utc = self._clock.now(), self._clock.utc() if utc is None else utc
        visitor = self._visit is not None and self._visit - VISIT[0] <= now <= self._visit + VISIT[1]
        lines = (self._dialect.model, f"{datetime.fromtimestamp(utc, UTC):%Y-%m-%d %H:%M:%S}")
        return draw_frame("internal", SIZE, lines, {"utcTime": utc, "visitor": visitor}, visitor=visitor)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Respond to requests at port 8080."""
        await drain(request)
        if self.web_app_only:
            return web.Response(text=WEB_APP, content_type="text/html")
        if request.path not in (*PICTURES, STREAM):
            if self._dialect.camera_web_app:
                return web.Response(text=WEB_APP, content_type="text/html")
            return web.Response(status=404)
        challenge = self._challenge(request)
        if challenge is not None:
            return web.Response(status=401, headers={"WWW-Authenticate": challenge})
        if request.path == STREAM:
            return await self._stream(request)
        image = self.frame()
        broken = self.broken.popleft() if self.broken else None
        if broken is Broken.HTML:
            return web.Response(text=WEB_APP, content_type="text/html")
        if broken is Broken.CUT:
            image = image[: len(image) // 2]
        elif broken is Broken.EMPTY:
            image = b""
        return web.Response(body=image, content_type="image/jpeg")

    def _challenge(self, request: web.BaseRequest) -> str | None:
        """Send a challenge to a client without a login; none is needed while there is no password."""
        if self._config[f"{RTSP}MJPEGAuthorization"] != "1":
            return None
        digest = self._config[f"{RTSP}AuthenticationType"] == "1"
        scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
        found: str | None = None
        stale = False
        try:
            if digest and scheme.lower() == "digest":
                found = self._digest.check(request, credentials, self._password_of)
            elif not digest and scheme.lower() == "basic":
                found = check_basic(credentials, self._password_of)
        except StaleNonceError:
            stale = True
        if found is not None:
            return None
        return self._digest.challenge(stale=stale) if digest else f'Basic realm="{REALM}"'

    def _password_of(self, name: str) -> str | None:
        return (self._config[f"{RTSP}Password"] or None) if name == self._config[f"{RTSP}UserName"] else None

    async def _stream(self, request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": f"multipart/x-mixed-replace; boundary={BOUNDARY}"})
        await response.prepare(request)
        self.streams += 1
        try:
            while True:
                image = self.frame()
                head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(image)}\r\n\r\n"
                await response.write(head.encode() + image + b"\r\n")
                await asyncio.sleep(1 / FRAME_RATE)
        except ConnectionError:
            pass
        finally:
            self.streams -= 1
        return response
