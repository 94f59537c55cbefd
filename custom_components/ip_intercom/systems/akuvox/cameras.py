"""Camera images and streams of an Akuvox (captures/akuvox/port8080_snapshot_mjpeg.md)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from yarl import URL

from ...model.features import MjpegStream
from ...model.parts import Camera, CameraId
from .client import MAIN_STREAM, SUB_STREAM, AkuvoxCamera

_RTSP_PORT = 554
MAIN = "main"
_STREAMS = {MAIN: MAIN_STREAM, "sub": SUB_STREAM}

# The image server has only one size.
CAMERAS = {camera: Camera(camera, ()) for camera in _STREAMS}


class AkuvoxCameras:
    """The camera with its main and sub stream.

    Args:
        username: RTSP account, which is not the API account; empty for none.
    """

    def __init__(self, camera: AkuvoxCamera, host: str | None, username: str, password: str) -> None:
        self._camera = camera
        self._host = host
        self._username = username
        self._password = password
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
        return bool(self._username) and self._host is not None

    async def stream_address(self, camera: CameraId) -> str | None:
        """Return the RTSP address with its account; None without an account."""
        if not self._username or self._host is None:
            return None
        return str(
            URL.build(
                scheme="rtsp",
                user=self._username,
                password=self._password or None,
                host=self._host,
                port=_RTSP_PORT,
                path=_STREAMS[camera],
            )
        )
