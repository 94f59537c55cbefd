"""Tolerant parsing of JSON from devices: missing fields, numbers sent as text, and times of unset clocks are accepted."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta
from enum import StrEnum
import json
import math

from .errors import UnexpectedReply

type Fields = Mapping[str, object]

# No response of a device is nested as deeply, and code that walks through a response may recurse.
_MAX_DEPTH = 200
# Longer numbers exceed every counter and clock.
_MAX_DIGITS = 18
# The longest integer that is kept to be sent back; parsing longer ones is slow or rejected by Python.
_MAX_KEPT_DIGITS = 1000
_MAX_INTEGER = 10**_MAX_DIGITS
_BLANKS = "\ufeff \t\r\n"

_TRUE = frozenset({"1", "true", "t", "yes", "on", "in"})
_FALSE = frozenset({"0", "false", "f", "no", "off", "out"})

# Seconds after which a ring is not live any more.
LIVE_WINDOW = 5.0

# No supported device is older; an earlier time means that the clock is not set.
_EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)


def decode_json(body: bytes | str) -> object:
    """Return the decoded JSON of a device, None if it is invalid.

    Invalid characters are replaced, numbers of excessive size become None, and excessive nesting is invalid.
    """
    try:
        plain = body if isinstance(body, str) else body.decode(json.detect_encoding(body), "replace")
        found, end = decode_json_prefix(plain)
    except ValueError:
        return None
    return None if plain[end:].strip(_BLANKS) else found


def decode_json_prefix(plain: str, begin: int = 0) -> tuple[object, int]:
    """Return the JSON value at a position of a text, and the position after it.

    Raises:
        ValueError: There is no valid value, or its nesting or size is excessive.
    """
    while begin < len(plain) and plain[begin] in _BLANKS:
        begin += 1
    try:
        found, end = _DECODER.raw_decode(plain, begin)
    except (RecursionError, MemoryError) as err:
        raise ValueError("excessive JSON") from err
    # Most replies are too short to be deep.
    if plain.count("{", begin, end) + plain.count("[", begin, end) >= _MAX_DEPTH:
        _check_depth(found)
    return found, end


def _check_depth(found: object) -> None:
    level = [found]
    for _ in range(_MAX_DEPTH):
        inner = [item for item in level if isinstance(item, dict | list)]
        if not inner:
            return
        level = [value for item in inner for value in (item.values() if isinstance(item, dict) else item)]
    raise ValueError("excessive JSON")


def _whole(digits: str) -> int | None:
    return int(digits) if len(digits) <= _MAX_KEPT_DIGITS else None


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


# Devices send control characters in strings; NaN and Infinity become None.
_DECODER = json.JSONDecoder(strict=False, parse_int=_whole, parse_float=_finite, parse_constant=lambda _: None)


def fields(value: object) -> Fields:
    """Return ``value`` if it is a JSON object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def objects(value: object) -> tuple[Fields, ...]:
    """Return the JSON objects in a JSON array; other items are skipped.

    An object that has only objects in it is an array as well: PHP writes one from which an item was removed like that.
    """
    if isinstance(value, Mapping) and all(isinstance(item, Mapping) for item in value.values()):
        return tuple(value.values())
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        return ()
    return tuple(item for item in value if isinstance(item, Mapping))


def listed(content: object, name: str) -> list[object] | None:
    """Return a list, or the one with a name in an object; null is an empty list. None if there is none."""
    value = fields(content).get(name, content)
    return [] if value is None else value if isinstance(value, list) else None


def present[V](values: Mapping[str, V | None]) -> dict[str, V]:
    """Return the values that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def row(value: object) -> Fields | None:
    """Return ``value`` if it is a JSON object, else None."""
    return value if isinstance(value, Mapping) else None


def readable[R, T](path: str, rows: Iterable[R], read: Callable[[R], T | None]) -> tuple[T, ...]:
    """Return the parsed rows of a list, without those that cannot be parsed.

    Raises:
        UnexpectedReply: The list has rows, but none can be parsed.
    """
    rows = tuple(rows)
    found = tuple(item for each in rows if (item := read(each)) is not None)
    if rows and not found:
        raise UnexpectedReply(f"{path} returned a list without a readable row")
    return found


def texts(value: object) -> tuple[str, ...]:
    """Return the strings in a JSON array."""
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        return ()
    return tuple(item for item in value if isinstance(item, str))


def text(value: object) -> str | None:
    """Return a string, or a number as its digits; None if it is empty or missing.

    Lone surrogates, which JSON can contain, are replaced so that the text can be encoded.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    found = str(value)
    return (found if found.isascii() else found.encode(errors="replace").decode()) or None


def string(value: object) -> str:
    """Return the result of ``text``, an empty string if missing."""
    return text(value) or ""


def integer(value: object) -> int | None:
    """Return an integer that may be sent as text; None if it exceeds every counter and clock."""
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
    """Return an integer above zero, None for anything else."""
    number = integer(value)
    return number if number is not None and number > 0 else None


def decimal(value: object) -> float | None:
    """Return a number that may be sent as text."""
    try:
        number = float(text(value) or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def instant(seconds: float | None) -> datetime | None:
    """Return a time from Unix seconds, None if it is out of range."""
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except OverflowError, OSError, ValueError:
        return None


def flag(value: object) -> bool | None:
    """Return a boolean that may be sent as 0/1 or as text, including ``in``/``out``."""
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
    """Return a local time that can be converted to any time zone, None at the limits of the calendar."""
    return when if MINYEAR < when.year < MAXYEAR else None


def member[E: StrEnum](kind: type[E], value: object) -> E | None:
    """Return the member of ``kind`` with this value, None if it is unknown."""
    try:
        return kind(text(value) or "")
    except ValueError:
        return None


def is_set(when: datetime) -> bool:
    """Return whether a time comes from a clock that is set."""
    return when.replace(tzinfo=UTC) >= _EARLIEST if when.tzinfo is None else when >= _EARLIEST


def time_of(when: datetime, age: float) -> tuple[datetime, bool]:
    """Return the time of an event, and whether it is the device's; the local time if that clock is not set.

    Args:
        when: Time on the device's clock.
        age: Seconds between the event and its arrival, if known.
    """
    return (when, True) if is_set(when) else (datetime.now(UTC) - timedelta(seconds=age), False)
