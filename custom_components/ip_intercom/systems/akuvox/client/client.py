"""Requests to one Akuvox device in its envelope (HTTP API Request, HTTP API Reply)."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ...common.errors import NoAnswer, NotSupported, UnexpectedReply
from ...common.http import HttpTransport, Stream, is_file
from ...common.messages import Reply, Request
from ...common.parse import Fields, objects
from ...common.upload import Upload
from .endpoints import GET, POST, SYSTEM_STATUS, TIMEOUTS, Endpoint, Patience
from .envelope import LIST, Document, Spoiled, read, result
from .exchange import Exchange
from .row_reader import MAX_LIST, Keep, RowReader

type Data = Mapping[str, object]

# Seconds after which a device that does not answer may be asked something else beside.
STEP_ASIDE = 2.0
# Seconds for a function that did not answer the last time, where everything else waits for it.
SILENT_TIMEOUT = 3.0
MAX_DOWNLOAD = 1024 * 1024 * 1024
# How often a reply that the device spoiled is asked for again.
SPOILED_TRIES = 2
# What devices say to a function that they have, but not by that method.
_WRONG_METHOD = "unsupport action"


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a list that can be read, and how many it has in all."""

    readable: tuple[Fields, ...]
    size: int


class AkuvoxClient:
    """Requests to one Akuvox device, one at a time.

    While a function does not answer for ``STEP_ASIDE`` seconds, others are asked beside it, unless the device is fragile.

    Args:
        transport: The connection to the device.
        username: Account of *HTTP API*; empty where the device asks for none.
        password: Its password.
        post: Ask by POST where the device may be asked by either method.

    Attributes:
        skipped: How many rows of lists could not be read, by the path of the function.
    """

    def __init__(self, transport: HttpTransport, username: str = "", password: str = "", *, post: bool = False) -> None:
        self.transport = transport
        self._exchange = Exchange(transport, username, password)
        self._post = post
        self._methods: dict[Endpoint, str] = {}
        self._silent: set[Endpoint] = set()
        self._turn = asyncio.Lock()
        # An E16C can bear two requests at a time: a file, or a function that does not answer, and one other.
        self._beside = asyncio.Lock()
        self.skipped: Counter[str] = Counter()

    @property
    def fragile(self) -> bool:
        """Whether the device was seen to spoil an answer or a connection; it is asked more gently then."""
        return self._exchange.fragile

    async def call(self, endpoint: Endpoint, data: Data | None = None) -> Fields:
        """Send one request and return ``data`` of the reply.

        Where the manual allows GET and POST and the device refuses one of them, the other is used from then on.

        Args:
            endpoint: What to ask.
            data: Parameters; those that are lists need POST.

        Raises:
            NotSupported: The device does not have the function.
            InvalidRequest: It refuses a parameter.
            CommandFailed: It refuses for another reason.
            LoginRefused: It asks for a login and does not take this one.
            AddressRefused: The device rejects requests from this address.
            UnexpectedReply: The answer is not the API's.
            ConnectionFailed: The connection broke.
        """
        return await self._in_turn(lambda: self._call(endpoint, data or {}, self._ask))

    async def listed(self, endpoint: Endpoint, data: Data, readable: Callable[[Fields], bool]) -> Rows:
        """Return the rows of one answer; a row that cannot be read is skipped and counted.

        Args:
            endpoint: What to ask.
            data: Parameters.
            readable: Returns whether a row says anything.

        Raises:
            UnexpectedReply: None of them can be read: nothing is known to be gone.
            IntercomError: As ``call``.
        """
        ask = partial(self._ask, salvage=True)
        listed = (await self._in_turn(lambda: self._call(endpoint, data, ask))).get(LIST, ())
        if not isinstance(listed, list | tuple):
            raise UnexpectedReply(f"{endpoint.path} answered no list")
        found = tuple(row for row in objects(listed) if readable(row))
        self.skipped[endpoint.path] += len(listed) - len(found)
        if listed and not found:
            raise UnexpectedReply(f"{endpoint.path} answered rows that cannot be read")
        return Rows(found, len(listed))

    async def rows(self, endpoint: Endpoint, data: Data | None = None, keep: Keep | None = None) -> tuple[Fields, ...]:
        """Return the rows of a list, page by page where the device gives pages.

        Other requests may be sent meanwhile, unless the device is fragile. A page that is asked for comes alone.

        Args:
            endpoint: What to ask.
            data: Parameters.
            keep: Which rows to return; all of them for None. Others are forgotten as they arrive.

        Raises:
            IntercomError: As ``call``.
        """
        data = data or {}
        found: dict[str, Fields] = {}
        seen: set[str] = set()
        page = 1
        while True:
            asked = data if page == 1 else {**data, "page": page}
            reader, reply = await self._call(endpoint, asked, partial(self._ask_rows, keep=keep))
            found |= {number: row for number, row in reader.rows.items() if number not in seen}
            is_news = not reader.ids <= seen
            seen |= reader.ids
            # A device that knows no pages answers the same again.
            if "page" in data or not is_news or reader.is_last(page, len(seen), reply):
                return tuple(found.values())
            page += 1

    async def page(self, path: str, params: Mapping[str, str]) -> Reply:
        """Ask for a page beside the API, once, and return it unread.

        Raises:
            IntercomError: As ``call``, by HTTP status.
        """
        request = Request(GET, path, params, timeout=TIMEOUTS[Patience.USUAL], repeatable=False)
        return await self._in_turn(lambda: self._exchange.send(request))

    async def command(self, path: str, params: Mapping[str, str]) -> Fields:
        """Request JSON beside the API, once, and return all of it with any ``retcode``.

        Raises:
            NotSupported: The device answers a page to that path.
            IntercomError: As ``call``, by HTTP status.
        """
        reply = await self.page(path, params)
        if reply.content_type == "text/html":
            raise NotSupported(f"{path} is a page")
        return self._document(path, reply)

    async def upload(self, endpoint: Endpoint, upload: Upload, params: Mapping[str, str] | None = None) -> Fields:
        """Send a file and return ``data`` of the reply.

        Other requests may be sent meanwhile, unless the device is fragile; there is one file at a time.

        Raises:
            NoAnswer: The device takes no more, or took it all and says nothing.
            FileUnreadable: The file cannot be read to its end.
            IntercomError: As ``call``.
        """
        request = Request(POST, endpoint.path, params, timeout=endpoint.timeout, repeatable=False, upload=upload)
        # A rejected login should not cost a complete file.
        await self.call(SYSTEM_STATUS)
        async with self._beside, AsyncExitStack() as turn:
            if self.fragile:
                await turn.enter_async_context(self._turn)
            reply = await self._exchange.send(request)
            return self._result(endpoint, reply)

    @asynccontextmanager
    async def download(
        self, endpoint: Endpoint, data: Data | None = None, *, max_bytes: int = MAX_DOWNLOAD
    ) -> AsyncIterator[Stream]:
        """Open an answer that is a file.

        Other requests may be sent once it has begun; a fragile device is asked nothing before its end, so the caller
        reads must not ask. There is one file at a time.

        Raises:
            IntercomError: As ``call``; also where the device answers a page.
        """
        request = self._request(endpoint, self._method(endpoint, data or {}), data or {})
        async with self._download(endpoint, replace(request, max_bytes=max_bytes)) as stream:
            yield stream

    @asynccontextmanager
    async def fetch(self, path: str, *, max_bytes: int = MAX_DOWNLOAD) -> AsyncIterator[Stream]:
        """Open a file of the device that is no function of the API, as ``download``."""
        async with self._download(None, Request(GET, path, max_bytes=max_bytes)) as stream:
            yield stream

    @asynccontextmanager
    async def _download(self, endpoint: Endpoint | None, request: Request) -> AsyncIterator[Stream]:
        async with self._beside, AsyncExitStack() as turn, AsyncExitStack() as stack:
            await turn.enter_async_context(self._turn)
            pause = TIMEOUTS[Patience.LIST] if endpoint is None else endpoint.timeout
            patient = replace(request, begin=pause, stall=pause)
            answer = await stack.enter_async_context(self._exchange.stream(patient, is_file))
            if not self.fragile:
                await turn.aclose()
            if isinstance(answer, Reply):
                if endpoint is not None:
                    self._result(endpoint, answer)
                raise UnexpectedReply(f"{request.path} answered {answer.content_type}")
            yield answer

    async def _in_turn[T](self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Do something when its turn comes; what takes long goes on beside the others."""
        async with AsyncExitStack() as beside, AsyncExitStack() as turn:
            await turn.enter_async_context(self._turn)
            task = asyncio.create_task(work())
            try:
                await asyncio.wait((task,), timeout=STEP_ASIDE)
                if not task.done() and not self.fragile and await _enter_now(beside, self._beside):
                    await turn.aclose()
                return await task
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)  # also one that failed while nothing waited for it

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
        tries = SPOILED_TRIES if endpoint.repeatable else 0
        while True:
            reply = await self._send(endpoint, request)
            try:
                found = self._result(endpoint, reply)
            except Spoiled:
                if tries:
                    tries -= 1
                    continue
                if not salvage:
                    raise
                found = self._salvaged(endpoint, reply)
            self._methods.setdefault(endpoint, request.method)
            return found

    async def _send(self, endpoint: Endpoint, request: Request) -> Reply:
        if self.fragile and endpoint in self._silent:
            request = replace(request, timeout=min(request.timeout, SILENT_TIMEOUT))
        try:
            reply = await self._exchange.send(request)
        except NoAnswer:
            self._silent.add(endpoint)
            raise
        self._silent.discard(endpoint)
        return reply

    def _salvaged(self, endpoint: Endpoint, reply: Reply) -> Fields:
        """Return a reply that is spoiled each time without the rows that make it so."""
        reader = RowReader(endpoint.path, salvage=True)
        reader.event_stream(reply.body)
        found = result(endpoint, reader.finish().content)
        self.skipped[endpoint.path] += reader.skipped
        return {**found, LIST: [*reader.rows.values()]}

    async def _ask_rows(
        self, endpoint: Endpoint, request: Request, keep: Keep | None = None
    ) -> tuple[RowReader, Fields]:
        tries = SPOILED_TRIES
        patient = replace(request, max_bytes=MAX_LIST, begin=endpoint.timeout, stall=endpoint.timeout)
        while True:
            reader = RowReader(endpoint.path, keep, salvage=not tries)
            try:
                document = await self._read_rows(patient, reader)
            except Spoiled:
                self._exchange.note_answer(clean=False)
                if not tries:
                    raise
                tries -= 1
                continue
            self._exchange.note_answer(clean=document.clean)
            found = result(endpoint, document.content)
            # Where there is one row only, some devices leave the brackets out.
            for row in objects(found.get(LIST)):
                reader.take(row)
            self.skipped[endpoint.path] += reader.skipped
            self._methods.setdefault(endpoint, request.method)
            return reader, found

    async def _read_rows(self, request: Request, reader: RowReader) -> Document:
        async with self._beside, AsyncExitStack() as turn:
            await turn.enter_async_context(self._turn)
            async with self._exchange.stream(request, _anything) as answer:
                if isinstance(answer, Reply):
                    return read(request.path, answer.body)
                async for chunk in answer.chunks():
                    reader.event_stream(chunk)
                    if not self.fragile:
                        await turn.aclose()
                    await asyncio.sleep(0)  # a long list is not to hold the loop
        return reader.finish()

    def _result(self, endpoint: Endpoint, reply: Reply) -> Fields:
        return result(endpoint, self._document(endpoint.path, reply))

    def _document(self, path: str, reply: Reply) -> Fields:
        try:
            document = read(path, reply.body)
        except Spoiled:
            self._exchange.note_answer(clean=False)
            raise
        self._exchange.note_answer(clean=document.clean)
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
            # Without target and action, a device does not look at the path either.
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
    """A group of functions of one device."""

    def __init__(self, client: AkuvoxClient) -> None:
        self._client = client


async def _enter_now(stack: AsyncExitStack, lock: asyncio.Lock) -> bool:
    """Take a lock unless that means to wait for it."""
    with suppress(TimeoutError):
        async with asyncio.timeout(0):
            await stack.enter_async_context(lock)
            return True
    return False


async def _anything(_: Stream) -> bool:
    return True


def _is_nested(data: Data) -> bool:
    return any(not isinstance(value, str | int | float) for value in data.values())
