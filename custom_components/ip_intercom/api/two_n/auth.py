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

from ..errors import AuthenticationFailed
from ..http import REQUEST_TIMEOUT, HttpTransport, Reply, Request, Stream
from .endpoints import Endpoint, Service
from .envelope import WRONG_SCHEME, error_code

_LOGGER = logging.getLogger(__name__)


class Scheme(StrEnum):
    """How a service group wants to be authenticated."""

    DIGEST = "Digest"
    BASIC = "Basic"


class _Doubt:
    """Whether user name and password are in doubt, as the requests in flight find out.

    ``refusals`` counts how often they were refused for good. Whoever saw it grow while waiting for a
    turn is refused without asking: a device locks out an address after a handful of wrong attempts.
    """

    def __init__(self) -> None:
        self.refusals = 0
        self.turn = asyncio.Lock()


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
                raise AuthenticationFailed("refused a moment ago")
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
        """See the class."""
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

    async def send(self, endpoint: Endpoint, request: Request) -> Reply:
        """Send a request in the scheme its service group wants, finding that out where it is unknown.

        Raises:
            AuthenticationFailed: User name or password are wrong.
            IntercomError: As ``HttpTransport.request``.
        """
        if request.timeout <= REQUEST_TIMEOUT and self._is_first(endpoint):
            # The first challenge is met alone: in parallel, each request would be refused once.
            refusals = self._doubt.refusals
            async with self._first:
                if self._doubt.refusals != refusals:
                    raise AuthenticationFailed(f"{endpoint.path}: refused a moment ago")
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
            opening: Entered anew for each attempt, until its answer begins.

        Raises:
            AuthenticationFailed: User name or password are wrong.
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
            raise AuthenticationFailed(f"{endpoint.path} refused the user name or password")
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
            self._begin_anew()
            raise AuthenticationFailed(f"{endpoint.path} refused the user name or password")
        if not endpoint.anonymous and error_code(reply) != WRONG_SCHEME:
            self._schemes[endpoint.service] = scheme
            self._challenged = self._challenged or reply.authorization.startswith(Scheme.DIGEST)
        return reply

    async def _attempt(self, request: Request, scheme: Scheme) -> Reply:
        headers, middlewares = self._credentials(scheme)
        if request.timeout <= REQUEST_TIMEOUT:  # a long poll would keep the others from their turn
            middlewares = (*middlewares, _RetryInTurn(self._doubt))
        reply = await self._transport.request(request, headers=headers, middlewares=middlewares)
        _LOGGER.debug("%s %s: %s %s", request.method, request.path, reply.status, reply.content_type)
        return reply

    def _begin_anew(self) -> None:
        """Forget what was negotiated: with wrong credentials, a known nonce only adds a wrong attempt."""
        self._doubt.refusals += 1
        self._schemes.clear()
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
