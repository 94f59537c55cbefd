"""Sends pushes to the address of a forwarder, and reads the responses."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
import re
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from tests.simulators.coverage import Recorder

from .dialects import Dialect
from .envelope import Json
from .payloads import Facts, Form, body, fields

PATIENCE = 3.0
KEPT = 1000
LONGEST_ANSWER = 2**16
STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})")
FORWARDER = "forwarder-0123456789abcdef"
FORM_TYPE = "application/x-www-form-urlencoded"
# What the push service answers for a device that it does not reach any more.
BROKEN = "ERR:broken"


@dataclass(frozen=True, slots=True)
class Route:
    """Where pushes go.

    With a bundle they are those of devices that registered with it, as an operator forwards them; with a push service
    those of devices that registered for it; without either they are those of a phone that passes them on, which
    belongs to the number.
    """

    url: str
    form: Form
    platform: str
    phone: str
    bundle: str = ""
    service: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """One device that gets a push; `device` is its number where the server knows it."""

    route: Route
    platform: str
    token: str = field(default=FORWARDER, repr=False)
    device: int | None = None


class Sent(NamedTuple):
    """A push that was sent; without a status it was not delivered."""

    kind: str
    fields: Json
    status: int | None
    answer: str

    @property
    def delivered(self) -> bool:
        """Was it taken?"""
        return self.status is not None and 200 <= self.status < 300 and self.answer.startswith("OK")


@dataclass(frozen=True, slots=True)
class Parcel:
    """The content of a request."""

    kind: str
    fields: Json = field(repr=False)
    method: str
    url: str = field(repr=False)
    content_type: str
    body: bytes = field(repr=False)
    device: int | None = None


def parcel(facts: Facts, target: Target, dialect: Dialect) -> Parcel:
    """Wrap a push for a device."""
    route = target.route
    content = fields(facts, route.form, dialect, target.token, route.bundle)
    if route.form is Form.QUERY:
        joint = "&" if urlsplit(route.url).query else "?"
        url = f"{route.url}{joint}{urlencode(content)}"
        return Parcel(facts.kind, content, "GET", url, "", b"", target.device)
    if route.form is Form.FORM:
        data = urlencode(content).encode()
        return Parcel(facts.kind, content, "POST", route.url, FORM_TYPE, data, target.device)
    data = body(facts, route.form, content, target.token)
    return Parcel(facts.kind, content, "POST", route.url, "application/json", data, target.device)


class Pushes:
    """Sends one after another, each once; what fails is lost."""

    def __init__(
        self,
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
        online: Callable[[], bool],
        broken: Callable[[int], None],
    ) -> None:
        """`broken` gets the devices that the push service has removed."""
        self.routes: list[Route] = []
        self.sent: deque[Sent] = deque(maxlen=KEPT)
        self.last: Parcel | None = None
        self._spawn = spawn
        self._online = online
        self._broken = broken
        self._recorder = Recorder("smartyard")
        self._waiting: deque[Parcel] = deque()
        self._worker: asyncio.Task[None] | None = None

    def send(self, what: Parcel) -> None:
        """Queue a push."""
        self._waiting.append(what)
        if self._worker is None or self._worker.done():
            self._worker = self._spawn(self._work())

    def repeat(self) -> None:
        """Send the last one again, byte by byte."""
        if self.last is None:
            raise ValueError("nothing was sent yet")
        self.send(self.last)

    async def _work(self) -> None:
        while self._waiting:
            what = self._waiting.popleft()
            status: int | None = None
            answer = ""
            try:
                async with asyncio.timeout(PATIENCE):
                    status, answer = await self._deliver(what)
            except OSError, EOFError, asyncio.LimitOverrunError, ValueError:
                # A push is sent once; who does not get it has to ask.
                pass
            sent = Sent(what.kind, what.fields, status, answer)
            self.last = what
            self.sent.append(sent)
            if sent.delivered:
                self._recorder.push(what.kind, what.fields)
            elif answer.startswith(BROKEN) and what.device is not None:
                self._broken(what.device)

    async def _deliver(self, what: Parcel) -> tuple[int, str]:
        if not self._online():
            raise ConnectionError("the cable is pulled")
        parts = urlsplit(what.url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
        try:
            path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
            lines = [f"{what.method} {path} HTTP/1.1", f"Host: {parts.netloc}", "Connection: close"]
            if what.method == "POST":
                lines += [f"Content-Type: {what.content_type}", f"Content-Length: {len(what.body)}"]
            try:
                writer.write("\r\n".join((*lines, "", "")).encode() + what.body)
                await writer.drain()
            except ConnectionError:
                # Who refuses a push that is too big answers before it has read all of it.
                pass
            head = await reader.readuntil(b"\r\n\r\n")
            text = await reader.read(LONGEST_ANSWER)
        finally:
            writer.transport.abort()
        found = STATUS_LINE.match(head)
        if found is None:
            raise ConnectionError("no answer to HTTP")
        return int(found[1]), text.decode("utf-8", "replace")
