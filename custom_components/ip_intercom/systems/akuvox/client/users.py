"""Users with their PINs, cards and relays (Api user)."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
import re
from typing import IO, Annotated

from yarl import URL

from ...common.decode import Key, decode_all
from ...common.errors import NotSupported, UnexpectedReply
from ...common.http import Stream
from ...common.parse import Fields, integer, text, texts
from .client import AkuvoxClient, Data
from .endpoints import POST, USER, USER_EXPORT, USER_INFO, USER_SCAN, by
from .items import ItemResult, Items
from .row_reader import Keep

# Names in different firmware versions; a plain Schedule has no relays.
_SCHEDULE_RELAY = ("ScheduleRelay", "Schedule-Relay")
_SCHEDULE = "Schedule"
_SEPARATORS = re.compile(r"[;,]")


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
    fields: Annotated[Fields, Key(row=dict)] = field(repr=False)


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
        kept = dict(user.fields)
        if any(name in changes for name in _SCHEDULE_RELAY) and any(name in kept for name in _SCHEDULE_RELAY):
            kept.pop(_SCHEDULE, None)  # duplicates the schedules with relays
        await self.set([{**kept, **changes}])

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
