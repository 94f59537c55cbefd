"""Images of the last visitor, taken at a ring."""

from collections.abc import Callable, Coroutine, Iterable
from functools import partial
import logging
from typing import Any, override

from aiohttp import web
from homeassistant.components.image import ImageEntity
from homeassistant.const import Platform
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.http import current_request
from homeassistant.util import dt as dt_util

from .entity import LastEventEntity, async_add_as_found
from .helpers.devices import bell_label
from .helpers.permissions import async_may_see_picture
from .media.stills import async_still
from .model.parts import Bell, CameraId, PlaceId
from .model.ring_detector import Ring
from .model.state import State
from .runtime import IntercomConfigEntry, IntercomRuntime
from .runtime.visitors import VisitorPicture

_LOGGER = logging.getLogger(__name__)

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant, entry: IntercomConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add an image of the last visitor if there is a camera, and one for each bell with its own place."""
    runtime = entry.runtime_data

    def find(state: State) -> dict[str, Callable[[], LastVisitorImage]]:
        features = runtime.coordinator.features
        found: dict[str, Callable[[], LastVisitorImage]] = {
            f"bell_{bell.id}": partial(BellVisitorImage, runtime, bell)
            for bell in state.bells.values()
            if bell.place is not None and (features.visitors is not None or _camera_at(bell.place, state) is not None)
        }
        rings = any(bell.place is None for bell in state.bells.values())
        seen = features.cameras is not None and _camera_at(None, state) is not None
        if rings and (seen or features.visitors is not None):
            found["last_visitor"] = partial(LastVisitorImage, runtime)
        return found

    async_add_as_found(Platform.IMAGE, entry, async_add_entities, find)


def _camera_at(place: PlaceId | None, state: State) -> CameraId | None:
    """Return the first camera of a place; None stands for the entry's own device."""
    return next((camera.id for camera in state.cameras.values() if camera.place == place), None)


class LastVisitorImage(LastEventEntity, ImageEntity):
    """The image of the last visitor."""

    _attr_translation_key = "last_visitor"
    _attr_content_type = "image/jpeg"

    def __init__(self, runtime: IntercomRuntime, key: str = "last_visitor", place: PlaceId | None = None) -> None:
        LastEventEntity.__init__(self, runtime, key, place)
        ImageEntity.__init__(self, runtime.coordinator.hass)
        self._key = key
        self._place = place
        self._ring: Ring | None = None
        if (stored := self._picture) is not None:
            self._attr_image_last_updated = stored.taken

    @property
    def _picture(self) -> VisitorPicture | None:
        return self.runtime.pictures.get(self._key)

    @callback
    @override
    def async_listen(self) -> Iterable[CALLBACK_TYPE]:
        yield self.runtime.events.rings.async_listen(None, self._async_rang)

    @callback
    def _async_rang(self, ring: Ring) -> None:
        if ring.bell.place != self._place:
            return
        self._ring = ring
        self.coordinator.config_entry.async_create_background_task(
            self.hass, self._async_update_picture(ring), f"picture of the visitor at {self.coordinator.name}"
        )

    async def _async_update_picture(self, ring: Ring) -> None:
        await self.runtime.events.async_let_ring_pass()
        content = await self._async_system_picture(ring) or await self._async_snapshot(ring)
        if content is None or self._ring is not ring:
            return  # no image, or a newer ring
        self._attr_image_last_updated = taken = dt_util.utcnow()
        self.runtime.pictures.put(self._key, VisitorPicture(taken, content))
        self.async_write_ha_state()  # first: the disk may be slow
        await self.runtime.pictures.async_save()

    async def _async_system_picture(self, ring: Ring) -> bytes | None:
        """Return the picture that the system took; None without one."""
        if ring.picture is None or (visitors := self.coordinator.features.visitors) is None:
            return None
        return await self._async_try(self.coordinator.async_command(visitors.picture(ring.picture)))

    async def _async_snapshot(self, ring: Ring) -> bytes | None:
        """Return a snapshot from the time of the ring, if the camera supports that."""
        camera = _camera_at(self._place, self.coordinator.data)
        if camera is None or self.coordinator.features.cameras is None:
            return None
        return await self._async_try(async_still(self.runtime.coordinator, camera, None, None, int(ring.age)))

    async def _async_try(self, asking: Coroutine[Any, Any, bytes]) -> bytes | None:
        try:
            return await asking
        except HomeAssistantError as err:
            _LOGGER.debug("No image of the visitor: %s", err)
            return None

    @override
    async def async_image(self) -> bytes | None:
        """Return the last picture; None before the first ring."""
        if async_may_see_picture(self.entity_id):
            return None if self._picture is None else self._picture.content
        request = current_request.get()
        if request is not None and "image_proxy_stream" in request.path:
            return None  # the response has started, so the only possible error is the end of the stream
        raise web.HTTPForbidden

    @override
    async def async_removed_from_registry(self) -> None:
        """Delete the stored picture."""
        self.runtime.pictures.put(self._key, None)
        await self.runtime.pictures.async_save()


class BellVisitorImage(LastVisitorImage):
    """The image of the last visitor at the bell of a place."""

    def __init__(self, runtime: IntercomRuntime, bell: Bell) -> None:
        super().__init__(runtime, f"bell_{bell.id}_last_visitor", bell.place)
        self._bell = bell
        if (label := bell_label(bell, runtime.coordinator.data.bells.values())) is not None:
            self._attr_translation_key = "last_visitor_named"
            self._attr_translation_placeholders = {"name": label}

    @callback
    @override
    def _async_rang(self, ring: Ring) -> None:
        if ring.bell.id == self._bell.id:
            super()._async_rang(ring)
