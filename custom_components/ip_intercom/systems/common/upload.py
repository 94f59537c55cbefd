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

# One trip to the executor for each.
PIECE = 128 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """What a request sends from disk, or from memory where ``file`` is a ``BytesIO``.

    Attributes:
        name: The form field, such as ``blob-fw``.
        filename: The name to tell the device.
        content_type: Its media type.
        file: Open and seekable; it is read from its beginning in the executor, and stays open.
        size: Its length in bytes; no more is sent.
        progress: Told how many bytes are sent so far, on the event loop; starts again if they are sent again.
    """

    name: str
    filename: str
    content_type: str
    file: IO[bytes] = field(repr=False)
    size: int
    progress: Callable[[int], None] | None = field(default=None, repr=False)


def json_upload(name: str, value: object) -> Upload:
    """Return a value that a device takes as a file of JSON."""
    content = json.dumps(value).encode()
    return Upload(name, f"{name}.json", "application/json", BytesIO(content), len(content))


class FilePart(Payload):
    """The part of a form that is a file.

    It can be written again from the beginning, even while an attempt before is not quite over: each
    piece is read by its place. aiohttp's own part for files closes the file after the request, and
    two attempts would read from the same place in turn.
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
        """Whether all of it was handed to the connection."""
        return self.sent >= self._value.size

    @override
    async def write(self, writer: AbstractStreamWriter) -> None:
        """Send the file piece by piece."""
        upload, loop, sent = self._value, asyncio.get_running_loop(), 0
        self.sent = 0
        while sent < upload.size:
            try:
                piece = await loop.run_in_executor(None, self._read, sent, min(PIECE, upload.size - sent))
            except (EOFError, OSError, ValueError) as err:  # a closed file is a ValueError
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
        """Return the whole file: Digest needs it for ``auth-int``, which no 2N is known to ask for."""
        return await asyncio.get_running_loop().run_in_executor(None, self._read, 0, self._value.size)

    @override
    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Return the whole file as text."""
        return self._read(0, self._value.size).decode(encoding, errors)


def multipart(part: Payload) -> MultipartWriter:
    """Return a form with one part; its length is known beforehand, so nothing is sent in chunks."""
    writer = MultipartWriter("form-data")
    writer.append_payload(part)
    return writer
