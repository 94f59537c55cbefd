"""The access history of a flat, and its tracked events (field notes 5, ``plog`` and tracked events).

The journal is written some minutes late: it is history, no doorbell.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import IntEnum

from yarl import URL

from ...common.errors import NotSupported
from ...common.parse import Fields, fields, flag, integer, readable, text, texts
from .client import SmartYardClient
from .endpoints import LOG, LOG_DAYS, LOG_SHOT, TRACK, TRACKED, UNTRACK, UNWATCH, WATCH, WATCHING, Endpoint
from .values import day, moment, number

# What the address of a picture ends with, before its id.
_PICTURES = LOG_SHOT.split("/")[-2]


class LogEvent(IntEnum):
    """Kinds of events."""

    MISSED_CALL = 1
    ANSWERED = 2
    KEY = 3
    APP = 4
    FACE = 5
    CODE = 6
    GUEST_CALL = 7
    VEHICLE = 9


@dataclass(frozen=True, slots=True)
class LogDay:
    """A day on which something happened; ``events`` is how much, of all kinds."""

    day: date
    events: int


@dataclass(frozen=True, slots=True)
class Face:
    """Where a face is in the picture, in pixels."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class LogRecord:
    """Something that happened; None for what is not told.

    Attributes:
        id: UUID of the event.
        event: One of ``LogEvent``, or a number that is not known; 0 where there is none.
        date: When, in the server's zone.
        domophone_id: At which intercom.
        object_type: 0 for an intercom.
        door_id: Which of its doors.
        description: Name of the door.
        house_id: Of which house.
        entrance_id: Of which entrance.
        camera_id: What filmed it.
        preview_type: 0 for no picture, 1 for one of the recorder, 2 for one with a face.
        preview: Address of the picture.
        picture: Its id, for ``Images.log_picture``; the id alone gives access to the picture.
        opened: The door was opened in the call.
        key: The key.
        phone: Phone number of the app.
        phone_from: Who called the gate.
        phone_to: The gate's number.
        code: The code.
        face_id: Id of the face.
        face: Where it is.
        plate: License plate.
        flags: What can be done with the face, such as ``canLike``.
    """

    id: str
    event: int = 0
    date: datetime | None = None
    domophone_id: str | None = None
    object_type: int | None = None
    door_id: int | None = None
    description: str | None = None
    house_id: str | None = None
    entrance_id: str | None = None
    camera_id: str | None = None
    preview_type: int = 0
    preview: str | None = field(default=None, repr=False)
    picture: str | None = field(default=None, repr=False)
    opened: bool | None = None
    key: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    phone_from: str | None = field(default=None, repr=False)
    phone_to: str | None = field(default=None, repr=False)
    code: str | None = field(default=None, repr=False)
    face_id: str | None = None
    face: Face | None = None
    plate: str | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tracked:
    """Something that is told at once when it happens, by a push ``paranoid``.

    Attributes:
        id: With which it is ended.
        flat_id: In which flat.
        event: One of ``LogEvent``: key, app, face, code or vehicle.
        detail: Which key, phone number, face, code or plate.
        comments: The notes of users.
    """

    id: str
    flat_id: str | None = None
    event: int = 0
    detail: str | None = field(default=None, repr=False)
    comments: str | None = None


class Journal:
    """The part of ``/address`` that is about the past."""

    def __init__(self, client: SmartYardClient) -> None:
        self._client = client

    async def log_days(self, flat_id: str, events: Sequence[int] = ()) -> tuple[LogDay, ...]:
        """Return the days on which something happened, of certain kinds where there are any.

        Raises:
            NotPaid: The service is not paid for.
            CommandFailed: The journal is not for this person.
        """
        kinds = ",".join(str(int(event)) for event in events) or None
        found = await self._client.rows(LOG_DAYS, flatId=number(flat_id), events=kinds)
        return tuple(
            LogDay(when, integer(row.get("events")) or 0) for row in found if (when := day(row.get("day"))) is not None
        )

    async def log(self, flat_id: str, day: date) -> tuple[LogRecord, ...]:
        """Return what happened on a day, newest first.

        Raises:
            NotPaid: The service is not paid for.
            CommandFailed: The journal is not for this person.
        """
        found = await self._client.rows(LOG, flatId=number(flat_id), day=day.isoformat())
        return readable(LOG.path, found, _record)

    async def track(self, flat_id: str, event: int, detail: str, comments: str = "") -> str | None:
        """Let something be told at once; returns the id with which it is ended, None where the server tells none."""
        values = {"flatId": number(flat_id), "eventType": str(int(event)), "eventDetail": detail, "comments": comments}
        try:
            found = await self._client.record(TRACK, **values)
        except NotSupported:
            found = await self._client.record(WATCH, **values)
        return text(found.get("watcherId"))

    async def untrack(self, watcher_id: str) -> None:
        """End what ``track`` began."""
        try:
            await self._client.call(UNTRACK, watcherId=number(watcher_id))
        except NotSupported:
            await self._client.call(UNWATCH, watcherId=number(watcher_id))

    async def tracked(self, flat_id: str | None = None) -> tuple[Tracked, ...]:
        """Return what is told at once to this device, for one flat or all.

        Raises:
            CommandFailed: It is none of the account's flats.
        """
        try:
            found = await self._tracked(TRACKED, flat_id)
        except NotSupported:
            found = await self._tracked(WATCHING, flat_id)
        return tuple(
            Tracked(
                watcher_id,
                text(row.get("flatId")),
                integer(row.get("eventType")) or 0,
                text(row.get("eventDetail")),
                text(row.get("comments")),
            )
            for row in found
            if (watcher_id := text(row.get("watcherId"))) is not None
        )

    async def _tracked(self, endpoint: Endpoint, flat_id: str | None) -> tuple[Fields, ...]:
        return await self._client.rows(endpoint, flatId=None if flat_id is None else number(flat_id))


def _record(row: Fields) -> LogRecord | None:
    event_id = text(row.get("uuid"))
    if event_id is None:
        return None
    detail = fields(row.get("detailX"))
    preview = text(row.get("preview"))
    return LogRecord(
        id=event_id,
        event=integer(row.get("event")) or 0,
        date=moment(row.get("date")),
        domophone_id=text(row.get("objectId")),
        object_type=integer(row.get("objectType")),
        door_id=integer(row.get("objectMechanizma")),
        description=text(row.get("mechanizmaDescription")),
        house_id=text(row.get("houseId")),
        entrance_id=text(row.get("entranceId")),
        camera_id=text(row.get("cameraId")),
        preview_type=integer(row.get("previewType")) or 0,
        preview=preview,
        picture=_picture(preview),
        opened=flag(detail.get("opened")),
        key=text(detail.get("key")),
        phone=text(detail.get("phone")),
        phone_from=text(detail.get("phoneFrom")),
        phone_to=text(detail.get("phoneTo")),
        code=text(detail.get("code")),
        face_id=text(detail.get("faceId")),
        face=_face(fields(detail.get("face"))),
        plate=text(fields(detail.get("vehicle")).get("plateNumber")),
        flags=texts(detail.get("flags")),
    )


def _picture(preview: str | None) -> str | None:
    """Return the id that ends the address of a picture, where the address is of the kind that the API has."""
    try:
        parts = URL(preview or "").parts
    except ValueError:
        return None
    return parts[-1] or None if parts[-2:-1] == (_PICTURES,) else None


def _face(found: Fields) -> Face | None:
    left, top, width, height = (integer(found.get(name)) for name in ("left", "top", "width", "height"))
    if left is None or top is None or width is None or height is None:
        return None
    return Face(left, top, width, height)
