"""Houses with their doors and apartments, their settings, and access (field notes 5, ``address``)."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Annotated

from ...common.decode import Key, decode, decode_all, decode_reply
from ...common.errors import UnexpectedReply
from ...common.parse import flag, present, readable, string, text
from .account import Extension
from .journal import Journal
from .protocol import (
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
    letter,
    moment,
    number,
    phone_digits,
    written,
)

# The first time grants a guest permanent access, the second one ends it.
_PAST = datetime(2001, 1, 1)


# A past time ends automatic opening for guests, as in the apps.
OFF = datetime(2000, 1, 1)


def _end(value: object) -> datetime | None:
    """Return the end of automatic opening, ``OFF`` if the server has none."""
    return OFF if value in ("", "0", 0) else moment(value)


@dataclass(frozen=True, slots=True)
class IntercomSettings:
    """Intercom settings of an apartment; None for unavailable ones.

    Attributes:
        allow_door_code: The door code is enabled.
        door_code: The door code.
        cms: The handset in the apartment rings.
        voip: Calls are pushed to this device.
        auto_open: End of automatic opening for guests, in the server's time zone; in the past if disabled.
        white_rabbit: Minutes for which the door opens for guests after the apartment's code was entered; 0 for never.
        disable_log: The journal is disabled.
        hidden_log: Only the owner sees the journal.
        frs_disabled: Face recognition is disabled.
        lprs_disabled: License plate recognition is disabled.
        paranoid: All events are pushed.
        paper_bill: Bills are sent on paper.
    """

    allow_door_code: bool | None = None
    door_code: str | None = field(default=None, repr=False)
    cms: Annotated[bool | None, Key("CMS")] = None
    voip: Annotated[bool | None, Key("VoIP")] = None
    auto_open: Annotated[datetime | None, Key(convert=_end)] = None
    white_rabbit: int | None = None
    disable_log: Annotated[bool | None, Key("disablePlog")] = None
    hidden_log: Annotated[bool | None, Key("hiddenPlog")] = None
    frs_disabled: Annotated[bool | None, Key("FRSDisabled")] = None
    lprs_disabled: Annotated[bool | None, Key("LPRSDisabled")] = None
    paranoid: bool | None = None
    paper_bill: bool | None = None


@dataclass(frozen=True, slots=True)
class IntercomChanges:
    """Changes to ``IntercomSettings``; None keeps the current value, ``OFF`` ends ``auto_open``."""

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
    """Return changes in the API's format."""
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
    return present(values)


def _why(blocked: object) -> str | None:
    """Return the reason for blocking; None for the values that mean "not blocked"."""
    return None if flag(blocked) is False else text(blocked) or ("blocked" if blocked is True else None)


@dataclass(frozen=True, slots=True)
class Door:
    """A door, gate, or barrier.

    Attributes:
        domophone_id: ID of the intercom that opens it; several doors may share one.
        door_id: Number of the door at the intercom.
        icon: ``entrance``, ``wicket``, ``gate``, or ``barrier``; empty if missing.
        name: Name of the door.
        code: Code that opens it from outside.
        blocked: Why it cannot be opened, for display; None if it can.
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
    """A house of the account.

    Attributes:
        id: ID of the house.
        address: Town, street, and number.
        has_log: The house has a journal; None if not reported.
        cameras: Number of cameras.
        doors: Its doors.
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
    """A user with access to an apartment: ``inner`` to the door, ``outer`` only to the gates, or ``owner``."""

    phone: Annotated[str, Key(convert=string)] = field(repr=False)
    type: str = ""
    expires: Annotated[datetime | None, Key("expire", convert=moment)] = None


@dataclass(frozen=True, slots=True)
class KeyFob:
    """A key fob of an apartment."""

    id: Annotated[str, Key("keyId")]
    rfid: Annotated[str | None, Key("rfId")] = field(default=None, repr=False)
    comments: str | None = None


@dataclass(frozen=True, slots=True)
class Flat:
    """An apartment of the account; missing values are None.

    Attributes:
        id: ID of the apartment.
        house_id: ID of its house.
        address: Address of house and apartment.
        number: Number of the apartment.
        code: Code that opens the door from outside.
        is_owner: The user owns the apartment.
        is_contract_owner: The user has the contract.
        has_gates: The apartment has gates.
        has_log: The apartment has a journal.
        services: Services that are paid for, such as ``domophone``.
        roommates: Other users with access.
        keys: Key fobs; only the owner sees them.
        client_id: ID of the contract.
        client_name: Name of the contract owner.
        contract: Number of the contract.
        cabinet: URL of the account page.
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
    """An office of the operator, with latitude and longitude in degrees."""

    address: Annotated[str, Key(convert=string)]
    opening: str | None = None
    latitude: Annotated[float | None, Key("lat")] = None
    longitude: Annotated[float | None, Key("lon")] = None


@dataclass(frozen=True, slots=True)
class Story:
    """An announcement of the operator; ``present`` is its presentation: ``popup``, ``view``, or ``openApp``."""

    title: Annotated[str, Key(convert=string)]
    subtitle: str | None = None
    image: Annotated[str | None, Key("imageUrl")] = None
    url: str | None = None
    present: Annotated[str | None, Key("presentMethod")] = None


class Address(Journal):
    """``/address``."""

    async def houses(self, *, refresh: bool = False) -> tuple[House, ...]:
        """Return the houses with their doors; ``refresh`` bypasses the server's cache."""
        return readable(ADDRESSES.path, await self._client.rows(ADDRESSES, refresh=refresh), partial(decode, House))

    async def settings(self, *, refresh: bool = False) -> tuple[Flat, ...]:
        """Return the apartments; ``refresh`` bypasses the server's cache."""
        return readable(SETTINGS.path, await self._client.rows(SETTINGS, refresh=refresh), partial(decode, Flat))

    async def intercom(self, flat_id: str, changes: IntercomChanges | None = None) -> IntercomSettings:
        """Return the intercom settings of an apartment, after applying changes.

        Raises:
            NoData: The apartment does not belong to the account.
        """
        if changes is None:
            found = await self._client.record(INTERCOM, flatId=number(flat_id))
        else:
            # The server treats empty changes as a query.
            values = intercom_changes(changes)
            found = await self._client.record(SET_INTERCOM, flatId=number(flat_id), settings=values)
        return decode_reply(IntercomSettings, found, INTERCOM.path)

    async def open_door(self, domophone_id: str, door_id: int = 0, *, house_id: str | None = None) -> None:
        """Open a door.

        Args:
            door_id: Number of the door at the intercom.
            house_id: ID of the house, which one of the servers requires.

        Raises:
            CommandFailed: The intercom does not respond, or the apartment is blocked; the reason tells which.
            NotPaid: The service is not paid for.
        """
        house = None if house_id is None else number(house_id)
        await self._client.call(OPEN_DOOR, domophoneId=number(domophone_id), doorId=door_id, houseId=house)

    async def reset_code(self, flat_id: str) -> str:
        """Let the server generate a new door code, and return its digits.

        Raises:
            UnexpectedReply: The response has no code.
        """
        code = text((await self._client.record(RESET_CODE, flatId=number(flat_id))).get("code"))
        if code is None:
            raise UnexpectedReply(f"{RESET_CODE.path} answered without a code")
        return code

    async def give_access(
        self, flat_id: str, phone: str, *, gates_only: bool = False, until: datetime | None = None
    ) -> str | None:
        """Give a user access to an apartment.

        Args:
            gates_only: Access only to the gates, not to the door.
            until: End in the server's time zone; None for permanent access.

        Returns:
            The message of the server for users.
        """
        return await self._client.words(
            ACCESS,
            flatId=number(flat_id),
            guestPhone=phone_digits(phone),
            type="outer" if gates_only else "inner",
            expire=written(until),
        )

    async def end_access(self, flat_id: str, phone: str, *, client_id: str | None = None) -> str | None:
        """Remove the access of a user, and return the server's message; ``client_id`` is the ID of the contract."""
        return await self._client.words(
            ACCESS,
            flatId=number(flat_id),
            guestPhone=phone_digits(phone),
            clientId=client_id,
            expire=written(_PAST),
        )

    async def resend(self, flat_id: str, phone: str) -> None:
        """Send the access information to a guest again."""
        await self._client.call(RESEND, flatId=number(flat_id), guestPhone=phone_digits(phone))

    async def modify_key(
        self, flat_id: str, key_id: str, comments: str | None = None, *, watch: bool | None = None
    ) -> str | None:
        """Set the note of a key fob or watch it, and return the server's message."""
        return await self._client.words(
            MODIFY_KEY, flatId=number(flat_id), keyId=number(key_id), comments=comments, watch=letter(watch)
        )

    async def register_qr(self, code: str) -> str | None:
        """Request access to the apartment of a QR code, and return the server's message.

        Raises:
            InvalidRequest: The server rejects the code.
        """
        return await self._client.words(REGISTER_QR, QR=code)

    async def offices(self) -> tuple[Office, ...]:
        """Return the offices of the operator."""
        return decode_all(Office, await self._client.rows(OFFICES))

    async def stories(self) -> tuple[Story, ...]:
        """Return the announcements of the operator."""
        return decode_all(Story, await self._client.rows(STORIES))
