"""Replies and errors (HTTP API Reply), and a request on its way to a function."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
import json
from typing import Any

from tests.simulators.common.blob import Blob

type Json = dict[str, Any]
type Handler = Callable[[Call], Answer]
type Answer = Reply | File

# "-100 = bad param (/api)" (field notes 4.3).
BAD_PARAM = -100


class ApiError(Exception):
    """Ends a request with a negative reply, usually with HTTP status 200."""

    def __init__(
        self,
        retcode: int = -1,
        message: str = "Error param",
        *,
        action: str | None = None,
        data: Json | None = None,
        status: int = 200,
    ) -> None:
        """Without an action, that of the request."""
        super().__init__(retcode, message)
        self.retcode = retcode
        self.message = message
        self.action = action
        self.data = data
        self.status = status


def bad_param() -> ApiError:
    """What "Error param" says (captures/error_envelopes.md)."""
    return ApiError(BAD_PARAM)


def unsupported(message: str) -> ApiError:
    """What a device says that does not know the function; `unknow` is its spelling."""
    return ApiError(-1, message, action="unknow")


@dataclass(frozen=True, slots=True)
class Reply:
    """A positive reply; `bare` leaves out action and message."""

    data: Any = None
    retcode: int = 0
    message: str = "OK"
    action: str | int | None = None
    bare: bool = False

    def body(self, action: str) -> Json:
        """Return the JSON object."""
        body: Json = {"retcode": self.retcode}
        if not self.bare:
            body |= {"action": action if self.action is None else self.action, "message": self.message}
        return body if self.data is None else {**body, "data": self.data}


@dataclass(frozen=True, slots=True)
class File:
    """A file to download, piece by piece."""

    name: str
    size: int
    chunks: Iterable[bytes]

    @classmethod
    def of(cls, name: str, data: bytes | str) -> File:
        """Return a file that is at hand."""
        content = data if isinstance(data, bytes) else encode(data)
        return cls(name, len(content), (content,))


def encode(text: str) -> bytes:
    """Return the bytes of a text; those that are no UTF-8 are surrogates in it."""
    return text.encode("utf-8", "surrogateescape")


def to_json(body: object) -> bytes:
    """Write it as the device does, which hands out the bytes it holds."""
    return encode(json.dumps(body, ensure_ascii=False))


def as_text(value: object) -> str:
    """Return a value as the device stores it: everything is text."""
    return str(int(value)) if isinstance(value, bool) else str(value)


@dataclass(slots=True)
class Call:
    """One authorised request: `data` is the query of a GET or the `data` of a POST."""

    method: str
    target: str
    action: str
    data: Json = field(default_factory=dict)
    files: Mapping[str, Blob] = field(default_factory=dict)

    def text(self, *names: str) -> str | None:
        """Return the first parameter that is present."""
        return next((as_text(self.data[name]) for name in names if name in self.data), None)

    def integer(self, name: str, low: int, high: int, default: int | None = None) -> int:
        """Return a number in low…high."""
        text = self.text(name)
        if text is None and default is not None:
            return default
        try:
            value = int(text or "")
        except ValueError:
            raise bad_param() from None
        if not low <= value <= high:
            raise bad_param()
        return value

    def items(self) -> list[dict[str, Any]]:
        """Return `data.item` of add, set and del."""
        items = self.data.get("item")
        if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
            raise bad_param()
        return items

    def file(self, name: str = "config") -> Blob:
        """Return an uploaded file; the key is as the manual's pictures show it."""
        if (blob := self.files.get(name)) is None:
            raise bad_param()
        return blob
