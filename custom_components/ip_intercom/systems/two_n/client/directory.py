"""The directory with names, numbers and credentials, and keys for Bluetooth (HTTP API 5.14 and 5.15)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from ...common.decode import Key, decode_reply
from ...common.errors import PermissionDenied, UnexpectedReply
from ...common.parse import Fields, fields, flag, objects, text
from .client import Functions
from .endpoints import (
    DIR_CREATE,
    DIR_DELETE,
    DIR_GET,
    DIR_QUERY,
    DIR_TEMPLATE,
    DIR_UPDATE,
    MOBILEKEY_COMPATIBILITY,
    MOBILEKEY_COMPATIBILITY_PUT,
    MOBILEKEY_CONFIG,
    MOBILEKEY_CONFIG_PUT,
    Endpoint,
)


@dataclass(frozen=True, slots=True)
class EntryError:
    """Why the device refused an entry: its code (``EDIR_…``) and the field, where it names one."""

    code: str = "EDIR_UNKNOWN"
    field: str | None = None


def _content(row: Fields) -> Fields:
    return {key: value for key, value in row.items() if key not in {"uuid", "timestamp", "errors"}}


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of an answer: its fields as the device gives them, or the errors instead."""

    uuid: str | None
    timestamp: int | None
    fields: Annotated[Fields, Key(row=_content)]
    errors: tuple[EntryError, ...]
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class DirectoryAnswer:
    """Entries in the order of the request, and the state of the directory's history.

    ``series`` and ``timestamp`` say where an incremental query can go on; ``invalid`` is set where
    the device cannot tell any more what changed since the timestamp asked for (HTTP API 5.14.6).
    """

    series: str | None
    entries: Annotated[tuple[Entry, ...], Key("users")]
    timestamp: int | None
    invalid: int | None


class Directory(Functions):
    """``/api/dir``; needs *System – Control*."""

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
        return decode_reply(DirectoryAnswer, result, endpoint.path)


def _users(uuids: Iterable[str]) -> list[dict[str, str]]:
    return [{"uuid": uuid} for uuid in uuids]


def _with_fields(body: dict[str, object], wanted: Sequence[str] | None) -> dict[str, object]:
    return body if wanted is None else body | {"fields": list(wanted)}


@dataclass(frozen=True, slots=True)
class MobileKey:
    """An encryption key (DER in Base64), never shown; ``ctime`` in Unix seconds."""

    type: str | None
    key: str = field(repr=False)
    ctime: int | None


@dataclass(frozen=True, slots=True)
class MobileKeyConfig:
    """The device's location for phones, and its keys, newest first."""

    location: str | None
    keys: tuple[MobileKey, ...]


class MobileKeys(Functions):
    """``/api/mobilekey``."""

    async def config(self) -> MobileKeyConfig:
        """Return location and keys; of its four slots, the empty ones are left out (HTTP API 5.15.1)."""
        return decode_reply(MobileKeyConfig, await self._client.call(MOBILEKEY_CONFIG), MOBILEKEY_CONFIG.path)

    async def set_config(self, location: str | None = None, keys: Sequence[MobileKey] | None = None) -> None:
        """Set location or keys; what is None stays, keys that are not given are deleted (HTTP API 5.15.1).

        What the device tells of itself and of a key that it has is sent back as it came. It leaves out a key that is
        none, without a word.
        """
        try:
            there = fields(await self._client.call(MOBILEKEY_CONFIG))
        except PermissionDenied:  # an account may write only
            there = {}
        body: dict[str, object] = {**there}
        if location is not None:
            body["location"] = location
        if keys is not None:
            known = {text(item.get("key")): item for item in objects(there.get("keys"))}
            body["keys"] = [known.get(key.key) or _item(key) for key in keys]
        await self._client.call(MOBILEKEY_CONFIG_PUT, body=body)

    async def compatibility(self) -> bool:
        """Return whether phones with the old way are let in; firmware 2.50 and newer."""
        result = fields(await self._client.call(MOBILEKEY_COMPATIBILITY))
        return flag(result.get("compatibilityMode")) is True

    async def set_compatibility(self, compatible: bool) -> None:
        """Let phones with the old way in, or not; firmware 2.50 and newer."""
        await self._client.call(MOBILEKEY_COMPATIBILITY_PUT, body={"compatibilityMode": compatible})


def _item(key: MobileKey) -> Fields:
    return {"type": key.type or "rsa", "key": key.key} | ({} if key.ctime is None else {"ctime": key.ctime})
