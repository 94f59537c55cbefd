"""HTTP to a device: bounded in time and size, errors typed, certificate pinned.

Every request carries a time limit and a body limit, redirects are never followed, and a
request that must not run twice is never repeated behind the caller's back.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
import hashlib
import re
import secrets
import ssl
from typing import IO, override

import aiohttp
from aiohttp import ClientHandlerType, ClientMiddlewareType, ClientRequest, ClientResponse, Fingerprint, Payload
from aiohttp.abc import AbstractStreamWriter
from yarl import URL

from .errors import CertificateChanged, CertificateInvalid, ConnectionFailed, NoAnswer, NotReached, UnexpectedReply

CONNECT_TIMEOUT = 5.0
REQUEST_TIMEOUT = 10.0
# Seconds without a byte after which a picture stands still for good.
STREAM_TIMEOUT = 10.0
MAX_JSON = 4 * 1024 * 1024
# Bytes of a file that are read and sent at once.
UPLOAD_PIECE = 256 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """A file in a request, as one part of a form.

    Attributes:
        name: Name of the form field.
        filename: Name of the file, as the device may see it.
        content_type: Its media type.
        file: The file, open and seekable; it is read by pieces in the executor.
        size: Its size in bytes.
        progress: Hears on the event loop how many bytes of it are sent.
    """

    name: str
    filename: str
    content_type: str
    file: IO[bytes]
    size: int
    progress: Callable[[int], None] | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What to send, and what it may cost.

    Attributes:
        method: HTTP method.
        path: Absolute path on the device.
        params: Query parameters.
        json: Body to send as JSON.
        timeout: Seconds for everything together; with an upload, seconds without progress.
        max_bytes: The largest body that is read.
        repeatable: False for what must not run twice on the device.
        form: Body to send as a form.
        upload: File to send in a multipart form.
        stall: Seconds without a byte after which a stream is given up.
    """

    method: str
    path: str
    params: Mapping[str, str] | None = None
    json: object = None
    timeout: float = REQUEST_TIMEOUT
    max_bytes: int = MAX_JSON
    repeatable: bool = True
    form: Mapping[str, str] | None = None
    upload: Upload | None = None
    stall: float = STREAM_TIMEOUT


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer: HTTP status, media type without parameters, challenge and body."""

    status: int
    content_type: str
    body: bytes
    challenge: str
    authorization: str


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


class FileForm(Payload):
    """A form with one file in it, of known length, that can be sent more than once.

    A device knows no chunked request, and a challenge may come in the middle of one: then all is sent again.

    Args:
        upload: The file.
        moved: Is called after each piece.
    """

    def __init__(self, upload: Upload, moved: Callable[[], None]) -> None:
        """See the class."""
        boundary = secrets.token_hex(16)
        super().__init__(upload.file, content_type=f"multipart/form-data; boundary={boundary}")
        disposition = f'form-data; name="{upload.name}"; filename="{_plain(upload.filename)}"'
        head = f"--{boundary}\r\nContent-Disposition: {disposition}\r\nContent-Type: {upload.content_type}\r\n\r\n"
        self._upload = upload
        self._moved = moved
        self._head, self._tail = head.encode(), f"\r\n--{boundary}--\r\n".encode()
        self.sent = False

    @property
    @override
    def size(self) -> int:
        """The length of the whole form in bytes."""
        return len(self._head) + self._upload.size + len(self._tail)

    @override
    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Refuse: a file may be larger than the memory."""
        raise TypeError("a file is not held in memory")

    @override
    async def write(self, writer: AbstractStreamWriter) -> None:
        """Send the form from its beginning."""
        self.sent = False
        loop = asyncio.get_running_loop()
        file, left = self._upload.file, self._upload.size
        await writer.write(self._head)
        await loop.run_in_executor(None, file.seek, 0)
        while left and (piece := await loop.run_in_executor(None, file.read, min(left, UPLOAD_PIECE))):
            await writer.write(piece)
            left -= len(piece)
            self._moved()
            if self._upload.progress is not None:
                self._upload.progress(self._upload.size - left)
        if left:
            raise OSError("the file has become shorter")
        await writer.write(self._tail)
        self._moved()
        self.sent = True

    @override
    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """Send the form; its length is known."""
        await self.write(writer)


def _plain(filename: str) -> str:
    """Return a file name that cannot break a header."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", filename)


class HttpTransport:
    """Requests to one base address.

    Args:
        session: The aiohttp session to use; it is never closed here.
        base: Scheme, host and port of the device.
        fingerprint: SHA-256 of the certificate to insist on (32 bytes), for ``https``.
        verify: Check the certificate against the system's authorities instead.
    """

    def __init__(
        self, session: aiohttp.ClientSession, base: URL, *, fingerprint: bytes | None = None, verify: bool = False
    ) -> None:
        """See the class."""
        self._session = session
        self.base = base
        self._ssl: bool | Fingerprint = verify if fingerprint is None or verify else Fingerprint(fingerprint)

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
            ConnectionFailed: No answer in time, or the connection broke.
            UnexpectedReply: The body is larger than the request allows.
        """
        if not request.repeatable:
            middlewares = (*middlewares, _NoRepeat())
        form: FileForm | None = None
        try:
            async with asyncio.timeout(request.timeout) as limit:
                if request.upload is not None:
                    loop = asyncio.get_running_loop()
                    form = FileForm(request.upload, lambda: limit.reschedule(loop.time() + request.timeout))
                with _translated(request.path):
                    sending = self._send(request, headers, middlewares, sock_read=None, form=form)
                    async with await sending as response:
                        return _reply(response, await _read_bounded(response, request.max_bytes))
        except TimeoutError as err:
            text = f"no answer to {request.path} within {request.timeout:g} s"
            raise (NoAnswer(text) if form is not None and form.sent else ConnectionFailed(text)) from err

    @asynccontextmanager
    async def stream(
        self,
        request: Request,
        *,
        headers: Mapping[str, str] | None = None,
        middlewares: tuple[ClientMiddlewareType, ...] = (),
    ) -> AsyncIterator[Stream]:
        """Open an answer without end, such as motion JPEG, and hand it over unread.

        Raises:
            ConnectionFailed: The device did not begin to answer in time.
        """
        with _translated(request.path):
            response = await self._send(request, headers, middlewares, sock_read=request.stall)
        # What whoever looks raises stays theirs: a browser that went away is no fault of the device.
        try:
            yield Stream(request, response)
        finally:
            response.close()

    async def _send(
        self,
        request: Request,
        headers: Mapping[str, str] | None,
        middlewares: tuple[ClientMiddlewareType, ...],
        sock_read: float | None,
        form: FileForm | None = None,
    ) -> ClientResponse:
        return await self._session.request(
            request.method,
            self.base.with_path(request.path),
            params=request.params,
            json=request.json,
            data=request.form if form is None else form,
            headers=headers,
            middlewares=middlewares,
            ssl=self._ssl,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_TIMEOUT, sock_read=sock_read),
        )


class Stream:
    """An answer without end.

    Attributes:
        status: HTTP status.
        content_type: Media type with its parameters.
    """

    def __init__(self, request: Request, response: ClientResponse) -> None:
        """Read on from ``response``, the answer to ``request``."""
        self._begin = b""
        self.status = response.status
        self.content_type = response.headers.get("Content-Type", "")
        self._request = request
        self._response = response

    async def begins_with(self, *starts: bytes) -> bool:
        """Return whether the answer begins with one of ``starts``, white space aside; nothing of it is lost.

        Raises:
            ConnectionFailed: The connection broke, or nothing came for ``stall`` seconds.
        """
        longest = max(map(len, starts))
        while len(self._begin.lstrip()) < longest and (chunk := await self._read()):
            self._begin += chunk
        return self._begin.lstrip().startswith(starts)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Iterate over the bytes as they come.

        Raises:
            ConnectionFailed: The connection broke, or nothing came for ``stall`` seconds.
        """
        begin, self._begin = self._begin, b""
        if begin:
            yield begin
        while chunk := await self._read():
            yield chunk

    async def reply(self) -> Reply:
        """Return the whole answer, where it is no endless one after all.

        Raises:
            ConnectionFailed: The connection broke, or nothing came for ``stall`` seconds.
            UnexpectedReply: The body is larger than the request allows.
        """
        with _translated(self._request.path):
            rest = await _read_bounded(self._response, self._request.max_bytes)
        return _reply(self._response, self._begin + rest)

    async def _read(self) -> bytes:
        with _translated(self._request.path):
            return await self._response.content.readany()


@contextmanager
def _translated(path: str) -> Iterator[None]:
    """Turn aiohttp's errors into ours."""
    try:
        yield
    except aiohttp.ServerFingerprintMismatch as err:
        raise CertificateChanged("the device shows another certificate than before") from err
    except aiohttp.ClientConnectorCertificateError as err:
        raise CertificateInvalid("the device's certificate does not pass verification") from err
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as err:
        raise NotReached(f"no connection for {path}: {type(err).__name__}") from err
    except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, OSError) as err:
        raise ConnectionFailed(f"no answer to {path}: {type(err).__name__}") from err
    except aiohttp.ClientError as err:
        raise UnexpectedReply(f"not an HTTP answer to {path}: {type(err).__name__}") from err


def _reply(response: ClientResponse, body: bytes) -> Reply:
    return Reply(
        status=response.status,
        content_type=response.content_type,
        body=body,
        challenge=response.headers.get("WWW-Authenticate", ""),
        authorization=response.request_info.headers.get("Authorization", ""),
    )


async def _read_bounded(response: ClientResponse, max_bytes: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > max_bytes:
            response.close()
            raise UnexpectedReply(f"the answer is larger than {max_bytes} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


async def certificate_fingerprint(host: str, port: int) -> bytes:
    """Return the SHA-256 of the certificate shown at ``host``:``port``, whoever signed it.

    Raises:
        ConnectionFailed: Nobody listens there, or not with TLS.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
    except (OSError, TimeoutError) as err:
        raise ConnectionFailed(f"nobody speaks TLS at port {port}: {type(err).__name__}") from err
    try:
        certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    finally:
        writer.transport.abort()
    return hashlib.sha256(certificate).digest()
