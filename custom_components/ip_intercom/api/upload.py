"""Files on their way to a device: read from disk by pieces, sent as multipart/form-data with a length."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import IO, Any, override

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
        progress: Told how many bytes are sent so far, on the event loop; begins anew if they are sent again.
    """

    name: str
    filename: str
    content_type: str
    file: IO[bytes] = field(repr=False)
    size: int
    progress: Callable[[int], None] | None = field(default=None, repr=False)


class FilePart(Payload):
    """The part of a form that is a file.

    It can be written again from the beginning, even while an attempt before is not quite over: each
    piece is read by its place. aiohttp's own part for files closes the file after the request, and
    two attempts would read from the same place in turn.
    """

    _value: Upload
    _autoclose = True  # the file belongs to whoever opened it

    def __init__(self, upload: Upload, sent: Callable[[int], None] | None = None) -> None:
        """Send ``upload``, telling ``sent`` of each piece before its own ``progress``."""
        super().__init__(upload, content_type=upload.content_type)
        self.set_content_disposition("form-data", name=upload.name, filename=upload.filename)
        self._size = upload.size
        self._sent = sent
        self._reading = Lock()
        self.failure: FileUnreadable | None = None

    @override
    async def write(self, writer: AbstractStreamWriter) -> None:
        """Send the file piece by piece."""
        upload, loop, done = self._value, asyncio.get_running_loop(), 0
        while done < upload.size:
            try:
                piece = await loop.run_in_executor(None, self._read, done, min(PIECE, upload.size - done))
            except (OSError, ValueError) as err:  # a ValueError is a closed file
                self.failure = FileUnreadable(f"{upload.filename} cannot be read: {type(err).__name__}")
                raise
            await writer.write(piece)
            done += len(piece)
            for told in (self._sent, upload.progress):
                if told is not None:
                    told(done)

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
