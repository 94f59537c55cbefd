"""The login and its token (manual, the first section; RFC 6749, 4.3)."""

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

# Seconds: the proxy asks its provisioning server and connects to the MX meanwhile.
LOGIN_TIMEOUT = 30.0
# Seconds before its end at which a token is renewed; one that lives but shortly, after half of its life.
MARGIN = 60.0
# Seconds until the next login after a server refused a token that it had just issued: at first, and at most. Another
# login mends nothing there, and may count towards the lockout of the account.
DISTRUST = (20.0, 300.0)

_FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Credentials:
    """What it takes to log in.

    Attributes:
        client_id: The application, as the server's administrator has entered it.
        client_secret: Its secret.
        username: The person's login at the MX.
        password: The password of it.
    """

    client_id: str
    client_secret: str = field(repr=False)
    username: str
    password: str = field(repr=False)


class Login:
    """The token of one account: asked for when it is needed, and renewed before it ends.

    There is one login at a time; concurrent callers wait for it and share its result, also a rejection.

    Args:
        transport: The connection to the server.
        credentials: Who logs in.
    """

    def __init__(self, transport: HttpTransport, credentials: Credentials) -> None:
        self._transport = transport
        self._credentials = credentials
        self._turn = asyncio.Lock()
        self._attempts = 0
        self._token: str | None = None
        self._renew_at = float("-inf")
        self._failure: IntercomError | None = None
        self._distrust = 0.0
        self._login_after = float("-inf")

    @property
    def has_token(self) -> bool:
        """Whether there is a token, be it an old one."""
        return self._token is not None

    @property
    def attempts(self) -> int:
        """How many logins there were so far, refused ones included."""
        return self._attempts

    def forget(self) -> None:
        """Let the next request log in."""
        self._token = None

    async def token(self, since: int) -> str:
        """Return a token that is good for a while.

        Args:
            since: ``attempts`` when its user began to wait: a refusal since then is the user's as well.

        Raises:
            PersonRefused: User name or password are wrong.
            AppRefused: Client id or client secret are wrong.
            NotProvisioned: The server knows no MX for this user.
            ExchangeRefused: The MX refuses the user.
            ExchangeInsecure: The server talks to an MX with TLS only, and this one has none.
            ExchangeUnreachable: The server does not reach the MX.
            IntercomError: As ``HttpTransport.request``.
        """
        return await self.instead_of(None, since)

    async def instead_of(self, refused: str | None, since: int) -> str:
        """Return another token than one that was refused; ``since`` is that of ``token``.

        Raises:
            IntercomError: As ``token``.
        """
        async with self._turn:
            token = self._token
            if token is not None and token != refused and monotonic() < self._renew_at:
                return token
            if monotonic() < self._login_after:
                raise TokenNotTaken("the server refuses the tokens that it issues")
            if self._failure is not None and self._attempts > since:
                raise self._failure
            return await self._attempt()

    def distrust(self, path: str) -> TokenNotTaken:
        """Note that a request refused the token of a login just before, and return what that means.

        Several requests may hear that of one login: it counts once.
        """
        if monotonic() >= self._login_after:
            first, longest = DISTRUST
            self._distrust = min(max(first, 2 * self._distrust), longest)
            self._login_after = monotonic() + self._distrust
        return TokenNotTaken(f"{path} refuses the token of a login just before")

    def trust(self) -> None:
        """Note that a token was taken."""
        self._distrust, self._login_after = 0.0, float("-inf")

    async def log_in(self) -> None:
        """Log in now, unless a login is in progress.

        Raises:
            IntercomError: As ``token``.
        """
        await self.instead_of(self._token, self._attempts)

    async def _attempt(self) -> str:
        asked_at = monotonic()
        try:
            token, lifetime = await self._ask()
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

    async def _ask(self) -> tuple[str, float]:
        who = self._credentials
        if ":" in who.client_id:
            raise AppRefused("a client id cannot contain a colon (RFC 7617)")
        form = {"username": who.username, "password": who.password, "grant_type": "password"}
        request = Request(LOGIN.method, LOGIN.path, timeout=LOGIN_TIMEOUT, form=form)
        headers = {**_FORM, "Authorization": encode_basic_auth(who.client_id, who.client_secret)}
        content = result(LOGIN, await self._transport.request(request, headers=headers))
        token, lifetime = text(content.get("access_token")), integer(content.get("expires_in"))
        if token is None or not token.isascii() or not token.isprintable():
            raise UnexpectedReply(f"{LOGIN.path} answered without a token")
        return token, float("inf") if lifetime is None else max(lifetime, 0)
