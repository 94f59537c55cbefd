"""The server on the network: the API, a host for each type of camera server, and one that has nothing to do with it."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
import time
from typing import Any, override

from aiohttp import web

from tests.simulators.common.faults import bodies
from tests.simulators.common.host import Host, scheme_of, wait_for
from tests.simulators.coverage import Recorder

from .cameras import Camera, Kind, jpeg
from .dialects import Dialect
from .envelope import Json
from .faults import Dates, Undated
from .hands import Hands
from .history import Event
from .houses import Town
from .pictures import scene
from .pipeline import Outcome
from .telephony import Telephony

PAGE = b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body></body></html>"
BODIES = bodies(b'{"code":200,"name":"OK","message":"OK","data":[{', PAGE)
API, ELSEWHERE = "api", "elsewhere"
HOSTS: tuple[str, ...] = (API, *Kind, ELSEWHERE)


@dataclass(frozen=True, slots=True)
class Request:
    """A request that was answered; `host` is `api`, a type of camera server or `elsewhere`, `at` is monotonic time.

    `function` is the path in the table of requests, `body` what was sent to the API as an object.
    """

    host: str
    method: str
    path: str
    query: dict[str, str]
    function: str | None
    status: int
    error: str | None
    phone: str | None
    authorization: str | None
    body: Json | None
    at: float


class Simulator(Hands, Host[Request]):
    """One server of an operator with its cameras, on 127.0.0.1."""

    _refusal = 400, '{"code":400,"name":"Bad Request","message":"Ошибка"}'.encode()

    def __init__(
        self,
        dialect: Dialect | str = Dialect.RBT,
        *,
        town: Town | None = None,
        http_port: int = 0,
        https: bool = False,
        speed: float = 1.0,
        seed: int | None = 1,
    ) -> None:
        """Nothing is needed.

        Without a `town` there are the houses and people of the fixtures, one without residents. With `https`
        the API speaks TLS; cameras do not. `speed` makes the server live faster. `seed` decides which numbers are text;
        without one all are as in the captures.
        """
        super().__init__(dialect, town=town, speed=speed, seed=seed)
        Host.__init__(self, "SmartYard", f"{self.dialect.base}/", BODIES)
        self._coverage = Recorder("smartyard")
        self._port_wanted = http_port
        self._https = https

    @override
    def _doors(self) -> tuple[tuple[int, bool], ...]:
        return ((self._port_wanted, self._https), *(((0, False),) * (len(HOSTS) - 1)))

    @override
    async def start(self) -> None:
        """Listen, and know from then on where the pictures are."""
        await Host.start(self)
        self.address_functions.origin = self.origin

    async def start_telephony(self, transport: str = "udp") -> Telephony:
        """Let rings be calls, too, for devices that register."""
        self.telephony = Telephony(
            time.monotonic, lambda ring: self._end(ring, Event.ANSWERED, opened=False), transport
        )
        await self.telephony.start()
        return self.telephony

    @override
    async def stop(self) -> None:
        await super().stop()
        if self.telephony is not None:
            await self.telephony.stop()

    @property
    def address(self) -> str:
        """Host and port of the API."""
        return self._network.address(0)

    @property
    @override
    def origin(self) -> str:
        return f"{'https' if self._https else 'http'}://{self.address}"

    @property
    def url(self) -> str:
        """The base of every request."""
        base: str = self.dialect.base
        return f"{self.origin}{base}"

    @property
    @override
    def elsewhere(self) -> str:
        return f"http://{self._network.address(HOSTS.index(ELSEWHERE))}"

    @override
    def _camera_url(self, camera: Camera) -> str:
        return f"http://{self._network.address(HOSTS.index(camera.kind))}{camera.path}"

    def _host(self, request: web.BaseRequest) -> str:
        if request.transport is None:
            raise ConnectionError
        port = request.transport.get_extra_info("sockname")[1]
        return next(host for number, host in enumerate(HOSTS) if self._network.port(number) == port)

    @override
    async def _respond(self, request: web.BaseRequest) -> web.StreamResponse:
        host = self._host(request)
        if host == API:
            outcome = await self.pipeline.answer(request)
        elif host == ELSEWHERE:
            outcome = Outcome(await self._stranger(request))
        else:
            outcome = Outcome(await self.cameras.answer(Kind(host), request))
        self._note(request, outcome, host)
        return self._dated(outcome.response)

    def _dated(self, response: web.StreamResponse) -> web.StreamResponse:
        if self.dates is Dates.NONE and isinstance(response, web.Response):
            return Undated(body=response.body, status=response.status, headers=response.headers)
        if self.dates is Dates.OWN:  # as all that it writes; else it is that of the machine
            response.headers["Date"] = format_datetime(datetime.fromtimestamp(self.clock.utc(), UTC), usegmt=True)
        return response

    @staticmethod
    async def _stranger(request: web.BaseRequest) -> web.Response:
        """Answer each request as an impostor would."""
        await request.read()
        if request.method == "GET":
            return jpeg(scene("stranger", 0, camera=0, visitor=True))
        body = b'{"code":200,"name":"OK","message":"OK","data":{}}'
        return web.Response(body=body, headers={"Content-Type": "application/json"})

    def _note(self, request: web.BaseRequest, outcome: Outcome, host: str) -> None:
        endpoint = outcome.endpoint
        self._requests.append(
            Request(
                host,
                request.method,
                request.path,
                dict(request.query),
                None if endpoint is None else endpoint.path,
                outcome.response.status,
                outcome.error,
                outcome.phone,
                scheme_of(request),
                outcome.body,
                time.monotonic(),
            )
        )
        if endpoint is not None:
            self._coverage.request(endpoint.method, endpoint.path, success=outcome.error is None)

    @override
    def _note_garbage(self, request: web.BaseRequest, status: int) -> None:
        self._note(request, Outcome(web.Response(status=status)), self._host(request))

    async def restart(self, seconds: float = 0.0) -> None:
        """Restart the server: it is away for real seconds, and forgets nothing that people have."""
        self._cut_off()
        await asyncio.sleep(seconds)
        await self._network.connect()

    async def wait_for_pushes(self, n: int = 1, timeout: float = 5.0) -> None:
        """Wait until that many pushes were sent."""
        await wait_for(lambda: len(self.pushes.sent) >= n, timeout)

    def state(self) -> dict[str, Any]:
        """Describe the server as JSON."""
        return {
            "dialect": self.dialect,
            "subscribers": {
                phone: {
                    "flats": {str(flat): role for flat, role in who.flats.items()},
                    "unread": who.unread,
                    "chat": who.chat,
                }
                for phone, who in self.people.subscribers.items()
            },
            "devices": [
                {
                    "id": device.id,
                    "phone": device.phone,
                    "platform": device.platform,
                    "bundle": device.bundle,
                    "push": device.push_token is not None,
                    "voip": device.voip,
                    "texts": device.texts,
                    "money": device.money,
                }
                for device in self.people.devices
            ],
            "codes": {phone: code.pin for phone, code in self.login.codes.items()},
            "doors": [
                {
                    "domophoneId": door.domophone,
                    "doorId": door.door,
                    "name": door.name,
                    "blocked": door.blocked,
                    "broken": door.broken,
                }
                for door in self.town.doors
            ],
            "opened": [list(row) for row in self.address_functions.opened],
            "cameras": [
                {"id": camera.id, "name": camera.name, "serverType": camera.kind} for camera in self.town.cameras
            ],
            "rings": [
                {"hash": name, "domophoneId": ring.door.domophone, "flatId": ring.flat.id, "over": ring.over}
                for name, ring in self.rings.rows.items()
            ],
            "log": len(self.history.records),
            "watchers": [watcher.row() for watcher in self.address_functions.watchers],
            "routes": [{"url": route.url, "form": route.form} for route in self.pushes.routes],
            "pushes": [
                {"kind": sent.kind, "status": sent.status, "taken": sent.delivered} for sent in self.pushes.sent
            ],
            "requests": len(self._requests),
        }
