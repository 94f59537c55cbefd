"""Requests to SmartYard on behalf of one account."""

import asyncio
from contextlib import nullcontext
from http import HTTPStatus
import logging
import time

from ...common.errors import UnexpectedReply
from ...common.http import HttpTransport
from ...common.messages import Request
from ...common.parse import Fields, text
from .endpoints import PING, Endpoint
from .envelope import content, data, record, rows
from .values import given

_LOGGER = logging.getLogger(__name__)

# Seconds for a command and for a question. A door may take three, and one of the servers delays requests without a valid
# token by ten.
REQUEST_TIMEOUT = 30.0
QUESTION_TIMEOUT = 20.0
# Questions at a time.
MOST = 4
MAX_REPLY = 8 * 1024 * 1024
# Seconds by which a clock may seem to be wrong: a reply takes its time, and tells whole seconds.
_CLOCK_ERROR = 15.0

# With these, the two servers reject requests without a token.
_CLOSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY})

# Values of requests that the server could repeat in its refusal, which then no error tells.
_SECRETS = frozenset(
    {"userPhone", "smsCode", "deviceToken", "pushToken", "voipToken", "guestPhone", "eventDetail", "QR", "number"}
)


class SmartYardClient:
    """Requests of one account, some questions at a time.

    Args:
        transport: The connection to the server; its base address has the path below which the methods are.
        token: What the login has given, empty before it.
        language: The language of the server's texts for people, such as ``en``.
        system_info: Who asks: system, version, vendor and model, with commas between.
    """

    def __init__(self, transport: HttpTransport, token: str, language: str, system_info: str) -> None:
        self.transport = transport
        self.token = token
        self._headers = {"Accept-Language": language, "X-System-Info": system_info}
        self._turns = asyncio.Semaphore(MOST)
        # By how many seconds the server's clock is ahead of ours; None where no reply has told the time.
        self.clock_ahead: float | None = None

    @property
    def path(self) -> str:
        """The path of the base address, without a slash at its end."""
        return self.transport.base.path.rstrip("/")

    async def call(self, endpoint: Endpoint, *, refresh: bool = False, **values: object) -> object:
        """Call a method and return its payload, None where there is none.

        Nothing is sent a second time.

        Args:
            endpoint: What to ask.
            refresh: The server must not answer from its cache.
            values: What goes with it; None is left out.

        Raises:
            TokenRefused: The token is refused, or there is none.
            NotPaid: The service is not paid for.
            TooSoon: It was asked for a moment ago.
            NoData: There is no such thing, or it is another user's; ``NotFound`` where the server says so itself.
            InvalidRequest: The server refuses a value.
            NotSupported: This server does not have the method.
            CommandFailed: The server refuses, with its own sentence.
            ServerBroken: The server is out of order.
            Unconfirmed: A command whose result is unknown.
            UnexpectedReply: The answer is not the API's.
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
        # Neither a door nor what shows whether the server is there waits behind lists.
        async with nullcontext() if endpoint.command or endpoint.timeout else self._turns:
            reply = await self.transport.request(request, headers=headers)
        _LOGGER.debug("%s: %s", endpoint.path, reply.status)
        secrets = {self.token, *(str(value) for name, value in body.items() if name in _SECRETS)}
        found = data(endpoint, reply, has_token=has_token, secrets=secrets)
        if reply.sent_at is not None:  # by the API itself, and by nothing on the way to it
            ahead = reply.sent_at - time.time()
            self.clock_ahead = ahead if abs(ahead) >= _CLOCK_ERROR else 0.0
        return found

    @staticmethod
    def _timeout(endpoint: Endpoint) -> float:
        return endpoint.timeout or (REQUEST_TIMEOUT if endpoint.command else QUESTION_TIMEOUT)

    async def rows(self, endpoint: Endpoint, *, refresh: bool = False, **values: object) -> tuple[Fields, ...]:
        """Call a method that gives a list.

        Raises:
            IntercomError: As ``call``.
        """
        return rows(endpoint, await self.call(endpoint, refresh=refresh, **values))

    async def record(self, endpoint: Endpoint, **values: object) -> Fields:
        """Call a method that gives an object, which is empty where nothing comes.

        Raises:
            IntercomError: As ``call``.
        """
        return record(endpoint, await self.call(endpoint, refresh=False, **values))

    async def words(self, endpoint: Endpoint, **values: object) -> str | None:
        """Call a method that gives a text or nothing.

        Raises:
            IntercomError: As ``call``.
            UnexpectedReply: It gives something else.
        """
        found = await self.call(endpoint, refresh=False, **values)
        if isinstance(found, dict | list) and found:
            raise UnexpectedReply(f"{endpoint.path} answered without a text")
        return text(found)

    async def speaks(self) -> bool:
        """Return whether the server answers in envelopes, though without a token.

        Raises:
            ConnectionFailed: The connection broke.
            UnexpectedReply: The answer is too large.
        """
        request = Request("POST", f"{self.path}/{PING.path}", json={}, timeout=QUESTION_TIMEOUT)
        reply = await self.transport.request(request, headers=self._headers)
        found = content(reply) or {}
        return reply.status in _CLOSED and found.get("code") == reply.status and {"name", "message"} <= found.keys()


class Functions:
    """A group of methods of one account."""

    def __init__(self, client: SmartYardClient) -> None:
        self._client = client


def check_token(token: str | None, endpoint: Endpoint) -> str:
    """Return a token that can be sent.

    Raises:
        UnexpectedReply: There is none.
    """
    if token is None or not token.isascii() or not token.isprintable():
        raise UnexpectedReply(f"{endpoint.path} answered without a token")
    return token
