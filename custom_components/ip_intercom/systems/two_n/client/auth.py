"""Authentication per service group: the scheme is negotiated once and cached (HTTP API 3)."""

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
from .protocol import (
    IO_CAPS,
    LOG_CAPS,
    PHONE_STATUS,
    SWITCH_CAPS,
    SYSTEM_CAPS,
    WRONG_SCHEME,
    Endpoint,
    Service,
    error_code,
)

_LOGGER = logging.getLogger(__name__)

# Endpoints without side effects, of different services, that verify the credentials.
_CHECK_ENDPOINTS = (LOG_CAPS, SWITCH_CAPS, SYSTEM_CAPS, IO_CAPS, PHONE_STATUS)
# Error code for an unknown account (HTTP API 2.3).
_NO_ACCOUNT = 9


class Scheme(StrEnum):
    """Authentication scheme of a service group."""

    DIGEST = "Digest"
    BASIC = "Basic"


class _Rejections:
    """Rejections of the credentials, shared by the requests in flight.

    ``count`` is the number of final rejections. A request that sees the count grow while it waits for its turn fails
    without being sent: a device locks out an address after a few wrong attempts.
    """

    def __init__(self) -> None:
        self.count = 0
        self.lock = asyncio.Lock()


class _Turns:
    """Lets requests run in parallel, or one of them alone: a device may know only one nonce at a time."""

    def __init__(self) -> None:
        self._entrance = asyncio.Lock()
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @asynccontextmanager
    async def parallel(self) -> AsyncIterator[None]:
        """Run beside other requests, unless one runs alone."""
        async with self._entrance:
            self._running += 1
            self._idle.clear()
        try:
            yield
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Run after the requests in progress, and before all later ones."""
        async with self._entrance:
            await self._idle.wait()
            yield


class _RecentlyRejected(AuthenticationFailed):
    """Another request was rejected in the meantime; this one was not sent again."""


class _SerializedRetry:
    """Serializes the second attempts of requests that were rejected once."""

    def __init__(self, rejections: _Rejections) -> None:
        self._rejections = rejections
        self._rejection_count = rejections.count
        self._rejected = False

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        if not self._rejected:
            response = await handler(request)
            self._rejected = response.status == 401 and "Authorization" in request.headers
            return response
        async with self._rejections.lock:
            if self._rejections.count != self._rejection_count:
                raise _RecentlyRejected("rejected a moment ago")
            response = await handler(request)
            self._rejections.count += response.status == 401
            return response


class Authentication:
    """Sends requests with the account, in the scheme of their service group.

    Each group uses no, Basic or Digest authentication; its first request finds out which. All groups share one
    Digest instance, so a warm request is accepted at once; the instance renews a stale nonce once.

    Args:
        username: Account of *Services / HTTP API*; empty if the device requires none.
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
        self._rejections = _Rejections()
        self._turns = _Turns()
        self._first_challenge = asyncio.Lock()
        # Whether the credentials are valid as far as known, and the number of rejections at the last check.
        self._valid = True
        self._checked_count = 0
        self._check_lock = asyncio.Lock()
        # Paths that reject the credentials although others accept them.
        self._rejecting_paths: set[str] = set()

    async def send(self, endpoint: Endpoint, request: Request) -> Reply:
        """Send a request in the scheme of its service group; negotiate the scheme if it is unknown.

        Raises:
            AuthenticationFailed: User name or password is wrong.
            FunctionRefused: Only this function rejects the credentials.
            IntercomError: As ``HttpTransport.request``.
        """
        try:
            return await self._send(endpoint, request)
        except _RecentlyRejected:
            if not await self._is_valid(endpoint):
                raise
            return await self._negotiate(endpoint, request, alone=True)

    async def _send(self, endpoint: Endpoint, request: Request) -> Reply:
        if request.timeout <= REQUEST_TIMEOUT and self._is_first(endpoint):
            # The first challenge is handled alone: parallel requests would each be rejected once.
            count = self._rejections.count
            async with self._first_challenge:
                if self._rejections.count != count:
                    raise _RecentlyRejected(f"{endpoint.path}: rejected a moment ago")
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
        """Open a streamed response; yield the complete reply if the response is not the ``wanted`` one.

        Args:
            wanted: Returns whether to yield the response unread.
            opening: Context that is entered for each attempt until its response begins.

        Raises:
            AuthenticationFailed: User name or password is wrong.
            FunctionRefused: Only this function rejects the credentials.
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
            rejection = await self._rejection(endpoint, reply)
            if isinstance(rejection, FunctionRefused):
                self._rejecting_paths.add(endpoint.path)
            raise rejection
        yield reply

    def _is_first(self, endpoint: Endpoint) -> bool:
        return not (self._digest is None or self._challenged or endpoint.anonymous or endpoint.service in self._schemes)

    async def _negotiate(self, endpoint: Endpoint, request: Request, *, alone: bool = False) -> Reply:
        attempt = self._attempt_alone if alone else self._attempt
        scheme = self._schemes.get(endpoint.service, Scheme.DIGEST)
        reply = await attempt(request, scheme)
        if self._digest is not None and (other := _wanted_scheme(reply, scheme)) is not None:
            scheme = other
            reply = await attempt(request, scheme)
        if reply.status == 401:
            # Not an upload, whose body is sent, and not a path that was refused while no other request was in progress.
            may_repeat = (
                scheme is Scheme.DIGEST and request.upload is None and endpoint.path not in self._rejecting_paths
            )
            rejection = await self._rejection(endpoint, reply)
            if may_repeat and isinstance(rejection, FunctionRefused):
                reply = await self._attempt_alone(request, scheme)
            if reply.status == 401:
                if isinstance(rejection, FunctionRefused):
                    self._rejecting_paths.add(endpoint.path)
                raise rejection
        if reply.authorization or self._digest is None:
            self._valid = True
        self._rejecting_paths.discard(endpoint.path)
        if not endpoint.anonymous and error_code(reply) != WRONG_SCHEME:
            self._schemes[endpoint.service] = scheme
            self._challenged = self._challenged or reply.authorization.startswith(Scheme.DIGEST)
        return reply

    async def _rejection(self, endpoint: Endpoint, reply: Reply) -> IntercomError:
        """Return the error for a rejection; the credentials are valid if another function accepts them."""
        self._rejections.count += 1
        # Without an account, a service that sends a challenge requires one, even if others are open.
        wants_account = endpoint.anonymous or (self._digest is None and challenges(reply.challenge))
        if not wants_account and await self._is_valid(endpoint):
            return FunctionRefused(endpoint.path)
        self._reset()
        return AuthenticationFailed(f"{endpoint.path} rejected the user name or password")

    async def _is_valid(self, rejecting: Endpoint) -> bool:
        """Return whether the credentials are valid although a function rejects them; one check serves all callers."""
        count = self._rejections.count
        async with self._check_lock:
            # Wrong credentials are not sent to more endpoints: each attempt counts toward the lockout.
            if self._valid and self._checked_count < count:
                self._checked_count = self._rejections.count
                self._valid = await self._accepts_credentials(rejecting)
            return self._valid

    async def _accepts_credentials(self, rejecting: Endpoint) -> bool:
        for check in _CHECK_ENDPOINTS:
            if check.path == rejecting.path or check.path in self._rejecting_paths:
                continue
            scheme = self._schemes.get(check.service, Scheme.DIGEST)
            headers, middlewares = self._credentials(scheme)
            if scheme is Scheme.DIGEST and middlewares:
                # Without a nonce, credentials are sent only after a challenge: an open service proves nothing.
                middlewares = (DigestAuthMiddleware(*self._account),)
            try:
                async with self._turns.alone():
                    reply = await self._transport.request(
                        Request(check.method, check.path), headers=headers, middlewares=middlewares
                    )
            except IntercomError as err:
                _LOGGER.debug("%s could not verify the login: %s", check.path, err)
                continue
            if self._digest is not None and _wanted_scheme(reply, scheme) is not None:
                continue
            if reply.status == 401:
                return False
            authenticated = bool(reply.authorization) or self._digest is None
            if authenticated and reply.status == 200 and error_code(reply) != _NO_ACCOUNT:
                return True
        return False

    async def _attempt(self, request: Request, scheme: Scheme) -> Reply:
        if request.timeout > REQUEST_TIMEOUT:  # a long poll would block the other requests
            async with self._turns.parallel():
                pass
            return await self._request(request, scheme)
        async with self._turns.parallel():
            return await self._request(request, scheme, _SerializedRetry(self._rejections))

    async def _attempt_alone(self, request: Request, scheme: Scheme) -> Reply:
        """Send a request while no other is in progress: parallel ones may use up its nonce, or replace it."""
        async with self._turns.alone():
            if request.timeout <= REQUEST_TIMEOUT:
                return await self._request(request, scheme)
        return await self._request(request, scheme)

    async def _request(self, request: Request, scheme: Scheme, *more: ClientMiddlewareType) -> Reply:
        headers, middlewares = self._credentials(scheme)
        reply = await self._transport.request(request, headers=headers, middlewares=(*middlewares, *more))
        _LOGGER.debug("%s %s: %s %s", request.method, request.path, reply.status, reply.content_type)
        return reply

    def _reset(self) -> None:
        """Discard the negotiated state: with wrong credentials, a cached nonce only adds a wrong attempt."""
        self._schemes.clear()
        self._rejecting_paths.clear()
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
    """Return the scheme to try next, None if the used one was right or none is left.

    The device answers a wrong scheme with a challenge for the right one or, on some firmware in the field,
    with HTTP 200, error 8 and no challenge.
    """
    other = _OTHER[used]
    if reply.status == 401:
        return other if reply.challenge.lower().startswith(other.lower()) else None
    return other if error_code(reply) == WRONG_SCHEME else None
