"""The device on the network."""

import asyncio
from collections import ChainMap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
import time
from typing import Any, override

from aiohttp import web

from tests.simulators.common.faults import bodies
from tests.simulators.common.host import Host, scheme_of, wait_for
from tests.simulators.common.state_file import StateFile
from tests.simulators.coverage import Recorder

from .auth import Authenticator
from .device import DEFAULT_UPTIME
from .dialects import Auth, RelayNames, RelayReading
from .hands import Hands
from .pipeline import PREFIX, WEB_APP, Outcome, Pipeline
from .tls import OldCertificate

BODIES = bodies(b'{"retcode": 0, "action": "get", "message": "OK", "data": {', WEB_APP.encode())
# Time for the answer of system/reboot to leave before the connections die.
RESTART_DELAY = 0.05
# The manual's default.
PASSWORD = "httpapi"
# Device seconds that a reboot takes.
REBOOT = 30.0


@dataclass(frozen=True, slots=True)
class Request:
    """A request that was answered; `at` is monotonic time, `port` is http, https or camera."""

    method: str
    path: str
    query: dict[str, str]
    function: str | None
    status: int
    retcode: int | None
    port: str
    authorization: str | None
    spoiled: bool
    at: float


class Simulator(Hands, Host[Request]):
    """One Akuvox device on 127.0.0.1."""

    _refusal = 200, b'{"retcode": -100, "action": "unknow", "message": "Error param", "data": {}}'

    def __init__(
        self,
        dialect: str = "a_series",
        *,
        auth: Auth | None = None,
        username: str = "admin",
        password: str = PASSWORD,
        whitelist: Iterable[str] = (),
        config: Mapping[str, str] | None = None,
        relay_reading: RelayReading | str = RelayReading.A,
        status_lag: float = 0.0,
        relay_names: RelayNames | str = RelayNames.RELAY_LETTER,
        action_urls: Iterable[str] = (),
        http_port: int = 0,
        https_port: int = 0,
        camera_port: int = 0,
        speed: float = 1.0,
        uptime: float = DEFAULT_UPTIME,
        has_clock: bool = True,
        mac: str | None = None,
    ) -> None:
        """Only the dialect is needed; `mac` is another than its own, empty for none.

        `auth` is another than the dialect's usual one, `config` are values of the configuration that the installer has
        set. `relay_reading` is what a relay makes of commands, `status_lag` by how many device seconds `relay/status`
        lags behind the relays, `relay_names` how the device calls its relays, and `action_urls` are keys of Action URLs
        that it has besides. `speed` makes the device live faster: its timers and clocks, but not the gap and the
        throttle that it needs of its clients. Without a clock, its time counts from 1970 after each start.
        """
        super().__init__(
            dialect,
            auth=auth,
            username=username,
            password=password,
            whitelist=whitelist,
            config=config or {},
            relay_reading=RelayReading(relay_reading),
            status_lag=status_lag,
            relay_names=RelayNames(relay_names),
            action_urls=action_urls,
            speed=speed,
            uptime=uptime,
            has_clock=has_clock,
            mac=mac,
        )
        certificate = OldCertificate(self.dialect.model) if self.dialect.old_tls else None
        Host.__init__(self, self.dialect.model, PREFIX, BODIES, certificate)
        self.authenticator = Authenticator(self.config)
        self.pipeline = Pipeline(
            self.dialect,
            self.handlers,
            ChainMap(self.pages.all, self.door_log.pictures),
            self.authenticator,
            lambda: self._network.port(1),
        )
        self._coverage = Recorder("akuvox")
        self._ports_wanted = (http_port, https_port, camera_port)

    @override
    def _doors(self) -> tuple[tuple[int, bool], ...]:
        http, https, camera = self._ports_wanted
        doors: tuple[tuple[int, bool], ...] = ((http, False), (https, True))
        return (*doors, (camera, self.dialect.camera_tls)) if self.dialect.camera else doors

    @override
    def _challenges(self) -> tuple[str, ...]:
        return self.authenticator.challenges()

    @override
    def _cold_start(self) -> None:
        self.lines.boot()

    def keep_log(self, state: StateFile) -> None:
        """Keep both logs in a file, the certificate beside it, and go on with them; before `start`."""
        self._network.certificate.keep(state.certificate)
        for name, journal in (("calls", self.call_log), ("doors", self.door_log)):
            journal.keep(name, state)

    @property
    def http_address(self) -> str:
        """Host and port like a device's port 80."""
        return self._network.address(0)

    @property
    def https_address(self) -> str:
        """Host and port like a device's port 443."""
        return self._network.address(1)

    @property
    def camera_address(self) -> str | None:
        """Host and port like a device's port 8080, where there is a camera."""
        return self._network.address(2) if self.dialect.camera else None

    @override
    async def _respond(self, request: web.BaseRequest) -> web.StreamResponse:
        if self._port(request) == "camera":
            response = await self.camera.answer(request)
            self._note(request, Outcome(response))
            return response
        outcome = await self.pipeline.answer(request)
        if outcome.function is not None:
            # A POST to /api/ names its function in the body.
            request["path"] = PREFIX + outcome.function
        self._note(request, outcome)
        return outcome.response

    def _port(self, request: web.BaseRequest) -> str:
        name = None if request.transport is None else request.transport.get_extra_info("sockname")
        if name is not None and self.dialect.camera and name[1] == self._network.port(2):
            return "camera"
        return "https" if request.secure else "http"

    def _note(self, request: web.BaseRequest, outcome: Outcome) -> None:
        self._requests.append(
            Request(
                request.method,
                request.path,
                dict(request.query),
                outcome.function,
                outcome.response.status,
                outcome.retcode,
                self._port(request),
                scheme_of(request),
                outcome.spoiled,
                time.monotonic(),
            )
        )
        if outcome.function is not None and outcome.retcode is not None:
            self._coverage.request(request.method, PREFIX + outcome.function, success=outcome.retcode >= 0)

    @override
    def _note_garbage(self, request: web.BaseRequest, status: int) -> None:
        self._note(request, Outcome(web.Response(status=status)))

    @override
    def _restart(self) -> None:
        async def restart() -> None:
            await asyncio.sleep(RESTART_DELAY)
            await self.reboot()

        self._spawn(restart())

    async def reboot(self, seconds: float | None = None) -> None:
        """Restart the device; it is away for real seconds, or for half a minute of its own."""
        self._cut_off()
        self.clock.cancel_timers()
        self.authenticator.digest.forget_nonces()
        await asyncio.sleep(REBOOT / self.clock.speed if seconds is None else seconds)
        self._boot()
        await self._network.connect()

    def stray_401(self, n: int = 1) -> None:
        """The next requests with right credentials answer 401."""
        self.pipeline.strays = n

    def withhold(self, function: str, withheld: bool = True) -> None:
        """Be of a firmware without a function such as `relay/trig`, or again of one that has it."""
        (self.pipeline.withheld.add if withheld else self.pipeline.withheld.discard)(function)

    def expire_nonces(self) -> None:
        """Every nonce is stale from now on."""
        self.authenticator.digest.forget_nonces()

    async def wait_for_action_urls(self, n: int = 1, timeout: float = 5.0) -> None:
        """Wait until the device has made that many requests of its own."""
        await wait_for(lambda: len(self.action_urls.sent) >= n, timeout)

    def state(self) -> dict[str, Any]:
        """Describe the device as JSON."""
        return {
            "dialect": self.dialect_key,
            "upTime": self.clock.uptime(),
            "firmware": self.firmware.version,
            "auth": self.authenticator.mode,
            "relayReading": self.relays.reading,
            "relays": {
                name: {"open": relay.open, "held": relay.held, "stuck": relay.stuck, "openings": relay.openings}
                for name, relay in self.relays.all.items()
            },
            "inputs": dict(self.inputs.levels),
            "call": self.phone.status,
            "lines": self.lines.state(),
            "users": {key: row["Name"] for key, row in self.users.rows.items()},
            "actionUrls": [list(sent) for sent in self.action_urls.sent],
            "doorLog": len(self.door_log.records),
            "callLog": len(self.call_log.records),
            "streams": self.camera.streams,
            "requests": len(self._requests),
        }
