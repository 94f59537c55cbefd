"""The directory: entries with names, buttons, numbers and credentials (HTTP API 5.14)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ...common.errors import UnexpectedReply
from ...common.parse import Fields, fields, flag, integer, objects, text
from .client import TwoNClient
from .endpoints import DIR_CREATE, DIR_DELETE, DIR_GET, DIR_QUERY, DIR_TEMPLATE, DIR_UPDATE, Endpoint


@dataclass(frozen=True, slots=True)
class EntryError:
    """Why the device refused an entry: its code (``EDIR_…``) and the field, where it names one."""

    code: str
    field: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of an answer: its fields as the device gives them, or the errors instead."""

    uuid: str | None
    timestamp: int | None
    fields: Fields
    errors: tuple[EntryError, ...]
    deleted: bool


@dataclass(frozen=True, slots=True)
class DirectoryAnswer:
    """Entries in the order of the request, and the state of the directory's history.

    ``series`` and ``timestamp`` say where an incremental query can go on; ``invalid`` is set where
    the device cannot tell any more what changed since the timestamp asked for (HTTP API 5.14.6).
    """

    series: str | None
    entries: tuple[Entry, ...]
    timestamp: int | None
    invalid: int | None


class Directory:
    """``/api/dir``; needs *System – Control*."""

    def __init__(self, client: TwoNClient) -> None:
        self._client = client

    async def template(self) -> Fields:
        """Return an entry with every field this device has, at its default (HTTP API 5.14.1)."""
        users = objects(fields(await self._client.call(DIR_TEMPLATE)).get("users"))
        return users[0] if users else {}

    async def create(self, entries: Sequence[Mapping[str, object]], force: bool = False) -> DirectoryAnswer:
        """Create entries, or with ``force`` overwrite those of the same uuid (HTTP API 5.14.2)."""
        return await self._ask(DIR_CREATE, {"force": force, "users": list(entries)})

    async def update(self, entries: Sequence[Mapping[str, object]]) -> DirectoryAnswer:
        """Set the given fields of entries found by their uuid (HTTP API 5.14.3)."""
        return await self._ask(DIR_UPDATE, {"users": list(entries)})

    async def delete(self, uuids: Iterable[str] = (), owner: str | None = None) -> DirectoryAnswer:
        """Delete entries by uuid, or all of one owner (HTTP API 5.14.4)."""
        if owner is not None:
            return await self._ask(DIR_DELETE, {"owner": owner})
        return await self._ask(DIR_DELETE, {"users": _users(uuids)})

    async def get(self, uuids: Iterable[str], wanted: Sequence[str] | None = None) -> DirectoryAnswer:
        """Return entries by uuid (HTTP API 5.14.5).

        Args:
            uuids: The entries.
            wanted: Field names such as ``callPos.peer``; all fields for none in the list, and the
                fields that are not at their default for None.
        """
        return await self._ask(DIR_GET, _with_fields({"users": _users(uuids)}, wanted))

    async def query(
        self, wanted: Sequence[str] | None = None, since: int = 0, series: str | None = None
    ) -> DirectoryAnswer:
        """Return the entries changed at the timestamp ``since`` or later, all for 0 (HTTP API 5.14.6)."""
        body: dict[str, object] = {"iterator": {"timestamp": since}}
        if series is not None:
            body["series"] = series
        return await self._ask(DIR_QUERY, _with_fields(body, wanted))

    async def _ask(self, endpoint: Endpoint, body: Mapping[str, object]) -> DirectoryAnswer:
        result = fields(await self._client.call(endpoint, body=body))
        if not isinstance(result.get("users"), list):
            raise UnexpectedReply(f"{endpoint.path} answered without users")
        return DirectoryAnswer(
            series=text(result.get("series")),
            entries=tuple(_entry(item) for item in objects(result.get("users"))),
            timestamp=integer(result.get("timestamp")),
            invalid=integer(result.get("invalid")),
        )


def _users(uuids: Iterable[str]) -> list[dict[str, str]]:
    return [{"uuid": uuid} for uuid in uuids]


def _with_fields(body: dict[str, object], wanted: Sequence[str] | None) -> dict[str, object]:
    return body if wanted is None else body | {"fields": list(wanted)}


def _entry(item: Fields) -> Entry:
    return Entry(
        uuid=text(item.get("uuid")),
        timestamp=integer(item.get("timestamp")),
        fields={key: value for key, value in item.items() if key not in {"uuid", "timestamp", "errors"}},
        errors=tuple(
            EntryError(text(error.get("code")) or "EDIR_UNKNOWN", text(error.get("field")))
            for error in objects(item.get("errors"))
        ),
        deleted=flag(item.get("deleted")) is True,
    )
