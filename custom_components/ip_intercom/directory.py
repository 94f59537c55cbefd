"""The directory actions: entries as the device has them, refusals as sentences, secrets only when named."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from homeassistant.exceptions import ServiceValidationError
from homeassistant.util.json import JsonObjectType

from .coordinator import IntercomCoordinator
from .exceptions import refused
from .facets import Directory, DirectoryResult

# Fields that are told only to who asks for them by name.
SECRET_FIELDS = frozenset({"pin", "code", "card", "virtCard", "mobkey", "fpt"})


async def async_query(
    coordinator: IntercomCoordinator, fields: Sequence[str] | None, since: int, series: str | None
) -> JsonObjectType:
    """Return the entries changed since a timestamp of a series, all for 0."""
    result = await coordinator.async_command(_directory(coordinator).query(fields, since, series))
    return _response(result, fields)


async def async_get(
    coordinator: IntercomCoordinator, uuids: Sequence[str], fields: Sequence[str] | None
) -> JsonObjectType:
    """Return entries by uuid."""
    result = await coordinator.async_command(_directory(coordinator).get(uuids, fields))
    return _response(result, fields)


async def async_create(
    coordinator: IntercomCoordinator, entries: Sequence[Mapping[str, Any]], overwrite: bool
) -> JsonObjectType:
    """Create entries; each is created whole or refused for itself.

    Raises:
        ServiceValidationError: The device refused every one of them.
    """
    return _changed(coordinator, await coordinator.async_command(_directory(coordinator).create(entries, overwrite)))


async def async_update(coordinator: IntercomCoordinator, entries: Sequence[Mapping[str, Any]]) -> JsonObjectType:
    """Set fields of entries; each is changed whole or refused for itself.

    Raises:
        ServiceValidationError: The device refused every one of them.
    """
    return _changed(coordinator, await coordinator.async_command(_directory(coordinator).update(entries)))


async def async_delete(coordinator: IntercomCoordinator, uuids: Sequence[str], owner: str | None) -> JsonObjectType:
    """Delete entries by uuid, or all of an owner.

    Raises:
        ServiceValidationError: The device refused every one of them.
    """
    return _changed(coordinator, await coordinator.async_command(_directory(coordinator).delete(uuids, owner)))


def _directory(coordinator: IntercomCoordinator) -> Directory:
    if coordinator.system.directory is None:
        raise refused("no_directory", device=coordinator.name)
    return coordinator.system.directory


def _changed(coordinator: IntercomCoordinator, result: DirectoryResult) -> JsonObjectType:
    if result.entries and all(entry.errors for entry in result.entries):
        raise _refusal(coordinator, result)
    return _response(result, None)


def _refusal(coordinator: IntercomCoordinator, result: DirectoryResult) -> ServiceValidationError:
    reasons = [
        f"{number}: {', '.join(' '.join(error.values()) for error in entry.errors)}"
        for number, entry in enumerate(result.entries, start=1)
    ]
    return refused("directory_refused", device=coordinator.name, reasons="; ".join(reasons))


def _response(result: DirectoryResult, asked: Sequence[str] | None) -> JsonObjectType:
    named = frozenset(part for field in asked or () for part in field.replace("[", ".").split("."))
    entries = []
    for entry in result.entries:
        shown: dict[str, object] = {} if entry.uuid is None else {"uuid": entry.uuid}
        if entry.timestamp is not None:
            shown["timestamp"] = entry.timestamp
        if entry.errors:
            shown["errors"] = [dict(error) for error in entry.errors]
        entries.append(shown | _without_secrets(entry.fields, named))
    response = {
        "series": result.series,
        "timestamp": result.timestamp,
        "complete": result.complete,
        "entries": entries,
    }
    return cast(JsonObjectType, response)


def _without_secrets(fields: Mapping[str, object], named: frozenset[str]) -> dict[str, object]:
    """Return the fields without PINs and the like, unless they were asked for by name."""
    return {
        name: _without_secrets(value, named) if isinstance(value, Mapping) else value
        for name, value in fields.items()
        if name not in SECRET_FIELDS or name in named
    }
