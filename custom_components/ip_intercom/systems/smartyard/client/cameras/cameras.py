"""Which cameras there are (field notes 5, ``cctv``)."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ....common.parse import Fields, flag, integer, objects, readable, text
from ..client import SmartYardClient
from ..endpoints import CAMERA_TREE, CAMERAS, CITY_CAMERAS, DOWNLOAD, INTERCOM_CAMERAS, PREPARE, RANGES, YOUTUBE
from ..values import degrees, moment, number, written

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

    id: str
    name: str
    url: str = field(repr=False)
    token: str = field(repr=False)
    server_type: str = ServerType.FLUSSONIC
    hls_mode: str | None = None
    has_sound: bool | None = None
    latitude: float | None = None
    longitude: float | None = None
    house_id: str | None = None
    path: str | None = None
    order: int | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Cameras that belong together; ``type`` is how to show them: ``map`` or ``list``."""

    id: str = ""
    name: str = ""
    type: str = "list"
    groups: tuple[Group, ...] = ()
    cameras: tuple[Camera, ...] = ()


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

    domophone_id: str
    entrance_id: str | None
    camera: Camera
    recognises: bool = False
    alternatives: tuple[Camera, ...] = ()


@dataclass(frozen=True, slots=True)
class Range:
    """A while that was recorded: from when, in Unix time, and for how many seconds."""

    begin: int
    duration: int


@dataclass(frozen=True, slots=True)
class Archive:
    """What was recorded of a stream."""

    stream: str
    ranges: tuple[Range, ...] = ()


@dataclass(frozen=True, slots=True)
class Clip:
    """A film that the operator has published; ``time`` is in the server's zone."""

    url: str
    title: str = ""
    description: str = ""
    time: datetime | None = None
    thumbnail: str | None = None


class Cameras:
    """``/cctv``."""

    def __init__(self, client: SmartYardClient) -> None:
        self._client = client

    async def all(self, house_id: str | None = None, *, refresh: bool = False) -> tuple[Camera, ...]:
        """Return the cameras, of one house or all; ``refresh`` passes by the server's cache."""
        found = await self._client.rows(CAMERAS, refresh=refresh, houseId=_optional(house_id))
        return readable(CAMERAS.path, found, _camera)

    async def tree(self, house_id: str | None = None) -> Group:
        """Return the cameras in their groups."""
        return _group(await self._client.record(CAMERA_TREE, houseId=_optional(house_id)))

    async def overview(self) -> tuple[Camera, ...]:
        """Return the cameras of the city."""
        found = await self._client.rows(CITY_CAMERAS)
        return tuple(camera for row in found if (camera := _camera(row)) is not None)

    async def of_intercoms(self, *, refresh: bool = False) -> tuple[IntercomCamera, ...]:
        """Return the cameras of the intercoms; ``refresh`` passes by the server's cache."""
        found = await self._client.rows(INTERCOM_CAMERAS, refresh=refresh)
        return readable(INTERCOM_CAMERAS.path, found, _intercom_camera)

    async def ranges(self, camera_id: str) -> tuple[Archive, ...]:
        """Return what was recorded; nothing for servers that are to be asked themselves, such as Trassir.

        Raises:
            NoData: There is no such camera.
        """
        found = await self._client.rows(RANGES, cameraId=number(camera_id))
        return tuple(Archive(text(row.get("stream")) or "", _ranges(row)) for row in found)

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
        found = await self._client.rows(YOUTUBE, id=_optional(camera_id))
        return tuple(
            Clip(
                url,
                text(row.get("title")) or "",
                text(row.get("description")) or "",
                moment(row.get("eventTime")),
                text(row.get("thumbnailsHigh"))
                or text(row.get("thumbnailsMedium"))
                or text(row.get("thumbnailsDefault")),
            )
            for row in found
            if (url := text(row.get("url"))) is not None
        )


def _optional(identifier: str | None) -> str | int | None:
    return None if identifier is None else number(identifier)


def _camera(row: Fields, identifier: str = "id") -> Camera | None:
    """Return a camera, None if its address is unknown."""
    url = text(row.get("url"))
    if url is None:
        return None
    return Camera(
        id=text(row.get(identifier)) or "",
        name=text(row.get("name")) or "",
        url=url,
        token=text(row.get("token")) or "",
        server_type=(text(row.get("serverType")) or ServerType.FLUSSONIC).lower(),
        hls_mode=text(row.get("hlsMode")),
        has_sound=flag(row.get("hasSound")),
        latitude=degrees(row.get("lat")),
        longitude=degrees(row.get("lon")),
        house_id=text(row.get("houseId")),
        path=text(row.get("path")),
        order=integer(row.get("pathOrder")),
    )


def _intercom_camera(row: Fields) -> IntercomCamera | None:
    # Here "id" is that of the intercom.
    domophone_id, camera = text(row.get("id")), _camera(row, "cameraId")
    if domophone_id is None or camera is None:
        return None
    others = (_camera(item, "cameraId") for item in objects(row.get("altCameras")))
    return IntercomCamera(
        domophone_id,
        text(row.get("entranceId")),
        camera,
        flag(row.get("frs")) or False,
        tuple(other for other in others if other is not None),
    )


def _group(row: Fields, depth: int = 0) -> Group:
    deeper = objects(row.get("childGroups")) if depth < _DEPTH else ()
    cameras = (_camera(item) for item in objects(row.get("cameras")))
    return Group(
        text(row.get("groupId")) or "",
        text(row.get("groupName")) or "",
        text(row.get("type")) or "list",
        tuple(_group(item, depth + 1) for item in deeper),
        tuple(camera for camera in cameras if camera is not None),
    )


def _ranges(row: Fields) -> tuple[Range, ...]:
    found = ((integer(item.get("from")), integer(item.get("duration"))) for item in objects(row.get("ranges")))
    return tuple(Range(begin, duration) for begin, duration in found if begin is not None and duration is not None)
