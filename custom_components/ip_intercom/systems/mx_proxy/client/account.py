"""The account: its login, its address book, and the phones that get its pushes (manual, auth, contacts, services, tokens)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from ...common.decode import Key, decode_all, decode_reply
from ...common.errors import NotSupported
from ...common.parse import string
from .client import Functions
from .endpoints import ADD_TOKEN, CONTACTS, LOGOUT, REAL_LOGOUT, REMOVE_TOKEN, SERVICES, USER_INFO
from .envelope import EXTENSION, rows


@dataclass(frozen=True, slots=True)
class UserInfo:
    """Who is logged in.

    Attributes:
        mx: Serial number of the MX.
        extension: Internal number of the person.
        jid: The MX's id of the person.
        softphone_password: With which a SIP phone registers at the MX.
    """

    mx: str
    extension: Annotated[str, Key("ext", convert=string)]
    jid: str
    softphone_password: Annotated[str | None, Key("softPhonePwd")] = field(repr=False)


class Session(Functions):
    """``/auth``."""

    async def login(self) -> None:
        """Log in now, whether or not there is a token.

        Raises:
            IntercomError: As ``Login.token``.
        """
        await self._client.login.log_in()

    async def info(self) -> UserInfo:
        """Return who is logged in.

        Raises:
            UnexpectedReply: The server does not say who.
        """
        return decode_reply(UserInfo, await self._client.call(USER_INFO), USER_INFO.path)

    async def logout(self) -> None:
        """Let the server end its connection to the MX for this account; without a login there is nothing to do.

        All other users of the account at this server are logged out as well, until the next login.
        """
        if not self._client.login.has_token:
            return
        try:
            await self._client.call(LOGOUT)
        except NotSupported:
            await self._client.call(REAL_LOGOUT)
        finally:
            self._client.login.forget()


@dataclass(frozen=True, slots=True)
class Contact:
    """A person in the address book; None for what is not reported.

    Attributes:
        jid: The MX's id of the person.
        first_name: First name.
        last_name: Last name.
        extension: Internal number.
        home_phone: Phone number at home.
        cell_phone: Number of the mobile.
        email: Address.
        home_system: Id of the MX that the person belongs to.
        did: Number by which callers from outside reach the extension.
        exchange_id: Name at a Microsoft Exchange.
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
        """The name of the person, or what else there is to tell them by."""
        person = " ".join(part for part in (self.first_name, self.last_name) if part)
        return person or self.extension or self.jid or ""

    @property
    def numbers(self) -> dict[str, str]:
        """The outside numbers of the person, by what they are."""
        told = {"cell": self.cell_phone, "home": self.home_phone, "did": self.did}
        return {kind: number for kind, number in told.items() if number}


@dataclass(frozen=True, slots=True)
class Service:
    """Something that can be called: ``type`` is the MX's word, as ``VM``, ``AA``, ``ParkServer``."""

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
    """``/tokens``. A token lets others send to the phone: no error and no log tells it."""

    async def add(self, kind: str, topic: str, token: str, sandbox: bool = False) -> None:
        """Register a phone; once is enough.

        Args:
            kind: ``apn`` or ``fcm``.
            topic: Topic of Apple's service, or application of Google's, that the server is set up for.
            token: Its token, of 20 characters at least.
            sandbox: Of Apple's service for developers.

        Raises:
            InvalidRequest: The server refuses the kind, the topic or the token.
        """
        await self._client.call(ADD_TOKEN, _parts(kind, topic, token), params=_params(sandbox))

    async def remove(self, kind: str, topic: str, token: str, sandbox: bool = False) -> None:
        """Forget a phone; the arguments are those of ``add``.

        Raises:
            NoData: It is not registered.
            InvalidRequest: As ``add``.
        """
        await self._client.call(REMOVE_TOKEN, _parts(kind, topic, token), params=_params(sandbox))


def _parts(kind: str, topic: str, token: str) -> Mapping[str, str]:
    return {"type": kind, "topic": topic, "token": token}


def _params(sandbox: bool) -> Mapping[str, str] | None:
    # The server looks whether it is there (field notes 4).
    return {"sandbox": "true"} if sandbox else None
