"""All functions of a client, found by their signatures, and arguments for them."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import is_dataclass
from datetime import UTC, datetime
from enum import Enum
import inspect
from io import BytesIO
from operator import attrgetter
from typing import Any, get_type_hints

JPEG = b"\xff\xd8\xff\xe0" + b"x" * 60 + b"\xff\xd9"
_NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
_VALUES: Mapping[object, object] = {str: "1", int: 1, float: 1.0, bool: True, bytes: JPEG, object: "1"}

type Function = Callable[[], Awaitable[None]]


def names(client: object, prefix: str = "") -> Iterator[str]:
    """Iterate over the names of the functions that send requests: of an object, and of the groups in its attributes."""
    for name in dir(client):
        # The functions of the groups use these.
        if name.startswith("_") or name in {"client", "transport"}:
            continue
        value = getattr(client, name)
        if inspect.ismethod(value) and _is_request(value):
            yield prefix + name
        elif not prefix and name in vars(client) and type(value).__module__.startswith("custom_components"):
            yield from names(value, f"{name}.")


def bound(client: object, name: str, given: Mapping[str, object]) -> Function:
    """Return a call of a function that reads what it streams to the end.

    Args:
        client: The object that has the function.
        name: Name of the function, with a dot after its group.
        given: Arguments by the name of their parameter; others follow from the types.
    """
    function: Callable[..., Any] = attrgetter(name)(client)
    arguments = dict(_arguments(function, given))

    async def call() -> None:
        if "file" in arguments:
            arguments["file"] = BytesIO(JPEG)
        found = function(**arguments)
        if inspect.isasyncgenfunction(inspect.unwrap(function)):
            async with found as stream:
                await _read(stream)
        elif hasattr(stream := await found, "chunks"):
            await _read(stream)

    return call


def _is_request(function: Callable[..., Any]) -> bool:
    plain = inspect.unwrap(function)
    return inspect.iscoroutinefunction(plain) or inspect.isasyncgenfunction(plain)


async def _read(stream: Any) -> None:
    async for _ in stream.chunks():
        pass


def _arguments(function: Callable[..., Any], given: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    hints = get_type_hints(inspect.unwrap(function) if inspect.isroutine(function) else function)
    for name, parameter in inspect.signature(function).parameters.items():
        if name in given:
            yield name, given[name]
        elif parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD:
            yield name, _value(name, hints[name])


def _value(name: str, hint: Any) -> object:
    if name == "size" and hint is int:
        return len(JPEG)
    if hint in _VALUES:
        return _VALUES[hint]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return next(iter(hint))
    if isinstance(hint, type) and is_dataclass(hint):
        return hint(**dict(_arguments(hint, {})))
    text = str(hint)
    if "IO[bytes]" in text:
        return None
    if "datetime.date" in text:
        return _NOW if "datetime.datetime" in text else _NOW.date()
    if "tuple[int, int]" in text:
        return (640, 480)
    if ", ...]" in text:
        return ()
    if "Sequence" in text or "Iterable" in text:
        return [{"name": "x", "ID": "1"}] if "Mapping" in text or "Data" in text else ["1"]
    if any(word in text for word in ("Mapping", "Data", "Fields")):
        return {"Name": "x"}
    if " | " in text:
        return "1"
    raise TypeError(f"no argument for {name}: {text}")
