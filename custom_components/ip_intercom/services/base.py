"""What an action is."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.helpers import config_validation as cv
from homeassistant.util.json import JsonObjectType
import probatio as vol

from ..runtime import IntercomRuntime

type Data = Mapping[str, Any]
type Fields = dict[vol.Marker, Any]
type Run = Callable[[IntercomRuntime, Data], Awaitable[JsonObjectType | None]]

TEXTS = vol.All(cv.ensure_list, [cv.string])


class Needs(Enum):
    """Whom an action is for; automations may do all."""

    READ = auto()
    """Users who may see an entity of the device."""
    CONTROL = auto()
    """Users who may control an entity of the device."""
    DOORS = auto()
    """Users who may control every lock of the entry: the action may open any of its doors."""
    ADMIN = auto()
    """Administrators."""


@dataclass(frozen=True, slots=True)
class Action:
    """One action on one device.

    Attributes:
        name: As in ``ip_intercom.<name>``.
        run: Carries it out and returns the response.
        needs: Whom it is for.
        fields: Its fields, beside the device.
        rules: What has to hold between the fields.
        answers_only: It does nothing but answer: calling it without wanting the response is a mistake.
        lacking: The error of a device of another system, for the action of one system.
    """

    name: str
    run: Run
    needs: Needs
    fields: Fields = field(default_factory=dict)
    rules: tuple[Any, ...] = ()
    answers_only: bool = False
    lacking: str = ""

    @property
    def schema(self) -> vol.Schema | vol.All[Any]:
        """Return the schema of a call."""
        schema = vol.Schema({vol.Required(ATTR_DEVICE_ID): cv.string, **self.fields})
        return vol.All(schema, *self.rules) if self.rules else schema
