"""Incremental reader of long lists of an Akuvox: 10,000 users are 5 MB."""

import codecs
from collections.abc import Callable
import re

from ...common.errors import UnexpectedReply
from ...common.parse import Fields, decode_json_prefix, integer, text
from .protocol import CorruptReply, Document, any_case, mend, read

# Page size of devices that support pages or return pages unasked (field notes 10).
PAGE = 10
MAX_LIST = 64 * 1024 * 1024
_MAX_ROW = 1024 * 1024
_MAX_PAGES = 10_000
_MAX_HEAD = 4 * 1024 * 1024
# Maximum length of a row that is skipped as unreadable; valid rows are shorter.
_MAX_SALVAGED = 64 * 1024

type Keep = Callable[[Fields], bool]

# It begins with the quote, which the search can skip to; a look behind it would test each character.
_ROWS = re.compile(r'"(?<!\\)(?:item|data)"\s*:\s*\[', re.IGNORECASE)
_NEXT_ROW = re.compile(r"\}\s*,\s*(?=\{)")
_END = re.compile(r"\}\s*(?=\])")


class RowReader:
    """Reads the rows of one reply as they arrive.

    Args:
        keep: Returns whether to keep a row; None keeps all.
        salvage: Skip rows with invalid JSON. A device may mix replies: use it only for a repeatedly corrupt one.

    Attributes:
        rows: The kept rows by ID.
        ids: IDs of all rows; the content stands in for a missing ID.
        skipped: Number of unreadable rows.
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
        self._searched = 0
        self._head: str | None = None
        self._ended = False
        self._foreign = False

    def feed(self, chunk: bytes, *, final: bool = False) -> None:
        """Process the next bytes.

        Raises:
            CorruptReply: A row does not end.
            UnexpectedReply: Too much data outside the rows.
        """
        decoded = self._decode(chunk, final)
        mended = mend(decoded)
        self._foreign = self._foreign or mended != decoded
        self._unread += mended
        if self._head is None:
            self._find_rows()
        if self._head is not None and not self._ended:
            self._take_rows()
        while self._is_stuck(_MAX_SALVAGED) and self._skip_row(_NEXT_ROW):
            pass
        if len(self._unread) > (_MAX_HEAD if self._head is None else _MAX_ROW):
            if self._head is None or self._ended:
                raise UnexpectedReply(f"{self._path} returned too much data")
            raise CorruptReply(f"{self._path} returned an endless row")

    def finish(self) -> Document:
        """Return the reply without its rows, or unchanged if it has none.

        Raises:
            CorruptReply: The JSON is invalid or truncated.
            UnexpectedReply: The reply is something else, such as an HTML page.
        """
        self.feed(b"", final=True)
        while self._is_stuck(0) and (self._skip_row(_NEXT_ROW) or self._skip_row(_END)):
            pass
        if self._head is not None and not self._ended:
            raise CorruptReply(f"{self._path} returned a truncated list")
        document = read(self._path, ((self._head or "") + self._unread).encode("utf-8", "surrogateescape"))
        return Document(document.content, clean=document.clean and not self._foreign)

    def take(self, row: Fields) -> None:
        """Add a row."""
        number = text(row.get("ID")) or repr(row)
        self.ids.add(number)
        if self._keep is None or self._keep(row):
            self.rows[number] = row

    def is_last(self, page: int, known: int, data: Fields) -> bool:
        """Return whether this is the last page with rows; ``num`` is the size of the list or of the page."""
        size = integer(data.get("num")) or 0
        return len(self.ids) != PAGE or (size > PAGE and known >= size) or page >= _MAX_PAGES

    def _find_rows(self) -> None:
        found = _ROWS.search(self._unread, self._searched)
        if found is not None:
            self._head, self._unread = self._unread[: found.end()], self._unread[found.end() :]
            return
        # The name of the list may have arrived in part, or without its bracket: its quotes are the last two at the most.
        last = self._unread.rfind('"')
        self._searched = max(self._searched, self._unread.rfind('"', 0, max(0, last)))

    def _is_stuck(self, longest: int) -> bool:
        """Return whether an unreadable row is to be skipped: it is longer than ``longest`` and has not ended."""
        return self._salvage and self._head is not None and not self._ended and len(self._unread) > longest

    def _skip_row(self, end: re.Pattern[str]) -> bool:
        """Skip to the likely end of a row; return whether there is one."""
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
                break  # incomplete or invalid
            if isinstance(row, dict):
                self.take(any_case(row))
            else:
                self.skipped += 1
            position = end
        self._unread = unread[position:]
