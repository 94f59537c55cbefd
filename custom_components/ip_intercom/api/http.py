"""HTTP to a device: bounded in time and size, errors typed, certificate pinned.

Every request carries a time limit and a body limit, redirects are never followed, and a
request that must not run twice is never repeated behind the caller's back.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
import hashlib
import ssl

import aiohttp
from aiohttp import ClientHandlerType, ClientMiddlewareType, ClientRequest, ClientResponse, Fingerprint
from yarl import URL

from .errors import CertificateChanged, CertificateInvalid, ConnectionFailed, NotReached, UnexpectedReply

CONNECT_TIMEOUT = 5.0
REQUEST_TIMEOUT = 10.0
# Seconds without a byte after which a picture stands still for good.
STREAM_TIMEOUT = 10.0
MAX_JSON = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """What to send, and what it may cost.

    Attributes:
        method: HTTP method.
        path: Absolute path on the device.
        params: Query parameters.
        json: Body to send as JSON.
        timeout: Seconds for everything together.
        max_bytes: The largest body that is read.
        repeatable: False for what must not run twice on the device.
    """

    method: str
    path: str
    params: Mapping[str, str] | None = None
    json: object = None
    timeout: float = REQUEST_TIMEOUT
    max_bytes: int = MAX_JSON
    repeatable: bool = True


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
        try:
            async with asyncio.timeout(request.timeout):
                with _translated(request.path):
                    async with await self._send(request, headers, middlewares, sock_read=None) as response:
                        return _reply(response, await _read_bounded(response, request.max_bytes))
        except TimeoutError as err:
            raise ConnectionFailed(f"no answer to {request.path} within {request.timeout:g} s") from err

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
            response = await self._send(request, headers, middlewares, sock_read=STREAM_TIMEOUT)
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
    ) -> ClientResponse:
        return await self._session.request(
            request.method,
            self.base.with_path(request.path),
            params=request.params,
            json=request.json,
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
        self.status = response.status
        self.content_type = response.headers.get("Content-Type", "")
        self._request = request
        self._response = response

    async def chunks(self) -> AsyncIterator[bytes]:
        """Iterate over the bytes as they come.

        Raises:
            ConnectionFailed: The connection broke, or nothing came for ``STREAM_TIMEOUT`` seconds.
        """
        while chunk := await self._read():
            yield chunk

    async def reply(self) -> Reply:
        """Return the whole answer, where it is no endless one after all.

        Raises:
            ConnectionFailed: The connection broke, or nothing came for ``STREAM_TIMEOUT`` seconds.
            UnexpectedReply: The body is larger than the request allows.
        """
        with _translated(self._request.path):
            return _reply(self._response, await _read_bounded(self._response, self._request.max_bytes))

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
