"""Camera images and streams of an Akuvox (captures/akuvox/port8080_snapshot_mjpeg.md)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from yarl import URL

from ...model.features import MjpegStream
from ...model.parts import Camera, CameraId
from .client import MAIN_STREAM, SUB_STREAM, AkuvoxCamera

MAIN = "main"
_STREAMS = {MAIN: MAIN_STREAM, "sub": SUB_STREAM}

# The image server has only one size.
CAMERAS = {camera: Camera(camera, ()) for camera in _STREAMS}


@dataclass(frozen=True, slots=True)
class StreamAccess:
    """The RTSP server and its account, which is not that of the API; ``username`` is empty for none."""

    username: str = ""
    password: str = field(default="", repr=False)
    port: int = 554


NO_STREAM = StreamAccess()


class AkuvoxCameras:
    """The camera with its main and sub stream.

    Args:
        access: The RTSP server.
    """

    def __init__(self, camera: AkuvoxCamera, host: str | None, access: StreamAccess) -> None:
        self._camera = camera
        self._host = host
        self._access = access
        self.memory = 0

    async def snapshot(self, camera: CameraId, width: int | None, height: int | None, seconds_back: int = 0) -> bytes:
        """Return the current image in its only size."""
        return await self._camera.snapshot()

    @asynccontextmanager
    async def mjpeg(self, camera: CameraId) -> AsyncIterator[MjpegStream]:
        """Open motion JPEG in full size, up to 60 Mbit/s."""
        async with self._camera.mjpeg() as stream:
            yield stream

    def streams(self, camera: CameraId) -> bool:
        """Return whether the entry has an RTSP account."""
        return bool(self._access.username) and self._host is not None

    async def stream_address(self, camera: CameraId) -> str | None:
        """Return the RTSP address with its account; None without an account."""
        access = self._access
        if not access.username or self._host is None:
            return None
        return str(
            URL.build(
                scheme="rtsp",
                user=access.username,
                password=access.password or None,
                host=self._host,
                port=access.port,
                path=_STREAMS[camera],
            )
        )
