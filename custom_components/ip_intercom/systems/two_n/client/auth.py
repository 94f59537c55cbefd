"""Authentication by service group: found by asking, remembered, in doubt only once (HTTP API 3)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from enum import StrEnum
import logging

from aiohttp import (
    ClientHandlerType,
    ClientMiddlewareType,
    ClientRequest,
    ClientResponse,
    DigestAuthMiddleware,
    encode_basic_auth,
)

from ...common.errors import AuthenticationFailed, FunctionRefused, IntercomError
from ...common.http import HttpTransport, Stream
from ...common.login import challenges
from ...common.messages import REQUEST_TIMEOUT, Reply, Request
from .endpoints import IO_CAPS, LOG_CAPS, PHONE_STATUS, SWITCH_CAPS, SYSTEM_CAPS, Endpoint, Service
from .envelope import WRONG_SCHEME, error_code

_LOGGER = logging.getLogger(__name__)

# Harmless functions of different services that show whether a login is right.
_WITNESSES = (LOG_CAPS, SWITCH_CAPS, SYSTEM_CAPS, IO_CAPS, PHONE_STATUS)
# The device does not know the account (HTTP API 2.3).
_NO_ACCOUNT = 9


class Scheme(StrEnum):
    """How a service group wants to be authenticated."""

    DIGEST = "Digest"
    BASIC = "Basic"


class _Doubt:
    """Whether user name and password are in doubt, as the requests in flight find out.

    ``refusals`` counts how often they were refused for good. A caller that saw it grow while waiting for a
    turn is refused without asking: a device locks out an address after a handful of wrong attempts.
    """

    def __init__(self) -> None:
        self.refusals = 0
        self.turn = asyncio.Lock()


class _RefusedAMomentAgo(AuthenticationFailed):
    """Another request was refused meanwhile, and this one was not sent again."""


class _RetryInTurn:
    """Sends a request that was refused a second time only when no other one is being tried."""

    def __init__(self, doubt: _Doubt) -> None:
        self._doubt = doubt
        self._refusals = doubt.refusals
        self._refused = False

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        if not self._refused:
            response = await handler(request)
            self._refused = response.status == 401 and "Authorization" in request.headers
            return response
        async with self._doubt.turn:
            if self._doubt.refusals != self._refusals:
                raise _RefusedAMomentAgo("refused a moment ago")
            response = await handler(request)
            self._doubt.refusals += response.status == 401
            return response


class Authentication:
    """Sends requests with the account in the scheme that their service group wants.

    Each group may ask for no, Basic or Digest authentication. Its scheme is found by its first
    request. There is one Digest instance, so a warm request is answered at once; a stale nonce is
    renewed by it once.

    Args:
        transport: The connection to the device.
        username: Account of *Services / HTTP API*; empty where the device asks for none.
        password: Its password.
    """

    def __init__(self, transport: HttpTransport, username: str, password: str) -> None:
        if ":" in username:
            raise AuthenticationFailed("a user name cannot contain a colon (RFC 7617)")
        self._transport = transport
        self._account = (username, password)
        self._digest = DigestAuthMiddleware(username, password) if username else None
        self._basic = encode_basic_auth(username, password, "utf-8") if username else None
        self._schemes: dict[Service, Scheme] = {}
        self._challenged = False
        self._doubt = _Doubt()
        self._first = asyncio.Lock()
        # Whether the login is right as far as is known, and after how many refusals that was looked into last.
        self._right = True
        self._examined = 0
        self._examining = asyncio.Lock()
        # Paths that refuse the login while others take it.
        self._refusing: set[str] = set()

    async def send(self, endpoint: Endpoint, request: Request) -> Reply:
        """Send a request in the scheme its service group wants, finding that out where it is unknown.

        Raises:
            AuthenticationFailed: User name or password are wrong.
            FunctionRefused: This function alone does not take them.
            IntercomError: As ``HttpTransport.request``.
        """
        try:
            return await self._send(endpoint, request)
        except _RefusedAMomentAgo:
            if not await self._is_right(endpoint):
                raise
            return await self._send(endpoint, request)

    async def _send(self, endpoint: Endpoint, request: Request) -> Reply:
        if request.timeout <= REQUEST_TIMEOUT and self._is_first(endpoint):
            # The first challenge is met alone: in parallel, each request would be refused once.
            refusals = self._doubt.refusals
            async with self._first:
                if self._doubt.refusals != refusals:
                    raise _RefusedAMomentAgo(f"{endpoint.path}: refused a moment ago")
                if self._is_first(endpoint):
                    return await self._negotiate(endpoint, request)
        return await self._negotiate(endpoint, request)

    @asynccontextmanager
    async def stream(
        self,
        endpoint: Endpoint,
        request: Request,
        wanted: Callable[[Stream], Awaitable[bool]],
        opening: AbstractAsyncContextManager[object],
    ) -> AsyncIterator[Stream | Reply]:
        """Open an answer that is not held; yields the whole answer where it is not what is ``wanted``.

        Args:
            endpoint: What is asked.
            request: How.
            wanted: Tells whether an answer is to be handed over unread.
            opening: Entered again for each attempt, until its response begins.

        Raises:
            AuthenticationFailed: User name or password are wrong.
            FunctionRefused: This function alone does not take them.
            IntercomError: As ``HttpTransport.stream``.
        """
        scheme = self._schemes.get(endpoint.service, Scheme.DIGEST)
        reply: Reply | None = None
        for attempt in (scheme, _OTHER[scheme]):
            headers, middlewares = self._credentials(attempt)
            async with AsyncExitStack() as stack:
                async with opening:
                    stream = await stack.enter_async_context(
                        self._transport.stream(request, headers=headers, middlewares=middlewares)
                    )
                if stream.status == 200 and await wanted(stream):
                    self._schemes[endpoint.service] = attempt
                    yield stream
                    return
                reply = await stream.reply()
            if self._digest is None or _wanted_scheme(reply, attempt) is None:
                break
        assert reply is not None
        if reply.status == 401:
            raise await self._refusal(endpoint, reply)
        yield reply

    def _is_first(self, endpoint: Endpoint) -> bool:
        return not (self._digest is None or self._challenged or endpoint.anonymous or endpoint.service in self._schemes)

    async def _negotiate(self, endpoint: Endpoint, request: Request) -> Reply:
        scheme = self._schemes.get(endpoint.service, Scheme.DIGEST)
        reply = await self._attempt(request, scheme)
        if self._digest is not None and (other := _wanted_scheme(reply, scheme)) is not None:
            scheme = other
            reply = await self._attempt(request, scheme)
        if reply.status == 401:
            raise await self._refusal(endpoint, reply)
        if reply.authorization or self._digest is None:
            self._right = True
        self._refusing.discard(endpoint.path)
        if not endpoint.anonymous and error_code(reply) != WRONG_SCHEME:
            self._schemes[endpoint.service] = scheme
            self._challenged = self._challenged or reply.authorization.startswith(Scheme.DIGEST)
        return reply

    async def _refusal(self, endpoint: Endpoint, reply: Reply) -> IntercomError:
        """Return what a refusal means: where another function takes the login, it is right."""
        self._doubt.refusals += 1
        # Without an account, a service that asks for one needs it, even where others are open.
        wants_account = endpoint.anonymous or (self._digest is None and challenges(reply.challenge))
        if not wants_account and await self._is_right(endpoint):
            self._refusing.add(endpoint.path)
            return FunctionRefused(endpoint.path)
        self._begin_anew()
        return AuthenticationFailed(f"{endpoint.path} refused the user name or password")

    async def _is_right(self, refusing: Endpoint) -> bool:
        """Return whether the login is right though a function refuses it; looked into once for all that wait."""
        refusals = self._doubt.refusals
        async with self._examining:
            # A wrong one is not shown to others as well: each time adds to those that lock it.
            if self._right and self._examined < refusals:
                self._examined = self._doubt.refusals
                self._right = await self._takes_login(refusing)
            return self._right

    async def _takes_login(self, refusing: Endpoint) -> bool:
        for witness in _WITNESSES:
            if witness.path == refusing.path or witness.path in self._refusing:
                continue
            scheme = self._schemes.get(witness.service, Scheme.DIGEST)
            headers, middlewares = self._credentials(scheme)
            if scheme is Scheme.DIGEST and middlewares:
                # Without a nonce, it logs in only if it is asked to: an open service proves nothing.
                middlewares = (DigestAuthMiddleware(*self._account),)
            try:
                reply = await self._transport.request(
                    Request(witness.method, witness.path), headers=headers, middlewares=middlewares
                )
            except IntercomError as err:
                _LOGGER.debug("%s could not verify the login: %s", witness.path, err)
                continue
            if self._digest is not None and _wanted_scheme(reply, scheme) is not None:
                continue
            if reply.status == 401:
                return False
            asked = bool(reply.authorization) or self._digest is None
            if asked and reply.status == 200 and error_code(reply) != _NO_ACCOUNT:
                return True
        return False

    async def _attempt(self, request: Request, scheme: Scheme) -> Reply:
        headers, middlewares = self._credentials(scheme)
        if request.timeout <= REQUEST_TIMEOUT:  # a long poll would keep the others from their turn
            middlewares = (*middlewares, _RetryInTurn(self._doubt))
        reply = await self._transport.request(request, headers=headers, middlewares=middlewares)
        _LOGGER.debug("%s %s: %s %s", request.method, request.path, reply.status, reply.content_type)
        return reply

    def _begin_anew(self) -> None:
        """Forget what was negotiated: with wrong credentials, a known nonce only adds a wrong attempt."""
        self._schemes.clear()
        self._refusing.clear()
        self._challenged = False
        if self._digest is not None:
            self._digest = DigestAuthMiddleware(*self._account)

    def _credentials(self, scheme: Scheme) -> tuple[dict[str, str], tuple[ClientMiddlewareType, ...]]:
        if self._digest is None or self._basic is None:
            return {}, ()
        if scheme is Scheme.BASIC:
            return {"Authorization": self._basic}, ()
        return {}, (self._digest,)


_OTHER = {Scheme.DIGEST: Scheme.BASIC, Scheme.BASIC: Scheme.DIGEST}


def _wanted_scheme(reply: Reply, used: Scheme) -> Scheme | None:
    """Return the scheme to try next, None when the one used was right or nothing else is left.

    A wrong scheme is answered by a challenge for the right one, or, as on firmware in the field,
    by HTTP 200 with error 8 and no challenge at all.
    """
    other = _OTHER[used]
    if reply.status == 401:
        return other if reply.challenge.lower().startswith(other.lower()) else None
    return other if error_code(reply) == WRONG_SCHEME else None
