"""Talk at a door without an audio backchannel: streams of this host for cameras, and calls by SIP.

Home Assistant calls a device without a server; it answers by itself. A device that has the address of Home Assistant as a
number of its button calls Home Assistant: its visitor is answered by the first sound of a microphone, or by *Answer*.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from errno import EADDRINUSE
import logging
from ssl import SSLContext
from zlib import crc32

from ...model.features import Cameras
from ...model.parts import CameraId
from ...model.talk import (
    CallFailure,
    LineReport,
    TalkReason,
    TalkReport,
    TalkRoute,
    TalkStatus,
    call_failure,
    unavailable,
)
from ...talk.bridge import Bridge
from ...talk.device_stream import DeviceStream, FallbackVideo, VideoSource
from ...talk.errors import CallFailed, LineBusy, TalkError
from ...talk.line import Call, Line, LineState
from ...talk.rtsp_server import RtspServer
from ...talk.sip_agent import SipAgent, SipCall, SipPeer
from ...talk.stills import StillsVideo
from ...talk.tasks import TaskSet
from .errors import ConnectionFailed, IntercomError, NoTalk

_LOGGER = logging.getLogger(__name__)

# Seconds that a device may take to answer.
_ANSWERED = 15.0
# Seconds that it may take to say that it speaks SIP: the transaction itself would take 32 (RFC 3261, 17.1.2).
_PROBED = 4.0
# The ports at which devices call Home Assistant, one for each: it has to stay the same, as users enter it.
_FIRST_PORT, _PORTS = 35_060, 1_000
# Attempts with the next port while another program has one.
_ATTEMPTS = 8
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


class DirectTalk:
    """The line to a device that is called at its own address.

    Args:
        host: The device; None if it is unknown.
        port: Its port of SIP.
        tls: TLS of its stream, as in ``RtspClient``.

    Attributes:
        line: Its calls.
        called: As in ``CallingTalk``.
    """

    def __init__(self, host: str | None, port: int, tls: SSLContext | None = None) -> None:
        self.line = Line(self._dial)
        self.called: Callable[[CameraId, CallFailure | None], None] | None = None
        report_calls(self.line, self._tell)
        # The cameras, and the one at the line; None if not known yet.
        self._cameras: Cameras | None = None
        self._camera: CameraId | None = None
        self._tls = tls
        self._peer = SipPeer(host, port) if host is not None else None
        self._feeds = TalkFeeds()
        self._agent: SipAgent | None = None
        # The call of a visitor until it is answered, and the answer in progress.
        self._visitor: SipCall | None = None
        self._answering: asyncio.Future[None] | None = None
        self._tasks = TaskSet()
        self._lock = asyncio.Lock()

    def show(self, cameras: Cameras, camera: CameraId | None) -> None:
        """Set the cameras, and the one at the line."""
        self._cameras, self._camera = cameras, camera

    def _tell(self, failure: CallFailure | None) -> None:
        if self.called is not None:
            self.called(self._camera or "", failure)

    def _source(self) -> VideoSource:
        assert self._cameras is not None and self._camera is not None
        return video_source(self._cameras, self._camera, self._tls)

    @property
    def address(self) -> str | None:
        """The SIP address of Home Assistant, for the button of the device; None while SIP is not in use."""
        return None if self._agent is None else self._agent.uri

    @property
    def is_ringing(self) -> bool:
        """Whether a visitor calls Home Assistant."""
        return self._visitor is not None and self._answering is None

    def examine(self) -> TalkReport:
        """Return how the line is."""
        error = self.line.error
        report = LineReport(self.line.state, self.is_ringing, None, None if error is None else error.word)
        return TalkReport({self._camera or "": report}, 0 if self._agent is None else self._agent.ignored)

    async def check(self) -> Mapping[CameraId, TalkStatus]:
        """Ask whether the device speaks SIP."""
        try:
            async with asyncio.timeout(_PROBED):
                await (await self._started()).probe()
        except (CallFailed, TimeoutError) as err:
            _LOGGER.debug("No SIP at the device: %r", err)
            return {self._camera or "": unavailable(TalkReason.SIP_CLOSED)}
        return {self._camera or "": TalkStatus(TalkRoute.SIP_DIRECT)}

    async def stream_address(self, camera: CameraId) -> str | None:
        """Return the address of the stream with talk at this host; None for another camera."""
        return await self._feeds.address(camera, self._source, self.line) if camera == self._camera else None

    @asynccontextmanager
    async def speaker(self, camera: CameraId) -> AsyncIterator[LineSpeaker]:
        """Call the device for an announcement, and hang up at the end."""
        if camera != self._camera:
            raise NoTalk(TalkReason.NO_SPEAKER)
        async with call_for_sound(self.line) as speaker:
            yield speaker

    async def close(self) -> None:
        """End the calls and the streams."""
        await self.line.close()
        await self._feeds.close()
        async with self._lock:
            agent, self._agent = self._agent, None
            if agent is not None:
                await agent.stop()
        await self._tasks.cancel()

    async def _started(self) -> SipAgent:
        async with self._lock:
            if self._peer is None:
                raise CallFailed("the address of the device is unknown", "no_address")
            if self._agent is None:
                self._agent = await self._start(self._peer)
            return self._agent

    async def _start(self, peer: SipPeer) -> SipAgent:
        first = crc32(f"{peer.host} {peer.port}".encode()) % _PORTS
        ports = [_FIRST_PORT + (first + number) % _PORTS for number in range(_ATTEMPTS)]
        while True:
            port = ports.pop(0) if ports else 0
            agent = SipAgent(peer, local_port=port, on_call=self._receive)
            try:
                await agent.start()
            except CallFailed as err:
                if not port or getattr(err.__cause__, "errno", None) != EADDRINUSE:
                    raise
                _LOGGER.debug("SIP port %d is not available: %s", port, err)
            else:
                return agent

    def _receive(self, call: SipCall) -> None:
        """Let a call of the device ring until the visitor is answered; one at a time."""
        if self._visitor is not None or self.line.state is not LineState.IDLE:
            self._tasks.start(call.refuse())
            return
        _LOGGER.debug("A visitor calls Home Assistant by SIP")
        self._visitor = call
        self._tasks.start(self._ring(call))

    async def _ring(self, call: SipCall) -> None:
        try:
            await call.ring()
            await call.wait_ended()
        finally:
            self._forget(call)

    def _forget(self, call: SipCall) -> None:
        if self._visitor is call:
            self._visitor = self._answering = None

    async def answer(self) -> None:
        """Answer the visitor who calls Home Assistant; all sessions may talk.

        Raises:
            NoTalk: The visitor hung up.
        """
        try:
            call = await self._answer()
        except TalkError as err:
            self.line.fail(err)
            raise NoTalk("call_failed") from err
        # A microphone may have answered at the same time.
        with suppress(LineBusy):
            self.line.adopt(call)

    async def _answer(self) -> SipCall:
        """Answer the visitor, also for several at once."""
        if (call := self._visitor) is None:
            raise CallFailed("no visitor calls", "no_visitor")
        if self._answering is None:
            self._answering = self._tasks.start(call.answer())
        answering = self._answering
        await asyncio.wait({answering})
        self._forget(call)
        answering.result()
        return call

    async def _dial(self) -> SipCall:
        if (call := self._visitor) is None:
            return await (await self._started()).call("", timeout=_ANSWERED)
        try:
            return await self._answer()
        except asyncio.CancelledError:
            # The microphone is gone before the answer.
            self._tasks.start(call.hang_up())
            raise
