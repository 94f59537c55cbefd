"""Still images of cameras, and the records of visitors and accesses with their pictures."""

from collections import deque
from collections.abc import Callable, Coroutine
from datetime import datetime
from functools import partial
from io import BytesIO
import logging
import time
from typing import Any

from homeassistant.core import callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util

from ..coordinator import IntercomCoordinator
from ..entity import require_feature
from ..helpers.errors import translated_error
from ..model.events import AccessDecided, Event
from ..model.parts import CameraId, PlaceId
from ..model.ring_detector import Ring
from ..model.state import State
from ..model.visitors import Visit, Visitor
from ..runtime import IntercomRuntime

_LOGGER = logging.getLogger(__name__)

# The type of the first box of an MP4 (ISO/IEC 14496-12), after its length.
_MARK = slice(4, 8), b"ftyp"
# Pictures of the past that wait, at most: a history can be longer than a slow device gives pictures of.
_MOST_WAITING = 100

type PictureRequest = Callable[[], Coroutine[Any, Any, bytes | None]]


def is_video(content: bytes) -> bool:
    """Return whether the content is an MP4."""
    place, mark = _MARK
    return content[place] == mark


def first_frame(video: bytes) -> bytes | None:
    """Return the first frame of a video as a JPEG, None if it cannot be decoded; slow, so it runs in the executor."""
    import av  # noqa: PLC0415  # a large library, imported in the executor for the first video

    try:
        with av.open(BytesIO(video), "r") as container:
            for frame in container.decode(video=0):
                jpeg = BytesIO()
                frame.to_image().save(jpeg, "JPEG")  # type: ignore[no-untyped-call]  # the stub lacks the type
                return jpeg.getvalue()
    except av.FFmpegError, IndexError:  # invalid, or a video without frames
        pass
    return None


async def async_still(
    coordinator: IntercomCoordinator, camera: CameraId, width: int | None, height: int | None, seconds_back: int = 0
) -> bytes:
    """Return a JPEG of the nearest available size, from ``seconds_back`` if the device supports that."""
    cameras = require_feature(coordinator, coordinator.features.cameras, "no_camera")
    content = await coordinator.async_command(cameras.snapshot(camera, width, height, seconds_back))
    if not is_video(content):
        return content
    picture = await coordinator.hass.async_add_executor_job(first_frame, content)
    if picture is None:
        raise translated_error(HomeAssistantError, "unexpected_reply", device=coordinator.name)
    return picture


def camera_at(place: PlaceId | None, state: State) -> CameraId | None:
    """Return the first camera of a place; None stands for the entry's own device."""
    return next((camera.id for camera in state.cameras.values() if camera.place == place), None)


class VisitorRecorder:
    """Stores the visits and accesses of an entry, and gets their pictures."""

    def __init__(self, runtime: IntercomRuntime) -> None:
        self._runtime = runtime
        self._coordinator = runtime.coordinator
        # Pictures of the past are requested one by one, so that they do not delay those of rings.
        self._past: deque[tuple[Visitor, PictureRequest]] = deque()
        self._is_requesting_past = False

    @callback
    def async_start(self) -> None:
        """Start to record until the entry is unloaded."""
        entry = self._coordinator.config_entry
        entry.async_on_unload(self._runtime.visits.async_listen(self._async_visited))
        entry.async_on_unload(self._runtime.events.async_listen_events(self._async_process))

    @callback
    def _async_visited(self, visit: Visit) -> None:
        row = Visitor.of_visit(visit, dt_util.utcnow())
        if row.late and not self._runtime.visitors.keeps(row.time):
            return
        visitor = self._runtime.visitors.async_put(row)
        if visitor.taken is not None:
            return
        if visit.outcome is None:
            request = (
                partial(self._async_past_picture, visit.ring, time.monotonic())
                if visit.ring.late
                else partial(self._async_ring_picture, visit.ring)
            )
            self._async_add_picture(visitor, request, past=visit.ring.late)
        elif visit.picture is not None:
            self._async_add_picture(visitor, partial(self._async_record_picture, visit.picture), past=True)

    @callback
    def _async_process(self, event: Event, _: State) -> None:
        for fact in event.facts:
            if isinstance(fact, AccessDecided) and fact.picture is not None and event.id is not None:
                row = Visitor.of_access(fact.access, event.id, dt_util.utcnow(), late=event.late)
                if self._runtime.visitors.keeps(row.time):
                    visitor = self._runtime.visitors.async_put(row)
                    if visitor.taken is None:
                        self._async_add_picture(visitor, partial(self._async_record_picture, fact.picture), past=True)

    @callback
    def _async_add_picture(self, visitor: Visitor, request: PictureRequest, *, past: bool) -> None:
        if not past:
            self._async_create_task(self._async_store(visitor, request))
            return
        if len(self._past) >= _MOST_WAITING:
            _LOGGER.debug("%s: no picture of the visitor: too many wait", self._coordinator.name)
            self._past.popleft()
        self._past.append((visitor, request))
        if not self._is_requesting_past:
            self._is_requesting_past = True
            self._async_create_task(self._async_store_past())

    @callback
    def _async_create_task(self, work: Coroutine[Any, Any, None]) -> None:
        coordinator = self._coordinator
        coordinator.config_entry.async_create_background_task(
            coordinator.hass, work, f"picture of the visitor at {coordinator.name}"
        )

    async def _async_store_past(self) -> None:
        try:
            while self._past:
                visitor, request = self._past.popleft()
                await self._async_store(visitor, request, visitor.time)
        finally:
            self._is_requesting_past = False

    async def _async_store(self, visitor: Visitor, request: PictureRequest, taken: datetime | None = None) -> None:
        await self._runtime.events.async_let_ring_pass()
        if (content := await request()) is not None:
            await self._runtime.visitors.async_put_picture(visitor.id, content, taken or dt_util.utcnow())

    async def _async_ring_picture(self, ring: Ring) -> bytes | None:
        """Return the picture that the system took, else a snapshot from the time of the ring if supported."""
        return await self._async_system_picture(ring) or await self._async_snapshot(ring, ring.age)

    async def _async_past_picture(self, ring: Ring, arrived: float) -> bytes | None:
        """Return a picture that was taken at a late ring: a snapshot of now would show a different person."""
        content = await self._async_system_picture(ring)
        cameras = self._coordinator.features.cameras
        age = ring.age + time.monotonic() - arrived
        if content is None and cameras is not None and ring.age > 0 and age <= cameras.memory:
            content = await self._async_snapshot(ring, age)
        return content

    async def _async_system_picture(self, ring: Ring) -> bytes | None:
        if ring.picture is None or (visitors := self._coordinator.features.visitors) is None:
            return None
        return await self._async_try(visitors.picture(ring.picture, live=not ring.late))

    async def _async_snapshot(self, ring: Ring, age: float) -> bytes | None:
        camera = camera_at(ring.bell.place, self._coordinator.data)
        if camera is None or self._coordinator.features.cameras is None:
            return None
        return await self._async_try(async_still(self._coordinator, camera, None, None, int(age)))

    async def _async_record_picture(self, record: str) -> bytes | None:
        pictures = self._coordinator.features.record_pictures
        return None if pictures is None else await self._async_try(pictures.picture(record))

    async def _async_try(self, request: Coroutine[Any, Any, bytes]) -> bytes | None:
        try:
            return await self._coordinator.async_command(request)
        except HomeAssistantError as err:
            _LOGGER.debug("%s: no picture of the visitor: %s", self._coordinator.name, err)
            return None
