"""Records of a journal in the neutral model, and the journal on request (field notes 5, ``plog``)."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from ...model.events import AccessDecided, Event, Fact
from ...model.functions import AccessRecord
from ...model.parts import Access, PlaceId
from ..common.errors import NoData
from ..common.privacy import Privacy
from .account_settings import flat_of
from .client import LogEvent, LogRecord, SmartYard
from .server_time import ServerTime
from .topology import AccountTopology

# Ids of pictures that are remembered, so that no other code has to know them.
_PICTURES = 1000


@dataclass(frozen=True, slots=True)
class _Kind:
    """The name of an event, a neutral word for it, and whether it grants access."""

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


def _kind(record: LogRecord) -> _Kind:
    return _KINDS.get(record.event) or _Kind(f"Event{record.event}", lets_in=False)


class Recorder:
    """Turns records into the neutral model.

    Args:
        town: Returns what there is.
        time: The server's.
        privacy: Whether names of people may be told.
    """

    def __init__(self, topology: Callable[[], AccountTopology], time: ServerTime, privacy: Privacy) -> None:
        self._topology = topology
        self._time = time
        self._privacy = privacy
        self._pictures: OrderedDict[str, str] = OrderedDict()

    def event(self, flat: str, record: LogRecord, *, late: bool) -> Event:
        """Return the event of a record that is new."""
        kind = _kind(record)
        when = self._time.utc(record.date) or datetime.now(UTC)
        name, entrance = self._name(flat, record), self._entrance(record)
        told = {
            "id": record.id,
            "flat": self._number(flat),
            "entrance": entrance,
            "method": kind.method if kind.lets_in else None,
            "name": name,
            "opened": record.opened,
            "picture": self._remember(record),
        }
        facts: tuple[Fact, ...] = ()
        if kind.lets_in:
            facts = (AccessDecided(Access(when, granted=True, name=name, method=kind.method, entrance=entrance)),)
        data = {key: value for key, value in told.items() if value is not None}
        return Event(kind.name, when, data, late=late, facts=facts, id=f"history-{flat}-{record.id}")

    def access_record(self, flat: str, record: LogRecord) -> AccessRecord:
        """Return a record on request; a call granted access only if its answer opened the door."""
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
        """Return the server's id of the picture of a record."""
        if (found := self._pictures.get(record)) is None:
            raise NoData("no picture of such a record")
        return found

    def _remember(self, record: LogRecord) -> str | None:
        """Return the record as the name of its picture, None where it has none."""
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
        """Return the note of a user for the key or the license plate."""
        found = self._topology().flats.get(flat)
        if record.key is not None and found is not None:
            notes = (key.comments for key in found.keys if key.rfid == record.key)
            return self._privacy.name(next(notes, None))
        return self._privacy.name(record.plate)


class SmartYardHistory:
    """Who came to a flat.

    Args:
        yard: Asked.
        town: Returns what there is.
        recorder: Knows what records mean.
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
        """Return the days that there are records of, and how many."""
        found = await self._yard.address.log_days(flat_of(self._topology(), flat))
        return {row.day: row.events for row in found}

    async def picture(self, record: str) -> bytes:
        """Return the picture of a record that was told of."""
        return await self._yard.images.log_picture(self._recorder.picture_of(record))
