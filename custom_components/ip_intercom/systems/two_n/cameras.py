"""Camera images and streams of a 2N."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ...model.features import MjpegStream
from ...model.parts import Camera, CameraId
from ..common.adapter import stream_url
from ..common.errors import NotSupported
from .client import TwoNDevice

# Default size limit: no model returns larger images (HTTP API 5.8.2).
_DEFAULT_SIZE = (1280, 960)
_STREAM_SIZE = (640, 480)
_STREAM_FPS = 10
# Seconds of images that the device buffers (HTTP API 5.8.2).
_MEMORY = 30


@dataclass(frozen=True, slots=True)
class StreamAccess:
    """Credentials and path of the RTSP server, which has other users than the API."""

    username: str = ""
    password: str = ""
    path: str = "h264_stream"


class TwoNCameras:
    """Snapshots, motion JPEG and the RTSP stream."""

    def __init__(self, device: TwoNDevice, cameras: Mapping[CameraId, Camera], stream: StreamAccess | None) -> None:
        self._camera = device.camera
        self._host = device.client.transport.base.host
        self._cameras = cameras
        self._stream = stream
        self.memory = _MEMORY

    async def snapshot(self, camera: CameraId, width: int | None, height: int | None, seconds_back: int = 0) -> bytes:
        """Return a JPEG of the smallest size that is large enough, up to 30 s old."""
        size = self._size(camera, width, height)
        return await self._camera.snapshot(camera, size, min(seconds_back, _MEMORY))

    @asynccontextmanager
    async def mjpeg(self, camera: CameraId) -> AsyncIterator[MjpegStream]:
        """Open motion JPEG; needs no license, unlike RTSP on older models."""
        async with self._camera.stream(camera, self._size(camera, *_STREAM_SIZE), _STREAM_FPS) as stream:
            yield stream

    def streams(self, camera: CameraId) -> bool:
        """Return whether the entry has an RTSP account; the device streams only its first source."""
        return self._stream is not None and self._host is not None and camera == next(iter(self._cameras), None)

    async def stream_address(self, camera: CameraId) -> str | None:
        """Return the RTSP address with its account; the device streams only its first source."""
        if self._stream is None or self._host is None or camera != next(iter(self._cameras), None):
            return None
        try:
            url = stream_url(self._stream.path, self._host)
        except ValueError:
            return None  # an address from before the form validated it
        return str(url.with_user(self._stream.username or None).with_password(self._stream.password or None))

    def _size(self, camera: CameraId, width: int | None, height: int | None) -> tuple[int, int]:
        known = self._cameras.get(camera)
        if known is None or not known.sizes:
            raise NotSupported(f"no camera {camera}")
        return fitting_size(known.sizes, width, height)


def fitting_size(sizes: Sequence[tuple[int, int]], width: int | None, height: int | None) -> tuple[int, int]:
    """Return the smallest size that covers the requested one, else the largest.

    The device rejects sizes other than those of its caps. ``sizes`` is sorted by area.
    """
    if width is None and height is None:
        fitting = [size for size in sizes if size[0] <= _DEFAULT_SIZE[0] and size[1] <= _DEFAULT_SIZE[1]]
        return (fitting or list(sizes))[-1]
    for size in sizes:
        if size[0] >= (width or 0) and size[1] >= (height or 0):
            return size
    return sizes[-1]
