"""Answers that no manual describes, and delays."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
import json
import re
from typing import Any

from aiohttp import web

MIB = 2**20
CHUNK = 2**16


class Garbage(StrEnum):
    """Kinds of wrong answers."""

    TRUNCATED = "truncated"
    HTML = "html"
    EMPTY = "empty"
    HUGE = "huge"
    ENDLESS = "endless"


type Bodies = Mapping[str, tuple[str, bytes]]


def bodies(opening: bytes, page: bytes) -> Bodies:
    """Return what a system answers wrongly; `opening` begins an object in an object that is then not finished."""
    return {
        Garbage.TRUNCATED: ("application/json", opening + b'"filler" : ['),
        Garbage.HTML: ("text/html", page),
        Garbage.EMPTY: ("application/json", b""),
        Garbage.HUGE: ("application/json", opening + b'"filler" : "'),
        Garbage.ENDLESS: ("application/json", opening + b'"filler" : "'),
    }


@dataclass(slots=True)
class WrongAnswer:
    """What a path answers instead; `left` counts down, None is for ever."""

    bodies: Bodies
    body: str | bytes
    content_type: str | None = None
    status: int = 200
    mebibytes: int = 64
    left: int | None = None

    async def send(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer with it."""
        default_type, data = self.bodies.get(str(self.body), ("text/plain", b""))
        if self.body not in self.bodies:
            data = self.body.encode() if isinstance(self.body, str) else self.body
        content_type = self.content_type or default_type
        if self.body not in (Garbage.HUGE, Garbage.ENDLESS):
            return web.Response(body=data, status=self.status, headers={"Content-Type": content_type})
        response = web.StreamResponse(status=self.status, headers={"Content-Type": content_type})
        await response.prepare(request)
        with suppress(ConnectionError):
            await response.write(data)
            sent = 0
            while self.body == Garbage.ENDLESS or sent < self.mebibytes * MIB:
                await response.write(b"x" * CHUNK)
                sent += CHUNK
                # Endless, but not at the full speed of the machine.
                await asyncio.sleep(0.01 if self.body == Garbage.ENDLESS else 0)
            await response.write(b'"}}')
        return response


class Fault(StrEnum):
    """What may be wrong with one function while the others work."""

    HANG = "hang"
    RESET = "reset"
    # Half of the true reply, and nothing more on a connection that stays open.
    STALL = "stall"
    # An HTTP status with an empty body; `status` says which. 401 has the challenge of the device.
    STATUS = "status"
    PAGE = "page"
    # What the system itself answers where a function fails: code 14, retcode -100 and the like.
    REFUSED = "refused"
    # JSON that no client should have to bear.
    DEEP = "deep"
    DIGITS = "digits"
    BARE = "bare"
    # The true reply, with values of other types, with texts and numbers in place of lists and objects, with numbers
    # beyond every clock, and with characters that are none.
    WRONG_VALUES = "wrong_values"
    WRONG_SHAPES = "wrong_shapes"
    OVERFLOW = "overflow"
    BROKEN_TEXT = "broken_text"
    CONTROL_TEXT = "control_text"
    # A quotation mark that is not escaped: that is no JSON any more.
    QUOTED_TEXT = "quoted_text"
    # The true reply one byte a second; carried out, but the connection is reset in place of the reply.
    DRIP = "drip"
    LOST = "lost"
    # Nothing, the first half of the true reply as if it were all of it, and 100 MiB.
    EMPTY = "empty"
    CUT = "cut"
    HUGE = "huge"
    # The true reply with words that no manual has, with each row twice, and with its rows in the other order.
    UNKNOWN_WORDS = "unknown_words"
    DOUBLED = "doubled"
    REVERSED = "reversed"


DEPTH = 100_000
HUGE_MIB = 100
# Seconds between two bytes of a reply that drips.
DRIP_PAUSE = 1.0
DIGIT_COUNT = 10_000
# Beside `NaN` and `Infinity`, which Python reads though they are no JSON.
_BEYOND = (1e308, 10**30, float("nan"), float("inf"), -(10**30))
# Latin-1, a sequence that ends too early, and a byte that UTF-8 does not have.
_BROKEN = b"caf\xe9 \xe2\x82 \xff"
_CONTROLS = b"\x01\t\x1b\x00\r\n"
_HARM = {Fault.BROKEN_TEXT: _BROKEN, Fault.CONTROL_TEXT: _CONTROLS, Fault.QUOTED_TEXT: b'"the tall" '}
# What stays as it is in an envelope: without it no client would look at the rest.
_ENVELOPE = frozenset({"success", "retcode", "action", "code", "name", "message"})
# A word as manuals have them for states and kinds; names, addresses, and numbers are others.
_WORD = re.compile(r"[a-z][a-z_]+")
_PAYLOADS = ("result", "data")


@dataclass(slots=True)
class FunctionFault:
    """A fault of a function; `left` counts down, None is without a limit.

    `text` is where a text is broken: behind these characters, else in an unknown field. `retry_after` and `location`
    are headers.
    """

    fault: Fault
    status: int = 500
    left: int | None = None
    text: str | None = None
    retry_after: str | None = None
    location: str | None = None


class FunctionFaults:
    """The faults of single functions, by path or by method and path (`GET /calls`); `{}` stands for any segment, `*` for any end."""

    def __init__(self) -> None:
        """Begin without any."""
        self._faults: dict[str, FunctionFault] = {}

    def set(self, path: str, fault: FunctionFault | None) -> None:
        """Begin or end a fault of a function."""
        self._faults.pop(path, None)
        if fault is not None:
            self._faults[path] = fault

    def clear(self) -> None:
        """End all of them."""
        self._faults.clear()

    def has(self, fault: FunctionFault) -> bool:
        """Return whether a fault is still there."""
        return any(fault is known for known in self._faults.values())

    def find(self, method: str, path: str) -> FunctionFault | None:
        """Return the fault of a request, and count it."""
        for pattern, fault in self._faults.items():
            wanted, _, segments = pattern.rpartition(" ")
            if wanted not in {"", method} or not _matches(segments, path) or fault.left == 0:
                continue
            if fault.left is not None:
                fault.left -= 1
            return fault
        return None


def _matches(pattern: str, path: str) -> bool:
    wanted, found = pattern.strip("/").split("/"), path.strip("/").split("/")
    if wanted[-1] == "*":
        return found[: len(wanted) - 1] == wanted[:-1]
    return len(wanted) == len(found) and all(
        part == segment or part.startswith("{") for part, segment in zip(wanted, found, strict=True)
    )


def absurd(fault: Fault) -> bytes:
    """Return JSON with absurd values."""
    if fault is Fault.DEEP:
        return b'{"a":[' * (DEPTH // 2)
    if fault is Fault.DIGITS:
        digits = b"1" * DIGIT_COUNT
        return b'{"success":true,"retcode":%b,"code":%b,"expires_in":%b,"result":{}}' % (digits, digits, digits)
    return b'"a text"'


def spoilt(fault: FunctionFault, body: bytes) -> bytes:
    """Return a true reply that came to harm."""
    if (harm := _HARM.get(fault.fault)) is not None:
        if fault.text is not None:
            known = fault.text.encode()
            return body.replace(known, known + harm, 1)
        return body.replace(b"{", b'{"remark":"' + harm + b'",', 1)
    if fault.fault is Fault.CUT:
        return body[: len(body) // 2]
    try:
        found = json.loads(body)
    except ValueError:
        return body
    if (spoil := _ROWS.get(fault.fault)) is not None:
        return json.dumps(_with_rows(found, spoil)).encode()
    return json.dumps(_spoilt_payload(fault.fault, found)).encode()


def _unknown(rows: list[Any]) -> list[Any]:
    return [f"new_{row}" if isinstance(row, str) and _WORD.fullmatch(row) else row for row in rows]


# What becomes of a list; of the values of an object that is no envelope only their words change.
_ROWS: Mapping[Fault, Callable[[list[Any]], list[Any]]] = {
    Fault.DOUBLED: lambda rows: [row for row in rows for _ in range(2)],
    Fault.REVERSED: lambda rows: rows[::-1],
    Fault.UNKNOWN_WORDS: _unknown,
}


def _with_rows(value: object, spoil: Callable[[list[Any]], list[Any]]) -> object:
    if isinstance(value, list):
        return spoil([_with_rows(row, spoil) for row in value])
    if not isinstance(value, dict):
        return value
    found = {name: _with_rows(inner, spoil) for name, inner in value.items()}
    if spoil is _unknown:
        found |= {name: _unknown([inner])[0] for name, inner in found.items() if name not in _ENVELOPE}
        found["new_field"] = "new_value"
    return found


def _spoilt_payload(fault: Fault, found: object) -> object:
    if not isinstance(found, dict):
        return _swap(fault, found)
    payloads = [name for name in _PAYLOADS if name in found] or [name for name in found if name not in _ENVELOPE]
    return {name: _swap(fault, value) if name in payloads else value for name, value in found.items()}


def _swap(fault: Fault, value: object) -> object:
    """Return a value of another type, what is inside a list or an object likewise."""
    if isinstance(value, dict):
        if fault is Fault.WRONG_SHAPES and any(isinstance(inner, dict | list) for inner in value.values()):
            return {name: _misshapen(inner) for name, inner in value.items()}
        return [value] if fault is Fault.WRONG_SHAPES else {name: _swap(fault, inner) for name, inner in value.items()}
    if isinstance(value, list):
        return {"0": value} if fault is Fault.WRONG_SHAPES else [_swap(fault, inner) for inner in value]
    if fault is Fault.WRONG_SHAPES:
        return value
    if isinstance(value, bool) or fault is Fault.OVERFLOW:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return _BEYOND[hash(str(value)) % len(_BEYOND)] if is_number else value if fault is Fault.OVERFLOW else [value]
    return {"odd": value} if isinstance(value, str) else "odd" if isinstance(value, int | float) else value


def _misshapen(value: object) -> object:
    if isinstance(value, dict):
        return [*value.values()]
    return "none" if isinstance(value, list) else value


def read_fault(text: str) -> tuple[str, dict[str, Any]]:
    """Read PATH=FAULT[:STATUS] of a command line, such as ``log/pull=status:503``."""
    path, equals, words = text.partition("=")
    fault, _, status = words.partition(":")
    if not equals or fault not in set(Fault):
        raise ValueError(text)
    return path, {"fault": fault, **({"status": int(status)} if status else {})}
