"""A long list of an Akuvox, read row by row as it arrives: 10,000 users are 5 MB."""

import codecs
from collections.abc import Callable
import re

from ..errors import UnexpectedReply
from ..parse import Fields, decode_json_prefix, integer, text
from .envelope import Document, Spoiled, mend, read

# What a device gives at once that knows pages, or gives pages unasked (field notes 10).
PAGE = 10
MAX_LIST = 64 * 1024 * 1024
_MAX_ROW = 1024 * 1024
_MAX_PAGES = 10_000
_MAX_HEAD = 4 * 1024 * 1024

type Keep = Callable[[Fields], bool]

_ROWS = re.compile(r'(?<!\\)"(?:item|data)"\s*:\s*\[')


class RowReader:
    """Reads the rows of one reply, and keeps those that are wanted.

    Attributes:
        rows: The rows that ``keep`` wants, by their ID; all of them without ``keep``.
        ids: The IDs of all rows; a row without one goes by its content.
    """

    def __init__(self, path: str, keep: Keep | None = None) -> None:
        """Read the reply of ``path``."""
        self.rows: dict[str, Fields] = {}
        self.ids: set[str] = set()
        self._path = path
        self._keep = keep
        self._decode = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode
        self._unread = ""
        self._head: str | None = None
        self._ended = False
        self._foreign = False

    def feed(self, chunk: bytes, *, final: bool = False) -> None:
        """Read on.

        Raises:
            Spoiled: A row without end.
            UnexpectedReply: Too much that is no row.
        """
        decoded = self._decode(chunk, final)
        self._foreign = self._foreign or mend(decoded) != decoded
        self._unread += mend(decoded)
        if self._head is None and (found := _ROWS.search(self._unread)) is not None:
            self._head, self._unread = self._unread[: found.end()], self._unread[found.end() :]
        if self._head is not None and not self._ended:
            self._take_rows()
        if len(self._unread) > (_MAX_HEAD if self._head is None else _MAX_ROW):
            if self._head is None or self._ended:
                raise UnexpectedReply(f"{self._path} answered too much")
            raise Spoiled(f"{self._path} answered a row without end")

    def finish(self) -> Document:
        """Return the reply without its rows, or as it is where it has none.

        Raises:
            Spoiled: It is no JSON, or cut off.
            UnexpectedReply: It is something else, such as a page.
        """
        self.feed(b"", final=True)
        if self._head is not None and not self._ended:
            raise Spoiled(f"{self._path} was cut off")
        document = read(self._path, ((self._head or "") + self._unread).encode("utf-8", "surrogateescape"))
        return Document(document.content, clean=document.clean and not self._foreign)

    def take(self, row: Fields) -> None:
        """Note a row."""
        number = text(row.get("ID")) or repr(row)
        self.ids.add(number)
        if self._keep is None or self._keep(row):
            self.rows[number] = row

    def is_last(self, page: int, known: int, data: Fields) -> bool:
        """Tell whether no page follows that may have more rows; ``num`` is the size of the list or of the page."""
        size = integer(data.get("num")) or 0
        return len(self.ids) != PAGE or (size > PAGE and known >= size) or page >= _MAX_PAGES

    def _take_rows(self) -> None:
        position, unread = 0, self._unread
        while True:
            while position < len(unread) and unread[position] in " \t\r\n,":
                position += 1
            if position == len(unread):
                break
            if unread[position] == "]":
                self._ended = True
                break
            try:
                row, end = decode_json_prefix(unread, position)
            except ValueError:
                break  # the rest of it is still to come, or it is none
            if isinstance(row, dict):
                self.take(row)
            position = end
        self._unread = unread[position:]
