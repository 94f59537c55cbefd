"""Joins the RTSP sessions of a camera with the call of its door."""

import asyncio
from collections.abc import Callable
import logging
from secrets import randbelow
from typing import Final

from .device_stream import Tracks, VideoSource
from .errors import TalkError
from .h264 import KeyFrameGate, starts_key_frame
from .line import Line, LineState
from .rtp import RtpPacket
from .sdp import PCMA, PCMU, Codec, Direction, Media, SessionDescription
from .tracks import SoundTrack, VideoTrack

_LOGGER = logging.getLogger(__name__)

VIDEO: Final = 0
SOUND: Final = 1
# Seconds that the source stays open without a session: go2rtc connects again to add a track.
LINGER: Final = 5.0
# Seconds without a packet after which the video of a call has ended.
_CALL_VIDEO_GONE: Final = 2.0


class Bridge:
    """The feed of a camera: the video of its source, and the sound of the call, else of the source, else silence."""

    def __init__(self, source: VideoSource, line: Line | None) -> None:
        """Create a bridge; without a line, there is no backchannel."""
        self.line = line
        self._source = source
        self._sessions: set[BridgeSession] = set()
        self._users = 0
        self._lock = asyncio.Lock()
        self._tracks: Tracks | None = None
        self._video: VideoTrack | None = None
        self._sound: SoundTrack | None = None
        self._call_gate = KeyFrameGate()
        self._call_seen_at = float("-inf")
        # A session waits for a key frame of the call.
        self._awaits_key_frame = False
        self._closed = False
        self._linger: asyncio.TimerHandle | None = None
        self._closing: asyncio.Task[None] | None = None
        source.on_video = self._inspect
        source.on_sound = self._hear
        if line is not None:
            line.on_audio = self._hear_call
            line.on_video = self._see_call

    def open(self) -> BridgeSession:
        """Return a session for one RTSP connection."""
        return BridgeSession(self)

    async def close(self) -> None:
        """End the call, and close the source."""
        self._closed = True
        self._keep_open()
        if self._closing is not None:
            await self._closing
        if self._sound is not None:
            self._sound.stop()
        if self.line is not None:
            await self.line.close()
        self._users = 0
        await self._close_source()

    # ---- Sessions ----

    async def acquire(self) -> tuple[Tracks, SoundTrack]:
        """Open the source for a session, and return its tracks and the sound; raises TalkError."""
        self._users += 1
        self._keep_open()
        try:
            async with self._lock:
                if self._tracks is None:
                    self._tracks = await self._source.open()
                tracks = self._tracks
        except BaseException:
            self.release()
            raise
        if self._video is None:
            self._video = VideoTrack(tracks.video.rate)
        if self._sound is None:
            # It stays for the life of the bridge: go2rtc remembers the tracks.
            law = tracks.sound.name if tracks.sound else PCMU.name
            self._sound = SoundTrack(law, lambda packet: self._send(SOUND, packet))
        return tracks, self._sound

    def release(self) -> None:
        """Give up the source; the last one closes it after a while."""
        self._users -= 1
        if self._users <= 0 and self._tracks is not None and not self._closed:
            self._linger = asyncio.get_running_loop().call_later(LINGER, self._close_unused)

    def join(self, session: BridgeSession) -> None:
        """Send to a session."""
        self._sessions.add(session)
        self._awaits_key_frame = True
        if self._sound is not None:
            self._sound.start()

    def leave(self, session: BridgeSession) -> None:
        """Send no longer to a session."""
        self._sessions.discard(session)
        if not self._sessions and self._sound is not None:
            self._sound.stop()

    def _keep_open(self) -> None:
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None

    def _close_unused(self) -> None:
        self._linger = None
        self._closing = asyncio.ensure_future(self._close_source())

    async def _close_source(self) -> None:
        async with self._lock:
            if self._tracks is not None and self._users <= 0:
                self._tracks = None
                await self._source.close()

    # ---- Packets ----

    def _send(self, track: int, packet: bytes) -> None:
        for session in [*self._sessions]:
            session.send(track, packet)

    def _inspect(self, packet: bytes) -> None:
        if self._source.yields and _now() - self._call_seen_at < _CALL_VIDEO_GONE:
            return
        if self._video is not None and (stamped := self._video.restamp(packet)) is not None:
            self._send(VIDEO, stamped)

    def _see_call(self, packet: RtpPacket) -> None:
        """Show the video of the call if the source has nothing better."""
        if not self._source.yields or self._video is None or self._tracks is None:
            return
        data = packet.pack()
        if _now() - self._call_seen_at >= _CALL_VIDEO_GONE:
            self._call_gate.close()
            self._awaits_key_frame = True
        if starts_key_frame(data):
            self._awaits_key_frame = False
        elif self._awaits_key_frame and self.line is not None:
            self.line.request_key_frame()
        if self._call_gate.passes(data):
            self._call_seen_at = _now()
            if (stamped := self._video.restamp(data, self._tracks.video.payload)) is not None:
                self._send(VIDEO, stamped)

    def _hear(self, law: str, payload: bytes) -> None:
        if self._sound is not None and (self.line is None or self.line.state is not LineState.TALKING):
            self._sound.play(law, payload)

    def _hear_call(self, law: str, payload: bytes) -> None:
        if self._sound is not None:
            self._sound.play(law, payload)


class BridgeSession:
    """One RTSP session of a bridge; a ``FeedSession``."""

    def __init__(self, bridge: Bridge) -> None:
        self.send: Callable[[int, bytes], None] = _drop
        self._bridge = bridge
        self._opened: tuple[Tracks, SoundTrack] | None = None

    async def describe(self, backchannel: bool) -> SessionDescription:
        """Open the source, and return the tracks; the sound is offered from the start, the microphone if wanted."""
        if self._opened is None:
            self._opened = await self._bridge.acquire()
        tracks, sound = self._opened
        media = [
            _media("video", (tracks.video,), Direction.RECVONLY, VIDEO),
            _media("audio", (sound.codec,), Direction.RECVONLY, SOUND),
        ]
        if backchannel and self._bridge.line is not None:
            media.append(_media("audio", (PCMU, PCMA), Direction.SENDONLY, 2))
        return SessionDescription(tuple(media), "0.0.0.0", session_id=1 + randbelow(2**31), version=1, control="*")

    async def play(self, send: Callable[[int, bytes], None]) -> None:
        """Start to send."""
        self.send = send
        self._bridge.join(self)

    async def talk(self) -> None:
        """Accept the microphone; raises LineBusy."""
        if self._bridge.line is None:
            raise TalkError("the camera has no line")
        self._bridge.line.claim(self)

    def receive(self, packet: bytes) -> None:
        """Take a packet of the microphone."""
        if self._bridge.line is not None:
            self._bridge.line.receive(self, packet)

    async def close(self) -> None:
        """End the session; its call ends, too."""
        self.send = _drop
        self._bridge.leave(self)
        if self._bridge.line is not None:
            self._bridge.line.release(self)
        if self._opened is not None:
            self._opened = None
            self._bridge.release()


def _media(kind: str, codecs: tuple[Codec, ...], direction: Direction, track: int) -> Media:
    return Media(kind, 0, "RTP/AVP", codecs, direction, control=f"trackID={track}")


def _drop(track: int, packet: bytes) -> None:
    """Send nothing."""


def _now() -> float:
    return asyncio.get_running_loop().time()
