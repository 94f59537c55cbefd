"""Replies, errors by code and request parameters (HTTP API 2.2 and 2.3)."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
import json
from typing import Any

from aiohttp import web

from tests.simulators.common.blob import Blob

from .config import Account

type Json = dict[str, Any]
type Handler = Callable[[Call], Awaitable[web.StreamResponse]]

INT_MAX = 2**31 - 1
UINT_MAX = 2**32 - 1


class Code(IntEnum):
    """Error codes of HTTP API 2.3."""

    NOT_SUPPORTED = 1
    INVALID_PATH = 2
    INVALID_METHOD = 3
    DISABLED = 4
    INVALID_CONNECTION = 7
    INVALID_AUTH_METHOD = 8
    AUTH_REQUIRED = 9
    INSUFFICIENT_PRIVILEGES = 10
    MISSING_PARAMETER = 11
    INVALID_VALUE = 12
    TOO_BIG = 13
    PROCESSING_ERROR = 14
    NO_DATA = 15
    UNEXPECTED_PARAMETER = 17
    REJECTED = 18
    VERSION_TOO_LOW = 19


DESCRIPTIONS: Mapping[Code, str] = {
    Code.NOT_SUPPORTED: "Function not supported",
    Code.INVALID_PATH: "Invalid request path",
    Code.INVALID_METHOD: "Invalid request method",
    Code.DISABLED: "Function is disabled",
    Code.INVALID_CONNECTION: "Invalid connection type",
    Code.INVALID_AUTH_METHOD: "Invalid authentication method",
    Code.AUTH_REQUIRED: "Authorization required",
    Code.INSUFFICIENT_PRIVILEGES: "Insufficient user privileges",
    Code.MISSING_PARAMETER: "missing mandatory parameter",
    Code.INVALID_VALUE: "invalid parameter value",
    Code.TOO_BIG: "parameter data too big",
    Code.PROCESSING_ERROR: "unspecified processing error",
    Code.NO_DATA: "no data available",
    Code.UNEXPECTED_PARAMETER: "parameter shouldn't be present",
    Code.REJECTED: "request is rejected",
    Code.VERSION_TOO_LOW: "file version is lower than the required minimum",
}


class ApiError(Exception):
    """Ends a request with the error object of HTTP API 2.3, HTTP status 200."""

    def __init__(self, code: Code, param: str | None = None, description: str | None = None) -> None:
        """`param` names the parameter for codes 11, 12, 13 and 17."""
        super().__init__(code, param)
        self.code = code
        self.param = param
        self.description = description or DESCRIPTIONS[code]

    def body(self) -> Json:
        """Return the error object."""
        error: Json = {"code": int(self.code)}
        if self.param is not None:
            error["param"] = self.param
        error["description"] = self.description
        return {"success": False, "error": error}


def action_failed(description: str = "action failed") -> ApiError:
    """Code 14: the overloaded one, only its text contains the reason."""
    return ApiError(Code.PROCESSING_ERROR, description=description)


def reply(body: object, status: int = 200) -> web.Response:
    """Send a value as JSON; the device escapes slashes (the example of 5.14.1)."""
    text = json.dumps(body).replace("/", "\\/")
    return web.Response(body=text.encode(), content_type="application/json", status=status)


def success(result: object = None) -> web.Response:
    """Return a positive reply with or without result."""
    return reply({"success": True} if result is None else {"success": True, "result": result})


def text_or_success(params: Params) -> web.Response:
    """The text of the `response` parameter, which may be empty, instead of the JSON (HTTP API 5.4.3, 5.5.3)."""
    text = params.get("response")
    return success() if text is None else web.Response(text=text, content_type="text/plain")


class Params(dict[str, str]):
    """Parameters by name, last occurrence wins; everything arrives as text."""

    def required(self, name: str) -> str:
        """Return the value, or answer code 11."""
        if (value := self.get(name)) is None:
            raise ApiError(Code.MISSING_PARAMETER, name)
        return value

    def integer(self, name: str, low: int = 0, high: int = INT_MAX, default: int | None = None) -> int:
        """Return a number in low…high, or answer code 11 or 12."""
        if default is not None and name not in self:
            return default
        text = self.required(name)
        try:
            value = int(text) if text.strip() == text else None
        except ValueError:
            value = None
        if value is None or not low <= value <= high:
            raise ApiError(Code.INVALID_VALUE, name)
        return value

    def choice(self, name: str, choices: Mapping[str, object] | frozenset[str]) -> str:
        """Return one of the choices, or answer code 11 or 12."""
        if (value := self.required(name)) not in choices:
            raise ApiError(Code.INVALID_VALUE, name)
        return value

    def flag(self, name: str) -> bool:
        """Return a number that is 0 or 1, or answer code 11 or 12."""
        return self.integer(name, 0, 1) == 1


@dataclass(slots=True)
class Call:
    """One authorized request to a function."""

    request: web.BaseRequest
    account: Account | None
    params: Params = field(default_factory=Params)
    blobs: dict[str, Blob] = field(default_factory=dict)
    body: Json | None = None

    def blob(self, name: str) -> Blob:
        """Return a large parameter, or answer code 11."""
        if (blob := self.blobs.get(name)) is None:
            raise ApiError(Code.MISSING_PARAMETER, name)
        return blob

    def blob_json(self, name: str = "blob-json") -> Json:
        """Return a large parameter that is a JSON object, or answer code 11 or 12."""
        try:
            value = json.loads(self.blob(name).data)
        except ValueError:
            raise ApiError(Code.INVALID_VALUE, name) from None
        if not isinstance(value, dict):
            raise ApiError(Code.INVALID_VALUE, name)
        return value
