"""Requests to one 2N device, in its envelope and its authentication (HTTP API 2 and 3)."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from ..errors import (
    CommandFailed,
    InvalidRequest,
    NotSupported,
    PermissionDenied,
    SecureConnectionRequired,
    ServiceDisabled,
    UnexpectedReply,
)
from ..http import MAX_JSON, REQUEST_TIMEOUT, HttpTransport, Reply, Request, Stream
from ..parse import Fields
from .auth import Authentication
from .endpoints import Endpoint
from .envelope import JSON_TYPES, result

# The device runs the door: no more than this many requests at a time, the log pull aside.
CONCURRENT_REQUESTS = 5


class TwoNClient:
    """Requests to one 2N device.

    Args:
        transport: The connection to the device.
        username: Account of *Services / HTTP API*; empty where the device asks for none.
        password: Its password.
    """

    def __init__(self, transport: HttpTransport, username: str = "", password: str = "") -> None:
        """See the class."""
        self.transport = transport
        self._authentication = Authentication(transport, username, password)
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
        request = _request(endpoint, params, body, REQUEST_TIMEOUT + (wait or 0), MAX_JSON)
        if wait is not None:
            return result(endpoint, await self._authentication.send(endpoint, request))
        async with self._slots:
            return result(endpoint, await self._authentication.send(endpoint, request))

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
            reply = await self._authentication.send(
                endpoint, _request(endpoint, params, None, REQUEST_TIMEOUT, max_bytes)
            )
        if reply.content_type in JSON_TYPES or reply.content_type == "text/html":
            result(endpoint, reply)
            raise UnexpectedReply(f"{endpoint.path} answered {reply.content_type}")
        return reply

    @asynccontextmanager
    async def open(self, endpoint: Endpoint, params: Mapping[str, str]) -> AsyncIterator[Stream]:
        """Open an endless multipart answer.

        Raises:
            IntercomError: As ``call``; also where the device answers something else.
        """
        request = _request(endpoint, params, None, REQUEST_TIMEOUT, MAX_JSON)
        async with self._authentication.stream(endpoint, request) as answer:
            if isinstance(answer, Reply):
                result(endpoint, answer)
                raise UnexpectedReply(f"{endpoint.path} answered {answer.content_type}")
            yield answer


def _request(
    endpoint: Endpoint,
    params: Mapping[str, str] | None,
    body: Mapping[str, object] | None,
    timeout: float,
    max_bytes: int,
) -> Request:
    return Request(endpoint.method, endpoint.path, params, body, timeout, max_bytes, endpoint.repeatable)
