"""The log file, the call log and the door log (Api log, Api calllog, Api doorlog)."""

from collections.abc import Callable, Iterable, Iterator
import csv
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from enum import StrEnum
import html
from io import StringIO
from typing import Any

from aiohttp import web

from tests.simulators.common.clock import Clock
from tests.simulators.common.padding import padded
from tests.simulators.common.state_file import StateFile

from .dialects import Dialect
from .envelope import ApiError, Call, File, Handler, Json, Reply, bad_param
from .pipeline import Page

PAGE = 10
# A real X912 had 1,003 records.
KEPT = 1003
CALL_TYPES = ("All", "Dialed", "Received", "Missed", "Forwarded", "Unknow")
DOOR_TYPES = ("Unknow", "Card", "Password", "Public", "Face")
LOG_FILES = {"log": "log.txt", "kmsg": "kmsg.txt"}


class Positions(StrEnum):
    """Which record is number 1, if numbers are positions that move as records come and go."""

    NEWEST = "newest"
    OLDEST = "oldest"


@dataclass(slots=True)
class LogForm:
    """How a firmware writes its logs; the words of the door log are by what the manual says in their place.

    `date` and `time` are for strftime, "--" for a device that has no clock. `renumbers` begins with 1 after a clear.
    `bare` gives a list of one record as that record, and `nothing` is in the place of an empty list. Times
    are so many `hours` ahead of UTC. `begun` stamps a
    call with its beginning instead of its end. `refuses_page` takes `page` for a bad parameter. `shown` are records that come
    out as something else, by their number. `oldest_first` is the order of the list and of its pages. The oldest record
    is deleted once there are more than `kept`.
    """

    date: str = "%Y-%m-%d"
    time: str = "%H:%M:%S"
    words: dict[str, str] = field(default_factory=dict)
    relay: Callable[[int], str] = str
    renumbers: bool = False
    bare: bool = False
    nothing: object = ()
    hours: int = 0
    begun: bool = False
    refuses_page: bool = False
    shown: dict[str, object] = field(default_factory=dict)
    oldest_first: bool = False
    positions: Positions | None = None
    kept: int = KEPT


class Journal:
    """Records, newest first; `?page=N` gives ten of them where the device knows pages."""

    def __init__(self, dialect: Dialect, clock: Clock) -> None:
        """Begin empty."""
        self._dialect = dialect
        self._clock = clock
        self._last = 0
        self.form = LogForm()
        self.records: list[Json] = []
        self._name = ""
        self._state = StateFile()

    def keep(self, name: str, state: StateFile) -> None:
        """Keep the records in a file, which both logs share; take up those of a process that was killed."""
        self._name, self._state = name, state
        for line in state.lines():
            if line["log"] != name:
                continue
            if "all" in line:
                self.records = line["all"]
            else:
                self.records.insert(0, line["record"])
            self._last = line["last"]
            self._clock.resume(line["clock"])
        del self.records[self.form.kept :]

    def _changed(self, **what: Any) -> None:
        self._state.write(log=self._name, last=self._last, clock=self._clock.moment(), **what)

    def empty(self) -> None:
        """Delete all records."""
        self.records.clear()
        if self.form.renumbers:
            self._last = 0
        self._changed(all=[])

    def note(self, begun: float | None = None, **record: Any) -> Json:
        """Write a record with number, date and time; the oldest is forgotten. `begun` is the beginning of a call."""
        self._last += 1
        zone = timezone(timedelta(hours=self.form.hours))
        now = datetime.fromtimestamp(self._clock.utc(begun if self.form.begun else None), zone)
        entry = {"ID": str(self._last), "Date": now.strftime(self.form.date), "Time": now.strftime(self.form.time)}
        entry |= record
        self.records.insert(0, dict(sorted(entry.items())))
        del self.records[self.form.kept :]
        self._changed(record=self.records[0])
        return entry

    def page(self, call: Call, records: list[Json]) -> Reply:
        """Answer with all of them or with a page."""
        page = call.text("page")
        if page is not None and self.form.refuses_page:
            raise bad_param()
        records = [record | {"ID": self._number_of(record)} for record in records]
        if self.form.oldest_first:
            records.reverse()
        if self._dialect.paging and page is not None:
            start = PAGE * (call.integer("page", 1, 10_000) - 1)
            records = records[start : start + PAGE]
        shown = [self.form.shown.get(record["ID"], record) for record in records]
        item = shown[0] if self.form.bare and len(records) == 1 else shown
        return Reply({"num": len(records), "item": item or self.form.nothing})

    def _number_of(self, record: Json) -> str:
        if self.form.positions is None:
            return str(record["ID"])
        index = next(index for index, one in enumerate(self.records) if one is record)
        return str(index + 1 if self.form.positions is Positions.NEWEST else len(self.records) - index)

    def delete(self, call: Call) -> Reply:
        """Delete one record."""
        wanted = call.text("ID")
        if wanted is None:
            raise bad_param()
        kept = [record for record in self.records if self._number_of(record) != wanted]
        if len(kept) == len(self.records):
            raise ApiError(-1, "Error param")
        self.records = kept
        self._changed(all=self.records)
        return Reply()


class CallLog(Journal):
    """Calls: Dialed, Received, Missed."""

    @property
    def handlers(self) -> dict[str, Handler]:
        """The functions."""
        return {
            "calllog/get": self._get,
            "calllog/del": self.delete,
            "calllog/clear": self._clear,
            "calllog/export": self._export,
        }

    def _of_type(self, call: Call) -> list[Json]:
        """By name or number of the type; GET writes `type`, POST `Type`."""
        wanted = call.text("Type", "type") or "All"
        if wanted.isdecimal() and int(wanted) < len(CALL_TYPES):
            wanted = CALL_TYPES[int(wanted)]
        if wanted not in CALL_TYPES:
            raise bad_param()
        return [record for record in self.records if wanted in ("All", record["Type"])]

    def _get(self, call: Call) -> Reply:
        return self.page(call, self._of_type(call))

    def _clear(self, call: Call) -> Reply:
        gone = self._of_type(call)
        self.records = [record for record in self.records if record not in gone]
        self._changed(all=self.records)
        return Reply()

    def _export(self, _: Call) -> File:
        buffer = StringIO()
        writer = csv.DictWriter(buffer, ["ID", "Type", "Date", "Time", "LocalIdentity", "Name", "Num"])
        writer.writeheader()
        writer.writerows(self.records)
        return File.of("History.csv", buffer.getvalue())


class DoorLog(Journal):
    """Who opened, or tried to; words and numbers as the device has them."""

    def __init__(self, dialect: Dialect, clock: Clock, frame: Callable[[float], bytes]) -> None:
        """`frame` gives the picture of a moment."""
        super().__init__(dialect, clock)
        self._frame = frame
        # The pages of the pictures. An E16C V2.0 asks for no login (captures/akuvox/port8080_snapshot_mjpeg.md); what
        # others do is not known.
        self.pictures: dict[str, tuple[bool, Page]] = {}

    @property
    def handlers(self) -> dict[str, Handler]:
        """The functions."""
        return {
            "doorlog/get": self._get,
            "doorlog/del": self.delete,
            "doorlog/clear": self._clear,
            "doorlog/export": lambda _: File.of("DoorLog.xml", "".join(self._xml())),
        }

    def enter(self, kind: str, code: str, relays: Iterable[int], user: str | None, success: bool) -> None:
        """Write down an attempt."""
        dialect, words = self._dialect, self.form.words
        number = DOOR_TYPES.index(kind) if kind in DOOR_TYPES else 0
        record: Json = {
            "Type": words.get(kind, kind) if dialect.typed else str(number),
            "Name": dialect.unknown if user is None else user,
            "Code": code,
            "Relay": "".join(self.form.relay(number) for number in sorted(relays)),
            "Status": words.get("Succ", dialect.succeeded) if success else words.get("Failed", dialect.failed),
        }
        if dialect.picture_field:
            # An address of its own that need not be the one it was asked by.
            path = f"/Image/DoorPicture/{self._last + 1}.jpg"
            taken, number_now = self._clock.utc(), str(self._last + 1)
            self.pictures[path] = dialect.picture_field == "PicUrl", lambda _: self._picture(number_now, taken)
            record[dialect.picture_field] = (
                f"https://192.168.1.78{path}" if dialect.picture_field == "Picture" else path
            )
        self.note(**record)

    def _picture(self, number: str, taken: float) -> web.Response:
        if not any(record["ID"] == number for record in self.records):
            return web.Response(status=404)
        return web.Response(body=self._frame(taken), content_type="image/jpeg")

    def _get(self, call: Call) -> Reply:
        records = self.records
        if self._dialect.paging:
            records = [record for record in records if self._wanted(call, record)]
            last = call.text("Num")
            if last is not None and last.isdecimal():
                records = records[: int(last)]
        return self.page(call, records)

    def _wanted(self, call: Call, record: Json) -> bool:
        status, who = call.text("Status"), call.text("NameOrCode")
        begin, end = call.text("TimeStart") or "", call.text("TimeEnd") or "9"
        return (
            (status is None or record["Status"] == status)
            and (who is None or who in (record["Name"], record["Code"]))
            and begin <= record["Date"] <= end
        )

    def _clear(self, _: Call) -> Reply:
        self.empty()
        return Reply()

    def _xml(self) -> Iterator[str]:
        yield '<?xml version="1.0" encoding="UTF-8"?>\n<DoorLog>\n'
        for record in self.records:
            yield f"<Item {' '.join(f'{name}="{html.escape(value)}"' for name, value in record.items())} />\n"
        yield "</DoorLog>\n"


class SystemLog:
    """The log of the device; its size is set by a test."""

    def __init__(self) -> None:
        """Begin small."""
        self.sizes = dict.fromkeys(LOG_FILES, 4096)
        self.handlers: dict[str, Handler] = {"log/export": self._export, "log/clear": self._clear}

    @staticmethod
    def _kind(call: Call) -> str:
        kind = call.text("type") or "log"
        if kind not in LOG_FILES:
            # log_debug is for Android only.
            raise bad_param()
        return kind

    def _export(self, call: Call) -> File:
        kind = self._kind(call)
        head = b"<6>Nov 21 10:00:00 system: log\n"[: self.sizes[kind]]
        return File(LOG_FILES[kind], self.sizes[kind], padded(head, self.sizes[kind]))

    def _clear(self, call: Call) -> Reply:
        self.sizes[self._kind(call)] = 0
        return Reply()
