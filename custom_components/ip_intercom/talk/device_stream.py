"""The stream of a device, its video and G.711, and another video in its place while it is not available."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
import logging
from ssl import SSLContext
from typing import Final, Protocol

from .errors import RtspError, RtspUnauthorized, TalkError
from .h264 import InBandSets, KeyFrameGate
from .rtp import RtpPacket
from .rtsp_client import RtspClient
from .rtsp_messages import is_rtcp
from .sdp import Codec, Direction, Media, SessionDescription
from .tasks import TaskSet
from .tracks import LAWS

_LOGGER = logging.getLogger(__name__)

# Seconds to connect and for a response: go2rtc waits five for the description.
_TIMEOUT: Final = 4.0
# Seconds between two attempts to connect again, and at most.
_RETRY: Final = 1.0
_RETRY_MOST: Final = 15.0
# Seconds between two attempts if the device rejects the login: some lock the account out.
_RETRY_LOGIN: Final = 60.0
# Seconds until another video is opened, too: go2rtc waits five for the description.
_PATIENCE: Final = 2.0
# Seconds between attempts to open it.
_RETRY_SUBSTITUTE: Final = 3.0


@dataclass(frozen=True, slots=True)
class Tracks:
    """What a source has: the codec of its video, and of its sound; None if it has no G.711."""

    video: Codec
    sound: Codec | None = None


class VideoSource(Protocol):
    """Video for a bridge, and sound.

    Attributes:
        on_video: Gets RTP packets.
        on_sound: Gets the codec of G.711, and its bytes.
        yields: The video of a call is to be shown in its place.
    """

    on_video: Callable[[bytes], None] | None
    on_sound: Callable[[str, bytes], None] | None
    yields: bool

    async def open(self) -> Tracks:
        """Start, and return the tracks; raises TalkError."""

    async def close(self) -> None:
        """Stop; ``open`` may start again."""


class DeviceStream:
    """The RTSP stream of a device; a connection that is lost is established again until it is closed.

    Attributes:
        on_change: Gets None when the connection is lost, and the tracks when it is established again.
    """

    yields = False

    def __init__(self, address: Callable[[], Awaitable[str]], tls: SSLContext | None = None) -> None:
        """Create a closed stream; ``address`` returns the URL with the login, or raises TalkError; ``tls`` as in ``RtspClient``."""
        self.on_video: Callable[[bytes], None] | None = None
        self.on_sound: Callable[[str, bytes], None] | None = None
        self.on_change: Callable[[Tracks | None], None] | None = None
        self._address, self._tls = address, tls
        self._client: RtspClient | None = None
        self._sound: int | None = None
        self._again: asyncio.Task[None] | None = None

    async def open(self) -> Tracks:
        """Connect and play; raises TalkError."""
        client = RtspClient(await self._address(), timeout=_TIMEOUT, tls=self._tls)
        try:
            description = await client.describe()
            video, sound = _choose(description)
            await client.setup(video)
            self._sound = None if sound is None else await client.setup(sound)
            await client.play(self._take, lambda error: self._lost(client, error))
        except BaseException:
            await client.close()
            raise
        self._client = client
        return Tracks(video.codecs[0], sound.codecs[0] if sound else None)

    async def close(self) -> None:
        """Close the connection."""
        again, self._again = self._again, None
        if again is not None:
            again.cancel()
            with suppress(asyncio.CancelledError):
                await again
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def _take(self, track: int, packet: bytes) -> None:
        # The reports of the device fit no longer once another source was shown.
        if is_rtcp(packet):
            return
        if track != self._sound:
            if self.on_video is not None:
                self.on_video(packet)
        elif self.on_sound is not None:
            try:
                sound = RtpPacket.parse(packet)
            except TalkError:
                return
            if (law := LAWS.get(sound.payload_type)) is not None:
                self.on_sound(law, sound.payload)

    def _lost(self, client: RtspClient, error: RtspError) -> None:
        if client is not self._client:
            # It was not yet open: ``open`` raises.
            return
        _LOGGER.debug("Stream of a device lost: %s", error)
        self._tell(None)
        self.reconnect(error)

    def _tell(self, tracks: Tracks | None) -> None:
        if self.on_change is not None:
            self.on_change(tracks)

    def reconnect(self, error: BaseException | None) -> None:
        """Connect in the background after an error, again and again until that succeeds."""
        self._again = asyncio.create_task(self._reconnect(error))

    async def _reconnect(self, error: BaseException | None) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()
        pause = _RETRY_LOGIN if isinstance(error, RtspUnauthorized) else _RETRY
        while True:
            await asyncio.sleep(pause)
            try:
                tracks = await self.open()
            except TalkError as err:
                _LOGGER.debug("Stream of a device is not available: %s", err)
                pause = _RETRY_LOGIN if isinstance(err, RtspUnauthorized) else min(2 * pause, _RETRY_MOST)
            else:
                self._tell(tracks)
                return


class FallbackVideo:
    """A stream, and a substitute until it is available; a ``VideoSource``.

    Viewers see one video: the substitute ends at the first key frame of the stream. If the codecs of both differ, viewers
    keep the media that were announced when they began to watch.
    """

    def __init__(self, stream: DeviceStream, substitute: VideoSource) -> None:
        self.on_video: Callable[[bytes], None] | None = None
        self.on_sound: Callable[[str, bytes], None] | None = None
        # The substitute is shown.
        self.yields = False
        self._stream, self._substitute = stream, substitute
        # The codec that was announced to viewers.
        self._codec: Codec | None = None
        self._gate = KeyFrameGate()
        self._sets = InBandSets("")
        self._away, self._back = asyncio.Event(), asyncio.Event()
        self._tasks = TaskSet()
        stream.on_video = self._see_stream
        stream.on_sound = self._hear
        stream.on_change = self._change
        substitute.on_video = self._see_substitute

    async def open(self) -> Tracks:
        """Open the stream, or the substitute if that fails or takes long; raises TalkError if both fail."""
        opening = asyncio.create_task(self._stream.open())
        replaced: Tracks | None = None
        try:
            try:
                async with asyncio.timeout(_PATIENCE):
                    tracks = await asyncio.shield(opening)
            except (TalkError, TimeoutError) as err:
                _LOGGER.debug("Stream of a device is not available yet: %r", err)
                replaced = await self._open_substitute()
                tracks = replaced or await opening
        except BaseException:
            opening.cancel()
            await asyncio.wait({opening})
            await self._stream.close()
            raise
        self._codec = tracks.video
        self._change(None if replaced else tracks)
        self._tasks.start(self._replace(is_open=replaced is not None))
        if replaced is not None:
            if opening.cancel() or opening.exception() is not None:
                self._stream.reconnect(opening.exception() if opening.done() else None)
            else:
                self._change(opening.result())
        return tracks

    async def close(self) -> None:
        """Close both."""
        await self._tasks.cancel()
        self._away.clear()
        await self._stream.close()

    async def _open_substitute(self) -> Tracks | None:
        try:
            return await self._substitute.open()
        except TalkError as err:
            _LOGGER.debug("No video in place of the stream: %s", err)
            return None

    # ---- The stream is lost, or back ----

    def _change(self, tracks: Tracks | None) -> None:
        self._gate.close()
        if tracks is None:
            self._back.clear()
            self._away.set()
        elif not self._fits(tracks):
            _LOGGER.debug("Stream of a device is back with another codec: it is shown to the next viewers")
            self._tasks.start(self._stream.close())
        else:
            self._sets = InBandSets(tracks.video.parameters)
            if tracks.video.name != "H264":
                self._show_stream()

    def _fits(self, tracks: Tracks) -> bool:
        """Return whether viewers can decode a video."""
        return self._codec is not None and tracks.video.name == self._codec.name

    def _show_stream(self) -> None:
        self._gate.is_open, self.yields = True, False
        self._away.clear()
        self._back.set()

    async def _replace(self, *, is_open: bool) -> None:
        """Show the substitute whenever the stream is away."""
        while True:
            if not is_open:
                await self._away.wait()
                if (tracks := await self._open_substitute()) is None:
                    await asyncio.sleep(_RETRY_SUBSTITUTE)
                    continue
                if not self._fits(tracks):
                    await self._substitute.close()
                    return
            is_open = False
            try:
                self.yields = not self._back.is_set()
                await self._back.wait()
            finally:
                self.yields = False
                await self._substitute.close()

    # ---- Packets ----

    def _see_stream(self, packet: bytes) -> None:
        if not self._gate.is_open:
            if not self._gate.passes(packet):
                return
            self._show_stream()
        for part in self._sets.complete(packet):
            self._show(part)

    def _see_substitute(self, packet: bytes) -> None:
        if self.yields:
            self._show(packet)

    def _show(self, packet: bytes) -> None:
        if self.on_video is None or self._codec is None or len(packet) < 2:
            return
        if packet[1] & 0x7F != (payload := self._codec.payload):
            packet = packet[:1] + bytes((packet[1] & 0x80 | payload,)) + packet[2:]
        self.on_video(packet)

    def _hear(self, law: str, payload: bytes) -> None:
        if self.on_sound is not None:
            self.on_sound(law, payload)


def _choose(description: SessionDescription) -> tuple[Media, Media | None]:
    """Return the video, H.264 rather than others, and the sound if it is G.711."""
    shown = [medium for medium in description.media if medium.direction is not Direction.SENDONLY and medium.codecs]
    videos = [medium for medium in shown if medium.kind == "video"]
    videos.sort(key=lambda medium: medium.codecs[0].name != "H264")
    if not videos:
        raise RtspError("the device offers no video")
    sounds = [
        medium
        for medium in shown
        if medium.kind == "audio" and LAWS.get((codec := medium.codecs[0]).payload) == codec.name and codec.rate == 8000
    ]
    return videos[0], sounds[0] if sounds else None
