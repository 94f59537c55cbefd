"""The actions that only a 2N has, against its own client."""

import asyncio
from typing import TYPE_CHECKING, cast

from homeassistant.core import callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import config_validation as cv
from homeassistant.util.json import JsonObjectType
import probatio as vol

from ...helpers.errors import translated_error
from ...model.events import Event, Occurred
from ...model.parts import Occurrence
from ...model.state import State
from ...runtime import IntercomRuntime
from ...services.base import Action, Data, Needs

if TYPE_CHECKING:
    from .client import TwoNDevice
    from .system import TwoNSystem

ATTR_BODY = "body"
ATTR_PARAMETERS = "parameters"
ATTR_PICTURES = "pictures"
ATTR_SUBJECT = "subject"
ATTR_TIME_SPAN = "time_span"
ATTR_TO = "to"
ATTR_TRIGGER = "trigger"

# How long a device tests itself at most, in seconds.
_TEST_PATIENCE = 60.0


def _device(runtime: IntercomRuntime) -> TwoNDevice:
    return cast("TwoNSystem", runtime.coordinator.system).device


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


ACTIONS = (
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
