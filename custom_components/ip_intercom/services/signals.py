"""Actions that make a device do or send something: email, automation, doorbell, audio test, packet capture."""

import asyncio

from homeassistant.core import callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import config_validation as cv
from homeassistant.util.json import JsonObjectType
import probatio as vol

from ..entity import require_feature
from ..helpers.errors import translated_error
from ..model.events import Event, Occurred
from ..model.functions import Capture, Download
from ..model.parts import Occurrence
from ..model.state import State
from ..runtime import IntercomRuntime
from .base import Action, Data, Needs
from .files import ATTR_FILENAME, ATTR_OVERWRITE, TARGET, check_writable, save

ATTR_BODY = "body"
ATTR_PARAMETERS = "parameters"
ATTR_PICTURES = "pictures"
ATTR_SUBJECT = "subject"
ATTR_TIME_SPAN = "time_span"
ATTR_TO = "to"
ATTR_TRIGGER = "trigger"

# How long a device tests itself at most, in seconds.
_TEST_PATIENCE = 60.0


async def _send_email(runtime: IntercomRuntime, data: Data) -> None:
    mail = require_feature(runtime.coordinator, runtime.coordinator.features.mail, "no_mail")
    await runtime.coordinator.async_command(
        mail.send(data[ATTR_TO], data[ATTR_SUBJECT], data.get(ATTR_BODY), data[ATTR_PICTURES], data.get(ATTR_TIME_SPAN))
    )


async def _trigger_automation(runtime: IntercomRuntime, data: Data) -> None:
    automation = require_feature(runtime.coordinator, runtime.coordinator.features.automation, "no_automation")
    parameters = {name: str(value) for name, value in data[ATTR_PARAMETERS].items()}
    await runtime.coordinator.async_command(automation.trigger(data[ATTR_TRIGGER], parameters))


async def _ring_doorbell(runtime: IntercomRuntime, data: Data) -> None:
    doorbell = require_feature(runtime.coordinator, runtime.coordinator.features.doorbell, "no_doorbell")
    await runtime.coordinator.async_command(doorbell.ring())


async def _test_audio(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    test = require_feature(runtime.coordinator, runtime.coordinator.features.self_test, "no_self_test")
    result: asyncio.Future[str | None] = runtime.coordinator.hass.loop.create_future()

    @callback
    def listen(event: Event, state: State) -> None:
        for fact in () if event.late else event.facts:
            if isinstance(fact, Occurred) and fact.occurrence is Occurrence.AUDIO_TEST and not result.done():
                result.set_result(fact.word)

    stop_listening = runtime.events.async_listen_events(listen)
    try:
        await runtime.coordinator.async_command(test.start())
        async with asyncio.timeout(_TEST_PATIENCE):
            return {"result": await result}
    except TimeoutError as err:
        raise translated_error(HomeAssistantError, "no_test_result", device=runtime.coordinator.name) from err
    finally:
        stop_listening()


_SIGNALS_ACTIONS = (
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
    ),
    Action(
        "trigger_automation",
        _trigger_automation,
        Needs.DOORS,
        {
            vol.Required(ATTR_TRIGGER): cv.string,
            vol.Optional(ATTR_PARAMETERS, default=dict): {cv.string: vol.Any(str, int, float, bool)},
        },
    ),
    Action("ring_doorbell", _ring_doorbell, Needs.CONTROL),
    Action("test_audio", _test_audio, Needs.CONTROL),
)


ATTR_DURATION = "duration"

_DAY = 86400


def _capture(runtime: IntercomRuntime) -> Capture:
    return require_feature(runtime.coordinator, runtime.coordinator.features.capture, "no_capture")


async def async_save(runtime: IntercomRuntime, download: Download, data: Data) -> JsonObjectType:
    """Write what a device sends to the file that an action names (``TARGET``) and return its size in bytes."""
    path, overwrite = data[ATTR_FILENAME], data[ATTR_OVERWRITE]
    await check_writable(runtime.coordinator.hass, path, overwrite)
    with runtime.coordinator.translating():
        async with download as stream:
            return {"size": await save(runtime.coordinator.hass, path, stream, overwrite)}


async def _download(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    return await async_save(runtime, _capture(runtime).download(), data)


async def _live(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    return await async_save(runtime, _capture(runtime).live(data[ATTR_DURATION]), data)


async def _stop_live(runtime: IntercomRuntime, data: Data) -> None:
    await runtime.coordinator.async_command(_capture(runtime).stop_live())


async def _stats(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    stats = await runtime.coordinator.async_command(_capture(runtime).stats())
    return {"running": stats.running, "bytes": stats.bytes_sent, "packets": stats.packets_sent}


async def _restart(runtime: IntercomRuntime, data: Data) -> None:
    await runtime.coordinator.async_command(_capture(runtime).restart())


async def _stop(runtime: IntercomRuntime, data: Data) -> None:
    await runtime.coordinator.async_command(_capture(runtime).stop())


_CAPTURE_ACTIONS = (
    Action("capture_download", _download, Needs.ADMIN, TARGET),
    Action(
        "capture_live",
        _live,
        Needs.ADMIN,
        {**TARGET, vol.Required(ATTR_DURATION): vol.All(vol.Coerce(int), vol.Range(min=1, max=_DAY))},
    ),
    Action("capture_live_stop", _stop_live, Needs.ADMIN),
    Action("capture_stats", _stats, Needs.ADMIN),
    Action("capture_restart", _restart, Needs.ADMIN),
    Action("capture_stop", _stop, Needs.ADMIN),
)


ACTIONS = (*_SIGNALS_ACTIONS, *_CAPTURE_ACTIONS)
