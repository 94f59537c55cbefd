"""HTTP requests, uploads, and replies as data; overload, redirects, and ``Retry-After``."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from io import BytesIO
import json
from threading import Lock
from typing import IO, override
from urllib.parse import urlsplit

from aiohttp import MultipartWriter
from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload

from .errors import (
    FileUnreadable,
    IntercomError,
    Overloaded,
    Redirected,
    SecureConnectionRequired,
    Throttled,
    UnexpectedReply,
)

REQUEST_TIMEOUT = 10.0
MAX_JSON = 4 * 1024 * 1024
# The longest pause in seconds that a device or server can request.
MAX_RETRY_AFTER = 300.0
_OVERLOADS: Mapping[int, type[IntercomError]] = {429: Throttled, 503: Overloaded}

# Bytes per read in the executor.
PIECE = 128 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to upload from disk, or from memory if ``file`` is a ``BytesIO``.

    Attributes:
        name: The form field, such as ``blob-fw``.
        filename: File name to send.
        content_type: Media type.
        file: Open and seekable; it is read from the beginning in the executor and stays open.
        size: Length in bytes; no more is sent.
        progress: Called on the event loop with the number of bytes sent; starts at zero again for a new attempt.
    """

    name: str
    filename: str
    content_type: str
    file: IO[bytes] = field(repr=False)
    size: int
    progress: Callable[[int], None] | None = field(default=None, repr=False)


def json_upload(name: str, value: object) -> Upload:
    """Return a value as an upload of a JSON file."""
    content = json.dumps(value).encode()
    return Upload(name, f"{name}.json", "application/json", BytesIO(content), len(content))


class FilePart(Payload):
    """The file part of a form.

    It can be sent again while a previous attempt still runs, because each piece is read by its offset. aiohttp's own
    file payload closes the file after the request, and two attempts would share one read position.
    """

    _value: Upload

    def __init__(self, upload: Upload, on_piece: Callable[[], None]) -> None:
        super().__init__(upload, content_type=upload.content_type)
        self.set_content_disposition("form-data", name=upload.name, filename=upload.filename)
        self._size = upload.size
        self._on_piece = on_piece
        self._reading = Lock()
        self.sent = 0
        self.failure: FileUnreadable | None = None

    @property
    def is_sent(self) -> bool:
        """Whether the whole file was written to the connection."""
        return self.sent >= self._value.size

    @override
    async def write(self, writer: AbstractStreamWriter) -> None:
        """Send the file in pieces."""
        upload, loop, sent = self._value, asyncio.get_running_loop(), 0
        self.sent = 0
        while sent < upload.size:
            try:
                piece = await loop.run_in_executor(None, self._read, sent, min(PIECE, upload.size - sent))
            except (EOFError, OSError, ValueError) as err:  # a closed file raises ValueError
                self.failure = FileUnreadable(f"{upload.filename} cannot be read: {type(err).__name__}")
                raise
            await writer.write(piece)
            self.sent = sent = sent + len(piece)
            self._on_piece()
            if upload.progress is not None:
                upload.progress(sent)

    def _read(self, place: int, size: int) -> bytes:
        with self._reading:
            self._value.file.seek(place)
            piece = self._value.file.read(size)
        if not piece:
            raise EOFError
        return piece

    @override
    async def as_bytes(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """Return the whole file: Digest needs it for ``auth-int``, which no known 2N requires."""
        return await asyncio.get_running_loop().run_in_executor(None, self._read, 0, self._value.size)

    @override
    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Return the whole file as text."""
        return self._read(0, self._value.size).decode(encoding, errors)


def multipart(part: Payload) -> MultipartWriter:
    """Return a form with one part; its length is known, so it is not sent chunked."""
    writer = MultipartWriter("form-data")
    writer.append_payload(part)
    return writer


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request and its limits.

    Attributes:
        method: HTTP method.
        path: Absolute path on the device.
        params: Query parameters.
        json: Body to send as JSON.
        timeout: Seconds for the whole request; with an upload, from its last byte to the response.
        max_bytes: Size limit of the response body.
        repeatable: False if the device must not execute it twice.
        form: Body to send as a form.
        content: Body to send as it is; its media type is in the headers.
        upload: File to send as a multipart form.
        stall: Seconds without data after which a stream is given up; None for ``STREAM_TIMEOUT``.
        rest: Seconds without data after which a begun response is given up; None for no limit but ``timeout``.
        begin: Seconds until a stream must begin; None for ``STREAM_TIMEOUT``.
        parts: Values for the placeholders of the path. They are escaped and do not appear in errors.
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
    content: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete response.

    Attributes:
        status: HTTP status.
        content_type: Media type without parameters.
        body: The whole body.
        challenge: ``WWW-Authenticate``, several headers joined with commas.
        authorization: ``Authorization`` of the request.
        location: Target of a redirect.
        server: ``Server``, the name of the software.
        retry_after: Seconds to wait before the next request, None if not given.
        date: ``Date``, the time of the response on the sender's clock; None if not given.
    """

    status: int
    content_type: str
    body: bytes = field(repr=False)
    challenge: str
    authorization: str = field(repr=False)
    location: str = ""
    server: str = ""
    retry_after: float | None = None
    date: str | None = None

    @property
    def sent_at(self) -> float | None:
        """Return ``date`` in Unix seconds, None if it is missing or invalid."""
        return unix_time(self.date)


def unix_time(date: str | None) -> float | None:
    """Return a ``Date`` header in Unix seconds, None if it is missing or invalid."""
    try:
        return None if date is None else _parse_date(date).timestamp()
    except ValueError, OverflowError:
        return None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of ``Retry-After`` (RFC 9110, 10.2.3), None if it is missing or invalid.

    A date is relative to the sender's ``Date``, because its clock may be wrong. The result is limited to
    ``MAX_RETRY_AFTER``, so that a faulty value cannot disable a doorbell for a day.
    """
    if not (value := headers.get("Retry-After", "").strip()):
        return None
    try:
        seconds = float(value) if value.isascii() and value.isdecimal() else _seconds_until(value, headers.get("Date"))
    except ValueError:
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER)


def _seconds_until(date: str, now: str | None) -> float:
    present = datetime.now(UTC) if now is None else _parse_date(now)
    return (_parse_date(date) - present).total_seconds()


def _parse_date(date: str) -> datetime:
    found = parsedate_to_datetime(date)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def overload(path: str, reply: Reply) -> IntercomError | None:
    """Return the error of the statuses 429 and 503, None for all others."""
    kind = _OVERLOADS.get(reply.status)
    if kind is None:
        return None
    err = kind(f"{path} answered {reply.status}")
    err.retry_after = reply.retry_after
    return err


def redirect(reply: Reply) -> Redirected | None:
    """Return the redirect of a response, None if it is not one."""
    if not (HTTPStatus.MULTIPLE_CHOICES <= reply.status < HTTPStatus.BAD_REQUEST and reply.location):
        return None
    try:
        return Redirected(reply.location)
    except ValueError:
        return None  # not a valid URL


def sent_on(path: str, location: str, service: str, is_same: Callable[[str], bool]) -> IntercomError:
    """Return the error of a redirected API request: HTTPS is required, or another server responds (captive portal).

    Args:
        location: Target of the redirect.
        service: Name of the API for the user.
        is_same: Returns whether a path is the one requested.
    """
    try:
        to = urlsplit(location)
    except ValueError:
        return UnexpectedReply(f"{path} is redirected to an invalid URL")
    if to.scheme == "https" and is_same(to.path):
        return SecureConnectionRequired(service)
    return Redirected(location) if to.netloc else UnexpectedReply(f"{path} does not exist any more")
