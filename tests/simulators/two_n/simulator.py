"""The device on the network."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from http import HTTPStatus
import time
from typing import Any, override

from aiohttp import web

from tests.simulators.common.faults import bodies
from tests.simulators.common.host import Host, drain, scheme_of, wait_for
from tests.simulators.common.state_file import StateFile

from .auth import ALGORITHMS, Authenticator
from .config import DEFAULT_ACCOUNT, MAX_ACCOUNTS, Account, Service, ServiceConfig, Timing
from .device import DEFAULT_UPTIME
from .envelope import Code, Json
from .installer import Installer
from .onvif import OnvifService
from .pipeline import PREFIX, Outcome, Pipeline
from .tls import Tls11Certificate

# captures/errors.json: the login page instead of JSON.
BODIES = bodies(b'{"success" : true, "result" : {', b"<!DOCTYPE html><html><title>2N</title></html>")
# Time for the answer of system/restart to leave before the connections die.
RESTART_DELAY = 0.05


@dataclass(frozen=True, slots=True)
class Request:
    """A request that was answered; `at` is monotonic time."""

    method: str
    path: str
    query: dict[str, str]
    service: Service | None
    status: int
    error_code: Code | None
    scheme: str
    authorization: str | None
    account: str | None
    at: float


class Setting[T]:
    """A setting of the simulator that one of its parts keeps, as a rule under the same name."""

    def __init__(self, part: str, name: str = "") -> None:
        """`part` is the attribute of the simulator that holds the part."""
        self._part = part
        self._name = name

    def __set_name__(self, _: type, name: str) -> None:
        """Learn the name."""
        self._name = self._name or name

    def __get__(self, simulator: Simulator, _: type) -> T:
        """Read it from the part."""
        value: T = getattr(getattr(simulator, self._part), self._name)
        return value

    def __set__(self, simulator: Simulator, value: T) -> None:
        """Write it to the part."""
        setattr(getattr(simulator, self._part), self._name, value)


class Simulator(Installer, Host[Request]):
    """One 2N device on 127.0.0.1."""

    _refusal = 200, b'{"success" : false, "error" : {"code" : 14, "description" : "action failed"}}'

    @override
    def _challenges(self) -> tuple[str, ...]:
        return self.authenticator.challenges()

    # include=new never delivers (Access Unit 2.0 2.46).
    include_new_bug = Setting[bool]("log")
    # A subscription without a filter covers nothing (the same device).
    needs_filter = Setting[bool]("log")
    # The sources of camera/caps are plain texts.
    plain_sources = Setting[bool]("camera")
    # A POST without a form answers code 14 (2.50).
    post_refused = Setting[bool]("pipeline")
    # system/info answers without authentication.
    open_info = Setting[bool]("pipeline")
    # Hanging up an outgoing call that is not connected answers success and does nothing.
    hangup_ignored = Setting[bool]("phone")
    # Which call sessions tell who began them: none, api or all; and whether their record comes before those of the legs.
    originators = Setting[str]("phone")
    session_first = Setting[bool]("phone")
    # Empty texts in dir/create answer code 3.
    strict_empty = Setting[bool]("directory")
    # Five wrong codes, cards or fingers limit an access point for half a minute.
    limit_failed_access = Setting[bool]("_access")
    # Whether UserRejected follows a credential of no user.
    rejects_unknown = Setting[bool]("_access")
    # What a recording is said to be.
    pcap_content_type = Setting[str]("capture", "content_type")
    # Real seconds a nonce lives; None is for ever.
    nonce_lifetime = Setting[float | None]("authenticator")
    # For how many requests a nonce is good; None is for any number.
    nonce_uses = Setting[int | None]("authenticator")
    # How many nonces are valid at a time.
    nonces_kept = Setting[int]("authenticator")

    def __init__(
        self,
        model: str = "verso",
        *,
        accounts: Iterable[Account] | None = None,
        services: Mapping[Service, ServiceConfig] | None = None,
        http_port: int = 0,
        https_port: int = 0,
        speed: float = 1.0,
        uptime: float = DEFAULT_UPTIME,
        timing: Timing | None = None,
        nonce_lifetime: float | None = 300.0,
        algorithm: str = "MD5",
        directory: Iterable[Mapping[str, Any]] | None = None,
        firmware: str | None = None,
        has_clock: bool = True,
        identity: Mapping[str, str | None] | None = None,
        old_tls: bool = False,
        location: str | None = None,
        prefix: str = "",
    ) -> None:
        """Only the model is needed.

        `speed` makes the device live faster: its timers, timeouts and clocks. `nonce_lifetime` is in real seconds,
        None is for ever. `algorithm` is that of Digest, MD5 or SHA-256. `firmware` is another than the model's usual
        one, such as "3.3.1.82.4"; what functions there are follows from it. `identity` are other values of system/info
        than the model's, such as `macAddr`; None leaves one out. With `old_tls` it knows TLS 1.1 at the most. `location`
        is where its port 80 redirects requests; `{https}` in it is the address of port 443, `{path}` what was
        asked. `prefix` is a path below which something in front of it has all of its own.
        Without a clock, utcTime counts from 1970 after each start until it is set.
        """
        accounts = [DEFAULT_ACCOUNT] if accounts is None else list(accounts)
        if len(accounts) > MAX_ACCOUNTS or algorithm not in ALGORITHMS:
            raise ValueError("a device has up to five accounts and knows MD5 and SHA-256")
        super().__init__(
            model,
            accounts=accounts,
            directory=directory,
            speed=speed,
            uptime=uptime,
            timing=timing,
            firmware=firmware,
            has_clock=has_clock,
            identity=identity,
        )
        name = self.model.info["deviceName"]
        Host.__init__(self, name, PREFIX, BODIES, Tls11Certificate(name) if old_tls else None)
        self.location = location
        self._below = prefix
        self.services = {service: ServiceConfig() for service in Service} | dict(services or {})
        self.onvif = OnvifService()
        self.authenticator = Authenticator(self.block_login, nonce_lifetime, algorithm)
        self.pipeline = Pipeline(
            self.model, self.lacks, self.handlers, self.services, self.accounts, self.authenticator
        )
        self._ports_wanted = (http_port, https_port)

    @override
    def _doors(self) -> tuple[tuple[int, bool], ...]:
        http, https = self._ports_wanted
        return (http, False), (https, True)

    def set_stream(self, port: int, users: dict[str, str]) -> None:
        """Let ONVIF name the RTSP server on a port, with the accounts of both."""
        self.onvif.rtsp_port, self.onvif.users = port, users

    def keep_log(self, state: StateFile) -> None:
        """Keep the log in a file, the certificate beside it, and go on with both; before `start`."""
        self._network.certificate.keep(state.certificate)
        self.log.state = state

    @property
    def http_address(self) -> str:
        """Host and port like a device's port 80."""
        return self._network.address(0)

    @property
    def https_address(self) -> str:
        """Host and port like a device's port 443."""
        return self._network.address(1)

    @override
    async def _respond(self, request: web.BaseRequest) -> web.StreamResponse:
        if self.location is not None and not request.secure:
            location = self.location.format(https=self.https_address, path=request.path_qs)
            self._note(request, Outcome(moved := web.Response(status=302, headers={"Location": location})))
            return moved
        if self._below:
            below = request.path_qs.startswith(f"{self._below}/")
            request = request.clone(rel_url=request.path_qs.removeprefix(self._below) if below else "/")
        if request.path.startswith("/onvif/"):
            answer = await self.onvif.respond(request)
            self._note(request, Outcome(answer))
            return answer
        outcome = await self.pipeline.answer(request)
        await drain(request)
        self._note(request, outcome)
        if not outcome.response.prepared:
            outcome.response.headers["Server"] = f"HIP{self.model.info['swVersion']}"
        return outcome.response

    @override
    def _note_garbage(self, request: web.BaseRequest, status: int) -> None:
        self._note(request, Outcome(web.Response(status=status)))

    def _note(self, request: web.BaseRequest, outcome: Outcome) -> None:
        status = outcome.response.status
        self._requests.append(
            Request(
                request.method,
                request.path,
                dict(request.query),
                outcome.service,
                status,
                outcome.error,
                request.scheme,
                scheme_of(request),
                outcome.account,
                time.monotonic(),
            )
        )
        self.capture.note()
        if outcome.function is not None:
            succeeded = status == HTTPStatus.OK and outcome.error is None
            self._coverage.request(request.method, PREFIX + outcome.function, success=succeeded)

    def lose_next_pull_response(self, n: int = 1) -> None:
        """The next pulls with events dequeue them and die before the answer."""
        self.log.lose_responses = n

    def _restart(self) -> None:
        async def restart() -> None:
            await asyncio.sleep(RESTART_DELAY)
            await self.reboot()

        self._spawn(restart())

    async def reboot(self, seconds: float | None = None) -> None:
        """Restart the device; it is away for real seconds, or for `timing.reboot` of its own."""
        self._cut_off()
        self.clock.cancel_timers()
        self.authenticator.forget_nonces()
        await asyncio.sleep(self.timing.reboot / self.clock.speed if seconds is None else seconds)
        self._boot()
        self.pipeline.boot()
        await self._network.connect()

    def stray_401(self, n: int = 1) -> None:
        """The next requests with right credentials answer 401 with a new nonce and no body."""
        self.authenticator.strays = n

    def expire_nonces(self) -> None:
        """Every nonce is stale from now on."""
        self.authenticator.forget_nonces()

    async def wait_for_pull(self, timeout: float = 5.0) -> None:
        """Wait until a long poll is in progress."""
        await wait_for(
            lambda: any(channel.pull is not None and not channel.pull.gone for channel in self.channels), timeout
        )

    def state(self) -> Json:
        """Describe the device as JSON."""
        return {
            "model": self.model_key,
            "upTime": self.clock.uptime(),
            "utcTime": self.clock.utc(),
            "switches": {
                number: {
                    "active": switch.active,
                    "locked": switch.locked,
                    "held": switch.held,
                    "holdTimeout": switch.hold_timeout,
                }
                for number, switch in self.switches.items()
            },
            "activations": [list(activation) for activation in self.switch_activations],
            "ports": {port.name: port.state for port in self.ports.values()},
            "calls": {
                number: {"direction": s.direction, "state": s.state, "peers": [leg.peer for leg in s.legs]}
                for number, s in self.calls.items()
            },
            "accounts": {number: account.registered for number, account in self.sip.all.items()},
            "directory": {entry["uuid"]: entry["name"] for entry in self.directory},
            "events": len(self.log.history),
            "channels": [{"id": c.id, "queued": len(c.queue), "pulling": c.pull is not None} for c in self.channels],
            "streams": self.camera.streams,
            "firmware": self.model.info["swVersion"],
            "upload": None if self.firmware.upload is None else asdict(self.firmware.upload),
            "deviceName": self.model.info["deviceName"],
            "displays": self.displays.state(),
            "blocked": [point.id for point in self._access.all if point.blocked],
            "floors": list(self.lift.floors),
            "triggers": [list(activation) for activation in self.automation.activations],
            "outbox": [list(mail) for mail in self.email.outbox],
            "doorbell": self.doorbell.rings,
            "requests": len(self._requests),
        }
