"""The device on the network, with everything that can go wrong."""

import asyncio
from collections import deque
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import asdict, dataclass
from http import HTTPStatus
import time
from typing import Any, Self

from aiohttp import web

from .auth import ALGORITHMS, Authenticator
from .config import DEFAULT_ACCOUNT, MAX_ACCOUNTS, Account, Service, ServiceConfig, Timing
from .device import DEFAULT_UPTIME
from .envelope import Code, Json
from .faults import WrongAnswer
from .installer import Installer
from .network import Network
from .pipeline import PREFIX, Outcome, Pipeline

REQUESTS_KEPT = 100_000
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


class Simulator(Installer):
    """One 2N device on 127.0.0.1."""

    # include=new never delivers (Access Unit 2.0 2.46).
    include_new_bug = Setting[bool]("log")
    # A subscription without a filter covers nothing (the same device).
    needs_filter = Setting[bool]("log")
    # A POST without a form answers code 14 (2.50).
    post_refused = Setting[bool]("pipeline")
    # system/info answers without authentication.
    open_info = Setting[bool]("pipeline")
    # Hanging up an outgoing call that is not connected answers success and does nothing.
    hangup_ignored = Setting[bool]("phone")
    # Empty texts in dir/create answer code 3.
    strict_empty = Setting[bool]("directory")
    # Five wrong codes, cards or fingers limit an access point for half a minute.
    limit_failed_access = Setting[bool]("_access")
    # What a recording is said to be.
    pcap_content_type = Setting[str]("capture", "content_type")
    # Real seconds a nonce lives; None is for ever.
    nonce_lifetime = Setting[float | None]("authenticator")

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
    ) -> None:
        """Only the model is needed.

        `speed` makes the device live faster: its timers, timeouts and clocks. `nonce_lifetime` is in real seconds,
        None is for ever. `algorithm` is that of Digest, MD5 or SHA-256. `firmware` is another than the model's usual
        one, such as "3.3.1.82.4"; what functions there are follows from it.
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
        )
        self.services = {service: ServiceConfig() for service in Service} | dict(services or {})
        self.authenticator = Authenticator(self.block_login, nonce_lifetime, algorithm)
        self.pipeline = Pipeline(
            self.model, self.lacks, self.handlers, self.services, self.accounts, self.authenticator
        )
        self._ports_wanted = (http_port, https_port)
        self._network = Network(self._handle, self.model.info["deviceName"])
        self._requests: deque[Request] = deque(maxlen=REQUESTS_KEPT)
        self._delays: dict[str | None, float] = {}
        self._garbage: dict[str, WrongAnswer] = {}
        self._handling: set[asyncio.Task[Any]] = set()
        self._background: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen."""
        self._cold_start()
        await self._network.start(*self._ports_wanted)

    async def stop(self) -> None:
        """Close every socket, task and timer."""
        self.clock.cancel_timers()
        self._network.cut()
        tasks = (self._background | self._handling) - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._network.stop()
        self.clock.cancel_timers()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()

    @property
    def http_address(self) -> str:
        """Host and port like a device's port 80."""
        return self._network.address(0)

    @property
    def https_address(self) -> str:
        """Host and port like a device's port 443."""
        return self._network.address(1)

    @property
    def requests(self) -> list[Request]:
        """Requests answered so far, oldest first; a long poll appears when it ends."""
        return list(self._requests)

    def clear_requests(self) -> None:
        """Forget them."""
        self._requests.clear()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        task = asyncio.current_task()
        assert task is not None
        self._handling.add(task)
        try:
            return await self._answer(request)
        except ConnectionError:
            # Nobody is there to read the answer.
            return web.Response()
        finally:
            self._handling.discard(task)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        delay = self._delays.get(request.path, self._delays.get(None))
        if delay:
            await asyncio.sleep(delay)
        wrong = self._garbage.get(request.path)
        if wrong is not None and wrong.left != 0:
            if wrong.left is not None:
                wrong.left -= 1
            await _drain(request)
            self._note(request, Outcome(web.Response(status=wrong.status)))
            return await wrong.send(request)
        outcome = await self.pipeline.answer(request)
        await _drain(request)
        self._note(request, outcome)
        if not outcome.response.prepared:
            outcome.response.headers["Server"] = f"HIP{self.model.info['swVersion']}"
        return outcome.response

    def _note(self, request: web.BaseRequest, outcome: Outcome) -> None:
        authorization = request.headers.get("Authorization")
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
                authorization.partition(" ")[0] if authorization else None,
                outcome.account,
                time.monotonic(),
            )
        )
        self.capture.note()
        if outcome.function is not None:
            succeeded = status == HTTPStatus.OK and outcome.error is None
            self._coverage.request(request.method, PREFIX + outcome.function, success=succeeded)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    def lose_connection(self) -> None:
        """Pull the cable. A long poll stays open on the device and swallows the next events."""
        self._network.cut()

    def restore_connection(self) -> asyncio.Task[None]:
        """Plug the cable in; await the result to know that it is."""
        return self._spawn(self._network.connect())

    async def drop_network(self, seconds: float) -> None:
        """Pull the cable for real seconds."""
        self.lose_connection()
        await asyncio.sleep(seconds)
        await self.restore_connection()

    def reset_connections(self) -> None:
        """Reset every connection, but keep listening."""
        for task in self._handling:
            task.cancel()
        self._network.reset_all()

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
        self._network.cut()
        for task in self._handling - {asyncio.current_task()}:
            task.cancel()
        self.clock.cancel_timers()
        self.authenticator.forget_nonces()
        await asyncio.sleep(self.timing.reboot / self.clock.speed if seconds is None else seconds)
        self._boot()
        self.pipeline.boot()
        await self._network.connect()

    def delay(self, seconds: float, path: str | None = None) -> None:
        """Answer late, everywhere or on one path; 0 ends it."""
        self._delays[None if path is None else _full(path)] = seconds

    def garbage(
        self,
        path: str,
        body: str | bytes = "truncated",
        content_type: str | None = None,
        *,
        status: int = 200,
        times: int | None = None,
        mebibytes: int = 64,
    ) -> None:
        """Answer nonsense on a path: a body, or one of `Garbage` (truncated, html, empty, huge, endless)."""
        self._garbage[_full(path)] = WrongAnswer(body, content_type, status, mebibytes, times)

    def heal(self) -> None:
        """End delays and garbage."""
        self._delays.clear()
        self._garbage.clear()

    def stray_401(self, n: int = 1) -> None:
        """The next requests with right credentials answer 401 with a new nonce and no body."""
        self.authenticator.strays = n

    def expire_nonces(self) -> None:
        """Every nonce is stale from now on."""
        self.authenticator.forget_nonces()

    def renew_certificate(self) -> None:
        """Sign a new certificate; new connections show it."""
        self._network.certificate.renew()

    async def wait_until_up(self, timeout: float = 5.0) -> None:
        """Wait until the device answers, such as after a restart."""
        async with asyncio.timeout(timeout):
            while not self._network.up:
                await asyncio.sleep(0.002)

    async def wait_for_pull(self, timeout: float = 5.0) -> None:
        """Wait until a long poll is in progress."""
        async with asyncio.timeout(timeout):
            while not any(channel.pull is not None and not channel.pull.gone for channel in self.channels):
                await asyncio.sleep(0.002)

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


async def _drain(request: web.BaseRequest) -> None:
    """Read what a refused request goes on to send, so that its sender comes to read the answer."""
    while await request.content.readany():
        pass


def _full(path: str) -> str:
    return path if path.startswith("/") else PREFIX + path
