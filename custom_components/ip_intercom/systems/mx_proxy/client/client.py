"""Requests to MX Proxy for one account."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
import logging
from time import monotonic

from ...common.errors import InvalidRequest, UnexpectedReply
from ...common.http import HttpTransport, Stream
from ...common.messages import Reply, Request
from ...common.parse import Fields
from .endpoints import CALL_LOG, Endpoint
from .envelope import decoded, lacks_link, refusal, refuses_token, result
from .login import Credentials, Login

_LOGGER = logging.getLogger(__name__)

# Seconds; the MX has seven to respond, and some requests query it twice.
REQUEST_TIMEOUT = 16.0
# The log is sent in blocks of 21 calls: after a full last block the proxy waits up to two minutes for another.
LOG_TIMEOUT = 150.0
MAX_LIST = 32 * 1024 * 1024
# The proxy restores a lost link to the MX within a minute, and a login in between creates a second one. If the link
# stays lost for so many seconds, the account may have been logged out: then log in, at most at this interval.
LINK_TIMEOUT = 90.0
LINK_LOGIN_PAUSE = 300.0

_JSON = {"Content-Type": "application/json; charset=utf-8"}

type Attempt = Callable[[dict[str, str]], Awaitable[Reply]]


class MxClient:
    """Sends the requests of one account, one of each kind at a time.

    The proxy matches responses of the MX only by their kind, so two concurrent requests of one kind could be mixed up.
    Other kinds do not wait: the call log may take minutes, and an unanswered kind delays no call.

    Args:
        transport: Transport to the server.
        credentials: Credentials to log in with.
    """

    def __init__(self, transport: HttpTransport, credentials: Credentials) -> None:
        self.transport = transport
        self.login = Login(transport, credentials)
        self._unlinked_since: float | None = None
        self._link_login_at = 0.0
        self._locks: defaultdict[object, asyncio.Lock] = defaultdict(asyncio.Lock)

    def _lock(self, endpoint: Endpoint) -> asyncio.Lock:
        """Return the lock of a kind: of one query, or of the commands to one part of the MX."""
        return self._locks[endpoint.part if endpoint.command else endpoint]

    async def call(
        self,
        endpoint: Endpoint,
        parts: Mapping[str, str | int] | None = None,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
        extra: float = 0.0,
    ) -> Fields:
        """Send a request and return the JSON object of the response, an empty one if it has no content.

        It is repeated only after a rejected token or a lost link to the MX, because then it was not carried out.

        Args:
            endpoint: The endpoint.
            parts: Values for the placeholders of the path.
            params: Query parameters.
            body: JSON body.
            extra: Additional seconds that the server may need.

        Raises:
            Unconfirmed: The MX did not confirm a command in time; it may have been carried out.
            NoAnswer: The MX did not answer a query in time.
            NoSuchCall: There is no such call.
            NoData: There is no such object.
            InvalidRequest: The server rejects a value.
            CommandFailed: The MX rejects the command.
            AuthenticationFailed: As ``Login.token``.
            TokenNotTaken: The server rejects a new token.
            ExchangeUnreachable: The server cannot reach the MX.
            UnexpectedReply: The response is not one of the API.
            ConnectionFailed: The connection broke.
        """
        request = Request(
            endpoint.method,
            endpoint.path,
            params,
            body,
            timeout=(LOG_TIMEOUT if endpoint == CALL_LOG else REQUEST_TIMEOUT) + extra,
            max_bytes=MAX_LIST,
            repeatable=not endpoint.command,
            parts=_values(parts or {}),
        )

        async def attempt(headers: dict[str, str]) -> Reply:
            return await self.transport.request(request, headers=headers if body is None else {**headers, **_JSON})

        since = self.login.attempts
        async with self._lock(endpoint):
            reply = await self._authorized(endpoint, attempt, since)
        return result(endpoint, reply)

    @asynccontextmanager
    async def download(self, endpoint: Endpoint, parts: Mapping[str, str], *, max_bytes: int) -> AsyncIterator[Stream]:
        """Open the response of a file; only one file is downloaded at a time.

        Raises:
            IntercomError: As ``call``; also if the response is JSON.
        """
        request = Request(
            endpoint.method,
            endpoint.path,
            max_bytes=max_bytes,
            stall=REQUEST_TIMEOUT,
            begin=REQUEST_TIMEOUT,
            parts=_values(parts),
        )
        since = self.login.attempts
        async with self._lock(endpoint):
            token = await self.login.token(since)
            for is_last in (False, True):
                async with self.transport.stream(request, headers=_bearer(token)) as stream:
                    if stream.status != HTTPStatus.UNAUTHORIZED:
                        await self._expect_file(endpoint, stream)
                        yield stream
                        return
                    reply = await stream.reply()
                if is_last and refuses_token(reply):
                    raise self.login.token_rejected(endpoint.path)
                if is_last or not self._needs_login(reply):
                    raise refusal(endpoint, reply, decoded(reply))
                token = await self.login.replace_token(token, since)

    async def _authorized(self, endpoint: Endpoint, attempt: Attempt, since: int) -> Reply:
        token = await self.login.token(since)
        reply = await attempt(_bearer(token))
        if self._needs_login(reply):
            reply = await attempt(_bearer(await self.login.replace_token(token, since)))
            if refuses_token(reply):
                raise self.login.token_rejected(endpoint.path)
        if reply.status != HTTPStatus.UNAUTHORIZED:
            self.login.token_accepted()
        _LOGGER.debug("%s %s: %s", endpoint.method, endpoint.path, reply.status)
        return reply

    def _needs_login(self, reply: Reply) -> bool:
        """Return whether to log in: the token has expired, or the link to the MX is not restored by itself."""
        if not lacks_link(reply):
            self._unlinked_since = None
            return refuses_token(reply)
        now = monotonic()
        if self._unlinked_since is None:
            self._unlinked_since, self._link_login_at = now, now + LINK_TIMEOUT
        if now < self._link_login_at:
            return False
        self._link_login_at = now + LINK_LOGIN_PAUSE
        return True

    @staticmethod
    async def _expect_file(endpoint: Endpoint, stream: Stream) -> None:
        _LOGGER.debug("%s %s: %s %s", endpoint.method, endpoint.path, stream.status, stream.content_type)
        is_text = stream.content_type.startswith(("application/json", "text/"))
        if stream.status != HTTPStatus.OK or is_text:
            result(endpoint, await stream.reply())
            raise UnexpectedReply(f"{endpoint.path} answered {stream.status} {stream.content_type}")


def _values(parts: Mapping[str, str | int]) -> dict[str, str]:
    """Return the path parameters as text."""
    values = {name: str(value) for name, value in parts.items()}
    for name, value in values.items():
        if "/" in value:
            raise InvalidRequest("the server does not accept a slash here", name)
    return values


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


class Functions:
    """A group of requests of one account."""

    def __init__(self, client: MxClient) -> None:
        self._client = client
