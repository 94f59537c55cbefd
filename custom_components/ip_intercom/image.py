"""Images of the last visitor, taken at a ring."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import override

from aiohttp import web
from homeassistant.components.image import ImageEntity
from homeassistant.const import Platform
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.http import current_request

from .entity import LastEventEntity, async_add_as_found
from .helpers.devices import bell_label
from .helpers.permissions import async_may_see_picture
from .media.pictures import camera_at
from .media.render import draw_placeholder
from .model.parts import Bell, BellId, PlaceId
from .model.state import State
from .model.visitors import Visitor
from .runtime import IntercomConfigEntry, IntercomRuntime
from .runtime.visitor_store import visitors_changed_at

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
            if bell.place is not None and (features.visitors is not None or camera_at(bell.place, state) is not None)
        }
        rings = any(bell.place is None for bell in state.bells.values())
        seen = features.cameras is not None and camera_at(None, state) is not None
        if rings and (seen or features.visitors is not None):
            found["last_visitor"] = partial(LastVisitorImage, runtime)
        return found

    async_add_as_found(Platform.IMAGE, entry, async_add_entities, find)


class LastVisitorImage(LastEventEntity, ImageEntity):
    """The image of the last visitor."""

    _attr_translation_key = "last_visitor"
    _attr_content_type = "image/jpeg"

    def __init__(
        self,
        runtime: IntercomRuntime,
        key: str = "last_visitor",
        place: PlaceId | None = None,
        bell: BellId | None = None,
    ) -> None:
        LastEventEntity.__init__(self, runtime, key, place)
        ImageEntity.__init__(self, runtime.coordinator.hass)
        self._bell_id = bell
        if (stored := self._visitor) is not None:
            self._attr_image_last_updated = stored.taken

    @property
    def _visitor(self) -> Visitor | None:
        return self.runtime.visitors.last(self._bell_id)

    @callback
    @override
    def async_listen(self) -> Iterable[CALLBACK_TYPE]:
        signal = visitors_changed_at(self.coordinator.config_entry.entry_id)
        yield async_dispatcher_connect(self.hass, signal, self._async_visitors_changed)

    @callback
    def _async_visitors_changed(self) -> None:
        visitor, shown = self._visitor, self._attr_image_last_updated
        if visitor is None or visitor.taken is None or (shown is not None and visitor.taken <= shown):
            return
        self._attr_image_last_updated = visitor.taken
        self.async_write_ha_state()

    @override
    async def async_image(self) -> bytes | None:
        """Return the last picture, or a placeholder without one."""
        if async_may_see_picture(self.entity_id):
            visitor = self._visitor
            picture = None if visitor is None else await self.runtime.visitors.async_picture(visitor.id)
            return picture or await self.hass.async_add_executor_job(draw_placeholder)
        request = current_request.get()
        if request is not None and "image_proxy_stream" in request.path:
            return None  # the response has started, so the only possible error is the end of the stream
        raise web.HTTPForbidden

    @override
    async def async_removed_from_registry(self) -> None:
        """Delete the stored visitors."""
        await self.runtime.visitors.async_forget(self._bell_id)


class BellVisitorImage(LastVisitorImage):
    """The image of the last visitor at the bell of a place."""

    def __init__(self, runtime: IntercomRuntime, bell: Bell) -> None:
        super().__init__(runtime, f"bell_{bell.id}_last_visitor", bell.place, bell.id)
        if (label := bell_label(bell, runtime.coordinator.data.bells.values())) is not None:
            self._attr_translation_key = "last_visitor_named"
            self._attr_translation_placeholders = {"name": label}
