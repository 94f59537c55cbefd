"""PINs for a while: users of an Akuvox, or private keys where it has no users."""

from collections.abc import Iterable
from typing import NamedTuple

from ...api.akuvox import AkuvoxDevice
from ...api.errors import CommandFailed, InvalidRequest, NotSupported, Rejected
from ...api.parse import text
from ...functions import Code
from ...model import DoorId

# The schedule that is always valid (Api user get).
_ALWAYS = "1001"
_DAYS = ("Mon", "Tue", "Wed", "Thur", "Fri", "Sat", "Sun")
# Relays by letter as the API numbers them, 1 to 4.
_LETTERS = "ABCD"
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
        self._users = device.users
        self._keys = device.private_keys
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
        if self._has_users:
            await self._users.delete(ours)
        else:
            await self._keys.delete([{"ID": number} for number in ours])
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
                return [_Row(user.id, user.name, user.pin) for user in users if user.id is not None]
        return [
            _Row(number, text(key.get("Name")), text(key.get("Code")))
            for key in await self._keys.get()
            if (number := text(key.get("ID"))) is not None
        ]

    async def _add_user(self, code: Code, relays: str) -> None:
        number = await self._users.default_id()
        user: dict[str, object] = {
            "Name": code.name,
            "PrivatePIN": code.pin,
            "ScheduleRelay": ";".join(f"{_ALWAYS}-{relay}" for relay in relays),
            "Type": "0",
            "CardCode": "",
            "FaceUrl": "",
            "LiftFloorNum": "0",
            "WebRelay": "0",
        }
        if number is not None:
            user["UserID"] = str(number)
        for result in await self._users.add([user]):
            if not result.ok:
                raise CommandFailed(f"error {result.ret}")

    async def _add_key(self, code: Code, relays: str) -> None:
        always = {**dict.fromkeys(_DAYS, "1"), "TimeStart": "00:00", "TimeEnd": "00:00"}
        for result in await self._keys.add([{"Name": code.name, "Code": code.pin, "DoorNum": relays, **always}]):
            if not result.ok:
                raise CommandFailed(f"error {result.ret}")


def relays_of(doors: Iterable[DoorId]) -> str:
    """Return the relays of doors as digits, the first relay for none.

    Raises:
        InvalidRequest: A door is no relay from A or 1 to D or 4; a PIN opens no security relay.
    """
    numbers = set()
    for door in doors:
        number = str(_LETTERS.index(door.upper()) + 1) if door.upper() in tuple(_LETTERS) else door
        if number not in {"1", "2", "3", "4"}:
            raise InvalidRequest("no such relay for a code", "doors")
        numbers.add(number)
    return "".join(sorted(numbers)) or _FIRST


def _found(rows: Iterable[_Row], code: Code) -> str | None:
    return next((row.id for row in rows if row.name == code.name and row.pin == code.pin), None)
