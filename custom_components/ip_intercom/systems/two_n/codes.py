"""PINs for a while: entries of the directory of a 2N, which heeds their window by itself too."""

from ...api.errors import InvalidRequest, NotSupported, Rejected
from ...api.parse import fields, text
from ...api.two_n import TwoNDevice
from ...facets import EntryResult
from ...functions import Code
from .directory import TwoNDirectory

_OWNER = "home-assistant"
_WANTED = ("name", "access.pin")


class TwoNCodes:
    """Entries that have a name, a PIN and a validity (HTTP API 5.14.1)."""

    def __init__(self, device: TwoNDevice) -> None:
        """Command ``device``."""
        self._directory = TwoNDirectory(device)

    async def add(self, code: Code) -> str:
        """Create the entry, unless it is there, and return its uuid.

        Raises:
            NotSupported: Doors are named: the device opens by its own rules.
            InvalidRequest: It refuses the PIN, for instance because somebody has it.
        """
        if code.doors:
            raise NotSupported("no choice of doors for a PIN")
        for entry in await self._entries():
            if entry.uuid is not None and _name(entry) == code.name and _pin(entry) == code.pin:
                return entry.uuid
        window = {"validFrom": str(int(code.start.timestamp())), "validTo": str(int(code.end.timestamp()))}
        new = {"name": code.name, "owner": _OWNER, "access": {"pin": code.pin, **window}}
        (entry,) = (await self._directory.create([new], overwrite=False)).entries
        if entry.errors or entry.uuid is None:
            error = entry.errors[0] if entry.errors else {}
            raise InvalidRequest(error.get("code", "no entry"), error.get("field"))
        return entry.uuid

    async def remove(self, code: Code, known_as: str | None) -> None:
        """Delete the entry; it is ours where two of uuid, name and PIN are."""
        if ours := await self._ours(code, known_as):
            await self._directory.delete(ours, None)
            if await self._ours(code, known_as):
                raise Rejected("the entry is still there")

    async def _ours(self, code: Code, known_as: str | None) -> list[str]:
        return [
            entry.uuid
            for entry in await self._entries()
            if entry.uuid is not None
            and (entry.uuid == known_as) + (_name(entry) == code.name) + (_pin(entry) == code.pin) >= 2
        ]

    async def _entries(self) -> tuple[EntryResult, ...]:
        return (await self._directory.query(_WANTED, 0, None)).entries


def _name(entry: EntryResult) -> str | None:
    return text(entry.fields.get("name"))


def _pin(entry: EntryResult) -> str | None:
    return text(fields(entry.fields.get("access")).get("pin"))
