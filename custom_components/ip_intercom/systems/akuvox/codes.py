"""PINs for a while: users of an Akuvox, or private keys where it has no users."""

from collections.abc import Iterable
from typing import NamedTuple

from ...api.akuvox import AkuvoxDevice
from ...api.errors import InvalidRequest, NotSupported, Rejected
from ...api.parse import text
from ...functions import Code
from ...model import DoorId
from .rows import Rows, lists_of
from .wiring import LETTERS

# The schedule that is always valid (Api user get).
_ALWAYS = "1001"
_DAYS = ("Mon", "Tue", "Wed", "Thur", "Fri", "Sat", "Sun")
# What the PIN is called, of a user and of a key.
_USER_PIN, _KEY_PIN = "PrivatePIN", "Code"
_FIRST = "1"


class _Row(NamedTuple):
    """Somebody on the device who has a PIN."""

    id: str
    name: str | None
    pin: str | None


class AkuvoxCodes:
    """Somebody with a name, a PIN and relays; the window is for others to keep."""

    def __init__(self, device: AkuvoxDevice) -> None:
        """Command ``device``."""
        lists = lists_of(device)
        self._users, self._keys = lists["user"], lists["key"]
        self._has_users: bool | None = None

    async def add(self, code: Code) -> str:
        """Add it, unless it is there, and return its ID; without doors it opens the first relay.

        Raises:
            InvalidRequest: A door that a PIN cannot open.
            CommandFailed: The device refuses, for instance because somebody has the PIN.
            Rejected: It says that it did, and did not.
        """
        relays = relays_of(code.doors)
        there = await self._rows()
        if (known := _found(there, code)) is not None:
            return known
        if self._has_users:
            await self._add_user(code, relays)
        else:
            await self._add_key(code, relays)
        if (known := _found(await self._rows(), code)) is None:
            raise Rejected("the code was not taken")
        return known

    async def remove(self, code: Code, known_as: str | None) -> None:
        """Delete it; it is ours where two of ID, name and PIN are.

        Raises:
            Rejected: The device says that it did, and did not.
        """
        if not (ours := await self._ours(code, known_as)):
            return
        for number in ours:
            await (self._users if self._has_users else self._keys).delete(number)
        if await self._ours(code, known_as):
            raise Rejected("the code is still there")

    async def _ours(self, code: Code, known_as: str | None) -> list[str]:
        return [
            row.id
            for row in await self._rows()
            if (row.id == known_as) + (row.name == code.name) + (row.pin == code.pin) >= 2
        ]

    async def _rows(self) -> list[_Row]:
        if self._has_users is not False:
            try:
                users = await self._users.get()
            except NotSupported:
                if self._has_users:
                    raise
                self._has_users = False
            else:
                self._has_users = True
                return _people(users, _USER_PIN)
        return _people(await self._keys.get(), _KEY_PIN)

    async def _add_user(self, code: Code, relays: str) -> None:
        user = {
            "Name": code.name,
            _USER_PIN: code.pin,
            "ScheduleRelay": ";".join(f"{_ALWAYS}-{relay}" for relay in relays),
            "Type": "0",
            "CardCode": "",
            "FaceUrl": "",
            "LiftFloorNum": "0",
            "WebRelay": "0",
        }
        await self._users.add(user)

    async def _add_key(self, code: Code, relays: str) -> None:
        always = {**dict.fromkeys(_DAYS, "1"), "TimeStart": "00:00", "TimeEnd": "00:00"}
        await self._keys.add({"Name": code.name, _KEY_PIN: code.pin, "DoorNum": relays, **always})


def relays_of(doors: Iterable[DoorId]) -> str:
    """Return the relays of doors as digits, the first relay for none.

    Raises:
        InvalidRequest: A door is no relay from A or 1 to D or 4; a PIN opens no security relay.
    """
    numbers = set()
    for door in doors:
        number = str(LETTERS.index(door.upper()) + 1) if door.upper() in tuple(LETTERS) else door
        if number not in {"1", "2", "3", "4"}:
            raise InvalidRequest("no such relay for a code", "doors")
        numbers.add(number)
    return "".join(sorted(numbers)) or _FIRST


def _people(rows: Rows, pin: str) -> list[_Row]:
    return [
        _Row(number, text(row.get("Name")), text(row.get(pin)))
        for row in rows
        if (number := text(row.get("ID"))) is not None
    ]


def _found(rows: Iterable[_Row], code: Code) -> str | None:
    return next((row.id for row in rows if row.name == code.name and row.pin == code.pin), None)
