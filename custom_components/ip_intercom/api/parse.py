"""Reading JSON from devices: missing fields are tolerated, numbers that come as text are numbers."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

type Fields = Mapping[str, object]

_TRUE = frozenset({"1", "true", "t", "yes", "on", "in"})
_FALSE = frozenset({"0", "false", "f", "no", "off", "out"})


def fields(value: object) -> Fields:
    """Return ``value`` when it is a JSON object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def objects(value: object) -> tuple[Fields, ...]:
    """Return the JSON objects in a JSON array; anything else in it is passed over."""
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        return ()
    return tuple(item for item in value if isinstance(item, Mapping))


def texts(value: object) -> tuple[str, ...]:
    """Return the strings in a JSON array."""
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        return ()
    return tuple(item for item in value if isinstance(item, str))


def text(value: object) -> str | None:
    """Return a string, a number as its digits, nothing for empty or missing.

    JSON can name characters that no text can have (half of a pair); they are replaced, or nobody could be told.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value).encode(errors="replace").decode() or None


def integer(value: object) -> int | None:
    """Return a whole number that may have come as text."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str):
        try:
            return int(value.strip())
        except ValueError:
            return None
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


def member[E: StrEnum](kind: type[E], value: object) -> E | None:
    """Return the member of ``kind`` that a string names, None for one that it does not know."""
    try:
        return kind(text(value) or "")
    except ValueError:
        return None
