"""The server on the network."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
import time
from typing import Any, override

from aiohttp import web

from tests.simulators.common.faults import bodies
from tests.simulators.common.host import Host, scheme_of, wait_for
from tests.simulators.coverage import Recorder

from .hands import Hands
from .pipeline import Outcome, Pipeline

PAGE = b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body></body></html>"
BODIES = bodies(b'{"callLog": [{', PAGE)


@dataclass(frozen=True, slots=True)
class Request:
    """A request that was answered; `at` is monotonic time, `function` is the name in the table of requests."""

    method: str
    path: str
    query: dict[str, str]
    function: str | None
    status: int
    error: str | None
    login: str | None
    authorization: str | None
    overlapped: bool
    at: float


class Simulator(Hands, Host[Request]):
    """One MX Proxy 2.1 with an MX behind it, on 127.0.0.1."""

    _refusal = 500, b'{"error": "operationalErrors"}'

    pipeline: Pipeline

    def __init__(
        self,
        *,
        apps: Mapping[str, str] | None = None,
        empty: bool = False,
        http_port: int = 0,
        https: bool = False,
        speed: float = 1.0,
    ) -> None:
        """Nothing is needed.

        `apps` are secrets of applications by client-id. `empty` leaves out the past. With `https` it speaks TLS, as a
        server with a public name does. `speed` makes the MX live faster: its patience and transfers, but not tokens.
        """
        super().__init__(apps=apps, empty=empty, speed=speed)
        Host.__init__(self, "MX Proxy", "/", BODIES)
        self._coverage = Recorder("mx_proxy")
        self._port_wanted = http_port
        self._https = https

    @override
    def _doors(self) -> tuple[tuple[int, bool], ...]:
        return ((self._port_wanted, self._https),)

    @override
    def _address(self) -> str:
        return self._network.address(0)

    @property
    def address(self) -> str:
        """Host and port."""
        return self._network.address(0)

    @property
    def url(self) -> str:
        """The base of every request."""
        return f"{'https' if self._https else 'http'}://{self.address}"

    @override
    async def _respond(self, request: web.BaseRequest) -> web.StreamResponse:
        outcome = await self.pipeline.answer(request)
        self._note(request, outcome)
        return outcome.response

    def _note(self, request: web.BaseRequest, outcome: Outcome) -> None:
        endpoint = outcome.endpoint
        self._requests.append(
            Request(
                request.method,
                request.path,
                dict(request.query),
                None if endpoint is None else endpoint.name,
                outcome.response.status,
                outcome.error,
                outcome.login,
                scheme_of(request),
                outcome.overlapped,
                time.monotonic(),
            )
        )
        if endpoint is not None:
            self._coverage.request(endpoint.method, endpoint.path, success=outcome.error is None)

    @override
    def _note_garbage(self, request: web.BaseRequest, status: int) -> None:
        self._note(request, Outcome(web.Response(status=status)))

    async def restart(self, seconds: float = 0.0) -> None:
        """Restart the proxy: tokens end and it forgets calls, but it knows its users and their devices, and connects."""
        self._cut_off()
        self.tokens.rotate()
        self.pushes.boot()
        users = [link.user for link in self.mx.links.values()]
        for user in users:
            self.mx.disconnect(user.login)
        await asyncio.sleep(seconds)
        if self.mx.outage is None:
            for user in users:
                self.mx.connect(user)
        await self._network.connect()

    async def wait_for_pushes(self, n: int = 1, timeout: float = 5.0) -> None:
        """Wait until that many pushes were sent."""
        await wait_for(lambda: len(self.pushes.sent) >= n, timeout)

    def state(self) -> dict[str, Any]:
        """Describe the server as JSON."""
        return {
            "links": sorted(self.mx.links),
            "calls": {
                login: {call.id: call.state for call in extension.calls.live.values()}
                for login, extension in self.extensions.items()
            },
            "modes": {login: extension.mode for login, extension in self.extensions.items()},
            "assigned": {login: extension.assigned for login, extension in self.extensions.items()},
            "voicemails": {login: extension.mailbox.rows() for login, extension in self.extensions.items()},
            "conferences": {
                login: list(extension.conferences.rows.values()) for login, extension in self.extensions.items()
            },
            "callLog": {login: len(extension.log.records) for login, extension in self.extensions.items()},
            "tokens": {login: [list(row) for row in rows] for login, rows in self.pushes.tokens.items()},
            "pushes": [list(sent) for sent in self.pushes.sent],
            "requests": len(self._requests),
        }
