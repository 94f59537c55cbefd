"""HTTP requests to a device: limited in time and size, with typed errors and a pinned certificate.

Redirects are never followed, and a request that is not repeatable is never sent twice.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import cached_property, partial
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
from .messages import MAX_JSON, FilePart, Reply, Request, multipart, retry_after
from .tls import CONNECT_TIMEOUT, OtherCertificate, tls_context

# Seconds without data after which a stream is given up.
STREAM_TIMEOUT = 10.0
# Seconds without progress after which an upload is given up; devices pause while they write to flash.
UPLOAD_STALL = 30.0
_PAGE = re.compile(rb"<!doctype html|<html", re.IGNORECASE)
# A pcap header has 24 bytes; waiting for more could mean waiting for a packet.
_HEADER_SIZE = 24

_dumps = partial(json.dumps, ensure_ascii=False, separators=(",", ":"))


class _NoRepeat:
    """Prevents aiohttp from repeating a request after a kept-alive connection broke.

    aiohttp repeats GET and PUT on a new connection. The device may have carried out the first request: a call would be
    dialed twice, and the events of a lost log pull would be skipped.
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
    """Ends the previous attempt when a request is repeated, for example after an authentication challenge.

    aiohttp would let an upload continue on its own connection, and hold the connection of a response that never ends.
    """

    def __init__(self) -> None:
        self._previous: ClientResponse | None = None

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        if self._previous is not None:
            self._previous.close()
            await self._previous.wait_for_close()
        self._previous = await handler(request)
        return self._previous

    def close(self) -> None:
        """End the last attempt if no other follows it."""
        if self._previous is not None:
            self._previous.close()


class HttpTransport:
    """Sends requests to one base address.

    Args:
        session: aiohttp session; it is not closed here.
        base: Scheme, host, and port of the device.
        fingerprint: SHA-256 of the pinned certificate (32 bytes), for HTTPS.
        verify: Verify the certificate against the trusted authorities instead.
        legacy: Also accept the outdated TLS of old devices, which cannot be verified: ``verify`` is ignored.
        below: Prefix the path of each request with the path of ``base``.
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
        self._verify, self._legacy = verify, legacy
        if legacy:
            self._ssl = tls_context(legacy=True, fingerprint=fingerprint)
        else:
            self._ssl = verify if fingerprint is None or verify else Fingerprint(fingerprint)

    @cached_property
    def tls(self) -> ssl.SSLContext | None:
        """TLS of other servers of the device, whose certificates may differ; None if they are to be verified."""
        # Only talk needs it, and it takes 25 KiB.
        return None if self._verify and not self._legacy else tls_context(legacy=self._legacy)

    async def check_port(self, patience: float) -> None:
        """Check that the port accepts connections.

        Raises:
            NotReached: It does not within ``patience`` seconds.
        """
        try:
            async with asyncio.timeout(patience):
                _, writer = await asyncio.open_connection(self.base.host, self.base.port)
        except (OSError, TimeoutError) as err:
            raise NotReached(f"no connection to port {self.base.port}: {type(err).__name__}") from err
        writer.transport.abort()

    async def request(
        self,
        request: Request,
        *,
        headers: Mapping[str, str] | None = None,
        middlewares: tuple[ClientMiddlewareType, ...] = (),
    ) -> Reply:
        """Send a request and read the whole response.

        Args:
            middlewares: aiohttp middlewares, outermost first.

        Raises:
            ConnectionFailed: The connection broke.
            NoAnswer: No response in time, or the device stopped reading an upload.
            UnexpectedReply: The body is larger than allowed.
            InvalidRequest: A value cannot be part of a path.
            FileUnreadable: The file to upload cannot be read completely.
        """
        deadline = asyncio.timeout(request.timeout)
        part: FilePart | None = None
        if request.upload is not None:
            part = FilePart(request.upload, lambda: _extend(deadline, request, part))
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
                raise NoAnswer(f"{request.path} stopped reading the upload after {part.sent} bytes") from err
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
        """Open a long or endless response, such as motion JPEG.

        Raises:
            ConnectionFailed: No response began in time.
            InvalidRequest: A value cannot be part of a path.
        """
        with _translated(request.path):
            async with asyncio.timeout(request.begin or STREAM_TIMEOUT):
                response = await self._send(
                    request, _body(request, None), headers, middlewares, sock_read=request.stall or STREAM_TIMEOUT
                )
        # Errors of the consumer pass through unchanged: a disconnected browser is not a failure of the device.
        try:
            yield Stream(request, response)
        finally:
            response.close()

    async def _send(
        self,
        request: Request,
        data: FormData | MultipartWriter | JsonPayload | bytes | None,
        headers: Mapping[str, str] | None,
        middlewares: tuple[ClientMiddlewareType, ...],
        sock_read: float | None = None,
    ) -> ClientResponse:
        if request.json is not None:
            data = JsonPayload(request.json, dumps=_dumps)  # the session's encoder may be limited to 64-bit integers
        attempt = _OneAttempt()
        try:
            return await self._session.request(
                request.method,
                _url(self.base, self._prefix, request),
                params=request.params,
                data=data,
                headers=headers,
                middlewares=(*middlewares, attempt),
                ssl=self._ssl,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_TIMEOUT, sock_read=sock_read),
            )
        except BaseException as err:
            attempt.close()
            # aiohttp has no error of its own for it, and fails with either, depending on the moment.
            if self._session.closed and isinstance(err, (AssertionError, RuntimeError)):
                raise ConnectionFailed("the session is closed") from err
            raise


class Stream:
    """A long or endless response.

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
        """Return the first ``size`` bytes or more, fewer at the end of the stream; ``chunks`` returns them again.

        Raises:
            ConnectionFailed: As ``chunks``.
        """
        while len(self._begin) < size and (chunk := await self._read()):
            self._begin += chunk
        return self._begin

    async def chunks(self) -> AsyncIterator[bytes]:
        """Iterate over the data as it arrives.

        Raises:
            ConnectionFailed: The connection broke, or no data arrived for ``stall`` seconds.
            UnexpectedReply: The response is larger than allowed.
        """
        size = 0
        while chunk := self._begin or await self._read():
            self._begin = b""
            size += len(chunk)
            if size > self._request.max_bytes:
                raise _too_large(self._request.max_bytes)
            yield chunk

    async def reply(self) -> Reply:
        """Return the whole response, if it is a short one.

        Raises:
            ConnectionFailed: As ``chunks``.
            UnexpectedReply: The response is larger than ``MAX_JSON``.
        """
        with _translated(self._request.path):
            return _reply(self._response, await _read_bounded(self._response, MAX_JSON, self._begin))

    async def _read(self) -> bytes:
        with _translated(self._request.path):
            # aiohttp's own limit ends with the connection, and data that breaks off then may leave the reader waiting.
            async with asyncio.timeout(self._request.stall or STREAM_TIMEOUT):
                return await self._response.content.readany()


async def is_file(stream: Stream) -> bool:
    """Return whether a response is a file, not an error message, by its first bytes.

    The media type is unreliable: 2N sends a pcap as application/json, and errors are JSON or HTML.
    """
    begin = (await stream.begin(_HEADER_SIZE)).lstrip()
    return not (begin.startswith(b"{") or _PAGE.match(begin))


def _url(base: URL, prefix: str, request: Request) -> URL:
    if request.parts is None:
        return base.with_path(prefix + request.path)
    parts = {name: _escaped(name, value) for name, value in request.parts.items()}
    return base.with_path(prefix + request.path.format_map(parts), encoded=True)


def _escaped(name: str, value: str) -> str:
    """Return a value as one path segment; ``.`` and ``..`` would change the path even if escaped."""
    if any(piece in {"", ".", ".."} for piece in value.split("/")):
        raise InvalidRequest("cannot be part of a path", name)
    try:
        return quote(value, safe="")
    except UnicodeEncodeError:
        raise InvalidRequest("cannot be part of a path", name) from None


def _body(request: Request, part: FilePart | None) -> FormData | MultipartWriter | bytes | None:
    if part is not None:
        return multipart(part)
    if request.content is not None:
        return request.content
    return None if request.form is None else FormData(dict(request.form))


def _extend(deadline: asyncio.Timeout, request: Request, part: FilePart | None) -> None:
    """Extend the deadline of an upload for its next piece, or for the response after the last one."""
    if part is None:
        return
    pause = request.timeout if part.is_sent else UPLOAD_STALL
    with suppress(RuntimeError):  # the request has already ended
        deadline.reschedule(asyncio.get_running_loop().time() + pause)


@contextmanager
def _translated(path: str) -> Iterator[None]:
    """Convert the errors of aiohttp to those of this package."""
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
        # The message contains the complete URL, including secrets.
        raise UnexpectedReply(f"not an HTTP answer to {path}: {type(err).__name__}") from None


def _reply(response: ClientResponse, body: bytes) -> Reply:
    return Reply(
        status=response.status,
        content_type=response.content_type,
        body=body,
        challenge=", ".join(response.headers.getall("WWW-Authenticate", [])),
        authorization=response.request_info.headers.get("Authorization", ""),
        location=response.headers.get("Location", ""),
        server=response.headers.get("Server", ""),
        retry_after=retry_after(response.headers),
        date=response.headers.get("Date"),
    )


async def _read_bounded(
    response: ClientResponse, max_bytes: int, begin: bytes = b"", stall: float | None = None
) -> bytes:
    chunks = [begin]
    size = len(begin)
    try:
        async with asyncio.timeout(stall) as deadline:
            async for chunk in response.content.iter_any():
                size += len(chunk)
                if size > max_bytes:
                    response.close()
                    raise _too_large(max_bytes)
                chunks.append(chunk)
                if stall is not None:
                    deadline.reschedule(asyncio.get_running_loop().time() + stall)
    except TimeoutError as err:
        raise AnswerStalled(f"the answer stopped after {size} bytes") from err
    return b"".join(chunks)


def _too_large(most: int) -> UnexpectedReply:
    return UnexpectedReply(f"the answer is larger than {most} bytes")
