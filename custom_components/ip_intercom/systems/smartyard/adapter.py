"""Adapter of SmartYard: logs in by phone (field notes 4), and creates the system of an entry."""

from collections.abc import Collection, Mapping
from contextlib import suppress
import hashlib
from typing import Any

from aiohttp import ClientSession
from yarl import URL

from ...const import (
    CONF_ACCOUNT,
    CONF_DEVICE_TOKEN,
    CONF_FINGERPRINT,
    CONF_LANGUAGE,
    CONF_NAME,
    CONF_PHONE,
    CONF_PUSH,
    CONF_PUSH_ROUTE,
    CONF_SHOW_NAMES,
    CONF_TALK,
    CONF_TOKEN,
    CONF_URL,
    CONF_VERIFY_SSL,
    CONFS_FCM,
)
from ...model.state import Description, State
from ..common.adapter import Adapter, Found, transport_of
from ..common.discovery import Answers
from ..common.errors import IntercomError
from .client import CodeRequest, Flat, SmartYard, find as find_yard, new_device_token
from .client.protocol import phone_digits
from .system import Options, SmartYardSystem, description_of, identity_of, mark_of

_DIGITS = 16


def account_id(base: URL, phone: str) -> str:
    """Return the ID of an account.

    Args:
        base: First address of the server; the ID stays when the server moves.
        phone: Phone number, digits only.
    """
    port = "" if base.explicit_port is None else f":{base.explicit_port}"
    key = f"{base.host}{port}{base.path.rstrip('/')} {phone}"
    return f"{base.host}_{hashlib.sha256(key.encode()).hexdigest()[:_DIGITS]}"


def name_of(base: URL, phone: str, flat: str | None, taken: Collection[str]) -> str:
    """Return the name of an account: the address of its apartment, or the last digits of its number.

    Args:
        flat: Address of its apartment, None if unknown.
        taken: Names of other accounts.
    """
    host, mark = base.host or "", mark_of(phone)
    if flat is None:
        return f"{host} ({mark})"
    name = f"{flat} ({host})"
    return name if name not in taken else f"{flat} ({host} {mark})"


async def find(
    session: ClientSession,
    address: str,
    account: Mapping[str, Any],
    verify: bool,
    pinned: str | None = None,
    answers: Answers | None = None,
) -> Found:
    """Find the server of a logged-in account; ``pinned`` is the SHA-256 of the only accepted certificate."""
    yard, fingerprint = await find_yard(session, address, verify=verify, pinned=pinned, language=account[CONF_LANGUAGE])
    yard.client.token = account[CONF_TOKEN]
    await yard.user.ping()
    kept = (CONF_ACCOUNT, CONF_DEVICE_TOKEN, CONF_LANGUAGE, CONF_NAME, CONF_PHONE, CONF_TOKEN)
    known = {key: account[key] for key in kept if key in account}
    return Found(_entry_data(yard, fingerprint, verify=verify) | known, _description(yard, account[CONF_ACCOUNT]))


def create(
    session: ClientSession,
    data: Mapping[str, Any],
    options: Mapping[str, Any],
    cursor: Mapping[str, object] | None,
) -> SmartYardSystem:
    """Return the system of an entry."""
    entry_options = Options(
        names=options.get(CONF_SHOW_NAMES, True),
        push=options.get(CONF_PUSH, False) or all(options.get(key) for key in CONFS_FCM),
        push_route=(options.get(CONF_PUSH_ROUTE) or None) if options.get(CONF_PUSH, False) else None,
        talk=options.get(CONF_TALK, False),
        verify=data.get(CONF_VERIFY_SSL, True),
    )
    yard = SmartYard(transport_of(session, data, below=False), data[CONF_TOKEN], language=data[CONF_LANGUAGE])
    identity = identity_of(data[CONF_ACCOUNT], yard.transport.base, data)
    return SmartYardSystem(session, yard, identity, cursor, entry_options)


class PhoneLogin:
    """A login in progress: the server waits for a code or a call.

    Args:
        fingerprint: SHA-256 of its certificate, None for HTTP.
        phone: Phone number, digits only.
        account: Known data of the account, as entry data; empty for a new one.

    Attributes:
        phone: Phone number, digits only.
        calls: The user has to call a number instead of entering a code.
        numbers: Numbers to call, one of them is sufficient.
    """

    def __init__(
        self,
        session: ClientSession,
        yard: SmartYard,
        fingerprint: bytes | None,
        phone: str,
        account: Mapping[str, Any],
        *,
        verify: bool,
    ) -> None:
        self.phone = phone
        self.calls = False
        self.numbers: tuple[str, ...] = ()
        self._session = session
        self._yard = yard
        self._flats: tuple[Flat, ...] | None = None
        self._fingerprint = fingerprint
        self._verify = verify
        self._device_token = account.get(CONF_DEVICE_TOKEN) or new_device_token()
        self._account = account.get(CONF_ACCOUNT) or account_id(yard.transport.base, phone)
        self._language = account[CONF_LANGUAGE]
        self._name = {key: account[key] for key in (CONF_NAME,) if key in account}

    @classmethod
    async def begin(
        cls,
        session: ClientSession,
        address: str,
        phone: str,
        account: Mapping[str, Any],
        *,
        verify: bool,
        pinned: str | None = None,
    ) -> PhoneLogin:
        """Find the server at an entered address; no personal data is sent.

        Args:
            address: Base URL or host.
            phone: Phone number in any format.
            account: Entry data: the language, and the device token and ID of an existing account.
            verify: Verify the certificate against the trusted authorities.
            pinned: SHA-256 of the only accepted certificate, in hexadecimal.
        """
        digits = phone_digits(phone)
        yard, fingerprint = await find_yard(
            session, address, verify=verify, pinned=pinned, language=account[CONF_LANGUAGE]
        )
        return cls(session, yard, fingerprint, digits, account, verify=verify)

    async def request(self) -> None:
        """Request a code or a call."""
        asked: CodeRequest = await self._yard.login.request_code(self.phone)
        self.calls, self.numbers = asked.calls, asked.numbers

    async def confirm(self, code: str) -> None:
        """Log in with the code."""
        await self._yard.login.confirm_code(self.phone, code, self._device_token)

    async def check(self) -> bool:
        """Log in if the user has called; return whether this is the case."""
        return await self._yard.login.check_phone(self.phone, self._device_token) is not None

    async def name(self, taken: Collection[str]) -> tuple[str, bool]:
        """Return a name for the account that is not in ``taken``, and whether the server lists an apartment."""
        with suppress(IntercomError):
            self._flats = await self._yard.address.settings()
        flats = self._flats or ()
        address = next((flat.address for flat in flats if flat.address), None)
        return name_of(self._yard.transport.base, self.phone, address, taken), bool(flats)

    @property
    def data(self) -> dict[str, Any]:
        """The entry data, after the login."""
        return _entry_data(self._yard, self._fingerprint, verify=self._verify) | {
            CONF_ACCOUNT: self._account,
            CONF_DEVICE_TOKEN: self._device_token,
            CONF_LANGUAGE: self._language,
            CONF_PHONE: self.phone,
            CONF_TOKEN: self._yard.client.token,
            **self._name,
        }

    def system(self, data: Mapping[str, Any]) -> SmartYardSystem:
        """Return the system of a new entry, which does not request what is known again."""
        system = create(self._session, data, {}, None)
        system.known_flats = self._flats
        return system

    @property
    def description(self) -> Description:
        """The description of the account."""
        return _description(self._yard, self._account)


def _entry_data(yard: SmartYard, fingerprint: bytes | None, *, verify: bool) -> dict[str, Any]:
    return {
        CONF_URL: str(yard.transport.base),
        CONF_VERIFY_SSL: verify,
        CONF_FINGERPRINT: fingerprint.hex() if fingerprint is not None and not verify else None,
    }


def _description(yard: SmartYard, account: str) -> Description:
    return description_of(identity_of(account, yard.transport.base), State())


ADAPTER = Adapter(find, create)
