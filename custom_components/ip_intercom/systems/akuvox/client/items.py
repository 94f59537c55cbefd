"""Lists of things with an ID: keys, cards, contacts, groups, replaced numbers (Api privatekey to Api dialreplace)."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import IO, override

from ...common.errors import NotSupported
from ...common.http import Stream
from ...common.parse import Fields, integer, objects, text
from .client import AkuvoxClient, Data
from .config import send_file
from .endpoints import CONTACT, CONTACT_ADD_ONE, DIALREPLACE, GROUP, PRIVATEKEY, RFKEY, Endpoint, ListEndpoints
from .row_reader import Keep

# What a contact may have to be added in the address of a request.
_ADDRESS_FIELDS = frozenset({"Name", "Phone"})


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What became of one item of a request.

    Attributes:
        id: The device's ID of it, None where it does not tell.
        ret: What the device returned for it, None where it returned nothing.
        fields: What it echoes; codes and card numbers may be among it.
        ok: Whether it was done.
    """

    id: str | None
    ret: int | None
    fields: Fields = field(repr=False)
    ok: bool


class Items:
    """One list; items are the device's own fields.

    Args:
        client: Used for the requests.
        endpoints: The functions of the list.
        numbered: Whether a positive ``Ret`` is the number of a new item, and no error.
    """

    def __init__(self, client: AkuvoxClient, endpoints: ListEndpoints, *, numbered: bool = True) -> None:
        self._client = client
        self._endpoints = endpoints
        self._numbered = numbered

    async def get(self, keep: Keep | None = None) -> tuple[Fields, ...]:
        """Return the items, or those that ``keep`` wants (Api privatekey get)."""
        return await self._client.rows(self._endpoints.get, keep=keep)

    async def add(self, items: Iterable[Data]) -> tuple[ItemResult, ...]:
        """Add items and return what became of each; an ID that they bring is not looked at (Api privatekey add)."""
        return await self._change(self._endpoints.add, items)

    async def set(self, items: Iterable[Data]) -> tuple[ItemResult, ...]:
        """Change items by their ID and return what became of each (Api privatekey set)."""
        return await self._change(self._endpoints.set, items)

    async def delete(self, items: Iterable[Data]) -> tuple[ItemResult, ...]:
        """Delete items by any given fields; the first match is deleted (Api privatekey del)."""
        return await self._change(self._endpoints.delete, items)

    async def clear(self) -> None:
        """Delete all (Api privatekey clear)."""
        await self._client.call(self._endpoints.clear)

    @asynccontextmanager
    async def export(self, filetype: str | None = None) -> AsyncIterator[Stream]:
        """Open the list as a file (Api privatekey export).

        Args:
            filetype: ``csv``, ``xml`` or ``vcf`` for contacts, None for what is usual.

        Raises:
            CommandFailed: Contacts, and there are none.
        """
        data = None if filetype is None else {"filetype": filetype}
        async with self._client.download(self._endpoints.export, data) as stream:
            yield stream

    async def import_(
        self, file: IO[bytes], filename: str, size: int, progress: Callable[[int], None] | None = None
    ) -> None:
        """Replace the list by a file that was exported (Api privatekey import).

        Raises:
            CommandFailed: No such file.
        """
        await send_file(self._client, self._endpoints.import_, file, filename, size, progress)

    async def _change(self, endpoint: Endpoint, items: Iterable[Data]) -> tuple[ItemResult, ...]:
        data = await self._client.call(endpoint, {"item": [dict(item) for item in items]})
        return tuple(self._result(item) for item in objects(data.get("item")))

    def _result(self, item: Fields) -> ItemResult:
        ret = integer(item.get("Ret"))
        ok = ret is None or ret == 0 or (ret > 0 and self._numbered)
        return ItemResult(text(item.get("ID")), ret, item, ok)


class Contacts(Items):
    """``/api/contact``; where the device has an apartment book, its items have no ID."""

    def __init__(self, client: AkuvoxClient) -> None:
        super().__init__(client, CONTACT, numbered=False)

    @override
    async def add(self, items: Iterable[Data]) -> tuple[ItemResult, ...]:
        """Add contacts; a device that refuses the list is given one after another (HTTP API Method: GET)."""
        contacts = list(items)
        try:
            return await super().add(contacts)
        except NotSupported:
            if not all(set(contact) <= _ADDRESS_FIELDS for contact in contacts):
                raise
        return tuple([await self._add_one(contact) for contact in contacts])

    async def _add_one(self, contact: Data) -> ItemResult:
        data = await self._client.call(CONTACT_ADD_ONE, {name.lower(): value for name, value in contact.items()})
        return ItemResult(text(data.get("id")), None, data, ok=True)


def private_keys(client: AkuvoxClient) -> Items:
    """Return ``/api/privatekey``: PINs of older devices."""
    return Items(client, PRIVATEKEY)


def cards(client: AkuvoxClient) -> Items:
    """Return ``/api/rfkey``: cards of older devices; ``add`` answers with the new ID as ``Ret``."""
    return Items(client, RFKEY)


def groups(client: AkuvoxClient) -> Items:
    """Return ``/api/group``: groups of contacts; 14 is the ``Ret`` of an empty name, and no success."""
    return Items(client, GROUP, numbered=False)


def replacements(client: AkuvoxClient) -> Items:
    """Return ``/api/dialreplace``: numbers that are dialled in place of others."""
    return Items(client, DIALREPLACE, numbered=False)
