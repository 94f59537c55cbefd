"""PINs for a while: users of an Akuvox, or private keys where it has no users."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
import logging
from operator import methodcaller

from ...api.akuvox import AkuvoxDevice
from ...api.akuvox.users import schedules
from ...api.errors import CommandFailed, DoorsNotKept, InvalidRequest, NotSupported, Rejected
from ...api.parse import Fields, text
from ...functions import Code
from ...model import DoorId
from .rows import ItemList, Rows, lists_of
from .wiring import RELAY_NUMBERS

_LOGGER = logging.getLogger(__name__)

# The schedule that is always valid (Api user get).
_ALWAYS = "1001"
_DAYS = ("Mon", "Tue", "Wed", "Thur", "Fri", "Sat", "Sun")
_SCHEDULE_RELAY = "ScheduleRelay"
_DOORS = "DoorNum"
# What the PIN is called, of a user and of a key.
_USER_PIN, _KEY_PIN = "PrivatePIN", "Code"
_FIRST = "1"


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of the device that has a PIN; ``relays`` are those that it opens, None where the device does not tell."""

    id: str
    name: str | None
    pin: str | None = field(repr=False)
    relays: frozenset[str] | None

    def is_of(self, code: Code) -> bool:
        """Tell whether it is that of a code, whose ID is not known."""
        return self.name == code.name and self.pin == code.pin

    def is_ours(self, code: Code, known_as: str | None) -> bool:
        """Tell whether two of ID, name and PIN are those of a code."""
        return (self.id == known_as) + (self.name == code.name) + (self.pin == code.pin) >= 2


class AkuvoxCodes:
    """Rows with a name, a PIN and relays; the window is for others to keep."""

    def __init__(self, device: AkuvoxDevice) -> None:
        """Command ``device``."""
        self._device = device
        lists = lists_of(device)
        self._users, self._keys = lists["user"], lists["key"]
        self._has_users: bool | None = None

    async def add(self, code: Code) -> str:
        """Add it, unless it is there, and return its ID; without doors it opens the first relay.

        Raises:
            InvalidRequest: A door that a PIN cannot open.
            CommandFailed: The device refuses, for instance because another row has the PIN.
            DoorsNotKept: It takes the PIN, but not for these doors; the PIN is gone again.
            Rejected: It says that it did, and did not.
        """
        relays = relays_of(code.doors)
        row = await self._named(code)
        if row is None:
            row = await self._added(code, relays)
        return await self._with_doors(code, row, relays)

    async def remove(self, code: Code, known_as: str | None) -> None:
        """Delete it; it is ours where two of ID, name and PIN are.

        Raises:
            Rejected: The device says that it did, and did not.
        """
        named = [row for row in _rows(await (await self._list()).named(code.name)) if row.is_ours(code, known_as)]
        # Its name may have been changed at the device: only the whole list is certain.
        if not (ours := named or await self._ours(code, known_as)):
            return
        for row in ours:
            await (await self._list()).delete(row.id)
        if await self._ours(code, known_as):
            raise Rejected("the code is still there")

    async def _added(self, code: Code, relays: str) -> _Row:
        """Add it, and return it as the device has it."""
        refusal: CommandFailed | None = None
        for values in self._forms(code, relays):
            try:
                await (await self._list()).add(values)
            except CommandFailed as err:
                # A device may have it though it says that it does not.
                refusal = refusal or err
            else:
                refusal = None
            if (row := await self._found(code)) is not None:
                return row
            if refusal is None:
                break
        raise refusal or Rejected("the code was not taken")

    async def _with_doors(self, code: Code, row: _Row, relays: str) -> str:
        """Return the ID of a row that opens the doors that were asked for, and no others; take it away where none does.

        A device may keep the first of several pairs only, and not say so (field notes 10).
        """
        wanted = frozenset(relays)
        if row.relays == wanted or (row.relays is None and not code.doors):
            return row.id
        for form in _pairs(relays) if self._has_users else (relays,):
            _LOGGER.debug("A code does not open the doors that were asked for; written again")
            try:
                await self._change(row.id, form)
            except CommandFailed, NotSupported:
                continue
            found = await self._found(code, row.id)
            if found is not None and found.relays == wanted:
                return found.id
        await self.remove(code, row.id)
        raise DoorsNotKept("the device does not keep a code for these doors")

    async def _change(self, number: str, doors: str) -> None:
        rows = await (await self._list()).get(lambda row: text(row.get("ID")) == number)
        key = _SCHEDULE_RELAY if self._has_users else _DOORS
        # What is left out is erased by some; the schedule by its other names says the same.
        kept = {name: value for row in rows for name, value in row.items() if "Schedule" not in name}
        await (await self._list()).set({**kept, "ID": number, key: doors})

    def _forms(self, code: Code, relays: str) -> Iterator[Fields]:
        """Return what to send, in the forms that devices are known to take."""
        if not self._has_users:
            always = {**dict.fromkeys(_DAYS, "1"), "TimeStart": "00:00", "TimeEnd": "00:00"}
            yield {"Name": code.name, _KEY_PIN: code.pin, _DOORS: relays, **always}
            return
        for pairs in _pairs(relays):
            yield {
                "Name": code.name,
                _USER_PIN: code.pin,
                _SCHEDULE_RELAY: pairs,
                "Type": "0",
                "CardCode": "",
                "FaceUrl": "",
                "LiftFloorNum": "0",
                "WebRelay": "0",
            }

    async def _named(self, code: Code) -> _Row | None:
        """Return the row of a code by its name: a device looks that up in its own long list."""
        return _first(_rows(await (await self._list()).named(code.name)), code)

    async def _found(self, code: Code, number: str | None = None) -> _Row | None:
        """Return the row of a code; the whole list is read where the name does not find it."""
        return await self._named(code) or next(iter(await self._ours(code, number)), None)

    async def _ours(self, code: Code, known_as: str | None) -> list[_Row]:
        rows = await (await self._list()).get(lambda row: any(one.is_ours(code, known_as) for one in _rows((row,))))
        return list(_rows(rows))

    async def _list(self) -> ItemList:
        """Return the list that the device has: of users, or else of keys."""
        if self._has_users is None:
            try:
                await self._device.users.get(page=1, keep=lambda _: False)
            except NotSupported:
                self._has_users = False
            else:
                self._has_users = True
        return self._users if self._has_users else self._keys


def relays_of(doors: Iterable[DoorId]) -> str:
    """Return the relays of doors as digits, the first relay for none.

    Raises:
        InvalidRequest: A door is no relay from A or 1 to D or 4; a PIN opens no security relay.
    """
    numbers = set()
    for door in doors:
        number = RELAY_NUMBERS.get(door.upper())
        if number is None:
            raise InvalidRequest("no such relay for a code", "doors")
        numbers.add(str(number))
    return "".join(sorted(numbers)) or _FIRST


def _pairs(relays: str) -> Iterator[str]:
    """Return relays with their schedule, in each of the forms in which some firmware wants it (field notes 10)."""
    pairs = [f"{_ALWAYS}-{relay}" for relay in relays]
    forms = (";".join(pairs), ",".join(pairs), f"{_ALWAYS}-{relays}")
    yield from dict.fromkeys(forms)


def _rows(rows: Rows) -> Iterator[_Row]:
    for row in rows:
        if (number := text(row.get("ID"))) is not None:
            pin = text(row.get(_USER_PIN)) or text(row.get(_KEY_PIN))
            yield _Row(number, text(row.get("Name")), pin, _relays(row))


def _relays(row: Fields) -> frozenset[str] | None:
    if _KEY_PIN in row:
        doors = text(row.get(_DOORS))
    else:
        # A bare schedule has no relays.
        doors = "".join(relays for _, relays in schedules(row)) or None
    return None if doors is None else frozenset(filter(methodcaller("isdecimal"), doors))


def _first(rows: Iterable[_Row], code: Code) -> _Row | None:
    return next((row for row in rows if row.is_of(code)), None)
