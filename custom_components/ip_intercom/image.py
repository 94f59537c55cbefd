"""The last visitor: a picture taken when somebody rings."""

from collections.abc import Iterable
import logging
from typing import override

from homeassistant.components.image import ImageEntity
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .coordinator import IntercomConfigEntry, IntercomCoordinator
from .entity import IntercomEntity
from .facets import Cameras
from .model import CameraId
from .rings import Ring

_LOGGER = logging.getLogger(__name__)

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant, entry: IntercomConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the picture of the last visitor where there is a camera."""
    coordinator = entry.runtime_data
    cameras = coordinator.system.cameras
    camera = next(iter(coordinator.data.cameras), None)
    if cameras is not None and camera is not None:
        async_add_entities([LastVisitorImage(coordinator, cameras, camera)])


class LastVisitorImage(IntercomEntity, ImageEntity):
    """The picture of whoever rang last."""

    _attr_translation_key = "last_visitor"
    _attr_content_type = "image/jpeg"

    def __init__(self, coordinator: IntercomCoordinator, cameras: Cameras, camera: CameraId) -> None:
        """Take pictures with ``camera``."""
        IntercomEntity.__init__(self, coordinator, "last_visitor")
        ImageEntity.__init__(self, coordinator.hass)
        self._cameras = cameras
        self._camera_id = camera
        self._picture: bytes | None = None

    @callback
    @override
    def async_listen(self) -> Iterable[CALLBACK_TYPE]:
        yield self.coordinator.feed.async_listen_ring(None, self._async_rang)

    @callback
    def _async_rang(self, ring: Ring) -> None:
        self.coordinator.config_entry.async_create_background_task(
            self.hass, self._async_take(), f"picture of the visitor at {self.coordinator.name}"
        )

    async def _async_take(self) -> None:
        try:
            picture = await self.coordinator.async_command(self._cameras.snapshot(self._camera_id, None, None))
        except HomeAssistantError as err:
            _LOGGER.debug("No picture of the visitor: %s", err)
            return
        self._picture = picture
        self._attr_image_last_updated = dt_util.utcnow()
        self.async_write_ha_state()

    @override
    async def async_image(self) -> bytes | None:
        """Return the picture, None where nobody has rung since the start."""
        return self._picture
