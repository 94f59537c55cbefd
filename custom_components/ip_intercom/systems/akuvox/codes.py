"""Temporary codes of an Akuvox: users, or private keys if it has no users."""

from collections.abc import Iterable, Iterator
import logging
from operator import methodcaller
from typing import override

from ...model.functions import Code
from ...model.parts import DoorId
from ..common.code_rows import CodeRow, Keep, RowCodes, code_row
from ..common.errors import CommandFailed, DoorsNotKept, InvalidRequest, NotSupported
from ..common.parse import Fields, text
from .client import AkuvoxDevice
from .client.directory import schedules
from .client.protocol import changed, without
from .directory import ItemList, lists_of
from .wiring import RELAY_NUMBERS

_LOGGER = logging.getLogger(__name__)

# ID of the schedule that is always valid (Api user get).
_ALWAYS = "1001"
_DAYS = ("Mon", "Tue", "Wed", "Thur", "Fri", "Sat", "Sun")
_SCHEDULE_RELAY = "ScheduleRelay"
_SCHEDULES = frozenset({_SCHEDULE_RELAY, "Schedule-Relay", "Schedule"})
_DOORS = "DoorNum"
# Field of the PIN of a user and of a key.
_USER_PIN, _KEY_PIN = "PrivatePIN", "Code"
_FIRST = "1"


class AkuvoxCodes(RowCodes):
    """Rows with a name, a PIN and relays; a code without doors is for the first relay."""

    def __init__(self, device: AkuvoxDevice) -> None:
        self._device = device
        lists = lists_of(device)
        self._users, self._keys = lists["user"], lists["key"]
        self._has_users: bool | None = None

    @override
    def _check(self, code: Code) -> None:
        relays_of(code.doors)

    @override
    async def _finish(self, code: Code, row: CodeRow) -> None:
        """Verify that a row has exactly the requested doors, and correct it otherwise.

        A device may silently store only the first of several pairs (field notes 10).
        """
        relays = relays_of(code.doors)
        requested = frozenset(relays)
        if row.doors == requested or (row.doors is None and not code.doors):
            return
        for form in _pairs(relays) if self._has_users else (relays,):
            _LOGGER.debug("Temporary code stored with different doors, writing it again")
            try:
                await self._change(row.id, code.pin, form)
            except CommandFailed, NotSupported:
                continue
            now = await self._row(row)
            if now is not None and now.doors == requested:
                return
        raise DoorsNotKept("the device does not keep a code for these doors")

    async def _change(self, number: str, pin: str, doors: str) -> None:
        items = await self._list()
        rows = await items.get(lambda row: text(row.get("ID")) == number)
        # Some devices erase omitted fields. Other schedule fields would contradict the new one; the PIN may be masked.
        kept = without(next(iter(rows), {}), _SCHEDULES)
        pin_key, doors_key = (_USER_PIN, _SCHEDULE_RELAY) if self._has_users else (_KEY_PIN, _DOORS)
        await items.set(changed(kept, {"ID": number, pin_key: pin, doors_key: doors}))

    @override
    def _forms(self, code: Code) -> Iterator[Fields]:
        relays = relays_of(code.doors)
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

    @override
    async def _send(self, form: Fields) -> str | None:
        return await (await self._list()).add(form)

    @override
    async def _delete(self, row_id: str) -> None:
        await (await self._list()).delete(row_id)

    @override
    async def _rows(self, keep: Keep, name: str | None = None) -> list[CodeRow]:
        """Return rows; a device can search its own list by name."""
        items = await self._list()

        def requested(item: Fields) -> bool:
            return (row := _row(item)) is not None and keep(row)

        found = await (items.get(requested) if name is None else items.named(name))
        return [row for item in found if (row := _row(item)) is not None and keep(row)]

    async def _list(self) -> ItemList:
        """Return the list that the device has: users, or else keys."""
        if self._has_users is None:
            try:
                await self._device.users.get(page=1, keep=lambda _: False)
            except NotSupported:
                self._has_users = False
            else:
                self._has_users = True
        return self._users if self._has_users else self._keys


def relays_of(doors: Iterable[DoorId]) -> str:
    """Return the relays of doors as digits, the first relay without doors."""
    numbers = set()
    for door in doors:
        number = RELAY_NUMBERS.get(door.upper())
        if number is None:
            raise InvalidRequest("no such relay for a code", "doors")
        numbers.add(str(number))
    return "".join(sorted(numbers)) or _FIRST


def _pairs(relays: str) -> Iterator[str]:
    """Return the relays with their schedule, in each of the formats of different firmware (field notes 10)."""
    pairs = [f"{_ALWAYS}-{relay}" for relay in relays]
    forms = (";".join(pairs), ",".join(pairs), f"{_ALWAYS}-{relays}")
    yield from dict.fromkeys(forms)


def _row(item: Fields) -> CodeRow | None:
    return code_row(item, item.get("ID"), item.get(_USER_PIN, item.get(_KEY_PIN)), _relays(item))


def _relays(row: Fields) -> frozenset[str] | None:
    if _KEY_PIN in row:
        doors = text(row.get(_DOORS))
    else:
        # A plain schedule has no relays.
        doors = "".join(relays for _, relays in schedules(row)) or None
    return None if doors is None else frozenset(filter(methodcaller("isdecimal"), doors))
