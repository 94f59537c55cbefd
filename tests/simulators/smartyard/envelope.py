"""Replies and errors, and a request on its way to a function."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
import json
import random
from typing import Any

from aiohttp import web

from .dialects import Dialect
from .people import Device, Subscriber
from .texts import OK, STATUS, UNKNOWN, Text

JSON = "application/json"
# Numbers that come as text or as numbers; which, is not to be relied on (field notes 3).
NUMBERS = frozenset({
    "houseId", "flatId", "flatNumber", "domophoneId", "doorId", "entrance", "entranceId", "cameraId", "id", "event",
    "events", "eventType", "objectId", "objectType", "objectMechanizma", "previewType", "watcherId", "count", "chat",
    "port", "cctv", "whiteRabbit", "duration",
})  # fmt: skip

type Json = dict[str, Any]
# What a function answers: data, nothing (204), or a success without data (200).
type Answer = object
type Handler = Callable[[Call], Answer]

# What the independent server refuses in the envelope of the published one; all else by one word.
ENVELOPED = frozenset({401, 403, 422, 429})

# A success that says 200 and has no data all the same (capture 57).
BARE = object()


class ApiError(Exception):
    """Ends a request with a status; the message is for people, the name is the same unless it is given.

    A `reason` comes in the data instead: the message is that of the status then.
    """

    def __init__(
        self, status: int, message: Text | None = None, name: Text | None = None, reason: Text | None = None
    ) -> None:
        """Take the usual text of the status unless there is a message."""
        super().__init__(status)
        self.status = status
        self.message = message or STATUS.get(status, UNKNOWN)
        self.name = name or self.message
        self.reason = reason


def to_json(body: object) -> bytes:
    """Write it as PHP does: without blanks, slashes escaped, letters as they are."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).replace("/", "\\/").encode()


class Loose:
    """Writes numbers sometimes as text; the choices are the same for the same seed."""

    def __init__(self, seed: int | None) -> None:
        """Without a seed everything has the type that it has in the captures."""
        self._random = None if seed is None else random.Random(seed)
        # Whether lists are objects, as PHP writes a list from which an item was removed.
        self.holes = False

    def write(self, value: object, name: str = "") -> object:
        """Return data, with the types of numbers varied."""
        if isinstance(value, Mapping):
            return {key: self.write(content, key) for key, content in value.items()}
        if isinstance(value, list):
            written = [self.write(content) for content in value]
            return dict(enumerate(written, 1)) if self.holes and written else written
        if self._random is None or name not in NUMBERS or isinstance(value, bool):
            return value
        if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()):
            return self._random.choice((int(value), str(value)))
        return value


def success(answer: Answer, language: str, loose: Loose) -> web.Response:
    """Answer with an envelope; nothing and empty lists are 204 with an empty body."""
    headers = {"Content-Type": JSON}
    if answer is None or answer == []:
        return web.Response(status=204, headers=headers)
    text = OK.in_language(language)
    body: Json = {"code": 200, "name": text, "message": text}
    if answer is not BARE:
        body["data"] = loose.write(answer)
    return web.Response(body=to_json(body), headers=headers)


def refusal(error: ApiError, language: str, dialect: Dialect) -> web.Response:
    """Answer with an error, the status of which is its code."""
    message = error.message.in_language(language)
    body: Json = {"code": error.status, "name": error.name.in_language(language), "message": message}
    if error.reason is not None:
        body["data"] = {"error": error.reason.in_language(language)}
    if dialect is Dialect.AXIOS and error.status not in ENVELOPED:
        body = {"error": message}
    return web.Response(body=to_json(body), status=error.status, headers={"Content-Type": JSON})


@dataclass(slots=True)
class Call:
    """One request with what its sender is known by; a request that needs no token has neither."""

    body: Json
    language: str
    headers: Mapping[str, str]
    device: Device | None = None
    subscriber: Subscriber | None = None

    @property
    def who(self) -> Subscriber:
        """Return the subscriber of the token."""
        if self.subscriber is None:
            raise ApiError(403)
        return self.subscriber

    @property
    def by(self) -> Device:
        """Return the device of the token."""
        if self.device is None:
            raise ApiError(403)
        return self.device

    def text(self, name: str) -> str:
        """Return a parameter as text, empty when there is none."""
        value = self.body.get(name)
        return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""

    def number(self, name: str) -> int:
        """Return a parameter as PHP makes a number of it: 0 when it is none."""
        text = self.text(name)
        return int(text) if text.isascii() and text.removeprefix("-").isdecimal() else 0

    def needed(self, name: str) -> int:
        """Return a required number."""
        if not (value := self.number(name)):
            raise ApiError(422)
        return value


def parse(data: bytes) -> Json:
    """Read the parameters; a value that is no object has none."""
    try:
        content = json.loads(data or b"{}")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
