"""Requests to one 2N device: envelope and authentication (HTTP API 2 and 3)."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from http import HTTPStatus

from ...common.errors import (
    CommandFailed,
    InvalidRequest,
    NotSupported,
    PermissionDenied,
    SecureConnectionRequired,
    ServiceDisabled,
    UnexpectedReply,
)
from ...common.http import HttpTransport, Stream, is_file
from ...common.messages import MAX_JSON, REQUEST_TIMEOUT, Reply, Request, Upload
from ...common.parse import Fields, listed
from .auth import Authentication
from .protocol import JSON_TYPES, Endpoint, result

# Limit of concurrent requests without the log pull: the device also controls the door.
CONCURRENT_REQUESTS = 5
# Seconds from the last byte of a file to the response: up to a minute in which the device checks a firmware, plus
# the data that the connection still buffers.
UPLOAD_TIMEOUT = 90.0
# Files smaller than this many bytes are sent like any other request.
SMALL_FILE = 256 * 1024
# Seconds without a byte after which a poll response in transfer is given up: it may contain a ring.
POLL_STALL = 2.0
MAX_DOWNLOAD = 1024 * 1024 * 1024


class TwoNClient:
    """Requests to one 2N device.

    Args:
        username: Account of *Services / HTTP API*; empty if the device requires none.
    """

    def __init__(self, transport: HttpTransport, username: str = "", password: str = "") -> None:
        self.transport = transport
        self._authentication = Authentication(transport, username, password)
        self._slots = asyncio.Semaphore(CONCURRENT_REQUESTS)
        self._uploading = asyncio.Lock()
        # Number of unreadable rows by endpoint path.
        self.skipped: Counter[str] = Counter()

    async def call(
        self,
        endpoint: Endpoint,
        params: Mapping[str, str] | None = None,
        *,
        body: Mapping[str, object] | None = None,
        form: Mapping[str, str] | None = None,
        wait: float | None = None,
        patience: float | None = None,
    ) -> Fields | list[object]:
        """Send one request and return the ``result`` of the response.

        Args:
            params: Parameters; in the query, or in a form for a POST without ``body``.
            form: Parameters in the body, for values that are too long or too private for a query.
            wait: Seconds that the device may hold the response back; such a request takes no slot.
            patience: Seconds that the response may take in addition; None for the timeout of the endpoint.

        Raises:
            IntercomError: A subclass, by the device's error code (HTTP API 2.3).
        """
        request = _request(endpoint, params, json=body, form=form, timeout=patience, wait=wait or 0.0)
        if wait is not None:
            request = replace(request, rest=POLL_STALL)
            return result(endpoint, await self._authentication.send(endpoint, request))
        async with self._slots:
            return result(endpoint, await self._authentication.send(endpoint, request))

    async def rows[T](
        self,
        endpoint: Endpoint,
        name: str,
        read: Callable[[object], T | None],
        params: Mapping[str, str] | None = None,
        *,
        wait: float | None = None,
        tolerant: bool = False,
        patience: float | None = None,
    ) -> tuple[T, ...]:
        """Return the rows of a list in the response; unreadable rows are skipped and counted.

        Args:
            name: Key of the list; some firmware returns the list without an envelope.
            read: Decodes a row; returns None if it is unreadable.
            wait: Seconds that the device may hold the response back.
            tolerant: Whether a list of unreadable rows only is accepted.
            patience: As in ``call``.

        Raises:
            UnexpectedReply: The list is missing, or none of its rows is readable; an empty list would remove entities.
            IntercomError: As ``call``.
        """
        result = await self.call(endpoint, params, wait=wait, patience=patience)
        items = listed(result, name)
        if items is None:
            raise UnexpectedReply(f"{endpoint.path} returned no {name}")
        found = tuple(row for item in items if (row := read(item)) is not None)
        self.skipped[endpoint.path] += len(items) - len(found)
        if items and not found and not tolerant:
            raise UnexpectedReply(f"{endpoint.path} returned unreadable {name}")
        return found

    async def fetch(self, endpoint: Endpoint, params: Mapping[str, str], *, max_bytes: int) -> Reply:
        """Send one request and return a response that is not JSON, such as an image.

        Raises:
            IntercomError: As ``call``; also for a JSON response without an error.
        """
        async with self._slots:
            reply = await self._authentication.send(endpoint, _request(endpoint, params, max_bytes=max_bytes))
        if reply.status != HTTPStatus.OK or reply.content_type in JSON_TYPES or reply.content_type == "text/html":
            result(endpoint, reply)
            raise UnexpectedReply(f"{endpoint.path} returned {reply.content_type}")
        return reply

    async def upload(
        self,
        endpoint: Endpoint,
        upload: Upload,
        params: Mapping[str, str] | None = None,
        *,
        first: Endpoint | None = None,
    ) -> Fields | list[object]:
        """Send a file and return the ``result`` of the response.

        A large file takes no slot for its transfer; only one is sent at a time.

        Args:
            endpoint: Endpoint to send the file to.
            first: Endpoint without side effects, of the same service and privilege, requested before a large file: a
                rejection or a stale nonce must not cost the whole transfer.

        Raises:
            NoAnswer: The device stopped reading, or read the whole file and did not respond.
            FileUnreadable: The file cannot be read to its end.
            IntercomError: As ``call``.
        """
        request = _request(endpoint, params, timeout=UPLOAD_TIMEOUT, upload=upload)
        if upload.size < SMALL_FILE:
            async with self._slots:
                return result(endpoint, await self._authentication.send(endpoint, request))
        async with self._uploading:
            if first is not None:
                with suppress(CommandFailed):
                    await self.call(first)
            return result(endpoint, await self._authentication.send(endpoint, request))

    @asynccontextmanager
    async def open(self, endpoint: Endpoint, params: Mapping[str, str]) -> AsyncIterator[Stream]:
        """Open an endless multipart response.

        Raises:
            IntercomError: As ``call``; also for any other content type.
        """
        async with self._stream(endpoint, _request(endpoint, params), _is_multipart) as stream:
            yield stream

    @asynccontextmanager
    async def download(
        self,
        endpoint: Endpoint,
        params: Mapping[str, str] | None = None,
        *,
        stall: float | None = None,
        max_bytes: int = MAX_DOWNLOAD,
    ) -> AsyncIterator[Stream]:
        """Open a response that is a file; once it has begun, it takes no slot.

        Args:
            stall: Seconds without a byte after which the transfer is given up.
            max_bytes: Maximum size.

        Raises:
            IntercomError: As ``call``; also for an HTML page.
        """
        request = _request(endpoint, params, stall=stall, max_bytes=max_bytes)
        async with self._stream(endpoint, request, is_file) as stream:
            yield stream

    @asynccontextmanager
    async def _stream(
        self, endpoint: Endpoint, request: Request, wanted: Callable[[Stream], Awaitable[bool]]
    ) -> AsyncIterator[Stream]:
        async with self._authentication.stream(endpoint, request, wanted, self._slots) as answer:
            if isinstance(answer, Reply):
                result(endpoint, answer)
                raise UnexpectedReply(f"{endpoint.path} returned {answer.content_type}")
            yield answer


async def is_permitted(request: Awaitable[object]) -> bool:
    """Return whether the account may use the command that a request sends without its parameters.

    The device checks the account before the parameters, and a command without its mandatory parameters has no
    effect (HTTP API 2.3, codes 10 and 11).
    """
    try:
        await request
    except InvalidRequest, CommandFailed:
        return True
    except PermissionDenied, ServiceDisabled, SecureConnectionRequired, NotSupported:
        return False
    return True


class Functions:
    """Base of a group of API functions of one device."""

    def __init__(self, client: TwoNClient) -> None:
        self._client = client


async def _is_multipart(stream: Stream) -> bool:
    return stream.content_type.startswith("multipart/")


def _request(
    endpoint: Endpoint,
    params: Mapping[str, str] | None,
    *,
    json: Mapping[str, object] | None = None,
    form: Mapping[str, str] | None = None,
    upload: Upload | None = None,
    timeout: float | None = None,
    wait: float = 0.0,
    stall: float | None = None,
    max_bytes: int = MAX_JSON,
) -> Request:
    if endpoint.method == "POST" and json is None and form is None:
        # Firmware 2.50 rejects a POST without a form, or ignores it (code 14).
        params, form = None, params or {}
    return Request(
        endpoint.method,
        endpoint.path,
        params,
        json,
        (endpoint.timeout or REQUEST_TIMEOUT if timeout is None else timeout) + wait,
        max_bytes,
        endpoint.repeatable,
        form,
        upload,
        stall,
    )
