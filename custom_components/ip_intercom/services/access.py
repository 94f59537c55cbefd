"""Access granted by the device's own rules: access points, elevator, license plates."""

from uuid import uuid4

from homeassistant.helpers import config_validation as cv
from homeassistant.util.json import JsonObjectType
import probatio as vol

from ..entity import require_feature
from ..model import Direction
from ..runtime import IntercomRuntime
from .base import Action, Data, Needs
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


ACTIONS = (
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
