"""Apartment actions: door code, guests, history, watches, and a SIP account for phones."""

from datetime import datetime, timedelta
from typing import cast

from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonArrayType, JsonObjectType
import probatio as vol

from ..entity import require_feature
from ..helpers.errors import request_refused
from ..model import PlaceId
from ..model.residence import FlatCodes, History, Watches
from ..runtime import IntercomRuntime
from .base import Action, Data, Needs
from .files import ATTR_FILENAME, ATTR_OVERWRITE, TARGET, check_writable, save_picture
from .logs import access_rows
from .targets import async_bells, async_flat

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
ACTIONS = (
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
