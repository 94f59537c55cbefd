"""Actions of an apartment at its operator: door codes and guests, messages, recordings."""

from datetime import datetime, timedelta
from typing import cast

from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonArrayType, JsonObjectType
import probatio as vol

from ..entity import require_feature
from ..helpers.errors import request_refused
from ..model.parts import PlaceId
from ..model.residence import Archive, FlatCodes, History, Messages, Watches
from ..runtime import IntercomRuntime
from .base import ATTR_CAMERA, Action, Data, Fields, Needs, async_bells, async_camera, async_flat
from .captures import async_save
from .files import ATTR_FILENAME, ATTR_OVERWRITE, TARGET, check_writable, save_picture
from .lists import access_rows

ATTR_COMMENT = "comment"
ATTR_DAY = "day"
ATTR_DETAIL = "detail"
ATTR_DURATION = "duration"
ATTR_EVENT = "event"
ATTR_RECORD = "record"
ATTR_UNTIL = "until"
ATTR_WATCH = "watch"

WATCHED = ("key", "app", "face", "code", "vehicle")


def _codes(runtime: IntercomRuntime) -> FlatCodes:
    return require_feature(runtime.coordinator, runtime.coordinator.features.flat_codes, "no_flat_codes")


def _history(runtime: IntercomRuntime) -> History:
    return require_feature(runtime.coordinator, runtime.coordinator.features.history, "no_history")


def _watches(runtime: IntercomRuntime) -> Watches:
    return require_feature(runtime.coordinator, runtime.coordinator.features.watches, "no_watches")


async def async_renew_code(runtime: IntercomRuntime, flat: PlaceId) -> str:
    """Have another code made for the doors of a flat, show it, and return it."""
    code = await runtime.coordinator.async_command(_codes(runtime).renew(flat))
    runtime.coordinator.async_change(door_codes={**runtime.coordinator.data.door_codes, flat: code})
    return code


async def _renew_code(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    _codes(runtime)
    return {"code": await async_renew_code(runtime, async_flat(runtime.coordinator, data))}


async def _get_code(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    _codes(runtime)
    return {"code": runtime.coordinator.data.door_codes.get(async_flat(runtime.coordinator, data))}


async def _let_guests_in(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    codes, flat = _codes(runtime), async_flat(runtime.coordinator, data)
    until = _end(data)
    await runtime.coordinator.async_command(codes.let_guests_in(flat, until))
    await runtime.coordinator.async_refresh()
    return {ATTR_UNTIL: None if until is None else until.isoformat()}


def _end(data: Data) -> datetime | None:
    """Return until when guests come in, None for no longer."""
    now = dt_util.utcnow()
    if ATTR_DURATION in data:
        duration: timedelta = data[ATTR_DURATION]
        return now + duration if duration else None
    until = dt_util.as_utc(data[ATTR_UNTIL])
    if until <= now:
        raise request_refused("guests_until_past")
    return until


async def _query(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    history, flat = _history(runtime), async_flat(runtime.coordinator, data)
    if ATTR_DAY not in data:
        days = await runtime.coordinator.async_command(history.days(flat))
        return {"days": {day.isoformat(): count for day, count in days.items()}}
    records = await runtime.coordinator.async_command(history.query(flat, data[ATTR_DAY]))
    return {"records": access_rows(records)}


async def _picture(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    history = _history(runtime)
    await check_writable(runtime.coordinator.hass, data[ATTR_FILENAME], data[ATTR_OVERWRITE])
    picture = await runtime.coordinator.async_command(history.picture(data[ATTR_RECORD]))
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
        for watch in await runtime.coordinator.async_command(_watches(runtime).query())
    ]
    return {"watches": cast(JsonArrayType, shown)}


async def _watch_add(runtime: IntercomRuntime, data: Data) -> None:
    watches, flat = _watches(runtime), async_flat(runtime.coordinator, data)
    await runtime.coordinator.async_command(
        watches.add(flat, data[ATTR_EVENT], data[ATTR_DETAIL], data.get(ATTR_COMMENT))
    )


async def _watch_remove(runtime: IntercomRuntime, data: Data) -> None:
    await runtime.coordinator.async_command(_watches(runtime).remove(data[ATTR_WATCH]))


async def _sip_account(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    accounts = require_feature(runtime.coordinator, runtime.coordinator.features.sip_accounts, "no_sip_accounts")
    bells = async_bells(runtime.coordinator, data)
    account = await runtime.coordinator.async_command(accounts.support() if bells is None else accounts.visitor(bells))
    return {
        **account.more,
        "server": account.server,
        "port": account.port,
        "transport": account.transport,
        "extension": account.extension,
        "password": account.password,
    }


_DURATION = vol.All(cv.positive_time_period, vol.Range(max=timedelta(days=31)))

# What opens doors, visits, and watches are for administrators; guests are for users who may open the doors.
_FLATS_ACTIONS = (
    Action("get_door_code", _get_code, Needs.ADMIN, answers_only=True),
    Action("renew_door_code", _renew_code, Needs.ADMIN),
    Action(
        "let_guests_in",
        _let_guests_in,
        Needs.DOORS,
        {
            vol.Exclusive(ATTR_UNTIL, "end"): cv.datetime,
            vol.Exclusive(ATTR_DURATION, "end"): _DURATION,
        },
        rules=(cv.has_at_least_one_key(ATTR_UNTIL, ATTR_DURATION),),
    ),
    Action("history_query", _query, Needs.ADMIN, {vol.Optional(ATTR_DAY): cv.date}),
    Action(
        "history_picture",
        _picture,
        Needs.ADMIN,
        {vol.Required(ATTR_RECORD): cv.string, **TARGET},
    ),
    Action("watches", _watched, Needs.ADMIN),
    Action(
        "watch_add",
        _watch_add,
        Needs.ADMIN,
        {
            vol.Required(ATTR_EVENT): vol.In(WATCHED),
            vol.Required(ATTR_DETAIL): vol.All(cv.string, vol.Length(min=1)),
            vol.Optional(ATTR_COMMENT): cv.string,
        },
    ),
    Action("watch_remove", _watch_remove, Needs.ADMIN, {vol.Required(ATTR_WATCH): cv.string}),
    Action("sip_account", _sip_account, Needs.ADMIN, answers_only=True),
)


ATTR_MESSAGE = "message"

_TEST = "Test message of Home Assistant"


def _messages(runtime: IntercomRuntime) -> Messages:
    return require_feature(runtime.coordinator, runtime.coordinator.features.messages, "no_messages")


async def async_send_test(runtime: IntercomRuntime) -> None:
    """Have the system write to us, to see whether its messages arrive."""
    await runtime.coordinator.async_command(_messages(runtime).send_test(_TEST))


async def _mark_read(runtime: IntercomRuntime, data: Data) -> None:
    messages = _messages(runtime)
    await runtime.coordinator.async_command(messages.mark_read(data.get(ATTR_MESSAGE)))
    await runtime.coordinator.async_read_again("unread_messages", messages.unread)


async def _mark_delivered(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    return {"delivered": await runtime.coordinator.async_command(_messages(runtime).mark_delivered(data[ATTR_MESSAGE]))}


_MESSAGES_ACTIONS = (
    Action("mark_read", _mark_read, Needs.CONTROL, {vol.Optional(ATTR_MESSAGE): cv.string}),
    Action("mark_delivered", _mark_delivered, Needs.CONTROL, {vol.Required(ATTR_MESSAGE): cv.string}),
)


ATTR_END = "end"
ATTR_RECORDING = "recording"
ATTR_START = "start"

_CAMERA: Fields = {vol.Optional(ATTR_CAMERA): cv.string}


def _archive(runtime: IntercomRuntime) -> Archive:
    return require_feature(runtime.coordinator, runtime.coordinator.features.archive, "no_archive")


async def _ranges(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    archive, camera = _archive(runtime), async_camera(runtime.coordinator, data)
    ranges = await runtime.coordinator.async_command(archive.ranges(camera))
    return {
        ATTR_CAMERA: camera,
        "ranges": [{ATTR_START: start.isoformat(), ATTR_END: end.isoformat()} for start, end in ranges],
    }


async def _prepare(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    archive, camera = _archive(runtime), async_camera(runtime.coordinator, data)
    start, end = dt_util.as_utc(data[ATTR_START]), dt_util.as_utc(data[ATTR_END])
    if end <= start:
        raise request_refused("recording_without_length")
    recording = await runtime.coordinator.async_command(archive.prepare(camera, start, end))
    runtime.coordinator.async_change(recordings=archive.recordings)
    return {ATTR_RECORDING: recording}


async def _download(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    return await async_save(runtime, _archive(runtime).download(data[ATTR_RECORDING]), data)


# A file may be read by others: for administrators.
_ARCHIVE_ACTIONS = (
    Action("archive_ranges", _ranges, Needs.READ, _CAMERA),
    Action(
        "archive_prepare",
        _prepare,
        Needs.ADMIN,
        {**_CAMERA, vol.Required(ATTR_START): cv.datetime, vol.Required(ATTR_END): cv.datetime},
    ),
    Action(
        "archive_download",
        _download,
        Needs.ADMIN,
        {vol.Required(ATTR_RECORDING): cv.string, **TARGET},
    ),
)


ACTIONS = (*_FLATS_ACTIONS, *_MESSAGES_ACTIONS, *_ARCHIVE_ACTIONS)
