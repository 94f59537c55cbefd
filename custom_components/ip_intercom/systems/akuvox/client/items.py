"""Lists of items with an ID: keys, cards, contacts, groups, dial replacements (Api privatekey to Api dialreplace)."""

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

# Fields that a contact may have to be added with a query.
_ADDRESS_FIELDS = frozenset({"Name", "Phone"})


@dataclass(frozen=True, slots=True)
class ItemResult:
    """Result for one item of a request.

    Attributes:
        id: ID of the item, None if the device does not return it.
        ret: Return value for the item, None if the device returned none.
        fields: Fields that the device echoes; may contain codes and card numbers.
        ok: Whether the change succeeded.
    """

    id: str | None
    ret: int | None
    fields: Fields = field(repr=False)
    ok: bool


class Items:
    """One list; items have the device's own fields.

    Args:
        client: Client for the requests.
        endpoints: Endpoints of the list.
        numbered: Whether a positive ``Ret`` is the ID of a new item and not an error.
    """

    def __init__(self, client: AkuvoxClient, endpoints: ListEndpoints, *, numbered: bool = True) -> None:
        self._client = client
        self._endpoints = endpoints
        self._numbered = numbered

    async def get(self, keep: Keep | None = None) -> tuple[Fields, ...]:
        """Return the items, or those that ``keep`` accepts (Api privatekey get)."""
        return await self._client.rows(self._endpoints.get, keep=keep)

    async def add(self, items: Iterable[Data]) -> tuple[ItemResult, ...]:
        """Add items and return their results; the device ignores given IDs (Api privatekey add)."""
        return await self._change(self._endpoints.add, items)

    async def set(self, items: Iterable[Data]) -> tuple[ItemResult, ...]:
        """Change items by ID and return their results (Api privatekey set)."""
        return await self._change(self._endpoints.set, items)

    async def delete(self, items: Iterable[Data]) -> tuple[ItemResult, ...]:
        """Delete items by any given fields; the first match is deleted (Api privatekey del)."""
        return await self._change(self._endpoints.delete, items)

    async def clear(self) -> None:
        """Delete all items (Api privatekey clear)."""
        await self._client.call(self._endpoints.clear)

    @asynccontextmanager
    async def export(self, filetype: str | None = None) -> AsyncIterator[Stream]:
        """Open the list as a file (Api privatekey export).

        Args:
            filetype: ``csv``, ``xml`` or ``vcf`` for contacts, None for the default.

        Raises:
            CommandFailed: The list of contacts is empty.
        """
        data = None if filetype is None else {"filetype": filetype}
        async with self._client.download(self._endpoints.export, data) as stream:
            yield stream

    async def import_(
        self, file: IO[bytes], filename: str, size: int, progress: Callable[[int], None] | None = None
    ) -> None:
        """Replace the list with an exported file (Api privatekey import).

        Raises:
            CommandFailed: The file is invalid.
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
    """``/api/contact``; on devices with an apartment book, items have no ID."""

    def __init__(self, client: AkuvoxClient) -> None:
        super().__init__(client, CONTACT, numbered=False)

    @override
    async def add(self, items: Iterable[Data]) -> tuple[ItemResult, ...]:
        """Add contacts; if the device rejects the list, add them one by one (HTTP API Method: GET)."""
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
    """Return ``/api/rfkey``: cards of older devices; ``add`` returns the new ID as ``Ret``."""
    return Items(client, RFKEY)


def groups(client: AkuvoxClient) -> Items:
    """Return ``/api/group``: groups of contacts; a ``Ret`` of 14 is the error of an empty name."""
    return Items(client, GROUP, numbered=False)


def replacements(client: AkuvoxClient) -> Items:
    """Return ``/api/dialreplace``: replacements for dialed numbers."""
    return Items(client, DIALREPLACE, numbered=False)
