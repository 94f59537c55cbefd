"""HTTP view of voicemails, for users with read permission and for signed links."""

from http import HTTPStatus
import logging
from urllib.parse import quote

from aiohttp import web
from homeassistant.auth.permissions.const import POLICY_READ
from homeassistant.components.http import KEY_HASS_USER, HomeAssistantView
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from ..const import DOMAIN
from ..coordinator import IntercomCoordinator
from ..helpers.permissions import async_may
from ..model.features import Recording

_LOGGER = logging.getLogger(__name__)

# About an hour of phone audio with 16 bits.
MAX_SIZE = 64 * 1024 * 1024
_HEADERS = {
    "Accept-Ranges": "bytes",
    "Cache-Control": "private, no-store",
    "Content-Disposition": "inline",
    "X-Content-Type-Options": "nosniff",
}


class _TooLargeError(HomeAssistantError):
    """The recording is larger than any voicemail."""


def voicemail_path(entry_id: str, voicemail: str) -> str:
    """Return the unsigned path of a voicemail."""
    return VoicemailView.url.format(entry_id=entry_id, voicemail=quote(voicemail, safe=""))


@callback
def loaded(hass: HomeAssistant, entry_id: str) -> IntercomCoordinator | None:
    """Return the coordinator of a loaded entry of this integration."""
    entry = hass.config_entries.async_get_entry(entry_id)
    if entry is None or entry.domain != DOMAIN or entry.state is not ConfigEntryState.LOADED:
        return None
    coordinator: IntercomCoordinator = entry.runtime_data.coordinator
    return coordinator


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
                    response = web.StreamResponse(headers=_HEADERS | {"Content-Type": _content_type(recording)})
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
    headers = _HEADERS | {"Content-Type": _content_type(recording)}
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


def _content_type(recording: Recording) -> str:
    """Return the media type if it is audio; no other content may be opened by a browser."""
    media_type = recording.content_type.partition(";")[0].strip().lower()
    return media_type if media_type.startswith("audio/") else "application/octet-stream"
