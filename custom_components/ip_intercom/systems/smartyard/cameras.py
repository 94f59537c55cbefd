"""Images, streams, and recordings of cameras on any server (field notes 6)."""

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
from .recordings import Recordings, Span, film_in
from .server_time import ServerTime
from .topology import AccountTopology

# Seconds for which no other token is asked for where the new one was refused as well: the camera may be broken.
_HOPELESS = 60.0
# Seconds to wait for each list of them.
_PATIENCE = 10.0


class Feeds:
    """The cameras with their tokens, of which some last but shortly.

    Args:
        yard: Asked.
        town: Returns what there is.
        monotonic: A clock in seconds.
    """

    def __init__(
        self, yard: SmartYard, topology: Callable[[], AccountTopology], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._yard = yard
        self._topology = topology
        self._monotonic = monotonic
        self._renewed: dict[CameraId, str] = {}
        # How often.
        self._renewals = 0
        # Until when.
        self._hopeless: dict[CameraId, float] = {}
        self._turn = asyncio.Lock()

    def get(self, camera: CameraId) -> ApiCamera:
        """Return a camera."""
        if (found := self._topology().feeds.get(camera)) is None:
            raise NoData("no such camera")
        return replace(found, token=self._renewed.get(camera, found.token))

    def forget(self) -> None:
        """Go by the tokens that were found last."""
        self._renewed, self._hopeless = {}, {}

    async def with_token[T](self, camera: CameraId, use: Callable[[ApiCamera], Awaitable[T]]) -> T:
        """Return what ``use`` returns, with a new token where the old one is refused."""
        known, renewals = self.get(camera), self._renewals
        try:
            return await use(known)
        except StreamRefused:
            if self._hopeless.get(camera, -inf) > self._monotonic():
                raise
            async with self._turn:  # a page of cameras asks once for all of them, be the tokens new or not
                if self._renewals == renewals and self.get(camera).token == known.token:
                    await self._renew(camera)
        try:
            return await use(self.get(camera))
        except StreamRefused:
            self._hopeless[camera] = self._monotonic() + _HOPELESS
            raise

    async def _renew(self, camera: CameraId) -> None:
        """Ask for the tokens of all cameras: one list has those of intercoms, the other all others."""
        # Where one list does not answer, the other one may have the token.
        reader = PartReader()
        reader.begin(_PATIENCE)
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
    """Pictures and streams.

    Args:
        session: For requests to the servers of cameras.
        feeds: The cameras.
        time: The server's.
        verify: Check the certificates of those servers.
    """

    def __init__(self, session: ClientSession, feeds: Feeds, time: ServerTime, *, verify: bool) -> None:
        self._session = session
        self._feeds = feeds
        self._time = time
        self._verify = verify

    async def snapshot(self, camera: CameraId, width: int | None, height: int | None, seconds_back: int = 0) -> bytes:
        """Return a picture as it is now, of the size that the server has: a JPEG, or an MP4 of it (field notes 6)."""
        return await self._feeds.with_token(camera, self._picture)

    async def _picture(self, camera: ApiCamera) -> bytes:
        now = datetime.now(self._time.zone)
        found = await still(self._session, camera, now=now, verify=self._verify)
        if found.image is not None:
            return found.image
        assert found.url is not None
        return await preview(self._session, found.url, verify=self._verify)

    def mjpeg(self, camera: CameraId) -> AbstractAsyncContextManager[MjpegStream]:
        """Refuse: no server has it."""
        raise NotSupported("no motion JPEG")

    def streams(self, camera: CameraId) -> bool:
        """Return True: every kind of server streams."""
        return True

    async def stream_address(self, camera: CameraId) -> str | None:
        """Return the playlist, with the token that gives access to the camera."""
        return await self._feeds.with_token(camera, self._playlist)

    async def _playlist(self, camera: ApiCamera) -> str:
        url = await live_url(self._session, camera, verify=self._verify)
        await check(self._session, url, verify=self._verify)
        return str(url)


class SmartYardArchive:
    """What was recorded.

    Args:
        yard: Asked.
        feeds: The cameras.
        time: The server's.
        recordings: Those that were asked for.
        changed: Called when there is another one.
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
        """Return from when to when there are recordings; nothing for servers that tell only the apps."""
        found = await self._yard.cameras.ranges(self._id(camera))
        spans = sorted((span.begin, span.duration) for archive in found for span in archive.ranges)
        return tuple(pair for begin, duration in spans if (pair := _span(begin, duration)) is not None)

    async def prepare(self, camera: CameraId, start: datetime, end: datetime) -> str:
        """Have a recording made ready; a message tells when it is."""
        span = Span(self._feeds.get(camera).name, self._time.local(start), self._time.local(end))
        made = await self._yard.cameras.prepare(self._id(camera), self._time.local(start), self._time.local(end))
        if made is None:
            raise UnexpectedReply("the server does not tell which recording it makes")
        self.recordings.asked(made, span)
        self._changed()
        return made

    @asynccontextmanager
    async def download(self, recording: str) -> AsyncIterator[ByteStream]:
        """Open a recording.

        Args:
            recording: What ``prepare`` returned, or the message of its being ready, or the address or id in it: some
                servers say nowhere else where it is.
        """
        async with self._yard.films.open(await self._where(recording)) as film:
            yield film

    async def _where(self, recording: str) -> str:
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
            raise NotSupported("the server does not tell the id of this camera")
        return found


def _span(begin: int, duration: int) -> tuple[datetime, datetime] | None:
    start, end = instant(begin), instant(begin + duration)
    return None if start is None or end is None else (start, end)
