"""Requests to SmartYard for one account."""

import asyncio
from contextlib import nullcontext
from http import HTTPStatus
import logging
import time

from ...common.errors import UnexpectedReply
from ...common.http import HttpTransport
from ...common.messages import Request
from ...common.parse import Fields, text
from .protocol import PING, Endpoint, content, data, given, record, rows

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
            endpoint: The method.
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
        if reply.sent_at is not None:  # from the API itself, not from a proxy
            ahead = reply.sent_at - time.time()
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
