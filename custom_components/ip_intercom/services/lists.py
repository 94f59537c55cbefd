"""Lists and logs of the device as files."""

from collections.abc import Iterable
from pathlib import Path

from homeassistant.helpers import config_validation as cv
from homeassistant.util.json import JsonObjectType
import probatio as vol

from ..coordinator import IntercomCoordinator
from ..entity import require_feature
from ..helpers.errors import request_refused
from ..model.functions import Lists
from .base import Action, Data, Fields, Needs
from .capture import async_save
from .files import ATTR_FILENAME, TARGET, payload

ATTR_LIST = "list"
ATTR_LOG = "log"

_LIST: Fields = {vol.Required(ATTR_LIST): cv.string}


def _lists(coordinator: IntercomCoordinator) -> Lists:
    return require_feature(coordinator, coordinator.features.lists, "no_lists")


def _known(coordinator: IntercomCoordinator, name: str, known: Iterable[str]) -> str:
    if name not in known:
        raise request_refused("which_list", device=coordinator.name, lists=", ".join(sorted(known)))
    return name


async def _export(coordinator: IntercomCoordinator, data: Data) -> JsonObjectType:
    lists, path = _lists(coordinator), data[ATTR_FILENAME]
    name = _known(coordinator, data[ATTR_LIST], lists.exported)
    return await async_save(coordinator, lists.export(name, Path(path).suffix.lower()), data)


async def _import(coordinator: IntercomCoordinator, data: Data) -> None:
    lists = _lists(coordinator)
    name = _known(coordinator, data[ATTR_LIST], lists.imported)
    async with payload(coordinator.hass, data[ATTR_FILENAME]) as source:
        await coordinator.async_command(lists.replace(name, source))


async def _clear_log(coordinator: IntercomCoordinator, data: Data) -> None:
    lists = _lists(coordinator)
    name = _known(coordinator, data[ATTR_LOG], lists.cleared)
    await coordinator.async_command(lists.clear(name))
    await coordinator.async_read_last_call()


# PINs, cards and who came when are in these: for administrators.
ACTIONS = (
    Action("export_list", _export, Needs.ADMIN, {**_LIST, **TARGET}),
    Action("import_list", _import, Needs.ADMIN, {**_LIST, vol.Required(ATTR_FILENAME): cv.string}),
    Action("clear_log", _clear_log, Needs.ADMIN, {vol.Required(ATTR_LOG): cv.string}),
)
