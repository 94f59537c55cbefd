"""The log of events, which is written late (field notes 5)."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
import uuid

from .envelope import Json
from .houses import Door, Flat
from .timezone import day, written

# Seconds until a cron job has written what happened.
DELAY = 120


class Event(IntEnum):
    """What can be in the log."""

    MISSED = 1
    ANSWERED = 2
    KEY = 3
    APP = 4
    FACE = 5
    CODE = 6
    GUEST = 7
    VEHICLE = 9


@dataclass(frozen=True, slots=True)
class Record:
    """One event at a door of a flat; `moment` is Unix time by the server's clock, `entered` by its patience."""

    uuid: str
    picture: str
    flat: int
    door: Door
    event: Event
    moment: int
    entered: int
    detail: Json
    preview_type: int

    def row(self, picture_url: str) -> Json:
        """Return the row of the list; without a picture, its key is missing."""
        row: Json = {
            "date": written(self.moment),
            "uuid": self.uuid,
            "previewType": self.preview_type,
            "objectId": str(self.door.domophone),
            "objectType": "0",
            "objectMechanizma": str(self.door.door),
            "mechanizmaDescription": self.door.name,
            "houseId": self.door.house,
            "entranceId": self.door.entrance,
        }
        if self.door.camera is not None:
            row["cameraId"] = self.door.camera
        row |= {"event": str(int(self.event)), "detailX": self.detail}
        if self.preview_type:
            row["preview"] = f"{picture_url}/{self.picture}"
        return row


class History:
    """What happened to all flats."""

    def __init__(self, now: Callable[[], int], patience: Callable[[], int]) -> None:
        """`now` is the server's clock, `patience` counts its seconds."""
        self.delay = DELAY
        self._now = now
        self._patience = patience
        self.records: list[Record] = []

    def enter(self, flat: Flat, door: Door, event: Event, detail: Json, *, at: int | None = None) -> Record:
        """Note what happens; it is read later, and what happened at another time `at` once."""
        moment = self._now() if at is None else at
        preview = 0 if door.camera is None else 2 if event is Event.FACE else 1
        entered = self._patience() - (0 if at is None else self.delay)
        record = Record(str(uuid.uuid4()), str(uuid.uuid4()), flat.id, door, event, moment, entered, detail, preview)
        self.records.append(record)
        return record

    def of(self, flat: Flat) -> list[Record]:
        """Return the events that are already listed, newest first."""
        due = self._patience() - self.delay
        found = [record for record in self.records if record.flat == flat.id and record.entered <= due]
        return sorted(found, key=lambda record: record.moment, reverse=True)

    def days(self, flat: Flat, events: frozenset[int]) -> list[Json]:
        """Return the days that have one of these events, with the number of all their events (capture 26)."""
        counts: dict[str, list[Event]] = {}
        for record in self.of(flat):
            counts.setdefault(day(record.moment), []).append(record.event)
        return [
            {"day": name, "events": str(len(found))}
            for name, found in counts.items()
            if not events or events.intersection(found)
        ]

    def picture(self, name: str) -> Record | None:
        """Find the event that a picture is of."""
        due = self._patience() - self.delay
        return next(
            (
                record
                for record in self.records
                if record.picture == name and record.preview_type and record.entered <= due
            ),
            None,
        )
