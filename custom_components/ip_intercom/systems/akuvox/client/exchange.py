"""Requests to an Akuvox: pacing, login, and protection of fragile devices."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from http import HTTPStatus
import logging
from urllib.parse import urlsplit

from aiohttp import ClientHandlerType, ClientMiddlewareType, ClientRequest, ClientResponse
from yarl import URL

from ...common.discovery import own_address
from ...common.errors import (
    AddressRefused,
    ConnectionFailed,
    FunctionRefused,
    IntercomError,
    LoginRefused,
    NoSuchPath,
    Redirected,
    SecureConnectionRequired,
    UnexpectedReply,
)
from ...common.http import HttpTransport, Stream
from ...common.login import Login
from ...common.messages import Reply, Request, overload
from .protocol import GET, SYSTEM_INFO, SYSTEM_STATUS, Endpoint, rejection

_LOGGER = logging.getLogger(__name__)

# Seconds between the starts of two requests: newer models answer more than ten per second with 401.
PACE = 0.11
# Seconds between a response and the next request to a fragile device: an E18 mixes replies of closer requests.
GAP = 0.3
# Seconds after which a 401 that may come from throttling is retried.
SECOND_TRY = 1.1
# Number of clean responses before connections are kept open: some devices reset them at the next request.
CLOSED_AT_FIRST = 2
# Name of the service on the device's page.
SERVICE = "HTTP API"

_CLOSE = {"Connection": "close"}

type Attempt = Callable[[dict[str, str]], Awaitable[Reply]]


class Pace:
    """Middleware that paces the requests to one device."""

    def __init__(self) -> None:
        self.fragile = False
        self._begun = self._ended = float("-inf")

    def end(self) -> None:
        """Record that a response was read to its end."""
        self._ended = asyncio.get_running_loop().time()

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Send a request after the required pause."""
        now = asyncio.get_running_loop().time()
        next_at = max(self._begun + PACE, self._ended + GAP if self.fragile else now)
        if next_at > now:
            await asyncio.sleep(next_at - now)
        self._begun = asyncio.get_running_loop().time()
        try:
            return await handler(request)
        finally:
            self.end()


class Exchange:
    """Sends the requests of one client with its login."""

    def __init__(self, transport: HttpTransport, login: Login) -> None:
        self.transport = transport
        self._login = login
        self._pace = Pace()
        self._succeeded = False
        # Paths that reject the credentials although others accept them.
        self._rejecting_paths: set[str] = set()
        self._clean = 0

    @property
    def fragile(self) -> bool:
        """Whether the device has corrupted a reply or dropped a connection."""
        return self._pace.fragile

    def record_response(self, *, clean: bool) -> None:
        """Record whether a response was clean; one that was not makes the device fragile."""
        if clean:
            self._clean += 1
        elif not self._pace.fragile:
            _LOGGER.debug(
                "%s drops connections: using one connection for each request from now on", self.transport.base.host
            )
            self._pace.fragile = True

    async def send(self, request: Request) -> Reply:
        """Send a request and return a response with HTTP status 200.

        Raises:
            LoginRefused: The device requires a login and rejects this one.
            FunctionRefused: Only this function rejects the login.
            AddressRefused: The device rejects requests from this address.
            NoSuchPath: The path does not exist.
            Overloaded: The device is temporarily unable to respond.
            Throttled: The device gets too many requests.
            SecureConnectionRequired: The device requires HTTPS.
            IntercomError: As ``HttpTransport.request``.
        """
        return await self._send_with_login(request, self._attempt_of(request))

    def _attempt_of(self, request: Request) -> Attempt:
        # aiohttp would repeat some requests itself and hide that the connection was reset.
        once = replace(request, repeatable=False)

        async def attempt(headers: dict[str, str]) -> Reply:
            return await self.transport.request(once, headers=headers, middlewares=self._middlewares)

        return attempt

    @asynccontextmanager
    async def stream(
        self, request: Request, wanted: Callable[[Stream], Awaitable[bool]]
    ) -> AsyncIterator[Stream | Reply]:
        """Open a streamed response; yield the complete reply if the response is not the ``wanted`` one.

        Raises:
            IntercomError: As ``send``.
        """
        opened: list[Stream] = []
        async with AsyncExitStack() as stack:

            async def attempt(headers: dict[str, str]) -> Reply:
                stream = await stack.enter_async_context(
                    self.transport.stream(request, headers=headers, middlewares=self._middlewares)
                )
                if stream.status != HTTPStatus.OK or not await wanted(stream):
                    return await stream.reply()
                opened.append(stream)
                return Reply(stream.status, stream.content_type, b"", "", "")

            reply = await self._send_with_login(request, attempt)
            try:
                yield opened[0] if opened else reply
            finally:
                self._pace.end()

    @property
    def _middlewares(self) -> tuple[ClientMiddlewareType, ...]:
        return (self._login, self._pace)

    async def _send_with_login(self, request: Request, attempt: Attempt) -> Reply:
        """Make an attempt, and more as long as a 401 can be resolved."""
        answered = waited = False
        while (reply := await self._send_attempt(request, attempt)).status == HTTPStatus.UNAUTHORIZED:
            if (err := rejection(request.path, reply.body)) is not None:
                raise err
            if self._login.take(reply.challenge, reply.authorization) and not answered:
                answered = True
            elif (self._succeeded or not reply.challenge) and not waited and request.path not in self._rejecting_paths:
                # Throttling and expired nonces look like a wrong password.
                waited = True
                await asyncio.sleep(SECOND_TRY)
            else:
                raise await self._rejection(request.path) or LoginRefused(f"{request.path} rejected the login")
        if reply.status == HTTPStatus.FORBIDDEN:
            err = rejection(request.path, reply.body) or await self._rejection(request.path)
            raise err or AddressRefused(await self._own_address())
        _raise_for_status(request.path, reply, self.transport.base)
        self._succeeded = True
        self._rejecting_paths.discard(request.path)
        return reply

    async def _rejection(self, path: str) -> FunctionRefused | None:
        """Return an error if only this function rejects the login, None if the login itself may be wrong."""
        if path in self._rejecting_paths:
            return FunctionRefused(path)
        # Each further attempt with a login that never worked, or was rejected before, counts toward the lockout.
        if self._succeeded and await self._accepts_login(SYSTEM_STATUS if path == SYSTEM_INFO.path else SYSTEM_INFO):
            self._rejecting_paths.add(path)
            return FunctionRefused(path)
        self._succeeded = False
        self._rejecting_paths.clear()
        return None

    async def _accepts_login(self, endpoint: Endpoint) -> bool:
        request = Request(GET, endpoint.path, timeout=endpoint.timeout)
        try:
            reply = await self._send_attempt(request, self._attempt_of(request))
        except IntercomError as err:
            _LOGGER.debug("%s could not verify the login: %s", endpoint.path, err)
            return False
        return reply.status == HTTPStatus.OK

    async def _send_attempt(self, request: Request, attempt: Attempt) -> Reply:
        """Make an attempt, and a second one if the device has dropped a kept connection."""
        close = self.fragile or self._clean < CLOSED_AT_FIRST
        try:
            reply = await attempt(_CLOSE if close else {})
        except ConnectionFailed as err:
            self._clean = 0
            if close or not request.repeatable or type(err) is not ConnectionFailed:
                raise
            reply = await attempt(_CLOSE)
            # The device was reachable all the time.
            self.record_response(clean=False)
        finally:
            self._pace.end()
        _LOGGER.debug("%s %s: %s %s", request.method, request.path, reply.status, reply.content_type)
        return reply

    async def _own_address(self) -> str:
        base = self.transport.base
        assert base.host is not None
        assert base.port is not None
        return await own_address(base.host, base.port)


def _raise_for_status(path: str, reply: Reply, base: URL) -> None:
    status = reply.status
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        if reply.location.startswith("https:"):
            # Another host is a portal on the way, which may be gone soon.
            is_own = base.scheme == "http" and urlsplit(reply.location).hostname == base.host
            raise SecureConnectionRequired(SERVICE) if is_own else Redirected(reply.location)
        raise UnexpectedReply(f"{path} no longer exists: {status}")
    if status == HTTPStatus.NOT_FOUND:
        raise NoSuchPath(f"{path}: {status}")
    if (busy := overload(path, reply)) is not None:
        raise busy
    if status != HTTPStatus.OK:
        raise UnexpectedReply(f"{path} returned {status}")
