"""Requests to one 2N device, in its envelope and its authentication (HTTP API 2 and 3)."""

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
from ...common.messages import MAX_JSON, REQUEST_TIMEOUT, Reply, Request
from ...common.parse import Fields
from ...common.upload import Upload
from .auth import Authentication
from .endpoints import Endpoint
from .envelope import JSON_TYPES, result

# The device runs the door: no more than this many requests at a time, the log pull aside.
CONCURRENT_REQUESTS = 5
# Seconds from the last byte of a file to the answer: a minute in which the device looks at a firmware, and what
# the connection may still hold back of it.
UPLOAD_TIMEOUT = 90.0
# A file of fewer bytes than this is sent like any other request.
SMALL_FILE = 256 * 1024
# Seconds without a byte after which the answer to a poll is given up once it has begun: a visitor may be in it.
POLL_STALL = 2.0
MAX_DOWNLOAD = 1024 * 1024 * 1024


class TwoNClient:
    """Requests to one 2N device.

    Args:
        transport: The connection to the device.
        username: Account of *Services / HTTP API*; empty where the device asks for none.
        password: Its password.
    """

    def __init__(self, transport: HttpTransport, username: str = "", password: str = "") -> None:
        self.transport = transport
        self._authentication = Authentication(transport, username, password)
        self._slots = asyncio.Semaphore(CONCURRENT_REQUESTS)
        self._uploading = asyncio.Lock()
        # Rows that could not be read, by the path of the function.
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
        """Send one request and return the ``result`` of the answer.

        Args:
            endpoint: What to ask.
            params: Parameters: in the address, of a POST without ``body`` in a form.
            body: JSON body.
            form: Parameters in the body, for what is too long or too private for an address.
            wait: Seconds that the device may hold back its answer; such a request takes no slot.
            patience: Seconds that the answer may take besides; None for that of the function.

        Raises:
            IntercomError: One of its kinds, by the device's error code (HTTP API 2.3).
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
        """Return what the rows of a list in an answer say; one that cannot be read is skipped and counted.

        Args:
            endpoint: What to ask.
            name: The list; some firmware answers it bare.
            read: Returns what a row says, None where it cannot be read.
            params: Parameters in the address.
            wait: Seconds that the device may hold back its answer.
            tolerant: The list may be made of nothing but rows that cannot be read.
            patience: As ``call``.

        Raises:
            UnexpectedReply: There is no such list, or none of its rows can be read: nothing is known to be gone.
            IntercomError: As ``call``.
        """
        result = await self.call(endpoint, params, wait=wait, patience=patience)
        listed = result if isinstance(result, list) else result.get(name)
        if not isinstance(listed, list):
            raise UnexpectedReply(f"{endpoint.path} answered without {name}")
        found = tuple(row for item in listed if (row := read(item)) is not None)
        self.skipped[endpoint.path] += len(listed) - len(found)
        if listed and not found and not tolerant:
            raise UnexpectedReply(f"{endpoint.path} answered {name} that cannot be read")
        return found

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
            reply = await self._authentication.send(endpoint, _request(endpoint, params, max_bytes=max_bytes))
        if reply.status != HTTPStatus.OK or reply.content_type in JSON_TYPES or reply.content_type == "text/html":
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
        """Send a file and return the ``result`` of the answer.

        A large file takes no slot, however long it lasts; there is one at a time.

        Args:
            endpoint: Where it goes.
            upload: The file.
            params: Parameters in the address.
            first: A harmless function of the same service and privilege, asked before a large file: neither
                a rejection nor a stale nonce may cost all of it.

        Raises:
            NoAnswer: The device takes no more, or took it all and says nothing.
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
        """Open an endless multipart answer.

        Raises:
            IntercomError: As ``call``; also where the device answers something else.
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
        """Open an answer that is a file; once it has begun it takes no slot, however long it lasts.

        Args:
            endpoint: What to ask.
            params: Parameters.
            stall: Seconds without a byte after which it is given up.
            max_bytes: How long it may become.

        Raises:
            IntercomError: As ``call``; also where the device answers a page.
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
                raise UnexpectedReply(f"{endpoint.path} answered {answer.content_type}")
            yield answer


class Functions:
    """A group of functions of one device."""

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
        # Firmware 2.50 refuses a POST without a form, or ignores it (code 14).
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
