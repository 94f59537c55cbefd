"""The visitors of an entry as users see them: permissions, names, and the HTTP view of their pictures."""

from collections.abc import Iterable
from datetime import timedelta
from http import HTTPStatus

from aiohttp import web
from homeassistant.auth.models import User
from homeassistant.components.http import KEY_HASS_USER, HomeAssistantView
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr

from ..const import DOMAIN
from ..helpers.devices import bell_label, place_identifier
from ..helpers.permissions import async_may_see_visitors
from ..model.parts import PlaceId
from ..model.visitors import Visitor
from ..runtime import IntercomRuntime
from .voicemail_view import loaded

_HEADERS = {
    "Cache-Control": f"private, max-age={int(timedelta(days=1).total_seconds())}",
    "Content-Disposition": "inline",
    "X-Content-Type-Options": "nosniff",
}
# The beginning of each type of image that a browser may open.
_TYPES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG": "image/png", b"GIF8": "image/gif", b"RIFF": "image/webp"}


def visitor_path(entry_id: str, visitor: str) -> str:
    """Return the unsigned path of the picture of a visitor."""
    return VisitorView.url.format(entry_id=entry_id, visitor=visitor)


@callback
def async_device_of(runtime: IntercomRuntime, place: PlaceId | None) -> str:
    """Return the device of a place: the entry's own device for None and for a place that is gone."""
    coordinator = runtime.coordinator
    device = dr.async_get(coordinator.hass).async_get_device_by_identifier(
        place_identifier(coordinator.description.identity, place), coordinator.config_entry.entry_id
    )
    return coordinator.device_id if device is None else device.id


@callback
def async_runtime_of(hass: HomeAssistant, device_id: str) -> IntercomRuntime | None:
    """Return the runtime data of a device; None for a foreign device, or while its entry is not loaded."""
    device = dr.async_get(hass).async_get(device_id)
    coordinator = None if device is None or device.config_entry_id is None else loaded(hass, device.config_entry_id)
    return None if coordinator is None else coordinator.config_entry.runtime_data


@callback
def async_may_see_any(runtime: IntercomRuntime, user: User, device_id: str) -> bool:
    """Return whether a user may see the visitors of a device, or of a place below it."""
    hass = runtime.coordinator.hass
    devices = {device_id, *(async_device_of(runtime, place) for place in _places_at(runtime, device_id))}
    return any(async_may_see_visitors(hass, user, device) for device in devices)


@callback
def async_near(runtime: IntercomRuntime, visitors: Iterable[Visitor], device_id: str) -> list[Visitor]:
    """Return the visitors of a device and the places below it."""
    places = _places_at(runtime, device_id)
    return [visitor for visitor in visitors if device_id == runtime.coordinator.device_id or visitor.place in places]


def _places_at(runtime: IntercomRuntime, device_id: str) -> set[PlaceId]:
    """Return the place of a device and those below it; all for the entry's own device."""
    places = runtime.coordinator.data.places
    if device_id == runtime.coordinator.device_id:
        return set(places)
    found = {place for place in places if async_device_of(runtime, place) == device_id}
    while below := {place.id for place in places.values() if place.parent in found} - found:
        found |= below
    return found


@callback
def async_visible(runtime: IntercomRuntime, user: User | None) -> list[Visitor]:
    """Return the visitors that a user may see, newest first; all for None."""
    hass, visitors = runtime.coordinator.hass, runtime.visitors.newest_first
    allowed = {
        place: user is None or async_may_see_visitors(hass, user, async_device_of(runtime, place))
        for place in {visitor.place for visitor in visitors}
    }
    return [visitor for visitor in visitors if allowed[visitor.place]]


@callback
def async_bell_name(runtime: IntercomRuntime, visitor: Visitor) -> str | None:
    """Return the name of the bell or its place; None for the only bell of a device."""
    state = runtime.coordinator.data
    bell = state.bells.get(visitor.bell or "")
    if bell is not None and (label := bell_label(bell, state.bells.values())) is not None:
        return label
    place = state.places.get(visitor.place or "")
    return None if place is None else place.name


class VisitorView(HomeAssistantView):
    """Serves the pictures of visitors."""

    url = f"/api/{DOMAIN}/visitor/{{entry_id}}/{{visitor}}"
    name = f"api:{DOMAIN}:visitor"

    def __init__(self, hass: HomeAssistant) -> None:
        self._hass = hass

    async def get(self, request: web.Request, entry_id: str, visitor: str) -> web.Response:
        """Send a picture."""
        coordinator = loaded(self._hass, entry_id)
        if coordinator is None:
            return web.Response(status=HTTPStatus.NOT_FOUND)
        runtime: IntercomRuntime = coordinator.config_entry.runtime_data
        known = runtime.visitors.get(visitor)
        device = async_device_of(runtime, None if known is None else known.place)
        if not async_may_see_visitors(self._hass, request[KEY_HASS_USER], device):
            return web.Response(status=HTTPStatus.FORBIDDEN)
        if known is None or (picture := await runtime.visitors.async_picture(visitor)) is None:
            return web.Response(status=HTTPStatus.NOT_FOUND)
        return web.Response(body=picture, headers=_HEADERS | {"Content-Type": content_type(picture)})


def content_type(picture: bytes) -> str:
    """Return the media type of an image; a browser does not open any other content."""
    return next((kind for begin, kind in _TYPES.items() if picture.startswith(begin)), "application/octet-stream")
