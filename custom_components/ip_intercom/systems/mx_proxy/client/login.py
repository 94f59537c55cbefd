"""Login and access token (manual, first section; RFC 6749, 4.3)."""

import asyncio
from dataclasses import dataclass, field
import logging
from time import monotonic

from aiohttp import encode_basic_auth

from ...common.errors import AppRefused, IntercomError, TokenNotTaken, UnexpectedReply
from ...common.http import HttpTransport
from ...common.messages import Request
from ...common.parse import integer, text
from .endpoints import LOGIN
from .envelope import result

_LOGGER = logging.getLogger(__name__)

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

    Args:
        transport: Transport to the server.
        credentials: Credentials to log in with.
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
