"""The systems: adapters that turn a protocol client into the neutral model."""

from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import ClientSession

from ..const import CONF_SYSTEM, SYSTEM_TWO_N
from ..facets import System
from . import two_n

type _Factory = Callable[
    [ClientSession, Mapping[str, Any], Mapping[str, Any], Mapping[str, object] | None],
    System,
]

_FACTORIES: Mapping[str, _Factory] = {SYSTEM_TWO_N: two_n.create}


def create_system(
    session: ClientSession,
    data: Mapping[str, Any],
    options: Mapping[str, Any],
    cursor: Mapping[str, object] | None,
) -> System:
    """Return the system of an entry.

    Args:
        session: For its requests.
        data: The entry's data.
        options: The entry's options.
        cursor: How far its events were read, None for a new one.
    """
    return _FACTORIES[data[CONF_SYSTEM]](session, data, options, cursor)
