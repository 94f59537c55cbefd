"""Directory of users with their numbers and credentials, and Bluetooth keys (HTTP API 5.14 and 5.15)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from ...common.decode import Key, decode_reply
from ...common.errors import PermissionDenied, UnexpectedReply
from ...common.parse import Fields, fields, flag, listed, objects, text
from .client import Functions
from .protocol import (
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
    """Error of a rejected entry: its code (``EDIR_…``), and the field if the device names one."""

    code: str = "EDIR_UNKNOWN"
    field: str | None = None


def _content(row: Fields) -> Fields:
    return {key: value for key, value in row.items() if key not in {"uuid", "timestamp", "errors"}}


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a response: its fields as the device returns them, or its errors."""

    uuid: str | None
    timestamp: int | None
    fields: Annotated[Fields, Key(row=_content)]
    errors: tuple[EntryError, ...]
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class DirectoryAnswer:
    """Entries in the order of the request, and the version of the directory.

    ``series`` and ``timestamp`` are the start of the next incremental query; ``invalid`` is set if the device no
    longer knows what changed since the requested timestamp (HTTP API 5.14.6).
    """

    series: str | None
    entries: Annotated[tuple[Entry, ...], Key("users")]
    timestamp: int | None
    invalid: int | None


class Directory(Functions):
    """``/api/dir``; needs *System – Control*."""

    async def template(self) -> Fields:
        """Return an entry with every field of this device at its default (HTTP API 5.14.1)."""
        users = objects(fields(await self._client.call(DIR_TEMPLATE)).get("users"))
        return users[0] if users else {}

    async def create(self, entries: Sequence[Mapping[str, object]], force: bool = False) -> DirectoryAnswer:
        """Create entries; ``force`` overwrites entries with the same uuid (HTTP API 5.14.2)."""
        return await self._ask(DIR_CREATE, {"force": force, "users": list(entries)})

    async def update(self, entries: Sequence[Mapping[str, object]]) -> DirectoryAnswer:
        """Set the given fields of entries by uuid (HTTP API 5.14.3)."""
        return await self._ask(DIR_UPDATE, {"users": list(entries)})

    async def delete(self, uuids: Iterable[str] = (), owner: str | None = None) -> DirectoryAnswer:
        """Delete entries by uuid, or all entries of an owner (HTTP API 5.14.4)."""
        if owner is not None:
            return await self._ask(DIR_DELETE, {"owner": owner})
        return await self._ask(DIR_DELETE, {"users": _users(uuids)})

    async def get(self, uuids: Iterable[str], wanted: Sequence[str] | None = None) -> DirectoryAnswer:
        """Return entries by uuid (HTTP API 5.14.5).

        Args:
            uuids: The entries.
            wanted: Field names such as ``callPos.peer``; an empty list returns all fields, None the fields that
                differ from their default.
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
        if listed(result, "users") is None:
            raise UnexpectedReply(f"{endpoint.path} returned no users")
        return decode_reply(DirectoryAnswer, result, endpoint.path)


def _users(uuids: Iterable[str]) -> list[dict[str, str]]:
    return [{"uuid": uuid} for uuid in uuids]


def _with_fields(body: dict[str, object], wanted: Sequence[str] | None) -> dict[str, object]:
    return body if wanted is None else body | {"fields": list(wanted)}


@dataclass(frozen=True, slots=True)
class MobileKey:
    """An encryption key (DER in Base64), excluded from repr; ``ctime`` in Unix seconds."""

    type: str | None
    key: str = field(repr=False)
    ctime: int | None


@dataclass(frozen=True, slots=True)
class MobileKeyConfig:
    """Location ID of the device for phones, and its keys, newest first."""

    location: str | None
    keys: tuple[MobileKey, ...]


class MobileKeys(Functions):
    """``/api/mobilekey``."""

    async def config(self) -> MobileKeyConfig:
        """Return location and keys; empty ones of the four slots are left out (HTTP API 5.15.1)."""
        return decode_reply(MobileKeyConfig, await self._client.call(MOBILEKEY_CONFIG), MOBILEKEY_CONFIG.path)

    async def set_config(self, location: str | None = None, keys: Sequence[MobileKey] | None = None) -> None:
        """Set location or keys; None keeps the current value, keys that are not given are deleted (HTTP API 5.15.1).

        The device's own fields and known keys are sent back unchanged. The device silently drops invalid keys.
        """
        try:
            there = fields(await self._client.call(MOBILEKEY_CONFIG))
        except PermissionDenied:  # an account may have write access only
            there = {}
        body: dict[str, object] = {**there}
        if location is not None:
            body["location"] = location
        if keys is not None:
            known = {text(item.get("key")): item for item in objects(there.get("keys"))}
            body["keys"] = [known.get(key.key) or _item(key) for key in keys]
        await self._client.call(MOBILEKEY_CONFIG_PUT, body=body)

    async def compatibility(self) -> bool:
        """Return whether phones with the legacy protocol are accepted; firmware 2.50 and newer."""
        result = fields(await self._client.call(MOBILEKEY_COMPATIBILITY))
        return flag(result.get("compatibilityMode")) is True

    async def set_compatibility(self, compatible: bool) -> None:
        """Set whether phones with the legacy protocol are accepted; firmware 2.50 and newer."""
        await self._client.call(MOBILEKEY_COMPATIBILITY_PUT, body={"compatibilityMode": compatible})


def _item(key: MobileKey) -> Fields:
    return {"type": key.type or "rsa", "key": key.key} | ({} if key.ctime is None else {"ctime": key.ctime})
