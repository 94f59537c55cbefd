"""Call log and door log (Api calllog, Api doorlog)."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from operator import gt, lt
import re
from typing import Annotated
from zlib import crc32

from yarl import URL

from ...common.decode import GIVEN, Key, decode_reply
from ...common.errors import InvalidRequest
from ...common.http import Stream
from ...common.parse import Fields, integer, plausible, text
from .camera import whole_jpeg
from .client import AkuvoxClient, Data, Functions, Rows
from .protocol import (
    CALLLOG_CLEAR,
    CALLLOG_DEL,
    CALLLOG_EXPORT,
    CALLLOG_GET,
    DOORLOG_CLEAR,
    DOORLOG_DEL,
    DOORLOG_EXPORT,
    DOORLOG_GET,
    Endpoint,
)

# Page size of devices with pages (field notes 4.2).
PAGE = 10

_DATE = re.compile(r"(\d{1,4})[-/.](\d{1,2})[-/.](\d{1,4})")
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\.\d+)?\s*(?:([ap])\.?m)?", re.IGNORECASE)
_YEAR_DIGITS = 4
_NOON = 12

type _Order = tuple[int, int, int]

# Positions of year, month and day in a date.
_YEAR_FIRST: _Order = (0, 1, 2)
_DAY_FIRST: _Order = (2, 1, 0)
_MONTH_FIRST: _Order = (2, 0, 1)


class CallKind(StrEnum):
    """Types of calls; ``ALL`` is for queries only."""

    ALL = "All"
    DIALED = "Dialed"
    RECEIVED = "Received"
    MISSED = "Missed"
    FORWARDED = "Forwarded"
    UNKNOWN = "Unknow"


class DoorMethod(StrEnum):
    """How a door was opened or requested; ``HTTP`` is a command of any HTTP client."""

    UNKNOWN = "unknown"
    CARD = "card"
    PIN = "pin"
    PUBLIC_CODE = "public_code"
    FACE = "face"
    BLUETOOTH = "bluetooth"
    NFC = "nfc"
    QR_CODE = "qr_code"
    FINGER = "finger"
    DTMF = "dtmf"
    CALL = "call"
    HTTP = "http"


_CALL_KINDS = tuple(CallKind)
_CALL_WORDS = {
    **{kind.lower(): kind for kind in _CALL_KINDS[1:]},
    **dict.fromkeys(("dialled", "outgoing", "callout"), CallKind.DIALED),
    **dict.fromkeys(("incoming", "answered", "callin"), CallKind.RECEIVED),
    **dict.fromkeys(("missedcall", "unanswered", "noanswer"), CallKind.MISSED),
}
# The manual has numbers, devices send words (field notes 10), with and without spaces.
_METHODS = {
    DoorMethod.CARD: "1 card rf rfcard rfid iccard idcard",
    DoorMethod.PIN: "2 password pin privatepin privatekey code temppin tempkey",
    DoorMethod.PUBLIC_CODE: "3 public publicpin publickey publiccode",
    DoorMethod.FACE: "4 face facerecognition",
    DoorMethod.BLUETOOTH: "bluetooth ble",
    DoorMethod.NFC: "nfc",
    DoorMethod.QR_CODE: "qrcode qr",
    DoorMethod.FINGER: "finger fingerprint",
    DoorMethod.DTMF: "dtmf",
    DoorMethod.CALL: "call",
    DoorMethod.HTTP: "http https httpapi openrelayviahttp",
}
_METHOD_OF = {word: method for method, words in _METHODS.items() for word in words.split()}
_GRANTED = {
    **dict.fromkeys(("0", "succ", "success", "successful", "succeeded", "ok", "granted"), True),
    **dict.fromkeys(("1", "fail", "failed", "failure", "denied", "refused"), False),
}
_LETTERS_ONLY = re.compile(r"[^a-z0-9]")


def _word(value: object) -> str:
    return _LETTERS_ONLY.sub("", (text(value) or "").lower())


def _call_kind(value: object) -> CallKind:
    if (number := integer(value)) is not None:
        return _CALL_KINDS[number] if 0 < number < len(_CALL_KINDS) else CallKind.UNKNOWN
    return _CALL_WORDS.get(_word(value), CallKind.UNKNOWN)


def _method(value: object) -> DoorMethod:
    return _METHOD_OF.get(_word(value), DoorMethod.UNKNOWN)


def _granted(value: object) -> bool | None:
    return _GRANTED.get(_word(value))


def _path(address: object) -> str | None:
    """Return the path of a picture; the host in its URL may be another one (field notes 6)."""
    try:
        path = URL(text(address) or "").path
    except ValueError:
        return None
    return path if path.startswith("/") and path != "/" else None


def _mark(*names: str) -> Callable[[Fields], str]:
    """Return a function that computes a checksum of some fields of a record."""

    def mark(row: Fields) -> str:
        content = "|".join(text(row.get(name)) or "" for name in names)
        return f"{crc32(content.encode()):08x}"

    return mark


@dataclass(frozen=True, slots=True)
class CallRecord:
    """A call; ``when`` is the device's local time, ``local`` the device's account, ``number`` the other party.

    ``mark`` is a checksum of the content without the ID, which may be the position in the log.
    """

    id: Annotated[str | None, Key("ID")]
    kind: Annotated[CallKind, Key("Type", convert=_call_kind)]
    when: Annotated[datetime | None, GIVEN]
    name: Annotated[str | None, Key("Name")]
    # The manual's table has Number and Local Identity, its example and devices have these.
    number: Annotated[str | None, Key("Num", "Number")]
    local: Annotated[str | None, Key("LocalIdentity")]
    mark: Annotated[str, Key(row=_mark("Date", "Time", "Type", "Name", "Num", "Number"))] = ""


@dataclass(frozen=True, slots=True)
class DoorRecord:
    """An attempt to open a door.

    Attributes:
        id: The device's ID of the record.
        when: The device's local time.
        name: The user; devices write a placeholder or nothing for an unknown user.
        method: Type of the credential or command.
        granted: Whether the door opened, None for an unknown status.
        relay: The relays, as written by the device.
        picture: Path of a picture on the device, if there is one.
        code: The PIN or card.
        mark: Checksum of the content without the ID, which may be the position in the log.
    """

    id: Annotated[str | None, Key("ID")]
    when: Annotated[datetime | None, GIVEN]
    name: Annotated[str | None, Key("Name")]
    method: Annotated[DoorMethod, Key("Type", convert=_method)]
    granted: Annotated[bool | None, Key("Status", convert=_granted)]
    relay: Annotated[str | None, Key("Relay")]
    picture: Annotated[str | None, Key("PicUrl", "Picture", convert=_path)]
    code: Annotated[str | None, Key("Code")] = field(repr=False)
    # Without the code, as marks are stored.
    mark: Annotated[str, Key(row=_mark("Date", "Time", "Type", "Name", "Status", "Relay"))] = ""


@dataclass(frozen=True, slots=True)
class LogPage[R]:
    """A page of a log.

    Attributes:
        records: The readable records, in the order of the device: usually the newest one first.
        size: Total number of records on the page.
        is_last: Whether no other page follows; None if only the size tells.
    """

    records: tuple[R, ...]
    size: int
    is_last: bool | None = None

    @property
    def follows(self) -> bool:
        """Whether another page may follow."""
        return self.size == PAGE if self.is_last is None else not self.is_last


class CallLog(Functions):
    """``/api/calllog``."""

    async def get(self, kind: CallKind = CallKind.ALL, page: int | None = None) -> tuple[CallRecord, ...]:
        """Return calls, usually newest first (Api calllog get).

        Args:
            kind: Type of the calls.
            page: Page of ten calls, from 1; devices without pages return all calls.
        """
        return (await self.page(page, kind)).records

    async def page(self, number: int | None, kind: CallKind = CallKind.ALL) -> LogPage[CallRecord]:
        """Return a page, as ``get``; unreadable records are skipped and counted.

        Raises:
            UnexpectedReply: None of the records is readable.
        """
        rows = await _rows(self._client, CALLLOG_GET, {} if kind is CallKind.ALL else _kind(kind), number)
        return _log_page(CallRecord, CALLLOG_GET, rows)

    async def delete(self, record_id: str) -> None:
        """Delete a record (Api calllog del).

        Raises:
            InvalidRequest: The record does not exist.
        """
        await self._client.call(CALLLOG_DEL, {"ID": record_id})

    async def clear(self, kind: CallKind = CallKind.ALL) -> None:
        """Delete the records of a type, or all (Api calllog clear)."""
        await self._client.call(CALLLOG_CLEAR, _kind(kind))

    @asynccontextmanager
    async def export(self) -> AsyncIterator[Stream]:
        """Open the log as CSV (Api calllog export)."""
        async with self._client.download(CALLLOG_EXPORT) as stream:
            yield stream


class DoorLog(Functions):
    """``/api/doorlog``."""

    async def get(self, page: int | None = None, count: int | None = None) -> tuple[DoorRecord, ...]:
        """Return access attempts, usually newest first (Api doorlog get).

        Args:
            page: Page of ten records, from 1; devices without pages return all records: a thousand or more.
            count: Maximum number of records; some devices ignore it.
        """
        return (await self.page(page, count)).records[:count]

    async def page(self, number: int | None, count: int | None = None) -> LogPage[DoorRecord]:
        """Return a page, as ``get``; unreadable records are skipped and counted.

        Raises:
            UnexpectedReply: None of the records is readable.
        """
        rows = await _rows(self._client, DOORLOG_GET, {} if count is None else {"Num": str(count)}, number)
        return _log_page(DoorRecord, DOORLOG_GET, rows)

    async def picture(self, path: str) -> bytes:
        """Return the JPEG of a record (captures/port8080_snapshot_mjpeg.md).

        Args:
            path: ``DoorRecord.picture``.

        Raises:
            NotSupported: The device no longer has the picture.
            UnexpectedReply: The response is not a JPEG.
        """
        return whole_jpeg(path, await self._client.page(path, {}, is_command=False))

    async def delete(self, record_id: str) -> None:
        """Delete a record (Api doorlog del).

        Raises:
            InvalidRequest: The record does not exist.
        """
        await self._client.call(DOORLOG_DEL, {"ID": record_id})

    async def clear(self) -> None:
        """Delete all records (Api doorlog clear)."""
        await self._client.call(DOORLOG_CLEAR)

    @asynccontextmanager
    async def export(self) -> AsyncIterator[Stream]:
        """Open the log as XML; it contains codes (Api doorlog export)."""
        async with self._client.download(DOORLOG_EXPORT) as stream:
            yield stream


async def _rows(client: AkuvoxClient, endpoint: Endpoint, data: Data, page: int | None) -> Rows:
    if page is not None:
        try:
            return await client.listed(endpoint, {**data, "page": page}, _is_record)
        except InvalidRequest:
            pass  # the manual has no pages: firmware may refuse the parameter
    return await client.listed(endpoint, data, _is_record)


def _is_record(item: Fields) -> bool:
    return any(text(item.get(name)) for name in ("ID", "Date", "Time"))


def _kind(kind: CallKind) -> dict[str, object]:
    # The manual's examples use the capitalized name in a body and the other one in a query.
    return {"type": kind.value, "Type": kind.value}


def _log_page[R](kind: type[R], endpoint: Endpoint, rows: Rows) -> LogPage[R]:
    texts = [f"{text(row.get('Date')) or ''} {text(row.get('Time')) or ''}" for row in rows.readable]
    numbers = [integer(row.get("ID")) or 0 for row in rows.readable]
    moments = read_dates(texts, may_rise=numbers == sorted(numbers))
    records = zip(rows.readable, moments, strict=True)
    return LogPage(tuple(decode_reply(kind, row, endpoint.path, when=when) for row, when in records), rows.size)


def read_dates(texts: Sequence[str], now: datetime | None = None, *, may_rise: bool = False) -> list[datetime | None]:
    """Return the times of records, newest first; None for unreadable texts.

    Each device uses the format of its web page, which is not documented. ``05/11/2026`` may be in May or in November:
    the order that fits all records and is nearest to now is used.

    Args:
        texts: Date and time of each record, as written by the device.
        now: Current time, for tests.
        may_rise: The oldest record may come first.
    """
    now = now or datetime.now()
    by_day, by_month = ([_moment(text, order) for text in texts] for order in (_DAY_FIRST, _MONTH_FIRST))
    return min(by_day, by_month, key=lambda moments: _oddity(moments, now, may_rise=may_rise))


def _oddity(moments: Sequence[datetime | None], now: datetime, *, may_rise: bool) -> tuple[int, int, float]:
    """Return a sort key: number of unreadable times, of times out of order, and distance of the newest one from now."""
    known = [moment for moment in moments if moment is not None]
    falls, rises = (sum(test(*pair) for pair in pairwise(known)) for test in (gt, lt))
    is_rising = may_rise and rises > falls
    distance = abs((known[-1 if is_rising else 0] - now).total_seconds()) if known else 0.0
    return len(moments) - len(known), falls if is_rising else rises, distance


def _moment(text: str, order: _Order) -> datetime | None:
    date, time = _DATE.search(text), _TIME.search(text)
    if date is None or time is None:
        return None
    if len(date[1]) == _YEAR_DIGITS:
        order = _YEAR_FIRST
    elif len(date[3]) != _YEAR_DIGITS:
        return None
    year, month, day = (int(date[position + 1]) for position in order)
    hour = int(time[1])
    if time[4] is not None:
        hour = hour % _NOON + (_NOON if time[4].lower() == "p" else 0)
    try:
        return plausible(datetime(year, month, day, hour, int(time[2]), int(time[3] or 0)))
    except ValueError:
        return None
