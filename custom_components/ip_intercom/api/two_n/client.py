"""Requests to one 2N device, in its envelope and its authentication (HTTP API 2 and 3)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

from ..errors import (
    CommandFailed,
    InvalidRequest,
    NotSupported,
    PermissionDenied,
    SecureConnectionRequired,
    ServiceDisabled,
    UnexpectedReply,
)
from ..http import MAX_JSON, REQUEST_TIMEOUT, STREAM_TIMEOUT, HttpTransport, Reply, Request, Stream, Upload
from ..parse import Fields
from .auth import Authentication
from .endpoints import Endpoint
from .envelope import JSON_TYPES, result

# The device runs the door: no more than this many requests at a time, the log pull aside.
CONCURRENT_REQUESTS = 5
# Seconds without progress after which an upload is given up; the device looks at a firmware before it answers.
UPLOAD_TIMEOUT = 60.0


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
        form: Mapping[str, str] | None = None,
        wait: float | None = None,
    ) -> Fields | list[object]:
        """Send one request and return the ``result`` of the answer.

        Args:
            endpoint: What to ask.
            params: Query parameters.
            body: JSON body.
            form: Parameters in the body, for what is too long or too secret for an address.
            wait: Seconds that the device may hold back its answer; such a request takes no slot.

        Raises:
            IntercomError: One of its kinds, by the device's error code (HTTP API 2.3).
        """
        request = replace(
            _request(endpoint, params, body, REQUEST_TIMEOUT + (wait or 0), MAX_JSON),
            form=_form(endpoint, params, form),
        )
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

    async def upload(
        self,
        endpoint: Endpoint,
        upload: Upload,
        params: Mapping[str, str] | None = None,
        *,
        first: Endpoint | None = None,
    ) -> Fields | list[object]:
        """Send a file and return the ``result`` of the answer; it takes no slot, however long it lasts.

        Args:
            endpoint: Where it goes.
            upload: The file.
            params: Query parameters.
            first: A function of the same service to ask before: a refusal need not cost a whole file.

        Raises:
            IntercomError: As ``call``; ``NoAnswer`` where the device took the file and said nothing.
        """
        if first is not None and not await self.permits(first):
            await self.call(first)  # says why
        request = _request(endpoint, params, None, UPLOAD_TIMEOUT, MAX_JSON)
        return result(endpoint, await self._authentication.send(endpoint, replace(request, upload=upload)))

    @asynccontextmanager
    async def open(self, endpoint: Endpoint, params: Mapping[str, str]) -> AsyncIterator[Stream]:
        """Open an endless multipart answer.

        Raises:
            IntercomError: As ``call``; also where the device answers something else.
        """
        request = _request(endpoint, params, None, REQUEST_TIMEOUT, MAX_JSON)
        async with self._stream(endpoint, request, _is_multipart) as stream:
            yield stream

    @asynccontextmanager
    async def download(
        self, endpoint: Endpoint, params: Mapping[str, str] | None = None, *, stall: float = STREAM_TIMEOUT
    ) -> AsyncIterator[Stream]:
        """Open an answer that is a file; it takes no slot, however long it lasts.

        Args:
            endpoint: What to ask.
            params: Query parameters.
            stall: Seconds without a byte after which it is given up.

        Raises:
            IntercomError: As ``call``; also where the device answers a page.
        """
        request = _request(endpoint, params, None, REQUEST_TIMEOUT, MAX_JSON)
        async with self._stream(endpoint, replace(request, stall=stall), _is_file) as stream:
            yield stream

    @asynccontextmanager
    async def _stream(
        self, endpoint: Endpoint, request: Request, wanted: Callable[[Stream], Awaitable[bool]]
    ) -> AsyncIterator[Stream]:
        async with self._authentication.stream(endpoint, request, wanted) as answer:
            if isinstance(answer, Reply):
                result(endpoint, answer)
                raise UnexpectedReply(f"{endpoint.path} answered {answer.content_type}")
            yield answer


async def _is_multipart(stream: Stream) -> bool:
    return stream.content_type.startswith("multipart/")


async def _is_file(stream: Stream) -> bool:
    """Tell a file by its beginning: a pcap comes as application/json (HTTP API 5.13.1), a login page instead of both."""
    return not await stream.begins_with(b"{", b"<!DOCTYPE html", b"<!doctype html", b"<html", b"<HTML")


def _form(
    endpoint: Endpoint, params: Mapping[str, str] | None, form: Mapping[str, str] | None
) -> Mapping[str, str] | None:
    """Return the form of a request: firmware 2.50 refuses a POST that has none (code 14)."""
    if form is not None or endpoint.method != "POST" or params is None:
        return form
    return params


def _request(
    endpoint: Endpoint,
    params: Mapping[str, str] | None,
    body: Mapping[str, object] | None,
    timeout: float,
    max_bytes: int,
) -> Request:
    in_form = endpoint.method == "POST" and body is None
    query = None if in_form else params
    return Request(endpoint.method, endpoint.path, query, body, timeout, max_bytes, endpoint.repeatable)
