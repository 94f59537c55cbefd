"""The cameras of an account (field notes 5, ``cctv``)."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Annotated

from ...common.decode import Key, decode, decode_all
from ...common.parse import Fields, objects, readable, string, text
from .client import Functions
from .protocol import (
    CAMERA_TREE,
    CAMERAS,
    CITY_CAMERAS,
    DOWNLOAD,
    INTERCOM_CAMERAS,
    PREPARE,
    RANGES,
    YOUTUBE,
    moment,
    number,
    written,
)

# Maximum depth of nested groups, above that of any real account.
_DEPTH = 16


class ServerType(StrEnum):
    """Types of camera servers; ``SESAME`` has the API of ``FLUSSONIC``."""

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
    """A camera; missing values are None.

    Attributes:
        id: ID of the camera, empty for the camera of an intercom.
        name: Name of the camera.
        url: URL on its server.
        token: Access token; some servers use short-lived ones.
        server_type: A ``ServerType`` or an unknown word.
        hls_mode: ``fmp4`` or ``mpegts``, for Flussonic.
        has_sound: The stream has audio.
        latitude: Degrees.
        longitude: Degrees.
        house_id: ID of its house.
        path: ID of its group.
        order: Position in its group.
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
    """A group of cameras; ``type`` is its presentation: ``map`` or ``list``."""

    id: str = ""
    name: str = ""
    type: str = "list"
    groups: tuple[Group, ...] = ()
    cameras: tuple[Camera, ...] = ()


def _of_intercom(row: Fields) -> Camera | None:
    """Return the camera of an intercom, where ``id`` is the ID of the intercom."""
    return decode(Camera, row, id=string(row.get("cameraId")))


def _alternatives(rows: object) -> tuple[Camera, ...]:
    return tuple(camera for row in objects(rows) if (camera := _of_intercom(row)) is not None)


@dataclass(frozen=True, slots=True)
class IntercomCamera:
    """The camera of an intercom.

    Attributes:
        domophone_id: ID of the intercom.
        entrance_id: ID of the entrance.
        camera: The camera.
        recognises: Faces are recognized.
        alternatives: Other cameras at the intercom.
    """

    domophone_id: Annotated[str, Key("id")]
    entrance_id: str | None
    camera: Annotated[Camera, Key(row=_of_intercom)]
    recognises: Annotated[bool, Key("frs")] = False
    alternatives: Annotated[tuple[Camera, ...], Key("altCameras", convert=_alternatives)] = ()


@dataclass(frozen=True, slots=True)
class Range:
    """A recorded range: its start in Unix seconds, and its duration in seconds."""

    begin: Annotated[int, Key("from")]
    duration: int


@dataclass(frozen=True, slots=True)
class Archive:
    """The recorded ranges of a stream."""

    stream: Annotated[str, Key(convert=string)]
    ranges: tuple[Range, ...] = ()


@dataclass(frozen=True, slots=True)
class Clip:
    """A video that the operator has published; ``time`` is in the server's time zone."""

    url: str
    title: str = ""
    description: str = ""
    time: Annotated[datetime | None, Key("eventTime", convert=moment)] = None
    thumbnail: Annotated[str | None, Key("thumbnailsHigh", "thumbnailsMedium", "thumbnailsDefault")] = None


class Cameras(Functions):
    """``/cctv``."""

    async def all(self, house_id: str | None = None, *, refresh: bool = False) -> tuple[Camera, ...]:
        """Return the cameras of one house or all; ``refresh`` bypasses the server's cache."""
        found = await self._client.rows(CAMERAS, refresh=refresh, houseId=_optional(house_id))
        return readable(CAMERAS.path, found, partial(decode, Camera))

    async def tree(self, house_id: str | None = None) -> Group:
        """Return the cameras in groups."""
        return _group(await self._client.record(CAMERA_TREE, houseId=_optional(house_id)))

    async def overview(self) -> tuple[Camera, ...]:
        """Return the city cameras."""
        return decode_all(Camera, await self._client.rows(CITY_CAMERAS))

    async def of_intercoms(self, *, refresh: bool = False) -> tuple[IntercomCamera, ...]:
        """Return the cameras of the intercoms; ``refresh`` bypasses the server's cache."""
        found = await self._client.rows(INTERCOM_CAMERAS, refresh=refresh)
        return readable(INTERCOM_CAMERAS.path, found, partial(decode, IntercomCamera))

    async def ranges(self, camera_id: str) -> tuple[Archive, ...]:
        """Return the recorded ranges; empty for camera servers that must be queried directly, such as Trassir.

        Raises:
            NoData: There is no such camera.
        """
        return decode_all(Archive, await self._client.rows(RANGES, cameraId=number(camera_id)))

    async def prepare(self, camera_id: str, begin: datetime, end: datetime) -> str | None:
        """Let the server prepare a recording; a ``videoReady`` push reports when it is ready.

        Args:
            begin: Start in the server's time zone.
            end: End in the server's time zone.

        Returns:
            The ID of the recording, None if the server reports none.

        Raises:
            NoData: The camera does not belong to the account, or the range was not recorded.
        """
        return await self._client.words(
            PREPARE, **{"id": number(camera_id), "from": written(begin), "to": written(end)}
        )

    async def download(self, fragment_id: str) -> str | None:
        """Return the URL of a recording, None if it is not ready or the message has the URL."""
        return await self._client.words(DOWNLOAD, id=number(fragment_id))

    async def youtube(self, camera_id: str | None = None) -> tuple[Clip, ...]:
        """Return the published videos of a camera, or all."""
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
