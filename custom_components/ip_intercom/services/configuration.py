"""The configuration by names and values: for administrators, guarded where it could lock us out."""

from collections.abc import Iterable, Mapping

from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import config_validation as cv
from homeassistant.util.json import JsonObjectType
import probatio as vol

from ..entity import require_feature
from ..helpers.errors import request_refused, translated_error
from ..model.functions import Configuration, Guard
from ..runtime import IntercomRuntime
from .base import TEXTS, Action, Data, Needs

ATTR_CONFIRMATION = "confirmation"
ATTR_KEYS = "keys"
ATTR_SECTIONS = "sections"
ATTR_VALUES = "values"


def _configuration(runtime: IntercomRuntime) -> Configuration:
    return require_feature(runtime.coordinator, runtime.coordinator.features.configuration, "no_configuration")


async def _get(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    configuration, keys = _configuration(runtime), data.get(ATTR_KEYS, [])
    values = await runtime.coordinator.async_command(configuration.read(keys, data.get(ATTR_SECTIONS, [])))
    return _told(configuration, values, keys)


async def _set(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    configuration = _configuration(runtime)
    wanted = {str(key): value for key, value in data[ATTR_VALUES].items()}
    own = _guarded(configuration, wanted, Guard.OWN_ACCESS)
    if owned := _guarded(configuration, wanted, Guard.OWNED):
        raise request_refused("config_owned", keys=", ".join(owned))
    name = runtime.coordinator.description.identity.name
    if own and data.get(ATTR_CONFIRMATION) != name:
        raise request_refused("config_confirmation", keys=", ".join(own), name=name)
    there = await runtime.coordinator.async_command(configuration.read(list(wanted)))
    if unknown := sorted(wanted.keys() - there.keys()):
        raise request_refused("config_unknown", device=runtime.coordinator.name, keys=", ".join(unknown))
    # What could lock us out goes last, and is not read back: another login may be needed for that.
    checked = {key: value for key, value in wanted.items() if key not in own}
    for part in (checked, {key: wanted[key] for key in own}):
        if part:
            await runtime.coordinator.async_command(configuration.write(part))
    if own:
        return {"values": {}, "hidden": [], "unchecked": [*sorted(wanted)]}
    now = await runtime.coordinator.async_command(configuration.read(list(wanted)))
    if kept := sorted(key for key, value in checked.items() if now.get(key) != value):
        raise translated_error(
            HomeAssistantError, "config_not_taken", device=runtime.coordinator.name, keys=", ".join(kept)
        )
    return _told(configuration, now, ())


def _guarded(configuration: Configuration, keys: Iterable[str], guard: Guard) -> list[str]:
    return sorted(key for key in keys if configuration.guard(key) is guard)


def _told(configuration: Configuration, values: Mapping[str, str], named: Iterable[str]) -> JsonObjectType:
    """Return the values, and the names of those that are not told."""
    hidden = {key for key in values if configuration.is_secret(key)} - set(named)
    shown = {key: value for key, value in sorted(values.items()) if key not in hidden}
    return {"values": dict(shown), "hidden": [*sorted(hidden)]}


def _values(value: object) -> dict[str, str]:
    """Accept names with text, numbers and truth values; the device keeps all as text. Never repeats a value."""
    if not isinstance(value, dict) or not value:
        raise vol.Invalid("expected names and values")
    if not all(isinstance(item, str | int | float) for item in value.values()):
        raise vol.Invalid("expected text or numbers as values")
    return {str(key): str(int(item)) if isinstance(item, bool) else str(item) for key, item in value.items()}


ACTIONS = (
    Action("get_config", _get, Needs.ADMIN, {vol.Optional(ATTR_KEYS): TEXTS, vol.Optional(ATTR_SECTIONS): TEXTS}),
    Action(
        "set_config",
        _set,
        Needs.ADMIN,
        {vol.Required(ATTR_VALUES): _values, vol.Optional(ATTR_CONFIRMATION): cv.string},
    ),
)
