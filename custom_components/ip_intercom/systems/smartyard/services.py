"""The actions that only a SmartYard account has: door codes, guests, journals, watches, messages, and recordings."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonArrayType, JsonObjectType
import probatio as vol

from ...coordinator import IntercomCoordinator
from ...helpers.devices import parts_around
from ...helpers.errors import request_refused
from ...model.parts import BellId, Camera, CameraId, PlaceId
from ...model.state import State
from ...runtime import IntercomRuntime
from ...services.access import access_rows, async_renew_door_code
from ...services.base import Action, Data, Fields, Needs, target_place
from ...services.files import ATTR_FILENAME, ATTR_OVERWRITE, TARGET, async_save, check_writable, save_picture

if TYPE_CHECKING:
    from .system import SmartYardSystem

ATTR_CAMERA = "camera"
ATTR_COMMENT = "comment"
ATTR_DAY = "day"
ATTR_DETAIL = "detail"
ATTR_DURATION = "duration"
ATTR_EVENT = "event"
ATTR_RECORD = "record"
ATTR_UNTIL = "until"
ATTR_WATCH = "watch"

WATCHED = ("key", "app", "face", "code", "vehicle")


def _system(runtime: IntercomRuntime) -> SmartYardSystem:
    return cast("SmartYardSystem", runtime.coordinator.system)


def _async_flat(coordinator: IntercomCoordinator, data: Data) -> PlaceId:
    """Return the apartment of the targeted device, or the only one near it."""
    state = coordinator.data
    near = parts_around(target_place(coordinator, data), state.places, {flat: flat for flat in _flats(state)})
    if not near:
        raise request_refused("no_flat", device=coordinator.name)
    if len(near) > 1:
        names = (state.places[flat].name if flat in state.places else flat for flat in near)
        raise request_refused("which_flat", device=coordinator.name, flats=", ".join(sorted(names)))
    return near[0]


def _async_bells(coordinator: IntercomCoordinator, data: Data) -> list[BellId] | None:
    """Return the bells at or near the place of the targeted device; None for the device of the entry."""
    if (place := target_place(coordinator, data)) is None:
        return None
    state = coordinator.data
    return parts_around(place, state.places, {bell.id: bell.place for bell in state.bells.values()})


def _async_camera(coordinator: IntercomCoordinator, data: Data) -> CameraId:
    """Return the given camera, the one of the targeted device, or the only one near it."""
    cameras = coordinator.data.cameras
    if (wanted := data.get(ATTR_CAMERA)) is not None:
        near = [camera.id for camera in cameras.values() if wanted in {camera.id, *_names(camera, coordinator.data)}]
    else:
        where = {camera.id: camera.place for camera in cameras.values()}
        near = parts_around(target_place(coordinator, data), coordinator.data.places, where)
    if len(near) == 1:
        return near[0]
    if not cameras:
        raise request_refused("no_camera", device=coordinator.name)
    shown = [cameras[camera] for camera in near] or cameras.values()
    names = ", ".join(sorted(_named(camera, coordinator.data) for camera in shown))
    raise request_refused("which_camera", device=coordinator.name, cameras=names)


def _flats(state: State) -> list[PlaceId]:
    """Return the apartments: places with a door code or settings."""
    with_settings = (setting.place for setting in state.settings.values())
    return list(dict.fromkeys(place for place in (*state.door_codes, *with_settings) if place is not None))


def _names(camera: Camera, state: State) -> list[str]:
    """Return the names of a camera: its own, and that of its place."""
    place = state.places.get(camera.place or "")
    return [name for name in (camera.name, None if place is None else place.name) if name is not None]


def _named(camera: Camera, state: State) -> str:
    """Return the display name of a camera with its ID."""
    names = _names(camera, state)
    return f"{names[0]} ({camera.id})" if names else camera.id


async def _renew_code(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    return {"code": await async_renew_door_code(runtime, _async_flat(runtime.coordinator, data))}


async def _get_code(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    return {"code": runtime.coordinator.data.door_codes.get(_async_flat(runtime.coordinator, data))}


async def _let_guests_in(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    flat, until = _async_flat(runtime.coordinator, data), _end(data)
    await runtime.coordinator.async_command(_system(runtime).codes.let_guests_in(flat, until))
    await runtime.coordinator.async_refresh()
    return {ATTR_UNTIL: None if until is None else until.isoformat()}


def _end(data: Data) -> datetime | None:
    """Return the end of guest access, None to end it now."""
    now = dt_util.utcnow()
    if ATTR_DURATION in data:
        duration: timedelta = data[ATTR_DURATION]
        return now + duration if duration else None
    until = dt_util.as_utc(data[ATTR_UNTIL])
    if until <= now:
        raise request_refused("guests_until_past")
    return until


async def _query(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    history, flat = _system(runtime).history, _async_flat(runtime.coordinator, data)
    if ATTR_DAY not in data:
        days = await runtime.coordinator.async_command(history.days(flat))
        return {"days": {day.isoformat(): count for day, count in days.items()}}
    records = await runtime.coordinator.async_command(history.query(flat, data[ATTR_DAY]))
    return {"records": access_rows(records)}


async def _picture(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    await check_writable(runtime.coordinator.hass, data[ATTR_FILENAME], data[ATTR_OVERWRITE])
    picture = await runtime.coordinator.async_command(_system(runtime).history.picture(data[ATTR_RECORD]))
    return {"size": await save_picture(runtime.coordinator.hass, data[ATTR_FILENAME], picture, data[ATTR_OVERWRITE])}


async def _watched(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    places = runtime.coordinator.data.places
    shown = [
        {
            "id": watch.id,
            "flat": places[watch.flat].name if watch.flat in places else watch.flat,
            "event": watch.event,
            "detail": watch.detail,
            "comment": watch.comment,
        }
        for watch in await runtime.coordinator.async_command(_system(runtime).watches.query())
    ]
    return {"watches": cast(JsonArrayType, shown)}


async def _watch_add(runtime: IntercomRuntime, data: Data) -> None:
    flat = _async_flat(runtime.coordinator, data)
    await runtime.coordinator.async_command(
        _system(runtime).watches.add(flat, data[ATTR_EVENT], data[ATTR_DETAIL], data.get(ATTR_COMMENT))
    )


async def _watch_remove(runtime: IntercomRuntime, data: Data) -> None:
    await runtime.coordinator.async_command(_system(runtime).yard.address.untrack(data[ATTR_WATCH]))


async def _sip_account(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    sip, bells = _system(runtime).sip, _async_bells(runtime.coordinator, data)
    account = await runtime.coordinator.async_command(sip.support() if bells is None else sip.visitor(bells))
    return {
        **account.more,
        "server": account.server,
        "port": account.port,
        "transport": account.transport,
        "extension": account.extension,
        "password": account.password,
    }


_DURATION = vol.All(cv.positive_time_period, vol.Range(max=timedelta(days=31)))

# Actions that reveal credentials or visits require an administrator; guest access requires door control.
_FLATS_ACTIONS = (
    Action("get_door_code", _get_code, Needs.ADMIN, answers_only=True, lacking="no_flat_codes"),
    Action("renew_door_code", _renew_code, Needs.ADMIN, lacking="no_flat_codes"),
    Action(
        "let_guests_in",
        _let_guests_in,
        Needs.DOORS,
        {
            vol.Exclusive(ATTR_UNTIL, "end"): cv.datetime,
            vol.Exclusive(ATTR_DURATION, "end"): _DURATION,
        },
        rules=(cv.has_at_least_one_key(ATTR_UNTIL, ATTR_DURATION),),
        lacking="no_flat_codes",
    ),
    Action("history_query", _query, Needs.ADMIN, {vol.Optional(ATTR_DAY): cv.date}, lacking="no_history"),
    Action(
        "history_picture",
        _picture,
        Needs.ADMIN,
        {vol.Required(ATTR_RECORD): cv.string, **TARGET},
        lacking="no_history",
    ),
    Action("watches", _watched, Needs.ADMIN, lacking="no_watches"),
    Action(
        "watch_add",
        _watch_add,
        Needs.ADMIN,
        {
            vol.Required(ATTR_EVENT): vol.In(WATCHED),
            vol.Required(ATTR_DETAIL): vol.All(cv.string, vol.Length(min=1)),
            vol.Optional(ATTR_COMMENT): cv.string,
        },
        lacking="no_watches",
    ),
    Action("watch_remove", _watch_remove, Needs.ADMIN, {vol.Required(ATTR_WATCH): cv.string}, lacking="no_watches"),
    Action("sip_account", _sip_account, Needs.ADMIN, answers_only=True, lacking="no_sip_accounts"),
)


ATTR_MESSAGE = "message"


async def _mark_read(runtime: IntercomRuntime, data: Data) -> None:
    messages = _system(runtime).messages
    await runtime.coordinator.async_command(messages.mark_read(data.get(ATTR_MESSAGE)))
    await runtime.coordinator.async_read_part("unread_messages", messages.unread)


async def _mark_delivered(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    delivering = _system(runtime).yard.inbox.delivered(data[ATTR_MESSAGE])
    return {"delivered": await runtime.coordinator.async_command(delivering)}


_MESSAGES_ACTIONS = (
    Action("mark_read", _mark_read, Needs.CONTROL, {vol.Optional(ATTR_MESSAGE): cv.string}, lacking="no_messages"),
    Action(
        "mark_delivered", _mark_delivered, Needs.CONTROL, {vol.Required(ATTR_MESSAGE): cv.string}, lacking="no_messages"
    ),
)


ATTR_END = "end"
ATTR_RECORDING = "recording"
ATTR_START = "start"

_CAMERA: Fields = {vol.Optional(ATTR_CAMERA): cv.string}


async def _ranges(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    archive, camera = _system(runtime).archive, _async_camera(runtime.coordinator, data)
    ranges = await runtime.coordinator.async_command(archive.ranges(camera))
    return {
        ATTR_CAMERA: camera,
        "ranges": [{ATTR_START: start.isoformat(), ATTR_END: end.isoformat()} for start, end in ranges],
    }


async def _prepare(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    archive, camera = _system(runtime).archive, _async_camera(runtime.coordinator, data)
    start, end = dt_util.as_utc(data[ATTR_START]), dt_util.as_utc(data[ATTR_END])
    if end <= start:
        raise request_refused("recording_without_length")
    recording = await runtime.coordinator.async_command(archive.prepare(camera, start, end))
    runtime.coordinator.async_change(recordings=archive.recordings.shown)
    return {ATTR_RECORDING: recording}


async def _download(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    return await async_save(runtime, _system(runtime).archive.download(data[ATTR_RECORDING]), data)


# A saved file may be readable by others: for administrators only.
_ARCHIVE_ACTIONS = (
    Action("archive_ranges", _ranges, Needs.READ, _CAMERA, lacking="no_archive"),
    Action(
        "archive_prepare",
        _prepare,
        Needs.ADMIN,
        {**_CAMERA, vol.Required(ATTR_START): cv.datetime, vol.Required(ATTR_END): cv.datetime},
        lacking="no_archive",
    ),
    Action(
        "archive_download",
        _download,
        Needs.ADMIN,
        {vol.Required(ATTR_RECORDING): cv.string, **TARGET},
        lacking="no_archive",
    ),
)


ACTIONS = (*_FLATS_ACTIONS, *_MESSAGES_ACTIONS, *_ARCHIVE_ACTIONS)
