"""Snapshots and motion JPEG (HTTP API 5.8)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ...common.errors import UnexpectedReply
from ...common.http import Stream
from ...common.parse import fields, integer, objects, text
from .client import TwoNClient
from .endpoints import CAMERA_CAPS, CAMERA_SNAPSHOT

MAX_JPEG = 8 * 1024 * 1024
MAX_FPS = 15  # 16 and more is refused by firmware 2.50


@dataclass(frozen=True, slots=True)
class CameraCaps:
    """Video sources by name, and the only sizes (width, height) that can be asked for (HTTP API 5.8.1)."""

    sources: tuple[str, ...]
    sizes: tuple[tuple[int, int], ...]


class Camera:
    """``/api/camera``."""

    def __init__(self, client: TwoNClient) -> None:
        self._client = client

    async def caps(self) -> CameraCaps:
        """Return sources and sizes; the device does not sort the sizes (HTTP API 5.8.1)."""
        result = fields(await self._client.call(CAMERA_CAPS))
        resolutions, listed = result.get("jpegResolution"), result.get("sources")
        if not isinstance(resolutions, list) or not isinstance(listed, list):
            raise UnexpectedReply("the device does not list its cameras")
        sizes = {
            (width, height)
            for item in objects(resolutions)
            if (width := integer(item.get("width"))) and (height := integer(item.get("height")))
        }
        # Some firmware lists plain texts.
        sources = tuple(source for item in listed if (source := text(fields(item).get("source")) or text(item)))
        if (listed and not sources) or (resolutions and not sizes):
            raise UnexpectedReply("the device lists cameras that cannot be read")
        return CameraCaps(sources, tuple(sorted(sizes, key=lambda size: (size[0] * size[1], size))))

    async def snapshot(self, source: str, size: tuple[int, int], seconds_back: int = 0) -> bytes:
        """Return one JPEG (HTTP API 5.8.2).

        Args:
            source: A source of the caps.
            size: Width and height in pixels, one of the caps.
            seconds_back: The age of the frame, 0 to 30 seconds.

        Raises:
            InvalidRequest: A size or source that the device does not have.
            UnexpectedReply: The answer is no JPEG.
        """
        params = _frame(source, size)
        if seconds_back:
            params["time"] = str(-seconds_back)
        reply = await self._client.fetch(CAMERA_SNAPSHOT, params, max_bytes=MAX_JPEG)
        if not reply.body.startswith(b"\xff\xd8"):
            raise UnexpectedReply("the snapshot is no JPEG")
        return reply.body

    @asynccontextmanager
    async def stream(self, source: str, size: tuple[int, int], fps: int) -> AsyncIterator[Stream]:
        """Open motion JPEG: an endless ``multipart/x-mixed-replace`` answer (HTTP API 5.8.2)."""
        params = _frame(source, size) | {"fps": str(min(max(fps, 1), MAX_FPS))}
        async with self._client.open(CAMERA_SNAPSHOT, params) as stream:
            yield stream


def _frame(source: str, size: tuple[int, int]) -> dict[str, str]:
    width, height = size
    return {"source": source, "width": str(width), "height": str(height)}
