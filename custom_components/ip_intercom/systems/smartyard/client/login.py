"""Login with a phone number, by a code or a call (field notes 4)."""

from dataclasses import dataclass, field
from enum import StrEnum
import secrets
from typing import Annotated

from ...common.decode import Key, decode_reply
from ...common.errors import TokenRefused, UnexpectedReply
from ...common.parse import Fields, text, texts
from .client import Functions, check_token
from .protocol import CHECK_PHONE, CONFIRM_CODE, PHONE_PATTERN, REQUEST_CODE, Endpoint, phone_digits

_ANDROID = 0


class Method(StrEnum):
    """How a phone number is verified; ``SMS`` and ``SMS_CODE`` are the names of two servers for the same method."""

    SMS = "sms"
    SMS_CODE = "smsCode"
    FLASH_CALL = "flashCall"
    OUTGOING_CALL = "outgoingCall"


@dataclass(frozen=True, slots=True)
class CodeRequest:
    """How to continue the login.

    Attributes:
        method: A ``Method`` or an unknown word, which requires a code.
        numbers: For ``OUTGOING_CALL``, the numbers of which the user calls one before ``check_phone``.
    """

    method: str
    numbers: tuple[str, ...] = ()

    @property
    def calls(self) -> bool:
        """The user has to call a number instead of entering a code."""
        return self.method == Method.OUTGOING_CALL


@dataclass(frozen=True, slots=True)
class Name:
    """Name of a user; missing parts are empty."""

    first: Annotated[str, Key("name")] = ""
    patronymic: str = ""
    last: str = ""


@dataclass(frozen=True, slots=True)
class Login:
    """A logged-in device.

    Attributes:
        token: Access token of this device; valid until another login with the same device token.
        name: Name of the user.
    """

    token: str = field(repr=False)
    name: Name


def new_device_token() -> str:
    """Return a unique device token.

    It is kept permanently: a login with the same one replaces the access token, and without one, devices of the same
    kind invalidate each other's tokens (field notes 4).
    """
    return f"ha-{secrets.token_hex(16)}"


class Logins(Functions):
    """The part of ``/user`` that requires no token."""

    async def phone_pattern(self) -> str:
        """Return the format of phone numbers, such as ``7 (###) ###-##-##``.

        Raises:
            NotSupported: The server has none.
            UnexpectedReply: The response is not a text.
        """
        pattern = await self._client.words(PHONE_PATTERN)
        if pattern is None:
            raise UnexpectedReply(f"{PHONE_PATTERN.path} answered without a pattern")
        return pattern

    async def request_code(self, phone: str, method: str | None = None) -> CodeRequest:
        """Request verification of a phone number.

        Args:
            phone: Number with country code; all characters other than digits are removed.
            method: A ``Method``; None to let the server choose.

        Raises:
            TooSoon: A code was requested less than a minute ago.
            InvalidRequest: The phone number is invalid.
        """
        found = await self._client.record(REQUEST_CODE, userPhone=phone_digits(phone), method=method)
        numbers = texts(found.get("confirmationNumbers"))
        return CodeRequest(text(found.get("method")) or (Method.OUTGOING_CALL if numbers else Method.SMS), numbers)

    async def confirm_code(self, phone: str, code: str, device_token: str) -> Login:
        """Log in with the code, or with the last digits of the calling number, and use the token from now on.

        Args:
            phone: As in ``request_code``.
            code: Four digits.
            device_token: Result of ``new_device_token`` for this device.

        Raises:
            WrongCode: The code is wrong.
            NoCodePending: No code is pending, or it has expired.
            InvalidRequest: The code has not four digits.
            CommandFailed: The code is right, but the user has too many devices.
        """
        found = await self._client.record(
            CONFIRM_CODE,
            userPhone=phone_digits(phone),
            smsCode=code.strip(),
            deviceToken=device_token,
            platform=_ANDROID,
        )
        return self._logged_in(CONFIRM_CODE, found)

    async def check_phone(self, phone: str, device_token: str) -> Login | None:
        """Log in if the user has called, and use the token from now on; None if not yet.

        Raises:
            CommandFailed: The user has too many devices.
        """
        try:
            found = await self._client.record(
                CHECK_PHONE, userPhone=phone_digits(phone), deviceToken=device_token, platform=_ANDROID
            )
        except TokenRefused:
            return None
        return self._logged_in(CHECK_PHONE, found)

    def _logged_in(self, endpoint: Endpoint, found: Fields) -> Login:
        token = check_token(text(found.get("accessToken")), endpoint)
        self._client.token = token
        return Login(token, decode_reply(Name, found.get("names"), endpoint.path))
