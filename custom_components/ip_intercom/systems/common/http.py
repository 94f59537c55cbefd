"""HTTP to a device: bounded in time and size, errors typed, certificate pinned.

Every request carries a time limit and a body limit, redirects are never followed, and a
request that must not run twice is never repeated behind the caller's back.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
import hashlib
from http import HTTPStatus
import json
import re
import ssl
from urllib.parse import quote, urlsplit

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
    IntercomError,
    InvalidRequest,
    NoAnswer,
    NotReached,
    Overloaded,
    Redirected,
    SecureConnectionRequired,
    Throttled,
    TlsRefused,
    UnexpectedReply,
)
from .tls import OtherCertificate, tls_context
from .upload import FilePart, Upload, multipart

__all__ = [
    "HttpTransport",
    "Reply",
    "Request",
    "Stream",
    "Upload",
    "any_certificate_fingerprint",
    "certificate_fingerprint",
    "is_file",
    "overload",
    "redirect",
    "trusted_certificate",
]

CONNECT_TIMEOUT = 5.0
REQUEST_TIMEOUT = 10.0
# Seconds without a byte after which a picture stands still for good.
STREAM_TIMEOUT = 10.0
# Seconds in which a device takes nothing of an upload after which it is given up; it may write to flash in between.
UPLOAD_STALL = 30.0
MAX_JSON = 4 * 1024 * 1024
# The longest wish to be left alone that is heeded, in seconds.
MAX_RETRY_AFTER = 300.0
_OVERLOADS: Mapping[int, type[IntercomError]] = {429: Throttled, 503: Overloaded}
_PAGE = re.compile(rb"<!doctype html|<html", re.IGNORECASE)
# The head of a pcap without a packet has 24 bytes: to wait for more could mean to wait for a packet.
_BEGIN = 24

_dumps = partial(json.dumps, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Request:
    """What to send, and what it may cost.

    Attributes:
        method: HTTP method.
        path: Absolute path on the device.
        params: Query parameters.
        json: Body to send as JSON.
        timeout: Seconds for everything together; with an upload, from its last byte to the answer.
        max_bytes: The largest body that is read.
        repeatable: False for what must not run twice on the device.
        form: Body to send as a form.
        upload: File to send in a multipart form.
        stall: Seconds without a byte after which a stream is given up; None for ``STREAM_TIMEOUT``.
        rest: Seconds without a byte after which an answer that has begun is given up; None for ``timeout`` alone.
        begin: Seconds after which a stream that has not begun is given up; None for ``STREAM_TIMEOUT``.
        parts: Values for the names in braces of the path. They are escaped, and no error tells them.
    """

    method: str
    path: str
    params: Mapping[str, str] | None = field(default=None, repr=False)
    json: object = field(default=None, repr=False)
    timeout: float = REQUEST_TIMEOUT
    max_bytes: int = MAX_JSON
    repeatable: bool = True
    form: Mapping[str, str] | None = field(default=None, repr=False)
    upload: Upload | None = None
    stall: float | None = None
    begin: float | None = None
    parts: Mapping[str, str] | None = field(default=None, repr=False)
    rest: float | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer.

    Attributes:
        status: HTTP status.
        content_type: Media type without parameters.
        body: All of it.
        challenge: What ``WWW-Authenticate`` says, several of them with commas in between.
        authorization: The credentials that the request brought.
        location: Where a redirect leads.
        retry_after: Seconds for which the sender asks to be left alone, None where it does not.
        sent_at: When it was sent by the sender's clock, in Unix seconds; None where it does not say.
    """

    status: int
    content_type: str
    body: bytes = field(repr=False)
    challenge: str
    authorization: str = field(repr=False)
    location: str = ""
    retry_after: float | None = None
    sent_at: float | None = None


class _HandshakeReset(NotReached):
    """The connection was reset during the TLS handshake: as some devices do to a TLS that is too new for them."""


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
        sent_at=_unix_time(response.headers.get("Date")),
    )


def _unix_time(date: str | None) -> float | None:
    try:
        return None if date is None else _moment(date).timestamp()
    except ValueError, OverflowError:
        return None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return for how many seconds ``Retry-After`` asks to be left alone (RFC 9110, 10.2.3).

    A date counts from the sender's own ``Date``: its clock may be wrong. No wish is heeded for longer than
    ``MAX_RETRY_AFTER``, so that a slip of a device silences no doorbell for a day.
    """
    wish = headers.get("Retry-After", "").strip()
    try:
        seconds = float(wish) if wish.isascii() and wish.isdecimal() else _seconds_until(wish, headers.get("Date"))
    except ValueError:
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER)


def _seconds_until(date: str, now: str | None) -> float:
    present = datetime.now(UTC) if now is None else _moment(now)
    return (_moment(date) - present).total_seconds()


def _moment(date: str) -> datetime:
    found = parsedate_to_datetime(date)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def overload(path: str, reply: Reply) -> IntercomError | None:
    """Return what the statuses 429 and 503 mean, None for all others."""
    kind = _OVERLOADS.get(reply.status)
    if kind is None:
        return None
    err = kind(f"{path} answered {reply.status}")
    err.retry_after = reply.retry_after
    return err


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


def redirect(reply: Reply) -> Redirected | None:
    """Return where an answer sends requests on to, None where it does not."""
    if not (HTTPStatus.MULTIPLE_CHOICES <= reply.status < HTTPStatus.BAD_REQUEST and reply.location):
        return None
    try:
        return Redirected(reply.location)
    except ValueError:
        return None  # no address at all


def sent_on(path: str, location: str, service: str, is_same: Callable[[str], bool]) -> IntercomError:
    """Return what it means that an API sends a request on: to HTTPS, or to another page, as a captive portal does.

    Args:
        path: What was asked.
        location: Where the redirect leads.
        service: The API, for the user.
        is_same: Returns whether a path there is that of what was asked.
    """
    try:
        to = urlsplit(location)
    except ValueError:
        return UnexpectedReply(f"{path} is sent on to no address")
    if to.scheme == "https" and is_same(to.path):
        return SecureConnectionRequired(service)
    return Redirected(location) if to.netloc else UnexpectedReply(f"{path} is not there any more")


async def any_certificate_fingerprint(host: str, port: int) -> tuple[bytes, bool]:
    """Return the SHA-256 of a certificate, and whether only the TLS of old devices brought it to light.

    Raises:
        ConnectionFailed: As ``certificate_fingerprint``.
    """
    try:
        return await certificate_fingerprint(host, port), False
    except TlsRefused, _HandshakeReset:
        return await certificate_fingerprint(host, port, legacy=True), True


async def trusted_certificate(host: str, port: int, *, verify: bool) -> tuple[bytes, bool]:
    """Return what ``any_certificate_fingerprint`` does, of a certificate that ``verify`` wants checked.

    Raises:
        CertificateInvalid: It is to be verified, which the TLS of old devices does not allow.
        ConnectionFailed: As ``certificate_fingerprint``.
    """
    fingerprint, legacy = await any_certificate_fingerprint(host, port)
    if verify and legacy:
        raise CertificateInvalid("the device's TLS is too old for its certificate to be verified")
    return fingerprint, legacy


async def certificate_fingerprint(host: str, port: int, *, legacy: bool = False) -> bytes:
    """Return the SHA-256 of the certificate shown at ``host``:``port``, whether or not it is signed.

    Args:
        host: Whom to ask.
        port: Where.
        legacy: Take the TLS of old devices as well.

    Raises:
        TlsRefused: The port is open, but not with a supported TLS version.
        NotReached: The port is closed, or does not respond.
    """
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            _, writer = await asyncio.open_connection(host, port, ssl=tls_context(legacy=legacy))
    except ssl.SSLError as err:
        raise TlsRefused(f"no TLS with port {port}: {err.reason}") from err
    except (ConnectionAbortedError, ConnectionResetError) as err:
        raise _HandshakeReset(f"no TLS with port {port}: {type(err).__name__}") from err
    except (OSError, TimeoutError) as err:
        raise NotReached(f"nobody speaks TLS at port {port}: {type(err).__name__}") from err
    try:
        certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    finally:
        writer.transport.abort()
    return hashlib.sha256(certificate).digest()
