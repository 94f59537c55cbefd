"""Action URLs: the device calls the addresses it is set to (captures/action_url_keys.md)."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from enum import StrEnum
import hashlib
import re
import secrets
import ssl
from typing import Any, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import parse_http_list, parse_keqv_list

from tests.simulators.coverage import Recorder

from .config import VARIABLE, Config
from .config_keys import ACTIONURL
from .dialects import Dialect
from .envelope import encode

PATIENCE = 3.0
KEPT = 1000
STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})")


class Result(StrEnum):
    """What became of a request of the device."""

    ANSWERED = "answered"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    # The server's certificate is not one the device accepts.
    TLS = "tls"
    BAD_URL = "bad_url"


class Sent(NamedTuple):
    """A request that the device made."""

    event: str
    method: str
    url: str
    result: Result
    status: int | None


class ActionUrls:
    """Sends one after another, each once; what fails is lost."""

    def __init__(
        self,
        dialect: Dialect,
        config: Config,
        facts: Callable[[], Mapping[str, str]],
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
        online: Callable[[], bool],
    ) -> None:
        """`facts` are the variables that every event has."""
        self.sent: deque[Sent] = deque(maxlen=KEPT)
        # Accept any certificate, as after an import of the server's.
        self.trusting = False
        self.patience = PATIENCE
        self._dialect = dialect
        self._config = config
        self._facts = facts
        self._spawn = spawn
        self._online = online
        self._recorder = Recorder("akuvox")
        self._waiting: deque[tuple[str, str]] = deque()
        self._worker: asyncio.Task[None] | None = None

    def boot(self) -> None:
        """Forget the pushes that were not sent."""
        self._waiting.clear()

    def fire(self, event: str, **variables: str) -> None:
        """Send the URL of an event, if the device has that event and a URL for it."""
        url = self._config[ACTIONURL + event]
        if self._config[f"{ACTIONURL}Enable"] == "1" and url:
            self.send(event, self.substitute(url, {**self._facts(), "active_url": event, **variables}))

    def send(self, event: str, url: str) -> None:
        """Queue a request."""
        self._waiting.append((event, url))
        if self._worker is None or self._worker.done():
            self._worker = self._spawn(self._work())

    @staticmethod
    def substitute(url: str, variables: Mapping[str, str]) -> str:
        """Put values in without escaping them; what the event does not have stays as it is written."""
        return VARIABLE.sub(lambda found: variables.get(found[1], found[0]), url)

    async def _work(self) -> None:
        while self._waiting:
            event, url = self._waiting.popleft()
            post = self._dialect.posts_action_urls and self._config[f"{ACTIONURL}Method"] in ("1", "POST")
            method = "POST" if post else "GET"
            status: int | None = None
            try:
                async with asyncio.timeout(self.patience):
                    status = await self._request(method, url)
                result = Result.ANSWERED
            except ssl.SSLError:
                result = Result.TLS
            except TimeoutError:
                result = Result.TIMEOUT
            except OSError, EOFError:
                result = Result.UNREACHABLE
            except ValueError:
                result = Result.BAD_URL
            self.sent.append(Sent(event, method, url, result, status))
            if status is not None and 200 <= status < 300:
                self._recorder.event(event)

    async def _request(self, method: str, url: str) -> int:
        if not self._online():
            raise ConnectionError("the cable is pulled")
        parts = urlsplit(url)
        if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
            raise ValueError("no address")
        status, challenge = await self._exchange(method, parts, "")
        if status == 401 and challenge.lower().startswith("digest "):
            name = unquote(parts.username or "") or self._config[f"{ACTIONURL}UserName"]
            password = unquote(parts.password or "") or self._config[f"{ACTIONURL}Password"]
            if name:
                given = digest_answer(challenge[7:], method, target(parts, method), name, password)
                status, _ = await self._exchange(method, parts, given)
        return status

    async def _exchange(self, method: str, parts: SplitResult, authorization: str) -> tuple[int, str]:
        context = None
        if parts.scheme.lower() == "https":
            # It knows no authority, so every certificate is refused unless it trusts all.
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            if self.trusting:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
        port = parts.port or (443 if context else 80)
        reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=context)
        try:
            body = encode(parts.query) if method == "POST" else b""
            host = parts.netloc.rpartition("@")[2]
            lines = [f"{method} {target(parts, method)} HTTP/1.1", f"Host: {host}", "User-Agent: Akuvox"]
            if method == "POST":
                lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
            if authorization:
                lines.append(f"Authorization: {authorization}")
            writer.write(encode("\r\n".join([*lines, "Connection: close", "", ""])) + body)
            await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError as error:
            raise ConnectionError("no answer to HTTP") from error
        finally:
            writer.transport.abort()
        found = STATUS_LINE.match(head)
        if found is None:
            raise ConnectionError("no answer to HTTP")
        challenge = re.search(rb"(?im)^WWW-Authenticate:\s*(.+?)\s*$", head)
        return int(found[1]), challenge[1].decode("latin-1") if challenge else ""


def target(parts: SplitResult, method: str) -> str:
    """Return the target of the request line; a POST has the query in its body."""
    path = parts.path or "/"
    return f"{path}?{parts.query}" if parts.query and method == "GET" else path


def digest_answer(challenge: str, method: str, uri: str, name: str, password: str) -> str:
    """Answer a challenge for Digest (RFC 2617), MD5 only."""

    def md5(text: str) -> str:
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    given = parse_keqv_list(parse_http_list(challenge))
    realm, nonce, cnonce = given.get("realm", ""), given.get("nonce", ""), secrets.token_hex(8)
    middle = f"{nonce}:00000001:{cnonce}:auth" if "qop" in given else nonce
    response = md5(f"{md5(f'{name}:{realm}:{password}')}:{middle}:{md5(f'{method}:{uri}')}")
    answer = f'Digest username="{name}", realm="{realm}", nonce="{nonce}", uri="{uri}", response="{response}"'
    if "opaque" in given:
        answer += f', opaque="{given["opaque"]}"'
    return answer + (f', qop=auth, nc=00000001, cnonce="{cnonce}"' if "qop" in given else "")
