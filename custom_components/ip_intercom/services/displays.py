"""Displays: messages drawn as images, images and videos from files, texts, and the language."""

from homeassistant.helpers import config_validation as cv
from homeassistant.util.json import JsonObjectType
import probatio as vol

from ..entity import require_feature
from ..helpers.errors import request_refused
from ..model.functions import Displays
from ..model.parts import Display, DisplayId
from ..runtime import IntercomRuntime
from .base import Action, Data, Fields, Needs
from .files import ATTR_FILENAME, payload, read

ATTR_DISPLAY = "display"
ATTR_DURATION = "duration"
ATTR_LANGUAGE = "language"
ATTR_MESSAGE = "message"
ATTR_REPEAT = "repeat"
ATTR_TEXT = "text"
ATTR_TITLE = "title"

# Default duration of a message: long enough to read, and then the display is free again.
MESSAGE_SECONDS = 60.0
_IMAGE_LIMIT = 4 * 1024 * 1024
# By the first bytes of a file; what the device makes of them is for it to say.
_IMAGE_TYPES = ((b"\xff\xd8", "image/jpeg"), (b"\x89PNG", "image/png"), (b"BM", "image/bmp"), (b"GIF8", "image/gif"))

_DISPLAY: Fields = {vol.Optional(ATTR_DISPLAY): cv.string}
# Two weeks (2N HTTP API of firmware 2.50).
_LONGEST_TEXT = 1_209_600
# 0 means until it is cleared.
_DURATION = vol.All(vol.Coerce(float), vol.Range(min=0, max=86400))


async def async_show_message(
    runtime: IntercomRuntime,
    display: DisplayId | None,
    message: str,
    title: str | None = None,
    seconds: float = MESSAGE_SECONDS,
) -> DisplayId:
    """Draw a message in the size of a display, show it, and return the display."""
    displays, target = _displays(runtime), _display(runtime, display)
    picture = await runtime.coordinator.hass.async_add_executor_job(_draw, target.width, target.height, message, title)
    await runtime.coordinator.async_command(displays.show(target.id, picture, "image/jpeg", seconds or None))
    return target.id


def _draw(width: int, height: int, message: str, title: str | None) -> bytes:
    from ..media.render import draw_message  # noqa: PLC0415  # Pillow is large, and this runs in the executor

    return draw_message(width, height, message, title)


def _displays(runtime: IntercomRuntime) -> Displays:
    return require_feature(runtime.coordinator, runtime.coordinator.features.displays, "no_display")


def _display(runtime: IntercomRuntime, wanted: DisplayId | None) -> Display:
    """Return the display that is meant; the only one where none is named."""
    known = runtime.coordinator.data.displays
    if wanted is None and len(known) == 1:
        return next(iter(known.values()))
    if wanted is None or wanted not in known:
        raise request_refused("which_display", device=runtime.coordinator.name, displays=", ".join(known))
    return known[wanted]


async def _show_message(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    shown = await async_show_message(
        runtime, data.get(ATTR_DISPLAY), data[ATTR_MESSAGE], data.get(ATTR_TITLE), data[ATTR_DURATION]
    )
    return {"display": shown}


async def _show_image(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    displays, target = _displays(runtime), _display(runtime, data.get(ATTR_DISPLAY))
    image = await read(runtime.coordinator.hass, data[ATTR_FILENAME], _IMAGE_LIMIT)
    kind = next((kind for start, kind in _IMAGE_TYPES if image.startswith(start)), None)
    if kind is None:
        raise request_refused("no_image", path=data[ATTR_FILENAME])
    await runtime.coordinator.async_command(displays.show(target.id, image, kind, data[ATTR_DURATION] or None))
    return {"display": target.id}


async def _show_video(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    displays, target = _displays(runtime), _display(runtime, data.get(ATTR_DISPLAY))
    async with payload(runtime.coordinator.hass, data[ATTR_FILENAME]) as video:
        await runtime.coordinator.async_command(
            displays.play(target.id, video, data.get(ATTR_DURATION) or None, data.get(ATTR_REPEAT))
        )
    return {"display": target.id}


async def _clear_display(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    displays, target = _displays(runtime), _display(runtime, data.get(ATTR_DISPLAY))
    await runtime.coordinator.async_command(displays.clear(target.id))
    return {"display": target.id}


async def _show_text(runtime: IntercomRuntime, data: Data) -> None:
    await runtime.coordinator.async_command(
        _displays(runtime).show_text(data.get(ATTR_TEXT) or None, data.get(ATTR_DURATION))
    )


async def _display_language(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    displays = _displays(runtime)
    if ATTR_LANGUAGE in data:
        await runtime.coordinator.async_command(displays.set_language(data[ATTR_LANGUAGE]))
    language = await runtime.coordinator.async_command(displays.language())
    return {"language": language.current, "languages": list(language.known)}


ACTIONS = (
    Action(
        "show_message",
        _show_message,
        Needs.CONTROL,
        {
            **_DISPLAY,
            vol.Required(ATTR_MESSAGE): cv.string,
            vol.Optional(ATTR_TITLE): cv.string,
            vol.Optional(ATTR_DURATION, default=MESSAGE_SECONDS): _DURATION,
        },
    ),
    Action(
        "show_image",
        _show_image,
        Needs.CONTROL,
        {
            **_DISPLAY,
            vol.Required(ATTR_FILENAME): cv.string,
            vol.Optional(ATTR_DURATION, default=MESSAGE_SECONDS): _DURATION,
        },
    ),
    Action(
        "show_video",
        _show_video,
        Needs.CONTROL,
        {
            **_DISPLAY,
            vol.Required(ATTR_FILENAME): cv.string,
            vol.Optional(ATTR_DURATION): _DURATION,
            vol.Optional(ATTR_REPEAT): cv.positive_int,
        },
    ),
    Action("clear_display", _clear_display, Needs.CONTROL, _DISPLAY),
    Action(
        "show_text",
        _show_text,
        Needs.CONTROL,
        {
            vol.Optional(ATTR_TEXT): cv.string,
            vol.Optional(ATTR_DURATION): vol.All(vol.Coerce(int), vol.Range(min=1, max=_LONGEST_TEXT)),
        },
    ),
    Action("display_language", _display_language, Needs.CONTROL, {vol.Optional(ATTR_LANGUAGE): cv.string}),
)
