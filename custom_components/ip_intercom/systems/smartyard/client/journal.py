"""The access history of a flat, its tracked events, and the faces and plates that are let in (field notes 5).

The journal is written some minutes late: it is history, no doorbell.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import IntEnum
from functools import partial
from typing import Annotated

from yarl import URL

from ...common.decode import Key, decode, decode_all
from ...common.errors import NotSupported, UnexpectedReply
from ...common.parse import Fields, readable, text, texts
from .client import Functions
from .endpoints import (
    ADD_PLATE,
    DISLIKE,
    FACES,
    LIKE,
    LOG,
    LOG_DAYS,
    LOG_SHOT,
    PLATES,
    REMOVE_PLATE,
    TRACK,
    TRACKED,
    UNTRACK,
    UNWATCH,
    WATCH,
    WATCHING,
    Endpoint,
)
from .values import moment, number, read_day

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

    day: Annotated[date, Key(convert=read_day)]
    events: int = 0


@dataclass(frozen=True, slots=True)
class Face:
    """Where a face is in the picture, in pixels."""

    left: int
    top: int
    width: int
    height: int


def _picture(preview: object) -> str | None:
    """Return the id that ends the address of a picture, where the address is of the kind that the API has."""
    try:
        parts = URL(text(preview) or "").parts
    except ValueError:
        return None
    return parts[-1] or None if parts[-2:-1] == (_PICTURES,) else None


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

    id: Annotated[str, Key("uuid")]
    event: int = 0
    date: Annotated[datetime | None, Key(convert=moment)] = None
    domophone_id: Annotated[str | None, Key("objectId")] = None
    object_type: int | None = None
    door_id: Annotated[int | None, Key("objectMechanizma")] = None
    description: Annotated[str | None, Key("mechanizmaDescription")] = None
    house_id: str | None = None
    entrance_id: str | None = None
    camera_id: str | None = None
    preview_type: int = 0
    preview: str | None = field(default=None, repr=False)
    picture: Annotated[str | None, Key("preview", convert=_picture)] = field(default=None, repr=False)
    opened: Annotated[bool | None, Key("detailX.opened")] = None
    key: Annotated[str | None, Key("detailX.key")] = field(default=None, repr=False)
    phone: Annotated[str | None, Key("detailX.phone")] = field(default=None, repr=False)
    phone_from: Annotated[str | None, Key("detailX.phoneFrom")] = field(default=None, repr=False)
    phone_to: Annotated[str | None, Key("detailX.phoneTo")] = field(default=None, repr=False)
    code: Annotated[str | None, Key("detailX.code")] = field(default=None, repr=False)
    face_id: Annotated[str | None, Key("detailX.faceId")] = None
    face: Annotated[Face | None, Key("detailX.face")] = None
    plate: Annotated[str | None, Key("detailX.vehicle.plateNumber")] = None
    flags: Annotated[tuple[str, ...], Key("detailX.flags")] = ()


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

    id: Annotated[str, Key("watcherId")]
    flat_id: str | None = None
    event: Annotated[int, Key("eventType")] = 0
    detail: Annotated[str | None, Key("eventDetail")] = field(default=None, repr=False)
    comments: str | None = None


class Journal(Functions):
    """The part of ``/address`` that is about the past."""

    async def log_days(self, flat_id: str, events: Sequence[int] = ()) -> tuple[LogDay, ...]:
        """Return the days on which something happened, of certain kinds where there are any.

        Raises:
            NotPaid: The service is not paid for.
            CommandFailed: The journal is not for this person.
        """
        kinds = ",".join(str(int(event)) for event in events) or None
        return decode_all(LogDay, await self._client.rows(LOG_DAYS, flatId=number(flat_id), events=kinds))

    async def log(self, flat_id: str, day: date) -> tuple[LogRecord, ...]:
        """Return what happened on a day, newest first.

        Raises:
            NotPaid: The service is not paid for.
            CommandFailed: The journal is not for this person.
        """
        found = await self._client.rows(LOG, flatId=number(flat_id), day=day.isoformat())
        return readable(LOG.path, found, partial(decode, LogRecord))

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
        return decode_all(Tracked, found)

    async def _tracked(self, endpoint: Endpoint, flat_id: str | None) -> tuple[Fields, ...]:
        return await self._client.rows(endpoint, flatId=None if flat_id is None else number(flat_id))


@dataclass(frozen=True, slots=True)
class KnownFace:
    """A face that is let in; ``image`` is the address of its picture."""

    id: Annotated[str, Key("faceId")]
    image: str | None = field(default=None, repr=False)
    group_id: str | None = None


class Recognition(Functions):
    """``/frs`` and ``/lprs``."""

    async def faces(self, flat_id: str) -> tuple[KnownFace, ...]:
        """Return the faces that are let in.

        Raises:
            InvalidRequest: The server recognizes none.
        """
        return decode_all(KnownFace, await self._client.rows(FACES, flatId=number(flat_id)))

    async def like(self, event: str, comment: str = "") -> str | None:
        """Let in the face of an event of the journal from now on; returns its id."""
        return text((await self._client.record(LIKE, event=event, comment=comment)).get("faceId"))

    async def dislike(
        self, *, event: str | None = None, flat_id: str | None = None, face_id: str | None = None
    ) -> None:
        """Let a face in no more: that of an event, or one of a flat."""
        await self._client.call(
            DISLIKE,
            event=event,
            flatId=None if flat_id is None else number(flat_id),
            faceId=None if face_id is None else number(face_id),
        )

    async def plates(self, flat_id: str) -> tuple[str, ...]:
        """Return the license plates that open the gate.

        Raises:
            UnexpectedReply: It is no list.
        """
        found = await self._client.call(PLATES, flatId=number(flat_id))
        # A list from which something was taken comes as an object.
        listed = list(found.values()) if isinstance(found, dict) else found
        if listed is not None and not isinstance(listed, list):
            raise UnexpectedReply(f"{PLATES.path} answered without a list")
        return texts(listed)

    async def add_plate(self, flat_id: str, plate: str) -> None:
        """Let a license plate open the gate.

        Raises:
            InvalidRequest: It is no license plate.
        """
        await self._client.call(ADD_PLATE, flatId=number(flat_id), number=plate)

    async def remove_plate(self, flat_id: str, plate: str) -> None:
        """Let a license plate open the gate no more.

        Raises:
            InvalidRequest: It is no license plate.
        """
        await self._client.call(REMOVE_PLATE, flatId=number(flat_id), number=plate)
