"""Actions for access: access points, temporary codes, cards."""

import re
from secrets import randbelow
from typing import cast
from uuid import uuid4

from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonArrayType, JsonObjectType
import probatio as vol

from ..entity import require_feature
from ..helpers.errors import request_refused
from ..model.parts import Direction
from ..runtime import IntercomRuntime
from ..runtime.temporary_codes import TemporaryCode
from .base import TEXTS, Action, Data, Needs
from .files import ATTR_FILENAME, ATTR_OVERWRITE, TARGET, check_writable, read, save_picture

ATTR_ACCESS_POINT = "access_point"
ATTR_ARRIVAL = "arrival"
ATTR_DIRECTION = "direction"
ATTR_DURATION = "duration"
ATTR_EVENT = "event"
ATTR_PLATE = "plate"
ATTR_USER = "user"

# HTTP API 5.16.1: more is refused by the device.
_PLATE_IMAGE_LIMIT = 256 * 1024
_ACCESS_POINT = vol.In(("entry", "exit"))


async def _grant_access(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    points = require_feature(runtime.coordinator, runtime.coordinator.features.access_points, "no_access_points")
    grant = await runtime.coordinator.async_command(points.grant(data[ATTR_ACCESS_POINT], data[ATTR_USER]))
    return {"granted": grant.granted, "reason": grant.reason}


async def _grant_lift_access(runtime: IntercomRuntime, data: Data) -> None:
    lift = require_feature(runtime.coordinator, runtime.coordinator.features.lift, "no_lift")
    await runtime.coordinator.async_command(lift.grant(data[ATTR_USER], data.get(ATTR_DURATION)))


async def _recognize_plate(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    plates = require_feature(runtime.coordinator, runtime.coordinator.features.plates, "no_plates")
    image = None
    if ATTR_FILENAME in data:
        image = await read(runtime.coordinator.hass, data[ATTR_FILENAME], _PLATE_IMAGE_LIMIT)
    event = data.get(ATTR_EVENT) or str(uuid4())
    await runtime.coordinator.async_command(
        plates.recognize(
            data[ATTR_ACCESS_POINT],
            data[ATTR_PLATE],
            event=event,
            image=image,
            arrival=data.get(ATTR_ARRIVAL),
            direction=data.get(ATTR_DIRECTION),
        )
    )
    return {"event": event}


async def _plate_image(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    plates = require_feature(runtime.coordinator, runtime.coordinator.features.plates, "no_plates")
    await check_writable(runtime.coordinator.hass, data[ATTR_FILENAME], data[ATTR_OVERWRITE])
    image = await runtime.coordinator.async_command(plates.image(data[ATTR_PLATE]))
    return {"size": await save_picture(runtime.coordinator.hass, data[ATTR_FILENAME], image, data[ATTR_OVERWRITE])}


_ACCESS_ACTIONS = (
    Action(
        "grant_access",
        _grant_access,
        Needs.DOORS,
        {vol.Optional(ATTR_ACCESS_POINT, default="entry"): _ACCESS_POINT, vol.Required(ATTR_USER): cv.string},
    ),
    Action(
        "grant_lift_access",
        _grant_lift_access,
        Needs.DOORS,
        {
            vol.Required(ATTR_USER): cv.string,
            vol.Optional(ATTR_DURATION): vol.All(vol.Coerce(int), vol.Range(min=1, max=600)),
        },
    ),
    Action(
        "recognize_plate",
        _recognize_plate,
        Needs.DOORS,
        {
            vol.Required(ATTR_PLATE): cv.string,
            vol.Optional(ATTR_ACCESS_POINT, default="entry"): _ACCESS_POINT,
            vol.Optional(ATTR_EVENT): cv.string,
            vol.Optional(ATTR_FILENAME): cv.string,
            vol.Optional(ATTR_ARRIVAL): cv.positive_int,
            vol.Optional(ATTR_DIRECTION): vol.Coerce(Direction),
        },
    ),
    Action(
        "plate_image",
        _plate_image,
        Needs.ADMIN,
        {vol.Required(ATTR_PLATE): cv.string, **TARGET},
    ),
)


ATTR_CODE = "code"
ATTR_DOORS = "doors"
ATTR_END = "end"
ATTR_ID = "id"
ATTR_NAME = "name"
ATTR_START = "start"

# Six digits; a device that keeps a PIN as a number loses leading zeros.
_LOWEST, _HIGHEST = 100_000, 999_999
_PIN = re.compile(r"\d{3,15}")


async def _add(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    require_feature(runtime.coordinator, runtime.coordinator.features.codes, "no_codes")
    # Not checked by the schema: its errors repeat the value.
    pin = data.get(ATTR_CODE) or str(_LOWEST + randbelow(_HIGHEST - _LOWEST + 1))
    if _PIN.fullmatch(pin) is None:
        raise request_refused("code_not_digits")
    start = dt_util.as_utc(data[ATTR_START]) if ATTR_START in data else None
    end, doors = dt_util.as_utc(data[ATTR_END]), tuple(data.get(ATTR_DOORS, ()))
    return {**_told(await runtime.codes.async_add(data[ATTR_NAME], pin, start, end, doors)), ATTR_CODE: pin}


async def _remove(runtime: IntercomRuntime, data: Data) -> None:
    await runtime.codes.async_remove(data[ATTR_ID])


async def _list(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    return {"codes": cast(JsonArrayType, [_told(known) for known in runtime.codes.all])}


async def _scan_card(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    reader = require_feature(runtime.coordinator, runtime.coordinator.features.card_reader, "no_card_reader")
    return {"card": await runtime.coordinator.async_command(reader.scan())}


def _told(known: TemporaryCode) -> JsonObjectType:
    code = known.code
    return {
        "id": known.id,
        "name": code.name,
        "start": code.start.isoformat(),
        "end": code.end.isoformat(),
        "doors": list(code.doors),
        "active": known.held is not None,
    }


_CODES_ACTIONS = (
    Action(
        "add_temporary_code",
        _add,
        Needs.ADMIN,
        {
            vol.Required(ATTR_NAME): cv.string,
            vol.Required(ATTR_END): cv.datetime,
            vol.Optional(ATTR_START): cv.datetime,
            vol.Optional(ATTR_CODE): cv.string,
            vol.Optional(ATTR_DOORS): TEXTS,
        },
    ),
    Action("remove_temporary_code", _remove, Needs.ADMIN, {vol.Required(ATTR_ID): cv.string}),
    Action("list_temporary_codes", _list, Needs.ADMIN),
    Action("scan_card", _scan_card, Needs.ADMIN),
)


ACTIONS = (*_ACCESS_ACTIONS, *_CODES_ACTIONS)
