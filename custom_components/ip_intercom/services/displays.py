"""Messages on displays, drawn as images."""

from homeassistant.helpers import config_validation as cv
from homeassistant.util.json import JsonObjectType
import probatio as vol

from ..entity import require_feature
from ..helpers.errors import request_refused
from ..model.functions import Displays
from ..model.parts import Display, DisplayId
from ..runtime import IntercomRuntime
from .base import Action, Data, Fields, Needs

ATTR_DISPLAY = "display"
ATTR_DURATION = "duration"
ATTR_MESSAGE = "message"
ATTR_TITLE = "title"

# Default duration of a message.
MESSAGE_SECONDS = 60.0

DISPLAY: Fields = {vol.Optional(ATTR_DISPLAY): cv.string}
# 0 means until it is cleared.
SHOW_TIME = vol.All(vol.Coerce(float), vol.Range(min=0, max=86400))


async def async_show_message(
    runtime: IntercomRuntime,
    display: DisplayId | None,
    message: str,
    title: str | None = None,
    seconds: float = MESSAGE_SECONDS,
) -> DisplayId:
    """Draw a message in the size of a display, show it, and return the id of the display."""
    displays, target = find_display(runtime, display)
    picture = await runtime.coordinator.hass.async_add_executor_job(_draw, target.width, target.height, message, title)
    await runtime.coordinator.async_command(displays.show_image(target.id, picture, "image/jpeg", seconds or None))
    return target.id


def _draw(width: int, height: int, message: str, title: str | None) -> bytes:
    from ..media.render import draw_message  # noqa: PLC0415  # Pillow is large, and this runs in the executor

    return draw_message(width, height, message, title)


def find_display(runtime: IntercomRuntime, wanted: DisplayId | None) -> tuple[Displays, Display]:
    """Return the feature and the requested display; the only display by default."""
    displays = require_feature(runtime.coordinator, runtime.coordinator.features.displays, "no_display")
    known = runtime.coordinator.data.displays
    if wanted is None and len(known) == 1:
        return displays, next(iter(known.values()))
    if wanted is None or wanted not in known:
        raise request_refused("which_display", device=runtime.coordinator.name, displays=", ".join(known))
    return displays, known[wanted]


async def _show_message(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    shown = await async_show_message(
        runtime, data.get(ATTR_DISPLAY), data[ATTR_MESSAGE], data.get(ATTR_TITLE), data[ATTR_DURATION]
    )
    return {"display": shown}


ACTIONS = (
    Action(
        "show_message",
        _show_message,
        Needs.CONTROL,
        {
            **DISPLAY,
            vol.Required(ATTR_MESSAGE): cv.string,
            vol.Optional(ATTR_TITLE): cv.string,
            vol.Optional(ATTR_DURATION, default=MESSAGE_SECONDS): SHOW_TIME,
        },
    ),
)
