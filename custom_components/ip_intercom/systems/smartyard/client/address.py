"""Houses with their doors and flats, their settings, and what is allowed there (field notes 5, ``address``)."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Annotated

from ...common.decode import Key, decode, decode_all, decode_reply
from ...common.errors import UnexpectedReply
from ...common.parse import flag, readable, string, text
from .account import Extension
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
from .journal import Journal
from .values import letter, moment, number, phone_digits, written

# A guest until then stays, one until before is shown out.
_PAST = datetime(2001, 1, 1)


# A guest's door that opens by itself until a moment that is over does so no more; so the apps end it.
OFF = datetime(2000, 1, 1)


@dataclass(frozen=True, slots=True)
class IntercomSettings:
    """How the intercom of a flat behaves; None for what it does not have.

    Attributes:
        allow_door_code: The door opens by a code.
        door_code: That code.
        cms: The handset in the flat rings.
        voip: This device gets calls.
        auto_open: Until when the door opens for visitors, in the server's zone; long ago where it does not.
        white_rabbit: Minutes for which the door opens for visitors after the flat's code was entered; 0 for never.
        disable_log: No journal is kept.
        hidden_log: The journal is for the owner only.
        frs_disabled: Faces are not recognized.
        lprs_disabled: License plates are not recognized.
        paranoid: Everything that happens is told.
        paper_bill: Bills come on paper.
    """

    allow_door_code: bool | None = None
    door_code: str | None = field(default=None, repr=False)
    cms: Annotated[bool | None, Key("CMS")] = None
    voip: Annotated[bool | None, Key("VoIP")] = None
    auto_open: Annotated[datetime | None, Key(convert=moment)] = None
    white_rabbit: int | None = None
    disable_log: Annotated[bool | None, Key("disablePlog")] = None
    hidden_log: Annotated[bool | None, Key("hiddenPlog")] = None
    frs_disabled: Annotated[bool | None, Key("FRSDisabled")] = None
    lprs_disabled: Annotated[bool | None, Key("LPRSDisabled")] = None
    paranoid: bool | None = None
    paper_bill: bool | None = None


@dataclass(frozen=True, slots=True)
class IntercomChanges:
    """What is to be changed, as in ``IntercomSettings``; what is None stays. ``OFF`` ends ``auto_open``."""

    allow_door_code: bool | None = None
    cms: bool | None = None
    voip: bool | None = None
    auto_open: datetime | None = None
    white_rabbit: int | None = None
    disable_log: bool | None = None
    hidden_log: bool | None = None
    frs_disabled: bool | None = None
    lprs_disabled: bool | None = None
    paranoid: bool | None = None
    paper_bill: bool | None = None


def intercom_changes(changes: IntercomChanges) -> dict[str, str]:
    """Return what changes as the API wants it."""
    minutes = changes.white_rabbit
    values = {
        "enableDoorCode": letter(changes.allow_door_code),
        "CMS": letter(changes.cms),
        "VoIP": letter(changes.voip),
        "autoOpen": written(changes.auto_open),
        "whiteRabbit": None if minutes is None else str(minutes),
        "disablePlog": letter(changes.disable_log),
        "hiddenPlog": letter(changes.hidden_log),
        "FRSDisabled": letter(changes.frs_disabled),
        "LPRSDisabled": letter(changes.lprs_disabled),
        "paranoid": letter(changes.paranoid),
        "paperBill": letter(changes.paper_bill),
    }
    return {name: value for name, value in values.items() if value is not None}


def _why(blocked: object) -> str | None:
    """Return the reason, where there is one; no word for "not blocked" is a reason."""
    return None if flag(blocked) is False else text(blocked) or ("blocked" if blocked is True else None)


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
    code: Annotated[str | None, Key("doorCode")] = field(default=None, repr=False)
    blocked: Annotated[str | None, Key(convert=_why)] = None
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

    id: Annotated[str, Key("houseId")]
    address: str = ""
    has_log: Annotated[bool | None, Key("hasPlog")] = None
    cameras: Annotated[int, Key("cctv")] = 0
    doors: tuple[Door, ...] = ()
    ext: tuple[Extension, ...] = ()


@dataclass(frozen=True, slots=True)
class Roommate:
    """A second person with access to a flat: ``inner`` with the door, ``outer`` with the gates only, or ``owner``."""

    phone: Annotated[str, Key(convert=string)] = field(repr=False)
    type: str = ""
    expires: Annotated[datetime | None, Key("expire", convert=moment)] = None


@dataclass(frozen=True, slots=True)
class KeyFob:
    """A key of a flat."""

    id: Annotated[str, Key("keyId")]
    rfid: Annotated[str | None, Key("rfId")] = field(default=None, repr=False)
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

    id: Annotated[str, Key("flatId")]
    house_id: str | None = None
    address: str = ""
    number: Annotated[str | None, Key("flatNumber")] = None
    code: Annotated[str | None, Key("doorCode")] = field(default=None, repr=False)
    is_owner: Annotated[bool | None, Key("flatOwner")] = None
    is_contract_owner: Annotated[bool | None, Key("contractOwner")] = None
    has_gates: bool | None = None
    has_log: Annotated[bool | None, Key("hasPlog")] = None
    services: tuple[str, ...] = ()
    roommates: tuple[Roommate, ...] = ()
    keys: tuple[KeyFob, ...] = ()
    client_id: str | None = field(default=None, repr=False)
    client_name: str | None = field(default=None, repr=False)
    contract: Annotated[str | None, Key("contractName")] = field(default=None, repr=False)
    cabinet: Annotated[str | None, Key("lcab")] = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Office:
    """Where the operator can be visited; degrees of latitude and longitude."""

    address: Annotated[str, Key(convert=string)]
    opening: str | None = None
    latitude: Annotated[float | None, Key("lat")] = None
    longitude: Annotated[float | None, Key("lon")] = None


@dataclass(frozen=True, slots=True)
class Story:
    """Something that the operator wants to be seen; ``present`` is how: ``popup``, ``view`` or ``openApp``."""

    title: Annotated[str, Key(convert=string)]
    subtitle: str | None = None
    image: Annotated[str | None, Key("imageUrl")] = None
    url: str | None = None
    present: Annotated[str | None, Key("presentMethod")] = None


class Address(Journal):
    """``/address``."""

    async def houses(self, *, refresh: bool = False) -> tuple[House, ...]:
        """Return the houses with their doors; ``refresh`` passes by the server's cache."""
        return readable(ADDRESSES.path, await self._client.rows(ADDRESSES, refresh=refresh), partial(decode, House))

    async def settings(self, *, refresh: bool = False) -> tuple[Flat, ...]:
        """Return the flats; ``refresh`` passes by the server's cache."""
        return readable(SETTINGS.path, await self._client.rows(SETTINGS, refresh=refresh), partial(decode, Flat))

    async def intercom(self, flat_id: str, changes: IntercomChanges | None = None) -> IntercomSettings:
        """Return how the intercom of a flat behaves, after some changes.

        Raises:
            NoData: It is none of the account's flats.
        """
        if changes is None:
            found = await self._client.record(INTERCOM, flatId=number(flat_id))
        else:
            # A change without anything in it is read as none.
            values = intercom_changes(changes)
            found = await self._client.record(SET_INTERCOM, flatId=number(flat_id), settings=values)
        return decode_reply(IntercomSettings, found, INTERCOM.path)

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
        return decode_all(Office, await self._client.rows(OFFICES))

    async def stories(self) -> tuple[Story, ...]:
        """Return what the operator wants to be seen."""
        return decode_all(Story, await self._client.rows(STORIES))
