"""The access history of an apartment, watched events, and recognized faces and plates (field notes 5).

Records appear some minutes late, so they cannot serve as a doorbell.
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
from .protocol import (
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
    moment,
    number,
    read_day,
)

# Path of an image URL, before its ID.
_PICTURES = LOG_SHOT.split("/")[-2]


class LogEvent(IntEnum):
    """Types of events."""

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
    """A day with events; ``events`` is their number, of all types."""

    day: Annotated[date, Key(convert=read_day)]
    events: int = 0


@dataclass(frozen=True, slots=True)
class Face:
    """Position of a face in the image, in pixels."""

    left: int
    top: int
    width: int
    height: int


def _picture(preview: object) -> str | None:
    """Return the ID at the end of an image URL, if the URL has the format of the API."""
    try:
        parts = URL(text(preview) or "").parts
    except ValueError:
        return None
    return parts[-1] or None if parts[-2:-1] == (_PICTURES,) else None


@dataclass(frozen=True, slots=True)
class LogRecord:
    """A record of the journal; missing values are None.

    Attributes:
        id: UUID of the record.
        event: A ``LogEvent`` or an unknown number; 0 if missing.
        date: Time in the server's time zone.
        domophone_id: ID of the intercom.
        object_type: 0 for an intercom.
        door_id: Number of the door at the intercom.
        description: Name of the door.
        house_id: ID of the house.
        entrance_id: ID of the entrance.
        camera_id: ID of the recording camera.
        preview_type: 0 for no image, 1 for one of the recorder, 2 for one with a face.
        preview: URL of the image.
        picture: ID of the image, for ``Images.log_picture``; the ID alone gives access to it.
        opened: The door was opened during the call.
        key: Number of the key.
        phone: Phone number of the app user.
        phone_from: Phone number that called the gate.
        phone_to: Phone number of the gate.
        code: The entered code.
        face_id: ID of the face.
        face: Position of the face.
        plate: License plate.
        flags: Allowed actions for the face, such as ``canLike``.
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
    """A watched event, which is reported immediately by a ``paranoid`` push.

    Attributes:
        id: ID to end the watch.
        flat_id: ID of the apartment.
        event: A ``LogEvent``: key, app, face, code, or vehicle.
        detail: The watched key, phone number, face, code, or plate.
        comments: Notes of users.
    """

    id: Annotated[str, Key("watcherId")]
    flat_id: str | None = None
    event: Annotated[int, Key("eventType")] = 0
    detail: Annotated[str | None, Key("eventDetail")] = field(default=None, repr=False)
    comments: str | None = None


class Journal(Functions):
    """The part of ``/address`` with history and watches."""

    async def log_days(self, flat_id: str, events: Sequence[int] = ()) -> tuple[LogDay, ...]:
        """Return the days with events, optionally only of some types.

        Raises:
            NotPaid: The service is not paid for.
            CommandFailed: The user may not see the journal.
        """
        kinds = ",".join(str(int(event)) for event in events) or None
        return decode_all(LogDay, await self._client.rows(LOG_DAYS, flatId=number(flat_id), events=kinds))

    async def log(self, flat_id: str, day: date) -> tuple[LogRecord, ...]:
        """Return the records of a day, newest first.

        Raises:
            NotPaid: The service is not paid for.
            CommandFailed: The user may not see the journal.
        """
        found = await self._client.rows(LOG, flatId=number(flat_id), day=day.isoformat())
        return readable(LOG.path, found, partial(decode, LogRecord))

    async def track(self, flat_id: str, event: int, detail: str, comments: str = "") -> str | None:
        """Watch an event; returns the ID to end the watch, None if the server reports none."""
        values = {"flatId": number(flat_id), "eventType": str(int(event)), "eventDetail": detail, "comments": comments}
        try:
            found = await self._client.record(TRACK, **values)
        except NotSupported:
            found = await self._client.record(WATCH, **values)
        return text(found.get("watcherId"))

    async def untrack(self, watcher_id: str) -> None:
        """End a watch."""
        try:
            await self._client.call(UNTRACK, watcherId=number(watcher_id))
        except NotSupported:
            await self._client.call(UNWATCH, watcherId=number(watcher_id))

    async def tracked(self, flat_id: str | None = None) -> tuple[Tracked, ...]:
        """Return the watches of this device, for one apartment or all.

        Raises:
            CommandFailed: The apartment does not belong to the account.
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
    """A face with access; ``image`` is the URL of its image."""

    id: Annotated[str, Key("faceId")]
    image: str | None = field(default=None, repr=False)
    group_id: str | None = None


class Recognition(Functions):
    """``/frs`` and ``/lprs``."""

    async def faces(self, flat_id: str) -> tuple[KnownFace, ...]:
        """Return the faces with access.

        Raises:
            InvalidRequest: The server has no face recognition.
        """
        return decode_all(KnownFace, await self._client.rows(FACES, flatId=number(flat_id)))

    async def like(self, event: str, comment: str = "") -> str | None:
        """Give access to the face of a record; returns the ID of the face."""
        return text((await self._client.record(LIKE, event=event, comment=comment)).get("faceId"))

    async def dislike(
        self, *, event: str | None = None, flat_id: str | None = None, face_id: str | None = None
    ) -> None:
        """Remove the access of a face, given by a record or by an apartment and ID."""
        await self._client.call(
            DISLIKE,
            event=event,
            flatId=None if flat_id is None else number(flat_id),
            faceId=None if face_id is None else number(face_id),
        )

    async def plates(self, flat_id: str) -> tuple[str, ...]:
        """Return the license plates that open the gate.

        Raises:
            UnexpectedReply: The response is not a list.
        """
        found = await self._client.call(PLATES, flatId=number(flat_id))
        # PHP encodes a list as an object after an item was removed.
        listed = list(found.values()) if isinstance(found, dict) else found
        if listed is not None and not isinstance(listed, list):
            raise UnexpectedReply(f"{PLATES.path} answered without a list")
        return texts(listed)

    async def add_plate(self, flat_id: str, plate: str) -> None:
        """Add a license plate that opens the gate.

        Raises:
            InvalidRequest: The license plate is invalid.
        """
        await self._client.call(ADD_PLATE, flatId=number(flat_id), number=plate)

    async def remove_plate(self, flat_id: str, plate: str) -> None:
        """Remove a license plate that opens the gate.

        Raises:
            InvalidRequest: The license plate is invalid.
        """
        await self._client.call(REMOVE_PLATE, flatId=number(flat_id), number=plate)
