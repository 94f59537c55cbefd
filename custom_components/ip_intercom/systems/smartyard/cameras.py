"""Images, streams, and recordings of cameras on all types of servers (field notes 6)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime
from math import inf
import time

from aiohttp import ClientSession

from ...model.features import MjpegStream
from ...model.functions import ByteStream
from ...model.parts import CameraId
from ..common.errors import (
    InvalidRequest,
    NoData,
    NotReady,
    NotSupported,
    RecordingUnclear,
    StreamRefused,
    UnexpectedReply,
)
from ..common.parse import instant
from ..common.parts import PartReader, together
from .client import Camera as ApiCamera, SmartYard, check, live_url, still
from .client.streams import preview
from .clocks import ServerTime
from .recordings import Recordings, Span, film_in
from .topology import AccountTopology

# Seconds without another renewal after a new token was rejected too: the camera may be broken.
_RENEWAL_PAUSE = 60.0
# Timeout of each camera list in seconds.
_LIST_TIMEOUT = 10.0


class Feeds:
    """The cameras and their tokens, some of which are short-lived."""

    def __init__(self, yard: SmartYard, topology: Callable[[], AccountTopology]) -> None:
        self._yard = yard
        self._topology = topology
        self._renewed: dict[CameraId, str] = {}
        # Number of renewals.
        self._renewals = 0
        # End of the pause without renewals, by camera.
        self._paused_until: dict[CameraId, float] = {}
        self._lock = asyncio.Lock()

    def get(self, camera: CameraId) -> ApiCamera:
        """Return a camera with its current token."""
        if (found := self._topology().feeds.get(camera)) is None:
            raise NoData("no such camera")
        return replace(found, token=self._renewed.get(camera, found.token))

    def clear(self) -> None:
        """Discard renewed tokens, because the topology was read again."""
        self._renewed, self._paused_until = {}, {}

    async def with_token[T](self, camera: CameraId, use: Callable[[ApiCamera], Awaitable[T]]) -> T:
        """Return the result of ``use``, repeated with a new token if the old one is rejected."""
        known, renewals = self.get(camera), self._renewals
        try:
            return await use(known)
        except StreamRefused:
            if self._paused_until.get(camera, -inf) > time.monotonic():
                raise
            async with self._lock:  # a dashboard of cameras renews all tokens only once
                if self._renewals == renewals and self.get(camera).token == known.token:
                    await self._renew(camera)
        try:
            return await use(self.get(camera))
        except StreamRefused:
            self._paused_until[camera] = time.monotonic() + _RENEWAL_PAUSE
            raise

    async def _renew(self, camera: CameraId) -> None:
        """Renew the tokens of all cameras: those of intercoms are in one list, the others in another."""
        # If one list fails, the other may have the token.
        reader = PartReader()
        reader.begin(_LIST_TIMEOUT)
        cameras, intercoms = await together(
            reader.ask("cctv/all", self._yard.cameras.all(refresh=True)),
            reader.ask("cctv/camMap", self._yard.cameras.of_intercoms(refresh=True)),
        )
        fresh = {listed.url: listed.token for listed in cameras or ()}
        for intercom in intercoms or ():
            for listed in (intercom.camera, *intercom.alternatives):
                fresh[listed.url] = listed.token
        feeds = self._topology().feeds
        renewed = {known: fresh[event_stream.url] for known, event_stream in feeds.items() if event_stream.url in fresh}
        self._renewed |= renewed
        if camera not in renewed and reader.failures:
            raise next(iter(reader.failures.values()))
        self._renewals += 1


class SmartYardCameras:
    """Images and streams.

    Args:
        session: Session for requests to camera servers.
        time: Time of the server.
        verify: Verify the certificates of those servers.
    """

    def __init__(self, session: ClientSession, feeds: Feeds, time: ServerTime, *, verify: bool) -> None:
        self._session = session
        self._feeds = feeds
        self._time = time
        self._verify = verify
        self.memory = 0

    async def snapshot(self, camera: CameraId, width: int | None, height: int | None, seconds_back: int = 0) -> bytes:
        """Return the current image in the server's size: a JPEG, or an MP4 (field notes 6)."""
        return await self._feeds.with_token(camera, self._picture)

    async def _picture(self, camera: ApiCamera) -> bytes:
        now = datetime.now(self._time.zone)
        found = await still(self._session, camera, now=now, verify=self._verify)
        if found.image is not None:
            return found.image
        assert found.url is not None
        return await preview(self._session, found.url, verify=self._verify)

    def mjpeg(self, camera: CameraId) -> AbstractAsyncContextManager[MjpegStream]:
        """Reject: no server has motion JPEG."""
        raise NotSupported("no motion JPEG")

    def streams(self, camera: CameraId) -> bool:
        """Return True: all types of servers have streams."""
        return True

    async def stream_address(self, camera: CameraId) -> str | None:
        """Return the URL of the playlist, including the token."""
        return await self._feeds.with_token(camera, self._playlist)

    async def _playlist(self, camera: ApiCamera) -> str:
        url = await live_url(self._session, camera, verify=self._verify)
        await check(self._session, url, verify=self._verify)
        return str(url)


class SmartYardArchive:
    """The archive.

    Args:
        time: Time of the server.
        recordings: Tracks prepared recordings.
        changed: Called after a recording was requested.
    """

    def __init__(
        self, yard: SmartYard, feeds: Feeds, time: ServerTime, recordings: Recordings, changed: Callable[[], None]
    ) -> None:
        self._yard = yard
        self._feeds = feeds
        self._time = time
        self.recordings = recordings
        self._changed = changed

    async def ranges(self, camera: CameraId) -> tuple[tuple[datetime, datetime], ...]:
        """Return the recorded time ranges; empty for servers that report them only to the apps."""
        found = await self._yard.cameras.ranges(self._id(camera))
        spans = sorted((span.begin, span.duration) for archive in found for span in archive.ranges)
        return tuple(pair for begin, duration in spans if (pair := _span(begin, duration)) is not None)

    async def prepare(self, camera: CameraId, start: datetime, end: datetime) -> str:
        """Let the server prepare a recording; a message reports when it is ready."""
        span = Span(self._feeds.get(camera).name, self._time.local(start), self._time.local(end))
        made = await self._yard.cameras.prepare(self._id(camera), self._time.local(start), self._time.local(end))
        if made is None:
            raise UnexpectedReply("the response has no ID of the recording")
        self.recordings.requested(made, span)
        self._changed()
        return made

    @asynccontextmanager
    async def download(self, recording: str) -> AsyncIterator[ByteStream]:
        """Open a recording.

        Args:
            recording: Result of ``prepare``, the message that reported it as ready, or the URL or ID in that message,
                because some servers report the URL only there.
        """
        async with self._yard.films.open(await self._locate(recording)) as film:
            yield film

    async def _locate(self, recording: str) -> str:
        if any(char.isspace() for char in recording.strip()):
            return film_in(recording, self.recordings.host) or recording
        if "/" in recording:
            return recording
        if (known := self.recordings.film_of(recording)) is not None:
            return known
        with suppress(NoData, InvalidRequest):
            if (where := await self._yard.cameras.download(recording)) is not None:
                return where
        if self.recordings.is_unclear(recording):
            raise RecordingUnclear("several recordings were in preparation")
        if self.recordings.is_pending(recording):
            raise NotReady("the recording is still in preparation")
        return recording

    def _id(self, camera: CameraId) -> str:
        if not (found := self._feeds.get(camera).id):
            raise NotSupported("the server does not report the ID of this camera")
        return found


def _span(begin: int, duration: int) -> tuple[datetime, datetime] | None:
    start, end = instant(begin), instant(begin + duration)
    return None if start is None or end is None else (start, end)
