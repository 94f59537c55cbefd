"""Decodes JSON objects into dataclasses, by the types of their fields and by ``Key``."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields as dataclass_fields, is_dataclass
from enum import StrEnum
from functools import cache, partial
from types import NoneType, UnionType
from typing import Annotated, Any, Final, NamedTuple, TypeAliasType, Union, get_args, get_origin, get_type_hints

from .errors import UnexpectedReply
from .parse import Fields, decimal, fields, flag, integer, member, objects, text, texts


class Key:
    """Where the value of a dataclass field is: ``Annotated[str | None, Key("Num", "Number")]``.

    Without a key, the name of the field in camel case is used.

    Args:
        names: Keys to try in order until one has a readable value. A dot leads into a nested object.
        convert: Converts the value, returning None if it is missing or invalid; by default chosen by the type.
        row: Computes the value from the complete object instead.
    """

    __slots__ = ("convert", "names", "row")

    def __init__(
        self,
        *names: str,
        convert: Callable[[object], object] | None = None,
        row: Callable[[Fields], object] | None = None,
    ) -> None:
        self.names = names
        self.convert = convert
        self.row = row


# A value that is passed as an argument, not read from the object.
GIVEN: Final = Key(row=lambda _: None)


class _Field(NamedTuple):
    name: str
    read: Callable[[Fields], object]
    # If the value is missing, the whole object is invalid; otherwise the default or None applies.
    required: bool
    has_default: bool
    names: tuple[str, ...]


def decode[T](kind: type[T], row: object, **given: object) -> T | None:
    """Return a dataclass read from a JSON object, None if a required value is missing or invalid.

    A field is required if it has no default and its type does not admit None.

    Args:
        row: The object; anything else is treated as an empty one.
        given: Values of fields that are already known.
    """
    found = _read(kind, fields(row), given)
    return None if isinstance(found, _Field) else found


def decode_reply[T](kind: type[T], row: object, path: str, **given: object) -> T:
    """Decode a response like ``decode``.

    Raises:
        UnexpectedReply: A required value is missing or invalid; ``path`` is the requested path.
    """
    found = _read(kind, fields(row), given)
    if isinstance(found, _Field):
        raise UnexpectedReply(f"{path} answered without {' or '.join(found.names)}")
    return found


def decode_all[T](kind: type[T], rows: object) -> tuple[T, ...]:
    """Return the objects of a JSON array that ``decode`` can read."""
    return tuple(found for row in objects(rows) if (found := decode(kind, row)) is not None)


def _read[T](kind: type[T], row: Fields, given: Mapping[str, object]) -> T | _Field:
    """Return a dataclass, or the required field whose value is missing."""
    make: Any = kind
    values = dict(given)
    for item in _plan(make):
        if item.name in values:
            continue
        value = item.read(row)
        if value is not None:
            values[item.name] = value
        elif item.required:
            return item
        elif not item.has_default:
            values[item.name] = None
    found: T = make(**values)
    return found


@cache
def _plan(kind: Any) -> tuple[_Field, ...]:
    if not is_dataclass(kind):
        raise TypeError(f"{kind} is not a dataclass")
    hints = get_type_hints(kind, include_extras=True)
    keys = {item.name: _key(item.name, hints[item.name]) for item in dataclass_fields(kind)}
    plan = []
    for item in dataclass_fields(kind):
        key = keys[item.name]
        bare, optional = _bare(hints[item.name])
        has_default = item.default is not MISSING or item.default_factory is not MISSING
        read = key.row or _reader(key, bare)
        plan.append(_Field(item.name, read, not has_default and not optional, has_default, key.names))
    return tuple(plan)


def _key(name: str, hint: object) -> Key:
    given = next((item for item in get_args(hint)[1:] if isinstance(item, Key)), None) if _is_annotated(hint) else None
    if given is not None and (given.names or given.row):
        return given
    first, *others = name.split("_")
    return Key(first + "".join(map(str.capitalize, others)), convert=given.convert if given else None)


def _is_annotated(hint: object) -> bool:
    return get_origin(hint) is Annotated


def _bare(hint: Any) -> tuple[Any, bool]:
    """Return a type without ``Annotated`` and without None, and whether it admits None."""
    if _is_annotated(hint):
        hint = get_args(hint)[0]
    if isinstance(hint, TypeAliasType):
        hint = hint.__value__
    if get_origin(hint) not in {Union, UnionType}:
        return hint, False
    kinds = [kind for kind in get_args(hint) if kind is not NoneType]
    return kinds[0] if len(kinds) == 1 else hint, NoneType in get_args(hint)


def _reader(key: Key, bare: Any) -> Callable[[Fields], object]:
    convert = key.convert or _converter(bare)
    if len(key.names) == 1 and "." not in key.names[0]:
        return partial(_value, key.names[0], convert)
    return partial(_first, [name.split(".") for name in key.names], convert)


def _value(name: str, convert: Callable[[object], object], row: Fields) -> object:
    return convert(row.get(name))


def _first(paths: Iterable[list[str]], convert: Callable[[object], object], row: Fields) -> object:
    for *parents, name in paths:
        inner = row
        for parent in parents:
            inner = fields(inner.get(parent))
        if (value := convert(inner.get(name))) is not None:
            return value
    return None


_CONVERTERS: Mapping[object, Callable[[object], object]] = {
    str: text,
    int: integer,
    bool: flag,
    float: decimal,
    tuple[str, ...]: texts,
    Mapping[str, object]: fields,
}


def _converter(kind: Any) -> Callable[[object], object]:
    """Return the converter of a type. A time needs a ``Key``, because each system writes times differently."""
    if (convert := _CONVERTERS.get(kind)) is not None:
        return convert
    if get_origin(kind) is tuple:
        return partial(decode_all, get_args(kind)[0])
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return partial(member, kind)
    if isinstance(kind, type) and is_dataclass(kind):
        return partial(decode, kind)
    raise TypeError(f"no converter for {kind}")
