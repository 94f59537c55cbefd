"""Reading JSON from devices: missing fields are tolerated, numbers that come as text are numbers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from enum import StrEnum
import json
import math

from .errors import UnexpectedReply

type Fields = Mapping[str, object]

# No reply of any device is nested as deeply; what walks through a reply may recurse.
_MAX_DEPTH = 200
# Longer numbers are beyond every counter and clock.
_MAX_DIGITS = 18
# A number this long is kept for sending it back; Python takes seconds for a longer one, or refuses it.
_MAX_KEPT_DIGITS = 1000
_MAX_INTEGER = 10**_MAX_DIGITS
_BLANKS = "\ufeff \t\r\n"

_TRUE = frozenset({"1", "true", "t", "yes", "on", "in"})
_FALSE = frozenset({"0", "false", "f", "no", "off", "out"})


def decode_json(body: bytes | str) -> object:
    """Return what a device says in JSON, None for anything else.

    A broken character loses itself only, a number that no clock or counter has becomes None, and absurd depth is no
    JSON of a device.
    """
    try:
        plain = body if isinstance(body, str) else body.decode(json.detect_encoding(body), "replace")
        found, end = decode_json_prefix(plain)
    except ValueError:
        return None
    return None if plain[end:].strip(_BLANKS) else found


def decode_json_prefix(plain: str, begin: int = 0) -> tuple[object, int]:
    """Return the JSON value that a text has at a position, and where it ends.

    Raises:
        ValueError: There is none, or one of absurd depth or size.
    """
    while begin < len(plain) and plain[begin] in _BLANKS:
        begin += 1
    try:
        found, end = _DECODER.raw_decode(plain, begin)
    except (RecursionError, MemoryError) as err:
        raise ValueError("absurd JSON") from err
    _check_depth(found)
    return found, end


def _check_depth(found: object) -> None:
    level = [found]
    for _ in range(_MAX_DEPTH):
        inner = [item for item in level if isinstance(item, dict | list)]
        if not inner:
            return
        level = [value for item in inner for value in (item.values() if isinstance(item, dict) else item)]
    raise ValueError("absurd JSON")


def _whole(digits: str) -> int | None:
    return int(digits) if len(digits) <= _MAX_KEPT_DIGITS else None


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


# Control characters in texts are tolerated, as devices send them; NaN and Infinity are no numbers.
_DECODER = json.JSONDecoder(strict=False, parse_int=_whole, parse_float=_finite, parse_constant=lambda _: None)


def fields(value: object) -> Fields:
    """Return ``value`` when it is a JSON object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def objects(value: object) -> tuple[Fields, ...]:
    """Return the JSON objects in a JSON array; anything else in it is passed over."""
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        return ()
    return tuple(item for item in value if isinstance(item, Mapping))


def row(value: object) -> Fields | None:
    """Return ``value`` when it is a JSON object, else nothing."""
    return value if isinstance(value, Mapping) else None


def readable[R, T](path: str, rows: Iterable[R], read: Callable[[R], T | None]) -> tuple[T, ...]:
    """Return what the rows of a list tell; those that cannot be read are left out.

    Raises:
        UnexpectedReply: There are some, and none of them can be read: that is no empty list.
    """
    rows = tuple(rows)
    found = tuple(item for each in rows if (item := read(each)) is not None)
    if rows and not found:
        raise UnexpectedReply(f"{path} answered a list of which nothing can be read")
    return found


def texts(value: object) -> tuple[str, ...]:
    """Return the strings in a JSON array."""
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        return ()
    return tuple(item for item in value if isinstance(item, str))


def text(value: object) -> str | None:
    """Return a string, a number as its digits, nothing for empty or missing.

    JSON can name characters that no text can have (half of a pair); they are replaced so the text can be encoded.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value).encode(errors="replace").decode() or None


def string(value: object) -> str:
    """Return what ``text`` does, an empty text for missing."""
    return text(value) or ""


def integer(value: object) -> int | None:
    """Return a whole number that may have come as text; None for one that no counter or clock has."""
    number: int | None = None
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        number = int(value)
    elif isinstance(value, str) and len(value) <= 2 * _MAX_DIGITS:
        try:
            number = int(value.strip())
        except ValueError:
            return None
    return number if number is not None and abs(number) < _MAX_INTEGER else None


def positive(value: object) -> int | None:
    """Return a whole number above zero."""
    number = integer(value)
    return number if number is not None and number > 0 else None


def decimal(value: object) -> float | None:
    """Return a number that may have come as text."""
    try:
        number = float(text(value) or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def instant(seconds: float | None) -> datetime | None:
    """Return a time in Unix seconds, None for one that no calendar has."""
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except OverflowError, OSError, ValueError:
        return None


def flag(value: object) -> bool | None:
    """Return a truth value that may have come as 0/1 or as text, ``in``/``out`` included."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and value in {0, 1}:
        return bool(value)
    if isinstance(value, str):
        word = value.strip().lower()
        if word in _TRUE:
            return True
        if word in _FALSE:
            return False
    return None


def plausible(when: datetime) -> datetime | None:
    """Return a local time that can be moved to any zone, None for one at the edge of the calendar."""
    return when if MINYEAR < when.year < MAXYEAR else None


def member[E: StrEnum](kind: type[E], value: object) -> E | None:
    """Return the member of ``kind`` that a string names, None for one that it does not know."""
    try:
        return kind(text(value) or "")
    except ValueError:
        return None
