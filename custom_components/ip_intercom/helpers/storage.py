"""Reading of stored files: an unreadable one is set aside, and never prevents the setup of an entry."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
import logging
from pathlib import Path
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from ..const import DOMAIN

_LOGGER = logging.getLogger(__name__)

# What reading and parsing of a file of unknown content raises.
UNREADABLE = (HomeAssistantError, OSError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)

# Parses stored content; raises for an unexpected shape, and appends the errors of single items that it leaves out.
type Parse[T] = Callable[[Mapping[str, Any], list[Exception]], T]


async def async_load_stored[T](
    hass: HomeAssistant, store: Store[dict[str, Any]], device: str, parse: Parse[T]
) -> tuple[T, bool]:
    """Return the parsed content of a file, that of an empty one if it is unreadable, and whether anything was lost.

    A file with unreadable content is renamed, and a repair issue names it. ``Store`` does so only for invalid JSON.

    Args:
        hass: Home Assistant.
        store: The storage.
        device: The name of the device in the repair issue.
        parse: Parses the content.
    """
    errors: list[Exception] = []
    try:
        stored = await store.async_load()
        parsed = parse({} if stored is None else stored, errors)
    except UNREADABLE as err:
        errors.append(err)
        parsed = parse({}, [])
    if errors:
        path = await hass.async_add_executor_job(_set_aside, store.path)
        _LOGGER.warning("%s: could not read stored data, renamed the file to %s: %r", device, path, errors[0])
        ir.async_create_issue(
            hass,
            DOMAIN,
            f"stored_data_{store.key}",
            is_fixable=False,
            severity=ir.IssueSeverity.WARNING,
            translation_key="stored_data",
            translation_placeholders={"device": device, "path": path},
        )
    return parsed, bool(errors)


def parse_items[T](items: Iterable[Any], parse: Callable[[Any], T], errors: list[Exception]) -> list[T]:
    """Return the items that ``parse`` can read, and append the errors of the others."""
    parsed = []
    for item in items:
        try:
            parsed.append(parse(item))
        except UNREADABLE as err:
            errors.append(err)
    return parsed


def _set_aside(path: str) -> str:
    aside = f"{path}.corrupt.{dt_util.utcnow().strftime('%Y-%m-%dT%H-%M-%S')}"
    with suppress(FileNotFoundError):
        Path(path).rename(aside)
    return aside
