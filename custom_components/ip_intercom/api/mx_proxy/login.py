"""Who logs in, and the token that comes of it (manual, the first section; RFC 6749, 4.3)."""

import asyncio
from dataclasses import dataclass, field
import logging

from aiohttp import encode_basic_auth

from ..errors import AppRefused, IntercomError, UnexpectedReply
from ..http import HttpTransport, Request
from ..parse import integer, text
from .endpoints import LOGIN
from .envelope import result

_LOGGER = logging.getLogger(__name__)

# Seconds: the proxy asks its provisioning server and connects to the MX meanwhile.
LOGIN_TIMEOUT = 30.0
# Seconds before its end at which a token is renewed; one that lives but shortly, after half of its life.
MARGIN = 60.0

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

    There is one login at a time; whoever waits for it takes what comes of it, also a refusal.

    Args:
        transport: The connection to the server.
        credentials: Who logs in.
    """

    def __init__(self, transport: HttpTransport, credentials: Credentials) -> None:
        """See the class."""
        self._transport = transport
        self._credentials = credentials
        self._turn = asyncio.Lock()
        self._attempts = 0
        self._token: str | None = None
        self._renew_at = float("-inf")
        self._failure: IntercomError | None = None

    @property
    def has_token(self) -> bool:
        """Whether there is a token, be it an old one."""
        return self._token is not None

    def forget(self) -> None:
        """Let the next request log in."""
        self._token = None

    async def token(self) -> str:
        """Return a token that is good for a while.

        Raises:
            LoginRefused: User name or password are wrong.
            AppRefused: Client id or client secret are wrong.
            NotProvisioned: The server knows no MX for this user.
            ExchangeRefused: The MX refuses the user.
            ExchangeInsecure: The server talks to an MX with TLS only, and this one has none.
            ExchangeUnreachable: The server does not reach the MX.
            IntercomError: As ``HttpTransport.request``.
        """
        if self._token is None or asyncio.get_running_loop().time() >= self._renew_at:
            return await self.log_in()
        return self._token

    async def instead_of(self, refused: str) -> str:
        """Return another token than one that was refused.

        Raises:
            IntercomError: As ``token``.
        """
        return await self.log_in() if self._token in {None, refused} else await self.token()

    async def log_in(self) -> str:
        """Log in, unless somebody does so already, and return the token.

        Raises:
            IntercomError: As ``token``.
        """
        before = self._attempts
        async with self._turn:
            if self._attempts == before:
                return await self._attempt()
        if self._failure is not None:
            raise self._failure
        return self._token or await self.log_in()

    async def _attempt(self) -> str:
        asked_at = asyncio.get_running_loop().time()
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
        _LOGGER.debug("%s gave a token for %g s", self._transport.base.host, lifetime)
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
