"""Houses with their doors, flats and what is allowed there (field notes 5, ``address``)."""

from dataclasses import dataclass, field
from datetime import datetime

from ...common.errors import UnexpectedReply
from ...common.parse import Fields, flag, integer, objects, readable, text, texts
from .endpoints import (
    ACCESS,
    ADDRESSES,
    INTERCOM,
    MODIFY_KEY,
    OFFICES,
    OPEN_DOOR,
    REGISTER_QR,
    RESEND,
    RESET_CODE,
    SET_INTERCOM,
    SETTINGS,
    STORIES,
)
from .ext import Extension, extension
from .intercom import IntercomChanges, IntercomSettings, intercom_changes, intercom_settings
from .journal import Journal
from .values import degrees, letter, moment, number, phone_digits, written

# A guest until then stays, one until before is shown out.
_PAST = datetime(2001, 1, 1)


@dataclass(frozen=True, slots=True)
class Door:
    """Something that opens.

    Attributes:
        domophone_id: The intercom that opens it; several doors can have the same.
        door_id: Which of its doors.
        icon: ``entrance``, ``wicket``, ``gate`` or ``barrier``; empty where it is not told.
        name: Its name.
        code: With which it opens from outside.
        blocked: Why it does not open, in words for people; None where it does.
        entrance: Number of the entrance.
    """

    domophone_id: str
    door_id: int = 0
    icon: str = ""
    name: str = ""
    code: str | None = field(default=None, repr=False)
    blocked: str | None = None
    entrance: str | None = None


@dataclass(frozen=True, slots=True)
class House:
    """An address of the account.

    Attributes:
        id: Its id.
        address: Town, street and number.
        has_log: There is a journal; None where that is not told.
        cameras: How many there are.
        doors: What opens there.
        ext: The operator's pages for it.
    """

    id: str
    address: str = ""
    has_log: bool | None = None
    cameras: int = 0
    doors: tuple[Door, ...] = ()
    ext: tuple[Extension, ...] = ()


@dataclass(frozen=True, slots=True)
class Roommate:
    """A second person with access to a flat: ``inner`` with the door, ``outer`` with the gates only, or ``owner``."""

    phone: str = field(repr=False)
    type: str = ""
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a flat."""

    id: str
    rfid: str | None = field(default=None, repr=False)
    comments: str | None = None


@dataclass(frozen=True, slots=True)
class Flat:
    """A flat of the account; None for what is not told.

    Attributes:
        id: Its id.
        house_id: The house that it is in.
        address: House and flat.
        number: Its number.
        code: With which the door opens from outside.
        is_owner: The person owns the flat.
        is_contract_owner: The person has the contract.
        has_gates: There are gates.
        has_log: There is a journal.
        services: What is paid for, such as ``domophone``.
        roommates: Others with access.
        keys: Its keys; only the owner sees them.
        client_id: Id of the contract.
        client_name: Name of who has it.
        contract: Its number.
        cabinet: Page of the account.
    """

    id: str
    house_id: str | None = None
    address: str = ""
    number: str | None = None
    code: str | None = field(default=None, repr=False)
    is_owner: bool | None = None
    is_contract_owner: bool | None = None
    has_gates: bool | None = None
    has_log: bool | None = None
    services: tuple[str, ...] = ()
    roommates: tuple[Roommate, ...] = ()
    keys: tuple[Key, ...] = ()
    client_id: str | None = field(default=None, repr=False)
    client_name: str | None = field(default=None, repr=False)
    contract: str | None = field(default=None, repr=False)
    cabinet: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Office:
    """Where the operator can be visited; degrees of latitude and longitude."""

    address: str
    opening: str | None = None
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """Something that the operator wants to be seen; ``present`` is how: ``popup``, ``view`` or ``openApp``."""

    title: str
    subtitle: str | None = None
    image: str | None = None
    url: str | None = None
    present: str | None = None


class Address(Journal):
    """``/address``."""

    async def houses(self, *, refresh: bool = False) -> tuple[House, ...]:
        """Return the houses with their doors; ``refresh`` passes by the server's cache."""
        return readable(ADDRESSES.path, await self._client.rows(ADDRESSES, refresh=refresh), _house)

    async def settings(self, *, refresh: bool = False) -> tuple[Flat, ...]:
        """Return the flats; ``refresh`` passes by the server's cache."""
        return readable(SETTINGS.path, await self._client.rows(SETTINGS, refresh=refresh), _flat)

    async def intercom(self, flat_id: str, changes: IntercomChanges | None = None) -> IntercomSettings:
        """Return how the intercom of a flat behaves, after some changes.

        Raises:
            NoData: It is none of the account's flats.
        """
        if changes is None:
            return intercom_settings(await self._client.record(INTERCOM, flatId=number(flat_id)))
        # A change without anything in it is read as none.
        return intercom_settings(
            await self._client.record(SET_INTERCOM, flatId=number(flat_id), settings=intercom_changes(changes))
        )

    async def open_door(self, domophone_id: str, door_id: int = 0, *, house_id: str | None = None) -> None:
        """Open a door.

        Args:
            domophone_id: Its intercom.
            door_id: Which of its doors.
            house_id: Its house, without which one of the servers opens nothing.

        Raises:
            CommandFailed: The intercom does not answer, or the flat is blocked: the server says which.
            NotPaid: The service is not paid for.
        """
        house = None if house_id is None else number(house_id)
        await self._client.call(OPEN_DOOR, domophoneId=number(domophone_id), doorId=door_id, houseId=house)

    async def reset_code(self, flat_id: str) -> str:
        """Let the server make another door code, and return its digits.

        Raises:
            UnexpectedReply: It does not tell which.
        """
        code = text((await self._client.record(RESET_CODE, flatId=number(flat_id))).get("code"))
        if code is None:
            raise UnexpectedReply(f"{RESET_CODE.path} answered without a code")
        return code

    async def give_access(
        self, flat_id: str, phone: str, *, gates_only: bool = False, until: datetime | None = None
    ) -> str | None:
        """Give a second person access to a flat.

        Args:
            flat_id: The flat.
            phone: Phone number of who it is.
            gates_only: Not through the door.
            until: In the server's zone; None for good.

        Returns:
            What the server says to it, for people.
        """
        return await self._client.words(
            ACCESS,
            flatId=number(flat_id),
            guestPhone=phone_digits(phone),
            type="outer" if gates_only else "inner",
            expire=written(until),
        )

    async def end_access(self, flat_id: str, phone: str, *, client_id: str | None = None) -> str | None:
        """Remove the access of a person; returns the response of the server. ``client_id`` is that of the contract."""
        return await self._client.words(
            ACCESS,
            flatId=number(flat_id),
            guestPhone=phone_digits(phone),
            clientId=client_id,
            expire=written(_PAST),
        )

    async def resend(self, flat_id: str, phone: str) -> None:
        """Send once more to a guest what they need to know."""
        await self._client.call(RESEND, flatId=number(flat_id), guestPhone=phone_digits(phone))

    async def modify_key(
        self, flat_id: str, key_id: str, comments: str | None = None, *, watch: bool | None = None
    ) -> str | None:
        """Write a note to a key, or follow it; returns what the server says to it."""
        return await self._client.words(
            MODIFY_KEY, flatId=number(flat_id), keyId=number(key_id), comments=comments, watch=letter(watch)
        )

    async def register_qr(self, code: str) -> str | None:
        """Ask for access to the flat of a QR code; returns what the server says to it.

        Raises:
            InvalidRequest: The server does not take it.
        """
        return await self._client.words(REGISTER_QR, QR=code)

    async def offices(self) -> tuple[Office, ...]:
        """Return where the operator can be visited."""
        found = await self._client.rows(OFFICES)
        return tuple(
            Office(
                text(row.get("address")) or "",
                text(row.get("opening")),
                degrees(row.get("lat")),
                degrees(row.get("lon")),
            )
            for row in found
        )

    async def stories(self) -> tuple[Story, ...]:
        """Return what the operator wants to be seen."""
        return tuple(
            Story(
                text(row.get("title")) or "",
                text(row.get("subtitle")),
                text(row.get("imageUrl")),
                text(row.get("url")),
                text(row.get("presentMethod")),
            )
            for row in await self._client.rows(STORIES)
        )


def _house(row: Fields) -> House | None:
    house_id = text(row.get("houseId"))
    if house_id is None:
        return None
    return House(
        id=house_id,
        address=text(row.get("address")) or "",
        has_log=flag(row.get("hasPlog")),
        cameras=integer(row.get("cctv")) or 0,
        doors=tuple(door for item in objects(row.get("doors")) if (door := _door(item)) is not None),
        ext=tuple(page for item in objects(row.get("ext")) if (page := extension(item)) is not None),
    )


def _door(row: Fields) -> Door | None:
    domophone_id = text(row.get("domophoneId"))
    if domophone_id is None:
        return None
    return Door(
        domophone_id=domophone_id,
        door_id=integer(row.get("doorId")) or 0,
        icon=text(row.get("icon")) or "",
        name=text(row.get("name")) or "",
        code=text(row.get("doorCode")),
        blocked=_why(row.get("blocked")),
        entrance=text(row.get("entrance")),
    )


def _why(blocked: object) -> str | None:
    """Return the reason, where there is one; no word for "not blocked" is a reason."""
    return None if flag(blocked) is False else text(blocked) or ("blocked" if blocked is True else None)


def _flat(row: Fields) -> Flat | None:
    flat_id = text(row.get("flatId"))
    if flat_id is None:
        return None
    return Flat(
        id=flat_id,
        house_id=text(row.get("houseId")),
        address=text(row.get("address")) or "",
        number=text(row.get("flatNumber")),
        code=text(row.get("doorCode")),
        is_owner=flag(row.get("flatOwner")),
        is_contract_owner=flag(row.get("contractOwner")),
        has_gates=flag(row.get("hasGates")),
        has_log=flag(row.get("hasPlog")),
        services=texts(row.get("services")),
        roommates=tuple(
            Roommate(text(item.get("phone")) or "", text(item.get("type")) or "", moment(item.get("expire")))
            for item in objects(row.get("roommates"))
        ),
        keys=tuple(key for item in objects(row.get("keys")) if (key := _key(item)) is not None),
        client_id=text(row.get("clientId")),
        client_name=text(row.get("clientName")),
        contract=text(row.get("contractName")),
        cabinet=text(row.get("lcab")),
    )


def _key(row: Fields) -> Key | None:
    key_id = text(row.get("keyId"))
    return None if key_id is None else Key(key_id, text(row.get("rfId")), text(row.get("comments")))
