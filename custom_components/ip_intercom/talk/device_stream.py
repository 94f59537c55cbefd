"""The stream of a device: its video, and its sound if that is G.711."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
import logging
from typing import Final, Protocol

from .errors import RtspError, TalkError
from .rtp import RtpPacket
from .rtsp_client import RtspClient
from .rtsp_messages import is_rtcp
from .sdp import Codec, Direction, Media, SessionDescription
from .tracks import LAWS

_LOGGER = logging.getLogger(__name__)

# Seconds to connect and for a response: go2rtc waits five for the description.
_TIMEOUT: Final = 4.0
# Seconds between two attempts to connect again, and at most.
_RETRY: Final = 1.0
_RETRY_MOST: Final = 15.0


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
    """The RTSP stream of a device; a connection that is lost is established again until it is closed."""

    yields = False

    def __init__(self, address: Callable[[], Awaitable[str]]) -> None:
        """Create a closed stream; ``address`` returns the URL with the login, or raises TalkError."""
        self.on_video: Callable[[bytes], None] | None = None
        self.on_sound: Callable[[str, bytes], None] | None = None
        self._address = address
        self._client: RtspClient | None = None
        self._sound: int | None = None
        self._again: asyncio.Task[None] | None = None

    async def open(self) -> Tracks:
        """Connect and play; raises TalkError."""
        client = RtspClient(await self._address(), timeout=_TIMEOUT)
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
        self._again = asyncio.ensure_future(self._reconnect())

    async def _reconnect(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()
        pause = _RETRY
        while True:
            await asyncio.sleep(pause)
            try:
                await self.open()
            except TalkError as err:
                _LOGGER.debug("Stream of a device is not available: %s", err)
                pause = min(2 * pause, _RETRY_MOST)
            else:
                return


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
