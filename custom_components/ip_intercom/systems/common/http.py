"""HTTP to a device: bounded in time and size, errors typed, certificate pinned.

Every request carries a time limit and a body limit, redirects are never followed, and a
request that must not run twice is never repeated behind the caller's back.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
import json
import re
import ssl
from urllib.parse import quote

import aiohttp
from aiohttp import (
    ClientHandlerType,
    ClientMiddlewareType,
    ClientRequest,
    ClientResponse,
    Fingerprint,
    FormData,
    JsonPayload,
    MultipartWriter,
)
from yarl import URL

from .errors import (
    AnswerStalled,
    CertificateChanged,
    CertificateInvalid,
    ConnectionFailed,
    InvalidRequest,
    NoAnswer,
    NotReached,
    UnexpectedReply,
)
from .messages import MAX_JSON, Reply, Request, retry_after, unix_time
from .tls import CONNECT_TIMEOUT, OtherCertificate, tls_context
from .upload import FilePart, multipart

# Seconds without a byte after which a picture stands still for good.
STREAM_TIMEOUT = 10.0
# Seconds in which a device takes nothing of an upload after which it is given up; it may write to flash in between.
UPLOAD_STALL = 30.0
_PAGE = re.compile(rb"<!doctype html|<html", re.IGNORECASE)
# The head of a pcap without a packet has 24 bytes: to wait for more could mean to wait for a packet.
_BEGIN = 24

_dumps = partial(json.dumps, ensure_ascii=False, separators=(",", ":"))


class _NoRepeat:
    """Keeps aiohttp from repeating a request whose kept-alive connection broke.

    aiohttp sends a GET or PUT again on a fresh connection. A device may have carried out the
    first one: a dialled call would be dialled twice, and events handed to a lost log pull would
    be passed over in silence.
    """

    def __init__(self) -> None:
        self._broken: Exception | None = None

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        if self._broken is not None:
            raise self._broken
        try:
            return await handler(request)
        except (aiohttp.ClientError, OSError) as err:
            self._broken = err
            raise


class _OneAttempt:
    """Ends the attempt before when an upload is sent again, as after a refusal in the middle of it.

    aiohttp would leave it as it is: still sending, on a connection of its own.
    """

    def __init__(self) -> None:
        self._before: ClientResponse | None = None

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        if self._before is not None:
            self._before.close()
            await self._before.wait_for_close()
        self._before = await handler(request)
        return self._before


class HttpTransport:
    """Requests to one base address.

    Args:
        session: The aiohttp session to use; it is never closed here.
        base: Scheme, host and port of the device.
        fingerprint: SHA-256 of the certificate to insist on (32 bytes), for ``https``.
        verify: Check the certificate against the system's authorities instead.
        legacy: Take the TLS of old devices as well, which cannot be verified: ``verify`` is not looked at.
        below: The path of ``base`` comes before those of all requests.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base: URL,
        *,
        fingerprint: bytes | None = None,
        verify: bool = False,
        legacy: bool = False,
        below: bool = False,
    ) -> None:
        self._session = session
        self.base = base
        self._prefix = base.path.rstrip("/") if below else ""
        self._ssl: bool | Fingerprint | ssl.SSLContext
        if legacy:
            self._ssl = tls_context(legacy=True, fingerprint=fingerprint)
        else:
            self._ssl = verify if fingerprint is None or verify else Fingerprint(fingerprint)

    async def reach(self, patience: float) -> None:
        """See whether anything listens there at all, at the cost of a connection.

        Raises:
            NotReached: Nothing does, or says so within ``patience`` seconds.
        """
        try:
            async with asyncio.timeout(patience):
                _, writer = await asyncio.open_connection(self.base.host, self.base.port)
        except (OSError, TimeoutError) as err:
            raise NotReached(f"nothing listens at port {self.base.port}: {type(err).__name__}") from err
        writer.transport.abort()

    async def request(
        self,
        request: Request,
        *,
        headers: Mapping[str, str] | None = None,
        middlewares: tuple[ClientMiddlewareType, ...] = (),
    ) -> Reply:
        """Send one request and read the whole answer.

        Args:
            request: What to send.
            headers: Extra request headers.
            middlewares: aiohttp middlewares, outermost first.

        Raises:
            ConnectionFailed: The connection broke.
            NoAnswer: No answer in time, or the device took no more of an upload.
            UnexpectedReply: The body is larger than the request allows.
            InvalidRequest: A value cannot be part of a path.
            FileUnreadable: The file to upload cannot be read to its end.
        """
        deadline = asyncio.timeout(request.timeout)
        part: FilePart | None = None
        if request.upload is not None:
            part = FilePart(request.upload, lambda: _extend(deadline, request, part))
            middlewares = (*middlewares, _OneAttempt())
        if not request.repeatable:
            middlewares = (*middlewares, _NoRepeat())
        try:
            async with deadline:
                _extend(deadline, request, part)
                with _translated(request.path):
                    async with await self._send(request, _body(request, part), headers, middlewares) as response:
                        return _reply(response, await _read_bounded(response, request.max_bytes, stall=request.rest))
        except TimeoutError as err:
            if part is not None and not part.is_sent:
                raise NoAnswer(f"{request.path} took no more after {part.sent} bytes") from err
            raise NoAnswer(f"no answer to {request.path} within {request.timeout:g} s") from err
        except ConnectionFailed as err:
            if part is not None and part.failure is not None:
                raise part.failure from err
            raise

    @asynccontextmanager
    async def stream(
        self,
        request: Request,
        *,
        headers: Mapping[str, str] | None = None,
        middlewares: tuple[ClientMiddlewareType, ...] = (),
    ) -> AsyncIterator[Stream]:
        """Open an answer that is long or without end, such as motion JPEG, and hand it over unread.

        Raises:
            ConnectionFailed: The device did not begin to answer in time.
            InvalidRequest: A value cannot be part of a path.
        """
        with _translated(request.path):
            async with asyncio.timeout(request.begin or STREAM_TIMEOUT):
                response = await self._send(
                    request, _body(request, None), headers, middlewares, sock_read=request.stall or STREAM_TIMEOUT
                )
        # What the viewer raises stays theirs: a browser that went away is not a fault of the device.
        try:
            yield Stream(request, response)
        finally:
            response.close()

    async def _send(
        self,
        request: Request,
        data: FormData | MultipartWriter | JsonPayload | None,
        headers: Mapping[str, str] | None,
        middlewares: tuple[ClientMiddlewareType, ...],
        sock_read: float | None = None,
    ) -> ClientResponse:
        if request.json is not None:
            data = JsonPayload(request.json, dumps=_dumps)  # the session's own encoder may be limited to 64 bits
        return await self._session.request(
            request.method,
            _url(self.base, self._prefix, request),
            params=request.params,
            data=data,
            headers=headers,
            middlewares=middlewares,
            ssl=self._ssl,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_TIMEOUT, sock_read=sock_read),
        )


class Stream:
    """An answer that is long or without end.

    Attributes:
        status: HTTP status.
        content_type: Media type with its parameters.
    """

    def __init__(self, request: Request, response: ClientResponse) -> None:
        self._begin = b""
        self.status = response.status
        self.content_type = response.headers.get("Content-Type", "")
        self._request = request
        self._response = response

    async def begin(self, size: int) -> bytes:
        """Return the first ``size`` bytes or more, fewer where there are no more; nothing of it is lost.

        Raises:
            ConnectionFailed: As ``chunks``.
        """
        while len(self._begin) < size and (chunk := await self._read()):
            self._begin += chunk
        return self._begin

    async def chunks(self) -> AsyncIterator[bytes]:
        """Iterate over the bytes as they come.

        Raises:
            ConnectionFailed: The connection broke, or nothing came for ``stall`` seconds.
            UnexpectedReply: More came than the request allows.
        """
        size = 0
        while chunk := self._begin or await self._read():
            self._begin = b""
            size += len(chunk)
            if size > self._request.max_bytes:
                raise _too_large(self._request.max_bytes)
            yield chunk

    async def reply(self) -> Reply:
        """Return the whole answer, where it is a short one after all.

        Raises:
            ConnectionFailed: As ``chunks``.
            UnexpectedReply: It is larger than ``MAX_JSON``.
        """
        with _translated(self._request.path):
            return _reply(self._response, await _read_bounded(self._response, MAX_JSON, self._begin))

    async def _read(self) -> bytes:
        with _translated(self._request.path):
            return await self._response.content.readany()


async def is_file(stream: Stream) -> bool:
    """Tell a file from what a device answers in its place, by its beginning.

    Its media type says little: 2N sends a pcap as application/json, and a refusal is JSON in any case, or a page.
    """
    begin = (await stream.begin(_BEGIN)).lstrip()
    return not (begin.startswith(b"{") or _PAGE.match(begin))


def _url(base: URL, prefix: str, request: Request) -> URL:
    if request.parts is None:
        return base.with_path(prefix + request.path)
    parts = {name: _escaped(name, value) for name, value in request.parts.items()}
    return base.with_path(prefix + request.path.format_map(parts), encoded=True)


def _escaped(name: str, value: str) -> str:
    """Return a value as one segment of a path; ``.`` and ``..`` would be another path however they are escaped."""
    if any(piece in {"", ".", ".."} for piece in value.split("/")):
        raise InvalidRequest("cannot be part of a path", name)
    try:
        return quote(value, safe="")
    except UnicodeEncodeError:
        raise InvalidRequest("cannot be part of a path", name) from None


def _body(request: Request, part: FilePart | None) -> FormData | MultipartWriter | None:
    if part is not None:
        return multipart(part)
    return None if request.form is None else FormData(dict(request.form))


def _extend(deadline: asyncio.Timeout, request: Request, part: FilePart | None) -> None:
    """Give an upload time for its next piece, or for the answer once all is sent."""
    if part is None:
        return
    pause = request.timeout if part.is_sent else UPLOAD_STALL
    with suppress(RuntimeError):  # the request has ended meanwhile
        deadline.reschedule(asyncio.get_running_loop().time() + pause)


@contextmanager
def _translated(path: str) -> Iterator[None]:
    """Turn aiohttp's errors into ours."""
    try:
        yield
    except aiohttp.ServerFingerprintMismatch as err:
        raise CertificateChanged(err.expected, err.got) from err
    except aiohttp.ClientConnectorCertificateError as err:
        if isinstance(other := err.certificate_error, OtherCertificate):
            raise CertificateChanged(other.pinned, other.shown) from err
        raise CertificateInvalid("the device's certificate does not pass verification") from err
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as err:
        raise NotReached(f"no connection for {path}: {type(err).__name__}") from err
    except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, OSError) as err:
        raise ConnectionFailed(f"no answer to {path}: {type(err).__name__}") from err
    except aiohttp.ClientError as err:
        # Its text contains the full address, with any secret in it.
        raise UnexpectedReply(f"not an HTTP answer to {path}: {type(err).__name__}") from None


def _reply(response: ClientResponse, body: bytes) -> Reply:
    return Reply(
        status=response.status,
        content_type=response.content_type,
        body=body,
        challenge=", ".join(response.headers.getall("WWW-Authenticate", [])),
        authorization=response.request_info.headers.get("Authorization", ""),
        location=response.headers.get("Location", ""),
        retry_after=retry_after(response.headers),
        sent_at=unix_time(response.headers.get("Date")),
    )


async def _read_bounded(
    response: ClientResponse, max_bytes: int, begin: bytes = b"", stall: float | None = None
) -> bytes:
    chunks = [begin]
    size = len(begin)
    try:
        async with asyncio.timeout(stall) as patience:
            async for chunk in response.content.iter_any():
                size += len(chunk)
                if size > max_bytes:
                    response.close()
                    raise _too_large(max_bytes)
                chunks.append(chunk)
                if stall is not None:
                    patience.reschedule(asyncio.get_running_loop().time() + stall)
    except TimeoutError as err:
        raise AnswerStalled(f"the answer stopped after {size} bytes") from err
    return b"".join(chunks)


def _too_large(most: int) -> UnexpectedReply:
    return UnexpectedReply(f"the answer is larger than {most} bytes")
