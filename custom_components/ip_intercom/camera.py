"""Cameras: snapshots, motion JPEG, and video streams."""

from collections.abc import Callable, Iterable
from functools import partial
import logging
from typing import TYPE_CHECKING, override

from aiohttp import web
from homeassistant.components import camera as camera_component
from homeassistant.components.camera import Camera, CameraEntityFeature, async_get_still_stream
from homeassistant.const import Platform
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util.json import JsonObjectType

from .entity import IntercomEntity, alone, async_add_as_found, require_feature
from .helpers.devices import distinct_name
from .helpers.permissions import async_check_viewer
from .media.pictures import async_still
from .model.features import Cameras
from .model.parts import Camera as Source, CameraId
from .model.state import State
from .runtime import IntercomConfigEntry, IntercomRuntime
from .services.files import check_writable, save_picture

if TYPE_CHECKING:
    from homeassistant.components.stream import Stream

_LOGGER = logging.getLogger(__name__)

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant, entry: IntercomConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add a camera for each video source."""
    runtime = entry.runtime_data

    def find(state: State) -> dict[str, Callable[[], Camera]]:
        cameras = () if runtime.coordinator.features.cameras is None else state.cameras
        return {source: partial(IntercomCamera, runtime, source) for source in cameras}

    async_add_as_found(Platform.CAMERA, entry, async_add_entities, find)


def _is_place(camera: Source, state: State) -> bool:
    """Return whether a camera is the only part of its place, so that it takes the name of the place."""
    others = {door.place for door in state.doors.values()} | {bell.place for bell in state.bells.values()}
    return alone(camera, state.cameras.values()) and camera.place not in others


class IntercomCamera(IntercomEntity, Camera):
    """A camera of one video source."""

    shows = frozenset()

    def __init__(self, runtime: IntercomRuntime, camera: CameraId) -> None:
        cameras = runtime.coordinator.data.cameras
        source = cameras[camera]
        nameless = [other for other in cameras.values() if other.name is None]
        IntercomEntity.__init__(self, runtime, f"camera_{camera}", source.place)
        Camera.__init__(self)
        self._camera_id = camera
        self._can_talk = False
        if _is_place(source, runtime.coordinator.data):
            self._attr_name = None
        if len(cameras) == 1 or alone(source, cameras.values()) or alone(source, nameless):
            self._attr_translation_key = "camera"
        elif (name := distinct_name(source, cameras.values())) is not None:
            self._attr_translation_key = "camera_named"
            self._attr_translation_placeholders = {"name": name}
        else:
            self._attr_translation_key = "camera_source"
            self._attr_translation_placeholders = {"source": camera}
        self._update_streams()

    @override
    @callback
    def async_listen(self) -> Iterable[CALLBACK_TYPE]:
        """Follow whether talk is possible."""
        self._async_update_talk()
        return (self.runtime.talk.async_listen(self._async_talk_changed),)

    @callback
    def _async_talk_changed(self) -> None:
        features = self._attr_supported_features
        self._async_update_talk()
        if self._attr_supported_features != features:
            self.async_write_ha_state()

    def _update_streams(self) -> None:
        """Set whether there is a stream; with talk there is one, even if it is made of snapshots."""
        streams = self._can_talk or self._cameras.streams(self._camera_id)
        self._attr_supported_features = CameraEntityFeature.STREAM if streams else CameraEntityFeature(0)

    @callback
    def _async_update_talk(self) -> None:
        """Show *Start talking* if sound reaches the door; Home Assistant asks when the camera is opened."""
        could, self._can_talk = self._can_talk, self.runtime.talk.is_possible(self._camera_id)
        if could and not self._can_talk and self.stream is not None:
            self.coordinator.config_entry.async_create_background_task(
                self.hass, self._async_leave_talk(self.stream), f"stream of {self.entity_id}"
            )
        self._update_streams()
        # Home Assistant 2026.11
        if (capabilities := getattr(camera_component, "CameraEntityCapabilities", None)) is not None:
            self._attr_camera_entity_capabilities = capabilities(two_way_audio=self._can_talk)

    async def _async_leave_talk(self, stream: Stream) -> None:
        """Let a stream that is watched go on with the usual address, which may show more than that with talk."""
        try:
            source = await self.stream_source()
        except HomeAssistantError as err:
            _LOGGER.debug("%s: could not leave the stream with talk: %s", self.entity_id, err)
            return
        if source is not None and source != stream.source:
            stream.update_source(source)

    @property
    def _cameras(self) -> Cameras:
        return require_feature(self.runtime.coordinator, self.coordinator.features.cameras, "no_camera")

    @override
    async def async_camera_image(self, width: int | None = None, height: int | None = None) -> bytes | None:
        """Return a snapshot of the nearest size."""
        async_check_viewer(self.entity_id)
        return await async_still(self.runtime.coordinator, self._camera_id, width, height)

    async def async_save_snapshot(
        self, filename: str, overwrite: bool, seconds_back: int, width: int | None = None, height: int | None = None
    ) -> JsonObjectType:
        """Save a snapshot, current or from some seconds ago, to a file (action ``snapshot``)."""
        await check_writable(self.hass, filename, overwrite)
        picture = await async_still(self.runtime.coordinator, self._camera_id, width, height, seconds_back)
        return {"size": await save_picture(self.hass, filename, picture, overwrite)}

    @override
    async def stream_source(self) -> str | None:
        """Return the address of the stream, that with talk if there is one; its credentials are not those of the API."""
        if (address := await self.runtime.talk.async_stream_address(self._camera_id)) is not None:
            return address
        return await self.coordinator.async_command(self._cameras.stream_address(self._camera_id))

    @override
    async def async_create_stream(self) -> Stream | None:
        """Return the stream; an unwatched or interrupted one gets a current address first."""
        if (stream := self.stream) is not None and not (stream.outputs() and stream.available):
            await self._async_renew(stream)
        stream = await super().async_create_stream()
        if stream is not None:
            stream.set_update_callback(self._async_stream_changed)
        return stream

    @override
    async def async_will_remove_from_hass(self) -> None:
        """Stop refreshing the address of a watched stream."""
        if self.stream is not None:
            self.stream.set_update_callback(lambda: None)
        await super().async_will_remove_from_hass()

    @callback
    def _async_stream_changed(self) -> None:
        """Refresh the address of a watched stream that was interrupted, for its next restart."""
        if self.stream is not None and not self.stream.available:
            self.coordinator.config_entry.async_create_background_task(
                self.hass, self._async_try_renew(self.stream), f"stream of {self.entity_id}"
            )
        self.async_write_ha_state()

    async def _async_try_renew(self, stream: Stream) -> None:
        try:
            await self._async_renew(stream)
        except HomeAssistantError as err:
            _LOGGER.debug("%s: could not refresh the stream address: %s", self.entity_id, err)

    async def _async_renew(self, stream: Stream) -> None:
        """Refresh the address of a stream: the previous one may contain an expired token."""
        if (source := await self.stream_source()) is not None:
            stream.source = source

    @override
    async def handle_async_mjpeg_stream(self, request: web.Request) -> web.StreamResponse | None:
        """Proxy the device's motion JPEG to a client; None if it cannot be opened."""
        async_check_viewer(self.entity_id)
        response: web.StreamResponse | None = None
        try:
            with self.coordinator.translating():
                async with self._cameras.mjpeg(self._camera_id) as stream:
                    response = web.StreamResponse(headers={"Content-Type": stream.content_type})
                    await response.prepare(request)
                    async for chunk in stream.chunks():
                        await response.write(chunk)
        except HomeAssistantError as err:
            if response is None and err.translation_key == "not_supported":
                return await super().handle_async_mjpeg_stream(request)  # a stream of stills
            _LOGGER.debug("%s: motion JPEG stream ended: %s", self.entity_id, err)
        return response

    @override
    async def handle_async_still_stream(self, request: web.Request, interval: float) -> web.StreamResponse:
        """Stream stills until the first failure."""
        async_check_viewer(self.entity_id)
        return await async_get_still_stream(request, self._async_try_image, self.content_type, interval)

    async def _async_try_image(self) -> bytes | None:
        try:
            return await self.async_camera_image()
        except HomeAssistantError as err:
            _LOGGER.debug("%s: no still image: %s", self.entity_id, err)
            return None
