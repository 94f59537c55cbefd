"""Snapshots and the server push of pictures (HTTP API 5.8)."""

import asyncio
from datetime import UTC, datetime
from itertools import count

from aiohttp import web

from tests.simulators.common.clock import Clock
from tests.simulators.common.scene import draw_frame

from .envelope import ApiError, Call, Code, Handler, success
from .models import Model

FRAME_RATE = 15
MAX_FPS = 15
MEMORY = 30
BOUNDARY = "2n-frame"
# How long before and after a press a visitor stands before the door, in device seconds.
VISIT = (4.0, 25.0)


class Camera:
    """The camera: a picture is a function of source, size and moment."""

    def __init__(self, model: Model, clock: Clock) -> None:
        """The name of the device is written into the picture."""
        self.external = model.external_camera
        self.streams = 0
        # The sources of the caps are plain texts (field notes 10).
        self.plain_sources = False
        self._model = model
        self._clock = clock
        self._visits: list[float] = []
        self.handlers: dict[str, Handler] = {"camera/caps": self._caps, "camera/snapshot": self._snapshot}

    def visit(self) -> None:
        """A visitor stands before the door."""
        self._visits = [*self._visits[-20:], self._clock.now()]

    @property
    def sources(self) -> tuple[str, ...]:
        """Sources that can be asked; a configured but disabled external camera is not among them."""
        return ("internal", "external") if self.external == "enabled" else ("internal",)

    def frame(self, source: str, size: tuple[int, int], moment: float) -> bytes:
        """Return the picture of a moment."""
        number = max(0, int(self._clock.since_boot(moment) * FRAME_RATE))
        utc = self._clock.utc(moment)
        visitor = any(at - VISIT[0] <= moment <= at + VISIT[1] for at in self._visits)
        name = self._model.info["deviceName"]
        lines = (f"{name}  {source}", f"{datetime.fromtimestamp(utc, UTC):%Y-%m-%d %H:%M:%S}  #{number:06d}")
        facts = {"source": source, "frame": number, "utcTime": utc, "visitor": visitor}
        return draw_frame(source, size, lines, facts, visitor=visitor)

    async def _caps(self, _: Call) -> web.StreamResponse:
        sizes = [{"width": width, "height": height} for width, height in self._model.jpeg_sizes]
        sources: list[object] = [source if self.plain_sources else {"source": source} for source in self.sources]
        return success({"jpegResolution": sizes, "sources": sources})

    async def _snapshot(self, call: Call) -> web.StreamResponse:
        params = call.params
        width, height = params.integer("width"), params.integer("height")
        if (width, height) not in self._model.jpeg_sizes:
            known = any(width == size[0] for size in self._model.jpeg_sizes)
            raise ApiError(Code.INVALID_VALUE, "height" if known else "width")
        source = params.choice("source", frozenset(self.sources)) if "source" in params else "internal"
        fps = params.integer("fps", 0, MAX_FPS, 0)
        back = params.integer("time", -MEMORY, 0, 0)
        if "time" in params or not fps:
            # With `time` the fps are ignored and one picture is returned.
            body = self.frame(source, (width, height), self._clock.now() + back)
            return web.Response(body=body, content_type="image/jpeg")
        return await self._push(call.request, source, (width, height), fps)

    async def _push(self, request: web.BaseRequest, source: str, size: tuple[int, int], fps: int) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_type = "multipart/x-mixed-replace"
        response.headers["Content-Type"] = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
        response.headers["Server"] = f"HIP{self._model.info['swVersion']}"
        await response.prepare(request)
        loop = asyncio.get_running_loop()
        start = loop.time()
        self.streams += 1
        try:
            for number in count(1):
                image = self.frame(source, size, self._clock.now())
                head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(image)}\r\n\r\n"
                await response.write(head.encode() + image + b"\r\n")
                await asyncio.sleep(max(0.0, start + number / fps - loop.time()))
        except ConnectionError:
            pass
        finally:
            self.streams -= 1
        return response
