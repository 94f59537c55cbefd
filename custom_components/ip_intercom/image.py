"""The last visitor: a picture taken when somebody rings."""

from collections.abc import Callable, Iterable
from functools import partial
import logging
from typing import override

from homeassistant.components.image import ImageEntity
from homeassistant.const import Platform
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .coordinator import IntercomConfigEntry, IntercomCoordinator
from .entity import IntercomEntity, async_add_as_found
from .model import State
from .rings import Ring

_LOGGER = logging.getLogger(__name__)

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant, entry: IntercomConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the picture of the last visitor where there is a camera."""
    coordinator = entry.runtime_data

    def find(state: State) -> dict[str, Callable[[], LastVisitorImage]]:
        rings = state.cameras and state.bells and coordinator.facets.cameras is not None
        return {"last_visitor": partial(LastVisitorImage, coordinator)} if rings else {}

    async_add_as_found(Platform.IMAGE, entry, async_add_entities, find)


class LastVisitorImage(IntercomEntity, ImageEntity):
    """The picture of whoever rang last."""

    _attr_translation_key = "last_visitor"
    _attr_content_type = "image/jpeg"

    def __init__(self, coordinator: IntercomCoordinator) -> None:
        """Take pictures with the first camera."""
        IntercomEntity.__init__(self, coordinator, "last_visitor")
        ImageEntity.__init__(self, coordinator.hass)
        self._picture: bytes | None = None
        self._ring: Ring | None = None

    @callback
    @override
    def async_listen(self) -> Iterable[CALLBACK_TYPE]:
        yield self.coordinator.feed.async_listen_ring(None, self._async_rang)

    @callback
    def _async_rang(self, ring: Ring) -> None:
        self._ring = ring
        self.coordinator.config_entry.async_create_background_task(
            self.hass, self._async_take(ring), f"picture of the visitor at {self.coordinator.name}"
        )

    async def _async_take(self, ring: Ring) -> None:
        cameras, camera = self.coordinator.facets.cameras, next(iter(self.coordinator.data.cameras), None)
        if cameras is None or camera is None:
            return
        try:
            # Whoever pressed may have turned away by the time that the event arrives.
            picture = await self.coordinator.async_command(cameras.snapshot(camera, None, None, int(ring.age)))
        except HomeAssistantError as err:
            _LOGGER.debug("No picture of the visitor: %s", err)
            return
        if self._ring is not ring:
            return  # somebody else rang meanwhile
        self._picture = picture
        self._attr_image_last_updated = dt_util.utcnow()
        self.async_write_ha_state()

    @override
    async def async_image(self) -> bytes | None:
        """Return the picture, None where nobody has rung since the start."""
        return self._picture
