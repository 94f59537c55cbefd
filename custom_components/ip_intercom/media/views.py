"""HTTP views of voicemails and of pictures of visitors, and which visitors a user may see."""

from collections.abc import Iterable
from datetime import timedelta
from http import HTTPStatus
import logging
from urllib.parse import quote

from aiohttp import web
from homeassistant.auth.models import User
from homeassistant.auth.permissions.const import POLICY_READ
from homeassistant.components.http import KEY_HASS_USER, HomeAssistantView
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import device_registry as dr

from ..const import DOMAIN
from ..coordinator import IntercomCoordinator
from ..helpers.devices import bell_label, place_identifier
from ..helpers.permissions import async_may, async_may_see_visitors
from ..model.features import Recording
from ..model.parts import PlaceId
from ..model.visitors import Visitor
from ..runtime import IntercomRuntime

_LOGGER = logging.getLogger(__name__)

# About an hour of phone audio with 16 bits.
MAX_SIZE = 64 * 1024 * 1024
_VOICEMAIL_HEADERS = {
    "Accept-Ranges": "bytes",
    "Cache-Control": "private, no-store",
    "Content-Disposition": "inline",
    "X-Content-Type-Options": "nosniff",
}
_PICTURE_HEADERS = {
    "Cache-Control": f"private, max-age={int(timedelta(days=1).total_seconds())}",
    "Content-Disposition": "inline",
    "X-Content-Type-Options": "nosniff",
}
# The beginning of each type of image that a browser may open.
_TYPES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG": "image/png", b"GIF8": "image/gif", b"RIFF": "image/webp"}


@callback
def loaded(hass: HomeAssistant, entry_id: str) -> IntercomCoordinator | None:
    """Return the coordinator of a loaded entry of this integration."""
    entry = hass.config_entries.async_get_entry(entry_id)
    if entry is None or entry.domain != DOMAIN or entry.state is not ConfigEntryState.LOADED:
        return None
    coordinator: IntercomCoordinator = entry.runtime_data.coordinator
    return coordinator


class _TooLargeError(HomeAssistantError):
    """The recording is larger than any voicemail."""


def voicemail_path(entry_id: str, voicemail: str) -> str:
    """Return the unsigned path of a voicemail."""
    return VoicemailView.url.format(entry_id=entry_id, voicemail=quote(voicemail, safe=""))


class VoicemailView(HomeAssistantView):
    """Streams voicemails; file names of the exchange are not passed on to the browser."""

    url = f"/api/{DOMAIN}/voicemail/{{entry_id}}/{{voicemail}}"
    name = f"api:{DOMAIN}:voicemail"

    def __init__(self, hass: HomeAssistant) -> None:
        self._hass = hass

    async def get(self, request: web.Request, entry_id: str, voicemail: str) -> web.StreamResponse:
        """Send a voicemail, or the requested range of it."""
        coordinator = loaded(self._hass, entry_id)
        mailbox = None if coordinator is None else coordinator.features.voicemails
        if coordinator is not None and not async_may(
            self._hass, request[KEY_HASS_USER], POLICY_READ, coordinator.device_id
        ):
            return web.Response(status=HTTPStatus.FORBIDDEN)
        if coordinator is None or mailbox is None or voicemail not in (coordinator.data.voicemails or {}):
            return web.Response(status=HTTPStatus.NOT_FOUND)
        response: web.StreamResponse | None = None
        try:
            with coordinator.translating():
                async with mailbox.open(voicemail) as recording:
                    if "Range" in request.headers:
                        return await _part(request, recording)
                    response = web.StreamResponse(headers=_VOICEMAIL_HEADERS | {"Content-Type": _audio_type(recording)})
                    await _send(request, response, recording)
        except HomeAssistantError as err:
            _LOGGER.debug("%s: voicemail stream interrupted: %s", coordinator.name, err)
            if response is not None and response.prepared:
                # A regular end would make the file look complete.
                response.force_close()
                if request.transport is not None:
                    request.transport.abort()
                return response
            gone = isinstance(err, ServiceValidationError)
            return web.Response(status=HTTPStatus.NOT_FOUND if gone else HTTPStatus.BAD_GATEWAY)
        return response


async def _send(request: web.Request, response: web.StreamResponse, recording: Recording) -> None:
    """Stream a voicemail."""
    await response.prepare(request)
    sent = 0
    async for chunk in recording.chunks():
        sent += len(chunk)
        _check_size(sent)
        await response.write(chunk)


async def _part(request: web.Request, recording: Recording) -> web.Response:
    """Return the requested range of a voicemail: some players require range requests."""
    content = bytearray()
    async for chunk in recording.chunks():
        content += chunk
        _check_size(len(content))
    headers = _VOICEMAIL_HEADERS | {"Content-Type": _audio_type(recording)}
    try:
        start, stop, _ = request.http_range.indices(len(content))
    except ValueError:  # an invalid range is ignored
        return web.Response(body=bytes(content), headers=headers)
    if start >= stop:
        unsatisfied = {"Content-Range": f"bytes */{len(content)}"}
        return web.Response(status=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers=unsatisfied)
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(content)}"
    return web.Response(status=HTTPStatus.PARTIAL_CONTENT, body=bytes(content[start:stop]), headers=headers)


def _check_size(size: int) -> None:
    if size > MAX_SIZE:
        raise _TooLargeError("larger than any voicemail")


def _audio_type(recording: Recording) -> str:
    """Return the media type if it is audio; no other content may be opened by a browser."""
    media_type = recording.content_type.partition(";")[0].strip().lower()
    return media_type if media_type.startswith("audio/") else "application/octet-stream"


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
        return web.Response(body=picture, headers=_PICTURE_HEADERS | {"Content-Type": content_type(picture)})


def content_type(picture: bytes) -> str:
    """Return the media type of an image; a browser does not open any other content."""
    return next((kind for begin, kind in _TYPES.items() if picture.startswith(begin)), "application/octet-stream")
