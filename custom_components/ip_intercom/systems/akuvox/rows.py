"""The lists of an Akuvox in one shape: rows with an ID, added, set and deleted one at a time."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from ..common.errors import CommandFailed, NotSupported
from ..common.parse import Fields, text
from .client import AkuvoxDevice
from .client.items import ItemResult, Items
from .client.row_reader import Keep
from .client.users import Users

type Rows = tuple[Fields, ...]
type Values = Mapping[str, object]


class ItemList(Protocol):
    """One list; all methods raise ``CommandFailed`` where the device refuses the row."""

    async def get(self, keep: Keep | None = None) -> Rows:
        """Return all rows, or those that ``keep`` wants."""

    async def named(self, name: str) -> Rows:
        """Return the rows of a name, where the device looks it up; else all or none."""

    async def add(self, values: Values) -> str | None:
        """Add a row and return its ID where the device tells it."""

    async def set(self, values: Values) -> None:
        """Replace a row by the one of its ID."""

    async def delete(self, number: str) -> None:
        """Delete a row by its ID."""

    async def clear(self) -> None:
        """Delete all rows."""


class _Users:
    """Users: the device says nothing of each, refuses the whole request, and wants a number for a new one."""

    def __init__(self, users: Users) -> None:
        self._users = users
        self.clear = users.clear

    async def get(self, keep: Keep | None = None) -> Rows:
        return tuple(user.fields for user in await self._users.get(keep=keep))

    async def named(self, name: str) -> Rows:
        def fits(row: Fields) -> bool:
            return text(row.get("Name")) == name

        return tuple(user.fields for user in await self._users.get(name, keep=fits))

    async def add(self, values: Values) -> str | None:
        if not values.get("UserID"):
            try:
                number = await self._users.default_id()
            except NotSupported:
                number = None
            values = values if number is None else {**values, "UserID": str(number)}
        return _done(await self._users.add([values]))

    async def set(self, values: Values) -> None:
        _done(await self._users.set([values]))

    async def delete(self, number: str) -> None:
        _done(await self._users.delete([number]))


class _Items:
    """Lists whose reply says of each row what became of it."""

    def __init__(self, items: Items) -> None:
        self._items = items
        self.get = items.get
        self.clear = items.clear

    async def named(self, name: str) -> Rows:
        return await self.get(lambda row: text(row.get("Name")) == name)

    async def add(self, values: Values) -> str | None:
        return _done(await self._items.add([values]))

    async def set(self, values: Values) -> None:
        _done(await self._items.set([values]))

    async def delete(self, number: str) -> None:
        _done(await self._items.delete([{"ID": number}]))


def lists_of(device: AkuvoxDevice) -> Mapping[str, ItemList]:
    """Return the lists by kind; which of them a device has, it says when it is asked."""
    return {
        "user": _Users(device.users),
        "contact": _Items(device.contacts),
        "group": _Items(device.groups),
        "key": _Items(device.private_keys),
        "card": _Items(device.cards),
        "replacement": _Items(device.replacements),
    }


def _done(results: Iterable[ItemResult]) -> str | None:
    """Return the ID of the only row, if it is told."""
    number = None
    for result in results:
        if not result.ok:
            raise CommandFailed(f"error {result.ret}")
        number = result.id
    return number
