"""Directory of an Akuvox: users, contacts, groups, keys, cards and dial replacements, with the device's own fields.

An entry is identified by its kind and the device's ID, such as ``user:3``.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Protocol

from ...model.features import DirectoryResult, EntryResult
from ...model.parts import BellId
from ...model.ring_detector import CALL_BELL
from ...model.talk import ButtonNumber, ButtonReason, is_at
from ..common.errors import ButtonRefused, CommandFailed, InvalidRequest, NotSupported
from ..common.parse import Fields, text
from .client import AkuvoxDevice
from .client.directory import ItemResult, Items, Users
from .client.protocol import AnyCase, changed, without
from .client.row_reader import Keep
from .privacy import SECRET_FIELDS

type Rows = tuple[Fields, ...]
type Values = Mapping[str, object]


class ItemList(Protocol):
    """One list; all methods raise ``CommandFailed`` if the device rejects the row."""

    async def get(self, keep: Keep | None = None) -> Rows:
        """Return all rows, or those that ``keep`` accepts."""

    async def named(self, name: str) -> Rows:
        """Return the rows with a name; the device may search them itself."""

    async def add(self, values: Values) -> str | None:
        """Add a row and return its ID if the device returns it."""

    async def set(self, values: Values) -> None:
        """Replace a row by ID."""

    async def delete(self, number: str) -> None:
        """Delete a row by ID."""

    async def clear(self) -> None:
        """Delete all rows."""


class _Users:
    """Users: the device returns no results per row, rejects whole requests, and requires a number for a new user."""

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
        return _id_of(await self._users.add([values]))

    async def set(self, values: Values) -> None:
        _id_of(await self._users.set([values]))

    async def delete(self, number: str) -> None:
        _id_of(await self._users.delete([number]))


class _Items:
    """Lists whose reply contains a result for each row."""

    def __init__(self, items: Items) -> None:
        self._items = items
        self.get = items.get
        self.clear = items.clear

    async def named(self, name: str) -> Rows:
        return await self.get(lambda row: text(row.get("Name")) == name)

    async def add(self, values: Values) -> str | None:
        return _id_of(await self._items.add([values]))

    async def set(self, values: Values) -> None:
        _id_of(await self._items.set([values]))

    async def delete(self, number: str) -> None:
        _id_of(await self._items.delete([{"ID": number}]))


def lists_of(device: AkuvoxDevice) -> Mapping[str, ItemList]:
    """Return the lists by kind; the device rejects requests for lists that it does not have."""
    return {
        "user": _Users(device.users),
        "contact": _Items(device.contacts),
        "group": _Items(device.groups),
        "key": _Items(device.private_keys),
        "card": _Items(device.cards),
        "replacement": _Items(device.replacements),
    }


def _id_of(results: Iterable[ItemResult]) -> str | None:
    """Return the ID of the only row, if the device returns it."""
    number = None
    for result in results:
        if not result.ok:
            raise CommandFailed(f"error {result.ret}")
        number = result.id
    return number


_UUID, _KIND, _ID = "uuid", "kind", "ID"
# Form to delete all entries of a kind: ``user:*``.
_ALL = "*"

# Error codes of the integration, in addition to the device's messages.
_NO_KIND = "unknown_kind"
_NO_ENTRY = "not_found"
_EXISTS = "exists"
# The apartment book of an X915S has no IDs, so its rows cannot be addressed.
_NO_IDS = "read_only_without_ids"
_NOT_STORED = "not_taken"
_NOT_DELETED = "not_deleted"
_NO_LIST = "not_supported"
# Fields of an Akuvox are texts, or lists of them.
_NESTED = "not_a_text"
# Names of the field for a user's relays in different firmware.
_SCHEDULE_RELAYS = frozenset({"ScheduleRelay", "Schedule-Relay"})


class _Rejected(Exception):
    """An entry is rejected by the integration."""

    def __init__(self, code: str, field: str | None = None) -> None:
        super().__init__(code)
        self.error = {"code": code} | ({} if field is None else {"field": field})


class AkuvoxDirectory:
    """The lists of the device; entries have the device's own fields."""

    secrets = SECRET_FIELDS

    def __init__(self, device: AkuvoxDevice) -> None:
        self._lists = lists_of(device)

    async def query(self, wanted: Sequence[str] | None, since: int, series: str | None) -> DirectoryResult:
        """Return all entries of all lists of the device, which stores no timestamps."""
        entries: list[EntryResult] = []
        for kind, items in self._lists.items():
            try:
                rows = await items.get()
            except NotSupported:
                continue
            entries.extend(_shown(kind, row, wanted) for row in rows)
        return DirectoryResult(tuple(entries), None, None)

    async def get(self, uuids: Sequence[str], wanted: Sequence[str] | None) -> DirectoryResult:
        """Return entries by uuid."""
        request = _Request(self._lists)
        return await _each(uuids, lambda uuid: request.get(uuid, wanted), lambda uuid: uuid)

    async def create(self, entries: Sequence[Mapping[str, object]], overwrite: bool) -> DirectoryResult:
        """Create entries of a ``kind``; ``overwrite`` allows to replace entries with the same uuid."""
        request = _Request(self._lists)
        return await _each(entries, lambda entry: request.create(entry, overwrite), _uuid)

    async def update(self, entries: Sequence[Mapping[str, object]]) -> DirectoryResult:
        """Set the given fields of entries by ``uuid``; all others are written back unchanged."""
        request = _Request(self._lists)
        return await _each(entries, request.update, _uuid)

    async def delete(self, uuids: Iterable[str], owner: str | None) -> DirectoryResult:
        """Delete entries by uuid, or all entries of a kind, such as ``key:*``."""
        if owner is None:
            request = _Request(self._lists)
            return await _each(uuids, request.delete, lambda uuid: uuid)
        kind, _, rest = owner.partition(":")
        if kind not in self._lists or rest != _ALL:
            raise InvalidRequest(
                f"to remove all of a kind, use {', '.join(f'{kind}:{_ALL}' for kind in self._lists)}", "owner"
            )
        rows = await self._lists[kind].get()
        await self._lists[kind].clear()
        return DirectoryResult(tuple(EntryResult(_uuid_of(kind, row), {}, ()) for row in rows), None, None)


class _Request:
    """One request to the directory; caches each list until a change."""

    def __init__(self, lists: Mapping[str, ItemList]) -> None:
        self._lists = lists
        self._rows: dict[str, Rows] = {}

    async def get(self, uuid: str, wanted: Sequence[str] | None) -> EntryResult:
        kind, number = self._named(uuid)
        return _shown(kind, await self._row(kind, number), wanted)

    async def create(self, entry: Mapping[str, object], overwrite: bool) -> EntryResult:
        if entry.get(_UUID):
            kind, number = self._named(str(entry[_UUID]))
        elif (kind := str(entry.get(_KIND, ""))) in self._lists:
            number = ""
        else:
            raise _Rejected(_NO_KIND, _KIND)
        current = await self._read(kind)
        if current and not any(_id(row) for row in current):
            raise _Rejected(_NO_IDS)
        if number and any(_id(row) == number for row in current):
            if not overwrite:
                raise _Rejected(_EXISTS, _UUID)
            return await self._set(kind, number, {}, _values(entry))
        values = _values(entry)
        result = await self._lists[kind].add(values)
        old = {_id(row) for row in current}
        added = [row for row in await self._read(kind, refresh=True) if _id(row) not in old]
        created = [row for row in added if _id(row) == result] or [row for row in added if _fits(row, values)] or added
        if len(created) != 1:
            raise _Rejected(_NOT_STORED)
        return _checked(kind, {}, values, created[0])

    async def update(self, entry: Mapping[str, object]) -> EntryResult:
        kind, number = self._named(str(entry.get(_UUID, "")))
        return await self._set(kind, number, await self._row(kind, number), _values(entry))

    async def delete(self, uuid: str) -> EntryResult:
        kind, number = self._named(uuid)
        await self._row(kind, number)  # for a device, deleting an unknown user succeeds
        await self._lists[kind].delete(number)
        if any(_id(row) == number for row in await self._read(kind, refresh=True)):
            raise _Rejected(_NOT_DELETED)
        return EntryResult(uuid, {}, ())

    async def _set(self, kind: str, number: str, before: Fields, values: Values) -> EntryResult:
        if _SCHEDULE_RELAYS & values.keys():  # the old value under the other name would contradict
            before = without(before, _SCHEDULE_RELAYS)
        await self._lists[kind].set(changed(before, {**values, _ID: number}))
        await self._read(kind, refresh=True)
        return _checked(kind, before, values, await self._row(kind, number))

    def _named(self, uuid: str) -> tuple[str, str]:
        kind, _, number = uuid.partition(":")
        if kind not in self._lists or not number:
            raise _Rejected(_NO_KIND, _UUID)
        return kind, number

    async def _row(self, kind: str, number: str) -> Fields:
        rows = await self._read(kind)
        for row in rows:
            if _id(row) == number:
                return row
        raise _Rejected(_NO_IDS if rows and not any(_id(row) for row in rows) else _NO_ENTRY, _UUID)

    async def _read(self, kind: str, *, refresh: bool = False) -> Rows:
        if refresh or kind not in self._rows:
            self._rows[kind] = await self._lists[kind].get()
        return self._rows[kind]


async def _each[T](
    items: Iterable[T], process: Callable[[T], Awaitable[EntryResult]], uuid_of: Callable[[T], str | None]
) -> DirectoryResult:
    """Process entries separately, so that a rejected item does not affect the others."""
    results: list[EntryResult] = []
    for item in items:
        try:
            results.append(await process(item))
        except _Rejected as err:
            results.append(EntryResult(uuid_of(item), {}, (err.error,)))
        except CommandFailed as err:
            results.append(EntryResult(uuid_of(item), {}, ({"code": err.reason},)))
        except NotSupported:
            results.append(EntryResult(uuid_of(item), {}, ({"code": _NO_LIST},)))
    return DirectoryResult(tuple(results), None, None)


def _uuid(entry: Mapping[str, object]) -> str | None:
    return text(entry.get(_UUID))


def _uuid_of(kind: str, row: Fields) -> str | None:
    return None if _id(row) is None else f"{kind}:{_id(row)}"


def _id(row: Fields) -> str | None:
    return text(row.get(_ID))


def _shown(kind: str, row: Fields, wanted: Sequence[str] | None = None) -> EntryResult:
    names = None if wanted is None else {name.lower() for name in wanted}
    shown = {name: value for name, value in without(row, {_ID}).items() if names is None or name.lower() in names}
    return EntryResult(_uuid_of(kind, row), {_KIND: kind, **shown}, ())


def _checked(kind: str, before: Fields, values: Values, row: Fields) -> EntryResult:
    """Return an entry as now stored, with errors for values that the device dropped or truncated."""
    schedule_fields = _SCHEDULE_RELAYS & values.keys()
    shown = AnyCase(row)
    if schedule_fields and not any(name in row for name in schedule_fields):  # the firmware uses the other name
        shown[next(iter(schedule_fields))] = next((row[name] for name in _SCHEDULE_RELAYS if name in row), "")
    errors = tuple(
        {"code": _NOT_STORED, "field": name}
        for name, value in values.items()
        if not _is_stored(value, name, before, shown)
    )
    entry = _shown(kind, row)
    return EntryResult(entry.uuid, entry.fields, errors)


def _is_stored(value: object, name: str, before: Fields, row: Fields) -> bool:
    """Return whether a value was stored; the device may format it differently."""
    if name not in row:
        return False
    now, wanted = _text(row[name]), _text(value)
    cut = len(now) < len(wanted) and wanted.startswith(now)
    return now == wanted or not (cut or now == _text(before.get(name)))


def _fits(row: Fields, values: Values) -> bool:
    return all(_text(row.get(name)) == _text(value) for name, value in values.items() if name in row)


def _text(value: object) -> str:
    if isinstance(value, list):
        return ";".join(_text(part) for part in value)
    return "" if value is None else str(value)


def _values(entry: Mapping[str, object]) -> Values:
    """Return the device's fields of an entry as text or lists of text."""
    for name, value in entry.items():
        if any(isinstance(part, Mapping | list) for part in (value if isinstance(value, list) else (value,))):
            raise _Rejected(_NESTED, name)
    return {name: _plain(value) for name, value in entry.items() if name not in {_UUID, _KIND, _ID}}


def _plain(value: object) -> str | list[str]:
    if isinstance(value, list):
        return [_text(part) for part in value]
    return str(int(value)) if isinstance(value, bool) else _text(value)


# The numbers of the push button, separated by semicolons (E12, R20A, S532); other models may lack the key.
_BUTTON = "Config.Programable.SOFTKEY01.LocalParam1"
# The most numbers that any known model has.
_MOST_NUMBERS = 8


class AkuvoxButtonNumbers:
    """Numbers of the push button, which are all called at once."""

    def __init__(self, device: AkuvoxDevice) -> None:
        self._config = device.config

    def serves(self, bell: BellId) -> bool:
        """Return whether a bell is the push button."""
        return bell == CALL_BELL

    async def find(self, bell: BellId, address: str) -> ButtonNumber | None:
        """Return the address if it fits into the list of numbers."""
        numbers = await self._numbers()
        if any(is_at(number, address) for number in numbers):
            return None
        _with(numbers, address)
        return ButtonNumber(bell, _BUTTON, address)

    async def write(self, number: ButtonNumber) -> None:
        """Add a number to the list; a device that does not keep it gets its previous list back."""
        before = await self._numbers()
        after = _with(before, number.number)
        await self._set(after)
        kept = await self._numbers()
        if not set(after) - {""} <= set(kept):
            await self._set(before)
            raise ButtonRefused(ButtonReason.UNSUPPORTED)

    async def remove(self, number: ButtonNumber) -> None:
        """Take a number out of the list; the places of the others stay."""
        numbers = await self._numbers()
        if number.number not in numbers:
            return
        numbers[numbers.index(number.number)] = ""
        while len(numbers) < _MOST_NUMBERS and len(numbers) > 1 and not numbers[-1]:
            numbers.pop()
        await self._set(numbers)
        if number.number in await self._numbers():
            raise CommandFailed("the device keeps the number")

    async def _numbers(self) -> list[str]:
        """Return the numbers, ``""`` for free places."""
        value = (await self._config.get(items=[_BUTTON])).get(_BUTTON)
        if value is None:
            raise ButtonRefused(ButtonReason.UNSUPPORTED)
        return [number.strip() for number in value.split(";")]

    async def _set(self, numbers: Iterable[str]) -> None:
        await self._config.set({_BUTTON: ";".join(numbers)})


def _with(numbers: Sequence[str], number: str) -> list[str]:
    """Return the list with another number in its first free place, or at its end."""
    if "" in numbers:
        free = numbers.index("")
        return [*numbers[:free], number, *numbers[free + 1 :]]
    if len(numbers) >= _MOST_NUMBERS:
        raise ButtonRefused(ButtonReason.FULL)
    return [*numbers, number]
