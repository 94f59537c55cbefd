"""Messages of the operator: marking them, and having one sent to us."""

from homeassistant.helpers import config_validation as cv
from homeassistant.util.json import JsonObjectType
import probatio as vol

from ..entity import require_feature
from ..model.residence import Messages
from ..runtime import IntercomRuntime
from .base import Action, Data, Needs

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


ACTIONS = (
    Action("mark_read", _mark_read, Needs.CONTROL, {vol.Optional(ATTR_MESSAGE): cv.string}),
    Action("mark_delivered", _mark_delivered, Needs.CONTROL, {vol.Required(ATTR_MESSAGE): cv.string}),
)
