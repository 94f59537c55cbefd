"""The steps of a request: redirect, throttle, authentication, function, and faults of the reply."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
import json
import time
from typing import Any, NamedTuple
from weakref import WeakSet

from aiohttp import web

from tests.simulators.common.network import reset

from .auth import Authenticator, Denied
from .body import Body
from .dialects import Dialect, Redirect, Root
from .endpoints import ENDPOINTS, methods
from .envelope import Answer, ApiError, Call, File, Handler, Json, to_json, unsupported

PREFIX = "/api/"
WEB_APP = "<!DOCTYPE html><html><head><title>Akuvox</title></head><body><app-root></app-root></body></html>"
# A weak processor needs real time, in which other requests come in between.
WORK = 0.02

type Page = Callable[[Mapping[str, str]], web.Response]


class Outcome(NamedTuple):
    """What became of a request; `function` is `target/action` when the device has it."""

    response: web.StreamResponse
    function: str | None = None
    retcode: int | None = None
    spoiled: bool = False


@dataclass(slots=True)
class Flight:
    """A request that is being worked on."""

    spoiled: bool


class Pipeline:
    """Responds to requests at ports 80 and 443."""

    def __init__(
        self,
        dialect: Dialect,
        handlers: Mapping[str, Handler],
        pages: Mapping[str, tuple[bool, Page]],
        authenticator: Authenticator,
        https_port: Callable[[], int],
    ) -> None:
        """`pages` are other paths, and whether they ask for the login of the API."""
        self.redirect = dialect.redirect
        self.gap = dialect.gap
        self.throttle = float(dialect.throttle)
        self.root = Root.WEB_APP
        self.identity_path = dialect.identity_path
        # Requests with right credentials that get 401 nevertheless.
        self.strays = 0
        # Functions, as `relay/trig`, that this firmware does not have.
        self.withheld: set[str] = set()
        # How this firmware writes the keys of replies, and the manual's keys by how it does.
        self.letters: Callable[[str], str] = str
        self._spelled: dict[str, str] = {}
        self._dialect = dialect
        self._handlers = handlers
        self._pages = pages
        self._authenticator = authenticator
        self._https_port = https_port
        self._flights: list[Flight] = []
        self._quiet_since = 0.0
        self._last_body = b""
        self._recent: deque[float] = deque()
        self._used: WeakSet[asyncio.BaseTransport] = WeakSet()

    def hurry(self, times: float) -> None:
        """Multiply the number of accepted requests."""
        self.gap /= times
        self.throttle *= times

    async def answer(self, request: web.BaseRequest) -> Outcome:
        """Answer a request."""
        body = Body()
        if request.transport is not None and request.transport in self._used:
            # The client expects that the connection is kept, but nothing more comes over it.
            reset(request.transport)
            raise ConnectionResetError
        await body.read(request)
        if not request.secure and self.redirect is not Redirect.NOWHERE:
            return Outcome(self._redirected(request))
        path = request.path.rstrip("/")
        api = path == "/api" or request.path.startswith(PREFIX)
        login, page = self._pages.get(path, (False, None))
        if self.identity_path and request.path == self.identity_path:
            return Outcome(self._identity())
        if not api and page is None:
            return Outcome(self._page(path))
        if self._throttled():
            return Outcome(self._denied(Denied(401, self._authenticator.challenges())))
        try:
            if api or login:
                self._authenticator.check(request, body.hash.hexdigest())
        except Denied as denied:
            return Outcome(self._denied(denied))
        if self.strays:
            self.strays -= 1
            return Outcome(self._denied(Denied(401, self._authenticator.challenges())))
        if page is not None:
            show = page

            async def shown() -> Outcome:
                try:
                    return Outcome(show(dict(request.query)))
                except ApiError as error:
                    return Outcome(self._json({"retcode": error.retcode, "message": error.message}))

            return await self._carefully(request, shown)
        return await self._carefully(request, lambda: self._function(request, body))

    def _identity(self) -> web.Response:
        who = {"Model": self._dialect.model, "MAC": self._dialect.mac, "FirmwareVersion": self._dialect.firmware}
        return self._json({"retcode": 0, "action": "info", "message": "OK", "data": {"Status": who}})

    def _page(self, path: str) -> web.Response:
        if self.root is Root.WEB_APP:
            return web.Response(text=WEB_APP, content_type="text/html")
        if self.root is Root.FORBIDDEN:
            return web.Response(status=403, text="<h1>403 Forbidden</h1>", content_type="text/html")
        if self.root is Root.REDIRECT and path != "/login.html":
            return web.Response(status=302, headers={"Location": "/login.html"})
        text = "<div id=app></div>" if self.root is Root.NAMELESS_APP else "<form>User Name Password</form>"
        return web.Response(text=f"<html><body>{text}</body></html>", content_type="text/html")

    def _redirected(self, request: web.BaseRequest) -> web.Response:
        base = f"https://{request.host.partition(':')[0]}:{self._https_port()}"
        if self.redirect is Redirect.HTTPS:
            return web.Response(status=308, headers={"Location": base + request.path_qs})
        return web.Response(status=302, headers={"Location": f"{base}/"})

    def _throttled(self) -> bool:
        now = time.monotonic()
        while self._recent and now - self._recent[0] > 1:
            self._recent.popleft()
        if self.throttle and len(self._recent) >= self.throttle:
            return True
        self._recent.append(now)
        return False

    @staticmethod
    def _denied(denied: Denied) -> web.Response:
        response = web.Response(status=denied.status)
        for challenge in denied.challenges:
            response.headers.add("WWW-Authenticate", challenge)
        return response

    async def _carefully(self, request: web.BaseRequest, work: Callable[[], Awaitable[Outcome]]) -> Outcome:
        """Do it as well as the device can while others want something too."""
        most = self._dialect.most_parallel
        if most and len(self._flights) >= most:
            return Outcome(web.Response(status=503))
        flight = Flight(bool(self.gap) and (bool(self._flights) or time.monotonic() - self._quiet_since < self.gap))
        if self.gap:
            for other in self._flights:
                other.spoiled = True
        self._flights.append(flight)
        try:
            if self.gap or most:
                await asyncio.sleep(WORK)
            outcome = await work()
        finally:
            self._flights.remove(flight)
            self._quiet_since = time.monotonic()
        if self._dialect.closes and request.transport is not None:
            self._used.add(request.transport)
        return self._spoil(outcome) if flight.spoiled else outcome

    def _spoil(self, outcome: Outcome) -> Outcome:
        """Mix a reply with the one before it."""
        response = outcome.response
        if not isinstance(response, web.Response) or not isinstance(response.body, bytes):
            return outcome
        half = response.body[: len(response.body) // 2]
        response.body = half + self._last_body[-len(half) :] if half != self._last_body[: len(half)] else half
        return outcome._replace(spoiled=True)

    def _json(self, body: object, status: int = 200) -> web.Response:
        data = to_json(self._written(body))
        self._last_body = data
        return web.Response(body=data + self._dialect.trailing, status=status, content_type="application/json")

    def _written(self, body: object) -> object:
        """Write the keys of a reply in the letters of this firmware; a key of the configuration is a value."""
        if isinstance(body, list | tuple):
            return [self._written(item) for item in body]
        if not isinstance(body, dict):
            return body
        written = {name: name if name.startswith("Config.") else self.letters(name) for name in body}
        self._spelled |= {spelled: name for name, spelled in written.items() if spelled != name}
        return {written[name]: self._written(value) for name, value in body.items()}

    def _read(self, value: object) -> Any:
        """Read what was sent as this firmware writes it."""
        if isinstance(value, list):
            return [self._read(item) for item in value]
        if not isinstance(value, dict):
            return value
        return {self._spelled.get(name, name): self._read(item) for name, item in value.items()}

    async def _function(self, request: web.BaseRequest, body: Body) -> Outcome:
        name: str | None = None
        action = "unknow"
        try:
            call = self._call(request, body)
            name, action = f"{call.target}/{call.action}", call.action
            answer: Answer = self._handlers[name](call)
        except ApiError as error:
            reply: Json = {"retcode": error.retcode, "action": error.action or action, "message": error.message}
            if error.data is not None:
                reply["data"] = error.data
            return Outcome(self._json(reply, error.status), name, error.retcode)
        if isinstance(answer, File):
            return Outcome(await self._send(request, answer), name, 0)
        shown = ENDPOINTS[name].replied or action
        return Outcome(self._json(answer.body(shown)), name, answer.retcode)

    def _call(self, request: web.BaseRequest, body: Body) -> Call:
        """Find the function: by the path, or by the JSON of a POST."""
        target, _, action = request.path.removeprefix("/api").strip("/").partition("/")
        method = request.method
        call = Call(method, target, action)
        upload = ENDPOINTS.get(f"{target}/{action}")
        if method == "GET" or (method == "POST" and upload is not None and upload.upload):
            call.data = dict(request.query)
            call.files = {} if body.broken else body.files
        elif method == "POST":
            call = self._posted(body)
        if call.target not in self._dialect.targets:
            raise unsupported("unsupport action" if not call.target else self._dialect.lacks_text)
        name = f"{call.target}/{call.action}"
        if name in self.withheld or method not in methods(self._dialect, name):
            raise unsupported("unsupport action")
        return call

    def _posted(self, body: Body) -> Call:
        """Read target and action; a bare dict has none."""
        try:
            content = json.loads(bytes(body.data))
        except ValueError:
            content = None
        if body.broken or not isinstance(content, dict):
            raise unsupported("unsupport action")
        target, action, data = content.get("target"), content.get("action"), content.get("data", {})
        if not isinstance(target, str) or not isinstance(action, str):
            raise unsupported("unsupport action")
        return Call("POST", target, action, self._read(data) if isinstance(data, dict) else {})

    @staticmethod
    async def _send(request: web.BaseRequest, file: File) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
        response.headers["Content-Disposition"] = f"attachment;filename={file.name}"
        response.content_length = file.size
        await response.prepare(request)
        for chunk in file.chunks:
            await response.write(chunk)
        return response
