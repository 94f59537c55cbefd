"""Temporary codes: directory entries of a 2N, which enforces their time window as well."""

from collections.abc import Iterator
from typing import override

from ...model.functions import Code
from ..common.code_rows import CodeRow, Keep, RowCodes, code_row
from ..common.errors import InvalidRequest, NotSupported
from ..common.parse import Fields, fields, flag
from .client import TwoNDevice
from .directory import TwoNDirectory

_OWNER = "home-assistant"
_WANTED = ("name", "access.pin")


class TwoNCodes(RowCodes):
    """Entries that have a name, a PIN and a validity (HTTP API 5.14.1); the device opens by its own rules."""

    def __init__(self, device: TwoNDevice) -> None:
        self._directory = TwoNDirectory(device)

    @override
    def _check(self, code: Code) -> None:
        if code.doors:
            raise NotSupported("no choice of doors for a PIN")

    @override
    async def _rows(self, keep: Keep, name: str | None = None) -> list[CodeRow]:
        """Return entries; the device looks up no name, and tells of those that are deleted."""
        entries = () if name is not None else (await self._directory.query(_WANTED, 0, None)).entries
        rows = (
            code_row(entry.fields, entry.uuid, fields(entry.fields.get("access")).get("pin"))
            for entry in entries
            if not flag(entry.fields.get("deleted"))
        )
        return [row for row in rows if row is not None and keep(row)]

    @override
    def _forms(self, code: Code) -> Iterator[Fields]:
        window = {"validFrom": str(int(code.start.timestamp())), "validTo": str(int(code.end.timestamp()))}
        yield {"name": code.name, "owner": _OWNER, "access": {"pin": code.pin, **window}}

    @override
    async def _send(self, form: Fields) -> str | None:
        (entry,) = (await self._directory.create([form], overwrite=False)).entries
        if entry.errors or entry.uuid is None:
            error = entry.errors[0] if entry.errors else {}
            raise InvalidRequest(error.get("code", "no entry"), error.get("field"))
        return entry.uuid

    @override
    async def _finish(self, code: Code, row: CodeRow) -> None:
        """Nothing is left to do: an entry says all at once."""

    @override
    async def _delete(self, row_id: str) -> None:
        await self._directory.delete([row_id], None)
