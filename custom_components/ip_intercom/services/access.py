"""Actions for temporary codes, and access records as JSON."""

from collections.abc import Iterable
import re
from secrets import randbelow
from typing import cast

from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonArrayType, JsonObjectType
import probatio as vol

from ..entity import require_feature
from ..helpers.errors import request_refused
from ..model.functions import AccessRecord
from ..model.parts import PlaceId
from ..runtime import IntercomRuntime
from ..runtime.temporary_codes import TemporaryCode
from .base import TEXTS, Action, Data, Needs

ATTR_CODE = "code"
ATTR_DOORS = "doors"
ATTR_END = "end"
ATTR_ID = "id"
ATTR_NAME = "name"
ATTR_START = "start"

# Six digits without a leading zero, which a device that stores PINs as numbers would lose.
_LOWEST, _HIGHEST = 100_000, 999_999
_PIN = re.compile(r"\d{3,15}")


def access_rows(records: Iterable[AccessRecord]) -> JsonArrayType:
    """Return access records as JSON."""
    rows = [
        {
            "id": record.id,
            "time": None if record.time is None else record.time.isoformat(),
            "granted": record.granted,
            "name": record.name,
            "method": record.method,
            "door": record.door,
            "picture": record.picture,
        }
        for record in records
    ]
    return cast(JsonArrayType, rows)


async def async_renew_door_code(runtime: IntercomRuntime, flat: PlaceId) -> str:
    """Generate a new door code for an apartment, publish it, and return it."""
    coordinator = runtime.coordinator
    codes = require_feature(coordinator, coordinator.features.flat_codes, "no_flat_codes")
    code = await coordinator.async_command(codes.renew(flat))
    coordinator.async_change(door_codes={**coordinator.data.door_codes, flat: code})
    return code


async def _add(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    require_feature(runtime.coordinator, runtime.coordinator.features.codes, "no_codes")
    # Not validated by the schema, whose errors would show the code.
    pin = data.get(ATTR_CODE) or str(_LOWEST + randbelow(_HIGHEST - _LOWEST + 1))
    if _PIN.fullmatch(pin) is None:
        raise request_refused("code_not_digits")
    start = dt_util.as_utc(data[ATTR_START]) if ATTR_START in data else None
    end, doors = dt_util.as_utc(data[ATTR_END]), tuple(data.get(ATTR_DOORS, ()))
    return {**_as_json(await runtime.codes.async_add(data[ATTR_NAME], pin, start, end, doors)), ATTR_CODE: pin}


async def _remove(runtime: IntercomRuntime, data: Data) -> None:
    await runtime.codes.async_remove(data[ATTR_ID])


async def _list(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    return {"codes": cast(JsonArrayType, [_as_json(known) for known in runtime.codes.all])}


def _as_json(known: TemporaryCode) -> JsonObjectType:
    code = known.code
    return {
        "id": known.id,
        "name": code.name,
        "start": code.start.isoformat(),
        "end": code.end.isoformat(),
        "doors": list(code.doors),
        "active": known.held is not None,
    }


ACTIONS = (
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
)
