"""Which cameras there are (field notes 5, ``cctv``)."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Annotated

from ...common.decode import Key, decode, decode_all
from ...common.parse import Fields, objects, readable, string, text
from .client import Functions
from .endpoints import CAMERA_TREE, CAMERAS, CITY_CAMERAS, DOWNLOAD, INTERCOM_CAMERAS, PREPARE, RANGES, YOUTUBE
from .values import moment, number, written

# Depth of nested groups; no real account has that many.
_DEPTH = 16


class ServerType(StrEnum):
    """Servers of cameras; ``SESAME`` is asked as ``FLUSSONIC`` is."""

    FLUSSONIC = "flussonic"
    SESAME = "sesame"
    NIMBLE = "nimble"
    MACROSCOP = "macroscop"
    TRASSIR = "trassir"
    FORPOST = "forpost"


def _lower(value: object) -> str | None:
    return word.lower() if (word := text(value)) is not None else None


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera; None for what is not told.

    Attributes:
        id: Its id, empty for that of an intercom.
        name: Its name.
        url: Where its server has it.
        token: What lets us see it; some servers' last but shortly.
        server_type: One of ``ServerType``, or a word that is not known.
        hls_mode: ``fmp4`` or ``mpegts``, of Flussonic.
        has_sound: There is something to hear.
        latitude: Degrees.
        longitude: Degrees.
        house_id: The house that it belongs to.
        path: Id of its group.
        order: Place in its group.
    """

    id: Annotated[str, Key(convert=string)]
    name: Annotated[str, Key(convert=string)]
    url: str = field(repr=False)
    token: Annotated[str, Key(convert=string)] = field(repr=False)
    server_type: Annotated[str, Key(convert=_lower)] = ServerType.FLUSSONIC
    hls_mode: str | None = None
    has_sound: bool | None = None
    latitude: Annotated[float | None, Key("lat")] = None
    longitude: Annotated[float | None, Key("lon")] = None
    house_id: str | None = None
    path: str | None = None
    order: Annotated[int | None, Key("pathOrder")] = None


@dataclass(frozen=True, slots=True)
class Group:
    """Cameras that belong together; ``type`` is how to show them: ``map`` or ``list``."""

    id: str = ""
    name: str = ""
    type: str = "list"
    groups: tuple[Group, ...] = ()
    cameras: tuple[Camera, ...] = ()


def _of_intercom(row: Fields) -> Camera | None:
    """Return the camera of an intercom: "id" is that of the intercom here."""
    return decode(Camera, row, id=string(row.get("cameraId")))


def _alternatives(rows: object) -> tuple[Camera, ...]:
    return tuple(camera for row in objects(rows) if (camera := _of_intercom(row)) is not None)


@dataclass(frozen=True, slots=True)
class IntercomCamera:
    """The camera of an intercom.

    Attributes:
        domophone_id: The intercom.
        entrance_id: Where it is.
        camera: Its camera.
        recognises: Faces are recognized.
        alternatives: Other cameras there.
    """

    domophone_id: Annotated[str, Key("id")]
    entrance_id: str | None
    camera: Annotated[Camera, Key(row=_of_intercom)]
    recognises: Annotated[bool, Key("frs")] = False
    alternatives: Annotated[tuple[Camera, ...], Key("altCameras", convert=_alternatives)] = ()


@dataclass(frozen=True, slots=True)
class Range:
    """A while that was recorded: from when, in Unix time, and for how many seconds."""

    begin: Annotated[int, Key("from")]
    duration: int


@dataclass(frozen=True, slots=True)
class Archive:
    """What was recorded of a stream."""

    stream: Annotated[str, Key(convert=string)]
    ranges: tuple[Range, ...] = ()


@dataclass(frozen=True, slots=True)
class Clip:
    """A film that the operator has published; ``time`` is in the server's zone."""

    url: str
    title: str = ""
    description: str = ""
    time: Annotated[datetime | None, Key("eventTime", convert=moment)] = None
    thumbnail: Annotated[str | None, Key("thumbnailsHigh", "thumbnailsMedium", "thumbnailsDefault")] = None


class Cameras(Functions):
    """``/cctv``."""

    async def all(self, house_id: str | None = None, *, refresh: bool = False) -> tuple[Camera, ...]:
        """Return the cameras, of one house or all; ``refresh`` passes by the server's cache."""
        found = await self._client.rows(CAMERAS, refresh=refresh, houseId=_optional(house_id))
        return readable(CAMERAS.path, found, partial(decode, Camera))

    async def tree(self, house_id: str | None = None) -> Group:
        """Return the cameras in their groups."""
        return _group(await self._client.record(CAMERA_TREE, houseId=_optional(house_id)))

    async def overview(self) -> tuple[Camera, ...]:
        """Return the cameras of the city."""
        return decode_all(Camera, await self._client.rows(CITY_CAMERAS))

    async def of_intercoms(self, *, refresh: bool = False) -> tuple[IntercomCamera, ...]:
        """Return the cameras of the intercoms; ``refresh`` passes by the server's cache."""
        found = await self._client.rows(INTERCOM_CAMERAS, refresh=refresh)
        return readable(INTERCOM_CAMERAS.path, found, partial(decode, IntercomCamera))

    async def ranges(self, camera_id: str) -> tuple[Archive, ...]:
        """Return what was recorded; nothing for servers that are to be asked themselves, such as Trassir.

        Raises:
            NoData: There is no such camera.
        """
        return decode_all(Archive, await self._client.rows(RANGES, cameraId=number(camera_id)))

    async def prepare(self, camera_id: str, begin: datetime, end: datetime) -> str | None:
        """Let a piece of what was recorded be made ready; a push ``videoReady`` tells when it is.

        Args:
            camera_id: Of which camera.
            begin: From when, in the server's zone.
            end: Until when.

        Returns:
            The id of the piece, None where the server tells none.

        Raises:
            NoData: It is none of the account's cameras, or nothing was recorded.
        """
        return await self._client.words(
            PREPARE, **{"id": number(camera_id), "from": written(begin), "to": written(end)}
        )

    async def download(self, fragment_id: str) -> str | None:
        """Return where a piece is, None where it is not ready, or the message tells it."""
        return await self._client.words(DOWNLOAD, id=number(fragment_id))

    async def youtube(self, camera_id: str | None = None) -> tuple[Clip, ...]:
        """Return the films of a camera, or all."""
        return decode_all(Clip, await self._client.rows(YOUTUBE, id=_optional(camera_id)))


def _optional(identifier: str | None) -> str | int | None:
    return None if identifier is None else number(identifier)


def _group(row: Fields, depth: int = 0) -> Group:
    deeper = objects(row.get("childGroups")) if depth < _DEPTH else ()
    return Group(
        text(row.get("groupId")) or "",
        text(row.get("groupName")) or "",
        text(row.get("type")) or "list",
        tuple(_group(item, depth + 1) for item in deeper),
        decode_all(Camera, row.get("cameras")),
    )
