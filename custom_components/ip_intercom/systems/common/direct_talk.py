"""Talk by a SIP call to the device itself, which answers by itself; no server is needed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
import logging

from ...model.parts import CameraId
from ...model.talk import TalkReason, TalkRoute, TalkStatus, unavailable
from ...talk.device_stream import VideoSource
from ...talk.errors import CallFailed
from ...talk.line import Line
from ...talk.sip_agent import SipAgent, SipCall, SipPeer
from .errors import NoTalk
from .line_speaker import LineSpeaker, call_for_sound
from .talk_feeds import TalkFeeds

_LOGGER = logging.getLogger(__name__)

# Seconds that a device may take to answer.
_ANSWERED = 15.0
# Seconds that it may take to say that it speaks SIP: the transaction itself would take 32 (RFC 3261, 17.1.2).
_PROBED = 4.0


class DirectTalk:
    """The line to a device that is called at its own address.

    Args:
        host: The device; None if it is unknown.
        port: Its port of SIP.
        source: Returns the video of its camera.

    Attributes:
        camera: The camera at the line; None if not known yet.
        line: Its calls.
    """

    def __init__(self, host: str | None, port: int, source: Callable[[], VideoSource]) -> None:
        self.camera: CameraId | None = None
        self.line = Line(self._dial)
        self._peer = SipPeer(host, port) if host is not None else None
        self._source = source
        self._feeds = TalkFeeds()
        self._agent: SipAgent | None = None
        self._lock = asyncio.Lock()

    @property
    def ignored(self) -> int:
        """The number of packets that came from strangers."""
        return 0 if self._agent is None else self._agent.ignored

    async def check(self) -> Mapping[CameraId, TalkStatus]:
        """Ask whether the device speaks SIP."""
        try:
            async with asyncio.timeout(_PROBED):
                await (await self._started()).probe()
        except (CallFailed, TimeoutError) as err:
            _LOGGER.debug("No SIP at the device: %r", err)
            return {self.camera or "": unavailable(TalkReason.SIP_CLOSED)}
        return {self.camera or "": TalkStatus(TalkRoute.SIP_DIRECT)}

    async def stream_address(self, camera: CameraId) -> str | None:
        """Return the address of the stream with talk at this host; None for another camera."""
        return await self._feeds.address(camera, self._source, self.line) if camera == self.camera else None

    @asynccontextmanager
    async def speaker(self, camera: CameraId) -> AsyncIterator[LineSpeaker]:
        """Call the device for an announcement, and hang up at the end."""
        if camera != self.camera:
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

    async def _started(self) -> SipAgent:
        async with self._lock:
            if self._peer is None:
                raise CallFailed("the address of the device is unknown")
            if self._agent is None:
                agent = SipAgent(self._peer)
                await agent.start()
                self._agent = agent
            return self._agent

    async def _dial(self) -> SipCall:
        return await (await self._started()).call("", timeout=_ANSWERED)
