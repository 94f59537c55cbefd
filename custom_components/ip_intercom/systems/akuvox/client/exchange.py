"""One request to an Akuvox and its answer: paced, logged in, and careful with a device that is fragile."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from http import HTTPStatus
import logging

from aiohttp import ClientHandlerType, ClientMiddlewareType, ClientRequest, ClientResponse

from ...common.address import own_address
from ...common.errors import (
    AddressRefused,
    ConnectionFailed,
    FunctionRefused,
    IntercomError,
    LoginRefused,
    NoSuchPath,
    SecureConnectionRequired,
    UnexpectedReply,
)
from ...common.http import HttpTransport, Stream
from ...common.login import Login
from ...common.messages import Reply, Request, overload
from .endpoints import GET, SYSTEM_INFO, SYSTEM_STATUS, Endpoint

_LOGGER = logging.getLogger(__name__)

# Seconds from the begin of a request to the begin of the next: newer models answer 401 to more than ten a second.
PACE = 0.11
# Seconds that a fragile device needs from its answer to the next request: an E18 mixes replies that come closer.
GAP = 0.3
# Seconds after which a refusal that may be a throttle's is put to the test.
SECOND_TRY = 1.1
# How many answers must be clean before a connection is kept: some devices reset it at the next request.
CLOSED_AT_FIRST = 2
# As the device's page names it.
SERVICE = "HTTP API"

_CLOSE = {"Connection": "close"}

type Attempt = Callable[[dict[str, str]], Awaitable[Reply]]


class Pace:
    """A middleware that keeps a distance between the requests to one device."""

    def __init__(self) -> None:
        self.fragile = False
        self._begun = self._ended = float("-inf")

    def end(self) -> None:
        """Note that an answer is read to its end."""
        self._ended = asyncio.get_running_loop().time()

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Send a request when it is time for it."""
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
    """Sends the requests of one client, each in its turn.

    Args:
        transport: The connection to the device.
        username: Account; empty where the device asks for none.
        password: Its password.
    """

    def __init__(self, transport: HttpTransport, username: str, password: str) -> None:
        self.transport = transport
        self._login = Login(username, password)
        self._pace = Pace()
        self._succeeded = False
        # Paths that refuse the login while others take it.
        self._refusing: set[str] = set()
        self._clean = 0

    @property
    def fragile(self) -> bool:
        """Whether the device was seen to spoil an answer or a connection."""
        return self._pace.fragile

    def note_answer(self, *, clean: bool) -> None:
        """Learn from an answer what the device can bear."""
        if clean:
            self._clean += 1
        elif not self._pace.fragile:
            _LOGGER.debug(
                "%s drops connections: using one connection for each request from now on", self.transport.base.host
            )
            self._pace.fragile = True

    async def send(self, request: Request) -> Reply:
        """Send a request and return an answer with HTTP status 200.

        Raises:
            LoginRefused: The device asks for a login and does not take this one.
            FunctionRefused: This function alone does not take it.
            AddressRefused: The device rejects requests from this address.
            NoSuchPath: It has no such path.
            Overloaded: It cannot do this now.
            Throttled: It gets too many requests.
            SecureConnectionRequired: It answers over HTTPS only.
            IntercomError: As ``HttpTransport.request``.
        """
        return await self._logged_in(request, self._attempt_of(request))

    def _attempt_of(self, request: Request) -> Attempt:
        # aiohttp would repeat some by itself, and hide that a connection was reset.
        once = replace(request, repeatable=False)

        async def attempt(headers: dict[str, str]) -> Reply:
            return await self.transport.request(once, headers=headers, middlewares=self._middlewares)

        return attempt

    @asynccontextmanager
    async def stream(
        self, request: Request, wanted: Callable[[Stream], Awaitable[bool]]
    ) -> AsyncIterator[Stream | Reply]:
        """Open an answer that is not held; yields the whole answer where it is not what is ``wanted``.

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

            reply = await self._logged_in(request, attempt)
            try:
                yield opened[0] if opened else reply
            finally:
                self._pace.end()

    @property
    def _middlewares(self) -> tuple[ClientMiddlewareType, ...]:
        return (self._login, self._pace)

    async def _logged_in(self, request: Request, attempt: Attempt) -> Reply:
        """Make an attempt, and others as long as a refusal can be answered."""
        answered = waited = False
        while (reply := await self._connected(request, attempt)).status == HTTPStatus.UNAUTHORIZED:
            if self._login.take(reply.challenge, reply.authorization) and not answered:
                answered = True
            elif (self._succeeded or not reply.challenge) and not waited and request.path not in self._refusing:
                # A throttle looks like a wrong password, and so do nonces that the device has just forgotten.
                waited = True
                await asyncio.sleep(SECOND_TRY)
            else:
                raise await self._refusal(request.path) or LoginRefused(f"{request.path} refused the login")
        if reply.status == HTTPStatus.FORBIDDEN:
            raise await self._refusal(request.path) or AddressRefused(await self._own_address())
        _raise_for_status(request.path, reply)
        self._succeeded = True
        self._refusing.discard(request.path)
        return reply

    async def _refusal(self, path: str) -> FunctionRefused | None:
        """Return that a function alone refuses, where another one takes the login; None where nothing shows that."""
        if path in self._refusing:
            return FunctionRefused(path)
        # With a login that was never taken, or was refused before, another try adds to those that lock it.
        if self._succeeded and await self._takes_login(SYSTEM_STATUS if path == SYSTEM_INFO.path else SYSTEM_INFO):
            self._refusing.add(path)
            return FunctionRefused(path)
        self._succeeded = False
        self._refusing.clear()
        return None

    async def _takes_login(self, endpoint: Endpoint) -> bool:
        request = Request(GET, endpoint.path, timeout=endpoint.timeout)
        try:
            reply = await self._connected(request, self._attempt_of(request))
        except IntercomError as err:
            _LOGGER.debug("%s could not verify the login: %s", endpoint.path, err)
            return False
        return reply.status == HTTPStatus.OK

    async def _connected(self, request: Request, attempt: Attempt) -> Reply:
        """Make an attempt, and another one where the device has only dropped a connection that was kept."""
        close = self.fragile or self._clean < CLOSED_AT_FIRST
        try:
            reply = await attempt(_CLOSE if close else {})
        except ConnectionFailed as err:
            self._clean = 0
            if close or not request.repeatable or type(err) is not ConnectionFailed:
                raise
            reply = await attempt(_CLOSE)
            # It was there all the time.
            self.note_answer(clean=False)
        finally:
            self._pace.end()
        _LOGGER.debug("%s %s: %s %s", request.method, request.path, reply.status, reply.content_type)
        return reply

    async def _own_address(self) -> str:
        base = self.transport.base
        assert base.host is not None
        assert base.port is not None
        return await own_address(base.host, base.port)


def _raise_for_status(path: str, reply: Reply) -> None:
    status = reply.status
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        if reply.location.startswith("https:"):
            raise SecureConnectionRequired(SERVICE)
        raise UnexpectedReply(f"{path} is not there any more: {status}")
    if status == HTTPStatus.NOT_FOUND:
        raise NoSuchPath(f"{path}: {status}")
    if (busy := overload(path, reply)) is not None:
        raise busy
    if status != HTTPStatus.OK:
        raise UnexpectedReply(f"{path} answered {status}")
