"""HttpTrigger blocks of Automation (HTTP API 5.19)."""

from collections.abc import Mapping
from typing import NamedTuple

from aiohttp import web

from .envelope import ApiError, Call, Code, Handler, success

DEFAULT_TRIGGERS = ("openGate", "nightMode")


class Activation(NamedTuple):
    """A trigger that fired, with the other parameters of the request."""

    trigger: str
    params: Mapping[str, str]


class Automation:
    """Knows its triggers by name and remembers what fired."""

    def __init__(self) -> None:
        """Begin with two triggers."""
        self.triggers = set(DEFAULT_TRIGGERS)
        self.activations: list[Activation] = []
        # On 2N OS the name is part of the path.
        paths = ("automation/trigger", "automation/trigger/{triggerId}")
        self.handlers: dict[str, Handler] = dict.fromkeys(paths, self._trigger)

    async def _trigger(self, call: Call) -> web.StreamResponse:
        trigger = call.params.required("triggerId")
        if trigger not in self.triggers:
            raise ApiError(Code.INVALID_VALUE, "triggerId", "HttpTrigger not found.")
        params = {name: value for name, value in call.params.items() if name != "triggerId"}
        self.activations.append(Activation(trigger, params))
        return success()
