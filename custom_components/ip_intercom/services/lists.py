"""Lists and logs of the device as files."""

from collections.abc import Iterable
from pathlib import Path

from homeassistant.helpers import config_validation as cv
from homeassistant.util.json import JsonObjectType
import probatio as vol

from ..entity import require_feature
from ..helpers.errors import request_refused
from ..model.functions import Lists
from ..runtime import IntercomRuntime
from .base import Action, Data, Fields, Needs
from .capture import async_save
from .files import ATTR_FILENAME, TARGET, payload

ATTR_LIST = "list"
ATTR_LOG = "log"

_LIST: Fields = {vol.Required(ATTR_LIST): cv.string}


def _lists(runtime: IntercomRuntime) -> Lists:
    return require_feature(runtime.coordinator, runtime.coordinator.features.lists, "no_lists")


def _known(runtime: IntercomRuntime, name: str, known: Iterable[str]) -> str:
    if name not in known:
        raise request_refused("which_list", device=runtime.coordinator.name, lists=", ".join(sorted(known)))
    return name


async def _export(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    lists, path = _lists(runtime), data[ATTR_FILENAME]
    name = _known(runtime, data[ATTR_LIST], lists.exported)
    return await async_save(runtime, lists.export(name, Path(path).suffix.lower()), data)


async def _import(runtime: IntercomRuntime, data: Data) -> None:
    lists = _lists(runtime)
    name = _known(runtime, data[ATTR_LIST], lists.imported)
    async with payload(runtime.coordinator.hass, data[ATTR_FILENAME]) as source:
        await runtime.coordinator.async_command(lists.replace(name, source))


async def _clear_log(runtime: IntercomRuntime, data: Data) -> None:
    lists = _lists(runtime)
    name = _known(runtime, data[ATTR_LOG], lists.cleared)
    await runtime.coordinator.async_command(lists.clear(name))
    await runtime.coordinator.async_read_last_call()


# PINs, cards and who came when are in these: for administrators.
ACTIONS = (
    Action("export_list", _export, Needs.ADMIN, {**_LIST, **TARGET}),
    Action("import_list", _import, Needs.ADMIN, {**_LIST, vol.Required(ATTR_FILENAME): cv.string}),
    Action("clear_log", _clear_log, Needs.ADMIN, {vol.Required(ATTR_LOG): cv.string}),
)
