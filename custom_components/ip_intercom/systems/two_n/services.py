"""Actions that only 2N devices have."""

import asyncio
from time import time
from typing import TYPE_CHECKING, cast
from uuid import uuid4

from homeassistant.core import callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import config_validation as cv
from homeassistant.util.json import JsonArrayType, JsonObjectType
import probatio as vol

from ...entity import require_feature
from ...helpers.errors import request_refused, translated_error
from ...model.events import Event, Occurred
from ...model.parts import Direction, Occurrence
from ...model.state import State
from ...runtime import IntercomRuntime
from ...services.base import TEXTS, Action, Data, Needs
from ...services.displays import ATTR_DISPLAY, DISPLAY, MESSAGE_SECONDS, SHOW_TIME, find_display
from ...services.files import ATTR_FILENAME, ATTR_OVERWRITE, TARGET, check_writable, payload, read, save_picture
from ..common.errors import NotSupported
from ..common.parse import instant

if TYPE_CHECKING:
    from .client import TwoNDevice
    from .client.media import Display as PanelDisplay
    from .system import TwoNSystem

ATTR_ACCESS_POINT = "access_point"
ATTR_ARRIVAL = "arrival"
ATTR_AUTOMATIC = "automatic"
ATTR_BODY = "body"
ATTR_COMPATIBLE = "compatible"
ATTR_CUSTOM = "custom"
ATTR_DATES = "dates"
ATTR_DIRECTION = "direction"
ATTR_DURATION = "duration"
ATTR_EVENT = "event"
ATTR_KEYS = "keys"
ATTR_LANGUAGE = "language"
ATTR_LOCATION = "location"
ATTR_PARAMETERS = "parameters"
ATTR_PICTURES = "pictures"
ATTR_PLATE = "plate"
ATTR_REPEAT = "repeat"
ATTR_SUBJECT = "subject"
ATTR_TEXT = "text"
ATTR_TIME_SPAN = "time_span"
ATTR_TO = "to"
ATTR_TRIGGER = "trigger"
ATTR_USER = "user"
ATTR_ZONE = "zone"

# The device rejects larger images (HTTP API 5.16.1).
_PLATE_IMAGE_LIMIT = 256 * 1024
# Values of lprDir in firmware 2.40.
_WAYS = {Direction.INCOMING: 2, Direction.OUTGOING: 3}
_IMAGE_LIMIT = 4 * 1024 * 1024
# Image types by the first bytes of a file; the device validates the content.
_IMAGE_TYPES = ((b"\xff\xd8", "image/jpeg"), (b"\x89PNG", "image/png"), (b"BM", "image/bmp"), (b"GIF8", "image/gif"))
# Two weeks (HTTP API of firmware 2.50).
_LONGEST_TEXT = 1_209_600
# Maximum duration of the device's audio test in seconds.
_TEST_PATIENCE = 60.0

_ACCESS_POINT = vol.In(("entry", "exit"))


def _device(runtime: IntercomRuntime) -> TwoNDevice:
    return cast("TwoNSystem", runtime.coordinator.system).device


def _access_point(data: Data) -> int:
    from .doors import number_of  # noqa: PLC0415  # the client is imported with the first entry only

    return number_of(data[ATTR_ACCESS_POINT])


async def _grant_access(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    require_feature(runtime.coordinator, runtime.coordinator.features.access_points, "no_access_points")
    granting = _device(runtime).access.grant(_access_point(data), data[ATTR_USER])
    grant = await runtime.coordinator.async_command(granting)
    return {"granted": grant.granted, "reason": grant.reason}


async def _grant_lift_access(runtime: IntercomRuntime, data: Data) -> None:
    lift = _device(runtime).lift
    await runtime.coordinator.async_command(lift.grant(data[ATTR_USER], data.get(ATTR_DURATION)))


async def _recognize_plate(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    image = None
    if ATTR_FILENAME in data:
        image = await read(runtime.coordinator.hass, data[ATTR_FILENAME], _PLATE_IMAGE_LIMIT)
    event, point = data.get(ATTR_EVENT) or str(uuid4()), _access_point(data)
    arrival, way = data.get(ATTR_ARRIVAL), _WAYS[data[ATTR_DIRECTION]] if ATTR_DIRECTION in data else None
    lpr = _device(runtime).lpr
    await runtime.coordinator.async_command(lpr.recognize(event, point, data[ATTR_PLATE], image, arrival, way))
    return {"event": event}


async def _plate_image(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    await check_writable(runtime.coordinator.hass, data[ATTR_FILENAME], data[ATTR_OVERWRITE])
    image = await runtime.coordinator.async_command(_device(runtime).lpr.image(data[ATTR_PLATE]))
    return {"size": await save_picture(runtime.coordinator.hass, data[ATTR_FILENAME], image, data[ATTR_OVERWRITE])}


async def _send_email(runtime: IntercomRuntime, data: Data) -> None:
    email = _device(runtime).email
    await runtime.coordinator.async_command(
        email.send(
            data[ATTR_TO], data[ATTR_SUBJECT], data.get(ATTR_BODY), data[ATTR_PICTURES], data.get(ATTR_TIME_SPAN)
        )
    )


async def _trigger_automation(runtime: IntercomRuntime, data: Data) -> None:
    parameters = {name: str(value) for name, value in data[ATTR_PARAMETERS].items()}
    await runtime.coordinator.async_command(_device(runtime).automation.trigger(data[ATTR_TRIGGER], parameters))


async def _ring_doorbell(runtime: IntercomRuntime, data: Data) -> None:
    await runtime.coordinator.async_command(_device(runtime).io.doorbell())


async def _test_audio(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    result: asyncio.Future[str | None] = runtime.coordinator.hass.loop.create_future()

    @callback
    def listen(event: Event, state: State) -> None:
        for fact in () if event.late else event.facts:
            if isinstance(fact, Occurred) and fact.occurrence is Occurrence.AUDIO_TEST and not result.done():
                result.set_result(fact.word)

    stop_listening = runtime.events.async_listen_events(listen)
    try:
        await runtime.coordinator.async_command(_device(runtime).audio.test())
        async with asyncio.timeout(_TEST_PATIENCE):
            return {"result": await result}
    except TimeoutError as err:
        raise translated_error(HomeAssistantError, "no_test_result", device=runtime.coordinator.name) from err
    finally:
        stop_listening()


async def _show_image(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    displays, target = find_display(runtime, data.get(ATTR_DISPLAY))
    image = await read(runtime.coordinator.hass, data[ATTR_FILENAME], _IMAGE_LIMIT)
    kind = next((kind for start, kind in _IMAGE_TYPES if image.startswith(start)), None)
    if kind is None:
        raise request_refused("no_image", path=data[ATTR_FILENAME])
    await runtime.coordinator.async_command(displays.show_image(target.id, image, kind, data[ATTR_DURATION] or None))
    return {"display": target.id}


async def _show_video(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    _, target = find_display(runtime, data.get(ATTR_DISPLAY))
    seconds, repeat = data.get(ATTR_DURATION) or None, data.get(ATTR_REPEAT)
    async with payload(runtime.coordinator.hass, data[ATTR_FILENAME]) as video:
        await runtime.coordinator.async_command(
            _device(runtime).display.show_video(target.id, video.file, video.name, video.size, seconds, repeat)
        )
    return {"display": target.id}


async def _clear_display(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    _, target = find_display(runtime, data.get(ATTR_DISPLAY))
    await runtime.coordinator.async_command(_device(runtime).display.clear(target.id))
    return {"display": target.id}


def _panel(runtime: IntercomRuntime) -> PanelDisplay:
    require_feature(runtime.coordinator, runtime.coordinator.features.displays, "no_display")
    return _device(runtime).display


async def _show_text(runtime: IntercomRuntime, data: Data) -> None:
    display, text = _panel(runtime), data.get(ATTR_TEXT)
    await runtime.coordinator.async_command(
        display.show_text(text, data.get(ATTR_DURATION)) if text else display.clear_text()
    )


async def _display_language(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    display = _panel(runtime)
    if ATTR_LANGUAGE in data:
        await runtime.coordinator.async_command(display.set_language(data[ATTR_LANGUAGE]))
    language = await runtime.coordinator.async_command(display.language())
    return {"language": language.current, "languages": list(language.known)}


async def _time_zone(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    system = _device(runtime).system
    if data.keys() & {ATTR_ZONE, ATTR_CUSTOM, ATTR_AUTOMATIC}:
        zone, custom, automatic = data.get(ATTR_ZONE), data.get(ATTR_CUSTOM), data.get(ATTR_AUTOMATIC, False)
        await runtime.coordinator.async_command(system.set_time_zone(zone, automatic=automatic, custom=custom))
    now = await runtime.coordinator.async_command(system.time_zone())
    known = await runtime.coordinator.async_command(system.time_zones())
    return {
        "zone": now.zone,
        "custom": now.custom,
        "automatic": now.automatic,
        "zones": list(known),
    }


async def _get_holidays(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    return {"dates": list(await runtime.coordinator.async_command(_device(runtime).config.holidays()))}


async def _set_holidays(runtime: IntercomRuntime, data: Data) -> None:
    await runtime.coordinator.async_command(_device(runtime).config.set_holidays(data[ATTR_DATES]))


async def _get_mobile_keys(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    device = _device(runtime)
    # The keys themselves are not returned.
    config = await runtime.coordinator.async_command(device.mobilekey.config())
    made = [None if (when := instant(key.ctime)) is None else when.isoformat() for key in config.keys]
    return {
        "location": config.location,
        "keys": len(made),
        "made": cast(JsonArrayType, made),
        "compatible": await runtime.coordinator.async_command(_is_compatible(device)),
    }


async def _is_compatible(device: TwoNDevice) -> bool | None:
    """Return whether phones with the legacy protocol are accepted, None before firmware 2.50."""
    try:
        return await device.mobilekey.compatibility()
    except NotSupported:
        return None


async def _set_mobile_keys(runtime: IntercomRuntime, data: Data) -> None:
    from .client.directory import MobileKey  # noqa: PLC0415  # the client is imported with the first entry only

    mobilekey = _device(runtime).mobilekey
    if data.keys() & {ATTR_LOCATION, ATTR_KEYS}:
        now = int(time())
        keys = [MobileKey("rsa", key, now) for key in data[ATTR_KEYS]] if ATTR_KEYS in data else None
        await runtime.coordinator.async_command(mobilekey.set_config(data.get(ATTR_LOCATION), keys))
    if ATTR_COMPATIBLE in data:
        await runtime.coordinator.async_command(mobilekey.set_compatibility(data[ATTR_COMPATIBLE]))


ACTIONS = (
    Action(
        "grant_access",
        _grant_access,
        Needs.DOORS,
        {vol.Optional(ATTR_ACCESS_POINT, default="entry"): _ACCESS_POINT, vol.Required(ATTR_USER): cv.string},
        lacking="no_access_points",
    ),
    Action(
        "grant_lift_access",
        _grant_lift_access,
        Needs.DOORS,
        {
            vol.Required(ATTR_USER): cv.string,
            vol.Optional(ATTR_DURATION): vol.All(vol.Coerce(int), vol.Range(min=1, max=600)),
        },
        lacking="no_lift",
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
        lacking="no_plates",
    ),
    Action(
        "plate_image",
        _plate_image,
        Needs.ADMIN,
        {vol.Required(ATTR_PLATE): cv.string, **TARGET},
        lacking="no_plates",
    ),
    Action(
        "show_image",
        _show_image,
        Needs.CONTROL,
        {
            **DISPLAY,
            vol.Required(ATTR_FILENAME): cv.string,
            vol.Optional(ATTR_DURATION, default=MESSAGE_SECONDS): SHOW_TIME,
        },
        lacking="no_display",
    ),
    Action(
        "show_video",
        _show_video,
        Needs.CONTROL,
        {
            **DISPLAY,
            vol.Required(ATTR_FILENAME): cv.string,
            vol.Optional(ATTR_DURATION): SHOW_TIME,
            vol.Optional(ATTR_REPEAT): cv.positive_int,
        },
        lacking="no_display",
    ),
    Action("clear_display", _clear_display, Needs.CONTROL, DISPLAY, lacking="no_display"),
    Action(
        "show_text",
        _show_text,
        Needs.CONTROL,
        {
            vol.Optional(ATTR_TEXT): cv.string,
            vol.Optional(ATTR_DURATION): vol.All(vol.Coerce(int), vol.Range(min=1, max=_LONGEST_TEXT)),
        },
        lacking="no_display",
    ),
    Action(
        "display_language",
        _display_language,
        Needs.CONTROL,
        {vol.Optional(ATTR_LANGUAGE): cv.string},
        lacking="no_display",
    ),
    Action(
        "time_zone",
        _time_zone,
        Needs.ADMIN,
        {
            vol.Exclusive(ATTR_ZONE, "zone"): cv.string,
            vol.Exclusive(ATTR_CUSTOM, "zone"): cv.string,
            vol.Exclusive(ATTR_AUTOMATIC, "zone"): cv.boolean,
        },
        lacking="no_settings",
    ),
    Action("get_holidays", _get_holidays, Needs.ADMIN, lacking="no_settings"),
    Action("set_holidays", _set_holidays, Needs.ADMIN, {vol.Required(ATTR_DATES): TEXTS}, lacking="no_settings"),
    Action("get_mobile_keys", _get_mobile_keys, Needs.ADMIN, lacking="no_mobile_access"),
    Action(
        "set_mobile_keys",
        _set_mobile_keys,
        Needs.ADMIN,
        {
            vol.Optional(ATTR_LOCATION): cv.string,
            vol.Optional(ATTR_KEYS): TEXTS,
            vol.Optional(ATTR_COMPATIBLE): cv.boolean,
        },
        rules=(cv.has_at_least_one_key(ATTR_LOCATION, ATTR_KEYS, ATTR_COMPATIBLE),),
        lacking="no_mobile_access",
    ),
    Action(
        "send_email",
        _send_email,
        Needs.ADMIN,
        {
            vol.Required(ATTR_TO): cv.string,
            vol.Required(ATTR_SUBJECT): cv.string,
            vol.Optional(ATTR_BODY): cv.string,
            vol.Optional(ATTR_PICTURES, default=0): vol.All(vol.Coerce(int), vol.Range(min=0, max=5)),
            vol.Optional(ATTR_TIME_SPAN): cv.positive_int,
        },
        lacking="no_mail",
    ),
    Action(
        "trigger_automation",
        _trigger_automation,
        Needs.DOORS,
        {
            vol.Required(ATTR_TRIGGER): cv.string,
            vol.Optional(ATTR_PARAMETERS, default=dict): {cv.string: vol.Any(str, int, float, bool)},
        },
        lacking="no_automation",
    ),
    Action("ring_doorbell", _ring_doorbell, Needs.CONTROL, lacking="no_doorbell"),
    Action("test_audio", _test_audio, Needs.CONTROL, lacking="no_self_test"),
)
