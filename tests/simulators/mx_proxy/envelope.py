"""Replies and errors, and a request on its way to a function."""

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
import gzip
import json
import re
from typing import Any

from aiohttp import web

from .users import User

SERVER = "MXProxy/2.1"
JSON = "application/json; charset=utf-8"
# Go escapes these in JSON (captured in the reply of conferences/info).
ESCAPED = str.maketrans({char: f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"})
GO_KINDS = {str: "string", bool: "bool", int: "number", float: "number", list: "array", dict: "object"}
GO_TYPES = {str: "string", bool: "bool", int: "int64"}

type Json = dict[str, Any]
# What a function answers: an object, a file, or nothing (204).
type Answer = Json | File | None
type Handler = Callable[[Call], Coroutine[Any, Any, Answer]]
type Struct = Mapping[str, type]


class ApiError(Exception):
    """Ends a request with `{"error": text}`; a challenge is the value of WWW-Authenticate."""

    def __init__(self, status: int, text: str, challenge: str = "") -> None:
        """The status carries the code, the body has the text only."""
        super().__init__(status, text)
        self.status = status
        self.text = text
        self.challenge = challenge


class CstaError(ValueError):
    """What the MX refuses; which status it becomes depends on the function."""

    def __init__(self, text: str = "invalidCallIdentifier") -> None:
        """The text is the reason in the MX's words."""
        super().__init__(text)
        self.text = text


def not_found() -> ApiError:
    """What unknown paths, methods and voicemails get."""
    return ApiError(404, "not found")


@dataclass(frozen=True, slots=True)
class File:
    """A file to download; its name has a slash in it."""

    name: str
    chunks: Callable[[], AsyncIterator[bytes]]
    media_type: str


def to_json(body: object) -> bytes:
    """Write it as Go does: indented, some characters escaped, a line feed at the end."""
    return f"{json.dumps(body, indent=4, ensure_ascii=False).translate(ESCAPED)}\n".encode()


def lean(**fields: Any) -> Json:
    """Leave out fields with empty values."""
    return {name: value for name, value in fields.items() if value not in ("", None, 0) or value is False}


def full(rows: list[Json]) -> list[Json] | None:
    """Return a list as the server writes it: null if it is empty."""
    return rows or None


def reply(request: web.BaseRequest, body: object, status: int = 200) -> web.Response:
    """Answer with JSON, packed for who takes it so."""
    data = to_json(body)
    headers = {"Content-Type": JSON, "Server": SERVER}
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        data = gzip.compress(data)
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=data, status=status, headers=headers)


def refusal(request: web.BaseRequest, error: ApiError) -> web.Response:
    """Answer with an error."""
    response = reply(request, {"error": error.text}, error.status)
    if error.challenge:
        response.headers["WWW-Authenticate"] = error.challenge
    return response


@dataclass(slots=True)
class Call:
    """One request of a user who is logged in, with the variable parts of its path."""

    user: User
    parts: Mapping[str, str]
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def call_id(self) -> int:
        """Return the number of the call in the path."""
        text = self.parts["callId"]
        # Go's, which takes neither spaces nor underscores.
        if not re.fullmatch(r"[+-]?[0-9]+", text):
            raise ApiError(404, f'strconv.ParseInt: parsing "{text}": invalid syntax')
        if not -(2**63) <= int(text) < 2**63:
            raise ApiError(404, f'strconv.ParseInt: parsing "{text}": value out of range')
        return int(text)

    def bind(self, struct: Struct) -> Json:
        """Read the known fields of a JSON body; others, such as `deviceName`, are ignored.

        A field of type `object` stands for a server that takes any JSON value there.
        """
        content_type = self.headers.get("Content-Type", "")
        if not content_type:
            raise ApiError(400, "empty content type")
        if content_type.partition(";")[0].strip().lower() != "application/json":
            raise ApiError(400, "unsupported content type")
        content = _parse(self.body)
        if not isinstance(content, dict):
            raise ApiError(500, f"json: cannot unmarshal {_kind(content)} into Go value of type struct")
        # Go does not mind the case of a name.
        names = {name.lower(): name for name in struct}
        found: Json = {}
        for key, value in content.items():
            name = names.get(key.lower())
            if name is None or (value is None and struct[name] is not object):
                continue
            if struct[name] is not object and type(value) is not struct[name]:
                wanted = GO_TYPES[struct[name]]
                raise ApiError(
                    500, f"json: cannot unmarshal {_kind(value)} into Go struct field .{name} of type {wanted}"
                )
            found[name] = value
        return found


def _kind(value: object) -> str:
    return GO_KINDS.get(type(value), "null")


def _parse(body: bytes) -> object:
    """Read the first JSON value; one that is not whole is an error of the server, not the client's (500)."""
    text = body.decode("utf-8", "replace").lstrip()
    if not text:
        raise ApiError(500, "EOF")
    try:
        content: object = json.JSONDecoder().raw_decode(text)[0]
    except json.JSONDecodeError as error:
        position = error.pos
        key = "property name" in error.msg or "trailing comma" in error.msg
        if "trailing comma" in error.msg:
            position = len(text) - len(text[position + 1 :].lstrip())
        if position >= len(text) or error.msg.startswith("Unterminated"):
            raise ApiError(500, "unexpected EOF") from None
        what = "object key string" if key else "value"
        raise ApiError(500, f"invalid character '{text[position]}' looking for beginning of {what}") from None
    return content
