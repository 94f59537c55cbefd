"""Push tokens, and what is sent for them: events, by way of a forwarder that puts them into one form or another."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from enum import StrEnum
import json
import re
import ssl
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tests.simulators.coverage import Recorder

from .envelope import SERVER, ApiError, Json, not_found
from .events import all_text

SHORTEST_TOKEN = 20
PATIENCE = 3.0
KEPT = 1000
STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})")
APN, FCM = "apn", "fcm"


class Form(StrEnum):
    """How the event arrives."""

    # As an APNs body.
    BARE = "bare"
    # As the proxy addresses FCM (captured).
    FCM = "fcm"
    # Under `data`.
    DATA = "data"
    # As FCM hands data out: every value is text.
    TEXT = "text"
    DATA_TEXT = "data_text"


class Token(NamedTuple):
    """A device of a user."""

    kind: str
    topic: str
    sandbox: bool
    token: str


class Sent(NamedTuple):
    """A push that was sent; without a status it was not delivered."""

    kind: str
    event: Json
    status: int | None


def shape(form: Form, event: Json, tokens: list[str]) -> Json:
    """Return the body of a push."""
    if form is Form.FCM:
        return {"registration_ids": tokens, "data": event, "time_to_live": 0}
    content: Json = dict(all_text(event)) if form in (Form.TEXT, Form.DATA_TEXT) else event
    return {"data": content} if form in (Form.DATA, Form.DATA_TEXT) else content


class Pushes:
    """Sends one after another, each once; what fails is lost."""

    def __init__(
        self, spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]], online: Callable[[], bool]
    ) -> None:
        """Google's old address is gone and hard-coded, so nothing is sent before there is a forwarder's `url`."""
        self.url = ""
        self.form = Form.BARE
        self.fcm_apps = {"com.example.ha"}
        # Topics of the certificates, and whether each is for the sandbox.
        self.apn_topics = {("com.example.ha.voip", False)}
        self.tokens: dict[str, list[Token]] = {}
        self.sent: deque[Sent] = deque(maxlen=KEPT)
        self._spawn = spawn
        self._online = online
        self._recorder = Recorder("mx_proxy")
        self._waiting: deque[tuple[Json, list[str]]] = deque()
        self._worker: asyncio.Task[None] | None = None

    def _checked(self, kind: str, topic: str, sandbox: bool, token: str) -> Token:
        if kind not in (APN, FCM):
            raise ApiError(404, f'unsupported push type "{kind}"')
        if kind == FCM and topic not in self.fcm_apps:
            raise ApiError(404, "unsupported FCM application ID")
        if kind == APN and (topic, sandbox) not in self.apn_topics:
            raise ApiError(404, "unsupported APNS topic ID or sandbox flag")
        if len(token) < SHORTEST_TOKEN:
            raise ApiError(400, "bad push token")
        return Token(kind, topic, sandbox and kind == APN, token)

    def add(self, login: str, kind: str, topic: str, sandbox: bool, token: str) -> None:
        """Register a device; once is enough."""
        row = self._checked(kind, topic, sandbox, token)
        rows = self.tokens.setdefault(login, [])
        if row not in rows:
            rows.append(row)

    def remove(self, login: str, kind: str, topic: str, sandbox: bool, token: str) -> None:
        """Forget a device."""
        row = self._checked(kind, topic, sandbox, token)
        rows = self.tokens.get(login, [])
        if row not in rows:
            raise not_found()
        rows.remove(row)

    def send(self, login: str, event: Json) -> None:
        """Queue an event for a user's devices: one message for all of an FCM application, one for each at APNs."""
        rows = self.tokens.get(login, [])
        apps = dict.fromkeys(row.topic for row in rows if row.kind == FCM)
        messages = [[row.token for row in rows if row.kind == FCM and row.topic == app] for app in apps]
        messages += [[row.token] for row in rows if row.kind == APN]
        if not self.url:
            return
        self._waiting.extend((event, message) for message in messages)
        if self._waiting and (self._worker is None or self._worker.done()):
            self._worker = self._spawn(self._work())

    def repeat(self) -> None:
        """Send the last event again, as a forwarder that lost the answer."""
        self._waiting.append((self.sent[-1].event, []))
        if self._worker is None or self._worker.done():
            self._worker = self._spawn(self._work())

    def boot(self) -> None:
        """Forget the pushes that were not sent."""
        self._waiting.clear()

    async def _work(self) -> None:
        while self._waiting:
            event, tokens = self._waiting.popleft()
            status: int | None = None
            try:
                async with asyncio.timeout(PATIENCE):
                    status = await self._post(json.dumps(shape(self.form, event, tokens), indent=2).encode())
            except OSError, EOFError, asyncio.LimitOverrunError, ValueError:
                # A push is sent once; who does not get it has to ask.
                pass
            self.sent.append(Sent(event["type"], event, status))
            if status is not None and 200 <= status < 300:
                self._recorder.event(event["type"])

    async def _post(self, body: bytes) -> int:
        if not self._online():
            raise ConnectionError("the cable is pulled")
        parts = urlsplit(self.url)
        context = None
        if parts.scheme == "https":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        reader, writer = await asyncio.open_connection(
            parts.hostname, parts.port or (443 if context else 80), ssl=context
        )
        try:
            path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
            head = (
                f"POST {path} HTTP/1.1",
                f"Host: {parts.netloc}",
                f"User-Agent: {SERVER}",
                f"Content-Length: {len(body)}",
                "Content-Type: application/json",
                "Accept-Encoding: gzip",
                "Connection: close",
                "",
                "",
            )
            writer.write("\r\n".join(head).encode() + body)
            await writer.drain()
            answer = await reader.readuntil(b"\r\n\r\n")
        finally:
            writer.transport.abort()
        found = STATUS_LINE.match(answer)
        if found is None:
            raise ConnectionError("no answer to HTTP")
        return int(found[1])
