"""What an action is: its name, its fields, and what it does with a device."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.helpers import config_validation as cv
from homeassistant.util.json import JsonObjectType
import probatio as vol

from ..coordinator import IntercomCoordinator

type Data = Mapping[str, Any]
type Fields = dict[vol.Marker, Any]
type Run = Callable[[IntercomCoordinator, Data], Awaitable[JsonObjectType | None]]

TEXTS = vol.All(cv.ensure_list, [cv.string])


@dataclass(frozen=True, slots=True)
class Action:
    """One action on one device.

    Attributes:
        name: As in ``ip_intercom.<name>``.
        run: Carries it out and returns the response.
        fields: Its fields, beside the device.
        admin: Only administrators may, and automations.
        opens: It may open a door: who may not control the doors of the device may not do this.
        rules: What has to hold between the fields.
        answers_only: It does nothing but answer: calling it without wanting the response is a mistake.
    """

    name: str
    run: Run
    fields: Fields = field(default_factory=dict)
    admin: bool = False
    opens: bool = False
    rules: tuple[Any, ...] = ()
    answers_only: bool = False

    @property
    def schema(self) -> vol.Schema | vol.All[Any]:
        """Return the schema of a call."""
        schema = vol.Schema({vol.Required(ATTR_DEVICE_ID): cv.string, **self.fields})
        return vol.All(schema, *self.rules) if self.rules else schema
