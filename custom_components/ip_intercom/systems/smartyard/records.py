"""The journals of an account: new records, the days to request, and their meaning (field notes 5, plog).

Records appear some minutes late, and a journal is requested by days of the server.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
import time

from ...model.events import AccessDecided, Event, Fact, VisitRecorded
from ...model.functions import AccessRecord
from ...model.parts import Access, PlaceId, VisitOutcome
from ..common.errors import NoData
from ..common.parse import fields, present, text, texts
from ..common.privacy import Privacy
from .account import flat_of
from .client import LogEvent, LogRecord, SmartYard
from .clocks import ServerTime
from .topology import AccountTopology

# Maximum delay of a record plus error of the server's clock.
_SLACK = timedelta(minutes=15)
# Seconds between two polls after which the records in between are late.
_ABSENCE = 300.0
# Older days are not requested.
_MOST_DAYS = 31


@dataclass(slots=True)
class _Flat:
    """Position in one journal.

    Attributes:
        seen: When it was last read, in the time zone of the server.
        known: IDs of the records of the days that are requested again.
        read_at: When it was last read, on the monotonic clock; None in the previous run.
        resumed: Start of the current period without gaps.
    """

    seen: datetime
    known: set[str] = field(default_factory=set)
    read_at: float | None = None
    resumed: datetime = datetime.max


class Journal:
    """Positions in the journals of all apartments.

    Args:
        stored: ``as_json`` of the previous run; an apartment without an entry starts now.
    """

    def __init__(self, stored: object = None, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._flats: dict[str, _Flat] = {}
        for flat, found in fields(stored).items():
            kept = fields(found)
            try:
                seen = datetime.fromisoformat(text(kept.get("seen")) or "")
            except ValueError:
                continue
            self._flats[flat] = _Flat(seen.replace(tzinfo=None), set(texts(kept.get("known"))))

    def as_json(self) -> dict[str, object]:
        """Return the state to store."""
        return {
            flat: {"seen": known.seen.isoformat(), "known": sorted(known.known)} for flat, known in self._flats.items()
        }

    def prune(self, now: datetime) -> None:
        """Remove apartments that have been absent for longer than records are requested."""
        oldest = now - timedelta(days=_MOST_DAYS)
        self._flats = {flat: known for flat, known in self._flats.items() if known.seen >= oldest}

    def has(self, flat: str) -> bool:
        """Return whether a journal has been read, in this run or a previous one."""
        return flat in self._flats

    def days(self, flat: str, now: datetime) -> tuple[date, ...]:
        """Return the days to request, oldest first.

        Args:
            now: Current time of the server.
        """
        known = self._flats.get(flat)
        last = (now + _SLACK).date()
        first = min((now if known is None else known.seen) - _SLACK, now).date()
        first = max(first, last - timedelta(days=_MOST_DAYS))
        return tuple(first + timedelta(days=number) for number in range((last - first).days + 1))

    def take(self, flat: str, records: Iterable[LogRecord], now: datetime) -> list[tuple[LogRecord, bool]]:
        """Return the new records, oldest first, and whether each is late."""
        ordered = sorted(records, key=lambda record: record.date or now)
        known = self._flats.get(flat)
        fresh = [] if known is None else [record for record in ordered if record.id not in known.known]
        again = (now - _SLACK).date()
        kept = {record.id for record in ordered if record.date is None or record.date.date() >= again}
        before, resumed = (None, now) if known is None else (known.read_at, known.resumed)
        if before is None or self._monotonic() - before > _ABSENCE:
            resumed = now.replace(microsecond=0)  # the server reports whole seconds
        self._flats[flat] = _Flat(now, kept, self._monotonic(), resumed)
        unique = {record.id: record for record in fresh}
        return [(record, record.date is None or record.date < resumed) for record in unique.values()]


def by_day(counts: Mapping[date, int], days: Iterable[date]) -> tuple[date, ...]:
    """Return the days that have records."""
    return tuple(day for day in days if counts.get(day, 0))


# Maximum number of pictures to remember; their keys stay in this class.
_PICTURES = 1000


@dataclass(frozen=True, slots=True)
class _Kind:
    """The name of an event, its neutral method, and whether it grants access."""

    name: str
    method: str | None = None
    lets_in: bool = True


_KINDS: Mapping[int, _Kind] = {
    LogEvent.MISSED_CALL: _Kind("MissedCall", "missed_call", lets_in=False),
    LogEvent.ANSWERED: _Kind("Answered", "answered", lets_in=False),
    LogEvent.KEY: _Kind("Key", "card"),
    LogEvent.APP: _Kind("App", "app"),
    LogEvent.FACE: _Kind("Face", "face"),
    LogEvent.CODE: _Kind("Code", "code"),
    LogEvent.GUEST_CALL: _Kind("GuestCall", "guest_call"),
    LogEvent.VEHICLE: _Kind("Vehicle", "license_plate"),
}


_OUTCOMES: Mapping[int, VisitOutcome] = {
    LogEvent.MISSED_CALL: VisitOutcome.MISSED,
    LogEvent.ANSWERED: VisitOutcome.ANSWERED,
}


def _kind(record: LogRecord) -> _Kind:
    return _KINDS.get(record.event) or _Kind(f"Event{record.event}", lets_in=False)


class Recorder:
    """Maps records to the model.

    Args:
        time: Time of the server.
        privacy: Whether names are shown.
    """

    def __init__(self, topology: Callable[[], AccountTopology], time: ServerTime, privacy: Privacy) -> None:
        self._topology = topology
        self._time = time
        self._privacy = privacy
        self._pictures: OrderedDict[str, str] = OrderedDict()

    def event(self, flat: str, record: LogRecord, *, late: bool) -> Event:
        """Return the event of a new record."""
        kind = _kind(record)
        when = self._time.utc(record.date) or datetime.now(UTC)
        name, entrance, picture = self._name(flat, record), self._entrance(record), self._remember(record)
        details = {
            "id": record.id,
            "flat": self._number(flat),
            "entrance": entrance,
            "method": kind.method if kind.lets_in else None,
            "name": name,
            "opened": record.opened,
            "picture": picture,
        }
        facts: tuple[Fact, ...] = ()
        if (outcome := _OUTCOMES.get(record.event)) is not None:
            if (bell := record.domophone_id) is not None and bell in self._topology().bells:
                facts = (VisitRecorded(bell, VisitOutcome.OPENED if record.opened else outcome, record.id),)
        elif kind.lets_in:
            access = Access(when, granted=True, name=name, method=kind.method, entrance=entrance)
            facts = (AccessDecided(access, picture),)
        return Event(kind.name, when, present(details), late=late, facts=facts, id=f"history-{flat}-{record.id}")

    def access_record(self, flat: str, record: LogRecord) -> AccessRecord:
        """Return a record as its model type; a call granted access only if its answer opened the door."""
        kind = _kind(record)
        return AccessRecord(
            id=record.id,
            time=self._time.utc(record.date),
            granted=True if kind.lets_in else record.opened,
            name=self._name(flat, record),
            method=kind.method,
            door=self._entrance(record),
            picture=self._remember(record),
        )

    def picture_of(self, record: str) -> str:
        """Return the server's ID of the picture of a record."""
        if (found := self._pictures.get(record)) is None:
            raise NoData("no picture of such a record")
        return found

    def _remember(self, record: LogRecord) -> str | None:
        """Return the record ID as the name of its picture, None if it has none."""
        if record.picture is None:
            return None
        self._pictures[record.id] = record.picture
        self._pictures.move_to_end(record.id)
        while len(self._pictures) > _PICTURES:
            self._pictures.popitem(last=False)
        return record.id

    def _number(self, flat: str) -> str | None:
        found = self._topology().flats.get(flat)
        return None if found is None else found.number or found.id

    def _entrance(self, record: LogRecord) -> str | None:
        return self._topology().entrance(record.domophone_id, record.door_id) or record.description

    def _name(self, flat: str, record: LogRecord) -> str | None:
        """Return the user's note for the key, or the license plate."""
        found = self._topology().flats.get(flat)
        if record.key is not None and found is not None:
            notes = (key.comments for key in found.keys if key.rfid == record.key)
            return self._privacy.name(next(notes, None))
        return self._privacy.name(record.plate)


class SmartYardHistory:
    """The access history of the apartments.

    Args:
        recorder: Maps records.
    """

    def __init__(self, yard: SmartYard, topology: Callable[[], AccountTopology], recorder: Recorder) -> None:
        self._yard = yard
        self._topology = topology
        self._recorder = recorder

    async def query(self, flat: PlaceId, day: date) -> tuple[AccessRecord, ...]:
        """Return the records of a day, newest first."""
        known = flat_of(self._topology(), flat)
        records: Iterable[LogRecord] = await self._yard.address.log(known, day)
        return tuple(self._recorder.access_record(known, record) for record in records)

    async def days(self, flat: PlaceId) -> Mapping[date, int]:
        """Return the days with records, and their number."""
        found = await self._yard.address.log_days(flat_of(self._topology(), flat))
        return {row.day: row.events for row in found}

    async def picture(self, record: str) -> bytes:
        """Return the picture of a record that was reported."""
        return await self._yard.images.log_picture(self._recorder.picture_of(record))
