"""Actions for lists and logs that a device exports, imports, and clears."""

from collections.abc import Iterable
from pathlib import Path
from typing import cast

from homeassistant.helpers import config_validation as cv
from homeassistant.util.json import JsonArrayType, JsonObjectType
import probatio as vol

from ..entity import require_feature
from ..helpers.errors import request_refused
from ..model.functions import AccessLog, AccessRecord, Lists
from ..runtime import IntercomRuntime
from .base import Action, Data, Fields, Needs
from .calls import ATTR_RECORDS, ONE_OR_ALL, RECORDS_OR_ALL
from .captures import async_save
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
_LISTS_ACTIONS = (
    Action("export_list", _export, Needs.ADMIN, {**_LIST, **TARGET}),
    Action("import_list", _import, Needs.ADMIN, {**_LIST, vol.Required(ATTR_FILENAME): cv.string}),
    Action("clear_log", _clear_log, Needs.ADMIN, {vol.Required(ATTR_LOG): cv.string}),
)


ATTR_LIMIT = "limit"

_LIMIT = vol.All(vol.Coerce(int), vol.Range(min=1, max=1000))


def _access_log(runtime: IntercomRuntime) -> AccessLog:
    return require_feature(runtime.coordinator, runtime.coordinator.features.access_log, "no_access_log")


def access_rows(records: Iterable[AccessRecord]) -> JsonArrayType:
    """Return records of who came in as JSON."""
    rows = [
        {
            "id": record.id,
            "time": None if record.time is None else record.time.isoformat(),
            "granted": record.granted,
            "name": record.name,
            "method": record.method,
            "door": record.door,
            "picture": record.picture,
        }
        for record in records
    ]
    return cast(JsonArrayType, rows)


async def _query(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    records = await runtime.coordinator.async_command(_access_log(runtime).query(data[ATTR_LIMIT]))
    return {"records": access_rows(records)}


async def _delete(runtime: IntercomRuntime, data: Data) -> None:
    log = _access_log(runtime)
    for record in data.get(ATTR_RECORDS) or [None]:
        await runtime.coordinator.async_command(log.delete(record))


# Who came when is for administrators.
_LOGS_ACTIONS = (
    Action("access_log_query", _query, Needs.ADMIN, {vol.Optional(ATTR_LIMIT, default=10): _LIMIT}),
    Action("access_log_delete", _delete, Needs.ADMIN, RECORDS_OR_ALL, rules=ONE_OR_ALL),
)


ACTIONS = (*_LISTS_ACTIONS, *_LOGS_ACTIONS)
