"""Requests to one Akuvox device, and its envelope (HTTP API Request, HTTP API Reply)."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ...common.errors import NoAnswer, NotSupported, UnexpectedReply
from ...common.http import HttpTransport, Stream, is_file
from ...common.login import Login
from ...common.messages import Reply, Request, Upload
from ...common.parse import Fields, objects
from .exchange import Exchange
from .protocol import (
    GET,
    LIST,
    POST,
    SYSTEM_STATUS,
    TIMEOUTS,
    CorruptReply,
    Document,
    Endpoint,
    Patience,
    is_moved,
    read,
    result,
)
from .row_reader import MAX_LIST, Keep, RowReader

type Data = Mapping[str, object]

# Seconds without a response after which another request may be sent in parallel.
PARALLEL_AFTER = 2.0
# Timeout in seconds for a function of a fragile device that did not respond the last time: other requests wait for it.
UNRESPONSIVE_TIMEOUT = 3.0
MAX_DOWNLOAD = 1024 * 1024 * 1024
# Number of retries after a corrupt reply.
CORRUPT_RETRIES = 2
# Message of devices that have the function, but not with this method.
_WRONG_METHOD = "unsupport action"


@dataclass(frozen=True, slots=True)
class Rows:
    """The readable rows of a list, and its total size."""

    readable: tuple[Fields, ...]
    size: int


class AkuvoxClient:
    """Requests to one Akuvox device, one at a time.

    After ``PARALLEL_AFTER`` seconds without a response, another request is sent in parallel unless the device is fragile.
    Commands go first: if two slow reads occupy the device for longer than that, the second one is given up.

    Args:
        username: Account of *HTTP API*; empty if the device requires none.
        post: Use POST for functions that support both methods.
        login: A login with the account to continue, whose challenge is known.

    Attributes:
        skipped: Number of unreadable rows by endpoint path.
    """

    def __init__(
        self,
        transport: HttpTransport,
        username: str = "",
        password: str = "",
        *,
        post: bool = False,
        login: Login | None = None,
    ) -> None:
        self.transport = transport
        self._exchange = Exchange(transport, login or Login(username, password))
        self._post = post
        self._methods: dict[Endpoint, str] = {}
        self._unresponsive: set[Endpoint] = set()
        self._lock = asyncio.Lock()
        # An E16C supports two parallel requests: one file or slow function, and one other.
        self._parallel_lock = asyncio.Lock()
        # Number of commands that wait for their turn, and whether one has waited for too long.
        self._commands = 0
        self._overdue = asyncio.Event()
        self.skipped: Counter[str] = Counter()

    @property
    def fragile(self) -> bool:
        """Whether the device has corrupted a reply or dropped a connection; it then gets no parallel requests."""
        return self._exchange.fragile

    async def call(self, endpoint: Endpoint, data: Data | None = None) -> Fields:
        """Send one request and return ``data`` of the reply.

        If the manual allows GET and POST and the device rejects one of them, the other is used from then on.

        Args:
            data: Parameters; lists require POST.

        Raises:
            NotSupported: The device does not have the function.
            InvalidRequest: The device rejects a parameter.
            CommandFailed: The device rejects the request for another reason.
            LoginRefused: The device requires a login and rejects this one.
            AddressRefused: The device rejects requests from this address.
            UnexpectedReply: The response is not from the API.
            ConnectionFailed: The connection broke.
        """
        work = partial(self._call, endpoint, data or {}, self._ask)
        return await self._serialized(work, is_command=endpoint.is_command)

    async def listed(self, endpoint: Endpoint, data: Data, readable: Callable[[Fields], bool]) -> Rows:
        """Return the rows of one reply; unreadable rows are skipped and counted.

        Args:
            readable: Returns whether a row is readable.

        Raises:
            UnexpectedReply: None of the rows is readable; an empty list would remove entities.
            IntercomError: As ``call``.
        """
        ask = partial(self._ask, salvage=True)
        listed = (await self._serialized(lambda: self._call(endpoint, data, ask))).get(LIST, ())
        if not isinstance(listed, list | tuple):
            raise UnexpectedReply(f"{endpoint.path} returned no list")
        found = tuple(row for row in objects(listed) if readable(row))
        self.skipped[endpoint.path] += len(listed) - len(found)
        if listed and not found:
            raise UnexpectedReply(f"{endpoint.path} returned unreadable rows")
        return Rows(found, len(listed))

    async def rows(self, endpoint: Endpoint, data: Data | None = None, keep: Keep | None = None) -> tuple[Fields, ...]:
        """Return the rows of a list, page by page if the device has pages.

        Other requests may be sent in between, unless the device is fragile. A page given in ``data`` is returned alone.

        Args:
            keep: Returns whether to keep a row; None keeps all. Other rows are dropped as they arrive.

        Raises:
            IntercomError: As ``call``.
        """
        data = data or {}
        found: dict[str, Fields] = {}
        seen: set[str] = set()
        page = 1
        while True:
            page_data = data if page == 1 else {**data, "page": page}
            reader, reply = await self._call(endpoint, page_data, partial(self._ask_rows, keep=keep))
            found |= {number: row for number, row in reader.rows.items() if number not in seen}
            has_new_rows = not reader.ids <= seen
            seen |= reader.ids
            # A device without pages returns the same rows again.
            if "page" in data or not has_new_rows or reader.is_last(page, len(seen), reply):
                return tuple(found.values())
            page += 1

    async def page(self, path: str, params: Mapping[str, str], *, is_command: bool = True) -> Reply:
        """Request a path outside the API once and return the raw reply; a command has precedence.

        Raises:
            IntercomError: As ``call``, by HTTP status.
        """
        request = Request(GET, path, params, timeout=TIMEOUTS[Patience.USUAL], repeatable=False)
        return await self._serialized(partial(self._exchange.send, request), is_command=is_command)

    async def command(self, path: str, params: Mapping[str, str]) -> Fields:
        """Request JSON outside the API once and return the complete document with any ``retcode``.

        Raises:
            NotSupported: The device returns an HTML page for the path, or refers to another command.
            IntercomError: As ``call``, by HTTP status.
        """
        reply = await self.page(path, params)
        if reply.content_type == "text/html":
            raise NotSupported(f"{path} returned an HTML page")
        if is_moved(reply.body):
            raise NotSupported(f"{path} refers to another command")
        return self._document(path, reply)

    async def upload(self, endpoint: Endpoint, upload: Upload, params: Mapping[str, str] | None = None) -> Fields:
        """Send a file and return ``data`` of the reply.

        Other requests may be sent in parallel, unless the device is fragile; one file is transferred at a time.

        Raises:
            NoAnswer: The device stopped reading, or read the whole file and did not respond.
            FileUnreadable: The file cannot be read to its end.
            IntercomError: As ``call``.
        """
        request = Request(POST, endpoint.path, params, timeout=endpoint.timeout, repeatable=False, upload=upload)
        # A rejected login should not cost a complete file.
        await self.call(SYSTEM_STATUS)
        async with self._parallel_lock, AsyncExitStack() as lock:
            if self.fragile:
                await lock.enter_async_context(self._lock)
            reply = await self._exchange.send(request)
            return self._result(endpoint, reply)

    @asynccontextmanager
    async def download(
        self, endpoint: Endpoint, data: Data | None = None, *, max_bytes: int = MAX_DOWNLOAD
    ) -> AsyncIterator[Stream]:
        """Open a response that is a file.

        Other requests may be sent once it has begun. A fragile device gets none before its end, so the caller must not
        send any while it reads. One file is transferred at a time.

        Raises:
            IntercomError: As ``call``; also for an HTML page.
        """
        request = self._request(endpoint, self._method(endpoint, data or {}), data or {})
        async with self._download(endpoint, replace(request, max_bytes=max_bytes)) as stream:
            yield stream

    @asynccontextmanager
    async def fetch(self, path: str, *, max_bytes: int = MAX_DOWNLOAD) -> AsyncIterator[Stream]:
        """Open a file of the device outside the API, as ``download``."""
        async with self._download(None, Request(GET, path, max_bytes=max_bytes)) as stream:
            yield stream

    @asynccontextmanager
    async def _download(self, endpoint: Endpoint | None, request: Request) -> AsyncIterator[Stream]:
        async with self._parallel_lock, AsyncExitStack() as lock, AsyncExitStack() as stack:
            await lock.enter_async_context(self._lock)
            pause = TIMEOUTS[Patience.LIST] if endpoint is None else endpoint.timeout
            patient = replace(request, begin=pause, stall=pause)
            answer = await stack.enter_async_context(self._exchange.stream(patient, is_file))
            if not self.fragile:
                await lock.aclose()
            if isinstance(answer, Reply):
                if endpoint is not None:
                    self._result(endpoint, answer)
                raise UnexpectedReply(f"{request.path} returned {answer.content_type}")
            yield answer

    async def _serialized[T](self, work: Callable[[], Coroutine[Any, Any, T]], *, is_command: bool = False) -> T:
        """Run work in its turn; slow work continues in parallel to other requests."""
        async with AsyncExitStack() as parallel, AsyncExitStack() as lock:
            await (self._acquire_for_command() if is_command else self._acquire())
            lock.callback(self._lock.release)
            task = asyncio.create_task(work())
            try:
                await asyncio.wait((task,), timeout=PARALLEL_AFTER)
                if not (task.done() or self.fragile):
                    if await self._continue_aside(task, parallel, gives_way=not is_command):
                        await lock.aclose()
                return await task
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)  # retrieves its exception after a cancellation

    async def _acquire(self) -> None:
        """Acquire the lock, after all commands."""
        await self._lock.acquire()
        while self._commands:
            self._lock.release()
            await asyncio.sleep(0)
            await self._lock.acquire()

    async def _acquire_for_command(self) -> None:
        """Acquire the lock before all other requests; reads that occupy the device for too long are given up."""
        self._commands += 1
        overdue = asyncio.get_running_loop().call_later(PARALLEL_AFTER, self._overdue.set)
        try:
            await self._lock.acquire()
        finally:
            overdue.cancel()
            self._commands -= 1
            if not self._commands:
                self._overdue.clear()

    async def _continue_aside(self, task: asyncio.Task[Any], stack: AsyncExitStack, *, gives_way: bool) -> bool:
        """Wait until slow work may continue in parallel; return False if it ended before.

        Raises:
            NoAnswer: A command is overdue, and the work gives way to it.
        """
        acquiring = asyncio.create_task(self._parallel_lock.acquire())
        overdue = asyncio.create_task(self._overdue.wait())
        try:
            awaited = (task, acquiring, overdue) if gives_way else (task, acquiring)
            await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            overdue.cancel()
            if not acquiring.cancel():
                stack.callback(self._parallel_lock.release)
        if not (task.done() or acquiring.done()):
            raise NoAnswer("given up for a command")
        return acquiring.done()

    async def _call[T](self, endpoint: Endpoint, data: Data, ask: Callable[[Endpoint, Request], Awaitable[T]]) -> T:
        method = self._method(endpoint, data)
        try:
            return await ask(endpoint, self._request(endpoint, method, data))
        except NotSupported as err:
            other = POST if method == GET else GET
            if other not in endpoint.methods or endpoint in self._methods or _WRONG_METHOD not in str(err):
                raise
            if other == GET and _is_nested(data):
                raise
        found = await ask(endpoint, self._request(endpoint, other, data))
        self._methods[endpoint] = other
        return found

    async def _ask(self, endpoint: Endpoint, request: Request, *, salvage: bool = False) -> Fields:
        tries = CORRUPT_RETRIES if endpoint.repeatable else 0
        while True:
            reply = await self._send(endpoint, request)
            try:
                found = self._result(endpoint, reply)
            except CorruptReply:
                if tries:
                    tries -= 1
                    continue
                if not salvage:
                    raise
                found = self._salvaged(endpoint, reply)
            self._methods.setdefault(endpoint, request.method)
            return found

    async def _send(self, endpoint: Endpoint, request: Request) -> Reply:
        if self.fragile and endpoint in self._unresponsive:
            request = replace(request, timeout=min(request.timeout, UNRESPONSIVE_TIMEOUT))
        try:
            reply = await self._exchange.send(request)
        except NoAnswer:
            self._unresponsive.add(endpoint)
            raise
        self._unresponsive.discard(endpoint)
        return reply

    def _salvaged(self, endpoint: Endpoint, reply: Reply) -> Fields:
        """Return a repeatedly corrupt reply without its unreadable rows."""
        reader = RowReader(endpoint.path, salvage=True)
        reader.feed(reply.body)
        found = result(endpoint, reader.finish().content)
        self.skipped[endpoint.path] += reader.skipped
        return {**found, LIST: [*reader.rows.values()]}

    async def _ask_rows(
        self, endpoint: Endpoint, request: Request, keep: Keep | None = None
    ) -> tuple[RowReader, Fields]:
        tries = CORRUPT_RETRIES
        patient = replace(request, max_bytes=MAX_LIST, begin=endpoint.timeout, stall=endpoint.timeout)
        while True:
            reader = RowReader(endpoint.path, keep, salvage=not tries)
            try:
                document = await self._read_rows(patient, reader)
            except CorruptReply:
                self._exchange.record_response(clean=False)
                if not tries:
                    raise
                tries -= 1
                continue
            self._exchange.record_response(clean=document.clean)
            found = result(endpoint, document.content)
            # Some devices omit the brackets around a single row.
            for row in objects(found.get(LIST)):
                reader.take(row)
            self.skipped[endpoint.path] += reader.skipped
            self._methods.setdefault(endpoint, request.method)
            return reader, found

    async def _read_rows(self, request: Request, reader: RowReader) -> Document:
        async with self._parallel_lock, AsyncExitStack() as lock:
            await lock.enter_async_context(self._lock)
            async with self._exchange.stream(request, _accept_any) as answer:
                if isinstance(answer, Reply):
                    return read(request.path, answer.body)
                async for chunk in answer.chunks():
                    reader.feed(chunk)
                    if not self.fragile:
                        await lock.aclose()
                    await asyncio.sleep(0)  # a long list must not block the event loop
        return reader.finish()

    def _result(self, endpoint: Endpoint, reply: Reply) -> Fields:
        return result(endpoint, self._document(endpoint.path, reply))

    def _document(self, path: str, reply: Reply) -> Fields:
        try:
            document = read(path, reply.body)
        except CorruptReply:
            self._exchange.record_response(clean=False)
            raise
        self._exchange.record_response(clean=document.clean)
        return document.content

    def _method(self, endpoint: Endpoint, data: Data) -> str:
        if len(endpoint.methods) == 1:
            return endpoint.methods[0]
        if _is_nested(data):
            return POST
        return self._methods.get(endpoint) or (POST if self._post else endpoint.methods[0])

    @staticmethod
    def _request(endpoint: Endpoint, method: str, data: Data) -> Request:
        params: Mapping[str, str] | None = None
        body: dict[str, object] | None = None
        if method == GET:
            params = {name: str(value) for name, value in data.items()} or None
        else:
            # Without target and action, a device ignores the path as well.
            body = {"target": endpoint.target, "action": endpoint.action}
            if data:
                body["data"] = dict(data)
        return Request(
            method,
            endpoint.path,
            params,
            body,
            timeout=endpoint.timeout,
            repeatable=endpoint.repeatable,
        )


class Functions:
    """Base of a group of API functions of one device."""

    def __init__(self, client: AkuvoxClient) -> None:
        self._client = client


async def _accept_any(_: Stream) -> bool:
    return True


def _is_nested(data: Data) -> bool:
    return any(not isinstance(value, str | int | float) for value in data.values())
