"""Talk at the doors of an account: by the call of a visitor, whose SIP account came with the push."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial

from ...model.parts import BellId, CallState, CameraId
from ...model.talk import CallFailure, Speaker, TalkReason, TalkReport, TalkRoute, TalkStatus, unavailable
from ...talk.stills import StillsVideo
from ..common.errors import IntercomError, NoTalk
from ..common.talk import TalkFeeds, call_for_sound
from .cameras import SmartYardCameras
from .client import SmartYard
from .topology import AccountTopology
from .visitor_calls import VisitorCall, VisitorCalls


class SmartYardTalk:
    """The feature ``talk``: sound reaches a door while a visitor calls there, because no door can be called.

    Until then, cameras keep the streams of the operator. From a ring on, the stream is one of this host: the video of the
    call, or the live pictures that the server has for the apps of a ring.

    Args:
        calls: The calls of visitors.
        pushes: Pushes are configured; without them, no call arrives.

    Attributes:
        called: As in ``CallingTalk``.
    """

    def __init__(
        self,
        yard: SmartYard,
        topology: Callable[[], AccountTopology],
        cameras: SmartYardCameras,
        calls: VisitorCalls,
        *,
        pushes: bool,
    ) -> None:
        self._images = yard.images
        self._topology = topology
        self._cameras = cameras
        self._calls = calls
        self._pushes = pushes
        self._feeds = TalkFeeds()
        self.called: Callable[[CameraId, CallFailure | None], None] | None = None
        calls.called = self._tell
        # The last ring without live pictures.
        self._dark: VisitorCall | None = None

    def _tell(self, bell: BellId, failure: CallFailure | None) -> None:
        """Report a call at the first camera of a bell."""
        camera = next((camera for camera, own in self._bells().items() if own == bell), None)
        if self.called is not None and camera is not None:
            self.called(camera, failure)

    @property
    def changed(self) -> Callable[[], None] | None:
        """Called when a status may have changed."""
        return self._calls.changed

    @changed.setter
    def changed(self, listener: Callable[[], None] | None) -> None:
        self._calls.changed = listener

    async def check(self) -> Mapping[CameraId, TalkStatus]:
        """Return how to talk at the cameras of intercoms; nothing is requested."""
        bells = self._bells()
        if not self._pushes:
            return dict.fromkeys(bells or ("",), unavailable(TalkReason.NO_PUSHES))
        if (failure := self._calls.failure) is not None:
            return dict.fromkeys(bells or ("",), unavailable(failure))
        return {
            camera: TalkStatus(TalkRoute.SIP_ACCOUNT, ready=self._calls.ring_at(bell) is not None)
            for camera, bell in bells.items()
        } or {"": TalkStatus(TalkRoute.SIP_ACCOUNT, ready=False)}

    async def stream_address(self, camera: CameraId) -> str | None:
        """Return the address of the stream at this host while a visitor calls; None at other times."""
        bell = self._bells().get(camera)
        if bell is None or self._calls.ring_at(bell) is None:
            return None
        source = partial(StillsVideo, partial(self._still, camera, bell))
        return await self._feeds.address(camera, source, self._calls.line(bell))

    def speaker(self, camera: CameraId) -> AbstractAsyncContextManager[Speaker]:
        """Answer the visitor at a camera, and hang up at the end; raises NoTalk."""
        if (bell := self._bells().get(camera)) is None:
            raise NoTalk("call_failed")
        return call_for_sound(self._calls.line(bell))

    def examine(self) -> TalkReport:
        """Return how the lines of all bells are."""
        lines = {camera: self._calls.examine(bell) for camera, bell in self._bells().items()}
        return TalkReport(lines, self._calls.ignored)

    async def close(self) -> None:
        """End the calls and the streams."""
        await self._calls.close()
        await self._feeds.close()

    def _bells(self) -> dict[CameraId, BellId]:
        """Return the bell of each camera of an intercom."""
        topology = self._topology()
        at = {bell.place: bell.id for bell in topology.bells.values()}
        return {camera.id: at[camera.place] for camera in topology.cameras.values() if camera.place in at}

    async def _still(self, camera: CameraId, bell: BellId) -> bytes | None:
        """Return a picture of now; None if there is none, or the call has a video of its own."""
        ring = self._calls.ring_at(bell)
        if ring is not None and ring.call is not None and ring.state is CallState.CONNECTED and ring.call.video:
            return None
        if ring is not None and ring.key is not None and ring is not self._dark:
            with suppress(IntercomError):
                return await self._images.live(ring.key)
            self._dark = ring
        with suppress(IntercomError):
            return await self._cameras.snapshot(camera, None, None)
        return None
