"""Requests to MX Proxy on behalf of one account."""

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

# Seconds: the MX gets seven for a reply, and some requests ask it twice.
REQUEST_TIMEOUT = 16.0
# The log comes in blocks of 21 calls: after a full one the proxy waits for another, up to two minutes.
LOG_TIMEOUT = 150.0
MAX_LIST = 32 * 1024 * 1024
# A link that is lost, the proxy makes again after a minute, and a login meanwhile makes a second one. Only where it stays
# lost for so many seconds the account may have been logged out: then a login helps, tried as seldom as that.
LINK_PATIENCE = 90.0
LINK_LOGIN_PAUSE = 300.0

_JSON = {"Content-Type": "application/json; charset=utf-8"}

type Attempt = Callable[[dict[str, str]], Awaitable[Reply]]


class MxClient:
    """Requests of one account, one of a kind at a time.

    The proxy knows the MX's replies by their kind only, so that two equal requests could get each other's. Other kinds
    do not wait: the log of calls may last for minutes, and a kind that is not answered delays no call.

    Args:
        transport: The connection to the server.
        credentials: Who logs in.
    """

    def __init__(self, transport: HttpTransport, credentials: Credentials) -> None:
        self.transport = transport
        self.login = Login(transport, credentials)
        self._unlinked_since: float | None = None
        self._link_login_at = 0.0
        self._turns: defaultdict[object, asyncio.Lock] = defaultdict(asyncio.Lock)

    def _turn(self, endpoint: Endpoint) -> asyncio.Lock:
        """Return the turn of a kind: of one question, or of the commands of one part of the MX."""
        return self._turns[endpoint.part if endpoint.command else endpoint]

    async def call(
        self,
        endpoint: Endpoint,
        parts: Mapping[str, str | int] | None = None,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
        extra: float = 0.0,
    ) -> Fields:
        """Send one request and return the JSON object of the reply, an empty one where it is empty.

        It is sent a second time only after a refused token or without a link to the MX: it was certainly not carried out.

        Args:
            endpoint: What to ask.
            parts: Values for the variable parts of the path.
            params: Parameters in the address.
            body: JSON body.
            extra: Seconds that the server may need beyond the usual.

        Raises:
            Unconfirmed: A command that the MX has not confirmed in time; it may have been carried out.
            NoAnswer: The same for what changes nothing.
            NoSuchCall: There is no such call.
            NoData: There is no such thing.
            InvalidRequest: The server refuses a value.
            CommandFailed: The MX refuses.
            AuthenticationFailed: As ``Login.token``.
            TokenNotTaken: A new token is refused as well.
            ExchangeUnreachable: The server does not reach the MX.
            UnexpectedReply: The answer is not the API's.
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
        async with self._turn(endpoint):
            reply = await self._authorized(endpoint, attempt, since)
        return result(endpoint, reply)

    @asynccontextmanager
    async def download(self, endpoint: Endpoint, parts: Mapping[str, str], *, max_bytes: int) -> AsyncIterator[Stream]:
        """Open an answer that is a file; no other file is asked for before its end.

        Raises:
            IntercomError: As ``call``; also where the server answers JSON.
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
        async with self._turn(endpoint):
            token = await self.login.token(since)
            for is_last in (False, True):
                async with self.transport.stream(request, headers=_bearer(token)) as stream:
                    if stream.status != HTTPStatus.UNAUTHORIZED:
                        await self._expect_file(endpoint, stream)
                        yield stream
                        return
                    reply = await stream.reply()
                if is_last and refuses_token(reply):
                    raise self.login.distrust(endpoint.path)
                if is_last or not self._wants_login(reply):
                    raise refusal(endpoint, reply, decoded(reply))
                token = await self.login.instead_of(token, since)

    async def _authorized(self, endpoint: Endpoint, attempt: Attempt, since: int) -> Reply:
        token = await self.login.token(since)
        reply = await attempt(_bearer(token))
        if self._wants_login(reply):
            reply = await attempt(_bearer(await self.login.instead_of(token, since)))
            if refuses_token(reply):
                raise self.login.distrust(endpoint.path)
        if reply.status != HTTPStatus.UNAUTHORIZED:
            self.login.trust()
        _LOGGER.debug("%s %s: %s", endpoint.method, endpoint.path, reply.status)
        return reply

    def _wants_login(self, reply: Reply) -> bool:
        """Return whether a login helps: the token has ended, or the link to the MX does not come back by itself."""
        if not lacks_link(reply):
            self._unlinked_since = None
            return refuses_token(reply)
        now = monotonic()
        if self._unlinked_since is None:
            self._unlinked_since, self._link_login_at = now, now + LINK_PATIENCE
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
    """Return the variable parts of a path as text."""
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
