"""Logging in with a phone number: by a code that is sent, or by a call (field notes 4)."""

from dataclasses import dataclass, field
from enum import StrEnum
import secrets
from typing import Annotated

from ...common.decode import Key, decode_reply
from ...common.errors import TokenRefused, UnexpectedReply
from ...common.parse import Fields, text, texts
from .client import Functions, check_token
from .endpoints import CHECK_PHONE, CONFIRM_CODE, PHONE_PATTERN, REQUEST_CODE, Endpoint
from .values import phone_digits

_ANDROID = 0


class Method(StrEnum):
    """How a phone number is proven; ``SMS`` and ``SMS_CODE`` are the same, by two servers."""

    SMS = "sms"
    SMS_CODE = "smsCode"
    FLASH_CALL = "flashCall"
    OUTGOING_CALL = "outgoingCall"


@dataclass(frozen=True, slots=True)
class CodeRequest:
    """How to go on.

    Attributes:
        method: One of ``Method``, or a word that is not known: then a code is asked for.
        numbers: Of ``OUTGOING_CALL`` those of which the person calls one; then ``check_phone`` tells.
    """

    method: str
    numbers: tuple[str, ...] = ()

    @property
    def calls(self) -> bool:
        """The person has to call, and has no code to enter."""
        return self.method == Method.OUTGOING_CALL


@dataclass(frozen=True, slots=True)
class Name:
    """Name of a person; empty where it is not told."""

    first: Annotated[str, Key("name")] = ""
    patronymic: str = ""
    last: str = ""


@dataclass(frozen=True, slots=True)
class Login:
    """A device that is logged in.

    Attributes:
        token: The account's token for this device; it lasts until another login with the same device token.
        name: Who it is.
    """

    token: str = field(repr=False)
    name: Name


def new_device_token() -> str:
    """Return a unique device token.

    It is kept for life: a login with the same one replaces the account's token, and without any, devices of the same
    kind take each other's tokens away (field notes 4).
    """
    return f"ha-{secrets.token_hex(16)}"


class Logins(Functions):
    """``/user``, the part of it that needs no token."""

    async def phone_pattern(self) -> str:
        """Return how phone numbers look, such as ``7 (###) ###-##-##``.

        Raises:
            NotSupported: The server does not tell.
            UnexpectedReply: It tells something else.
        """
        pattern = await self._client.words(PHONE_PATTERN)
        if pattern is None:
            raise UnexpectedReply(f"{PHONE_PATTERN.path} answered without a pattern")
        return pattern

    async def request_code(self, phone: str, method: str | None = None) -> CodeRequest:
        """Let the server prove a phone number.

        Args:
            phone: With country code; all characters other than digits are removed.
            method: How, one of ``Method``; None to let the server choose.

        Raises:
            TooSoon: A code is on its way already: for a minute there is no other.
            InvalidRequest: It is no phone number.
        """
        found = await self._client.record(REQUEST_CODE, userPhone=phone_digits(phone), method=method)
        numbers = texts(found.get("confirmationNumbers"))
        return CodeRequest(text(found.get("method")) or (Method.OUTGOING_CALL if numbers else Method.SMS), numbers)

    async def confirm_code(self, phone: str, code: str, device_token: str) -> Login:
        """Log in with the code, the last digits of the calling number where there was a call; use the token from now on.

        Args:
            phone: As in ``request_code``.
            code: Four digits.
            device_token: Ours, as ``new_device_token`` made it once.

        Raises:
            WrongCode: It is another one.
            NoCodePending: It was requested too long ago, or not at all.
            InvalidRequest: It has not four digits.
            CommandFailed: The code is right, but the person may not have another device.
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
        """Log in if the person has called meanwhile, and use the token from now on; None where that is not so yet.

        Raises:
            CommandFailed: The person may not have another device.
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
