"""Login by phone and requests to SmartYard for one account (field notes 3 and 4)."""

import asyncio
from contextlib import nullcontext
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
import logging
import secrets
import time
from typing import Annotated

from ...common.decode import Key, decode_reply
from ...common.errors import TokenRefused, UnexpectedReply
from ...common.http import HttpTransport
from ...common.messages import Request
from ...common.parse import Fields, text, texts
from .protocol import (
    CHECK_PHONE,
    CONFIRM_CODE,
    PHONE_PATTERN,
    PING,
    REQUEST_CODE,
    Endpoint,
    content,
    data,
    given,
    phone_digits,
    record,
    rows,
)

_LOGGER = logging.getLogger(__name__)

# Seconds for a command and for a query. Opening a door may take three, and one server delays requests without a valid
# token by ten.
REQUEST_TIMEOUT = 30.0
QUERY_TIMEOUT = 20.0
# Maximum number of concurrent queries.
MAX_QUERIES = 4
MAX_REPLY = 8 * 1024 * 1024
# Smaller clock differences are ignored: a response takes time, and its date has whole seconds.
_CLOCK_ERROR = 15.0

# Statuses with which the two servers reject requests without a token.
_CLOSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY})

# Request values that the server may repeat in an error; they are removed from it.
_SECRETS = frozenset(
    {"userPhone", "smsCode", "deviceToken", "pushToken", "voipToken", "guestPhone", "eventDetail", "QR", "number"}
)

_ANDROID = 0


class SmartYardClient:
    """Sends the requests of one account, with a limit for concurrent queries.

    Args:
        transport: Transport to the server; its base URL includes the path of the API.
        token: Access token, empty before the login.
        language: Language of the server's texts, such as ``en``.
        system_info: Description of this client: system, version, vendor, and model, separated by commas.
    """

    def __init__(self, transport: HttpTransport, token: str, language: str, system_info: str) -> None:
        self.transport = transport
        self.token = token
        self._headers = {"Accept-Language": language, "X-System-Info": system_info}
        self._query_limit = asyncio.Semaphore(MAX_QUERIES)
        # By how many seconds the server's clock is ahead of the local one; None before a response has reported it.
        self.clock_ahead: float | None = None

    @property
    def path(self) -> str:
        """The path of the base URL, without a trailing slash."""
        return self.transport.base.path.rstrip("/")

    async def call(self, endpoint: Endpoint, *, refresh: bool = False, **values: object) -> object:
        """Call a method and return its payload, None if it has none.

        The request is never repeated.

        Args:
            refresh: Bypass the cache of the server.
            values: Parameters; None values are omitted.

        Raises:
            TokenRefused: The token is missing or rejected.
            NotPaid: The service is not paid for.
            TooSoon: The request was repeated too soon.
            NoData: The object does not exist or belongs to another user; ``NotFound`` if the server says so.
            InvalidRequest: The server rejects a value.
            NotSupported: The server lacks the method.
            CommandFailed: The server rejects the request; the reason is its message for users.
            ServerBroken: The server reports an internal failure.
            Unconfirmed: The result of a command is unknown.
            UnexpectedReply: The response is not one of the API.
            ConnectionFailed: The connection broke.
        """
        body = given(**values)
        has_token = bool(self.token) and not endpoint.open
        headers = dict(self._headers)
        if has_token:
            headers["Authorization"] = f"Bearer {self.token}"
        if refresh:
            headers["X-Dm-Api-Refresh"] = "1"
        request = Request(
            "POST",
            f"{self.path}/{endpoint.path}",
            json=body,
            timeout=self._timeout(endpoint),
            max_bytes=MAX_REPLY,
            repeatable=not endpoint.command,
        )
        # Commands and quick checks do not wait for slow queries.
        async with nullcontext() if endpoint.command or endpoint.timeout else self._query_limit:
            reply = await self.transport.request(request, headers=headers)
        _LOGGER.debug("%s: %s", endpoint.path, reply.status)
        secrets = {self.token, *(str(value) for name, value in body.items() if name in _SECRETS)}
        found = data(endpoint, reply, has_token=has_token, secrets=secrets)
        if (sent_at := reply.sent_at) is not None:  # from the API itself, not from a proxy
            ahead = sent_at - time.time()
            self.clock_ahead = ahead if abs(ahead) >= _CLOCK_ERROR else 0.0
        return found

    @staticmethod
    def _timeout(endpoint: Endpoint) -> float:
        return endpoint.timeout or (REQUEST_TIMEOUT if endpoint.command else QUERY_TIMEOUT)

    async def rows(self, endpoint: Endpoint, *, refresh: bool = False, **values: object) -> tuple[Fields, ...]:
        """Call a method that returns a list.

        Raises:
            IntercomError: As ``call``.
        """
        return rows(endpoint, await self.call(endpoint, refresh=refresh, **values))

    async def record(self, endpoint: Endpoint, **values: object) -> Fields:
        """Call a method that returns an object, empty if the payload is missing.

        Raises:
            IntercomError: As ``call``.
        """
        return record(endpoint, await self.call(endpoint, refresh=False, **values))

    async def words(self, endpoint: Endpoint, **values: object) -> str | None:
        """Call a method that returns a text or nothing.

        Raises:
            IntercomError: As ``call``.
            UnexpectedReply: The payload is not a text.
        """
        found = await self.call(endpoint, refresh=False, **values)
        if isinstance(found, dict | list) and found:
            raise UnexpectedReply(f"{endpoint.path} answered without a text")
        return text(found)

    async def is_smartyard(self) -> bool:
        """Return whether the server responds like SmartYard to a request without a token.

        Raises:
            UnexpectedReply: The response is too large.
            UnexpectedReply: The answer is too large.
        """
        request = Request("POST", f"{self.path}/{PING.path}", json={}, timeout=QUERY_TIMEOUT)
        reply = await self.transport.request(request, headers=self._headers)
        found = content(reply) or {}
        return reply.status in _CLOSED and found.get("code") == reply.status and {"name", "message"} <= found.keys()


class Functions:
    """A group of methods for one account."""

    def __init__(self, client: SmartYardClient) -> None:
        self._client = client


def check_token(token: str | None, endpoint: Endpoint) -> str:
    """Return a token if it can be sent as a header.

    Raises:
        UnexpectedReply: The token is missing or invalid.
    """
    if token is None or not token.isascii() or not token.isprintable():
        raise UnexpectedReply(f"{endpoint.path} answered without a token")
    return token


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
