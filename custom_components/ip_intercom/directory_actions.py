"""The directory actions: entries as the device has them, refusals as sentences, secrets only when named."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from homeassistant.exceptions import ServiceValidationError
from homeassistant.util.json import JsonObjectType

from .coordinator import IntercomCoordinator
from .exceptions import refused
from .facets import Directory, DirectoryResult


async def async_query(
    coordinator: IntercomCoordinator, fields: Sequence[str] | None, since: int, series: str | None
) -> JsonObjectType:
    """Return the entries changed since a timestamp of a series, all for 0."""
    directory = _directory(coordinator)
    result = await coordinator.async_command(directory.query(fields, since, series))
    return _response(result, _hidden(directory, fields))


async def async_get(
    coordinator: IntercomCoordinator, uuids: Sequence[str], fields: Sequence[str] | None
) -> JsonObjectType:
    """Return entries by uuid."""
    directory = _directory(coordinator)
    result = await coordinator.async_command(directory.get(uuids, fields))
    return _response(result, _hidden(directory, fields))


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
    return _response(result, frozenset())


def _refusal(coordinator: IntercomCoordinator, result: DirectoryResult) -> ServiceValidationError:
    reasons = [
        f"{number}: {', '.join(' '.join(error.values()) for error in entry.errors)}"
        for number, entry in enumerate(result.entries, start=1)
    ]
    return refused("directory_refused", device=coordinator.name, reasons="; ".join(reasons))


def _hidden(directory: Directory, asked: Sequence[str] | None) -> frozenset[str]:
    """Return the fields that are not told: secrets that nobody asked for by name."""
    return directory.secrets - {part for field in asked or () for part in field.replace("[", ".").split(".")}


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
    """Return the fields without those hidden, at any depth."""
    return {
        name: _without(value, hidden) if isinstance(value, Mapping) else value
        for name, value in fields.items()
        if name not in hidden
    }
