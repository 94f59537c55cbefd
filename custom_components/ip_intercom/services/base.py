"""Base of all actions: the definition of an action and its permissions."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.helpers import config_validation as cv
from homeassistant.util.json import JsonObjectType
import probatio as vol

from ..coordinator import IntercomCoordinator
from ..helpers.devices import async_place_of
from ..model.parts import PlaceId
from ..runtime import IntercomRuntime

type Data = Mapping[str, Any]
type Fields = dict[vol.Marker, Any]
type Run = Callable[[IntercomRuntime, Data], Awaitable[JsonObjectType | None]]

TEXTS = vol.All(cv.ensure_list, [cv.string])


def target_place(coordinator: IntercomCoordinator, data: Data) -> PlaceId | None:
    """Return the place whose device an action names; None for the entry's own device."""
    identity, places = coordinator.description.identity, coordinator.data.places
    return async_place_of(coordinator.hass, data[ATTR_DEVICE_ID], identity, places)


class Needs(Enum):
    """The permission that a user needs for an action; automations may call all."""

    READ = auto()
    """Users who may see an entity of the device."""
    CONTROL = auto()
    """Users who may control an entity of the device."""
    DOORS = auto()
    """Users who may control all locks of the entry: the action may open any of its doors."""
    ADMIN = auto()
    """Administrators."""


@dataclass(frozen=True, slots=True)
class Action:
    """One action on one device.

    Attributes:
        name: The name, as in ``ip_intercom.<name>``.
        run: Runs the action and returns the response.
        needs: The permission that a user needs.
        fields: The fields, besides the device.
        rules: Validators of the combination of fields.
        answers_only: The action only returns a response, so a call without one is an error.
        lacking: For an action of one system, the error for devices of other systems.
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
