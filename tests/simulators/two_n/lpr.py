"""License plates (HTTP API 5.16)."""

from base64 import b64decode
from binascii import Error
from collections import deque
from typing import NamedTuple

from aiohttp import web

from .access import AccessPoints
from .directory import Directory
from .entry import valid_uuid
from .envelope import INT_MAX, ApiError, Call, Code, Handler, Json, success
from .eventlog import EventLog
from .models import Model

MAX_IMAGE = 256 * 1024
MAX_PLATE = 12
DUPLICATES = 10
IMAGES = 5
DIRECTIONS = 4


class Sighting(NamedTuple):
    """A recognition that was received; what the fields mean, the recognizing system knows."""

    uuid: str
    plate: str
    ap: int
    lpr_id: int | None
    direction: int | None
    image: bytes | None


class LicensePlates:
    """Lets cars in, and keeps the last pictures."""

    def __init__(self, model: Model, log: EventLog, points: AccessPoints, directory: Directory) -> None:
        """Wire it to the access points."""
        self.sightings: list[Sighting] = []
        self.images: deque[tuple[str, bytes]] = deque(maxlen=IMAGES)
        self._model = model
        self._log = log
        self._points = points
        self._directory = directory
        self._recent: deque[str] = deque(maxlen=DUPLICATES)
        self.handlers: dict[str, Handler] = {"lpr/licenseplate": self._receive, "lpr/image": self._image}

    async def _receive(self, call: Call) -> web.StreamResponse:
        sighting = self._read(call.body or {})
        if sighting.uuid not in self._recent:
            self._recent.append(sighting.uuid)
            self.sightings.append(sighting)
            if sighting.image is not None:
                self.images.append((_plain(sighting.plate), sighting.image))
            self._recognise(sighting)
        return success()

    def _read(self, body: Json) -> Sighting:
        # lprID came with 2.40 and is mandatory since then.
        identified = self._model.since(2, 40)
        for name in ("lprUuid", "accessPoint", "plateText", *(("lprID",) if identified else ())):
            if name not in body:
                raise ApiError(Code.MISSING_PARAMETER, name)
        if not valid_uuid(body["lprUuid"]):
            raise ApiError(Code.INVALID_VALUE, "lprUuid")
        plate = body["plateText"]
        if not isinstance(plate, str) or not 1 <= len(_plain(plate)) <= MAX_PLATE:
            raise ApiError(Code.INVALID_VALUE, "plateText")
        ap = _integer(body, "accessPoint", len(self._points.all) - 1)
        lpr_id = _integer(body, "lprID", INT_MAX) if identified else None
        direction = _integer(body, "lprDir", DIRECTIONS - 1) if identified and "lprDir" in body else None
        return Sighting(body["lprUuid"].lower(), plate, ap, lpr_id, direction, _picture(body))

    def _recognise(self, sighting: Sighting) -> None:
        plate = _plain(sighting.plate)
        entry = self._directory.find(
            lambda entry: plate in (_plain(text) for text in entry["access"]["licensePlates"].split(","))
        )
        where: Json = {"ap": sighting.ap, "session": self._points.begin()}
        refusal = "invalidCredential" if entry is None else self._points.refusal(sighting.ap, entry)
        who = {} if entry is None else {"uuid": entry["uuid"].lower()}
        seen = {**where, "licensePlate": sighting.plate, **who, "valid": refusal is None}
        self._log.record("LicensePlateRecognized", seen)
        if refusal is not None:
            self._points.reject(where, entry, refusal)
        else:
            self._points.admit(where, entry)

    async def _image(self, call: Call) -> web.StreamResponse:
        wanted = _plain(call.params.required("plateText"))
        for plate, image in reversed(self.images):
            if plate == wanted:
                return web.Response(body=image, content_type="image/jpeg")
        raise ApiError(Code.NO_DATA)


def _plain(plate: str) -> str:
    """Leave out blanks, which the directory ignores as well (5.14.1)."""
    return "".join(plate.split()).upper()


def _integer(body: Json, name: str, high: int) -> int:
    value = body[name]
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= high:
        raise ApiError(Code.INVALID_VALUE, name)
    return value


def _picture(body: Json) -> bytes | None:
    text = body.get("plateImage", "")
    if not isinstance(text, str):
        raise ApiError(Code.INVALID_VALUE, "plateImage")
    try:
        image = b64decode("".join(text.split()), validate=True)
    except Error, ValueError:
        raise ApiError(Code.INVALID_VALUE, "plateImage") from None
    if len(image) > MAX_IMAGE:
        raise ApiError(Code.TOO_BIG, "plateImage")
    return image or None
