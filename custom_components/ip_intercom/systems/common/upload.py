"""Uploads to a device: read from disk in chunks, sent as multipart/form-data with a length."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
import json
from threading import Lock
from typing import IO, override

from aiohttp import MultipartWriter
from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload

from .errors import FileUnreadable

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
