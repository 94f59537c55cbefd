"""Reading a request's body piece by piece, with the hash that Digest with auth-int needs."""

from email.message import Message
import hashlib

from aiohttp import web

from tests.simulators.common.blob import KIB, MIB, Blob, Limit

# Of a firmware only the header is looked at. The limits are guesses.
LIMITS = {"file": Limit(KIB, 256 * MIB), "config": Limit(8 * MIB, 8 * MIB)}
OTHER = Limit(64 * KIB, 64 * KIB)
MOST_JSON = MIB


def _md5() -> hashlib._Hash:
    return hashlib.md5(usedforsecurity=False)


class Body:
    """What a request brought."""

    def __init__(self) -> None:
        """Begin empty."""
        self.hash = _md5()
        self.data = bytearray()
        self.files: dict[str, Blob] = {}
        self.broken = False

    async def read(self, request: web.BaseRequest) -> None:
        """Read the whole body; only the parts of a form that the device needs are kept."""
        form: Form | None = None
        if request.content_type == "multipart/form-data":
            header = Message()
            header["Content-Type"] = request.headers["Content-Type"]
            form = Form(str(header.get_param("boundary", "")), self.files)
        while chunk := await request.content.readany():
            self.hash.update(chunk)
            if form is not None:
                form.feed(chunk)
            elif len(self.data) + len(chunk) <= MOST_JSON:
                self.data += chunk
            else:
                self.broken = True
        if (form is not None and not form.complete) or any(blob.too_big for blob in self.files.values()):
            self.broken = True


class Form:
    """A parser of multipart/form-data that is fed with pieces."""

    def __init__(self, boundary: str, files: dict[str, Blob]) -> None:
        """Parts go to `files` by their name."""
        self._delimiter = f"\r\n--{boundary}".encode()
        # The first delimiter has no line before it.
        self._buffer = bytearray(b"\r\n")
        self._files = files
        self._part: Blob | None = None
        self._in_head = False
        self.complete = False

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self._buffer += chunk
        while not self.complete and (self._head() if self._in_head else self._content()):
            pass

    def _content(self) -> bool:
        """Append the bytes up to the next delimiter to the part; False if more are needed."""
        place = self._buffer.find(self._delimiter)
        # What follows the delimiter says whether it was the last.
        if place >= 0 and len(self._buffer) < place + len(self._delimiter) + 2:
            end = place
        else:
            end = place if place >= 0 else max(0, len(self._buffer) - len(self._delimiter))
        if self._part is not None:
            self._part.feed(bytes(self._buffer[:end]))
        del self._buffer[:end]
        if place < 0 or len(self._buffer) < len(self._delimiter) + 2:
            return False
        after = bytes(self._buffer[len(self._delimiter) : len(self._delimiter) + 2])
        del self._buffer[: len(self._delimiter) + 2]
        self.complete = after == b"--"
        self._in_head = not self.complete
        return True

    def _head(self) -> bool:
        """Read the lines before the content; False waits for more."""
        head, blank, _ = bytes(self._buffer).partition(b"\r\n\r\n")
        if not blank:
            return False
        del self._buffer[: len(head) + 4]
        headers = Message()
        for line in head.decode("utf-8", "replace").split("\r\n"):
            name, _, value = line.partition(":")
            headers[name.strip()] = value.strip()
        name = str(headers.get_param("name", "", "Content-Disposition"))
        self._part = self._files[name] = Blob(LIMITS.get(name, OTHER), hash=_md5())
        self._in_head = False
        return True
