"""Talk at a door without an audio backchannel: the streams of this host, and announcements by a call."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from ssl import SSLContext

from ...model.features import Cameras
from ...model.parts import CameraId
from ...model.talk import CallFailure, call_failure
from ...talk.bridge import Bridge
from ...talk.device_stream import DeviceStream, FallbackVideo, VideoSource
from ...talk.errors import LineBusy, TalkError
from ...talk.line import Call, Line, LineState
from ...talk.rtsp_server import RtspServer
from ...talk.stills import StillsVideo
from .errors import ConnectionFailed, IntercomError, NoTalk

# The size of snapshots that become a video.
_STILL_SIZE = (640, 480)


def video_source(cameras: Cameras, camera: CameraId, tls: SSLContext | None = None) -> VideoSource:
    """Return the video of a camera: its RTSP stream, or snapshots without an RTSP account or while there is no stream.

    ``tls`` as in ``RtspClient``.
    """

    async def url() -> str:
        if (address := await _requested(cameras.stream_address(camera))) is None:
            raise TalkError("the camera has no stream")
        return address

    async def still() -> bytes:
        return await _requested(cameras.snapshot(camera, *_STILL_SIZE))

    stills = StillsVideo(still)
    return FallbackVideo(DeviceStream(url, tls), stills) if cameras.streams(camera) else stills


async def _requested[Result](request: Awaitable[Result]) -> Result:
    """Return the reply of the device; raises TalkError."""
    try:
        return await request
    except IntercomError as err:
        raise TalkError(str(err)) from err


def report_calls(line: Line, report: Callable[[CallFailure | None], None]) -> None:
    """Report each call of a line: None once it is established, else why it failed."""
    reported: TalkError | None = None

    def follow(_: Line) -> None:
        nonlocal reported
        if line.error is not None and line.error is not reported:
            reported = line.error
            report(call_failure(reported.word))
        elif line.state is LineState.TALKING:
            report(None)

    line.on_state = follow


class TalkFeeds:
    """An RTSP server of this host, with an address for each camera that stays until the end."""

    def __init__(self) -> None:
        self._server: RtspServer | None = None
        self._bridges: dict[CameraId, tuple[Bridge, str]] = {}
        self._lock = asyncio.Lock()

    async def address(self, camera: CameraId, source: Callable[[], VideoSource], line: Line | None) -> str:
        """Return the address of a camera; its first use creates the stream from its source and line.

        Raises:
            ConnectionFailed: No port of this host is free.
        """
        async with self._lock:
            if (known := self._bridges.get(camera)) is not None:
                return known[1]
            if self._server is None:
                server = RtspServer()
                try:
                    await server.start()
                except TalkError as err:
                    raise ConnectionFailed(str(err)) from err
                self._server = server
            bridge = Bridge(source(), line)
            address = self._server.add(bridge)
            self._bridges[camera] = bridge, address
            return address

    async def close(self) -> None:
        """End the calls and the streams."""
        async with self._lock:
            bridges, self._bridges = self._bridges, {}
            for bridge, _ in bridges.values():
                await bridge.close()
            server, self._server = self._server, None
            if server is not None:
                await server.stop()


class LineSpeaker:
    """The loudspeaker of a door during a call.

    Attributes:
        codec: The agreed codec, ``PCMU`` or ``PCMA``.
    """

    def __init__(self, line: Line, call: Call) -> None:
        self._line = line
        self._call = call
        self._began = False
        self.codec = call.codec.name

    def send(self, payload: bytes) -> None:
        """Send 20 ms of sound; raises ConnectionFailed once the door hung up."""
        if self._line.state is not LineState.TALKING:
            raise ConnectionFailed("the door ended the call")
        self._call.send_audio(payload, marker=not self._began)
        self._began = True


@asynccontextmanager
async def call_for_sound(line: Line) -> AsyncIterator[LineSpeaker]:
    """Call a door, and hang up at the end.

    Raises:
        NoTalk: The door is in a call, refuses it, or does not answer.
    """
    owner = object()
    try:
        call = await line.place(owner)
    except LineBusy as err:
        raise NoTalk("line_busy") from err
    except TalkError as err:
        raise NoTalk("call_failed") from err
    try:
        yield LineSpeaker(line, call)
    finally:
        with suppress(TalkError):
            await line.hang_up()
