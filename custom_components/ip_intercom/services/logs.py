"""The access log of the device."""

from collections.abc import Iterable
from typing import cast

from homeassistant.util.json import JsonArrayType, JsonObjectType
import probatio as vol

from ..entity import require_feature
from ..model.functions import AccessLog, AccessRecord
from ..runtime import IntercomRuntime
from .base import Action, Data, Needs
from .calls import ATTR_RECORDS, ONE_OR_ALL, RECORDS_OR_ALL

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
ACTIONS = (
    Action("access_log_query", _query, Needs.ADMIN, {vol.Optional(ATTR_LIMIT, default=10): _LIMIT}),
    Action("access_log_delete", _delete, Needs.ADMIN, RECORDS_OR_ALL, rules=ONE_OR_ALL),
)
