"""Login and requests to MX Proxy for one account (manual, first section; RFC 6749, 4.3)."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
import logging
from time import monotonic

from aiohttp import encode_basic_auth

from ...common.errors import AppRefused, IntercomError, InvalidRequest, TokenNotTaken, UnexpectedReply
from ...common.http import HttpTransport, Stream
from ...common.messages import Reply, Request
from ...common.parse import Fields, integer, text
from .protocol import CALL_LOG, LOGIN, Endpoint, decoded, lacks_link, refusal, refuses_token, result

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

# Seconds; during a login the proxy queries its provisioning server and connects to the MX.
LOGIN_TIMEOUT = 30.0
# Seconds before its expiration at which a token is renewed; a short-lived one is renewed after half of its lifetime.
MARGIN = 60.0
# First and longest pause in seconds until the next login after the server rejected a token that it had just issued:
# another login does not help, and may count towards the lockout of the account.
TOKEN_REJECTED_PAUSES = (20.0, 300.0)

_FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Credentials:
    """The credentials of an application and a user.

    Attributes:
        client_id: ID of the application, as configured on the server.
        client_secret: Secret of the application.
        username: User name at the MX.
        password: Password of the user.
    """

    client_id: str
    client_secret: str = field(repr=False)
    username: str
    password: str = field(repr=False)


class Login:
    """The access token of one account, requested when needed and renewed before it expires.

    Only one login runs at a time; concurrent callers wait for it and share its result, including a rejection.
    """

    def __init__(self, transport: HttpTransport, credentials: Credentials) -> None:
        self._transport = transport
        self._credentials = credentials
        self._lock = asyncio.Lock()
        self._attempts = 0
        self._token: str | None = None
        self._renew_at = float("-inf")
        self._failure: IntercomError | None = None
        self._pause = 0.0
        self._login_after = float("-inf")

    @property
    def has_token(self) -> bool:
        """Whether there is a token, possibly an expired one."""
        return self._token is not None

    @property
    def attempts(self) -> int:
        """Number of logins so far, including rejected ones."""
        return self._attempts

    def discard_token(self) -> None:
        """Discard the token, so that the next request logs in."""
        self._token = None

    async def token(self, since: int) -> str:
        """Return a valid token.

        Args:
            since: ``attempts`` when the caller began to wait: a rejection since then applies to it as well.

        Raises:
            PersonRefused: The user name or password is wrong.
            AppRefused: The client ID or client secret is wrong.
            NotProvisioned: No MX is provisioned for this user.
            ExchangeRefused: The MX rejects the user.
            ExchangeInsecure: The server requires TLS, and the MX has none.
            ExchangeUnreachable: The server cannot reach the MX.
            IntercomError: As ``HttpTransport.request``.
        """
        return await self.replace_token(None, since)

    async def replace_token(self, rejected: str | None, since: int) -> str:
        """Return another token than a rejected one; ``since`` as in ``token``.

        Raises:
            IntercomError: As ``token``.
        """
        async with self._lock:
            token = self._token
            if token is not None and token != rejected and monotonic() < self._renew_at:
                return token
            if monotonic() < self._login_after:
                raise TokenNotTaken("the server rejects the tokens that it issues")
            if self._failure is not None and self._attempts > since:
                raise self._failure
            return await self._attempt()

    def token_rejected(self, path: str) -> TokenNotTaken:
        """Record that a request rejected a new token, and return the error to raise.

        If several requests reject the token of one login, it counts once.
        """
        if monotonic() >= self._login_after:
            first, longest = TOKEN_REJECTED_PAUSES
            self._pause = min(max(first, 2 * self._pause), longest)
            self._login_after = monotonic() + self._pause
        return TokenNotTaken(f"{path} rejects a new token")

    def token_accepted(self) -> None:
        """Record that a token was accepted."""
        self._pause, self._login_after = 0.0, float("-inf")

    async def log_in(self) -> None:
        """Log in now, unless a login is in progress.

        Raises:
            IntercomError: As ``token``.
        """
        await self.replace_token(self._token, self._attempts)

    async def _attempt(self) -> str:
        asked_at = monotonic()
        try:
            token, lifetime = await self._request_token()
        except IntercomError as err:
            self._attempts += 1
            self._failure = err
            raise
        self._attempts += 1
        self._failure = None
        self._token = token
        self._renew_at = asked_at + lifetime - min(MARGIN, lifetime / 2)
        _LOGGER.debug("%s returned a token valid for %g s", self._transport.base.host, lifetime)
        return token

    async def _request_token(self) -> tuple[str, float]:
        credentials = self._credentials
        if ":" in credentials.client_id:
            raise AppRefused("a client id cannot contain a colon (RFC 7617)")
        form = {"username": credentials.username, "password": credentials.password, "grant_type": "password"}
        request = Request(LOGIN.method, LOGIN.path, timeout=LOGIN_TIMEOUT, form=form)
        headers = {**_FORM, "Authorization": encode_basic_auth(credentials.client_id, credentials.client_secret)}
        content = result(LOGIN, await self._transport.request(request, headers=headers))
        token, lifetime = text(content.get("access_token")), integer(content.get("expires_in"))
        if token is None or not token.isascii() or not token.isprintable():
            raise UnexpectedReply(f"{LOGIN.path} answered without a token")
        return token, float("inf") if lifetime is None else max(lifetime, 0)


class MxClient:
    """Sends the requests of one account, one of each kind at a time.

    The proxy matches responses of the MX only by their kind, so two concurrent requests of one kind could be mixed up.
    Other kinds do not wait: the call log may take minutes, and an unanswered kind delays no call.
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
            parts: Values for the placeholders of the path.
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
