"""The account: login, address book, and the phones that receive pushes (manual, auth, contacts, services, tokens)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from ...common.decode import Key, decode_all, decode_reply
from ...common.errors import NotSupported
from ...common.parse import string
from .client import Functions
from .protocol import ADD_TOKEN, CONTACTS, EXTENSION, LOGOUT, REAL_LOGOUT, REMOVE_TOKEN, SERVICES, USER_INFO, rows


@dataclass(frozen=True, slots=True)
class UserInfo:
    """The logged-in user.

    Attributes:
        mx: Serial number of the MX.
        extension: Internal number of the user.
        jid: User ID at the MX.
        softphone_password: Password to register a SIP phone at the MX.
    """

    mx: str
    extension: Annotated[str, Key("ext", convert=string)]
    jid: str
    softphone_password: Annotated[str | None, Key("softPhonePwd")] = field(repr=False)


class Session(Functions):
    """``/auth``."""

    async def login(self) -> None:
        """Log in now, even if there is a token.

        Raises:
            IntercomError: As ``Login.token``.
        """
        await self._client.login.log_in()

    @property
    def logins(self) -> int:
        """Number of logins so far, including rejected ones."""
        return self._client.login.attempts

    async def info(self) -> UserInfo:
        """Return the logged-in user.

        Raises:
            UnexpectedReply: The response contains no user.
        """
        return decode_reply(UserInfo, await self._client.call(USER_INFO), USER_INFO.path)

    async def logout(self) -> None:
        """End the connection of the server to the MX for this account; does nothing without a token.

        All other users of the account at this server are logged out as well, until the next login.
        """
        if not self._client.login.has_token:
            return
        try:
            await self._client.call(LOGOUT)
        except NotSupported:
            await self._client.call(REAL_LOGOUT)
        finally:
            self._client.login.discard_token()


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact in the address book; missing values are None.

    Attributes:
        jid: User ID at the MX.
        first_name: First name.
        last_name: Last name.
        extension: Internal number.
        home_phone: Home number.
        cell_phone: Mobile number.
        email: Email address.
        home_system: ID of the contact's MX.
        did: Direct inward dialing number of the extension.
        exchange_id: User name at Microsoft Exchange.
    """

    jid: str | None
    first_name: str | None
    last_name: str | None
    extension: Annotated[str | None, EXTENSION]
    home_phone: str | None = None
    cell_phone: str | None = None
    email: str | None = None
    home_system: str | None = None
    did: str | None = None
    exchange_id: str | None = None

    @property
    def name(self) -> str:
        """The full name, or another identification of the contact."""
        person = " ".join(part for part in (self.first_name, self.last_name) if part)
        return person or self.extension or self.jid or ""

    @property
    def numbers(self) -> dict[str, str]:
        """The external numbers by type."""
        numbers = {"cell": self.cell_phone, "home": self.home_phone, "did": self.did}
        return {kind: number for kind, number in numbers.items() if number}


@dataclass(frozen=True, slots=True)
class Service:
    """A service that can be called: ``type`` is the MX's word, such as ``VM``, ``AA``, ``ParkServer``."""

    id: str | None
    name: str | None
    type: str | None
    extension: Annotated[str | None, EXTENSION]


class Directory(Functions):
    """``/contacts`` and ``/services``."""

    async def contacts(self) -> tuple[Contact, ...]:
        """Return the address book, ordered by extension."""
        return decode_all(Contact, rows(CONTACTS, await self._client.call(CONTACTS), "contacts"))

    async def services(self) -> tuple[Service, ...]:
        """Return the services."""
        return decode_all(Service, rows(SERVICES, await self._client.call(SERVICES), "services"))


class Tokens(Functions):
    """``/tokens``. A token allows sending pushes to a phone, so it appears in no error and no log."""

    async def add(self, kind: str, topic: str, token: str, sandbox: bool = False) -> None:
        """Register a phone permanently.

        Args:
            kind: ``apn`` or ``fcm``.
            topic: APNs topic or FCM application that the server is configured for.
            token: Push token of the phone, at least 20 characters.
            sandbox: Use the APNs sandbox.

        Raises:
            InvalidRequest: The server rejects the kind, topic, or token.
        """
        await self._client.call(ADD_TOKEN, _parts(kind, topic, token), params=_params(sandbox))

    async def remove(self, kind: str, topic: str, token: str, sandbox: bool = False) -> None:
        """Unregister a phone; arguments as in ``add``.

        Raises:
            NoData: The phone is not registered.
            InvalidRequest: As ``add``.
        """
        await self._client.call(REMOVE_TOKEN, _parts(kind, topic, token), params=_params(sandbox))


def _parts(kind: str, topic: str, token: str) -> Mapping[str, str]:
    return {"type": kind, "topic": topic, "token": token}


def _params(sandbox: bool) -> Mapping[str, str] | None:
    # The server checks for the presence of the parameter (field notes 4).
    return {"sandbox": "true"} if sandbox else None
