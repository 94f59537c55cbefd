"""Phones that the phone system wakes up: a registered phone hears of every call, so administrators only."""

from homeassistant.helpers import config_validation as cv
import probatio as vol

from ..entity import require_feature
from ..model.telephony import PushTokens
from ..runtime import IntercomRuntime
from .base import Action, Data, Fields, Needs

ATTR_KIND = "kind"
ATTR_SANDBOX = "sandbox"
ATTR_TOKEN = "token"
ATTR_TOPIC = "topic"

KINDS = ("apn", "fcm")

_TOKEN: Fields = {
    vol.Required(ATTR_KIND): vol.In(KINDS),
    vol.Required(ATTR_TOPIC): cv.string,
    vol.Required(ATTR_TOKEN): cv.string,
    vol.Optional(ATTR_SANDBOX, default=False): cv.boolean,
}


def _tokens(runtime: IntercomRuntime) -> PushTokens:
    return require_feature(runtime.coordinator, runtime.coordinator.features.push_tokens, "no_push_tokens")


async def _add(runtime: IntercomRuntime, data: Data) -> None:
    adding = _tokens(runtime).add(data[ATTR_KIND], data[ATTR_TOPIC], data[ATTR_TOKEN], data[ATTR_SANDBOX])
    await runtime.coordinator.async_command(adding)


async def _remove(runtime: IntercomRuntime, data: Data) -> None:
    removing = _tokens(runtime).remove(data[ATTR_KIND], data[ATTR_TOPIC], data[ATTR_TOKEN], data[ATTR_SANDBOX])
    await runtime.coordinator.async_command(removing)


ACTIONS = (
    Action("push_token_add", _add, Needs.ADMIN, _TOKEN),
    Action("push_token_remove", _remove, Needs.ADMIN, _TOKEN),
)
