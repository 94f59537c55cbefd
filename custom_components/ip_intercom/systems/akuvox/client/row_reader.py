"""A long list of an Akuvox, read row by row as it arrives: 10,000 users are 5 MB."""

import codecs
from collections.abc import Callable
import re

from ...common.errors import UnexpectedReply
from ...common.parse import Fields, decode_json_prefix, integer, text
from .envelope import Document, Spoiled, mend, read

# What a device gives at once that knows pages, or gives pages unasked (field notes 10).
PAGE = 10
MAX_LIST = 64 * 1024 * 1024
_MAX_ROW = 1024 * 1024
_MAX_PAGES = 10_000
_MAX_HEAD = 4 * 1024 * 1024
# No row that can be read is as long, where one that cannot be is to be skipped.
_MAX_SALVAGED = 64 * 1024

type Keep = Callable[[Fields], bool]

_ROWS = re.compile(r'(?<!\\)"(?:item|data)"\s*:\s*\[')
_NEXT_ROW = re.compile(r"\}\s*,\s*(?=\{)")
_END = re.compile(r"\}\s*(?=\])")


class RowReader:
    """Reads the rows of one reply, and keeps those that are wanted.

    Args:
        path: Of the function that answers.
        keep: Which rows to keep; all of them for None.
        salvage: Skip a row that is no JSON. A device may mix replies: only for one that is spoiled each time.

    Attributes:
        rows: The rows that ``keep`` wants, by their ID; all of them without ``keep``.
        ids: The IDs of all rows; a row without one goes by its content.
        skipped: How many rows are none.
    """

    def __init__(self, path: str, keep: Keep | None = None, *, salvage: bool = False) -> None:
        self.rows: dict[str, Fields] = {}
        self.ids: set[str] = set()
        self.skipped = 0
        self._salvage = salvage
        self._path = path
        self._keep = keep
        self._decode = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode
        self._unread = ""
        self._head: str | None = None
        self._ended = False
        self._foreign = False

    def event_stream(self, chunk: bytes, *, final: bool = False) -> None:
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
        while self._is_stuck(_MAX_SALVAGED) and self._skip_row(_NEXT_ROW):
            pass
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
        self.event_stream(b"", final=True)
        while self._is_stuck(0) and (self._skip_row(_NEXT_ROW) or self._skip_row(_END)):
            pass
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

    def _is_stuck(self, longest: int) -> bool:
        """Tell whether a row has not ended, and is one to skip."""
        return self._salvage and self._head is not None and not self._ended and len(self._unread) > longest

    def _skip_row(self, end: re.Pattern[str]) -> bool:
        """Go on behind what looks like the end of a row; return whether there is any."""
        if (found := end.search(self._unread)) is None:
            return False
        self.skipped += 1
        self._unread = self._unread[found.end() :]
        self._take_rows()
        return True

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
            else:
                self.skipped += 1
            position = end
        self._unread = unread[position:]
