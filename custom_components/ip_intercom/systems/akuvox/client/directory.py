"""Users, and lists of items with an ID: keys, cards, contacts, groups, dial replacements (Api user, privatekey to dialreplace)."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
import re
from typing import IO, Annotated, override

from yarl import URL

from ...common.decode import Key, decode_all
from ...common.errors import NotSupported, UnexpectedReply
from ...common.http import Stream
from ...common.parse import Fields, integer, objects, text, texts
from .client import AkuvoxClient, Data
from .config import send_file
from .protocol import (
    CONTACT,
    CONTACT_ADD_ONE,
    DIALREPLACE,
    GROUP,
    POST,
    PRIVATEKEY,
    RFKEY,
    USER,
    USER_EXPORT,
    USER_INFO,
    USER_SCAN,
    AnyCase,
    Endpoint,
    ListEndpoints,
    by,
    changed,
)
from .row_reader import Keep

# Names in different firmware versions; a plain Schedule has no relays.
_SCHEDULE_RELAY = ("ScheduleRelay", "Schedule-Relay")
_SCHEDULE = "Schedule"
_SEPARATORS = re.compile(r"[;,]")

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


def schedules(item: Fields) -> tuple[tuple[str, str], ...]:
    """Return schedules and their relays: ``1001-12;1002-3`` under either name, or a plain list of schedules."""
    for name in _SCHEDULE_RELAY:
        if found := parts(text(item.get(name))):
            return tuple((part.partition("-")[0], part.partition("-")[2]) for part in found)
    bare = item.get(_SCHEDULE)
    return tuple((schedule, "") for schedule in texts(bare) or parts(text(bare)))


def parts(value: str | None) -> list[str]:
    """Return the parts of a list separated by semicolons, or by commas as on OEM devices."""
    return [part.strip() for part in _SEPARATORS.split(value or "") if part.strip()]


@dataclass(frozen=True, slots=True)
class User:
    """A user (Api user get).

    Attributes:
        id: The device's ID of the user.
        user_id: User ID that the administrator assigns.
        name: Name of the user.
        pin: PIN of the user.
        cards: Card numbers.
        schedules: Schedules with their relays, such as ``("1001", "12")``; ``""`` for unknown relays.
        source: Origin of the user.
        fields: All fields, needed for a change: some devices erase fields that a change leaves out.
    """

    id: Annotated[str | None, Key("ID")]
    user_id: Annotated[str | None, Key("UserID")]
    name: Annotated[str | None, Key("Name")]
    pin: Annotated[str | None, Key("PrivatePIN")] = field(repr=False)
    cards: Annotated[tuple[str, ...], Key("CardCode", convert=lambda codes: tuple(parts(text(codes))))] = field(
        repr=False
    )
    schedules: Annotated[tuple[tuple[str, str], ...], Key(row=schedules)]
    source: Annotated[str | None, Key("SourceType", "Source")]
    fields: Annotated[Fields, Key(row=AnyCase)] = field(repr=False)


class Users:
    """``/api/user``."""

    def __init__(self, client: AkuvoxClient) -> None:
        self._client = client
        self._items = Items(client, USER)

    async def default_id(self) -> int | None:
        """Return the user ID that the next user would get (Api user info)."""
        return integer((await self._client.call(USER_INFO)).get("DefaultUserId"))

    async def get(self, name: str | None = None, page: int | None = None, keep: Keep | None = None) -> tuple[User, ...]:
        """Return users (Api user get).

        Args:
            name: Name, number or PIN to search for; some devices ignore it.
            page: Page of ten users, from 1; devices without pages return all users.
            keep: Returns whether to keep a row of the device's own fields; None keeps all.
        """
        data: dict[str, object] = {} if page is None else {"page": page}
        if name is None:
            return decode_all(User, await self._client.rows(USER.get, data, keep))
        try:
            # A PIN must not be part of a URL.
            rows = await self._client.rows(by(POST, USER.get), {**data, "NameOrPerID": name, "NameOrCode": name}, keep)
        except NotSupported:
            rows = await self._client.rows(USER.get, data, keep)
        return decode_all(User, rows)

    async def add(self, users: Iterable[Data]) -> tuple[ItemResult, ...]:
        """Add users with the device's own fields; return their results, mostly none (Api user add).

        ``ScheduleRelay`` is sent under both of its names; a device ignores the unknown one.

        Raises:
            CommandFailed: Another user has the number or PIN.
        """
        return await self._items.add([_by_both_names(user) for user in users])

    async def set(self, users: Iterable[Data]) -> tuple[ItemResult, ...]:
        """Replace users by ID; some devices erase fields that are left out (Api user set).

        Raises:
            CommandFailed: The user does not exist, or another one has the number or PIN.
        """
        return await self._items.set([_by_both_names(user) for user in users])

    async def change(self, user: User, values: Data) -> None:
        """Change some fields of a user that was just read; keep the others.

        Raises:
            CommandFailed: As ``set``.
        """
        changes = _by_both_names(values)
        kept = AnyCase(user.fields)
        if any(name in changes for name in _SCHEDULE_RELAY) and any(name in kept for name in _SCHEDULE_RELAY):
            kept.pop(kept.spelling(_SCHEDULE), None)  # duplicates the schedules with relays
        await self.set([changed(kept, changes)])

    async def delete(self, ids: Iterable[str]) -> tuple[ItemResult, ...]:
        """Delete users by ID; deleting an unknown user succeeds (Api user del)."""
        return await self._items.delete([{"ID": number} for number in ids])

    async def scan(self) -> str | None:
        """Return the number of the last card presented to the reader (Api user scan)."""
        return text((await self._client.call(USER_SCAN)).get("RFCode"))

    async def clear(self) -> None:
        """Delete all users (Api user clear)."""
        await self._items.clear()

    @asynccontextmanager
    async def export(self) -> AsyncIterator[Stream]:
        """Open all users as a file at the path that the device returns (Api user export).

        Raises:
            UnexpectedReply: The path is on another host.
        """
        address = text((await self._client.call(USER_EXPORT)).get("address")) or ""
        async with self._client.fetch(self._path(address)) as stream:
            yield stream

    async def import_(
        self, file: IO[bytes], filename: str, size: int, progress: Callable[[int], None] | None = None
    ) -> None:
        """Replace all users with an exported file, which may be from another device (Api user import).

        Raises:
            CommandFailed: The file is invalid.
        """
        await self._items.import_(file, filename, size, progress)

    def _path(self, address: str) -> str:
        try:
            url = URL(address.strip())
        except ValueError:
            url = URL()
        if url.host not in {None, self._client.transport.base.host} or not url.path.startswith("/"):
            raise UnexpectedReply("the exported user file is on another host")
        return url.path


def _by_both_names(user: Mapping[str, object]) -> dict[str, object]:
    both = dict(user)
    given = next((user[name] for name in _SCHEDULE_RELAY if name in user), None)
    return both if given is None else {**both, **dict.fromkeys(_SCHEDULE_RELAY, given)}
