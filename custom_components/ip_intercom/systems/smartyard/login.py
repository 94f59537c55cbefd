"""Logging in by phone, and the identity of an account (field notes 4)."""

from collections.abc import Collection, Mapping
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
    CONF_TOKEN,
    CONF_URL,
    CONF_VERIFY_SSL,
)
from ...model.parts import Control, Identity
from ...model.state import Description, Missing, State
from ..common.errors import IntercomError
from .client import CodeRequest, SmartYard, find as find_yard, new_device_token
from .client.values import phone_digits

CONTROLS = frozenset({Control.DOORS})
_DIGITS = 16
# So many digits of a phone number tell accounts apart.
_LAST = 4


def account_id(base: URL, phone: str) -> str:
    """Return the id of an account.

    Args:
        base: Where its server was found first; who moves keeps the id.
        phone: Its number, digits only.
    """
    port = "" if base.explicit_port is None else f":{base.explicit_port}"
    key = f"{base.host}{port}{base.path.rstrip('/')} {phone}"
    return f"{base.host}_{hashlib.sha256(key.encode()).hexdigest()[:_DIGITS]}"


def mark_of(phone: str) -> str:
    """Return the end of a phone number, for people."""
    return f"…{phone[-_LAST:]}"


def name_of(base: URL, phone: str, flat: str | None, taken: Collection[str]) -> str:
    """Return what an account is called: by the address of its flat, else by the end of its number.

    Args:
        base: Its server.
        phone: Its number.
        flat: The address of its flat, None where none is known.
        taken: What other accounts are called.
    """
    host, mark = base.host or "", mark_of(phone)
    if flat is None:
        return f"{host} ({mark})"
    name = f"{flat} ({host})"
    return name if name not in taken else f"{flat} ({host} {mark})"


def identity_of(account: str, base: URL, data: Mapping[str, Any] | None = None) -> Identity:
    """Return who an account is; ``data`` are those of its entry, where there is one."""
    data = data or {}
    return Identity(
        id=account,
        mac=None,
        serial=None,
        manufacturer="SmartYard",
        model="Account",
        name=data.get(CONF_NAME) or base.host or account,
        firmware=None,
        hardware=None,
        has_page=False,
        mark=mark_of(data[CONF_PHONE]) if CONF_PHONE in data else "",
    )


def description_of(
    identity: Identity,
    state: State,
    unlisted: frozenset[str] = frozenset(),
    missing: frozenset[Missing] = frozenset(),
    wish: float = 0.0,
    nothing: Missing | None = None,
) -> Description:
    """Return what any account is and may; all but ``identity`` and ``state`` as in ``Description``."""
    return Description(
        identity=identity,
        state=state,
        controls=CONTROLS,
        reports_access=True,
        pushes=True,
        messages=True,
        missing=missing,
        unlisted=unlisted,
        wish=wish,
        nothing=nothing,
    )


async def find(
    session: ClientSession, address: str, account: Mapping[str, Any], verify: bool, pinned: str | None = None
) -> tuple[dict[str, Any], Description]:
    """Find the server of an account that is logged in; ``pinned`` is the certificate to insist on.

    Returns:
        What an entry has to keep to connect again (``const``: entry data), and whose account was found.
    """
    yard, fingerprint = await find_yard(session, address, verify=verify, pinned=pinned, language=account[CONF_LANGUAGE])
    yard.client.token = account[CONF_TOKEN]
    await yard.user.ping()
    kept = (CONF_ACCOUNT, CONF_DEVICE_TOKEN, CONF_LANGUAGE, CONF_NAME, CONF_PHONE, CONF_TOKEN)
    known = {key: account[key] for key in kept if key in account}
    return _entry_data(yard, fingerprint, verify=verify) | known, _description(yard, account[CONF_ACCOUNT])


class PhoneLogin:
    """A login on its way: the server waits for a code or a call.

    Args:
        yard: The server.
        fingerprint: SHA-256 of its certificate, None for http.
        verify: That certificate is to be verified.
        phone: The number, digits only.
        account: What is known of the account, as entry data; empty for a new one.

    Attributes:
        phone: The number, digits only.
        calls: The person has to call, and has no code to enter.
        numbers: One of these.
    """

    def __init__(
        self, yard: SmartYard, fingerprint: bytes | None, phone: str, account: Mapping[str, Any], *, verify: bool
    ) -> None:
        self.phone = phone
        self.calls = False
        self.numbers: tuple[str, ...] = ()
        self._yard = yard
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
        """Find the server at an address that a person typed; no personal data is sent.

        Args:
            session: For the requests.
            address: Its base address, or its host alone.
            phone: The phone number, however it is written.
            account: Entry data: the language, and device token and id of an account that was there before.
            verify: Check the certificate against the system's authorities.
            pinned: SHA-256 of the only certificate to talk to, in hexadecimal.
        """
        digits = phone_digits(phone)
        yard, fingerprint = await find_yard(
            session, address, verify=verify, pinned=pinned, language=account[CONF_LANGUAGE]
        )
        return cls(yard, fingerprint, digits, account, verify=verify)

    async def request(self) -> None:
        """Have the number proven."""
        asked: CodeRequest = await self._yard.login.request_code(self.phone)
        self.calls, self.numbers = asked.calls, asked.numbers

    async def confirm(self, code: str) -> None:
        """Log in with the code."""
        await self._yard.login.confirm_code(self.phone, code, self._device_token)

    async def check(self) -> bool:
        """Log in if the person has called meanwhile; return whether that is so."""
        return await self._yard.login.check_phone(self.phone, self._device_token) is not None

    async def name(self, taken: Collection[str]) -> tuple[str, bool]:
        """Return what to call the account, unlike ``taken``, and whether the server knows a flat of it."""
        try:
            flats = await self._yard.address.settings()
        except IntercomError:
            flats = ()
        address = next((flat.address for flat in flats if flat.address), None)
        return name_of(self._yard.transport.base, self.phone, address, taken), bool(flats)

    @property
    def data(self) -> dict[str, Any]:
        """What an entry has to keep, once it is logged in."""
        return _entry_data(self._yard, self._fingerprint, verify=self._verify) | {
            CONF_ACCOUNT: self._account,
            CONF_DEVICE_TOKEN: self._device_token,
            CONF_LANGUAGE: self._language,
            CONF_PHONE: self.phone,
            CONF_TOKEN: self._yard.client.token,
            **self._name,
        }

    @property
    def description(self) -> Description:
        """Whose account it is."""
        return _description(self._yard, self._account)


def _entry_data(yard: SmartYard, fingerprint: bytes | None, *, verify: bool) -> dict[str, Any]:
    return {
        CONF_URL: str(yard.transport.base),
        CONF_VERIFY_SSL: verify,
        CONF_FINGERPRINT: fingerprint.hex() if fingerprint is not None and not verify else None,
    }


def _description(yard: SmartYard, account: str) -> Description:
    return description_of(identity_of(account, yard.transport.base), State())
