"""The functions of module `cctv`."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
import uuid

from .address import Address
from .cameras import Camera, CameraServers
from .dialects import Dialect
from .envelope import Answer, ApiError, Call, Handler, Json
from .houses import Town
from .people import Subscriber
from .texts import only_russian
from .timezone import parse

# Days that the archive reaches back.
ARCHIVE = 7
NOT_CONNECTED = only_russian("услуга не подключена")


@dataclass(frozen=True, slots=True)
class Film:
    """A part of the archive that was asked for; `start` and `end` are Unix times."""

    id: int
    uuid: str
    camera: Camera
    subscriber: Subscriber
    start: int
    end: int


class Cctv:
    """The functions, by their paths in the table."""

    def __init__(
        self,
        dialect: Dialect,
        town: Town,
        address: Address,
        servers: CameraServers,
        url: Callable[[Camera], str],
        now: Callable[[], int],
    ) -> None:
        """`url` returns the address of a camera."""
        self.films: list[Film] = []
        # Those that are ready.
        self.ready: set[str] = set()
        self._dialect = dialect
        self._town = town
        self._address = address
        self._servers = servers
        self._url = url
        self._now = now
        self._next_film = count(1)
        self.handlers: dict[str, Handler] = {
            "/cctv/all": self._all,
            "/cctv/allTree": self._tree,
            "/cctv/overview": self._overview,
            "/cctv/camMap": self._map,
            "/cctv/ranges": self._ranges,
            "/cctv/recPrepare": self._prepare,
            "/cctv/recDownload": self._download,
            # It has nothing to show: the published server does not link films of others.
            "/cctv/youtube": lambda call: None,
        }

    def _row(self, camera: Camera, *, full: bool = True) -> Json:
        row: Json = {"id": camera.id}
        if full:
            row |= {"path": None, "pathOrder": None}
        row |= {
            "name": camera.name,
            "lat": camera.lat,
            "url": self._url(camera),
            "token": self._servers.token(camera),
            "lon": camera.lon,
            "serverType": camera.server_type,
            "hasSound": camera.has_sound,
        }
        if camera.fmp4:
            row["hlsMode"] = "fmp4"
        return row

    def _all(self, call: Call) -> Answer:
        found = self._address.cameras(call, call.number("houseId") or None)
        return [self._row(camera) for camera in sorted(found, key=lambda camera: camera.name)]

    def _tree(self, call: Call) -> Answer:
        houses = {camera.house for camera in self._address.cameras(call)}
        groups: list[Json] = []
        for number in sorted(house for house in houses if house is not None):
            rows = [self._row(camera) for camera in self._address.cameras(call, number)]
            groups.append({"groupId": number, "groupName": self._town.house(number).address, "type": "list"})
            groups[-1]["cameras"] = rows
        if not groups:
            return None
        if len(groups) == 1:
            return {"groupId": 0, "type": "list", "cameras": groups[0]["cameras"]}
        return {"groupId": 0, "type": "list", "childGroups": groups, "cameras": []}

    def _overview(self, call: Call) -> Answer:
        if self._dialect is Dialect.AXIOS:
            raise ApiError(404, NOT_CONNECTED)
        rows = [self._row(camera, full=False) for camera in self._town.city]
        order = ("id", "name", "lat", "lon", "url", "token", "serverType", "hasSound", "hlsMode")
        return [{name: row[name] for name in order if name in row} for row in rows]

    def _map(self, call: Call) -> Answer:
        rows: dict[int, Json] = {}
        seen = {camera.id for camera in self._address.cameras(call)}
        for flat in self._address.flats(call):
            for door in self._town.doors_of(flat):
                camera = None if door.camera not in seen else self._town.camera(door.camera or 0)
                if camera is None or door.domophone in rows:
                    continue
                rows[door.domophone] = {
                    "entranceId": str(door.entrance),
                    "id": str(door.domophone),
                    "url": self._url(camera),
                    "token": self._servers.token(camera),
                    "frs": "f",
                    "serverType": camera.server_type,
                    "hasSound": camera.has_sound,
                }
        return list(rows.values())

    def _seen(self, call: Call, name: str) -> Camera:
        number = call.number(name)
        found = [camera for camera in (*self._address.cameras(call), *self._town.city) if camera.id == number]
        if not found:
            raise ApiError(404)
        return found[0]

    def _ranges(self, call: Call) -> Answer:
        camera = self._seen(call, "cameraId")
        length = ARCHIVE * 86400
        stream = camera.path.partition("?")[0].rpartition("/")[2]
        return [{"stream": stream, "ranges": [{"duration": length, "from": self._now() - length}]}]

    def _prepare(self, call: Call) -> Answer:
        start, end = parse(call.text("from")), parse(call.text("to"))
        if start is None or end is None or end <= start:
            raise ApiError(404)
        camera = self._seen(call, "id")
        for film in self.films:
            if (film.camera, film.subscriber, film.start, film.end) == (camera, call.who, start, end):
                return film.id
        return self.order(camera, call.who, start, end).id

    def order(self, camera: Camera, who: Subscriber, start: int, end: int) -> Film:
        """Have a part of the archive made ready."""
        film = Film(next(self._next_film), str(uuid.uuid4()), camera, who, start, end)
        self.films.append(film)
        return film

    def _download(self, call: Call) -> Answer:
        # The published server never says where it is but in the message that it is ready.
        if self._dialect is Dialect.RBT:
            return None
        number = call.number("id")
        film = next((row for row in self.films if row.id == number and row.subscriber is call.who), None)
        if film is None or film.uuid not in self.ready:
            raise ApiError(404)
        return self.link(film)

    def link(self, film: Film) -> str:
        """Return the download link of a film."""
        return f"{self._address.origin}{self._dialect.base}/cctv/download/{film.uuid}"

    def film(self, name: str) -> Film | None:
        """Find a film that is ready."""
        return next((row for row in self.films if row.uuid == name and name in self.ready), None)
