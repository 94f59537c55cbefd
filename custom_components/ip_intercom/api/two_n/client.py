"""One 2N device: requests in its envelope, its authentication, its errors (HTTP API 2 and 3)."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from enum import StrEnum
import json
import logging
from typing import NoReturn

from aiohttp import (
    ClientHandlerType,
    ClientMiddlewareType,
    ClientRequest,
    ClientResponse,
    DigestAuthMiddleware,
    encode_basic_auth,
)

from ..errors import (
    AuthenticationFailed,
    CommandFailed,
    IntercomError,
    InvalidRequest,
    NotSupported,
    PermissionDenied,
    SecureConnectionRequired,
    ServiceDisabled,
    UnexpectedReply,
)
from ..http import MAX_JSON, REQUEST_TIMEOUT, HttpTransport, Reply, Stream
from ..parse import Fields, fields, integer, text
from .endpoints import Endpoint, Service

_LOGGER = logging.getLogger(__name__)

# The device runs the door: no more than this many requests at a time, the log pull aside.
CONCURRENT_REQUESTS = 4

JSON_TYPES = frozenset({"application/json", "text/json", "text/plain"})

_NOT_SUPPORTED = frozenset({1, 2, 3})
_INVALID = frozenset({11, 12, 13, 17})
_WRONG_SCHEME = 8


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


class TwoNClient:
    """Requests to one 2N device.

    Each service group may ask for no, Basic or Digest authentication (HTTP API 3). The scheme of
    a group is found by its first request and remembered. There is one Digest instance for the
    life of the client, so a warm request is answered at once; a stale nonce is renewed by it once.

    Args:
        transport: The connection to the device.
        username: Account of *Services / HTTP API*; empty where the device asks for none.
        password: Its password.
    """

    def __init__(self, transport: HttpTransport, username: str = "", password: str = "") -> None:
        """See the class."""
        self.transport = transport
        if ":" in username:
            raise AuthenticationFailed("a user name cannot contain a colon (RFC 7617)")
        self._account = (username, password)
        self._digest = DigestAuthMiddleware(username, password) if username else None
        self._basic = encode_basic_auth(username, password, "utf-8") if username else None
        self._schemes: dict[Service, Scheme] = {}
        self._challenged = False
        self._doubt = _Doubt()
        self._first = asyncio.Lock()
        self._slots = asyncio.Semaphore(CONCURRENT_REQUESTS)

    async def call(
        self,
        endpoint: Endpoint,
        params: Mapping[str, str] | None = None,
        *,
        body: Mapping[str, object] | None = None,
        wait: float | None = None,
    ) -> Fields | list[object]:
        """Send one request and return the ``result`` of the answer.

        Args:
            endpoint: What to ask.
            params: Query parameters.
            body: JSON body.
            wait: Seconds that the device may hold back its answer; such a request takes no slot.

        Raises:
            IntercomError: One of its kinds, by the device's error code (HTTP API 2.3).
        """
        if wait is not None:
            return _result(endpoint, await self._negotiate(endpoint, params, body, REQUEST_TIMEOUT + wait, MAX_JSON))
        async with self._slots:
            return _result(endpoint, await self._negotiate(endpoint, params, body, REQUEST_TIMEOUT, MAX_JSON))

    async def permits(self, endpoint: Endpoint) -> bool:
        """Return whether the account may use a command, by asking for it without its parameters.

        The device checks the account before the parameters, and a command without its mandatory
        parameters does nothing (HTTP API 2.3, codes 10 and 11).
        """
        try:
            await self.call(endpoint)
        except InvalidRequest, CommandFailed:
            return True
        except PermissionDenied, ServiceDisabled, SecureConnectionRequired, NotSupported:
            return False
        return True

    async def fetch(self, endpoint: Endpoint, params: Mapping[str, str], *, max_bytes: int) -> Reply:
        """Send one request and return an answer that is not JSON, such as an image.

        Raises:
            IntercomError: As ``call``; also where the device answers JSON without an error.
        """
        async with self._slots:
            reply = await self._negotiate(endpoint, params, None, REQUEST_TIMEOUT, max_bytes)
        if reply.content_type in JSON_TYPES or reply.content_type == "text/html":
            _result(endpoint, reply)
            raise UnexpectedReply(f"{endpoint.path} answered {reply.content_type}")
        return reply

    @asynccontextmanager
    async def open(self, endpoint: Endpoint, params: Mapping[str, str]) -> AsyncIterator[Stream]:
        """Open an endless multipart answer.

        Raises:
            IntercomError: As ``call``; also where the device answers something else.
        """
        scheme = self._schemes.get(endpoint.service, Scheme.DIGEST)
        other: Scheme | None = None
        async with self._stream(endpoint, params, scheme) as stream:
            if stream.content_type.startswith("multipart/"):
                yield stream
                return
            reply = await stream.reply(MAX_JSON)
            if self._digest is not None:
                other = _wanted_scheme(reply, scheme)
        if other is None:
            self._refuse_stream(endpoint, reply)
        async with self._stream(endpoint, params, other or scheme) as stream:
            if not stream.content_type.startswith("multipart/"):
                self._refuse_stream(endpoint, await stream.reply(MAX_JSON))
            self._schemes[endpoint.service] = other or scheme
            yield stream

    def _stream(
        self, endpoint: Endpoint, params: Mapping[str, str], scheme: Scheme
    ) -> AbstractAsyncContextManager[Stream]:
        headers, middlewares = self._credentials(scheme)
        return self.transport.stream(
            endpoint.method, endpoint.path, params=params, headers=headers, middlewares=middlewares
        )

    def _refuse_stream(self, endpoint: Endpoint, reply: Reply) -> NoReturn:
        if reply.status == 401:
            raise AuthenticationFailed(f"{endpoint.path} refused the user name or password")
        _result(endpoint, reply)
        raise UnexpectedReply(f"{endpoint.path} answered {reply.content_type}")

    async def _negotiate(
        self,
        endpoint: Endpoint,
        params: Mapping[str, str] | None,
        body: Mapping[str, object] | None,
        timeout: float,
        max_bytes: int,
    ) -> Reply:
        """Send a request in the scheme its service group wants, finding that out where it is unknown."""
        if timeout <= REQUEST_TIMEOUT and self._is_first(endpoint):
            # The first challenge is met alone: in parallel, each request would be refused once.
            refusals = self._doubt.refusals
            async with self._first:
                if self._doubt.refusals != refusals:
                    raise AuthenticationFailed(f"{endpoint.path}: refused a moment ago")
                if self._is_first(endpoint):
                    return await self._attempt(endpoint, params, body, timeout, max_bytes)
        return await self._attempt(endpoint, params, body, timeout, max_bytes)

    def _is_first(self, endpoint: Endpoint) -> bool:
        return not (self._digest is None or self._challenged or endpoint.anonymous or endpoint.service in self._schemes)

    async def _attempt(
        self,
        endpoint: Endpoint,
        params: Mapping[str, str] | None,
        body: Mapping[str, object] | None,
        timeout: float,
        max_bytes: int,
    ) -> Reply:
        scheme = self._schemes.get(endpoint.service, Scheme.DIGEST)
        reply = await self._send(endpoint, scheme, params, body, timeout, max_bytes)
        if self._digest is not None and (other := _wanted_scheme(reply, scheme)) is not None:
            scheme = other
            reply = await self._send(endpoint, scheme, params, body, timeout, max_bytes)
        if reply.status == 401:
            self._begin_anew()
            raise AuthenticationFailed(f"{endpoint.path} refused the user name or password")
        if not endpoint.anonymous and _error_code(reply) != _WRONG_SCHEME:
            self._schemes[endpoint.service] = scheme
            self._challenged = self._challenged or reply.authorization.startswith(Scheme.DIGEST)
        return reply

    def _begin_anew(self) -> None:
        """Forget what was negotiated: with wrong credentials, a known nonce only adds a wrong attempt."""
        self._doubt.refusals += 1
        self._schemes.clear()
        self._challenged = False
        if self._digest is not None:
            self._digest = DigestAuthMiddleware(*self._account)

    async def _send(
        self,
        endpoint: Endpoint,
        scheme: Scheme,
        params: Mapping[str, str] | None,
        body: Mapping[str, object] | None,
        timeout: float,
        max_bytes: int,
    ) -> Reply:
        headers, middlewares = self._credentials(scheme)
        if timeout <= REQUEST_TIMEOUT:  # a long poll would keep the others from their turn
            middlewares = (*middlewares, _RetryInTurn(self._doubt))
        reply = await self.transport.request(
            endpoint.method,
            endpoint.path,
            params=params,
            json=body,
            headers=headers,
            middlewares=middlewares,
            timeout=timeout,
            max_bytes=max_bytes,
            repeatable=endpoint.repeatable,
        )
        _LOGGER.debug("%s %s: %s %s", endpoint.method, endpoint.path, reply.status, reply.content_type)
        return reply

    def _credentials(self, scheme: Scheme) -> tuple[dict[str, str], tuple[ClientMiddlewareType, ...]]:
        if self._digest is None or self._basic is None:
            return {}, ()
        if scheme is Scheme.BASIC:
            return {"Authorization": self._basic}, ()
        return {}, (self._digest,)


def _wanted_scheme(reply: Reply, used: Scheme) -> Scheme | None:
    """Return the scheme to try next, None when the one used was right or nothing else is left.

    A wrong scheme is answered by a challenge for the right one, or, as on firmware in the field,
    by HTTP 200 with error 8 and no challenge at all.
    """
    other = Scheme.BASIC if used is Scheme.DIGEST else Scheme.DIGEST
    if reply.status == 401:
        return other if reply.challenge.lower().startswith(other.lower()) else None
    return other if _error_code(reply) == _WRONG_SCHEME else None


def _document(reply: Reply) -> object:
    try:
        return json.loads(reply.body)
    except ValueError:
        return None


def _error_code(reply: Reply) -> int | None:
    # Long answers are results: an error object is short, and the check costs a second parse.
    if len(reply.body) > 1024 or b'"error"' not in reply.body:
        return None
    return integer(fields(fields(_document(reply)).get("error")).get("code"))


def _result(endpoint: Endpoint, reply: Reply) -> Fields | list[object]:
    document = _document(reply)
    if isinstance(document, list):
        return document  # firmware 3.x answers some functions with a bare array, without the envelope
    envelope = fields(document)
    if "success" not in envelope:
        raise UnexpectedReply(f"{endpoint.path} answered {reply.content_type} that is not its JSON")
    if envelope["success"] is not True:
        raise _error(endpoint, fields(envelope.get("error")))
    result = envelope.get("result")
    return result if isinstance(result, list) else fields(result)


def _error(endpoint: Endpoint, error: Fields) -> IntercomError:
    code = integer(error.get("code"))
    reason = text(error.get("description")) or f"error {code}"
    if code in _NOT_SUPPORTED:
        return NotSupported(f"{endpoint.path}: {reason}")
    if code == 4:
        return ServiceDisabled(endpoint.service)
    if code == 7:
        return SecureConnectionRequired(endpoint.service)
    if code in {_WRONG_SCHEME, 9}:
        return AuthenticationFailed(f"{endpoint.path}: {reason}")
    if code == 10:
        return PermissionDenied(endpoint.privilege or endpoint.service)
    if code in _INVALID:
        return InvalidRequest(reason, text(error.get("param")))
    return CommandFailed(reason)
