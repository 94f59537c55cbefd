"""Directory actions: entries with the device's field names; secrets are returned only if requested by name."""

from collections.abc import Mapping, Sequence
from typing import cast

from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.util.json import JsonObjectType
import probatio as vol

from ..entity import require_feature
from ..helpers.errors import request_refused
from ..model.features import Directory, DirectoryResult
from ..runtime import IntercomRuntime
from .base import TEXTS, Action, Data, Fields, Needs

ATTR_ENTRIES = "entries"
ATTR_FIELDS = "fields"
ATTR_OVERWRITE = "overwrite"
ATTR_OWNER = "owner"
ATTR_SERIES = "series"
ATTR_SINCE = "since"
ATTR_UUIDS = "uuids"

_WANTED: Fields = {vol.Optional(ATTR_FIELDS): [cv.string]}
_ENTRIES: Fields = {vol.Required(ATTR_ENTRIES): vol.All(cv.ensure_list, [dict])}


async def _query(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    directory, fields = _directory(runtime), data.get(ATTR_FIELDS)
    result = await runtime.coordinator.async_command(directory.query(fields, data[ATTR_SINCE], data.get(ATTR_SERIES)))
    return _response(result, _hidden(directory, fields))


async def _get(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    directory, fields = _directory(runtime), data.get(ATTR_FIELDS)
    result = await runtime.coordinator.async_command(directory.get(data[ATTR_UUIDS], fields))
    return _response(result, _hidden(directory, fields))


async def _create(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    created = _directory(runtime).create(data[ATTR_ENTRIES], data[ATTR_OVERWRITE])
    return _changed(runtime, await runtime.coordinator.async_command(created))


async def _update(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    updated = _directory(runtime).update(data[ATTR_ENTRIES])
    return _changed(runtime, await runtime.coordinator.async_command(updated))


async def _delete(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    deleted = _directory(runtime).delete(data.get(ATTR_UUIDS, []), data.get(ATTR_OWNER))
    return _changed(runtime, await runtime.coordinator.async_command(deleted))


def _directory(runtime: IntercomRuntime) -> Directory:
    return require_feature(runtime.coordinator, runtime.coordinator.features.directory, "no_directory")


def _changed(runtime: IntercomRuntime, result: DirectoryResult) -> JsonObjectType:
    """Return the result for each entry; raise an error only if the device rejected all of them."""
    if result.entries and all(entry.errors for entry in result.entries):
        raise _refusal(runtime, result)
    return _response(result, _directory(runtime).secrets)


def _refusal(runtime: IntercomRuntime, result: DirectoryResult) -> ServiceValidationError:
    reasons = [
        f"{number}: {', '.join(' '.join(error.values()) for error in entry.errors)}"
        for number, entry in enumerate(result.entries, start=1)
    ]
    return request_refused("directory_refused", device=runtime.coordinator.name, reasons="; ".join(reasons))


def _hidden(directory: Directory, requested: Sequence[str] | None) -> frozenset[str]:
    """Return the fields to leave out: secrets that were not requested by name."""
    return directory.secrets - {part for field in requested or () for part in field.replace("[", ".").split(".")}


def _response(result: DirectoryResult, hidden: frozenset[str]) -> JsonObjectType:
    entries = []
    for entry in result.entries:
        shown: dict[str, object] = {} if entry.uuid is None else {"uuid": entry.uuid}
        if entry.timestamp is not None:
            shown["timestamp"] = entry.timestamp
        if entry.errors:
            shown["errors"] = [dict(error) for error in entry.errors]
        entries.append(shown | _without(entry.fields, hidden))
    response = {
        "series": result.series,
        "timestamp": result.timestamp,
        "complete": result.complete,
        "entries": entries,
    }
    return cast(JsonObjectType, response)


def _without(fields: Mapping[str, object], hidden: frozenset[str]) -> dict[str, object]:
    """Return the fields without the hidden ones, at any depth."""
    return {
        name: _without(value, hidden) if isinstance(value, Mapping) else value
        for name, value in fields.items()
        if name not in hidden
    }


# The entries contain PINs, cards, and names, so all actions need an administrator.
ACTIONS = (
    Action(
        "directory_query",
        _query,
        Needs.ADMIN,
        {
            **_WANTED,
            vol.Optional(ATTR_SINCE, default=0): cv.positive_int,
            vol.Optional(ATTR_SERIES): cv.string,
        },
    ),
    Action("directory_get", _get, Needs.ADMIN, {**_WANTED, vol.Required(ATTR_UUIDS): TEXTS}),
    Action(
        "directory_create",
        _create,
        Needs.ADMIN,
        {**_ENTRIES, vol.Optional(ATTR_OVERWRITE, default=False): cv.boolean},
    ),
    Action("directory_update", _update, Needs.ADMIN, _ENTRIES),
    Action(
        "directory_delete",
        _delete,
        Needs.ADMIN,
        {vol.Exclusive(ATTR_UUIDS, "entries"): TEXTS, vol.Exclusive(ATTR_OWNER, "entries"): cv.string},
        rules=(cv.has_at_least_one_key(ATTR_UUIDS, ATTR_OWNER),),
    ),
)
